/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/runtime.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static char *format_line(const Runtime *runtime, const char *level, const char *text)
{
    time_t now = time(NULL);
    struct tm parts;
    char when[32] = "";

    if (gmtime_r(&now, &parts))
        (void) strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (runtime->log_format && strcmp(runtime->log_format, "json") == 0) {
        _cleanup_json_ json_t *json =
            json_pack("{s:s,s:o,s:s}", "level", level, "msg", json_safe_string(text), "time", when);

        return json ? json_dumps(json, JSON_COMPACT) : NULL;
    } else {
        _cleanup_free_ char *escaped = text_escape(text, SIZE_MAX);

        return escaped ? text_format("time=\"%s\" level=%s msg=\"%s\"", when, level, escaped) : NULL;
    }
}

void runtime_log(const Runtime *runtime, const char *level, const char *text)
{
    _cleanup_free_ char *line = runtime->log_file ? format_line(runtime, level, text) : NULL,
                        *record = line ? text_format("%s\n", line) : NULL;
    _cleanup_close_ int fd = -EBADF;

    log_message(strcmp(level, "error") == 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s", text);
    if (!record)
        return;
    fd = open(runtime->log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd >= 0)
        (void) file_write_all(fd, record, strlen(record));
}

void runtime_notice(const char *text, void *runtime)
{
    runtime_log(runtime, "warning", text);
}

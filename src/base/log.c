/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *program_name = "berth";
static LogLevel maximum_level = LOG_LEVEL_INFO;

void log_set_program(const char *name)
{
    program_name = name;
}

void log_set_level(LogLevel level)
{
    maximum_level = level;
}

static void print_line(const char *label, const char *text)
{
    _cleanup_free_ char *escaped = text_escape(text, SIZE_MAX);

    fprintf(stderr, "%s: %s%s\n", program_name, label, escaped ? escaped : "out of memory");
}

void log_message(LogLevel level, const char *format, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list arguments;

    if (level > maximum_level)
        return;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    print_line(level == LOG_LEVEL_WARNING ? "warning: " : "", text ? text : "out of memory");
}

void error_report(const Error *error, int code)
{
    print_line("", error && error->text ? error->text : strerror(-code));
    if (error && error->hint)
        print_line("hint: ", error->hint);
}

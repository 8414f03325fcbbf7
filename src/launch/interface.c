/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a payload is told of its host and of itself, and whom its supervisor tells of it
 * (https://systemd.io/CONTAINER_INTERFACE). */

#include "launch/internal.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/systemd.h"
#include "kernel/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define OS_RELEASE_MAX_BYTES 65536
#define ID_LENGTH            32

/* "uninitialized", an empty file and the id of no machine are no id. */
static bool is_machine_id(const char *text)
{
    return strspn(text, "0123456789abcdef") == ID_LENGTH && (text[ID_LENGTH] == '\n' || text[ID_LENGTH] == 0) &&
           strspn(text, "0") < ID_LENGTH;
}

/* The id that a system has from its earlier starts: in its tree, or, of an image, in what it wrote. The file is the
 * payload's: never a way out of its root, a device or a pipe that waits. */
static void read_machine_id(Launch *launch)
{
    const ContainerSpec *spec = launch->request.spec;
    _cleanup_close_ int upper_fd = -EBADF, fd = -EBADF;
    _cleanup_free_ char *path = text_format("containers/%s/upper", spec->name), *text = NULL;
    int root_fd = -EBADF;

    if (launch->facts.directory_fd)
        root_fd = launch->fds.fds[launch->facts.directory_fd - 1];
    else if (path && spec->image) {
        upper_fd = resolve_open(launch->request.roster->data_fd, path, O_PATH | O_DIRECTORY);
        root_fd = upper_fd;
    }
    if (root_fd < 0)
        return;
    fd = resolve_open(root_fd, "/etc/machine-id", O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && file_read_fd(fd, 256, &text, NULL) == 0 && is_machine_id(text))
        snprintf(launch->machine_id, sizeof(launch->machine_id), "%.*s", ID_LENGTH, text);
}

static void choose_machine_id(Launch *launch)
{
    const ContainerSpec *spec = launch->request.spec;

    snprintf(launch->machine_id, sizeof(launch->machine_id), "%.*s", ID_LENGTH, spec->uuid ? spec->uuid : launch->id);
    if (!spec->uuid && spec->boot)
        read_machine_id(launch);
    launch->facts.machine_id = launch->machine_id;
}

/* KEY=VALUE of os-release(5) as container_host_key=value; `line` is changed. */
static int add_host_variable(Launch *launch, char *line)
{
    static const char *const names[][2] = {
        {"ID=", "id"}, {"BUILD_ID=", "build_id"}, {"VARIANT_ID=", "variant_id"}, {"VERSION_ID=", "version_id"}};

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        char *value = (char *) (uintptr_t) text_after_prefix(line, names[i][0]);
        size_t length = value ? strlen(value) : 0;

        if (!value)
            continue;
        if (length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0]) {
            value[length - 1] = 0;
            value++;
        }
        /* Identifiers: nothing in them needs unescaping. */
        return value[strcspn(value, "\\$`\"'")]
                   ? 0
                   : strv_append_format(&launch->host_environment, "container_host_%s=%s", names[i][1], value);
    }
    return 0;
}

static int gather_os_release(Launch *launch)
{
    _cleanup_close_ int fd = open("/etc/os-release", O_RDONLY | O_CLOEXEC);
    _cleanup_free_ char *copy = NULL;
    char *state = NULL;
    int r = 0;

    if (fd < 0 || file_read_fd(fd, OS_RELEASE_MAX_BYTES, &launch->host_os_release, NULL) < 0)
        return 0;
    launch->facts.host_os_release = launch->host_os_release;
    copy = strdup(launch->host_os_release);
    if (!copy)
        return -ENOMEM;
    for (char *line = strtok_r(copy, "\n", &state); line && r == 0; line = strtok_r(NULL, "\n", &state))
        r = add_host_variable(launch, line);
    launch->facts.host_environment = launch->host_environment;
    return r;
}

/* The watchdog of the unit that we are in, when it is meant for this process (sd_watchdog_enabled(3)). */
static uint64_t watchdog_usec(void)
{
    const char *usec_text = getenv("WATCHDOG_USEC"), *pid_text = getenv("WATCHDOG_PID");
    uint64_t usec = 0, pid = 0;

    if (!usec_text || text_parse_u64(usec_text, UINT64_MAX, &usec) < 0)
        return 0;
    if (pid_text && (text_parse_u64(pid_text, INT32_MAX, &pid) < 0 || pid != (uint64_t) getpid()))
        return 0;
    return usec;
}

static int gather_unit(Launch *launch, Error *error)
{
    int fd = -EBADF, r;

    if (!launch->request.spec->keep_unit || launch->is_probe)
        return 0;
    r = systemd_notify_open(&fd);
    if (r <= 0)
        return r < 0 ? error_set(error, r, "cannot reach $NOTIFY_SOCKET: %s", strerror(-r)) : 0;
    launch->facts.unit_notify_fd = fd_list_add(&launch->fds, fd, true);
    launch->facts.watchdog_usec = watchdog_usec();
    return 0;
}

int launch_gather_interface(Launch *launch, Error *error)
{
    int r = gather_unit(launch, error);

    choose_machine_id(launch);
    if (r == 0 && launch->request.spec->boot)
        r = gather_os_release(launch);
    return r;
}

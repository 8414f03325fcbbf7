/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status: what a person wants to know first, in the manner of systemctl(1). */

#include "ctl/container.h"
#include "ctl/logs.h"
#include "ctl/processes.h"
#include "ctl/table.h"
#include "ctl/time.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/tty.h"
#include "machines/inside.h"
#include "machines/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* As systemctl(1) has them, from LSB. */
#define EXIT_NOT_RUNNING 3
#define EXIT_UNKNOWN     4

#define LABEL_WIDTH 12
#define TREE_INDENT "              "
#define LOG_LINES   10
#define LINES_MAX   1000000

/* "   Label: value", escaped. Nothing for no value. */
static int print_field(const char *label, const char *value)
{
    _cleanup_free_ char *safe = value ? text_escape_prose(value, SIZE_MAX) : NULL;

    if (!value)
        return 0;
    if (!safe)
        return -ENOMEM;
    printf("%*s: %s\n", LABEL_WIDTH, label, safe);
    return 0;
}

/* Takes `value`; NULL is -ENOMEM. */
static int print_taken(const char *label, char *value)
{
    _cleanup_free_ char *taken = value;

    return taken ? print_field(label, taken) : -ENOMEM;
}

static int append_size(Buffer *buffer, const char *before, uint64_t size_bytes, const char *after)
{
    _cleanup_free_ char *size = text_format_size(size_bytes);

    if (size && size_bytes != UINT64_MAX)
        buffer_append_format(buffer, "%s%s%s", before, size, after);
    return size ? 0 : -ENOMEM;
}

static int print_memory(const MachineUsage *usage)
{
    _cleanup_buffer_ Buffer limits = {}, text = {};
    const char *comma = "";

    if (usage->memory_bytes == UINT64_MAX)
        return 0;
    if (append_size(&text, usage->is_memory_estimated ? "~" : "", usage->memory_bytes, "") < 0 ||
        append_size(&limits, "", usage->memory_peak_bytes, " peak") < 0)
        return -ENOMEM;
    comma = limits.size > 0 ? ", " : "";
    if (append_size(&limits, comma, usage->memory_max_bytes, " at most") < 0)
        return -ENOMEM;
    if (limits.size > 0)
        buffer_append_format(&text, " (%s)", limits.data);
    if (usage->oom_kills > 0 && usage->oom_kills != UINT64_MAX)
        buffer_append_format(&text, ", %llu processes killed for want of it", (unsigned long long) usage->oom_kills);
    return print_taken("Memory", buffer_take(&text));
}

static int print_usage(const MachineUsage *usage)
{
    int r = 0;

    if (usage->tasks != UINT64_MAX)
        r = print_taken("Tasks", usage->tasks_max == UINT64_MAX
                                     ? text_format("%llu", (unsigned long long) usage->tasks)
                                     : text_format("%llu (at most %llu)", (unsigned long long) usage->tasks,
                                                   (unsigned long long) usage->tasks_max));
    if (r == 0)
        r = print_memory(usage);
    /* Below a millisecond the number is noise. */
    if (r == 0 && usage->cpu_usec != UINT64_MAX)
        r = print_taken("CPU",
                        text_format_timespan(usage->cpu_usec < 1000 ? usage->cpu_usec : usage->cpu_usec / 1000 * 1000));
    return r;
}

static Colour state_colour(const Container *container)
{
    switch (container->state) {
    case CONTAINER_RUNNING:
        return COLOUR_GREEN;
    case CONTAINER_PAUSED:
        return COLOUR_YELLOW;
    case CONTAINER_STARTING:
    case CONTAINER_STOPPED:
        return COLOUR_NONE;
    case CONTAINER_EXITED:
        return container->exit.code == 0 ? COLOUR_NONE : COLOUR_RED;
    default:
        return COLOUR_RED;
    }
}

/* "● web - localhost/nginx:latest" */
static int print_title(const Container *container)
{
    const char *of = container->image ? container->image : container->directory;
    _cleanup_free_ char *safe = text_escape(of ? of : "", SIZE_MAX);
    Colour colour = state_colour(container);
    bool is_utf8 = terminal_takes_utf8();

    if (!safe)
        return -ENOMEM;
    printf("%s%s%s %s%s%s\n", colour ? colour_sequence(stdout, colour) : "",
           container_is_running(container) ? (is_utf8 ? "●" : "*") : (is_utf8 ? "○" : "o"),
           colour ? colour_sequence(stdout, COLOUR_NONE) : "", container->name, *safe ? " - " : "", safe);
    return 0;
}

static int print_state_line(const Container *container, const char *words, uint64_t since_usec)
{
    _cleanup_free_ char *at = since_usec ? time_format(since_usec) : strdup("");
    _cleanup_free_ char *relative = since_usec ? time_format_relative(since_usec, time_now_usec()) : strdup("");
    Colour colour = state_colour(container);

    if (!at || !relative)
        return -ENOMEM;
    printf("%*s: %s%s%s%s%s%s%s\n", LABEL_WIDTH, "State", colour ? colour_sequence(stdout, colour) : "", words,
           colour ? colour_sequence(stdout, COLOUR_NONE) : "", since_usec ? " since " : "", at, since_usec ? "; " : "",
           relative);
    return 0;
}

/* --- a running one --- */

static int print_process(const char *label, uint64_t pid)
{
    _cleanup_free_ char *command = NULL;

    if (pid == 0)
        return 0;
    if (process_format_command((pid_t) pid, &command) < 0)
        return print_taken(label, text_format("%llu (gone)", (unsigned long long) pid));
    return print_taken(label, text_format("%llu (%s)", (unsigned long long) pid, command));
}

/* "root is 524288 on the host; 0:524288:65536", both kinds of ids where they differ. */
static int print_id_map(const Machine *machine)
{
    _cleanup_free_ char *uids = strv_join(machine->uid_map, " "), *gids = strv_join(machine->gid_map, " ");

    if (!uids || !gids)
        return -ENOMEM;
    return strcmp(uids, gids) == 0 ? print_taken("Ids", text_format("%s (inside:host:count)", uids))
                                   : print_taken("Ids", text_format("%s, groups %s (inside:host:count)", uids, gids));
}

static int read_namespace(uint64_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%llu/ns/%s", (unsigned long long) pid, name);
    n = readlink(path, text, size - 1);
    if (n < 0)
        return -errno;
    text[n] = 0;
    return 0;
}

/* Which namespaces are its own, which the host's. */
static int print_namespaces(const Machine *machine)
{
    static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
    _cleanup_buffer_ Buffer own = {}, shared = {}, text = {};

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        char theirs[64], ours[64];
        Buffer *list;

        if (read_namespace(machine->leader, names[i], theirs, sizeof(theirs)) < 0 ||
            read_namespace((uint64_t) getpid(), names[i], ours, sizeof(ours)) < 0)
            continue;
        list = strcmp(theirs, ours) == 0 ? &shared : &own;
        buffer_append_format(list, "%s%s", list->size ? " " : "", names[i]);
    }
    if (own.size == 0 && shared.size == 0)
        return 0;
    buffer_append_format(&text, "%s", own.size ? own.data : "none of its own");
    if (shared.size > 0)
        buffer_append_format(&text, " (the host's: %s)", shared.data);
    return print_taken("Namespaces", buffer_take(&text));
}

/* The names of the interfaces in its network namespace, which /proc/PID/net shows without entering, and its addresses. */
static int print_network(const Machine *machine)
{
    char path[64], line[512];
    _cleanup_strv_ char **addresses = NULL;
    _cleanup_buffer_ Buffer text = {};
    FILE *stream;
    int r;

    if (machine->leader == 0)
        return 0;
    if (machine_is_on_host_network(machine))
        return print_field("Network", "the host's");
    snprintf(path, sizeof(path), "/proc/%llu/net/dev", (unsigned long long) machine->leader);
    stream = fopen(path, "re");
    while (stream && fgets(line, sizeof(line), stream)) {
        char *colon = strchr(line, ':'), *name = line + strspn(line, " ");

        if (!colon) /* the two lines of headings */
            continue;
        *colon = 0;
        buffer_append_format(&text, "%s%s", text.size ? " " : "private: ", name);
    }
    if (stream)
        fclose(stream);
    r = text.size ? print_taken("Network", buffer_take(&text)) : print_field("Network", "private");
    if (r == 0)
        r = machine_list_addresses(machine, &addresses);
    if (r == 0 && addresses)
        r = print_taken("Addresses", strv_join(addresses, " "));
    if (r == 0 && machine->ports)
        r = print_taken("Ports", strv_join(machine->ports, " "));
    return r;
}

/* What it calls itself; nothing when it does not. */
static int print_os(const Machine *machine)
{
    _cleanup_free_ char *name = NULL;
    int r = machine_read_os_name(machine, 0, &name);

    return r == -ENOMEM ? r : print_field("OS", name);
}

static int print_origin(const Container *container)
{
    const Machine *machine = container->machine;
    int r = print_field("Definition", container->definition);

    if (r == 0)
        r = print_field("Directory", container->directory);
    if (r == 0 && container->image)
        r = machine && machine->image_id
                ? print_taken("Image", text_format("%s (%.19s)", container->image, machine->image_id))
                : print_field("Image", container->image);
    return r;
}

static unsigned terminal_columns(void)
{
    uint16_t rows = 0, columns = 0;

    if (isatty(STDOUT_FILENO))
        tty_get_size(STDOUT_FILENO, &rows, &columns);
    return columns;
}

/* "healthy, checked 5s ago"; of one that is not, also what its last check wrote. */
static int print_health(const MachineHealth *health)
{
    _cleanup_free_ char *ago = NULL;
    int r;

    if (!health->health_status)
        return 0;
    if (health->health_ended_usec == 0)
        return print_field("Health", health->health_status);
    ago = time_format_relative(health->health_ended_usec, time_now_usec());
    if (!ago)
        return -ENOMEM;
    if (health->health_code == 0 && health->health_failing == 0)
        return print_taken("Health", text_format("%s, checked %s", health->health_status, ago));
    r = print_taken("Health",
                    text_format("%s, checked %s: status %llu, %llu failures in a row", health->health_status, ago,
                                (unsigned long long) health->health_code, (unsigned long long) health->health_failing));
    return r == 0 && !text_is_empty(health->health_output) ? print_field("", health->health_output) : r;
}

static int print_running(const Container *container)
{
    const Machine *machine = container->machine;
    _cleanup_close_ int group_fd = -EBADF;
    MachineUsage usage;
    int r = print_state_line(container, container_state_to_string(container->state),
                             machine->started_usec ? machine->started_usec : machine->created_usec);

    machine_read_usage(machine, &usage);
    (void) machine_open_cgroup(machine, &group_fd);
    if (r == 0)
        r = print_origin(container);
    if (r == 0)
        r = print_os(machine);
    if (r == 0)
        r = print_field("Unit", machine->unit);
    if (r == 0)
        r = print_health(&container->health);
    if (r == 0)
        r = print_process("Leader", machine->leader);
    if (r == 0)
        r = print_process("Supervisor", machine->supervisor);
    if (r == 0)
        r = print_namespaces(machine);
    if (r == 0 && machine->uid_map && machine->uid_map[0])
        r = print_id_map(machine);
    if (r == 0)
        r = print_network(machine);
    if (r == 0)
        r = print_field("SELinux", machine->process_label);
    if (r == 0)
        r = print_field("Log", machine->log);
    if (r == 0)
        r = print_usage(&usage);
    if (r == 0)
        r = print_field("Cgroup", machine->cgroup);
    if (r == 0 && group_fd >= 0)
        r = processes_print_tree(group_fd, TREE_INDENT, terminal_columns());
    return r;
}

/* --- one that does not run --- */

/* "killed by SIGKILL (137)" */
static char *format_end(const Container *container)
{
    const MachineExit *end = &container->exit;
    _cleanup_free_ char *signal = end->signal > 0 && end->signal <= 64 ? text_format_signal((int) end->signal) : NULL;

    if (container->state == CONTAINER_STOPPED)
        return strdup("stopped");
    if (!signal)
        return text_format("exited with %lld", (long long) end->code);
    return text_format("%s %s (%lld)",
                       container->state == CONTAINER_OOM_KILLED ? "out of memory, killed by" : "killed by", signal,
                       (long long) end->code);
}

static int print_stopped(const Container *container)
{
    const MachineExit *end = &container->exit;
    _cleanup_free_ char *words = format_end(container);
    int r = words ? print_state_line(container, words, container->state == CONTAINER_STOPPED ? 0 : end->finished_usec)
                  : -ENOMEM;

    if (r == 0)
        r = print_origin(container);
    if (r == 0 && end->oom_kills > 0)
        r = print_taken("Memory",
                        text_format("%llu processes killed for want of it", (unsigned long long) end->oom_kills));
    if (r == 0 && end->lines_dropped > 0)
        r = print_taken("Log",
                        text_format("%llu lines could not be recorded", (unsigned long long) end->lines_dropped));
    return r;
}

/* What cannot be shown is not why somebody asked for the status. */
static void print_log(Ctl *ctl, const Container *container)
{
    LogRequest request = {.format = LOG_FORMAT_SHORT, .with_timestamps = true, .tail = LOG_LINES, .indent = ""};
    _cleanup_error_ Error ignored = {};

    /* verb_status() has looked at it. */
    if (ctl->lines && text_parse_u64(ctl->lines, LINES_MAX, &request.tail) == 0 && request.tail == 0)
        return;
    putchar('\n');
    (void) logs_print(ctl, container, &request, &ignored);
}

/* --- the verb --- */

static json_t *json_number(uint64_t number)
{
    return number == UINT64_MAX ? json_null() : json_integer((json_int_t) MIN(number, (uint64_t) INT64_MAX));
}

static int add_inside(json_t *object, const Machine *machine)
{
    _cleanup_strv_ char **addresses = NULL;
    _cleanup_free_ char *name = NULL;
    json_t *array = json_array();

    if (machine_read_os_name(machine, 0, &name) == -ENOMEM || machine_list_addresses(machine, &addresses) < 0)
        return -ENOMEM;
    STRV_FOREACH (address, addresses)
        (void) json_array_append_new(array, json_string(*address));
    if (json_object_set_new(object, "addresses", array) < 0 ||
        json_object_set_new(object, "os", name ? json_safe_string(name) : json_null()) < 0)
        return -ENOMEM;
    return 0;
}

/* What `show` has, and the numbers of the cgroup. */
static json_t *build_status(const Container *container)
{
    MachineUsage usage = {};
    json_t *object = container_build(container), *numbers;

    if (container->machine)
        machine_read_usage(container->machine, &usage);
    numbers = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "memory_bytes", json_number(usage.memory_bytes),
                        "memory_peak_bytes", json_number(usage.memory_peak_bytes), "memory_max_bytes",
                        json_number(usage.memory_max_bytes), "tasks", json_number(usage.tasks), "tasks_max",
                        json_number(usage.tasks_max), "cpu_usec", json_number(usage.cpu_usec), "oom_kills",
                        json_number(usage.oom_kills));
    if (object && numbers && container->machine &&
        (json_object_update(object, numbers) < 0 || add_inside(object, container->machine) < 0)) {
        json_decref(object);
        object = NULL;
    }
    json_decref(numbers);
    return object;
}

static int print_host(Ctl *ctl, Error *error)
{
    _cleanup_strv_ char **running = NULL, **all = NULL;
    char name[HOST_NAME_MAX + 1] = "localhost";
    int r = container_list_names(ctl, false, &running, error);

    if (r == 0)
        r = container_list_names(ctl, true, &all, error);
    if (r < 0)
        return r;
    (void) gethostname(name, sizeof(name) - 1);
    if (ctl->json) {
        _cleanup_json_ json_t *object =
            json_pack("{s:o, s:I, s:I}", "host", json_safe_string(name), "running", (json_int_t) strv_length(running),
                      "containers", (json_int_t) strv_length(all));

        return json_print(object);
    }
    printf("%s %s\n", terminal_takes_utf8() ? "●" : "*", name);
    r = print_taken("Containers", text_format("%zu running, %zu in all", strv_length(running), strv_length(all)));
    return r < 0 ? r : print_field("Version", BERTH_VERSION);
}

static int print_one(Ctl *ctl, const Container *container)
{
    int r = print_title(container);

    if (r == 0)
        r = container_is_running(container) ? print_running(container) : print_stopped(container);
    if (r == 0)
        print_log(ctl, container);
    return r;
}

/* The exit status is that of the worst. */
int verb_status(Ctl *ctl, Error *error)
{
    _cleanup_json_ json_t *array = json_array();
    bool is_first = true;
    uint64_t lines = 0;
    int status = 0, r = output_format_check(ctl->output, "text json", error);

    if (r < 0)
        return r;
    if (ctl->lines && text_parse_u64(ctl->lines, LINES_MAX, &lines) < 0)
        return error_set(error, -EINVAL, "--lines: '%s' is not a number of lines", ctl->lines);
    if (!ctl->words)
        return print_host(ctl, error);
    STRV_FOREACH (name, ctl->words) {
        _cleanup_container_ Container *container = NULL;
        _cleanup_error_ Error problem = {};

        r = container_load(ctl, *name, &container, &problem);
        if (r == -ENOENT) {
            error_report(&problem, r);
            status = EXIT_UNKNOWN;
            continue;
        }
        if (r < 0) {
            error_move(error, &problem);
            return r;
        }
        if (!container_is_running(container))
            status = MAX(status, EXIT_NOT_RUNNING);
        if (!ctl->json && !is_first)
            putchar('\n');
        is_first = false;
        r = ctl->json ? json_array_append_new(array, build_status(container)) : print_one(ctl, container);
        if (r < 0)
            return -ENOMEM;
    }
    r = ctl->json ? json_print(array) : 0;
    return r < 0 ? r : status;
}

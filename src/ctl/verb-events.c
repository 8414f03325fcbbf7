/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* events: what happened to containers and images, from the journal or the file of events. */

#include "ctl/ctl.h"
#include "ctl/line-files.h"
#include "ctl/table.h"
#include "ctl/time.h"

#include "base/buffer.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/journal.h"
#include "proto/events.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>

#define LINE_MAX_BYTES ((size_t) 64 << 10)
#define EVENTS_UNREAD  1 /* nobody reads what is printed any more */

typedef struct Events {
    Ctl *ctl;
    char **filters; /* KEY=VALUE */
    uint64_t since_usec, until_usec;
    json_t *
        *kept; /* of the file, in order, until those of the journal before them are out; NULL: they go out at once */
    size_t kept_count, kept_next;
} Events;

/* --- which ones --- */

/* docker's and podman's names of members. */
static const char *member_of(const char *key, size_t length)
{
    static const char *const other[][2] = {{"container", "name"}, {"health_status", "health"}};

    for (size_t i = 0; i < ELEMENTSOF(other); i++)
        if (strlen(other[i][0]) == length && memcmp(other[i][0], key, length) == 0)
            return other[i][1];
    if (length == 4 && memcmp(key, "type", 4) == 0)
        return "type";
    if (length == 5 && memcmp(key, "event", 5) == 0)
        return "event";
    for (size_t i = 0; i < event_members_count; i++)
        if (strlen(event_members[i].name) == length && memcmp(event_members[i].name, key, length) == 0)
            return event_members[i].name;
    return NULL;
}

static int check_filters(char *const *filters, Error *error)
{
    STRV_FOREACH (filter, filters) {
        size_t length = strcspn(*filter, "=");

        if ((*filter)[length] != '=' || !member_of(*filter, length))
            return error_hint(error, error_set(error, -EINVAL, "--filter: '%s' is not KEY=VALUE", *filter),
                              "keys are type, event, container, image, id, unit, health, code, signal");
    }
    return 0;
}

static bool has_value(const json_t *event, const char *member, const char *value)
{
    const json_t *present = json_object_get(event, member);
    _cleanup_free_ char *number =
        json_is_integer(present) ? text_format("%lld", (long long) json_integer_value(present)) : NULL;
    const char *text = number ? number : json_string_value(present);

    if (text && strcmp(member, "id") == 0)
        return *value && text_after_prefix(text, value);
    return text && strcmp(text, value) == 0;
}

/* Values of one key: any of them; different keys: all of them. */
static bool is_wanted(const Events *events, const json_t *event)
{
    uint64_t time_usec = (uint64_t) json_integer_value(json_object_get(event, "time_usec"));

    if (time_usec < events->since_usec || (events->until_usec > 0 && time_usec > events->until_usec))
        return false;
    STRV_FOREACH (filter, events->filters) {
        size_t length = strcspn(*filter, "=");
        const char *member = member_of(*filter, length);
        bool has_one = false;

        STRV_FOREACH (other, events->filters)
            if (member_of(*other, strcspn(*other, "=")) == member)
                has_one = has_one || has_value(event, member, strchr(*other, '=') + 1);
        if (!has_one)
            return false;
    }
    return true;
}

/* --- as what they are shown --- */

static void append_member(Buffer *text, const char *name, const json_t *value)
{
    if (json_is_integer(value))
        buffer_append_format(text, "%s%s=%lld", text->size > 0 ? ", " : "", name,
                             (long long) json_integer_value(value));
    else if (json_is_string(value))
        buffer_append_format(text, "%s%s=%s", text->size > 0 ? ", " : "", name, json_string_value(value));
}

/* TIME TYPE EVENT SUBJECT (MEMBER=VALUE, ...) */
static int print_text(const json_t *event)
{
    uint64_t time_usec = (uint64_t) json_integer_value(json_object_get(event, "time_usec"));
    const char *type = json_string_value(json_object_get(event, "type"));
    const char *kind = json_string_value(json_object_get(event, "event"));
    const char *subject = type && strcmp(type, "image") == 0 ? "image" : "name";
    const char *name = json_string_value(json_object_get(event, subject));
    _cleanup_free_ char *time = time_format_rfc3339(time_usec), *line = NULL, *safe = NULL;
    _cleanup_buffer_ Buffer members = {};

    for (size_t i = 0; i < event_members_count; i++)
        if (strcmp(event_members[i].name, subject) != 0)
            append_member(&members, event_members[i].name, json_object_get(event, event_members[i].name));
    line = text_format("%s %s %s %s (%s)", time ? time : "", type ? type : "-", kind ? kind : "-", name ? name : "-",
                       members.data && !members.failed ? members.data : "");
    safe = time && line ? text_escape_prose(line, SIZE_MAX) : NULL;
    if (!safe)
        return -ENOMEM;
    puts(safe);
    return 0;
}

static int print_event(const Events *events, json_t *event)
{
    _cleanup_free_ char *text = NULL, *time = NULL;

    if (!events->ctl->json) {
        int r = print_text(event);
        return r == 0 && ferror(stdout) ? EVENTS_UNREAD : r;
    }
    time = time_format_rfc3339((uint64_t) json_integer_value(json_object_get(event, "time_usec")));
    if (!time || json_object_set_new(event, "time", json_string(time)) < 0)
        return -ENOMEM;
    text = json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (!text)
        return -ENOMEM;
    puts(text);
    return ferror(stdout) ? EVENTS_UNREAD : 0;
}

static json_int_t time_of(const json_t *event)
{
    return json_integer_value(json_object_get(event, "time_usec"));
}

/* Those of the file that happened before. */
static int print_kept(Events *events, json_int_t end_usec)
{
    int r = 0;

    while (r == 0 && events->kept_next < events->kept_count && time_of(events->kept[events->kept_next]) < end_usec)
        r = print_event(events, events->kept[events->kept_next++]);
    return r;
}

/* --- where they come from --- */

static const EventRow *find_row(const char *message_id, size_t size)
{
    for (int kind = _EVENT_INVALID + 1; kind < _EVENT_MAX; kind++)
        if (strlen(event_rows[kind].message_id) == size && memcmp(event_rows[kind].message_id, message_id, size) == 0)
            return &event_rows[kind];
    return NULL;
}

static json_t *parse_value(const EventMember *member, const JournalField *field)
{
    _cleanup_free_ char *text = strndup(field->value, field->value_size);
    uint64_t number = 0;

    if (!text)
        return NULL;
    if (member->type == EVENT_MEMBER_STRING)
        return json_safe_string(text);
    return text_parse_u64(text, INT64_MAX, &number) == 0 ? json_integer((json_int_t) number) : json_null();
}

static int on_entry(const JournalEntry *entry, void *userdata)
{
    _cleanup_json_ json_t *event = json_object();
    const EventRow *row = NULL;
    Events *events = userdata;
    int r;

    for (size_t i = 0; i < entry->fields_count; i++)
        if (strcmp(entry->fields[i].name, "MESSAGE_ID") == 0)
            row = find_row(entry->fields[i].value, entry->fields[i].value_size);
    if (!row)
        return 0;
    if (!event || json_object_set_new(event, "time_usec", json_integer((json_int_t) entry->realtime_usec)) < 0 ||
        json_object_set_new(event, "type", json_string(row->type)) < 0 ||
        json_object_set_new(event, "event", json_string(row->name)) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < event_members_count; i++)
        for (size_t j = 0; j < entry->fields_count; j++)
            if (strcmp(entry->fields[j].name, event_members[i].field) == 0 &&
                json_object_set_new(event, event_members[i].name, parse_value(&event_members[i], &entry->fields[j])) <
                    0)
                return -ENOMEM;
    if (!is_wanted(events, event))
        return 0;
    r = print_kept(events, time_of(event));
    return r == 0 ? print_event(events, event) : r;
}

/* A line that is none is one that was being written when the machine went down. */
static int on_line(const char *line, size_t size, void *userdata)
{
    _cleanup_json_ json_t *event = NULL;

    if (json_parse_object(line, size, &event, NULL) < 0 || !is_wanted(userdata, event))
        return 0;
    return print_event(userdata, event);
}

static int keep_line(const char *line, size_t size, void *userdata)
{
    _cleanup_json_ json_t *event = NULL;
    Events *events = userdata;
    json_t **larger;

    if (json_parse_object(line, size, &event, NULL) < 0 || !is_wanted(events, event))
        return 0;
    larger = reallocarray(events->kept, events->kept_count + 1, sizeof(json_t *));
    if (!larger)
        return -ENOMEM;
    events->kept = larger;
    events->kept[events->kept_count++] = TAKE_PTR(event);
    return 0;
}

static void flush_stdout(void)
{
    fflush(stdout);
}

typedef struct End {
    Events *events;
    int timer_fd;
} End;

/* Asked when all that the journal has is out. */
static bool is_over(void *userdata)
{
    End *end = userdata;
    struct pollfd poll_one = {end->timer_fd, POLLIN, 0};

    (void) print_kept(end->events, INT64_MAX);
    fflush(stdout);
    return poll(&poll_one, 1, 0) > 0 || ferror(stdout);
}

static int read_journal(Events *events, bool follow, int timer_fd, Error *error)
{
    const char *ids[_EVENT_MAX] = {};
    End end = {.events = events, .timer_fd = timer_fd};
    JournalQuery query = {
        .tail = UINT_MAX,
        .since_usec = events->since_usec,
        .until_usec = follow ? 0 : events->until_usec,
        .message_ids = ids,
        .with_fields = true,
        .follow = follow,
        .should_stop = is_over,
        .should_stop_userdata = &end,
        .wake_fd = timer_fd,
    };
    int r;

    for (int kind = _EVENT_INVALID + 1; kind < _EVENT_MAX; kind++)
        ids[kind - 1] = event_rows[kind].message_id;
    r = journal_read(&query, on_entry, events, error);
    return r == 0 ? print_kept(events, INT64_MAX) : r;
}

static int compare_times(const void *a, const void *b)
{
    json_int_t first = time_of(*(json_t *const *) a), second = time_of(*(json_t *const *) b);

    return first < second ? -1 : first > second;
}

/* The file of events alone, or the journal with what of the file it did not take. */
static int read_all(Events *events, bool has_journal, bool follow, int timer_fd, Error *error)
{
    _cleanup_(line_files_closep) LineFiles *files = NULL;
    int run_fd = events->ctl->roster->run_fd, r;

    /* Who waits for what comes had better wait at a file that is there. */
    if (!has_journal)
        safe_close(openat(run_fd, EVENTS_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    r = line_files_open(run_fd, EVENTS_FILE, LINE_MAX_BYTES, &files);
    if (r == 0)
        r = line_files_read(files, has_journal ? keep_line : on_line, events);
    if (r < 0 && (r != -ENODATA || !has_journal))
        return error_set(error, r, "cannot read the file of events: %s", strerror(-r));
    if (has_journal) {
        if (events->kept)
            qsort(events->kept, events->kept_count, sizeof(json_t *), compare_times);
        return read_journal(events, follow, timer_fd, error);
    }
    return r == 0 && follow ? line_files_follow(files, timer_fd, on_line, flush_stdout, events) : r;
}

/* Readable at that time; -EBADF: never. */
static int make_timer(uint64_t usec)
{
    struct itimerspec at = {.it_value = {(time_t) (usec / 1000000), (long) (usec % 1000000) * 1000}};
    int fd = usec > 0 ? timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC) : -EBADF;

    if (fd >= 0 && timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL) < 0)
        return safe_close(fd);
    return fd;
}

static int parse_times(Events *events, uint64_t now_usec, Error *error)
{
    const Ctl *ctl = events->ctl;
    int r = ctl->until ? time_parse(ctl->until, now_usec, &events->until_usec) : 0;

    if (r < 0)
        return error_set(error, r, "--until: '%s' is not a point in time", ctl->until);
    /* Without a word only what comes, as of docker and podman; but nothing comes for who does not wait. */
    if (!ctl->since) {
        events->since_usec = ctl->no_follow || (ctl->until && events->until_usec <= now_usec) ? 0 : now_usec;
        return 0;
    }
    r = time_parse(ctl->since, now_usec, &events->since_usec);
    return r < 0 ? error_set(error, r, "--since: '%s' is not a point in time", ctl->since) : 0;
}

int verb_events(Ctl *ctl, Error *error)
{
    Events events = {.ctl = ctl, .filters = ctl->filters};
    _cleanup_close_ int timer_fd = -EBADF;
    uint64_t now_usec = time_now_usec();
    bool has_journal = access("/run/systemd/journal/socket", W_OK) == 0, follow;
    int r = output_format_check(ctl->output, "text json", error);

    if (r == 0)
        r = check_filters(ctl->filters, error);
    if (r == 0)
        r = parse_times(&events, now_usec, error);
    if (r == 0)
        r = ctl_open_roster(ctl, error);
    if (r < 0)
        return r;
    follow = !ctl->no_follow && (events.until_usec == 0 || events.until_usec > now_usec);
    timer_fd = make_timer(follow ? events.until_usec : 0);
    r = read_all(&events, has_journal, follow, timer_fd, error);
    fflush(stdout);
    for (size_t i = 0; i < events.kept_count; i++)
        json_decref(events.kept[i]);
    free(events.kept);
    return MIN(r, 0);
}

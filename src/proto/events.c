/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proto/events.h"

#include "proto/line.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define STRING(member, field)                                                                                          \
    {                                                                                                                  \
#member, field, EVENT_MEMBER_STRING, offsetof(Event, member)                                                   \
    }
#define NUMBER(member, field)                                                                                          \
    {                                                                                                                  \
#member, field, EVENT_MEMBER_NUMBER, offsetof(Event, member)                                                   \
    }

/* clang-format off */
const EventMember event_members[] = {
    STRING(name, "CONTAINER_NAME"),
    STRING(old_name, "CONTAINER_OLD_NAME"),
    STRING(id, "CONTAINER_ID_FULL"),
    STRING(image, "IMAGE_NAME"),
    STRING(image_id, "IMAGE_ID"),
    STRING(unit, "OBJECT_SYSTEMD_UNIT"),
    STRING(health, "CONTAINER_HEALTH_STATUS"),
    STRING(output, "CONTAINER_HEALTH_OUTPUT"),
    STRING(command, "CONTAINER_COMMAND"),
    NUMBER(code, "CONTAINER_EXIT_CODE"),
    NUMBER(signal, "CONTAINER_EXIT_SIGNAL"),
    NUMBER(oom_kills, "CONTAINER_OOM_KILLS"),
    NUMBER(failing, "CONTAINER_HEALTH_FAILING"),
    NUMBER(lines, "BERTH_LINES_DROPPED"),
};
const size_t event_members_count = sizeof(event_members) / sizeof(event_members[0]);

const EventRow event_rows[_EVENT_MAX] = {
    [EVENT_CREATE] = {"container", "create", "9688f4be9deb43c5a19c28a4a103f6a1", 6, {NULL},
        "Container @CONTAINER_NAME@ was created",
        "The definition of the container was written. It does not run yet."},
    [EVENT_START] = {"container", "start", "c62b441a76444fe3ae8e0a9c676b4ba7", 6, {NULL},
        "Container @CONTAINER_NAME@ has started",
        "The program of the container runs."},
    [EVENT_READY] = {"container", "ready", "61e33cf5b6334f16adfe72729605d31f", 6, {NULL},
        "Container @CONTAINER_NAME@ is ready",
        "The container said so itself, or its first health check succeeded, as its\n"
        "definition asks for with Notify=."},
    [EVENT_HEALTH_STATUS] = {"container", "health_status", "c5f3aae31e7b4af4a6b244810324df46", 5, {"failing"},
        "Container @CONTAINER_NAME@ is @CONTAINER_HEALTH_STATUS@",
        "The result of the container's health check has changed. After so many failures\n"
        "in a row as HealthRetries= says it is unhealthy, after one success healthy.\n"
        "berthctl status @CONTAINER_NAME@ shows what the check last wrote."},
    [EVENT_PAUSE] = {"container", "pause", "bb8e624809c448cfa9076f6dcda9e0f6", 6, {NULL},
        "Container @CONTAINER_NAME@ was paused",
        "All processes of the container stand still until\n"
        "berthctl resume @CONTAINER_NAME@."},
    [EVENT_UNPAUSE] = {"container", "unpause", "9c287957b1de4352a49955da15190783", 6, {NULL},
        "Container @CONTAINER_NAME@ goes on",
        "The processes of the container, which was paused, run again."},
    [EVENT_EXEC] = {"container", "exec", "378d0b5ed9274717ae4470a91c64d586", 6, {NULL},
        "A command was run in container @CONTAINER_NAME@: @CONTAINER_COMMAND@",
        "Somebody with power over the container had a program run in it."},
    [EVENT_OOM] = {"container", "oom", "859f2d9878ff450ca93e647a5f43eff0", 4, {"oom_kills"},
        "Container @CONTAINER_NAME@ is out of memory: processes were killed (@CONTAINER_OOM_KILLS@ so far)",
        "The container reached its memory limit and the kernel killed one or more of its\n"
        "processes. Other processes of the container may go on in a state that they were\n"
        "not made for. --memory= (Memory=) sets the limit."},
    [EVENT_DIE] = {"container", "die", "bf48bb1a58444de6aa93f6aff1eb7cc7", 6, {"code", "signal", "oom_kills"},
        "Container @CONTAINER_NAME@ has ended with status @CONTAINER_EXIT_CODE@",
        "The first process of the container has ended, and with it all others. A status\n"
        "above 128 means that signal number status - 128 killed it, unless\n"
        "CONTAINER_EXIT_SIGNAL= is 0."},
    [EVENT_EXIT] = {"container", "exit", "cb5001bdc3ac4468ad9847b903a75bcd", 6, {"code", "signal", "oom_kills"},
        "What container @CONTAINER_NAME@ had was taken back",
        "Mounts, cgroup and state of the container are gone; its name can be used again."},
    [EVENT_RENAME] = {"container", "rename", "15bca797ccc0499ba056b8e3a2823ef8", 6, {NULL},
        "Container @CONTAINER_OLD_NAME@ is called @CONTAINER_NAME@ now",
        "The container, which does not run, was given another name."},
    [EVENT_REMOVE] = {"container", "remove", "4794f94f7aa0474ca5887c76b72d862a", 6, {NULL},
        "Container @CONTAINER_NAME@ was removed",
        "The definition of the container and what it wrote are gone."},
    [EVENT_LOG_DROPPED] = {"container", "log_dropped", "da5947c426244706a267d80847f588c9", 4, {"lines"},
        "@BERTH_LINES_DROPPED@ lines of the output of container @CONTAINER_NAME@ could not be recorded here",
        "The container wrote faster than they were taken, or nobody took them for a\n"
        "while. A container is not held up by its log."},
    [EVENT_IMAGE_LOAD] = {"image", "load", "e9e95e6b4b864b9eac81ea54ebf785a0", 6, {NULL},
        "Image @IMAGE_NAME@ was loaded",
        "The image came into the store and can be run."},
    [EVENT_IMAGE_PULL] = {"image", "pull", "63471382e41a4bf69021f8680da9040a", 6, {NULL},
        "Image @IMAGE_NAME@ was pulled",
        "The image came from a registry into the store and can be run."},
    [EVENT_IMAGE_REMOVE] = {"image", "remove", "d275e9accaa64673a20315a22b094a8a", 6, {NULL},
        "Image @IMAGE_NAME@ was removed",
        "A name of an image is gone from the store, or an image without a name is."},
    [EVENT_IMAGE_TAG] = {"image", "tag", "97007f242b31474392967ea9d426cf3d", 6, {NULL},
        "Image @IMAGE_NAME@ means another image now",
        "A name was given to an image of the store, or went back to an earlier one."},
    [EVENT_IMAGE_COMMIT] = {"image", "commit", "086041c8ec45470ab426eab7be7ce6a2", 6, {NULL},
        "Image @IMAGE_NAME@ was made here",
        "The files of a container, of a directory or of an archive became an image."},
};
/* clang-format on */

static const char *string_of(const Event *event, const EventMember *member)
{
    return *(const char *const *) ((const char *) event + member->offset);
}

static uint64_t number_of(const Event *event, const EventMember *member)
{
    return *(const uint64_t *) ((const char *) event + member->offset);
}

static bool has_member(const Event *event, const EventMember *member)
{
    const char *const *names = event_rows[event->kind].members;

    if (member->type == EVENT_MEMBER_STRING)
        return string_of(event, member) != NULL;
    for (size_t i = 0; i < sizeof(event_rows[0].members) / sizeof(names[0]) && names[i]; i++)
        if (strcmp(names[i], member->name) == 0)
            return true;
    return false;
}

static void put_member(Line *text, const Event *event, const EventMember *member, bool json)
{
    if (member->type == EVENT_MEMBER_NUMBER)
        line_put_number(text, number_of(event, member));
    else
        line_put_value(text, string_of(event, member), json);
}

static const EventMember *find_field(const char *name, size_t length)
{
    for (size_t i = 0; i < event_members_count; i++)
        if (strlen(event_members[i].field) == length && memcmp(event_members[i].field, name, length) == 0)
            return &event_members[i];
    return NULL;
}

/* The text of the row with the members' values in it. */
static void put_message(Line *text, const Event *event)
{
    for (const char *c = event_rows[event->kind].message; *c;) {
        const char *end = *c == '@' ? strchr(c + 1, '@') : NULL;
        const EventMember *member = end ? find_field(c + 1, (size_t) (end - c - 1)) : NULL;

        if (!member) {
            line_put(text, c++, 1);
            continue;
        }
        if (has_member(event, member))
            put_member(text, event, member, false);
        else
            line_put_string(text, "(unnamed)");
        c = end + 1;
    }
}

static void put_field(Line *text, const char *name, const char *value)
{
    line_put_string(text, name);
    line_put_string(text, "=");
    line_put_value(text, value, false);
    line_put_string(text, "\n");
}

size_t event_format_entry(const Event *event, char *buffer, size_t room)
{
    const EventRow *row = &event_rows[event->kind];
    Line text = {.data = buffer, .room = room};
    char short_id[13];

    line_put_string(&text, "MESSAGE=");
    put_message(&text, event);
    line_put_string(&text, "\nPRIORITY=");
    line_put_number(&text, (uint64_t) row->priority);
    line_put_string(&text, "\n");
    put_field(&text, "MESSAGE_ID", row->message_id);
    put_field(&text, "BERTH_EVENT", row->name);
    put_field(&text, "BERTH_EVENT_TYPE", row->type);
    put_field(&text, "SYSLOG_IDENTIFIER", event->name ? event->name : "berth");
    if (event->id) {
        snprintf(short_id, sizeof(short_id), "%s", event->id);
        put_field(&text, "CONTAINER_ID", short_id);
    }
    for (size_t i = 0; i < event_members_count; i++) {
        if (!has_member(event, &event_members[i]))
            continue;
        line_put_string(&text, event_members[i].field);
        line_put_string(&text, "=");
        put_member(&text, event, &event_members[i], false);
        line_put_string(&text, "\n");
    }
    return text.is_short ? 0 : text.size;
}

size_t event_format_line(const Event *event, char *buffer, size_t room)
{
    const EventRow *row = &event_rows[event->kind];
    Line text = {.data = buffer, .room = room};

    line_put_string(&text, "{\"time_usec\":");
    line_put_number(&text, event->time_usec);
    line_put_string(&text, ",\"type\":\"");
    line_put_string(&text, row->type);
    line_put_string(&text, "\",\"event\":\"");
    line_put_string(&text, row->name);
    line_put_string(&text, "\"");
    for (size_t i = 0; i < event_members_count; i++) {
        bool is_string = event_members[i].type == EVENT_MEMBER_STRING;

        if (!has_member(event, &event_members[i]))
            continue;
        line_put_string(&text, ",\"");
        line_put_string(&text, event_members[i].name);
        line_put_string(&text, is_string ? "\":\"" : "\":");
        put_member(&text, event, &event_members[i], true);
        line_put_string(&text, is_string ? "\"" : "");
    }
    line_put_string(&text, "}\n");
    return text.is_short ? 0 : text.size;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wait: until containers have come to a state. */

#include "ctl/container.h"
#include "ctl/table.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/process.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The end of a supervisor wakes us. No one file tells of the other states: they are looked at again. */
#define LOOK_AGAIN_MSEC 100

typedef enum Condition { CONDITION_STOPPED, CONDITION_RUNNING, CONDITION_PAUSED, _CONDITION_MAX } Condition;

static const char *const condition_names[_CONDITION_MAX] = {"stopped", "running", "paused"};

typedef struct Target {
    const char *name;
    bool is_met, has_failed;
    MachineExit end; /* of one that is stopped */
} Target;

typedef struct Wait {
    Condition condition;
    Target *targets;
    struct pollfd *supervisors; /* one for each target, -1 where there is nothing to poll */
    size_t count;
    uint64_t deadline_usec; /* monotonic; UINT64_MAX: none */
} Wait;

static void wait_done(Wait *wait)
{
    for (size_t i = 0; wait->supervisors && i < wait->count; i++)
        safe_close(wait->supervisors[i].fd);
    free(wait->supervisors);
    free(wait->targets);
}

static uint64_t monotonic_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* How a container that does not run ended last. */
static int read_end(const Container *container, Target *target, Error *error)
{
    if (container->state == CONTAINER_STOPPED)
        return error_set(error, -ENODATA, "'%s' has not run, or its supervisor was killed: it has no exit code",
                         target->name);
    target->end = container->exit;
    target->is_met = true;
    return 0;
}

static int look_at(Ctl *ctl, Wait *wait, size_t i, Error *error)
{
    _cleanup_container_ Container *container = NULL;
    Target *target = &wait->targets[i];
    int r = container_load(ctl, target->name, &container, error);

    wait->supervisors[i].fd = safe_close(wait->supervisors[i].fd);
    if (r < 0)
        return r;
    if (wait->condition == CONDITION_STOPPED) {
        if (!container->machine)
            return read_end(container, target, error);
        wait->supervisors[i].fd = machine_open_supervisor(container->machine);
        /* It is dead; what it left is taken back by the next command, and tells no code. */
        return wait->supervisors[i].fd < 0 && container->state == CONTAINER_UNSUPERVISED
                   ? error_set(error, -ENODATA, "'%s' runs without its supervisor: nobody will know its exit code",
                               target->name)
                   : 0;
    }
    target->is_met = wait->condition == CONDITION_PAUSED ? container->state == CONTAINER_PAUSED
                                                         : container->state == CONTAINER_RUNNING;
    return 0;
}

/* Looks at those that are not there yet. Returns how many are still waited for. */
static size_t look(Ctl *ctl, Wait *wait, Error *error)
{
    size_t pending = 0;

    for (size_t i = 0; i < wait->count; i++) {
        _cleanup_error_ Error own = {};
        int r;

        if (wait->targets[i].is_met || wait->targets[i].has_failed)
            continue;
        r = look_at(ctl, wait, i, &own);
        if (r < 0) {
            /* The last failure is main's to report. */
            if (error->text)
                error_report(error, error->code);
            error_done(error);
            error_move(error, &own);
            wait->targets[i].has_failed = true;
            continue;
        }
        pending += !wait->targets[i].is_met;
    }
    return pending;
}

static int sleep_until_change(const Wait *wait, Error *error)
{
    uint64_t now = monotonic_usec(), left;
    int timeout_msec = wait->condition == CONDITION_STOPPED ? -1 : LOOK_AGAIN_MSEC;

    if (wait->deadline_usec != UINT64_MAX) {
        left = wait->deadline_usec > now ? (wait->deadline_usec - now) / 1000 + 1 : 0;
        if (wait->deadline_usec <= now)
            return error_set(error, -ETIMEDOUT, "the time is over");
        timeout_msec = timeout_msec < 0 ? (int) MIN(left, (uint64_t) INT32_MAX) : (int) MIN(left, LOOK_AGAIN_MSEC);
    }
    for (size_t i = 0; i < wait->count; i++)
        /* Between two containers of one name there is nothing to wait for. */
        if (wait->supervisors[i].fd < 0 && !wait->targets[i].is_met && !wait->targets[i].has_failed)
            timeout_msec = timeout_msec < 0 ? LOOK_AGAIN_MSEC : MIN(timeout_msec, LOOK_AGAIN_MSEC);
    if (poll(wait->supervisors, wait->count, timeout_msec) < 0 && errno != EINTR)
        return -errno;
    return 0;
}

static int print_result(const Ctl *ctl, const Wait *wait)
{
    _cleanup_json_ json_t *array = json_array();

    for (size_t i = 0; i < wait->count; i++) {
        const Target *target = &wait->targets[i];
        json_t *object;

        if (!target->is_met)
            continue;
        if (!ctl->json) {
            if (wait->condition == CONDITION_STOPPED)
                printf("%lld\n", (long long) target->end.code);
            continue;
        }
        object = wait->condition == CONDITION_STOPPED
                     ? json_fields_build(&target->end, machine_exit_fields, machine_exit_fields_count)
                     : json_object();
        if (!object || json_object_set_new(object, "name", json_string(target->name)) < 0 ||
            json_array_append_new(array, object) < 0)
            return -ENOMEM;
    }
    return ctl->json ? json_print(array) : 0;
}

static int prepare(Ctl *ctl, Wait *wait, Error *error)
{
    uint64_t timeout_usec = UINT64_MAX, now = monotonic_usec();

    if (ctl->condition) {
        while (wait->condition < _CONDITION_MAX && strcmp(ctl->condition, condition_names[wait->condition]) != 0)
            wait->condition++;
        if (wait->condition == _CONDITION_MAX)
            return error_set(error, -EINVAL, "--condition: '%s' is not stopped, running or paused", ctl->condition);
    }
    if (ctl->timeout && text_parse_timespan_usec(ctl->timeout, &timeout_usec) < 0)
        return error_set(error, -EINVAL, "--time: '%s' is not a time span", ctl->timeout);
    wait->deadline_usec = timeout_usec > UINT64_MAX - now ? UINT64_MAX : now + timeout_usec;
    wait->count = strv_length(ctl->words);
    wait->targets = calloc(wait->count, sizeof(*wait->targets));
    wait->supervisors = calloc(wait->count, sizeof(*wait->supervisors));
    if (!wait->targets || !wait->supervisors)
        return -ENOMEM;
    for (size_t i = 0; i < wait->count; i++) {
        wait->targets[i].name = ctl->words[i];
        wait->supervisors[i] = (struct pollfd){-1, POLLIN, 0};
    }
    return 0;
}

int verb_wait(Ctl *ctl, Error *error)
{
    _cleanup_(wait_done) Wait wait = {};
    _cleanup_error_ Error failure = {};
    int r = output_format_check(ctl->output, "text json", error);

    if (r == 0)
        r = prepare(ctl, &wait, error);
    while (r == 0) {
        size_t pending = look(ctl, &wait, &failure), met = 0;

        for (size_t i = 0; i < wait.count; i++)
            met += wait.targets[i].is_met;
        if (pending == 0 || (ctl->any && met > 0))
            break;
        r = sleep_until_change(&wait, error);
    }
    if (r == 0)
        r = print_result(ctl, &wait);
    if (r == 0 && failure.code < 0) {
        r = failure.code;
        error_move(error, &failure);
    }
    return r;
}

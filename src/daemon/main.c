/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/daemon.h"

#include "base/log.h"
#include "base/option.h"
#include "base/text.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define IDLE_USEC (30 * UINT64_C(1000000))

typedef struct Options {
    bool help, version, introspect, is_user;
    uint64_t idle_usec;
} Options;

typedef enum OptionKind {
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_INTROSPECT,
    OPTION_USER,
    OPTION_SYSTEM,
    OPTION_IDLE
} OptionKind;

typedef struct OptionRow {
    const char *name;
    char letter;
    OptionKind kind;
    const char *metavar, *help;
} OptionRow;

static const OptionRow option_rows[] = {
    {"help", 'h', OPTION_HELP, NULL, "show this text"},
    {"version", 0, OPTION_VERSION, NULL, "show the version"},
    {"system", 0, OPTION_SYSTEM, NULL, "serve the system bus (default)"},
    {"user", 0, OPTION_USER, NULL, "serve the session bus of this user"},
    {"idle-timeout", 0, OPTION_IDLE, "TIME", "end after this time without work; default 30s, infinity never"},
    {"introspect", 0, OPTION_INTROSPECT, NULL, "print the interfaces as JSON"},
};

static bool find_option(const char *name, char letter, void *userdata, OptionMatch *ret)
{
    (void) userdata;
    for (size_t i = 0; i < ELEMENTSOF(option_rows); i++)
        if (name ? strcmp(option_rows[i].name, name) == 0 : option_rows[i].letter == letter) {
            *ret = (OptionMatch){option_rows[i].metavar ? OPTION_ARGUMENT_REQUIRED : OPTION_ARGUMENT_NONE,
                                 &option_rows[i]};
            return true;
        }
    return false;
}

static int apply_option(const OptionEvent *event, Options *options, Error *error)
{
    switch (((const OptionRow *) event->match.row)->kind) {
    case OPTION_HELP:
        options->help = true;
        return 0;
    case OPTION_VERSION:
        options->version = true;
        return 0;
    case OPTION_INTROSPECT:
        options->introspect = true;
        return 0;
    case OPTION_USER:
        options->is_user = true;
        return 0;
    case OPTION_SYSTEM:
        options->is_user = false;
        return 0;
    case OPTION_IDLE:
    default:
        return text_parse_timespan_usec(event->value, &options->idle_usec) < 0
                   ? error_set(error, -EINVAL, "%s: '%s' is not a time span", event->spelled, event->value)
                   : 0;
    }
}

static int parse_options(int argc, char **argv, Options *options, Error *error)
{
    OptionParser parser = {.argc = argc, .argv = argv, .at = 1, .lookup = find_option};
    OptionEvent event = {};
    int r;

    do {
        r = option_next(&parser, &event, error);
        if (r == 0 && event.kind == OPTION_EVENT_POSITIONAL)
            r = error_set(error, -EINVAL, "there is no place for '%s': berthd takes options only", event.value);
        if (r == 0 && event.kind == OPTION_EVENT_OPTION)
            r = apply_option(&event, options, error);
    } while (r == 0 && event.kind != OPTION_EVENT_END);
    return r;
}

static void print_help(void)
{
    puts("berthd [OPTION...]\n\nServes " BUS_NAME " on D-Bus. The bus starts it when it is needed.\n");
    for (size_t i = 0; i < ELEMENTSOF(option_rows); i++)
        printf("  --%s%s%-*s %s\n", option_rows[i].name, option_rows[i].metavar ? "=" : "",
               (int) (22 - strlen(option_rows[i].name) - (option_rows[i].metavar ? 1 : 0)),
               option_rows[i].metavar ? option_rows[i].metavar : "", option_rows[i].help);
}

static int print_introspection(void)
{
    _cleanup_json_ json_t *json = bus_build_introspection();
    _cleanup_free_ char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

    if (!text)
        return -ENOMEM;
    puts(text);
    return 0;
}

static void report_reconciled(const char *name, const char *what, void *userdata)
{
    (void) userdata;
    log_warning("%s: %s", name, what);
}

/* A user's containers have their roster in the user's own run-time directory. */
static int choose_directories(Error *error)
{
    const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
    _cleanup_free_ char *run = runtime ? text_format("%s/berth", runtime) : NULL;

    if (secure_getenv("BERTH_RUN_DIR"))
        return 0;
    if (!run)
        return error_hint(error, error_set(error, -ENOENT, "--user: XDG_RUNTIME_DIR is not set"),
                          "start it in a session of the user, or by systemctl --user");
    return setenv("BERTH_RUN_DIR", run, 1) < 0 ? -errno : 0;
}

/* Starting is reconciling: what dead machines left goes before anybody can ask for it. */
static int open_roster(Daemon *daemon, Error *error)
{
    int r = daemon->is_user ? choose_directories(error) : 0;

    if (r == 0)
        r = roster_open(true, &daemon->roster, error);
    if (r < 0)
        return r;
    roster_sweep(daemon->roster);
    return roster_reconcile(daemon->roster, report_reconciled, NULL);
}

static int open_bus(Daemon *daemon, Error *error)
{
    int r = daemon->is_user ? sd_bus_open_user_with_description(&daemon->bus, "berthd")
                            : sd_bus_open_system_with_description(&daemon->bus, "berthd");

    if (r < 0)
        return error_set(error, r, "cannot connect to the %s bus: %s", daemon->is_user ? "session" : "system",
                         strerror(-r));
    r = sd_bus_attach_event(daemon->bus, daemon->event, 0);
    if (r >= 0)
        r = sd_bus_set_exit_on_disconnect(daemon->bus, true);
    if (r >= 0)
        r = sd_bus_track_new(daemon->bus, &daemon->subscribers, NULL, NULL);
    if (r >= 0)
        r = bus_add_objects(daemon);
    if (r < 0)
        return error_set(error, r, "cannot set up the bus: %s", strerror(-r));
    return 0;
}

/* Last of all: whoever sees the name is answered. */
static int take_name(Daemon *daemon, Error *error)
{
    int r = sd_bus_request_name(daemon->bus, BUS_NAME, 0);

    if (r == -EEXIST)
        return error_set(error, r, "another berthd serves this bus already");
    return r < 0 ? error_set(error, r, "cannot take the name " BUS_NAME ": %s", strerror(-r)) : 0;
}

static int start(Daemon *daemon, Error *error)
{
    static const int signals[] = {SIGTERM, SIGINT};
    int r = sd_event_default(&daemon->event);

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(signals); i++) {
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, signals[i]);
        r = sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ? -errno
                                                    : sd_event_add_signal(daemon->event, NULL, signals[i], NULL, NULL);
    }
    if (r < 0)
        return error_set(error, r, "cannot set up the event loop: %s", strerror(-r));
    r = open_roster(daemon, error);
    if (r == 0)
        r = open_bus(daemon, error);
    if (r < 0)
        return r;
    r = watch_start(daemon);
    if (r == 0)
        r = idle_start(daemon);
    if (r < 0)
        return error_set(error, r, "cannot watch the machines: %s", strerror(-r));
    r = take_name(daemon, error);
    /* Reading the records of hundreds of machines leaves a heap that is empty and large. */
    (void) malloc_trim(0);
    return r;
}

static void daemon_done(Daemon *daemon)
{
    authorize_cancel_all(daemon);
    job_forget_all(daemon);
    session_forget_all(daemon);
    watch_done(daemon);
    sd_event_source_unref(daemon->idle_timer);
    sd_bus_track_unref(daemon->subscribers);
    sd_bus_flush_close_unref(daemon->bus);
    bus_free_objects(daemon);
    sd_event_unref(daemon->event);
    machine_free(daemon->machine);
    store_image_free(daemon->image);
    free(daemon->volume);
    store_free(daemon->store);
    roster_close(daemon->roster);
}

static int serve(Daemon *daemon, Error *error)
{
    int r = start(daemon, error);

    if (r < 0)
        return r;
    (void) sd_notify(0, "READY=1\nSTATUS=Serving " BUS_NAME);
    return sd_event_loop(daemon->event);
}

int main(int argc, char **argv)
{
    Options options = {.idle_usec = IDLE_USEC};
    Daemon daemon = {};
    _cleanup_error_ Error error = {};
    int r;

    log_set_program("berthd");
    r = parse_options(argc, argv, &options, &error);
    if (r == 0 && options.help) {
        print_help();
        return EXIT_SUCCESS;
    }
    if (r == 0 && options.version) {
        puts("berthd " BERTH_VERSION);
        return EXIT_SUCCESS;
    }
    if (r == 0 && options.introspect)
        return print_introspection() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    if (r == 0) {
        daemon.is_user = options.is_user;
        daemon.idle_usec = options.idle_usec;
        r = serve(&daemon, &error);
        daemon_done(&daemon);
    }
    if (r < 0)
        error_report(&error, r);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: berthd's state, one struct made in main(), and what its files share.
 * Never does: anything that a container could notice when the daemon is killed: what it knows is a copy of what is in the
 *             roster and the store, which it reads anew at each start.
 * Runs in: berthd, as root on the system bus or as a user on the session bus. */

#include "base/error.h"
#include "definitions/load.h"
#include "machines/control.h"
#include "machines/roster.h"
#include "proto/bus.h"
#include "store/store.h"

#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef struct Daemon Daemon;

/* What has to be known of a machine without reading its record. */
typedef struct KnownMachine {
    char *name;
    char *cgroup; /* NULL without one */
    char *image;  /* as the bus takes it; NULL for a directory */
    uint64_t leader;
    bool is_foreign;
    uid_t owner;
    sd_event_source *end; /* of a foreign one's leader; NULL */
} KnownMachine;

/* A name of an image and what it means. */
typedef struct KnownImage {
    char *reference;
    Digest manifest, id;
} KnownImage;

struct Daemon {
    sd_event *event;
    sd_bus *bus;
    sd_bus_vtable *vtables[_BUS_OBJECT_MAX];
    bool is_user; /* on the session bus: everybody there is this user */
    Roster *roster;
    Store *store; /* opened when first asked for; NULL */
    uint64_t idle_usec;

    KnownMachine *machines; /* sorted by name */
    size_t machines_count;
    KnownImage *images; /* sorted by reference; only while somebody is told of changes */
    size_t images_count;
    char **volumes; /* the same of volumes */
    sd_event_source *machines_watch, *images_watch, *volumes_watch, *idle_timer;
    sd_bus_track *subscribers;

    /* The object that sd-bus is just serving; see object.c. */
    Machine *machine;
    StoreImage *image;
    char *volume;

    struct Pending *pending;  /* requests that polkit is asked about */
    struct Job *jobs;         /* requests that a child works on */
    struct Session *sessions; /* requests that a unit works on */
    bool is_ending;
};

/* Who sent a message. */
typedef struct Caller {
    char *sender;
    uid_t uid;
    pid_t pid;
    uint64_t pidfd_id; /* 0 where the bus or the kernel tells none */
    bool is_inside;    /* runs in a container, ours or another */
} Caller;

void caller_done(Caller *caller);
#define _cleanup_caller_ _cleanup_(caller_done)

/* One method call under way, its arguments read and checked. Text is borrowed from the message. */
typedef struct Request {
    Daemon *daemon;
    sd_bus_message *message;
    BusObject object;
    const BusMethod *method;
    const Caller *caller;
    char *name;     /* the machine, image or volume it is about, NULL; owned */
    bool has_image; /* there is an image of that name */
    bool has_volume;

    uint64_t timeout_usec;
    KillWhom whom;
    int32_t signal_number;
    bool force;
    const char *user, *working_directory, *reference, *machine_class, *service, *root, *id;
    char **argv, **environment; /* owned */
    int fds[3];

    ContainerSpec *definition; /* what a start would put into effect; NULL: there is none, and why is in `problem` */
    Error problem;
} Request;

/* caller.c: -ESRCH when the sender is gone. */
int caller_identify(Daemon *daemon, sd_bus_message *message, Caller *ret);
/* Root of this host, or the user whose session bus this is: asks nobody. */
bool caller_is_privileged(const Daemon *daemon, const Caller *caller);
bool caller_owns(const Caller *caller, uid_t owner);
bool caller_may_see(const Daemon *daemon, const Caller *caller, uid_t owner);
/* Whether a process lives in the same namespace ("user", "pid") as the daemon. What cannot be looked at does not. */
bool caller_shares_namespace(pid_t pid, const char *kind);
/* The known machine that a process is in, or NULL. */
const KnownMachine *caller_find_machine(const Daemon *daemon, pid_t pid);

/* bus.c: puts the objects on the bus. */
int bus_add_objects(Daemon *daemon);
void bus_free_objects(Daemon *daemon);
/* Serves one method call; `granted` is what polkit has granted for it, BUS_TIER_READ nothing. */
int bus_dispatch(Daemon *daemon, BusObject object, sd_bus_message *message, BusTier granted);
/* Answers a method call with an error; -errno and a text become org.berth1.Error.Failed. */
int bus_reply_error(sd_bus_message *message, const char *name, const char *format, ...) _printf_(3, 4);
int bus_reply_failure(sd_bus_message *message, int code, const Error *error);

/* object.c: paths, and the objects behind them. */
char *object_path(BusObject object, const char *name);
/* Loads the object of a path into daemon->machine, daemon->image or daemon->volume: 1, or 0 when there is none. */
int object_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                sd_bus_error *ret_error);
int object_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *ret_error);
int object_get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *ret_error);
bool object_has_volume(Daemon *daemon, const char *name);
/* Needs no more of the record than name, cgroup and leader. */
const char *object_machine_state(Roster *roster, const Machine *machine);
/* UTF-8 whatever it was; NULL: no memory. */
char *object_text(const char *text);
/* -ENOENT without a store or such an image. */
int object_load_image(Daemon *daemon, const char *name, StoreImage **ret, Error *error);
int object_open_store(Daemon *daemon, bool create, Error *error);

/* authorize.c: 1 go on; 0 it was refused and answered, or polkit is asked and bus_dispatch() is called again. */
int authorize(Request *request, BusTier required, BusTier granted);
/* The answer to whoever may not, whatever the reason; the log has it. Returns as authorize(). */
int authorize_refuse(Request *request, BusTier tier, const char *reason);
void authorize_cancel_all(Daemon *daemon);

/* watch.c: what is known of machines and images, kept up to date while the daemon runs. */
int watch_start(Daemon *daemon);
/* Images and volumes are watched from the first subscriber on. */
int watch_images(Daemon *daemon);
int watch_volumes(Daemon *daemon);
void watch_done(Daemon *daemon);
const KnownMachine *watch_find_machine(const Daemon *daemon, const char *name);

/* job.c: work in a child. `work` runs there, may wait, and may leave in `result` what `reply` makes the answer of; without
 * `reply` the answer is empty. */
typedef struct Job Job;
typedef int (*JobWork)(Request *request, json_t *result, Error *error);
typedef int (*JobReply)(sd_bus_message *message, json_t *result);
int job_start(Request *request, JobWork work, JobReply job_reply);
bool job_has_room(const Daemon *daemon, uid_t uid);
/* Nobody is answered any more; the children go on. */
void job_forget_all(Daemon *daemon);

/* session.c: a berthctl in a unit of its own. Without a terminal the answer comes when it has ended, else when it runs. */
typedef struct Session Session;
/* `output`: the first line that it wrote, when it wrote to us. */
typedef int (*SessionReply)(sd_bus_message *message, const char *output, int exit_status, int terminal_fd);
typedef struct SessionSpec {
    char *const *argv;
    const char *description;
    int fds[3]; /* its streams, borrowed; < 0: nothing to read, and what it writes is kept for the reply */
    int terminal_fd, peer_fd;  /* owned by session_start(); or -EBADF */
    const char *terminal_path; /* of peer_fd */
    SessionReply reply;        /* NULL: an empty answer, or an error when it failed */
} SessionSpec;
int session_start(Request *request, const SessionSpec *spec);
void session_forget_all(Daemon *daemon);
size_t session_count(const Daemon *daemon, uid_t uid);

/* idle.c: puts off the end of an idle daemon. */
void idle_touch(Daemon *daemon);
int idle_start(Daemon *daemon);

/* method-read.c */
int method_get_machine(Request *request);
int method_get_machine_by_pid(Request *request);
int method_list_machines(Request *request);
int method_describe_machine(Request *request);
int method_get_image(Request *request);
int method_list_images(Request *request);
int method_subscribe(Request *request);
int method_unsubscribe(Request *request);
int request_reply_no_machine(Request *request);

/* method-control.c: arguments_…() reads and checks, -EINVAL for what makes no sense. */
int arguments_stop(Request *request);
int arguments_kill(Request *request);
int arguments_force(Request *request);
int method_stop(Request *request);
int method_terminate(Request *request);
int method_kill(Request *request);
int method_pause(Request *request);
int method_resume(Request *request);
int method_remove_image(Request *request);

/* method-volume.c */
int method_get_volume(Request *request);
int method_list_volumes(Request *request);
int method_create_volume(Request *request);
int method_remove_volume(Request *request);
/* A property of daemon->volume. */
int volume_append_property(Daemon *daemon, sd_bus_message *reply, const BusProperty *property);

/* method-register.c */
int arguments_register(Request *request);
int method_register(Request *request);
int method_unregister(Request *request);

/* method-session.c */
int arguments_exec(Request *request);
int arguments_shell(Request *request);
int arguments_load(Request *request);
int method_exec(Request *request);
int method_open_shell(Request *request);
int method_open_login(Request *request);
int method_start(Request *request);
int method_remove_container(Request *request);
int method_load_image(Request *request);
/* Runs berthctl in a unit of its own and answers by `reply`, NULL: with nothing, or an error. */
int session_run_command(Request *request, char *const *argv, const char *description, int input_fd, SessionReply reply);
/* Reads the definition of the request's name into request->definition. */
int definition_look_up(Request *request);

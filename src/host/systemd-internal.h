/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what the files of host/systemd.h share: the connection and libsystemd's symbols.
 * Never does: anything for code outside of src/host/systemd*.c.
 * Runs in: fat programs on the host side. */

#include "host/systemd.h"

#include <systemd/sd-bus.h>

#define SYSTEMD_DESTINATION       "org.freedesktop.systemd1"
#define SYSTEMD_MANAGER_PATH      "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

/* Loaded by systemd_open(). */
extern __typeof__(&sd_bus_open_system) sym_sd_bus_open_system;
extern __typeof__(&sd_bus_new) sym_sd_bus_new;
extern __typeof__(&sd_bus_set_address) sym_sd_bus_set_address;
extern __typeof__(&sd_bus_start) sym_sd_bus_start;
extern __typeof__(&sd_bus_close_unref) sym_sd_bus_close_unref;
extern __typeof__(&sd_bus_flush) sym_sd_bus_flush;
extern __typeof__(&sd_bus_process) sym_sd_bus_process;
extern __typeof__(&sd_bus_wait) sym_sd_bus_wait;
extern __typeof__(&sd_bus_call) sym_sd_bus_call;
extern __typeof__(&sd_bus_call_async) sym_sd_bus_call_async;
extern __typeof__(&sd_bus_match_signal_async) sym_sd_bus_match_signal_async;
extern __typeof__(&sd_bus_slot_unref) sym_sd_bus_slot_unref;
extern __typeof__(&sd_bus_path_encode) sym_sd_bus_path_encode;
extern __typeof__(&sd_bus_error_free) sym_sd_bus_error_free;
extern __typeof__(&sd_bus_error_get_errno) sym_sd_bus_error_get_errno;
extern __typeof__(&sd_bus_message_new_method_call) sym_sd_bus_message_new_method_call;
extern __typeof__(&sd_bus_message_unref) sym_sd_bus_message_unref;
extern __typeof__(&sd_bus_message_append) sym_sd_bus_message_append;
extern __typeof__(&sd_bus_message_append_array) sym_sd_bus_message_append_array;
extern __typeof__(&sd_bus_message_open_container) sym_sd_bus_message_open_container;
extern __typeof__(&sd_bus_message_close_container) sym_sd_bus_message_close_container;
extern __typeof__(&sd_bus_message_read) sym_sd_bus_message_read;
extern __typeof__(&sd_bus_message_read_basic) sym_sd_bus_message_read_basic;
extern __typeof__(&sd_bus_message_read_array) sym_sd_bus_message_read_array;
extern __typeof__(&sd_bus_message_peek_type) sym_sd_bus_message_peek_type;
extern __typeof__(&sd_bus_message_enter_container) sym_sd_bus_message_enter_container;
extern __typeof__(&sd_bus_message_exit_container) sym_sd_bus_message_exit_container;
extern __typeof__(&sd_bus_message_get_error) sym_sd_bus_message_get_error;

/* What libsystemd gives back; only used after it was loaded. */
static inline void message_done(sd_bus_message **message)
{
    if (*message)
        sym_sd_bus_message_unref(*message);
}
#define _cleanup_message_ _cleanup_(message_done)

static inline void bus_error_done(sd_bus_error *error)
{
    sym_sd_bus_error_free(error);
}
#define _cleanup_bus_error_ _cleanup_(bus_error_done)

/* A job of which JobRemoved is awaited. */
typedef struct SystemdJob {
    char *path, *result;
} SystemdJob;

struct Systemd {
    sd_bus *bus;
    bool is_private; /* no bus between: signals come without a sender */
    sd_bus_slot *job_match;
    SystemdJob job;

    char *scope; /* the request under way */
    sd_bus_slot *scope_call;
    sd_bus_message *scope_fallback; /* the same request for a manager before 253 */
    Error scope_error;
    uint64_t scope_deadline_usec;
};

/* systemd_open() does it; for a connection that was made in another way. */
int systemd_load_library(Error *error);
uint64_t systemd_now_usec(void);
/* For features that came with a later version than the oldest that is supported. */
bool systemd_library_has(const char *symbol);
sd_bus_slot *systemd_slot_drop(sd_bus_slot *slot);

/* `what` is "start berth-web.scope". Both return the code. */
int systemd_set_bus_error(Error *error, const sd_bus_error *bus_error, const char *what);
int systemd_set_connection_error(Error *error, int code, const char *what);

/* A message to org.freedesktop.systemd1.Manager. */
int systemd_new_call(Systemd *systemd, const char *method, sd_bus_message **ret);
/* One round trip. On success *ret_reply is the caller's. `timeout_usec` 0: the library's 25 s. */
int systemd_call(Systemd *systemd, sd_bus_message *message, uint64_t timeout_usec, const char *what,
                 sd_bus_message **ret_reply, Error *error);
/* Each "NAME=VALUE" as a struct (sv), into an open array of them. */
int systemd_append_properties(sd_bus_message *message, char *const *properties, Error *error);

/* Must precede the call that queues the job; the bus and systemd keep the order of what one connection sends,
 * so it is not waited for. The reply with the job's path likewise comes before its JobRemoved. */
int systemd_watch_jobs(Systemd *systemd);
/* Processes what comes until *done is not NULL (0) or *failed is negative (that), -ETIMEDOUT at the deadline.
 */
int systemd_run_until(Systemd *systemd, char *const *done, const int *failed, uint64_t deadline_usec);
int systemd_check_job_result(const char *result, const char *what, const char *unit, Error *error);
void systemd_job_done(SystemdJob *job);
void systemd_scope_forget(Systemd *systemd);

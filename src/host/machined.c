/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/machined.h"

#include "base/text.h"
#include "host/systemd-internal.h"
#include "kernel/process.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define DESTINATION       "org.freedesktop.machine1"
#define MANAGER_PATH      "/org/freedesktop/machine1"
#define MANAGER_INTERFACE "org.freedesktop.machine1.Manager"
#define MACHINE_PREFIX    "/org/freedesktop/machine1/machine"
#define MACHINE_INTERFACE "org.freedesktop.machine1.Machine"

/* What we are called in `machinectl list`. */
#define SERVICE "berth"
#define CLASS   "container"

#define CALL_TIMEOUT_USEC (10 * UINT64_C(1000000))
/* A machine that was unregistered keeps its name until machined next collects its garbage: a turn of its event loop. */
#define REPLACE_ATTEMPTS   50
#define REPLACE_PAUSE_MSEC 10

static int new_call(Systemd *systemd, const char *method, sd_bus_message **ret)
{
    return sym_sd_bus_message_new_method_call(systemd->bus, ret, DESTINATION, MANAGER_PATH, MANAGER_INTERFACE, method);
}

static int parse_id(const char *text, uint8_t bytes[16], size_t *ret_size)
{
    *ret_size = 0;
    if (!text)
        return 0;
    if (strspn(text, "0123456789abcdef") != 32)
        return -EINVAL;
    for (size_t i = 0; i < 32; i++) {
        unsigned digit = (unsigned) (text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);

        bytes[i / 2] = (uint8_t) (bytes[i / 2] << 4 | digit);
    }
    *ret_size = 16;
    return 0;
}

/* Since 259: the leader with its pidfd's number, so that no other process can have taken its own meanwhile. The pidfd itself
 * is not sent: where SELinux is enforcing, machined may not receive one of every caller's, and the bus then drops machined
 * for it. */
static int new_register_ex(Systemd *systemd, const MachinedRecord *record, sd_bus_message **ret)
{
    _cleanup_message_ sd_bus_message *m = NULL;
    uint8_t id[16] = {};
    size_t id_size = 0;
    int r = parse_id(record->id, id, &id_size);

    if (r >= 0)
        r = new_call(systemd, "RegisterMachineEx", &m);
    if (r >= 0)
        r = sym_sd_bus_message_append(m, "s", record->name);
    if (r >= 0)
        r = sym_sd_bus_message_open_container(m, 'a', "(sv)");
    if (r >= 0)
        r = sym_sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "Service", "s", SERVICE, "Class", "s", CLASS, "LeaderPID",
                                      "u", (uint32_t) record->leader, "LeaderPIDFDID", "t",
                                      process_pidfd_id(record->leader_pidfd));
    if (r >= 0 && record->host_directory)
        r = sym_sd_bus_message_append(m, "(sv)", "RootDirectory", "s", record->host_directory);
    if (r >= 0 && id_size > 0) {
        r = sym_sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
            r = sym_sd_bus_message_append(m, "s", "Id");
        if (r >= 0)
            r = sym_sd_bus_message_open_container(m, 'v', "ay");
        if (r >= 0)
            r = sym_sd_bus_message_append_array(m, 'y', id, id_size);
        for (int level = 0; r >= 0 && level < 2; level++)
            r = sym_sd_bus_message_close_container(m);
    }
    if (r >= 0)
        r = sym_sd_bus_message_close_container(m);
    if (r >= 0)
        *ret = TAKE_PTR(m);
    return r;
}

static int new_register(Systemd *systemd, const MachinedRecord *record, sd_bus_message **ret)
{
    _cleanup_message_ sd_bus_message *m = NULL;
    uint8_t id[16] = {};
    size_t id_size = 0;
    int r = parse_id(record->id, id, &id_size);

    if (r >= 0)
        r = new_call(systemd, "RegisterMachineWithNetwork", &m);
    if (r >= 0)
        r = sym_sd_bus_message_append(m, "s", record->name);
    if (r >= 0)
        r = sym_sd_bus_message_append_array(m, 'y', id, id_size);
    if (r >= 0)
        r = sym_sd_bus_message_append(m, "ssusai", SERVICE, CLASS, (uint32_t) record->leader,
                                      record->host_directory ? record->host_directory : "", 0);
    if (r >= 0)
        *ret = TAKE_PTR(m);
    return r;
}

static bool is_dead(int pidfd)
{
    struct pollfd poll_one = {pidfd, POLLIN, 0};

    return poll(&poll_one, 1, 0) > 0;
}

static int call_register(Systemd *systemd, const MachinedRecord *record, bool *has_ex, Error *error)
{
    _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
    _cleanup_free_ char *what = text_format("register '%s' as a machine", record->name);
    int r = *has_ex ? new_register_ex(systemd, record, &message) : new_register(systemd, record, &message);

    if (!what)
        return -ENOMEM;
    if (r < 0)
        return systemd_set_connection_error(error, r, what);
    return systemd_call(systemd, message, CALL_TIMEOUT_USEC, what, &reply, error);
}

/* -EBADR is "no such method". */
static int register_once(Systemd *systemd, const MachinedRecord *record, bool *has_ex, Error *error)
{
    _cleanup_error_ Error cause = {};
    int r = call_register(systemd, record, has_ex, &cause);

    if (r == -EBADR && *has_ex) {
        *has_ex = false;
        error_done(&cause);
        r = call_register(systemd, record, has_ex, &cause);
    }
    error_move(error, &cause);
    return r;
}

/* One property of a machine; *ret_text points into *ret_reply. */
static int get_property(Systemd *systemd, const char *name, const char *property, const char *signature,
                        void *ret_value, sd_bus_message **ret_reply)
{
    _cleanup_message_ sd_bus_message *message = NULL;
    _cleanup_free_ char *path = NULL;
    int r = sym_sd_bus_path_encode(MACHINE_PREFIX, name, &path);

    if (r >= 0)
        r = sym_sd_bus_message_new_method_call(systemd->bus, &message, DESTINATION, path,
                                               "org.freedesktop.DBus.Properties", "Get");
    if (r >= 0)
        r = sym_sd_bus_message_append(message, "ss", MACHINE_INTERFACE, property);
    if (r >= 0)
        r = systemd_call(systemd, message, CALL_TIMEOUT_USEC, "read a machine", ret_reply, NULL);
    if (r >= 0)
        r = sym_sd_bus_message_enter_container(*ret_reply, 'v', signature);
    return r < 0 ? r : sym_sd_bus_message_read_basic(*ret_reply, signature[0], ret_value);
}

/* Who registered a machine, and its leader. An error: there is none of that name, or machined is gone. */
static int get_machine(Systemd *systemd, const char *name, bool *ret_is_ours, pid_t *ret_leader)
{
    _cleanup_message_ sd_bus_message *service_reply = NULL, *leader_reply = NULL;
    const char *service = NULL;
    uint32_t leader = 0;
    int r = get_property(systemd, name, "Service", "s", &service, &service_reply);

    if (r >= 0)
        r = get_property(systemd, name, "Leader", "u", &leader, &leader_reply);
    if (r < 0)
        return r;
    *ret_is_ours = strcmp(service, SERVICE) == 0;
    *ret_leader = (pid_t) leader;
    return 0;
}

static int unregister(Systemd *systemd, const char *name, Error *error)
{
    _cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
    _cleanup_free_ char *what = text_format("unregister the machine '%s'", name);
    _cleanup_error_ Error cause = {};
    int r = new_call(systemd, "UnregisterMachine", &message);

    if (!what)
        return -ENOMEM;
    if (r >= 0)
        r = sym_sd_bus_message_append(message, "s", name);
    if (r < 0)
        return systemd_set_connection_error(error, r, what);
    r = systemd_call(systemd, message, CALL_TIMEOUT_USEC, what, &reply, &cause);
    if (r == -ENOENT)
        return 0;
    error_move(error, &cause);
    return r;
}

/* The name is taken. 0: it is free again, or soon will be; 1: it is our own registration. */
static int clear_name(Systemd *systemd, const MachinedRecord *record, Error *error)
{
    bool is_ours = false;
    pid_t leader = 0;

    if (get_machine(systemd, record->name, &is_ours, &leader) < 0)
        return 0;
    if (is_ours && leader == record->leader)
        return 1;
    if (!is_ours && leader > 0 && (kill(leader, 0) == 0 || errno != ESRCH))
        return error_hint(error,
                          error_set(error, -EEXIST, "systemd-machined knows another machine named '%s'", record->name),
                          "choose another --name=, or --register=no");
    return unregister(systemd, record->name, error);
}

int machined_register(Systemd *systemd, const MachinedRecord *record, Error *error)
{
    /* Without the number the newer call cannot name the leader. */
    bool has_ex = process_pidfd_id(record->leader_pidfd) != 0;

    if (systemd->is_private)
        return error_set(error, -EOPNOTSUPP, "there is no system bus to reach systemd-machined by");
    for (unsigned attempt = 0; attempt < REPLACE_ATTEMPTS; attempt++) {
        _cleanup_error_ Error cause = {};
        int r = register_once(systemd, record, &has_ex, &cause);

        if (is_dead(record->leader_pidfd)) {
            /* By its number another process may have been registered. */
            if (r == 0)
                (void) unregister(systemd, record->name, NULL);
            return error_set(error, -ESRCH, "'%s' ended before it was registered", record->name);
        }
        if (r != -EEXIST) {
            error_move(error, &cause);
            return r;
        }
        r = clear_name(systemd, record, error);
        if (r != 0)
            return r < 0 ? r : 0;
        (void) poll(NULL, 0, attempt == 0 ? 0 : REPLACE_PAUSE_MSEC);
    }
    return error_set(error, -EBUSY, "systemd-machined does not let go of the name '%s'", record->name);
}

int machined_unregister(Systemd *systemd, const char *name, pid_t leader, Error *error)
{
    bool is_ours = false;
    pid_t registered = 0;

    if (systemd->is_private || get_machine(systemd, name, &is_ours, &registered) < 0)
        return 0;
    /* Machined clears the number of a leader that it has seen die. */
    if (!is_ours || (registered != leader && registered != 0))
        return 0;
    return unregister(systemd, name, error);
}

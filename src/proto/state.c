/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proto/state.h"

#include <stddef.h>

#define STRING(m) JSON_FIELD(Machine, m, JSON_FIELD_STRING)
#define NUMBER(m) JSON_FIELD(Machine, m, JSON_FIELD_U64)
#define FLAG(m)   JSON_FIELD(Machine, m, JSON_FIELD_BOOL)

const JsonField machine_fields[] = {
    NUMBER(schema),
    STRING(name),
    STRING(id),
    STRING(image),
    STRING(image_id),
    STRING(directory),
    JSON_FIELD(Machine, command, JSON_FIELD_LIST),
    STRING(unit),
    STRING(cgroup),
    JSON_FIELD(Machine, environment, JSON_FIELD_LIST),
    JSON_FIELD(Machine, secret_environment, JSON_FIELD_LIST),
    STRING(user),
    STRING(working_directory),
    STRING(seccomp_profile),
    STRING(seccomp_filter),
    NUMBER(capabilities),
    FLAG(no_new_privileges),
    STRING(process_label),
    STRING(file_label),
    JSON_FIELD(Machine, uid_map, JSON_FIELD_LIST),
    JSON_FIELD(Machine, gid_map, JSON_FIELD_LIST),
    JSON_FIELD(Machine, time_offsets, JSON_FIELD_LIST),
    JSON_FIELD(Machine, id_ranges, JSON_FIELD_LIST),
    STRING(log),
    JSON_FIELD(Machine, exposed_ports, JSON_FIELD_LIST),
    JSON_FIELD(Machine, ports, JSON_FIELD_LIST),
    STRING(link),
    STRING(address),
    STRING(address6),
    JSON_FIELD(Machine, binds, JSON_FIELD_LIST),
    STRING(boot_id),
    STRING(machine_id),
    NUMBER(supervisor),
    NUMBER(supervisor_started),
    NUMBER(leader),
    NUMBER(leader_started),
    NUMBER(leader_pidfd_id),
    NUMBER(created_usec),
    NUMBER(started_usec),
    NUMBER(stop_timeout_usec),
    NUMBER(stop_signal),
    STRING(restart),
    NUMBER(restarts),
    FLAG(interactive),
    FLAG(terminal),
    FLAG(boot),
    FLAG(remove),
    FLAG(registered),
    FLAG(has_definition),
    JSON_FIELD(Machine, start_trace, JSON_FIELD_LIST),
    FLAG(foreign),
    STRING(machine_class),
    STRING(service),
    STRING(foreign_root),
    NUMBER(owner),
};
const size_t machine_fields_count = ELEMENTSOF(machine_fields);

#define EXIT_NUMBER(m) JSON_FIELD(MachineExit, m, JSON_FIELD_U64)
const JsonField machine_exit_fields[] = {
    EXIT_NUMBER(schema),
    JSON_FIELD(MachineExit, code, JSON_FIELD_I64),
    EXIT_NUMBER(signal),
    EXIT_NUMBER(oom_kills),
    EXIT_NUMBER(finished_usec),
    EXIT_NUMBER(lines_dropped),
    JSON_FIELD(MachineExit, is_removed, JSON_FIELD_BOOL),
};
const size_t machine_exit_fields_count = ELEMENTSOF(machine_exit_fields);

#define HEALTH(member, type) JSON_FIELD(MachineHealth, member, type)
const JsonField machine_health_fields[] = {
    HEALTH(health_status, JSON_FIELD_STRING),  HEALTH(health_failing, JSON_FIELD_U64),
    HEALTH(health_code, JSON_FIELD_U64),       HEALTH(health_started_usec, JSON_FIELD_U64),
    HEALTH(health_ended_usec, JSON_FIELD_U64), HEALTH(health_output, JSON_FIELD_STRING),
};
const size_t machine_health_fields_count = ELEMENTSOF(machine_health_fields);

void machine_health_done(MachineHealth *health)
{
    json_fields_done(health, machine_health_fields, machine_health_fields_count);
}

void machine_free(Machine *machine)
{
    if (!machine)
        return;
    json_fields_done(machine, machine_fields, machine_fields_count);
    json_decref(machine->unknown);
    free(machine);
}

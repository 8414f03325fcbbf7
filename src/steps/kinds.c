/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steps/steps.h"

#define FIELD(kind_type, member, type)                                                                                 \
    {                                                                                                                  \
#member, type, offsetof(Step, kind_type) + offsetof(__typeof__(((Step *) 0)->kind_type), member)               \
    }
#define NUMBER(k, m)  FIELD(k, m, STEP_FIELD_NUMBER)
#define OCTAL(k, m)   FIELD(k, m, STEP_FIELD_OCTAL)
#define STRING(k, m)  FIELD(k, m, STEP_FIELD_STRING)
#define LIST(k, m)    FIELD(k, m, STEP_FIELD_LIST)
#define MOUNT(k, m)   FIELD(k, m, STEP_FIELD_FLAGS_MOUNT)
#define FIELDS(array) .fields = array, .fields_count = sizeof(array) / sizeof(array[0])
#define NO_FIELDS     .fields = NULL, .fields_count = 0

/* clang-format off */
static const StepField cgroup_fields[] = {STRING(cgroup, name), NUMBER(cgroup, root_fd), LIST(cgroup, files),
    NUMBER(cgroup, owner_uid), NUMBER(cgroup, owner_gid), NUMBER(cgroup, is_direct),
    FIELD(cgroup, devices, STEP_FIELD_BYTES)};
static const StepField await_fields[] = {NUMBER(await, listen_fd)};
static const StepField directory_fields[] = {NUMBER(directory, parent_fd), STRING(directory, name),
    OCTAL(directory, mode), NUMBER(directory, remove), LIST(directory, children), OCTAL(directory, child_mode),
    NUMBER(directory, child_uid), NUMBER(directory, child_gid)};
static const StepField id_range_fields[] = {STRING(id_range, name), NUMBER(id_range, base), NUMBER(id_range, lock_fd),
    NUMBER(id_range, count), NUMBER(id_range, locks_fd), NUMBER(id_range, run_fd)};
static const StepField clone_tree_fields[] = {NUMBER(clone_tree, source_fd), STRING(clone_tree, host_path),
    NUMBER(clone_tree, recursive), NUMBER(clone_tree, is_clone)};
static const StepField device_tree_fields[] = {LIST(device_tree, options), MOUNT(device_tree, attributes),
    LIST(device_tree, nodes), NUMBER(device_tree, uid), NUMBER(device_tree, gid)};
static const StepField start_fields[] = {FIELD(start, namespaces, STEP_FIELD_FLAGS_NAMESPACE),
    NUMBER(start, network_fd), NUMBER(start, uts_fd), NUMBER(start, pid_fd), NUMBER(start, ipc_fd),
    LIST(start, time_offsets)};
static const StepField join_user_fields[] = {NUMBER(join_user, user_fd),
    FIELD(join_user, namespaces, STEP_FIELD_FLAGS_NAMESPACE)};
static const StepField join_start_fields[] = {NUMBER(join_start, target_pidfd), NUMBER(join_start, cgroup_fd)};
static const StepField join_fields[] = {NUMBER(join, target_pidfd),
    FIELD(join, namespaces, STEP_FIELD_FLAGS_NAMESPACE), NUMBER(join, uid), NUMBER(join, gid)};
static const StepField id_map_fields[] = {LIST(id_map, uid_map), LIST(id_map, gid_map), NUMBER(id_map, uid),
    NUMBER(id_map, gid), NUMBER(id_map, is_there)};
static const StepField map_tree_fields[] = {NUMBER(map_tree, tree), NUMBER(map_tree, count),
    STRING(map_tree, host_path), NUMBER(map_tree, recursive)};
static const StepField link_fields[] = {STRING(link, name), STRING(link, prefix), STRING(link, alternative_name),
    NUMBER(link, bridge), FIELD(link, network, STEP_FIELD_IPV4), NUMBER(link, prefix_length),
    STRING(link, network6)};
static const StepField publish_fields[] = {LIST(publish, ports), STRING(publish, owner)};
static const StepField supervise_fields[] = {STRING(supervise, name), STRING(supervise, id),
    STRING(supervise, image), STRING(supervise, tag), STRING(supervise, unit), NUMBER(supervise, stop_signal),
    NUMBER(supervise, stop_timeout_usec), NUMBER(supervise, log), NUMBER(supervise, log_fd), NUMBER(supervise, echo),
    NUMBER(supervise, log_max_bytes), NUMBER(supervise, log_max_files), LIST(supervise, log_fields),
    NUMBER(supervise, run_fd), NUMBER(supervise, keep_exit), NUMBER(supervise, forget_log), NUMBER(supervise, attach_fd),
    NUMBER(supervise, is_system), NUMBER(supervise, restarts),
    NUMBER(supervise, restart_mode), NUMBER(supervise, restart_attempts), NUMBER(supervise, notify),
    FIELD(supervise, health_plan, STEP_FIELD_BYTES), NUMBER(supervise, health_interval_usec),
    NUMBER(supervise, health_timeout_usec), NUMBER(supervise, health_start_period_usec),
    NUMBER(supervise, health_start_interval_usec), NUMBER(supervise, health_retries),
    NUMBER(supervise, health_on_failure), NUMBER(supervise, unit_notify_fd),
    NUMBER(supervise, watchdog_usec), NUMBER(supervise, leaves), NUMBER(supervise, registrar_fd), STRING(supervise, file_label), NUMBER(supervise, trace)};
static const StepField propagation_fields[] = {FIELD(propagation, propagation, STEP_FIELD_HEX),
    STRING(propagation, path)};
static const StepField root_tree_fields[] = {NUMBER(root_tree, tree), NUMBER(root_tree, volatile_usr),
    MOUNT(root_tree, attributes), NUMBER(root_tree, read_only)};
static const StepField root_overlay_fields[] = {NUMBER(root_overlay, data_tree), LIST(root_overlay, lower),
    STRING(root_overlay, upper), NUMBER(root_overlay, tree), MOUNT(root_overlay, attributes),
    OCTAL(root_overlay, root_mode),
    NUMBER(root_overlay, root_uid), NUMBER(root_overlay, root_gid), STRING(root_overlay, label)};
static const StepField mount_fields[] = {STRING(mount, type), STRING(mount, source), STRING(mount, target),
    LIST(mount, options), MOUNT(mount, attributes), NUMBER(mount, plain), STRING(mount, label)};
static const StepField bind_fields[] = {NUMBER(bind, tree), STRING(bind, target), MOUNT(bind, attributes),
    NUMBER(bind, is_file), NUMBER(bind, plain)};
static const StepField overlay_fields[] = {NUMBER(overlay, lower_tree), NUMBER(overlay, lower_count),
    NUMBER(overlay, upper_tree), STRING(overlay, upper), STRING(overlay, work), STRING(overlay, target), MOUNT(overlay, attributes)};
static const StepField make_directory_fields[] = {STRING(make_directory, path)};
static const StepField device_fields[] = {STRING(device, target), NUMBER(device, major), NUMBER(device, minor),
    OCTAL(device, mode), OCTAL(device, type), NUMBER(device, uid), NUMBER(device, gid), NUMBER(device, may_exist)};
static const StepField symlink_fields[] = {STRING(symlink, target), STRING(symlink, content)};
static const StepField file_fields[] = {STRING(file, target), STRING(file, content), OCTAL(file, mode),
    NUMBER(file, only_if_missing)};
static const StepField terminal_fields[] = {NUMBER(terminal, is_stdio), NUMBER(terminal, rows),
    NUMBER(terminal, columns)};
static const StepField mask_fields[] = {LIST(mask, paths)};
static const StepField read_only_fields[] = {LIST(read_only, paths)};
static const StepField sysctl_fields[] = {LIST(sysctl, assignments)};
static const StepField pivot_fields[] = {NUMBER(pivot, read_only)};
static const StepField join_cgroup_fields[] = {NUMBER(join_cgroup, mount), NUMBER(join_cgroup, read_only), NUMBER(join_cgroup, keep_namespace)};
static const StepField label_fields[] = {STRING(label, process)};
static const StepField notify_socket_fields[] = {STRING(notify_socket, directory), STRING(notify_socket, name), STRING(notify_socket, label)};
static const StepField inaccessible_fields[] = {STRING(inaccessible, directory)};
static const StepField credential_fields[] = {STRING(credential, directory), STRING(credential, name),
    OCTAL(credential, mode), NUMBER(credential, uid), NUMBER(credential, gid), FIELD(credential, data, STEP_FIELD_BYTES)};
static const StepField show_file_fields[] = {STRING(show_file, source), STRING(show_file, target)};
static const StepField hostname_fields[] = {STRING(hostname, name), STRING(hostname, domain)};
static const StepField rlimit_fields[] = {NUMBER(rlimit, resource), NUMBER(rlimit, soft), NUMBER(rlimit, hard)};
static const StepField oom_score_fields[] = {NUMBER(oom_score, score_plus_1000)};
static const StepField identity_fields[] = {STRING(identity, user), LIST(identity, groups), NUMBER(identity, is_exact)};
static const StepField working_directory_fields[] = {STRING(working_directory, path),
    NUMBER(working_directory, create)};
static const StepField chown_tree_fields[] = {NUMBER(chown_tree, tree), STRING(chown_tree, target)};
static const StepField capabilities_fields[] = {FIELD(capabilities, bounding, STEP_FIELD_FLAGS_CAPABILITY),
    NUMBER(capabilities, last), NUMBER(capabilities, is_exact),
    FIELD(capabilities, effective, STEP_FIELD_FLAGS_CAPABILITY), FIELD(capabilities, permitted, STEP_FIELD_FLAGS_CAPABILITY),
    FIELD(capabilities, inheritable, STEP_FIELD_FLAGS_CAPABILITY), FIELD(capabilities, ambient, STEP_FIELD_FLAGS_CAPABILITY)};
static const StepField seccomp_fields[] = {STRING(seccomp, profile), FIELD(seccomp, program, STEP_FIELD_BYTES)};
static const StepField exec_fields[] = {LIST(exec, argv), LIST(exec, environment),
    FIELD(exec, secrets, STEP_FIELD_SECRETS), NUMBER(exec, init), NUMBER(exec, init_fd), NUMBER(exec, umask_plus_one), LIST(exec, candidates)};

const StepKindRow step_kinds[_STEP_KIND_MAX] = {
    [STEP_CGROUP] = {"cgroup", STEP_HOST, FIELDS(cgroup_fields), .writes = {SLOT_CGROUP}},
    [STEP_DIRECTORY] = {"directory", STEP_HOST, FIELDS(directory_fields)},
    [STEP_ID_RANGE] = {"id-range", STEP_HOST, FIELDS(id_range_fields)},
    [STEP_CLONE_TREE] = {"clone-tree", STEP_HOST, FIELDS(clone_tree_fields)},
    [STEP_DEVICE_TREE] = {"device-tree", STEP_HOST, FIELDS(device_tree_fields)},
    [STEP_START] = {"start", STEP_HOST, FIELDS(start_fields), .writes = {SLOT_PAYLOAD}},
    [STEP_JOIN_START] = {"join-start", STEP_HOST, FIELDS(join_start_fields), .writes = {SLOT_PAYLOAD}},
    [STEP_SUPERVISE] = {"supervise", STEP_HOST, FIELDS(supervise_fields), .reads = {SLOT_PAYLOAD}},
    [STEP_ID_MAP] = {"id-map", STEP_OUTER, FIELDS(id_map_fields), .reads = {SLOT_PAYLOAD}, .writes = {SLOT_IDS}},
    [STEP_MAP_TREE] = {"map-tree", STEP_OUTER, FIELDS(map_tree_fields), .reads = {SLOT_IDS}},
    [STEP_LINK] = {"link", STEP_OUTER, FIELDS(link_fields), .reads = {SLOT_PAYLOAD}, .writes = {SLOT_LINK}},
    [STEP_PUBLISH] = {"publish", STEP_OUTER, FIELDS(publish_fields), .reads = {SLOT_LINK}},
    [STEP_JOIN_USER] = {"join-user", STEP_INNER, FIELDS(join_user_fields), .reads = {SLOT_PAYLOAD}},
    [STEP_BECOME_ROOT] = {"become-root", STEP_INNER, NO_FIELDS, .reads = {SLOT_PAYLOAD}},
    [STEP_JOIN] = {"join", STEP_INNER, FIELDS(join_fields), .reads = {SLOT_PAYLOAD},
        .writes = {SLOT_ROOT, SLOT_PIVOTED}},
    [STEP_AWAIT] = {"await", STEP_INNER, FIELDS(await_fields), .reads = {SLOT_PIVOTED}},
    [STEP_PROPAGATION] = {"propagation", STEP_INNER, FIELDS(propagation_fields), .reads = {SLOT_PAYLOAD},
        .may_be_outer = true},
    [STEP_ROOT_TREE] = {"root-tree", STEP_INNER, FIELDS(root_tree_fields), .reads = {SLOT_PAYLOAD},
        .writes = {SLOT_ROOT}},
    [STEP_ROOT_OVERLAY] = {"root-overlay", STEP_INNER, FIELDS(root_overlay_fields), .reads = {SLOT_PAYLOAD},
        .writes = {SLOT_ROOT}, .may_be_outer = true},
    [STEP_MOUNT] = {"mount", STEP_INNER, FIELDS(mount_fields), .reads = {SLOT_ROOT}},
    [STEP_BIND] = {"bind", STEP_INNER, FIELDS(bind_fields), .reads = {SLOT_ROOT}},
    [STEP_OVERLAY] = {"overlay", STEP_INNER, FIELDS(overlay_fields), .reads = {SLOT_ROOT}, .may_be_outer = true},
    [STEP_MAKE_DIRECTORY] = {"make-directory", STEP_INNER, FIELDS(make_directory_fields), .reads = {SLOT_ROOT}},
    [STEP_DEVICE] = {"device", STEP_INNER, FIELDS(device_fields), .reads = {SLOT_ROOT}},
    [STEP_SYMLINK] = {"symlink", STEP_INNER, FIELDS(symlink_fields), .reads = {SLOT_ROOT}},
    [STEP_FILE] = {"file", STEP_INNER, FIELDS(file_fields), .reads = {SLOT_ROOT}},
    [STEP_NOTIFY_SOCKET] = {"notify-socket", STEP_INNER, FIELDS(notify_socket_fields), .reads = {SLOT_ROOT}},
    [STEP_INACCESSIBLE] = {"inaccessible", STEP_INNER, FIELDS(inaccessible_fields), .reads = {SLOT_ROOT}},
    [STEP_CREDENTIAL] = {"credential", STEP_INNER, FIELDS(credential_fields), .reads = {SLOT_ROOT}},
    [STEP_SHOW_FILE] = {"show-file", STEP_INNER, FIELDS(show_file_fields), .reads = {SLOT_ROOT}},
    [STEP_TERMINAL] = {"terminal", STEP_INNER, FIELDS(terminal_fields), .reads = {SLOT_ROOT}},
    [STEP_MASK] = {"mask", STEP_INNER, FIELDS(mask_fields), .reads = {SLOT_ROOT}},
    [STEP_READ_ONLY] = {"read-only", STEP_INNER, FIELDS(read_only_fields), .reads = {SLOT_ROOT}},
    [STEP_SYSCTL] = {"sysctl", STEP_INNER, FIELDS(sysctl_fields), .reads = {SLOT_PAYLOAD}},
    [STEP_PIVOT] = {"pivot", STEP_INNER, FIELDS(pivot_fields), .reads = {SLOT_ROOT}, .writes = {SLOT_PIVOTED}},
    [STEP_JOIN_CGROUP] = {"join-cgroup", STEP_INNER, FIELDS(join_cgroup_fields), .reads = {SLOT_PIVOTED}},
    [STEP_HOSTNAME] = {"hostname", STEP_INNER, FIELDS(hostname_fields), .reads = {SLOT_PAYLOAD}},
    [STEP_LOOPBACK] = {"loopback", STEP_INNER, NO_FIELDS, .reads = {SLOT_PAYLOAD}},
    [STEP_LABEL] = {"label", STEP_INNER, FIELDS(label_fields), .reads = {SLOT_ROOT}},
    [STEP_KEYRING] = {"keyring", STEP_INNER, NO_FIELDS, .reads = {SLOT_PAYLOAD}},
    [STEP_RLIMIT] = {"rlimit", STEP_INNER, FIELDS(rlimit_fields), .reads = {SLOT_PAYLOAD},
        .may_be_outer = true},
    [STEP_OOM_SCORE] = {"oom-score", STEP_INNER, FIELDS(oom_score_fields), .reads = {SLOT_PAYLOAD},
        .may_be_outer = true},
    [STEP_IDENTITY] = {"identity", STEP_INNER, FIELDS(identity_fields), .reads = {SLOT_ROOT},
        .writes = {SLOT_IDENTITY}},
    [STEP_WORKING_DIRECTORY] = {"working-directory", STEP_INNER, FIELDS(working_directory_fields),
        .reads = {SLOT_PIVOTED}},
    [STEP_CHOWN_TREE] = {"chown-tree", STEP_INNER, FIELDS(chown_tree_fields), .reads = {SLOT_IDENTITY}},
    [STEP_CAPABILITIES] = {"capabilities", STEP_INNER, FIELDS(capabilities_fields), .reads = {SLOT_IDENTITY}},
    [STEP_NO_NEW_PRIVILEGES] = {"no-new-privileges", STEP_INNER, NO_FIELDS, .reads = {SLOT_PIVOTED}},
    [STEP_SECCOMP] = {"seccomp", STEP_INNER, FIELDS(seccomp_fields), .reads = {SLOT_PIVOTED}},
    [STEP_EXEC] = {"exec", STEP_INNER, FIELDS(exec_fields), .reads = {SLOT_PIVOTED, SLOT_IDENTITY}},
};
/* clang-format on */

const char *step_slot_name(StepSlot slot)
{
    static const char *const names[_SLOT_MAX] = {"none",    "cgroup",   "payload", "root",
                                                 "pivoted", "identity", "link",    "ids"};

    return slot < _SLOT_MAX ? names[slot] : "?";
}

StepWhere step_where(const Step *step)
{
    return step->is_outer ? STEP_OUTER : step_kinds[step->kind].where;
}

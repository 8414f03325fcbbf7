/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* state, list, features, spec: what is told. */

#include "runtime/runtime.h"

#include "base/file.h"
#include "base/json.h"
#include "base/strv.h"
#include "base/text.h"
#include "inputs/oci-runtime.h"
#include "spec/values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* "runtime.md#state"; `created` and `rootfs` are what engines know from runc(8). */
static json_t *describe(const ContainerState *state)
{
    ContainerStatus status = container_status(state);
    json_t *json = json_pack("{s:s,s:o,s:I,s:s}", "ociVersion", RUNTIME_VERSION, "id", json_safe_string(state->id),
                             "pid", (json_int_t) (status == STATUS_STOPPED ? 0 : state->pid), "status",
                             container_status_to_string(status));
    json_t *annotations = state->annotations ? json_loads(state->annotations, 0, NULL) : NULL;

    if (state->bundle)
        json_object_set_new(json, "bundle", json_safe_string(state->bundle));
    if (state->rootfs)
        json_object_set_new(json, "rootfs", json_safe_string(state->rootfs));
    if (state->created)
        json_object_set_new(json, "created", json_safe_string(state->created));
    if (annotations)
        json_object_set_new(json, "annotations", annotations);
    return json;
}

static int print(json_t *json, size_t flags)
{
    int r = json ? json_dumpf(json, stdout, flags) : -1;

    json_decref(json);
    return r < 0 || putchar('\n') < 0 || fflush(stdout) != 0 ? -EIO : 0;
}

int verb_state(Runtime *runtime, Error *error)
{
    _cleanup_state_ ContainerState state = {.directory_fd = -EBADF};
    int r = container_state_load(runtime, runtime->words[0], &state, error);

    return r < 0 ? r : print(describe(&state), JSON_INDENT(2));
}

static void print_row(const ContainerState *state)
{
    _cleanup_free_ char *bundle = text_escape(state->bundle ? state->bundle : "", SIZE_MAX);
    ContainerStatus status = container_status(state);

    printf("%-24s %-10llu %-10s %s\n", state->id, (unsigned long long) (status == STATUS_STOPPED ? 0 : state->pid),
           container_status_to_string(status), bundle ? bundle : "");
}

int verb_list(Runtime *runtime, Error *error)
{
    bool is_json = runtime->format && strcmp(runtime->format, "json") == 0;
    _cleanup_strv_ char **names = NULL;
    _cleanup_json_ json_t *array = json_array();
    int r = file_list_at(AT_FDCWD, runtime->root, NULL, &names);

    if (runtime->format && !is_json && strcmp(runtime->format, "table") != 0)
        return error_set(error, -EINVAL, "--format: '%s' is neither table nor json", runtime->format);
    if (r < 0 && r != -ENOENT)
        return error_set(error, r, "cannot read '%s': %s", runtime->root, strerror(-r));
    if (!is_json && !runtime->quiet)
        printf("%-24s %-10s %-10s %s\n", "ID", "PID", "STATUS", "BUNDLE");
    STRV_FOREACH (name, names) {
        _cleanup_state_ ContainerState state = {.directory_fd = -EBADF};

        /* One that goes at this moment, or whose record is damaged, keeps the others from nobody. */
        if (container_state_load(runtime, *name, &state, NULL) < 0)
            continue;
        if (runtime->quiet)
            printf("%s\n", state.id);
        else if (is_json)
            json_array_append_new(array, describe(&state));
        else
            print_row(&state);
    }
    return is_json && !runtime->quiet ? print(json_incref(array), JSON_COMPACT) : 0;
}

static json_t *list_capabilities(void)
{
    json_t *array = json_array();

    for (unsigned i = 0; i <= CAPABILITY_LAST; i++)
        json_array_append_new(array, json_string(capability_name(i)));
    return array;
}

/* "features.md": what is really there. */
int verb_features(Runtime *runtime, Error *error)
{
    json_t *options = json_array(), *json;

    (void) runtime;
    (void) error;
    for (size_t i = 0; mount_bundle_option(i); i++)
        json_array_append_new(options, json_string(mount_bundle_option(i)));
    json = json_pack("{s:s,s:s,s:[],s:o,s:{s:[s,s,s,s,s,s],s:o,s:{s:b,s:b,s:b,s:b,s:b},s:{s:b},s:{s:b},s:{s:b},s:{s:b},"
                     "s:{s:{s:b}}}}",
                     "ociVersionMin", OCI_RUNTIME_VERSION_LEAST, "ociVersionMax", OCI_RUNTIME_VERSION_NEWEST, "hooks",
                     "mountOptions", options, "linux", "namespaces", "cgroup", "ipc", "mount", "network", "pid", "uts",
                     "capabilities", list_capabilities(), "cgroup", "v1", 0, "v2", 1, "systemd", 0, "systemdUser", 0,
                     "rdma", 0, "seccomp", "enabled", 1, "apparmor", "enabled", 0, "selinux", "enabled", 1, "intelRdt",
                     "enabled", 0, "mountExtensions", "idmap", "enabled", 0);
    return print(json, JSON_INDENT(2));
}

static json_t *default_mount(const char *target, const char *type, const char *const *options)
{
    json_t *list = json_array();

    for (size_t i = 0; options[i]; i++)
        json_array_append_new(list, json_string(options[i]));
    return json_pack("{s:s,s:s,s:s,s:o}", "destination", target, "type", type, "source", type, "options", list);
}

static json_t *default_mounts(void)
{
    static const struct {
        const char *target, *type, *options[8];
    } mounts[] = {
        {"/proc", "proc", {"nosuid", "noexec", "nodev"}},
        {"/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
        {"/dev/pts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
        {"/dev/shm", "tmpfs", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
        {"/dev/mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
        {"/sys", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
        {"/sys/fs/cgroup", "cgroup", {"nosuid", "noexec", "nodev", "ro"}},
    };
    json_t *array = json_array();

    for (size_t i = 0; i < ELEMENTSOF(mounts); i++)
        json_array_append_new(array, default_mount(mounts[i].target, mounts[i].type, mounts[i].options));
    return array;
}

static json_t *strings(const char *const *list)
{
    json_t *array = json_array();

    for (size_t i = 0; list[i]; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

/* What the profile `application` is, as a bundle: to begin with and to change. */
static json_t *default_config(void)
{
    static const char *const kinds[] = {"pid", "network", "ipc", "uts", "mount", "cgroup", NULL};
    static const char *const capabilities[] = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", NULL};
    const Profile *profile = profile_find("application");
    json_t *namespaces = json_array();

    for (size_t i = 0; kinds[i]; i++)
        json_array_append_new(namespaces, json_pack("{s:s}", "type", kinds[i]));
    return json_pack(
        "{s:s,s:{s:b,s:{s:i,s:i},s:[s],s:[s,s],s:s,s:{s:o,s:o,s:o},s:b},s:{s:s,s:b},s:s,s:o,s:{s:{s:[{s:b,s:s}]},s:o,s:"
        "o,s:o}}",
        "ociVersion", RUNTIME_VERSION, "process", "terminal", 1, "user", "uid", 0, "gid", 0, "args", "sh", "env",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", "cwd", "/", "capabilities",
        "bounding", strings(capabilities), "effective", strings(capabilities), "permitted", strings(capabilities),
        "noNewPrivileges", 1, "root", "path", "rootfs", "readonly", 1, "hostname", "berth", "mounts", default_mounts(),
        "linux", "resources", "devices", "allow", 0, "access", "rwm", "namespaces", namespaces, "maskedPaths",
        strings((const char *const[]){"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                                      "/proc/timer_list", "/proc/scsi", "/sys/firmware", NULL}),
        "readonlyPaths", strings(profile->read_only_paths));
}

int verb_spec(Runtime *runtime, Error *error)
{
    _cleanup_json_ json_t *json = default_config();
    _cleanup_free_ char *text = json ? json_dumps(json, JSON_INDENT(4)) : NULL;
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (!text)
        return -ENOMEM;
    if (runtime->bundle && chdir(runtime->bundle) < 0)
        return error_set(error, -errno, "cannot open the bundle '%s': %s", runtime->bundle, strerror(errno));
    fd = open(CONFIG_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return error_set(error, -errno, "cannot make '" CONFIG_NAME "': %s", strerror(errno));
    r = file_write_all(fd, text, strlen(text));
    return r < 0 ? error_set(error, r, "cannot write '" CONFIG_NAME "': %s", strerror(-r)) : 0;
}

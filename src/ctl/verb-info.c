/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* info: what this host offers, what is missing, and what to do about it. */

#include "ctl/container.h"
#include "ctl/table.h"

#include "base/dl.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/selinux.h"
#include "host/systemd.h"
#include "kernel/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

typedef enum InfoState {
    INFO_FACT, /* neither good nor bad */
    INFO_OK,
    INFO_LIMITED, /* something works less well or not */
    INFO_MISSING, /* nothing works */
    _INFO_STATE_MAX
} InfoState;

/* What one probe found. */
typedef struct Info {
    InfoState state;
    char *value;
    const char *advice; /* NULL: none is needed */
} Info;

typedef struct InfoProbe {
    const char *key, *label;
    int (*probe)(Ctl *ctl, Info *info);
} InfoProbe;

static void info_done(Info *info)
{
    free(info->value);
}

/* Takes `value`. */
static int set(Info *info, InfoState state, char *value, const char *advice)
{
    info->state = state;
    info->value = value;
    info->advice = advice;
    return value ? 0 : -ENOMEM;
}

static bool kernel_is_at_least(unsigned major, unsigned minor)
{
    unsigned has_major = 0, has_minor = 0;
    struct utsname name;

    return uname(&name) == 0 && sscanf(name.release, "%u.%u", &has_major, &has_minor) == 2 &&
           (has_major > major || (has_major == major && has_minor >= minor));
}

static int read_number(const char *path, uint64_t *ret)
{
    _cleanup_free_ char *text = NULL;
    int r = file_read_at(AT_FDCWD, path, 4096, &text, NULL);

    if (r < 0)
        return r;
    text[strcspn(text, "\n")] = 0;
    return text_parse_u64(text, UINT64_MAX, ret);
}

static int probe_version(Ctl *ctl, Info *info)
{
    (void) ctl;
    return set(info, INFO_FACT, strdup(BERTH_VERSION), NULL);
}

static int probe_kernel(Ctl *ctl, Info *info)
{
    struct utsname name;

    (void) ctl;
    if (uname(&name) < 0)
        return -errno;
    return set(info, kernel_is_at_least(5, 14) ? INFO_OK : INFO_MISSING,
               text_format("%s %s", name.release, name.machine),
               kernel_is_at_least(5, 14) ? NULL : "Linux 5.14 is the oldest that Berth runs on");
}

static int probe_systemd(Ctl *ctl, Info *info)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    _cleanup_error_ Error error = {};
    unsigned version = 0;
    int r;

    (void) ctl;
    if (!systemd_is_running())
        return set(info, INFO_LIMITED, strdup("not PID 1"),
                   "containers get no scope, no systemd resource control, and nothing starts them at boot");
    r = systemd_open(&systemd, &error);
    if (r == 0)
        r = systemd_version(systemd, &version, &error);
    if (r < 0)
        return set(info, INFO_MISSING, text_format("does not answer: %s", error.text ? error.text : strerror(-r)),
                   "without its bus no container can be put into a scope");
    return set(info, version >= 252 ? INFO_OK : INFO_LIMITED, text_format("%u", version),
               version >= 252 ? NULL : "252 is the oldest that Berth is tested with");
}

/* Which of the controllers that limits of containers need are not there. */
static int list_missing_controllers(const char *controllers, char ***ret)
{
    static const char *const needed[] = {"cpu", "io", "memory", "pids"};
    int r = 0;

    for (size_t i = 0; r == 0 && i < ELEMENTSOF(needed); i++) {
        const char *word = controllers;
        size_t length = strlen(needed[i]);
        bool is_there = false;

        for (; *word && !is_there; word += strspn(word, " ")) {
            size_t n = strcspn(word, " ");

            is_there = n == length && strncmp(word, needed[i], n) == 0;
            word += n;
        }
        if (!is_there)
            r = strv_append(ret, needed[i]);
    }
    return r;
}

static int probe_cgroup(Ctl *ctl, Info *info)
{
    _cleanup_strv_ char **missing = NULL;
    _cleanup_free_ char *words = NULL;
    _cleanup_close_ int root_fd = -EBADF;
    char controllers[512] = "";
    bool is_hybrid = false;

    (void) ctl;
    if (cgroup_open_root(&root_fd, &is_hybrid) < 0)
        return set(info, INFO_LIMITED, strdup("no unified hierarchy"),
                   "no limits, no accounting: boot with systemd.unified_cgroup_hierarchy=1");
    if (is_hybrid)
        return set(info, INFO_LIMITED, strdup("hybrid, no controllers"),
                   "limits cannot be set: boot with systemd.unified_cgroup_hierarchy=1");
    (void) cgroup_read(root_fd, "cgroup.controllers", controllers, sizeof(controllers));
    if (list_missing_controllers(controllers, &missing) < 0)
        return -ENOMEM;
    if (!missing)
        return set(info, INFO_OK, text_format("unified (%s)", controllers), NULL);
    words = strv_join(missing, " ");
    return set(info, INFO_LIMITED, words ? text_format("unified, without: %s", words) : NULL,
               "limits of these cannot be set: the kernel or a version 1 hierarchy keeps them");
}

static int probe_selinux(Ctl *ctl, Info *info)
{
    SelinuxMode mode = selinux_probe_mode();

    (void) ctl;
    return set(info, mode == SELINUX_MODE_ENFORCING ? INFO_OK : INFO_FACT, strdup(selinux_mode_to_string(mode)), NULL);
}

static int probe_overlay(Ctl *ctl, Info *info)
{
    _cleanup_free_ char *text = NULL;
    bool is_known = file_read_at(AT_FDCWD, "/proc/filesystems", 65536, &text, NULL) == 0 && strstr(text, "\toverlay\n");

    (void) ctl;
    if (!is_known)
        return set(info, INFO_LIMITED, strdup("not loaded"), "images need it: modprobe overlay");
    return set(info, INFO_OK, strdup("yes"), NULL);
}

static int probe_idmap(Ctl *ctl, Info *info)
{
    bool is_known = kernel_is_at_least(5, 12);

    (void) ctl;
    return set(info, is_known ? INFO_OK : INFO_LIMITED, strdup(is_known ? "yes" : "no"),
               is_known ? NULL : "need Linux 5.12; which file systems have them depends on its version");
}

static int probe_seccomp(Ctl *ctl, Info *info)
{
    static DlLibrary library = {.soname = "libseccomp.so.2", .package = "libseccomp2", .feature = "seccomp"};
    bool has_filter = access("/proc/sys/kernel/seccomp/actions_avail", F_OK) == 0;

    (void) ctl;
    if (!has_filter)
        return set(info, INFO_MISSING, strdup("not in this kernel"),
                   "only --security-opt=seccomp=unconfined can run: build it with CONFIG_SECCOMP_FILTER");
    if (dl_load(&library, NULL) < 0)
        return set(info, INFO_MISSING, strdup("no libseccomp"), "install the package libseccomp2");
    return set(info, INFO_OK, strdup("yes"), NULL);
}

static int probe_user_namespaces(Ctl *ctl, Info *info)
{
    uint64_t most = 0;

    (void) ctl;
    if (access("/proc/self/ns/user", F_OK) < 0)
        return set(info, INFO_LIMITED, strdup("not in this kernel"), "build it with CONFIG_USER_NS");
    if (read_number("/proc/sys/user/max_user_namespaces", &most) < 0 || most == 0)
        return set(info, INFO_LIMITED, strdup("switched off"), "sysctl user.max_user_namespaces=65536");
    return set(info, INFO_OK, text_format("up to %llu", (unsigned long long) most), NULL);
}

static int probe_journal(Ctl *ctl, Info *info)
{
    bool is_there = access(JOURNAL_SOCKET, W_OK) == 0;

    (void) ctl;
    return set(info, is_there ? INFO_OK : INFO_LIMITED, strdup(is_there ? "yes" : "not running"),
               is_there ? NULL : "the output of containers goes to files that a reboot removes");
}

static int probe_log_driver(Ctl *ctl, Info *info)
{
    (void) ctl;
    return set(
        info, INFO_FACT,
        text_format("%s in the background, passthrough in the foreground",
                    log_driver_to_string(access(JOURNAL_SOCKET, W_OK) == 0 ? LOG_DRIVER_JOURNALD : LOG_DRIVER_FILE)),
        NULL);
}

static int probe_store(Ctl *ctl, Info *info)
{
    _cleanup_store_image_list_ StoreImageList list = {};
    _cleanup_strv_ char **damaged = NULL;
    _cleanup_error_ Error error = {};
    const char *path = secure_getenv("BERTH_DATA_DIR");
    int r = ctl_open_store(ctl, false, &error);

    path = path ? path : STORE_DEFAULT_PATH;
    if (r == -EPERM && geteuid() != 0)
        return set(info, INFO_FACT, text_format("%s (only root can look)", path), NULL);
    if (r == -ENOENT)
        return set(info, INFO_FACT, text_format("%s: no images", path), "berthctl load FILE loads one");
    if (r == 0)
        r = store_list_images(ctl->store, &list, &damaged, &error);
    if (r < 0)
        return set(info, INFO_MISSING, text_format("%s: %s", path, error.text ? error.text : strerror(-r)), NULL);
    return set(
        info, damaged ? INFO_LIMITED : INFO_FACT,
        text_format("%s: %zu image%s, %zu damaged", path, list.count, list.count == 1 ? "" : "s", strv_length(damaged)),
        damaged ? "berthctl images says which" : NULL);
}

static int probe_containers(Ctl *ctl, Info *info)
{
    _cleanup_strv_ char **running = NULL, **all = NULL;
    size_t is_running;
    int r;

    if (geteuid() != 0)
        return set(info, INFO_FACT, strdup("only root can look"), NULL);
    r = container_list_names(ctl, false, &running, NULL);
    if (r == 0)
        r = container_list_names(ctl, true, &all, NULL);
    if (r < 0)
        return set(info, INFO_MISSING, text_format("unknown: %s", strerror(-r)), NULL);
    is_running = strv_length(running);
    return set(
        info, INFO_FACT,
        text_format("%zu running, %zu stopped", is_running, strv_length(all) - MIN(is_running, strv_length(all))),
        NULL);
}

static const InfoProbe probes[] = {
    {"version", "Berth", probe_version},
    {"kernel", "Kernel", probe_kernel},
    {"systemd", "systemd", probe_systemd},
    {"cgroup", "Cgroups", probe_cgroup},
    {"selinux", "SELinux", probe_selinux},
    {"overlay", "Overlay file system", probe_overlay},
    {"idmapped_mounts", "Idmapped mounts", probe_idmap},
    {"user_namespaces", "User namespaces", probe_user_namespaces},
    {"seccomp", "System call filter", probe_seccomp},
    {"journal", "Journal", probe_journal},
    {"log_driver", "Log driver", probe_log_driver},
    {"store", "Image store", probe_store},
    {"containers", "Containers", probe_containers},
};

static const char *state_to_string(InfoState state)
{
    static const char *const names[_INFO_STATE_MAX] = {
        [INFO_FACT] = "fact", [INFO_OK] = "ok", [INFO_LIMITED] = "limited", [INFO_MISSING] = "missing"};

    return names[state];
}

static int print_line(const InfoProbe *probe, const Info *info)
{
    static const Colour colours[_INFO_STATE_MAX] = {
        [INFO_OK] = COLOUR_GREEN, [INFO_LIMITED] = COLOUR_YELLOW, [INFO_MISSING] = COLOUR_RED};
    _cleanup_free_ char *value = text_escape(info->value, SIZE_MAX);
    Colour colour = colours[info->state];

    if (!value)
        return -ENOMEM;
    printf("%20s: %s%s%s%s%s\n", probe->label, colour ? colour_sequence(stdout, colour) : "", value,
           colour ? colour_sequence(stdout, COLOUR_NONE) : "", info->advice ? " - " : "",
           info->advice ? info->advice : "");
    return 0;
}

static int add_json(json_t *object, const InfoProbe *probe, const Info *info)
{
    json_t *item = json_pack("{s:o, s:s, s:s?}", "value", json_safe_string(info->value), "state",
                             state_to_string(info->state), "advice", info->advice);

    return item && json_object_set_new(object, probe->key, item) == 0 ? 0 : -ENOMEM;
}

int verb_info(Ctl *ctl, Error *error)
{
    _cleanup_json_ json_t *object = json_object();
    int r = output_format_check(ctl->output, "table json", error);

    for (size_t i = 0; r == 0 && i < ELEMENTSOF(probes); i++) {
        _cleanup_(info_done) Info info = {};

        r = probes[i].probe(ctl, &info);
        if (r == 0)
            r = ctl->json ? add_json(object, &probes[i], &info) : print_line(&probes[i], &info);
    }
    return r == 0 && ctl->json ? json_print(object) : r;
}

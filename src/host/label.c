/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/label.h"

#include "base/dl.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/text.h"
#include "host/label-internal.h"
#include "host/selinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/xattr.h>
#include <selinux/context.h>
#include <selinux/selinux.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Where distributions of containers-common put it; policies bring the other one. */
#define CONTEXTS_PATH      "/usr/share/containers/selinux/contexts"
#define CONTEXTS_MAX_BYTES 65536U
/* What Berth's own module adds to a policy (selinux/contexts). */
#define MODULE_CONTEXTS_PATH "/usr/share/berth/selinux/contexts"

DL_SYMBOL_DECLARE(context_free);
DL_SYMBOL_DECLARE(context_new);
DL_SYMBOL_DECLARE(context_range_get);
DL_SYMBOL_DECLARE(context_range_set);
DL_SYMBOL_DECLARE(context_role_set);
DL_SYMBOL_DECLARE(context_str);
DL_SYMBOL_DECLARE(context_type_get);
DL_SYMBOL_DECLARE(context_type_set);
DL_SYMBOL_DECLARE(context_user_set);
DL_SYMBOL_DECLARE(freecon);
DL_SYMBOL_DECLARE(getcon_raw);
DL_SYMBOL_DECLARE(security_canonicalize_context_raw);
DL_SYMBOL_DECLARE(security_check_context_raw);
DL_SYMBOL_DECLARE(security_compute_av_raw);
DL_SYMBOL_DECLARE(selinux_lxc_contexts_path);
DL_SYMBOL_DECLARE(string_to_av_perm);
DL_SYMBOL_DECLARE(string_to_security_class);

static const DlSymbol symbols[] = {
    DL_SYMBOL(context_free),
    DL_SYMBOL(context_new),
    DL_SYMBOL(context_range_get),
    DL_SYMBOL(context_range_set),
    DL_SYMBOL(context_role_set),
    DL_SYMBOL(context_str),
    DL_SYMBOL(context_type_get),
    DL_SYMBOL(context_type_set),
    DL_SYMBOL(context_user_set),
    DL_SYMBOL(freecon),
    DL_SYMBOL(getcon_raw),
    DL_SYMBOL(security_canonicalize_context_raw),
    DL_SYMBOL(security_check_context_raw),
    DL_SYMBOL(security_compute_av_raw),
    DL_SYMBOL(selinux_lxc_contexts_path),
    DL_SYMBOL(string_to_av_perm),
    DL_SYMBOL(string_to_security_class),
};

static DlLibrary library = {
    .soname = "libselinux.so.1",
    .package = "libselinux1",
    .feature = "SELinux labels",
    .symbols = symbols,
    .symbols_count = ELEMENTSOF(symbols),
};

static void context_freep(context_t *context)
{
    if (*context)
        sym_context_free(*context);
}
#define _cleanup_context_ _cleanup_(context_freep)

void label_done(Label *label)
{
    free(label->process);
    free(label->file);
    free(label->shared_file);
    safe_close(label->categories_fd);
    *label = (Label){.categories_fd = -EBADF};
}

static int read_contexts(char **ret, Error *error)
{
    const char *path = CONTEXTS_PATH;
    int r = file_read_at(AT_FDCWD, path, CONTEXTS_MAX_BYTES, ret, NULL);

    if (r == -ENOENT) {
        path = sym_selinux_lxc_contexts_path();
        r = path ? file_read_at(AT_FDCWD, path, CONTEXTS_MAX_BYTES, ret, NULL) : -ENOENT;
    }
    return r < 0 ? error_hint(error,
                              error_set(error, r, "cannot read what types SELinux has for containers, '%s': %s",
                                        path ? path : CONTEXTS_PATH, strerror(-r)),
                              "the policy has to know containers; without it: --security-opt label=disable")
                 : 0;
}

/* Applies what is not NULL. */
static int set_parts(context_t context, const char *user, const char *role, const char *type)
{
    if ((user && sym_context_user_set(context, user) != 0) || (role && sym_context_role_set(context, role) != 0) ||
        (type && sym_context_type_set(context, type) != 0))
        return -EINVAL;
    return 0;
}

/* Whether the container that these categories were taken for may still have them though their lock is free. Our own name
 * is ours alone: whatever had it is gone. */
static bool is_noted(int run_fd, const char *lock, int fd, const char *own_name)
{
    char owner[TEXT_NAME_MAX + 1], machine[TEXT_NAME_MAX + 16];

    if (!label_lock_owner(lock, fd, owner, sizeof(owner)) || !text_is_name(owner) || strcmp(owner, own_name) == 0)
        return false;
    snprintf(machine, sizeof(machine), "machines/%s", owner);
    return faccessat(run_fd, machine, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* 0, -EBUSY, or an error that the next pair would have as well. */
static int take_pair(const char *name, int run_fd, unsigned first, unsigned second, int *ret_fd)
{
    _cleanup_close_ int fd = -EBADF;
    char path[64];
    const char *lock = path + strlen("locks/");
    int r;

    snprintf(path, sizeof(path), "locks/" LABEL_LOCK_PREFIX "%u.%u", first, second);
    r = lock_take(run_fd, path, &fd);
    if (r < 0)
        return r;
    if (is_noted(run_fd, lock, fd, name))
        return -EBUSY;
    if (ftruncate(fd, 0) < 0 || pwrite(fd, name, strlen(name), 0) < 0)
        return -errno;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Takes a pair of categories that nobody has. */
static int take_categories(const char *name, int run_fd, unsigned *first, unsigned *second, int *ret_fd)
{
    uint32_t start = label_first_pair(name);

    for (uint32_t i = 0; i < PAIRS_COUNT; i++) {
        int r = 0;

        label_pair((start + i) % PAIRS_COUNT, first, second);
        if (run_fd >= 0)
            r = take_pair(name, run_fd, *first, *second, ret_fd);
        if (r != -EBUSY)
            return r;
    }
    return -EUSERS;
}

/* The level of the container: as asked for, or the sensitivity that the policy gives containers, with two categories. NULL
 * where the policy has no levels at all. */
static int make_level(const LabelRequest *request, context_t base, int run_fd, int *ret_fd, char **ret)
{
    const char *range = sym_context_range_get(base);
    _cleanup_free_ char *sensitivity = NULL;
    unsigned first = 0, second = 0;
    int r;

    if (request->level || !range) {
        *ret = request->level ? strdup(request->level) : NULL;
        return request->level && !*ret ? -ENOMEM : 0;
    }
    sensitivity = label_sensitivity(range);
    if (!sensitivity)
        return -ENOMEM;
    r = take_categories(request->name, run_fd, &first, &second, ret_fd);
    if (r < 0)
        return r;
    *ret = text_format("%s:c%u,c%u", sensitivity, first, second);
    return *ret ? 0 : -ENOMEM;
}

/* The context as the kernel writes it, or -EINVAL when the loaded policy has no such context. */
static int print_context(context_t context, const char *what, char **ret, Error *error)
{
    const char *text = sym_context_str(context);

    if (!text)
        return -ENOMEM;
    if (sym_security_check_context_raw(text) < 0)
        return error_set(error, -EINVAL, "the SELinux policy does not know the %s label '%s'", what, text);
    *ret = strdup(text);
    return *ret ? 0 : -ENOMEM;
}

static context_t parse_context(const char *text, const char *what, Error *error)
{
    context_t context = sym_context_new(text);

    if (!context)
        error_set(error, -EINVAL, "'%s' is not a SELinux label for a %s", text, what);
    return context;
}

/* Whether this very process may become `context` when it executes a file of `file`: what the kernel would only say by a
 * plain "permission denied" in the last step. `restriction` is a permission of the class process2 that it takes besides. */
static int check_transition(const char *context, const char *file, const char *restriction, Error *error)
{
    const struct {
        const char *class_name, *permission;
        bool is_entry;
    } needs[] = {{"process", "transition", false}, {"file", "entrypoint", true}, {"process2", restriction, false}};
    char *own = NULL;
    int r = 0;

    if (sym_getcon_raw(&own) < 0)
        return -errno;
    for (size_t i = 0; i < ELEMENTSOF(needs) && r == 0; i++) {
        security_class_t class_number = sym_string_to_security_class(needs[i].class_name);
        access_vector_t wanted =
            class_number && needs[i].permission ? sym_string_to_av_perm(class_number, needs[i].permission) : 0;
        const char *from = needs[i].is_entry ? context : own, *to = needs[i].is_entry ? file : context;
        struct av_decision decision = {};

        if (wanted == 0)
            continue;
        if (sym_security_compute_av_raw(from, to, class_number, wanted, &decision) < 0)
            r = -errno;
        else if ((decision.allowed & wanted) == 0 && !(decision.flags & SELINUX_AVD_FLAGS_PERMISSIVE))
            r = error_set(error, -EACCES, "SELinux: '%s' has no permission %s %s for '%s'", from, needs[i].class_name,
                          needs[i].permission, to);
    }
    sym_freecon(own);
    return r;
}

/* The context of a process of that kind. The policy's own word comes first; the module's counts where it is loaded. */
static char *find_process(const char *contexts, LabelKind kind)
{
    static const char *const keys[] = {
        [LABEL_APPLICATION] = "process", [LABEL_SYSTEM] = "init_process", [LABEL_ENGINE] = "engine_process"};
    _cleanup_free_ char *module_contexts = NULL, *text = label_contexts_find(contexts, keys[kind]);

    if (text || file_read_at(AT_FDCWD, MODULE_CONTEXTS_PATH, CONTEXTS_MAX_BYTES, &module_contexts, NULL) < 0)
        return TAKE_PTR(text);
    text = label_contexts_find(module_contexts, keys[kind]);
    return text && sym_security_check_context_raw(text) == 0 ? TAKE_PTR(text) : NULL;
}

static int make_process(const LabelRequest *request, const char *contexts, int run_fd, Label *label, char **ret_level,
                        Error *error)
{
    _cleanup_free_ char *text = request->process ? strdup(request->process) : find_process(contexts, request->kind);
    _cleanup_context_ context_t context = NULL;
    int r;

    /* A policy may have a type for booting containers under its own name only. */
    if (!text && request->type)
        text = find_process(contexts, LABEL_APPLICATION);
    if (!text)
        return request->kind != LABEL_APPLICATION
                   ? (int) LABEL_NO_TYPE
                   : error_set(error, -EOPNOTSUPP, "the SELinux policy names no type for containers");
    context = parse_context(text, "process", error);
    if (!context)
        return -EINVAL;
    if (!request->process) {
        r = set_parts(context, request->user, request->role, request->type);
        if (r == 0)
            r = make_level(request, context, run_fd, &label->categories_fd, ret_level);
        if (r == 0 && *ret_level && sym_context_range_set(context, *ret_level) != 0)
            r = -EINVAL;
        if (r < 0)
            return error_set(error, r, "cannot make the SELinux label of the container: %s", strerror(-r));
    }
    return print_context(context, "process", &label->process, error);
}

static int make_files(const LabelRequest *request, const char *contexts, const char *level, Label *label, Error *error)
{
    _cleanup_free_ char *text = request->file ? strdup(request->file) : label_contexts_find(contexts, "file");
    _cleanup_context_ context_t context = NULL;
    int r;

    if (!text)
        return error_set(error, -EOPNOTSUPP, "the SELinux policy names no type for the files of containers");
    context = parse_context(text, "file", error);
    if (!context)
        return -EINVAL;
    if (!request->file && request->file_type && sym_context_type_set(context, request->file_type) != 0)
        return -EINVAL;
    r = print_context(context, "file", &label->shared_file, error);
    if (r < 0)
        return r;
    if (!request->file && level && sym_context_range_set(context, level) != 0)
        return error_set(error, -EINVAL, "'%s' is not a SELinux level", level);
    return print_context(context, "file", &label->file, error);
}

int label_make(const LabelRequest *request, int run_fd, Label *ret, Error *error)
{
    _cleanup_(label_done) Label label = {.categories_fd = -EBADF};
    _cleanup_free_ char *contexts = NULL, *level = NULL;
    bool is_asked = request->process || request->file || request->user || request->role || request->type ||
                    request->level || request->file_type;
    int r;

    if (selinux_probe_mode() == SELINUX_MODE_DISABLED)
        return is_asked ? error_set(error, -EOPNOTSUPP, "a SELinux label was asked for, but this host has no SELinux")
                        : (int) LABEL_IS_OFF;
    r = dl_load(&library, error);
    if (r == 0)
        r = read_contexts(&contexts, error);
    if (r == 0)
        r = make_process(request, contexts, run_fd, &label, &level, error);
    if (r == 0)
        r = make_files(request, contexts, level, &label, error);
    if (r == 0)
        r = check_transition(label.process, label.file, request->no_new_privileges ? "nnp_transition" : NULL, error);
    if (r != 0)
        return r;
    *ret = label;
    label = (Label){.categories_fd = -EBADF};
    return 0;
}

/* By the fd's name in procfs: fgetxattr(2) takes no O_PATH fd. */
static int read_file_label(int fd, char *context, size_t size)
{
    char path[64];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = getxattr(path, XATTR_NAME_SELINUX, context, size - 1);
    if (n < 0)
        return -errno;
    context[n] = 0;
    return 0;
}

int label_check_program(const Label *label, int program_fd, Error *error)
{
    char file[4096];
    int r = read_file_label(program_fd, file, sizeof(file));

    return r < 0 ? error_set(error, r, "cannot read the SELinux label of the executor: %s", strerror(-r))
                 : check_transition(label->process, file, "nosuid_transition", error);
}

/* As the kernel calls it: a type may have other names (container_t was svirt_lxc_net_t). */
static char *type_of(const char *text)
{
    char *canonical = NULL, *result;
    bool is_known = sym_security_canonicalize_context_raw(text, &canonical) == 0;
    _cleanup_context_ context_t context = sym_context_new(is_known ? canonical : text);
    const char *type = context ? sym_context_type_get(context) : NULL;

    result = strdup(type ? type : "?");
    if (is_known)
        sym_freecon(canonical);
    return result;
}

char *label_file_type(int fd)
{
    char text[4096];

    return dl_load(&library, NULL) < 0 || read_file_label(fd, text, sizeof(text)) < 0 ? strdup("?") : type_of(text);
}

bool label_is_for_containers(int fd)
{
    static const char *const keys[] = {"file", "ro_file"};
    _cleanup_free_ char *type = label_file_type(fd), *contexts = NULL;

    if (!type || dl_load(&library, NULL) < 0 || read_contexts(&contexts, NULL) < 0)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
        _cleanup_free_ char *text = label_contexts_find(contexts, keys[i]);
        _cleanup_free_ char *known = text ? type_of(text) : NULL;

        if (known && strcmp(known, type) == 0)
            return true;
    }
    return false;
}

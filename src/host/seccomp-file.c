/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/seccomp-file.h"

#include "base/dl.h"
#include "base/file.h"
#include "base/strv.h"

#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

DL_SYMBOL_DECLARE(seccomp_init);
DL_SYMBOL_DECLARE(seccomp_release);
DL_SYMBOL_DECLARE(seccomp_attr_set);
DL_SYMBOL_DECLARE(seccomp_arch_add);
DL_SYMBOL_DECLARE(seccomp_arch_resolve_name);
DL_SYMBOL_DECLARE(seccomp_syscall_resolve_name);
DL_SYMBOL_DECLARE(seccomp_rule_add_array);
DL_SYMBOL_DECLARE(seccomp_export_bpf);

static const DlSymbol symbols[] = {
    DL_SYMBOL(seccomp_init),           DL_SYMBOL(seccomp_release),           DL_SYMBOL(seccomp_attr_set),
    DL_SYMBOL(seccomp_arch_add),       DL_SYMBOL(seccomp_arch_resolve_name), DL_SYMBOL(seccomp_syscall_resolve_name),
    DL_SYMBOL(seccomp_rule_add_array), DL_SYMBOL(seccomp_export_bpf),
};

static DlLibrary library = {
    .soname = "libseccomp.so.2",
    .package = "libseccomp2",
    .feature = "the system call filter",
    .symbols = symbols,
    .symbols_count = ELEMENTSOF(symbols),
};

static void releasep(scmp_filter_ctx *context)
{
    if (*context)
        sym_seccomp_release(*context);
}

static int add_architectures(scmp_filter_ctx context, char *const *names, Error *error)
{
    STRV_FOREACH (name, names) {
        uint32_t token = sym_seccomp_arch_resolve_name(*name);
        int r = token == 0 ? -EINVAL : sym_seccomp_arch_add(context, token);

        if (r < 0 && r != -EEXIST)
            return error_set(error, r, "the architecture '%s' cannot be filtered here", *name);
    }
    return 0;
}

static int add_comparisons(scmp_filter_ctx context, const SeccompJsonRule *rule, int number)
{
    struct scmp_arg_cmp comparisons[SECCOMP_JSON_ARGUMENTS_MAX] = {};
    unsigned seen = 0, count = (unsigned) rule->arguments_count;
    bool is_any = false;
    int r = 0;

    for (unsigned i = 0; i < count; i++) {
        const SeccompJsonArgument *argument = &rule->arguments[i];

        is_any = is_any || (seen & 1U << argument->index);
        seen |= 1U << argument->index;
        comparisons[i] = (struct scmp_arg_cmp){.arg = argument->index,
                                               .op = (enum scmp_compare) argument->compare,
                                               .datum_a = argument->value,
                                               .datum_b = argument->value_two};
    }
    if (!is_any)
        return sym_seccomp_rule_add_array(context, rule->action, number, count, comparisons);
    /* libseccomp takes one comparison for each argument. Docker and podman take several for alternatives, all of them. */
    for (unsigned i = 0; i < count && (r == 0 || r == -EEXIST); i++)
        r = sym_seccomp_rule_add_array(context, rule->action, number, 1, &comparisons[i]);
    return r;
}

static int add_rule(scmp_filter_ctx context, const SeccompJson *json, const SeccompJsonRule *rule, Error *error)
{
    bool is_open = json->default_action == SCMP_ACT_ALLOW || json->default_action == SCMP_ACT_LOG;

    if (rule->action == json->default_action)
        return 0;
    STRV_FOREACH (name, rule->names) {
        int number = sym_seccomp_syscall_resolve_name(*name), r;

        if (number == __NR_SCMP_ERROR) {
            if (!is_open || rule->action == SCMP_ACT_ALLOW)
                continue;
            return error_set(error, -EINVAL,
                             "/syscalls/%zu: libseccomp does not know the system call '%s', so it would be let through",
                             rule->number, *name);
        }
        r = add_comparisons(context, rule, number);
        if (r < 0 && r != -EEXIST)
            return error_set(error, r, "/syscalls/%zu: libseccomp does not take the rule for '%s': %s", rule->number,
                             *name, strerror(-r));
    }
    return 0;
}

static int export(scmp_filter_ctx context, Buffer *program, Error *error)
{
    _cleanup_close_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
    _cleanup_free_ char *bytes = NULL;
    size_t size = 0;
    int r = fd < 0 ? -errno : sym_seccomp_export_bpf(context, fd);

    if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
        r = -errno;
    if (r == 0)
        r = file_read_fd(fd, BPF_MAXINSNS * sizeof(struct sock_filter), &bytes, &size);
    if (r < 0)
        return r == -EFBIG || r == -E2BIG
                   ? error_set(error, -E2BIG, "the profile makes a larger program than the kernel takes")
                   : error_set(error, r, "cannot make the system call filter: %s", strerror(-r));
    buffer_append(program, bytes, size);
    return program->failed;
}

int seccomp_file_compile(const SeccompJson *json, Buffer *program, Error *error)
{
    _cleanup_(releasep) scmp_filter_ctx context = NULL;
    int r = dl_load(&library, error);

    if (r < 0)
        return r;
    context = sym_seccomp_init(json->default_action);
    if (!context)
        return -ENOMEM;
    /* What a kernel says that has no such calls. libseccomp's own answer is a signal. */
    r = sym_seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    if (r < 0)
        return error_set(error, r, "cannot make the system call filter: %s", strerror(-r));
    /* A search tree instead of a list; libseccomp 2.5 and later. */
    (void) sym_seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    r = add_architectures(context, json->architectures, error);
    for (size_t i = 0; r == 0 && i < json->rules_count; i++)
        r = add_rule(context, json, &json->rules[i], error);
    return r < 0 ? r : export(context, program, error);
}

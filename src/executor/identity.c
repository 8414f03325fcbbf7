/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who the payload is and what it may do. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "executor/accounts.h"
#include "kernel/pipe.h"
#include "kernel/process.h"
#include "kernel/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define ACCOUNTS_MAX_BYTES (4U << 20)

/* The file's text; "" when it is missing or no regular file. A FIFO or device at the name does not block. */
static int read_accounts(Context *context, const char *path, char **ret)
{
    _cleanup_close_ int fd = resolve_open(context->root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    int r = fd < 0 ? fd : file_read_fd(fd, ACCOUNTS_MAX_BYTES, ret, NULL);

    if (r == -EFBIG)
        return fail(context, r, "'%s' of the container is larger than 4 MiB", path);
    if (r < 0)
        *ret = strdup("");
    return *ret ? 0 : -ENOMEM;
}

/* Numbers, all of them; only the home directory is the container's own to say. */
static int set_exact_identity(Context *context, const StepIdentity *step)
{
    _cleanup_free_ char *passwd = NULL;
    Identity *identity = &context->identity, found = {};
    const char *what = NULL, *colon = strchr(step->user, ':');
    int r = read_accounts(context, "/etc/passwd", &passwd);

    if (r < 0)
        return r;
    if (!colon)
        return fail(context, -EINVAL, "'%s' is not a user and a group by number", step->user);
    (void) accounts_resolve(step->user, passwd, "", &found, &what);
    *identity = (Identity){.uid = (uid_t) strtoul(step->user, NULL, 10),
                           .gid = (gid_t) strtoul(colon + 1, NULL, 10),
                           .has_home = found.has_home};
    memcpy(identity->home, found.home, sizeof(identity->home));
    for (size_t i = 0; step->groups && step->groups[i]; i++) {
        if (identity->groups_count >= sizeof(identity->groups) / sizeof(identity->groups[0]))
            return fail(context, -E2BIG, "more than %zu supplementary groups",
                        sizeof(identity->groups) / sizeof(identity->groups[0]));
        identity->groups[identity->groups_count++] = (gid_t) strtoul(step->groups[i], NULL, 10);
    }
    return 0;
}

int apply_identity(Context *context, const Step *step)
{
    _cleanup_free_ char *passwd = NULL, *group = NULL;
    const char *what = NULL;
    Identity *identity = &context->identity;
    int r;

    if (step->identity.is_exact) {
        r = set_exact_identity(context, &step->identity);
        if (r < 0)
            return r;
    }
    /* The common case needs no file: root has its number and its home. */
    else if (strcmp(step->identity.user, "0:0") == 0) {
        *identity = (Identity){.groups_count = 1, .home = "/root", .has_home = true};
    } else {
        r = read_accounts(context, "/etc/passwd", &passwd);
        if (r == 0)
            r = read_accounts(context, "/etc/group", &group);
        if (r < 0)
            return r;
        r = accounts_resolve(step->identity.user, passwd, group, identity, &what);
        if (r == -ENOENT)
            return fail(context, r, "user '%s': there is no '%s' in the container's /etc/passwd or /etc/group",
                        step->identity.user, what);
        if (r < 0)
            return fail(context, r, "user '%s': '%s' is neither a name nor a number up to 4294967294",
                        step->identity.user, what);
    }
    /* The pipes of a detached container were made by root: the payload may open them anew by /dev/stdout. */
    for (int i = 1; i < 3; i++)
        if (context->payload_stdio[i] >= 0)
            (void) fchown(context->payload_stdio[i], identity->uid, identity->gid);
        else if (context->may_ask)
            (void) pipe_give(i, identity->uid, identity->gid);
    return 0;
}

int apply_working_directory(Context *context, const Step *step)
{
    const char *path = step->working_directory.path;
    _cleanup_close_ int fd = -EBADF;
    char current[4096];
    int r;

    r = step->working_directory.create ? resolve_make(context->root_fd, path, RESOLVE_DIRECTORY, &fd)
                                       : (fd = resolve_open(context->root_fd, path, O_PATH | O_DIRECTORY));
    if (r < 0)
        return fail(context, r, "cannot use '%s' as working directory: %s", path, strerror(-r));
    if (fchdir(fd) < 0)
        return fail(context, -errno, "cannot enter '%s': %s", path, strerror(errno));
    /* getcwd(3) answers with "(unreachable)" from outside the root: the last word against a leaked directory. */
    if (!getcwd(current, sizeof(current)) || current[0] != '/')
        return fail(context, -EXDEV, "the working directory '%s' is not inside the container", path);
    return 0;
}

/* The order is the kernel's: bounding set while CAP_SETPCAP is there, then groups and ids (with the capabilities kept
 * over the change), then the sets themselves. A payload that is not root keeps none. */
int apply_capabilities(Context *context, const Step *step)
{
    const Identity *identity = &context->identity;
    uint64_t keep = step->capabilities.bounding;
    int r;

    if (step->capabilities.last < 63)
        keep &= (UINT64_C(2) << step->capabilities.last) - 1;
    r = process_drop_bounding(keep, (unsigned) step->capabilities.last);
    if (r < 0)
        return fail(context, r, "cannot drop capabilities from the bounding set: %s", strerror(-r));
    /* EINVAL: an id that the user namespace does not map. */
    if (setgroups(identity->groups_count, identity->groups) < 0)
        return fail(context, -errno, "cannot set the groups of user %u: %s", identity->uid,
                    errno == EINVAL ? "one has no id in the container's user namespace" : strerror(errno));
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) < 0)
        return fail(context, -errno, "cannot become user %u, group %u: %s", identity->uid, identity->gid,
                    errno == EINVAL ? "the container's user namespace has no such id" : strerror(errno));
    /* A change of ids makes us what sysctl fs.suid_dumpable says: others of that user inside could look in until execve(2). */
    r = process_set_dumpable(false);
    if (r == 0)
        r = process_clear_ambient();
    if (r == 0)
        r = step->capabilities.is_exact
                ? process_set_capability_sets(step->capabilities.effective, step->capabilities.permitted,
                                              step->capabilities.inheritable, step->capabilities.ambient)
                : process_set_capabilities(identity->uid == 0 ? keep : 0);
    return r < 0 ? fail(context, r, "cannot set the capabilities: %s", strerror(-r)) : 0;
}

int apply_no_new_privileges(Context *context, const Step *step)
{
    int r = process_set_no_new_privileges();

    (void) step;
    return r < 0 ? fail(context, r, "cannot set no_new_privs: %s", strerror(-r)) : 0;
}

int apply_seccomp(Context *context, const Step *step)
{
    int r = process_load_seccomp(step->seccomp.program, step->seccomp.program_size);

    return r < 0 ? fail(context, r, "cannot load the system call filter '%s': %s", step->seccomp.profile, strerror(-r))
                 : 0;
}

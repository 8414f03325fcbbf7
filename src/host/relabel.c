/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/label.h"

#include "base/cleanup.h"
#include "base/walk.h"

#include <errno.h>
#include <linux/xattr.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

/* What the host's own programs are confined by: with a container's label on it, the host does not boot, log in or log. All
 * of them whole; what is below /home, /srv, /opt, /mnt, /media, /var and /tmp may be given away, they themselves not. */
static const char *const host_trees[] = {"/bin",  "/boot",        "/dev",  "/etc", "/lib", "/lib64",
                                         "/proc", "/run/systemd", "/sbin", "/sys", "/usr"};
static const char *const host_directories[] = {"/",    "/home", "/media", "/mnt",     "/opt",     "/root",   "/run",
                                               "/srv", "/tmp",  "/var",   "/var/lib", "/var/log", "/var/tmp"};

static bool is_within(const char *path, const char *tree)
{
    size_t length = strlen(tree);

    return strncmp(path, tree, length) == 0 && (path[length] == 0 || path[length] == '/');
}

static bool is_hosts_own(const char *path)
{
    for (size_t i = 0; i < ELEMENTSOF(host_trees); i++)
        if (is_within(path, host_trees[i]))
            return true;
    for (size_t i = 0; i < ELEMENTSOF(host_directories); i++)
        if (strcmp(path, host_directories[i]) == 0)
            return true;
    return false;
}

/* Through the fd's name in procfs, which leads to the very object, a link included: no call takes an O_PATH fd. */
static int relabel_one(int fd, const struct stat *st, void *userdata)
{
    const char *context = userdata;
    char path[64], old[4096];
    ssize_t n;

    (void) st;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = getxattr(path, XATTR_NAME_SELINUX, old, sizeof(old) - 1);
    if (n > 0) {
        old[n] = 0;
        if (strcmp(old, context) == 0)
            return 0;
    }
    return setxattr(path, XATTR_NAME_SELINUX, context, strlen(context) + 1, 0) < 0 ? -errno : 0;
}

int label_relabel(int fd, const char *host_path, const char *context, Error *error)
{
    char path[64], real[4096];
    ssize_t n;
    int r;

    /* The fd's own name, not the one that was given: that may lead through links. */
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = readlink(path, real, sizeof(real) - 1);
    if (n < 0)
        return -errno;
    real[n] = 0;
    if (is_hosts_own(real))
        return error_hint(
            error, error_set(error, -EPERM, "'%s' belongs to the host and is not given a container's label", real),
            "mount a directory of its own, or leave out 'z' and 'Z'");
    r = walk_tree(fd, relabel_one, (void *) (uintptr_t) context);
    return r < 0 ? error_set(error, r, "cannot label '%s' as '%s': %s", host_path, context, strerror(-r)) : 0;
}

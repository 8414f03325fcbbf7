/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal of a system that boots, where the host sees it too: as systemd-nspawn(1) has it with --link-journal=.
 *
 * What is hostile here is the tree, and its machine id: whoever owns it may name any. So a directory of the host is marked as
 * one container's, a link replaces none that leads somewhere, and in the tree no link is followed. */

#include "launch/internal.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define JOURNALS   "/var/log/journal"
#define OWNER_NAME "trusted.berth.container" /* nobody in a container can write such an attribute */

#define IDS_COUNT 65536U /* of one container */

static const char *origin_of(const Launch *launch)
{
    return spec_origin(launch->request.spec, offsetof(ContainerSpec, journal_link));
}

/* Where it is not insisted on, what cannot be done is a line, or nothing: when nobody asked. */
static int refuse(Launch *launch, int code, const char *text, Error *error)
{
    JournalLink link = launch->request.spec->journal_link;

    if (!text)
        return -ENOMEM;
    if (link == JOURNAL_LINK_HOST || link == JOURNAL_LINK_GUEST)
        return error_set(error, code, "%s: cannot link the journal: %s", origin_of(launch), text);
    if (link != JOURNAL_LINK_AUTO) {
        _cleanup_free_ char *line = text_format("the journal is not linked: %s", text);

        if (line)
            launch_notice(launch, line);
    }
    return 0;
}

static bool is_id_of_host(const Launch *launch)
{
    _cleanup_free_ char *text = NULL;

    return file_read_at(AT_FDCWD, "/etc/machine-id", 256, &text, NULL) == 0 &&
           strncmp(text, launch->machine_id, strlen(launch->machine_id)) == 0;
}

static uint32_t changed(uint32_t id, uint32_t old_root, uint32_t root)
{
    return id - old_root < IDS_COUNT ? root + (id - old_root) : root;
}

/* On disk the files have the container's ids of the host, not those of the inside: the directory can be searched by users,
 * and must not hold a program of root's that a container wrote. They may be others than at the last start. journald makes no
 * directories in there. */
static int give_to_container(const Launch *launch, int fd)
{
    const UsernsFacts *userns = &launch->facts.userns;
    _cleanup_strv_ char **names = NULL;
    struct stat directory, st;
    int r = fstat(fd, &directory) < 0 ? -errno : 0;

    if (r < 0 || (directory.st_uid == userns->root_uid && directory.st_gid == userns->root_gid))
        return r;
    r = file_list_at(fd, ".", NULL, &names);
    STRV_FOREACH (name, names) {
        if (r < 0 || fstatat(fd, *name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            break;
        if (fchownat(fd, *name, changed(st.st_uid, directory.st_uid, userns->root_uid),
                     changed(st.st_gid, directory.st_gid, userns->root_gid), AT_SYMLINK_NOFOLLOW) < 0)
            r = -errno;
    }
    /* Last: this is what tells that all is done. */
    return r < 0 ? r : fchown(fd, userns->root_uid, userns->root_gid) < 0 ? -errno : 0;
}

/* 1: it is this container's. */
static int is_own(const Launch *launch, int fd)
{
    char owner[TEXT_NAME_MAX + 1];
    ssize_t n = fgetxattr(fd, OWNER_NAME, owner, sizeof(owner));

    if (n < 0)
        return errno == ENODATA || errno == ENOTSUP || errno == ERANGE ? 0 : -errno;
    return (size_t) n == strlen(launch->request.spec->name) &&
           memcmp(owner, launch->request.spec->name, (size_t) n) == 0;
}

static int mark_own(const Launch *launch, int fd)
{
    const char *name = launch->request.spec->name;

    return fsetxattr(fd, OWNER_NAME, name, strlen(name), 0) < 0 ? -errno : 0;
}

/* -ENOENT when there is none and none is to be made. */
static int open_directory(Launch *launch, int journals_fd, bool create, int *ret_fd)
{
    bool made = false;
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (create && mkdirat(journals_fd, launch->machine_id, 0755) == 0)
        made = true;
    fd = openat(journals_fd, launch->machine_id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (made) {
        r = mark_own(launch, fd);
        if (r < 0) {
            (void) unlinkat(journals_fd, launch->machine_id, AT_REMOVEDIR);
            return r;
        }
    }
    r = is_own(launch, fd);
    if (r <= 0)
        return r < 0 ? r : -EEXIST;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int use_directory(Launch *launch, int fd, Error *error)
{
    _cleanup_free_ char *path = text_format(JOURNALS "/%s", launch->machine_id);
    int r;

    if (!path)
        return -ENOMEM;
    if (!launch->is_probe) {
        r = give_to_container(launch, fd);
        if (r < 0)
            return error_set(error, r, "%s: cannot give '%s' to the container: %s", origin_of(launch), path,
                             strerror(-r));
        r = launch->label.file ? label_relabel(fd, path, launch->label.file, error) : 0;
        if (r < 0)
            return r;
    }
    launch->facts.journal_fd = fd_list_add(&launch->fds, fcntl(fd, F_DUPFD_CLOEXEC, 3), true);
    return 0;
}

static int link_to_host(Launch *launch, int journals_fd, Error *error)
{
    bool is_asked_for = launch->request.spec->journal_link != JOURNAL_LINK_AUTO;
    _cleanup_close_ int fd = -EBADF;
    _cleanup_free_ char *text = NULL;
    int r = open_directory(launch, journals_fd, is_asked_for && !launch->is_probe, &fd);

    if (r == -ENOENT)
        return 0;
    if (r == 0)
        return use_directory(launch, fd, error);
    if (r == -EEXIST)
        text =
            text_format(JOURNALS "/%s is not this container's (extended attribute " OWNER_NAME ")", launch->machine_id);
    else if (r == -ELOOP || r == -ENOTDIR)
        text = text_format(JOURNALS "/%s is there and no directory", launch->machine_id);
    else
        text = text_format("cannot use " JOURNALS "/%s: %s", launch->machine_id, strerror(-r));
    return refuse(launch, r, text, error);
}

/* The directory in the tree, made when it is missing, whose files are the container's root's. */
static int make_in_tree(const Launch *launch, const char *inside_path)
{
    int root_fd = launch->fds.fds[launch->facts.directory_fd - 1];
    _cleanup_close_ int fd = -EBADF;
    struct stat st;
    int r = resolve_make_plain_directory(root_fd, inside_path, &fd);

    if (r < 0)
        return r;
    if (fstat(fd, &st) < 0)
        return -errno;
    /* A tree that has the container's ids on disk. */
    if (st.st_uid == 0 && launch->facts.root_uid != 0 &&
        fchownat(fd, "", (uid_t) launch->facts.root_uid, (gid_t) launch->facts.root_gid, AT_EMPTY_PATH) < 0)
        return -errno;
    return 0;
}

/* An empty directory is nobody's journal, unless it is another container's: its journal is in memory yet. */
static int remove_empty(const Launch *launch, int journals_fd)
{
    _cleanup_close_ int fd = openat(journals_fd, launch->machine_id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || (is_own(launch, fd) <= 0 && fgetxattr(fd, OWNER_NAME, NULL, 0) >= 0))
        return 0;
    return unlinkat(journals_fd, launch->machine_id, AT_REMOVEDIR) == 0 ? 1 : 0;
}

/* 1: the name leads to `target`, or to nothing and may be replaced by a link to it; 0: it is somebody's. */
static int clear_name(const Launch *launch, int journals_fd, const char *target)
{
    const char *name = launch->machine_id;
    char old[PATH_MAX];
    ssize_t n = readlinkat(journals_fd, name, old, sizeof(old));

    if (n < 0 && errno == EINVAL)
        return remove_empty(launch, journals_fd);
    if (n < 0)
        return errno == ENOENT ? 1 : -errno;
    if ((size_t) n == strlen(target) && memcmp(old, target, (size_t) n) == 0)
        return 1;
    if (faccessat(journals_fd, name, F_OK, 0) == 0)
        return 0;
    return unlinkat(journals_fd, name, 0) < 0 ? -errno : 1;
}

static int link_to_guest(Launch *launch, int journals_fd, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    _cleanup_free_ char *inside = text_format(JOURNALS "/%s", launch->machine_id), *text = NULL, *target = NULL;
    int r;

    if (!launch->facts.directory_fd)
        return refuse(launch, -EINVAL, "an image has no tree of its own on the host that it could be in", error);
    target = inside ? text_format("%s%s", spec->host_directory, inside) : NULL;
    if (!target)
        return -ENOMEM;
    if (launch->is_probe)
        return 0;
    r = make_in_tree(launch, inside);
    if (r < 0) {
        text =
            text_format("%s in the tree: %s", inside,
                        r == -ELOOP || r == -ENOTDIR ? "a part of the path is a link or no directory" : strerror(-r));
        return refuse(launch, r, text, error);
    }
    r = clear_name(launch, journals_fd, target);
    if (r <= 0) {
        text = r < 0 ? text_format("%s: %s", inside, strerror(-r)) : text_format("%s is there already", inside);
        return refuse(launch, r < 0 ? r : -EEXIST, text, error);
    }
    if (symlinkat(target, journals_fd, launch->machine_id) < 0 && errno != EEXIST) {
        r = -errno;
        text = text_format("cannot make the link %s: %s", inside, strerror(-r));
        return refuse(launch, r, text, error);
    }
    return 0;
}

/* Which of the two was there before; neither: nothing to do. */
static int link_as_before(Launch *launch, int journals_fd, Error *error)
{
    struct stat st;

    if (fstatat(journals_fd, launch->machine_id, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    /* The link is there; the directory that it leads to is journald's to make. */
    return S_ISDIR(st.st_mode) ? link_to_host(launch, journals_fd, error) : 0;
}

int launch_gather_journal(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    _cleanup_close_ int journals_fd = -EBADF;

    if (!spec->boot || spec->journal_link == JOURNAL_LINK_NO || spec->ephemeral)
        return 0;
    journals_fd = open(JOURNALS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (journals_fd < 0)
        return refuse(launch, -errno, "there is no " JOURNALS " on this host, so its journal is not persistent", error);
    if (is_id_of_host(launch))
        return refuse(launch, -EEXIST, "the machine id of the container is the host's own", error);
    switch (spec->journal_link) {
    case JOURNAL_LINK_HOST:
    case JOURNAL_LINK_TRY_HOST:
        return link_to_host(launch, journals_fd, error);
    case JOURNAL_LINK_GUEST:
    case JOURNAL_LINK_TRY_GUEST:
        return link_to_guest(launch, journals_fd, error);
    default:
        return link_as_before(launch, journals_fd, error);
    }
}

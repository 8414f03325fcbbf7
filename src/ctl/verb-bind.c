/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bind, unbind: mounts in containers that run. */

#include "ctl/ctl.h"

#include "base/lock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/join.h"
#include "kernel/mount-id.h"
#include "kernel/mount.h"
#include "kernel/namespace.h"
#include "kernel/resolve.h"
#include "spec/id-mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#define BINDS_MAX     1024
#define PATIENCE_MSEC 5000
#define PAUSE_MSEC    10

/* The mounts that `bind` has made: plain data, for the child. */
typedef struct BindList {
    uint64_t ids[BINDS_MAX];
    size_t count;
} BindList;

typedef struct BindJob {
    int mount_fd;
    uid_t uid; /* of root inside; 0: there is no user namespace */
    gid_t gid;
    bool is_directory, mkdir;
    const char *target; /* inside */
    const BindList *ours;
} BindJob;

typedef struct BindReply {
    uint64_t id, replaced; /* 0: none */
} BindReply;

/* --- in the container's mount namespace --- */

static bool is_ours(const BindList *ours, uint64_t id)
{
    for (size_t i = 0; i < ours->count; i++)
        if (ours->ids[i] == id)
            return true;
    return false;
}

static int open_target(const BindJob *job, int *ret_fd)
{
    _cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;
    struct stat st;
    int r = 0;

    if (root_fd < 0)
        return -errno;
    if (job->mkdir)
        r = resolve_make(root_fd, job->target, job->is_directory ? RESOLVE_DIRECTORY : RESOLVE_FILE, &fd);
    else
        fd = resolve_open(root_fd, job->target, O_PATH);
    if (r < 0 || fd < 0)
        return r < 0 ? r : fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode) != job->is_directory)
        return job->is_directory ? -ENOTDIR : -EISDIR;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* What bind had put there before goes when the new one is in place; where the kernel cannot do that, right before. */
static int replace(int host_fds_fd, const BindJob *job, int old_fd)
{
    _cleanup_close_ int fd = -EBADF;
    int r = mount_attach_beneath(job->mount_fd, old_fd);

    if (r == 0)
        return mount_detach_by(host_fds_fd, old_fd);
    r = mount_detach_by(host_fds_fd, old_fd);
    if (r == 0)
        r = open_target(job, &fd);
    return r < 0 ? r : mount_attach(job->mount_fd, fd);
}

static int attach(int host_fds_fd, const void *argument, void *reply, int *ret_fd)
{
    const BindJob *job = argument;
    _cleanup_close_ int target_fd = -EBADF;
    MountIdentity there, made;
    BindReply *answer = reply;
    int r = 0;

    /* A file or directory that is made in the container belongs to its root; ours is not mapped there. */
    if (job->uid > 0)
        r = namespace_set_file_ids(job->uid, job->gid);
    if (r == 0)
        r = open_target(job, &target_fd);
    if (r == 0)
        r = mount_identify(target_fd, &there);
    if (r < 0)
        return r;
    if (there.is_root && is_ours(job->ours, there.id)) {
        answer->replaced = there.id;
        r = replace(host_fds_fd, job, target_fd);
    } else
        r = mount_attach(job->mount_fd, target_fd);
    if (r == 0)
        r = mount_identify(job->mount_fd, &made);
    if (r == 0)
        answer->id = made.id;
    return r;
}

/* -ENOENT: nothing of ours is there (any more). */
static int detach(int host_fds_fd, const void *argument, void *reply, int *ret_fd)
{
    const BindJob *job = argument;
    _cleanup_close_ int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;
    MountIdentity there;
    int r;

    fd = root_fd < 0 ? -errno : resolve_open(root_fd, job->target, O_PATH);
    if (fd < 0)
        return fd;
    r = mount_identify(fd, &there);
    if (r < 0)
        return r;
    if (!there.is_root || !is_ours(job->ours, there.id))
        return -ENOENT;
    return mount_detach_by(host_fds_fd, fd);
}

/* --- what is remembered --- */

/* "ID TARGET": the target behind the blank, or NULL. */
static const char *parse_bind(const char *text, uint64_t *ret_id)
{
    const char *blank = strchr(text, ' ');
    _cleanup_free_ char *number = blank ? strndup(text, (size_t) (blank - text)) : NULL;

    return number && text_parse_u64(number, UINT64_MAX, ret_id) == 0 ? blank + 1 : NULL;
}

/* All, or those of one target. */
static void list_binds(const Machine *machine, const char *target, BindList *ret)
{
    ret->count = 0;
    STRV_FOREACH (bind, machine->binds) {
        uint64_t id = 0;
        const char *path = parse_bind(*bind, &id);

        if (path && ret->count < BINDS_MAX && (!target || strcmp(path, target) == 0))
            ret->ids[ret->count++] = id;
    }
}

static void forget_binds(Machine *machine, const BindList *gone)
{
    size_t kept = 0;

    STRV_FOREACH (bind, machine->binds) {
        uint64_t id = 0;

        if (parse_bind(*bind, &id) && is_ours(gone, id))
            free(*bind);
        else
            machine->binds[kept++] = *bind;
    }
    if (machine->binds)
        machine->binds[kept] = NULL;
}

static int save(Ctl *ctl, const Machine *machine, Error *error)
{
    int r = roster_update(ctl->roster, machine);

    return r < 0 ? error_set(error, r, "cannot write the state of '%s': %s", machine->name, strerror(-r)) : 0;
}

/* The state of a machine is read, changed and written again: by one at a time. */
typedef struct BindLock {
    int dir_fd, fd;
    char *name;
} BindLock;

static void bind_lock_done(BindLock *lock)
{
    if (lock->fd >= 0)
        (void) unlinkat(lock->dir_fd, lock->name, 0);
    safe_close(lock->fd);
    free(lock->name);
}
#define _cleanup_bind_lock_ _cleanup_(bind_lock_done)

static int load_locked(Ctl *ctl, const char *name, Machine **ret, BindLock *lock, Error *error)
{
    int r = ctl_open_roster(ctl, error);

    if (r < 0)
        return r;
    if (!text_is_name(name))
        return ctl_load_machine(ctl, name, ret, error);
    lock->dir_fd = ctl->roster->locks_fd;
    lock->name = text_format(".bind.%s", name);
    r = lock->name ? -EBUSY : -ENOMEM;
    for (int waited = 0; r == -EBUSY && waited < PATIENCE_MSEC; waited += PAUSE_MSEC) {
        r = lock_take(lock->dir_fd, lock->name, &lock->fd);
        if (r == -EBUSY)
            (void) poll(NULL, 0, PAUSE_MSEC);
    }
    if (r < 0)
        return error_set(error, r, "cannot lock '%s': %s", name, strerror(-r));
    return ctl_load_machine(ctl, name, ret, error);
}

/* --- the verbs --- */

static int join(const Machine *machine, JoinFunction function, const BindJob *job, BindReply *ret)
{
    _cleanup_close_ int pidfd = machine_open_leader(machine);

    return pidfd < 0 ? pidfd : join_mounts(pidfd, function, job, ret, sizeof(*ret), NULL);
}

static int say(const char *name, const char *target, int code, Error *error)
{
    switch (code) {
    case -ENOENT:
        return error_hint(error, error_set(error, code, "'%s' does not exist in '%s'", target, name),
                          "--mkdir makes it");
    case -ENOTDIR:
        return error_set(error, code, "'%s' in '%s' is not a directory, what is to be bound is", target, name);
    case -EISDIR:
        return error_set(error, code, "'%s' in '%s' is a directory, what is to be bound is not", target, name);
    case -ESRCH:
        return error_set(error, code, "'%s' is just starting or ending", name);
    default:
        return error_set(error, code, "cannot bind to '%s' in '%s': %s", target, name, strerror(-code));
    }
}

/* The source as a detached mount, which nothing of the host sees. */
static int clone_source(const char *path, bool read_only, int *ret_fd, struct stat *ret_st, Error *error)
{
    _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC), mount_fd = -EBADF;
    int r;

    if (fd < 0 || fstat(fd, ret_st) < 0)
        return error_set(error, -errno, "cannot open '%s': %m", path);
    mount_fd = mount_clone(fd, "", true);
    r = mount_fd < 0 ? mount_fd : 0;
    if (r == 0 && read_only)
        r = mount_set_attributes(mount_fd, MOUNT_ATTR_RDONLY, 0, true);
    if (r < 0)
        return error_set(error, r, "cannot clone the mount of '%s': %s", path, strerror(-r));
    *ret_fd = TAKE_FD(mount_fd);
    return 0;
}

/* In a container with a user namespace the files are seen through its map of ids, as those of --bind= are. */
static int map_ids(const Machine *machine, int mount_fd, const char *path, Error *error)
{
    _cleanup_close_ int userns_fd = machine_open_userns(machine);
    int r;

    if (userns_fd == -ENOENT)
        return 0;
    r = userns_fd < 0 ? userns_fd : mount_map_ids(mount_fd, userns_fd, true);
    if (r == -EINVAL) {
        log_info("the file system of '%s' cannot map ids: inside, its files are nobody's", path);
        return 0;
    }
    return r < 0 ? error_set(error, r, "cannot map the ids of '%s': %s", path, strerror(-r)) : 0;
}

/* A device policy of systemd holds for nodes that come later, too. */
static void notice_device(const Machine *machine, const char *path, const struct stat *st)
{
    if (machine->unit && (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)))
        log_info("to let it be used: systemctl set-property --runtime %s 'DeviceAllow=%s rw'", machine->unit, path);
}

int verb_bind(Ctl *ctl, Error *error)
{
    const char *name = ctl->words[0], *source = ctl->words[1], *word = ctl->words[2] ? ctl->words[2] : source;
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_bind_lock_ BindLock lock = {.fd = -EBADF};
    _cleanup_close_ int mount_fd = -EBADF;
    _cleanup_free_ char *target = path_normalise(word);
    BindList ours = {}, gone = {.count = 1};
    BindReply reply = {};
    struct stat st;
    int r;

    if (!target)
        return -ENOMEM;
    if (!path_is_absolute(target) || strcmp(target, "/") == 0)
        return error_set(error, -EINVAL, "'%s' is not a path that something can be bound to", word);
    r = load_locked(ctl, name, &machine, &lock, error);
    if (r == 0)
        r = clone_source(source, ctl->read_only, &mount_fd, &st, error);
    if (r < 0)
        return r;
    r = map_ids(machine, mount_fd, source, error);
    if (r < 0)
        return r;
    list_binds(machine, NULL, &ours);
    if (ours.count == BINDS_MAX)
        return error_set(error, -EMFILE, "'%s' has %d binds already", name, BINDS_MAX);
    const BindJob job = {.mount_fd = mount_fd,
                         .uid = id_mapping_root(machine->uid_map),
                         .gid = id_mapping_root(machine->gid_map),
                         .is_directory = S_ISDIR(st.st_mode),
                         .mkdir = ctl->mkdir,
                         .target = target,
                         .ours = &ours};
    r = join(machine, attach, &job, &reply);
    if (r < 0)
        return say(name, target, r, error);
    gone.ids[0] = reply.replaced;
    forget_binds(machine, &gone);
    /* What nobody could take back must not stay. */
    const BindList new_one = {.ids = {reply.id}, .count = 1};
    const BindJob undo = {.target = target, .ours = &new_one};
    r = strv_append_format(&machine->binds, "%llu %s", (unsigned long long) reply.id, target);
    if (r == 0)
        r = save(ctl, machine, error);
    if (r < 0)
        (void) join(machine, detach, &undo, &reply);
    else
        notice_device(machine, source, &st);
    return r;
}

static int unbind_one(Ctl *ctl, Machine *machine, const char *word, Error *error)
{
    _cleanup_free_ char *target = path_normalise(word);
    BindList ours = {};
    BindReply reply;
    int r, saved;

    if (!target)
        return -ENOMEM;
    list_binds(machine, target, &ours);
    if (ours.count == 0)
        return error_hint(error, error_set(error, -ENOENT, "nothing was bound to '%s' in '%s'", target, machine->name),
                          "berthctl show -p binds %s lists what was", machine->name);
    const BindJob job = {.target = target, .ours = &ours};
    r = join(machine, detach, &job, &reply);
    if (r < 0 && r != -ENOENT)
        return error_set(error, r, "cannot take '%s' away from '%s': %s", target, machine->name, strerror(-r));
    forget_binds(machine, &ours);
    saved = save(ctl, machine, error);
    if (r == -ENOENT)
        return error_set(error, r, "what was bound to '%s' in '%s' is not there any more", target, machine->name);
    return saved;
}

int verb_unbind(Ctl *ctl, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_bind_lock_ BindLock lock = {.fd = -EBADF};
    int r = load_locked(ctl, ctl->words[0], &machine, &lock, error);

    for (char **word = ctl->words + 1; r == 0 && *word; word++)
        r = unbind_one(ctl, machine, *word, error);
    return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The container's side of https://systemd.io/CONTAINER_INTERFACE that is no plain file or mount. */

#include "executor/apply.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/mount.h"
#include "kernel/resolve.h"
#include "kernel/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>

int apply_notify_socket(Context *context, const Step *step)
{
    _cleanup_close_ int directory_fd = -EBADF, fd = -EBADF;
    int r = resolve_make_plain_directory(context->root_fd, step->notify_socket.directory, &directory_fd);

    if (r < 0)
        return fail(context, r, "cannot open '%s': %s", step->notify_socket.directory, strerror(-r));
    if (step->notify_socket.label)
        r = label_sockets(context, step->notify_socket.label);
    fd = r < 0 ? r : socket_bind_at(directory_fd, step->notify_socket.name);
    if (fd >= 0 && step->notify_socket.label) {
        r = label_sockets(context, NULL);
        if (r < 0)
            return fail(context, r, "cannot part from the SELinux label of the socket: %s", strerror(-r));
    }
    if (fd < 0)
        return fail(context, fd, "cannot make the socket '%s/%s': %s", step->notify_socket.directory,
                    step->notify_socket.name, strerror(-fd));
    r = send_message(context->inner_fd, MESSAGE_NOTIFY, 0, fd);
    return r < 0 ? fail(context, r, "cannot hand over the socket: %s", strerror(-r)) : 0;
}

/* One node of each kind that nobody can open, for a service manager inside to cover with what its units are not to see. */
int apply_inaccessible(Context *context, const Step *step)
{
    static const struct {
        const char *name;
        mode_t type;
    } nodes[] = {{"reg", S_IFREG}, {"fifo", S_IFIFO}, {"sock", S_IFSOCK}, {"chr", S_IFCHR}, {"blk", S_IFBLK}};
    _cleanup_close_ int directory_fd = -EBADF;
    int r = resolve_make_plain_directory(context->root_fd, step->inaccessible.directory, &directory_fd);

    if (r < 0)
        return fail(context, r, "cannot open '%s': %s", step->inaccessible.directory, strerror(-r));
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
        /* Device 0:0 is none; one that a device policy over us forbids is not needed. */
        if (mknodat(directory_fd, nodes[i].name, nodes[i].type, 0) < 0 &&
            !(errno == EPERM && (nodes[i].type == S_IFCHR || nodes[i].type == S_IFBLK)))
            return fail(context, -errno, "cannot make '%s/%s': %s", step->inaccessible.directory, nodes[i].name,
                        strerror(errno));
    if (mkdirat(directory_fd, "dir", 0) < 0)
        return fail(context, -errno, "cannot make '%s/dir': %s", step->inaccessible.directory, strerror(errno));
    return 0;
}

int apply_credential(Context *context, const Step *step)
{
    const StepCredential *credential = &step->credential;
    _cleanup_close_ int directory_fd = -EBADF, fd = -EBADF;
    int r = resolve_make_plain_directory(context->root_fd, credential->directory, &directory_fd);

    if (r < 0)
        return fail(context, r, "cannot open '%s': %s", credential->directory, strerror(-r));
    fd = openat(directory_fd, credential->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(context, -errno, "cannot make the credential '%s': %s", credential->name, strerror(errno));
    r = file_write_all(fd, credential->data, (size_t) credential->data_size);
    if (r == 0 && (credential->uid || credential->gid) &&
        fchown(fd, (uid_t) credential->uid, (gid_t) credential->gid) < 0)
        return fail(context, -errno, "cannot give '%s' to %llu:%llu, which are no ids of the container: %s",
                    credential->name, (unsigned long long) credential->uid, (unsigned long long) credential->gid,
                    strerror(errno));
    if (r == 0 && fchmod(fd, (mode_t) credential->mode) < 0)
        r = -errno;
    return r < 0 ? fail(context, r, "cannot write the credential '%s': %s", credential->name, strerror(-r)) : 0;
}

int apply_show_file(Context *context, const Step *step)
{
    const StepShowFile *show = &step->show_file;
    _cleanup_close_ int source_fd = resolve_open(context->root_fd, show->source, O_PATH | O_NOFOLLOW);
    _cleanup_close_ int target_fd = -EBADF, mount_fd = -EBADF;
    int r;

    if (source_fd < 0)
        return fail(context, source_fd, "cannot open '%s': %s", show->source, strerror(-source_fd));
    r = resolve_make(context->root_fd, show->target, RESOLVE_FILE, &target_fd);
    if (r < 0)
        return fail(context, r, "cannot prepare '%s' in the root file system: %s", show->target, strerror(-r));
    mount_fd = mount_clone(source_fd, "", false);
    r = mount_fd < 0
            ? mount_fd
            : mount_set_attributes(
                  mount_fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, false);
    if (r == 0)
        r = mount_attach(mount_fd, target_fd);
    return r < 0 ? fail(context, r, "cannot show a file at '%s': %s", show->target, strerror(-r)) : 0;
}

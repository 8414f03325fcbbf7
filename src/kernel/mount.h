/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: mounts, by the fd-based mount API only (open_tree(2), fsopen(2), move_mount(2), mount_setattr(2); Linux 5.12).
 * Never does: take a target as a string: a mount is attached on an fd that kernel/resolve.h gave.
 * Runs in: the executor (host side for clones, the container's mount namespace for the rest), the importer, berthctl. */

#include <stdbool.h>
#include <stdint.h>

/* The attributes a mount can have, as MOUNT_ATTR_* of linux/mount.h. */
typedef uint64_t MountAttributes;

/* A file system of `type` as a detached mount. `options` is a NULL-terminated list of "key=value" or "flag", `source`
 * may be NULL. fd or -errno. */
int mount_create(const char *type, const char *source, char *const *options, MountAttributes attributes);

/* A detached copy of the mount at dir_fd (O_PATH) or at `path` below it ("" for dir_fd itself). The tree that it
 * copies must be in this process's mount namespace: -EINVAL otherwise. The copy is private: as a peer of a shared
 * original (which every mount under systemd is) it would carry the container's mounts back to the host, and
 * pivot_root(2) would refuse it. */
int mount_clone(int dir_fd, const char *path, bool recursive);

/* Attaches a detached mount on what target_fd (O_PATH) refers to. */
int mount_attach(int mount_fd, int target_fd);

/* The same below the mount whose root target_fd is, which stays on top until it is detached: nobody sees the place empty
 * in between. Linux 6.5; -EINVAL before, and where the kernel does not take it. */
int mount_attach_beneath(int mount_fd, int target_fd);

/* Detaches an attached mount (lazily) from where it is; mount_fd must be its root. It stays usable by fd. */
int mount_detach(int mount_fd);
/* The same where /proc is not ours: fds_fd is our /proc/self/fd, opened before. Changes the working directory. */
int mount_detach_by(int fds_fd, int mount_fd);

/* Sets and clears attributes of a mount, attached or not. */
int mount_set_attributes(int mount_fd, MountAttributes set, MountAttributes clear, bool recursive);

/* Gives the root of a mount the SELinux label. Takes the owner of that directory, or CAP_FOWNER over it. */
int mount_set_label(int mount_fd, const char *label);

/* Makes the files of a detached mount appear through the map of a user namespace: what the file system calls id 0 is whom the
 * namespace calls id 0 (mount_setattr(2), MOUNT_ATTR_IDMAP). -EINVAL when a file system cannot do that, or one below it with
 * `recursive`, or when the mount was attached before; then nothing is changed. */
int mount_map_ids(int mount_fd, int userns_fd, bool recursive);

/* A procfs of another pid namespace, for one who is not in it (Linux 6.17; -EINVAL before). */
int mount_create_proc(int pidns_fd, MountAttributes attributes);

/* MS_PRIVATE, MS_SLAVE, MS_SHARED for the mount at `path` and all below. */
int mount_set_propagation(const char *path, uint64_t propagation);

/* Makes the directory root_fd, which must be a mount point of this namespace, the root of this mount namespace and
 * drops the old one whole. The working directory is the new root afterwards. */
int mount_pivot(int root_fd);

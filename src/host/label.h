/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the SELinux labels of a container: the types that the loaded policy has for containers, categories that no other
 *       running container has, the labels of volumes.
 * Never does: name a type of its own; set the label of a process (the executor does); enter a container.
 * Runs in: fat programs on the host side. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* A container's categories N and M are the lock "locks/.mcs.N.M" in the run directory, and its text is the container's name: no
 * container is called so. Whether the lock is one of these; if so, `owner` is what it names, "" for nobody. Pure but for reading
 * `fd`. */
bool label_lock_owner(const char *lock, int fd, char *owner, size_t size);

/* What a container is to the policy. */
typedef enum LabelKind {
    LABEL_APPLICATION,
    LABEL_SYSTEM, /* it boots */
    LABEL_ENGINE, /* it runs containers itself */
} LabelKind;

/* What was asked for. NULL is "as the policy says". */
typedef struct LabelRequest {
    const char
        *name; /* of the container: where the search for free categories begins, so that they are the same at each
                         start as a rule, and a volume's private label stays good */
    LabelKind kind;
    bool no_new_privileges;
    const char *process, *file;                         /* whole contexts; nothing below applies to them */
    const char *user, *role, *type, *level, *file_type; /* parts of the process's context, type of the files' one */
} LabelRequest;

typedef struct Label {
    char *process;     /* of the payload */
    char *file;        /* of all that is mounted for it, with its categories */
    char *shared_file; /* of volumes that several containers share, without categories */
    int categories_fd; /* holds the categories as long as it or a copy is open, -EBADF: none taken */
} Label;

void label_done(Label *label);

/* Outcomes of label_make() besides 0. */
typedef enum LabelOutcome {
    LABEL_IS_OFF = 1, /* this host has no SELinux: `ret` is empty */
    LABEL_NO_TYPE =
        2, /* the policy has a type for applications, but none for containers of that kind: `ret` is empty */
} LabelOutcome;

/* Makes the labels of a container that is about to start. Categories are taken in the run directory (base/lock.h), where
 * machines/NAME says that a container has what was taken in its name though its supervisor was killed; or only looked for
 * when `run_fd` is <0. `ret` is zero before. -EOPNOTSUPP: a part was asked for that cannot be had here; -EINVAL: the policy does not know the result;
 * -EACCES: this process's own label may not start such a process. The policy's own description is
 * /usr/share/containers/selinux/contexts or, without it, selinux_lxc_contexts_path(3); for what that does not name, the one that
 * comes with Berth's module, as far as the policy knows its types. */
int label_make(const LabelRequest *request, int run_fd, Label *ret, Error *error);

/* Whether a process with the label of the container can be made of this program, on a mount without set-user-ID. -EACCES: not
 * under this policy. */
int label_check_program(const Label *label, int program_fd, Error *error);

/* Whether the file's type is one that the policy has for the files of containers. An O_PATH fd will do. */
bool label_is_for_containers(int fd);
/* The type of the file, "?" when it has none. Caller owns it; NULL: no memory. */
char *label_file_type(int fd);

/* Gives everything below the directory (or the file) the label: without following a link, without leaving its file system,
 * each object by an fd. `host_path` is for messages and to refuse directories that the host itself needs: -EPERM. */
int label_relabel(int fd, const char *host_path, const char *context, Error *error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what an overlay's upper directory makes different from what is below it, and what one tree has that another has not.
 * Never does: compare content of an upper directory: what is in there has been written to.
 * Runs in: compare_run() in berthctl, the work in a confined child that has nothing but the three trees. */

#include "base/error.h"
#include "tree/walk.h"

#include <stdbool.h>

typedef enum ChangeKind { CHANGE_ADDED = 'A', CHANGE_CHANGED = 'C', CHANGE_DELETED = 'D' } ChangeKind;

/* Detached mounts, read-only and without devices. */
typedef struct CompareRequest {
    int upper_fd, lower_fd;
    bool is_exact; /* upper is a whole tree, and merged the same: what is equal in lower has not changed */
    int merged_fd; /* both as the container sees them: tells what is deleted, however overlayfs marks it */
    /* Called for each, in no order; `path` is below the root. 0 or -errno. */
    int (*change)(ChangeKind kind, const char *path, void *userdata);
    void *userdata;
} CompareRequest;

int compare_run(const CompareRequest *request, Error *error);

/* The names that `directory` has in the lower tree and not in the merged one, sorted; none when it is no directory there.
 * For who is in a confined child already. */
int compare_list_deleted(int lower_fd, int merged_fd, const char *directory, WalkNames *ret);

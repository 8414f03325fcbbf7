/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: user and group lookup in the container's own passwd(5) and group(5) files, which are hostile text.
 * Never does: ask NSS, allocate with the files' size, follow a file out of the root.
 * Runs in: the inner process; the parsing is pure. */

#include "executor/context.h"

/* Splits "user[:group]" and resolves it against the files' texts (either may be empty, not NULL). A number is a number:
 * it is never looked up as a name (a user called "1001" is reached by name only in the group field of others).
 *   - user given as number: primary group from passwd when the number is listed, else 0
 *   - group given: it replaces the primary group, and there are no supplementary ones
 *   - otherwise: the groups that list the user's name as a member; the primary group is always among them
 * 0; -EINVAL malformed or out of range; -ENOENT unknown name. *ret_what then points to the offending part. */
int accounts_resolve(const char *user, const char *passwd, const char *group, Identity *ret, const char **ret_what);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: who has which range of user and group ids of this host: 64 Ki each, taken by a lock that dies with its holder, in
 *       the place and by the kind of lock that systemd-nspawn uses for its own ("pick"), so that neither takes the other's.
 * Never does: keep a table of what is free, ask the user database (NSS): ids of users are kept clear of by way of
 *       /etc/subuid and /etc/subgid.
 * Runs in: fat programs on the host side, as root. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What systemd reserves for containers (systemd.io/UIDS-GIDS). */
#define IDRANGES_FIRST UINT32_C(524288)
#define IDRANGES_LAST  UINT32_C(1878982656)
#define IDRANGES_SIZE  UINT32_C(65536)

/* Where the locks are, and who is known to run. fds are borrowed. */
typedef struct IdRanges {
    int locks_fd; /* /run/systemd/nspawn-uid */
    int run_fd;   /* /run/berth: ranges/BASE is a link that names the container, machines/NAME is there while it runs */
    int registry_fd;    /* of systemd-nsresourced, for what it has given away, or -EBADF */
    const char *subuid; /* the text of /etc/subuid and /etc/subgid; NULL: empty */
    const char *subgid;
} IdRanges;

/* Opens the directory of the locks, and makes it. BERTH_ID_LOCKS_DIR moves it, for tests. */
int idranges_open_locks(int *ret_fd);

/* The directory of systemd-nsresourced, -ENOENT where there is none. */
int idranges_open_registry(void);

/* A free range, the lock of which *ret_lock_fd is: held as long as any copy of it is open. The same name gets the same range
 * as a rule. -EBUSY: none is left. With ret_lock_fd NULL nothing is taken, and the range is what it would most likely be. */
int idranges_take(const IdRanges *ranges, const char *name, uint32_t *ret_base, int *ret_lock_fd);

/* The range that begins at `base`, for one who says which: shared with others that say so too, and kept from those who do
 * not. -EBUSY: one of those has it. */
int idranges_share(const IdRanges *ranges, uint32_t base, int *ret_lock_fd);

/* Gives a range back that was taken for a container that did not start. */
void idranges_forget(const IdRanges *ranges, uint32_t base, int lock_fd);

/* Pure: whether a line of a file like /etc/subuid claims an id of the range. Lines of "berth" are our own. */
bool idranges_is_claimed(const char *subid_text, uint32_t base);

/* Pure: the pool that the user "berth" has in a file like /etc/subuid, whole ranges only: its first base and how many; the
 * reserved one of systemd when there is none. */
void idranges_pool(const char *subid_text, uint32_t *ret_first, uint32_t *ret_count);

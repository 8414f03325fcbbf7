/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: refs/NAME: what a name means now and what it meant before, one line a value, newest last:
 *       MICROSECONDS sha256:MANIFEST WHERE-FROM
 * Never does: ask whether the image exists.
 * Runs in: berthctl and the importer. */

#include "store/store.h"

typedef struct RefEntry {
    uint64_t time_usec;
    Digest manifest;
    char *source; /* "load /tmp/web.tar": one escaped line, for people */
} RefEntry;

/* Never empty after a successful parse; the last entry is the current one. */
typedef struct Ref {
    RefEntry *entries;
    size_t count;
} Ref;
void ref_done(Ref *ref);
#define _cleanup_ref_ _cleanup_(ref_done)

/* Pure. -EINVAL with "line N". */
int ref_parse(const char *text, size_t size, Ref *ret, Error *error);
static inline const RefEntry *ref_current(const Ref *ref)
{
    return &ref->entries[ref->count - 1];
}

/* `name` is a formatted reference ("localhost/web:latest"). -ENOENT, -EUCLEAN for a damaged file. */
int refs_load(const Store *store, const char *name, Ref *ret, Error *error);
/* The name in the store that `text` means (reference_list_candidates()), and its history. -ENOENT also for what is no name;
 * -EUCLEAN for a damaged file, whose name *ret_name has. */
int refs_find(const Store *store, const char *text, char **ret_name, Ref *ret);
/* Every name, sorted. */
int refs_list(const Store *store, char ***ret, Error *error);

/* Writers hold this lock from before they look until they are done. */
int refs_lock(const Store *store, int *ret_fd, Error *error);
/* Adds a line, unless `name` means `manifest` already; durable when it returns. Keeps the newest
 * REFS_HISTORY_MAX. */
#define REFS_HISTORY_MAX 1000U
int refs_append(const Store *store, const char *name, const Digest *manifest, const char *source, Error *error);
int refs_remove(const Store *store, const char *name, Error *error);

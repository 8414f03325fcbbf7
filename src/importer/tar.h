/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: reading tar members out of an Inflater through libarchive, and libarchive's messages.
 * Never does: decide what a member may do.
 * Runs in: the importer's confined children (and the fuzz target). */

#include "importer/inflate.h"

#include <archive.h>
#include <archive_entry.h>

typedef struct TarReader {
    Inflater *inflater;
    struct archive *archive;
    Error problem; /* the inflater's, which libarchive cannot carry */
    const char *name;
} TarReader;

/* libarchive converts names to the locale's charset: the program must have called setlocale() with a UTF-8
 * one. The inflater is borrowed. */
int tar_open(TarReader *reader, Inflater *inflater, Error *error);
void tar_close(TarReader *reader);
#define _cleanup_tar_ _cleanup_(tar_close)

/* The next member, valid until the next call: 1, 0 at the end, -errno. `ret_warning` is set when libarchive
 * could read it only approximately; it lives as long as the entry. */
int tar_next(TarReader *reader, struct archive_entry **ret, const char **ret_warning, Error *error);

/* Writes the current member's content to `fd`, keeping holes. `written` grows by the bytes that are no holes.
 */
int tar_write_content(TarReader *reader, struct archive_entry *entry, int fd, uint64_t max_bytes, uint64_t *written,
                      Error *error);

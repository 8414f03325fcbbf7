/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what --log-opt= says.
 * Never does: I/O.
 * Runs in: fat programs; pure. */

#include "spec/spec.h"

/* A reader of the log need not look further. */
#define LOG_FILES_MAX 10

typedef struct LogOptions {
    uint64_t max_bytes; /* of each file; 0: no limit */
    unsigned max_files; /* with the older ones */
    const char *tag;    /* template; NULL: the container's name. Borrowed, as is the next */
    const char *labels; /* names with commas between them, or NULL */
} LogOptions;

/* With the defaults for what is not said. */
int log_options_parse(char *const *assignments, LogOptions *ret, Error *error);

/* The tag with {{.Name}}, {{.ID}}, {{.FullID}} and {{.ImageName}} filled in. -EINVAL for any other {{…}}, or for a
 * control character. */
int log_tag_format(const char *tag, const char *name, const char *id, const char *image, char **ret, Error *error);

/* "CONTAINER_LABEL_COM_EXAMPLE_TEAM=blue" for each of `names` that `labels` has; control characters of a value, which
 * may be an image's, become blanks. */
int log_label_fields(const char *names, char *const *labels, char ***ret);

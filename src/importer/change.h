/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: changes of an image's configuration in the words of a Containerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL,
 *       STOPSIGNAL, USER, VOLUME, WORKDIR (OCI image spec, config.md; Dockerfile reference).
 * Never does: I/O.
 * Runs in: the importer; pure. */

#include "base/error.h"

#include <jansson.h>

/* "ENV KEY=VALUE", "CMD [\"a\", \"b\"]", "CMD a b"; the word's case does not matter, and "=" may stand behind it. `config` is
 * the member "config" of an image configuration. -EINVAL with a text. */
int change_apply(json_t *config, const char *text, Error *error);

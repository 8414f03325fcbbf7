/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what can be done with names: give one, take it away, read what it meant before, go back to that.
 * Never does: remove an image: what a name meant before stays until it is pruned or removed.
 * Runs in: berthctl. */

#include "store/refs.h"

/* Lets `name` mean the image that `image` names (as for store_find_image()). *ret_name is the whole name, "web:latest". */
int store_tag(Store *store, const char *image, const char *name, char **ret_name, Error *error);

/* Removes a name with its history. -ENOENT with a hint. */
int store_untag(Store *store, const char *name, char **ret_name, Error *error);

/* What `name` means and meant. -ENOENT when it is no name (an image ID, say), -EUCLEAN. */
int store_load_history(Store *store, const char *name, char **ret_name, Ref *ret, Error *error);

/* Whether the image can still be used. */
bool store_has_image(Store *store, const Digest *manifest);

/* "NAME" or "NAME@N" into the two; `ret_back` is 1 unless N is given. -EINVAL. */
int store_parse_version(const char *text, char **ret_name, size_t *ret_back, Error *error);

/* Lets a name mean again what it meant `back` values ago, as its newest value: so nothing is lost, and going back by one
 * twice changes nothing. *ret_manifest is what it means now. -ENOENT when there is no such value or its image is gone. */
int store_rollback(Store *store, const char *name, size_t back, char **ret_name, Digest *ret_manifest, Error *error);

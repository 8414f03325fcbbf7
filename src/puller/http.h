/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: a transfer's libcurl handle: its options, and what comes back through it.
 * Never does: decide what follows (transfer.c does).
 * Runs in: the puller, confined. */

#include "puller/transfer.h"

void http_answer_done(Answer *answer);
void http_answer_reset(Transfer *transfer);

/* `form` NULL: a GET. `authorization` NULL: without. A document is small and must come in time as a whole. */
int http_set_up(Transfer *transfer, const char *url, const char *form, const char *authorization, bool is_document);

/* Whether a URL leads to the site itself: same scheme, host and port. NULL: the site's own. */
bool http_is_at(const char *url, const Site *site);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: a berth-puller at work, from the side of who asks it.
 * Never does: speak to a registry; believe what comes: who asked for a digest verifies it.
 * Runs in: the importer and berthctl. */

#include "pull/wire.h"

#include <stdbool.h>

typedef struct PullClient PullClient;

typedef struct PullOptions {
    const char *name; /* a full reference: HOST/REPOSITORY[:TAG] */
    const char *auth_file;
    const char *auth_json;  /* the text of such a file, in its place */
    const char *tls_verify; /* "no", or NULL for what the configuration says */
    bool is_writing, has_progress;
} PullOptions;

int pull_client_start(const PullOptions *options, PullClient **ret, Error *error);
/* Ends it. */
void pull_client_free(PullClient *client);
DEFINE_CLEANUP(PullClient *, pull_client_free)
#define _cleanup_pull_client_ _cleanup_(pull_client_freep)

/* Sends it, with an fd unless that is < 0 (borrowed); its id in *ret_id. */
int pull_client_send(PullClient *client, const WireRequest *request, int fd, unsigned *ret_id, Error *error);
/* Waits for that request's answer: its code, with its text. Others are kept. *ret may be NULL. */
int pull_client_wait(PullClient *client, unsigned id, WireReply *ret, Error *error);

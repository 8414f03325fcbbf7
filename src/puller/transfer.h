/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: one request of the importer on its way: attempts, sites, redirects, tokens, and the bytes that are delivered.
 * Never does: block; believe a length; send a password to a host that may not have it.
 * Runs in: the puller, confined. */

#include "pull/challenge.h"
#include "pull/wire.h"
#include "puller/next.h"
#include "puller/site.h"

#include "base/buffer.h"

#include <curl/curl.h>

typedef enum TransferStep {
    TRANSFER_MAIN,
    TRANSFER_TOKEN, /* asking a token service */
} TransferStep;

/* A blob goes to the registry in up to three requests (distribution specification, "pushing blobs"). */
typedef enum UploadPhase {
    UPLOAD_CHECK, /* is it there? */
    UPLOAD_START, /* where to? or: take it from another repository */
    UPLOAD_SEND,
} UploadPhase;

/* What one answer's headers said. */
typedef struct Answer {
    Challenges challenges;
    bool is_malformed; /* a challenge that cannot be read */
    char *content_range, *media_type, *location;
    uint64_t retry_after_usec;
} Answer;

typedef struct Transfer {
    Sites *sites;
    WireRequest request;
    int fd;
    CURL *easy;
    struct curl_slist *headers;
    char curl_error[CURL_ERROR_SIZE];
    TransferStep step;
    UploadPhase phase;
    char *upload_url;
    uint64_t sent_bytes;
    size_t site;
    char *location; /* where a redirect led to; NULL: the site itself */
    Answer answer;
    Buffer body; /* of a token service, or of an error */
    unsigned attempts, attempts_all, redirects, logins;
    unsigned authorization_serial;        /* of what the attempt showed */
    size_t scopes;                        /* that the token is asked for with */
    uint64_t delivered, delivered_before; /* to the fd; at the attempt's begin */
    uint64_t skip;                        /* bytes of this answer that were delivered before */
    size_t chunk_done;                    /* of the bytes that curl will give again after a pause */
    bool is_paused, is_judged;
    bool is_plain;       /* this attempt; the site may have become so meanwhile */
    uint64_t start_usec; /* when the next attempt begins; 0: it runs */
    int failure;         /* -errno that ended it from our side */
    Error error;
} Transfer;

/* The fd is taken over. */
int transfer_new(Sites *sites, WireRequest *request, int fd, Transfer **ret, Error *error);
void transfer_free(Transfer *transfer);

/* Prepares the next attempt's handle. */
int transfer_prepare(Transfer *transfer);
/* What the attempt's end means: 1: another attempt follows (at start_usec), 0: done, -errno with transfer->error. */
int transfer_judge(Transfer *transfer, CURLcode code);

/* In upload.c: the address of the next request, and what its answer means: 1: another one follows, 0: it is there. */
int upload_make_url(const Transfer *transfer, char **ret);
int upload_advance(Transfer *transfer, unsigned status);
bool upload_is_writing(const Transfer *transfer);
/* Whether it goes on without what another repository has; it does then. */
bool upload_give_up_mount(Transfer *transfer, unsigned status);

/* In token.c: */
int token_prepare(Transfer *transfer, const Challenge *challenge, char **ret_url, char **ret_form);
/* Whether one more scope may be asked for: a token has room for some only. */
bool token_has_room(const Site *site);
/* Takes the token service's answer as what lets the site be used. */
int token_take(Transfer *transfer);
/* "Basic …" of the site's password, or NULL. */
char *token_basic(const Site *site);

uint64_t transfer_now_usec(void);

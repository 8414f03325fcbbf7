/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what follows on an answer of a registry, or on none: the rules of the step machine that a transfer is.
 * Never does: I/O.
 * Runs in: the puller; pure. */

#include <stdbool.h>
#include <stdint.h>

#define NEXT_REDIRECTS_MAX  5U
#define NEXT_ATTEMPTS_MAX   20U /* of one transfer in all, however far each came */
#define NEXT_DELAY_MAX_USEC UINT64_C(60000000)

typedef enum NetResult {
    NET_ANSWER,      /* there is a status */
    NET_LOST,        /* the connection broke, stalled or could not be made */
    NET_TLS,         /* no TLS there */
    NET_CERTIFICATE, /* TLS, but not with whom we want */
    NET_OURS,        /* we ended it: the answer breaks a promise, or nobody wants it any more */
} NetResult;

typedef struct Outcome {
    NetResult net;
    unsigned status;
    bool is_complete;  /* all bytes that were promised came */
    bool has_progress; /* more bytes than after the attempt before */
    bool has_challenge, has_location, has_other_site, may_plain;
    unsigned attempts; /* without progress, this one included */
    unsigned attempts_all, redirects, logins;
    uint64_t retry_after_usec; /* what the server asks for; 0: nothing */
    uint64_t retry_usec;
    unsigned retries;
} Outcome;

typedef enum NextStep {
    NEXT_DONE,
    NEXT_LOGIN, /* get a token, or send the password */
    NEXT_REDIRECT,
    NEXT_PLAIN, /* the same by plain HTTP */
    NEXT_RETRY, /* after *ret_delay_usec, from where it broke */
    NEXT_SITE,  /* ask the next mirror or the registry itself */
    NEXT_FAIL,
} NextStep;

NextStep next_decide(const Outcome *outcome, uint64_t *ret_delay_usec);

/* Retry-After in seconds (a date is read as absent); 0: nothing usable. */
uint64_t next_parse_retry_after(const char *value);

/* "bytes FIRST-LAST/SIZE": whether it is what continues at `first` of `size` bytes. */
bool next_continues(const char *content_range, uint64_t first, uint64_t size);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what the importer asks of the puller, and what that answers: one JSON object a message.
 * Never does: I/O. The puller talks to hostile servers: its answers are read as strictly as theirs.
 * Runs in: the importer and the puller; pure. */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define WIRE_MESSAGE_MAX (16U << 10)

typedef enum WireKind {
    WIRE_MANIFEST, /* `reference` is a tag or digest; its bytes, at most size_bytes, go to the fd */
    WIRE_BLOB,     /* `reference` is a digest; exactly size_bytes go to the fd */
    WIRE_PING,     /* whether the registry lets us in; no fd */
    WIRE_UPLOAD, /* `reference` is a digest; exactly size_bytes of the fd become the blob, unless it is there; media_type: another
                      repository of the registry that may have it */
    WIRE_PUT, /* `reference` is a tag or digest; the fd's size_bytes become the manifest, of type `media_type` */
    _WIRE_KIND_MAX,
} WireKind;

typedef struct WireRequest {
    unsigned id;
    WireKind kind;
    char *reference, *media_type; /* may be NULL */
    uint64_t size_bytes;
} WireRequest;
void wire_request_done(WireRequest *request);
#define _cleanup_wire_request_ _cleanup_(wire_request_done)

typedef struct WireReply {
    unsigned id;
    int code;          /* 0 or -errno */
    char *text, *hint; /* with a code */
    char *media_type;  /* of a manifest, as the server says; may be NULL */
    char *endpoint;    /* who answered */
    uint64_t bytes;    /* that went through the network */
} WireReply;
void wire_reply_done(WireReply *reply);
#define _cleanup_wire_reply_ _cleanup_(wire_reply_done)

/* NULL: no memory. */
char *wire_request_format(const WireRequest *request);
char *wire_reply_format(const WireReply *reply);
int wire_request_parse(const char *text, size_t size, WireRequest *ret, Error *error);
int wire_reply_parse(const char *text, size_t size, WireReply *ret, Error *error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pull/wire.h"

#include "store/json-read.h"

#include <errno.h>
#include <string.h>

static const char *const kinds[_WIRE_KIND_MAX] = {"manifest", "blob", "ping", "upload", "put"};

void wire_request_done(WireRequest *request)
{
    free(request->reference);
    free(request->media_type);
    *request = (WireRequest){};
}

void wire_reply_done(WireReply *reply)
{
    free(reply->text);
    free(reply->hint);
    free(reply->media_type);
    free(reply->endpoint);
    *reply = (WireReply){};
}

static char *dump(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    return text;
}

char *wire_request_format(const WireRequest *request)
{
    return dump(json_pack("{s:I, s:s, s:s?, s:s?, s:I}", "id", (json_int_t) request->id, "kind", kinds[request->kind],
                          "reference", request->reference, "media_type", request->media_type, "size",
                          (json_int_t) request->size_bytes));
}

char *wire_reply_format(const WireReply *reply)
{
    return dump(json_pack("{s:I, s:I, s:s?, s:s?, s:s?, s:s?, s:I}", "id", (json_int_t) reply->id, "errno",
                          (json_int_t) -reply->code, "text", reply->text, "hint", reply->hint, "media_type",
                          reply->media_type, "endpoint", reply->endpoint, "bytes", (json_int_t) reply->bytes));
}

static int read_id(const json_t *root, unsigned *ret, Error *error)
{
    uint64_t id = 0;
    int r = json_read_size(root, "", "id", &id, error);

    if (r == 0 && (id == 0 || id > INT32_MAX))
        return error_set(error, -EINVAL, "id is out of range");
    *ret = (unsigned) id;
    return r;
}

static int parse_kind(const char *name, WireKind *ret, Error *error)
{
    for (unsigned i = 0; name && i < _WIRE_KIND_MAX; i++)
        if (strcmp(kinds[i], name) == 0) {
            *ret = (WireKind) i;
            return 0;
        }
    return error_set(error, -EINVAL, "kind is unknown");
}

int wire_request_parse(const char *text, size_t size, WireRequest *ret, Error *error)
{
    _cleanup_json_ json_t *root = NULL;
    _cleanup_wire_request_ WireRequest request = {};
    _cleanup_free_ char *kind = NULL;
    int r = json_read_object(text, size, WIRE_MESSAGE_MAX, &root, error);

    if (r == 0)
        r = read_id(root, &request.id, error);
    if (r == 0)
        r = json_read_string(root, "", "kind", &kind, error);
    if (r == 0)
        r = parse_kind(kind, &request.kind, error);
    if (r == 0)
        r = json_read_string(root, "", "reference", &request.reference, error);
    if (r == 0)
        r = json_read_string(root, "", "media_type", &request.media_type, error);
    if (r == 0)
        r = json_read_size(root, "", "size", &request.size_bytes, error);
    if (r < 0)
        return r;
    *ret = request;
    request = (WireRequest){};
    return 0;
}

int wire_reply_parse(const char *text, size_t size, WireReply *ret, Error *error)
{
    _cleanup_json_ json_t *root = NULL;
    _cleanup_wire_reply_ WireReply reply = {};
    uint64_t code = 0;
    int r = json_read_object(text, size, WIRE_MESSAGE_MAX, &root, error);

    if (r == 0)
        r = read_id(root, &reply.id, error);
    if (r == 0)
        r = json_read_size(root, "", "errno", &code, error);
    if (r == 0 && code > 4095)
        r = error_set(error, -EINVAL, "errno is out of range");
    if (r == 0)
        r = json_read_string(root, "", "text", &reply.text, error);
    if (r == 0)
        r = json_read_string(root, "", "hint", &reply.hint, error);
    if (r == 0)
        r = json_read_string(root, "", "media_type", &reply.media_type, error);
    if (r == 0)
        r = json_read_string(root, "", "endpoint", &reply.endpoint, error);
    if (r == 0)
        r = json_read_size(root, "", "bytes", &reply.bytes, error);
    if (r < 0)
        return r;
    reply.code = -(int) code;
    *ret = reply;
    reply = (WireReply){};
    return 0;
}

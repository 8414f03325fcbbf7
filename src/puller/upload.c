/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A blob on its way into a registry: asked for, then taken from another repository there, or sent whole. */
#include "puller/transfer.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

bool upload_is_writing(const Transfer *transfer)
{
    return transfer->request.kind == WIRE_PUT ||
           (transfer->request.kind == WIRE_UPLOAD && transfer->phase == UPLOAD_SEND);
}

int upload_make_url(const Transfer *transfer, char **ret)
{
    const Site *site = &transfer->sites->items[transfer->site];
    const WireRequest *request = &transfer->request;
    _cleanup_free_ char *origin = site_origin(site);

    if (!origin)
        return -ENOMEM;
    if (transfer->phase == UPLOAD_CHECK)
        *ret = text_format("%s/v2/%s/blobs/%s", origin, site->repository, request->reference);
    else if (transfer->phase == UPLOAD_SEND)
        *ret = strdup(transfer->upload_url);
    else if (request->media_type)
        *ret = text_format("%s/v2/%s/blobs/uploads/?mount=%s&from=%s%s", origin, site->repository, request->reference,
                           site->endpoint->prefix, request->media_type);
    else
        *ret = text_format("%s/v2/%s/blobs/uploads/", origin, site->repository);
    return *ret ? 0 : -ENOMEM;
}

/* The answer's Location, relative or not, with what it has to say of its own, and the digest. */
static int take_location(Transfer *transfer)
{
    const Site *site = &transfer->sites->items[transfer->site];
    CURLU *url = curl_url();
    char *effective = NULL, *whole = NULL;
    int r = 0;

    (void) curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &effective);
    if (!url || !effective || !transfer->answer.location ||
        curl_url_set(url, CURLUPART_URL, effective, 0) != CURLUE_OK ||
        curl_url_set(url, CURLUPART_URL, transfer->answer.location, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_URL, &whole, 0) != CURLUE_OK)
        r = error_set(&transfer->error, -EPROTO, "%s does not say where to send a blob", site->endpoint->host);
    else if (!text_after_prefix(whole, "https://") && !(site->is_plain && text_after_prefix(whole, "http://")))
        r = error_set(&transfer->error, -EPROTO, "%s wants a blob sent to where there is no TLS: '%.200s'",
                      site->endpoint->host, whole);
    if (r == 0) {
        free(transfer->upload_url);
        transfer->upload_url =
            text_format("%s%cdigest=%s", whole, strchr(whole, '?') ? '&' : '?', transfer->request.reference);
        r = transfer->upload_url ? 0 : -ENOMEM;
    }
    curl_free(whole);
    curl_url_cleanup(url);
    return r;
}

int upload_advance(Transfer *transfer, unsigned status)
{
    int r;

    transfer->attempts = 0;
    /* 201 to a request to start: the other repository had it. */
    if (transfer->phase == UPLOAD_SEND || (transfer->phase == UPLOAD_START && status == 201) ||
        (transfer->phase == UPLOAD_CHECK && status != 404)) {
        transfer->delivered = transfer->phase == UPLOAD_SEND ? transfer->sent_bytes : 0;
        return 0;
    }
    if (transfer->phase == UPLOAD_CHECK) {
        transfer->phase = UPLOAD_START;
        if (!token_has_room(&transfer->sites->items[transfer->site]))
            free(TAKE_PTR(transfer->request.media_type));
        return 1;
    }
    r = take_location(transfer);
    transfer->phase = UPLOAD_SEND;
    return r < 0 ? r : 1;
}

/* Who may write here may not be allowed to read there, or it is not there any more. */
bool upload_give_up_mount(Transfer *transfer, unsigned status)
{
    if (transfer->request.kind != WIRE_UPLOAD || transfer->phase != UPLOAD_START || !transfer->request.media_type ||
        status < 400 || status > 499)
        return false;
    free(TAKE_PTR(transfer->request.media_type));
    transfer->step = TRANSFER_MAIN;
    transfer->attempts = transfer->logins = 0;
    return true;
}

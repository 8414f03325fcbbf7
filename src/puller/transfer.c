/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "puller/transfer.h"

#include "base/text.h"
#include "puller/http.h"
#include "store/image-manifest.h"
#include "store/json-read.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t transfer_now_usec(void)
{
    struct timespec now = {};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000U + (uint64_t) now.tv_nsec / 1000U;
}

void transfer_free(Transfer *transfer)
{
    if (!transfer)
        return;
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    wire_request_done(&transfer->request);
    safe_close(transfer->fd);
    free(transfer->location);
    free(transfer->upload_url);
    http_answer_done(&transfer->answer);
    buffer_done(&transfer->body);
    error_done(&transfer->error);
    free(transfer);
}

int transfer_new(Sites *sites, WireRequest *request, int fd, Transfer **ret, Error *error)
{
    Transfer *transfer = calloc(1, sizeof(*transfer));
    Digest digest;

    if (!transfer) {
        safe_close(fd);
        return -ENOMEM;
    }
    *transfer = (Transfer){.sites = sites, .request = *request, .fd = fd, .easy = curl_easy_init()};
    *request = (WireRequest){};
    if (!transfer->easy || ((transfer->request.kind == WIRE_BLOB || transfer->request.kind == WIRE_UPLOAD) &&
                            digest_parse(transfer->request.reference, &digest) < 0)) {
        transfer_free(transfer);
        return error_set(error, -EINVAL, "a request without a digest");
    }
    *ret = transfer;
    return 0;
}

/* --- an attempt --- */

static int make_url(const Transfer *transfer, char **ret)
{
    const Site *site = &transfer->sites->items[transfer->site];
    const WireRequest *request = &transfer->request;
    _cleanup_free_ char *origin = site_origin(site);

    if (!origin)
        return -ENOMEM;
    if (transfer->location)
        *ret = strdup(transfer->location);
    else if (request->kind == WIRE_UPLOAD)
        return upload_make_url(transfer, ret);
    else if (request->kind == WIRE_PING)
        *ret = text_format("%s/v2/", origin);
    else
        *ret = text_format("%s/v2/%s/%s/%s", origin, site->repository,
                           request->kind == WIRE_BLOB ? "blobs" : "manifests", request->reference);
    return *ret ? 0 : -ENOMEM;
}

int transfer_prepare(Transfer *transfer)
{
    const Site *site = &transfer->sites->items[transfer->site];
    _cleanup_free_ char *url = NULL, *form = NULL, *own = NULL;
    const char *authorization = NULL;
    bool is_document = transfer->step == TRANSFER_TOKEN ||
                       (transfer->request.kind != WIRE_BLOB &&
                        !(transfer->request.kind == WIRE_UPLOAD && transfer->phase == UPLOAD_SEND));
    int r;

    transfer->attempts++;
    transfer->attempts_all++;
    transfer->start_usec = 0;
    /* A document is small and its size not known: it is not resumed. */
    if (transfer->request.kind == WIRE_MANIFEST && transfer->delivered > 0) {
        if (ftruncate(transfer->fd, 0) < 0 || lseek(transfer->fd, 0, SEEK_SET) < 0)
            return -errno;
        transfer->delivered = 0;
    }
    transfer->delivered_before = transfer->delivered;
    transfer->skip = transfer->chunk_done = 0;
    transfer->is_judged = false;
    transfer->is_plain = site->is_plain;
    if (transfer->step == TRANSFER_MAIN)
        transfer->authorization_serial = site->authorization_serial;
    if (transfer->step == TRANSFER_TOKEN) {
        r = token_prepare(transfer, challenges_find(&transfer->answer.challenges, CHALLENGE_BEARER), &url, &form);
        authorization = own = form ? NULL : token_basic(site);
    } else {
        r = make_url(transfer, &url);
        /* Somewhere else nobody is told who we are. */
        authorization = r == 0 && http_is_at(url, site) ? site->authorization : NULL;
    }
    if (r < 0)
        return r;
    http_answer_reset(transfer);
    return http_set_up(transfer, url, form, authorization, is_document);
}

/* --- its end --- */

static NetResult classify(const Transfer *transfer, CURLcode code)
{
    if (transfer->failure < 0)
        return NET_OURS;
    switch (code) {
    case CURLE_OK:
        return NET_ANSWER;
    case CURLE_SSL_CONNECT_ERROR:
        return NET_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
        return NET_CERTIFICATE;
    default:
        return NET_LOST;
    }
}

static void fill_outcome(const Transfer *transfer, CURLcode code, Outcome *outcome)
{
    const Site *site = &transfer->sites->items[transfer->site];
    const Registries *registries = &transfer->sites->registries;
    const Challenges *challenges = &transfer->answer.challenges;
    bool has_basic = challenges_find(challenges, CHALLENGE_BASIC) && site->credentials.user;
    char *location = NULL;
    long status = 0;

    (void) curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    (void) curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &location);
    *outcome = (Outcome){
        .net = classify(transfer, code),
        .status = (unsigned) status,
        .is_complete = transfer->step == TRANSFER_TOKEN || transfer->request.kind != WIRE_BLOB ||
                       transfer->delivered == transfer->request.size_bytes,
        .has_progress = transfer->delivered > transfer->delivered_before,
        .has_challenge = transfer->step == TRANSFER_MAIN && !transfer->location &&
                         (challenges_find(challenges, CHALLENGE_BEARER) || has_basic),
        .has_location = location != NULL && transfer->step == TRANSFER_MAIN,
        .has_other_site = transfer->site + 1 < transfer->sites->count && transfer->delivered == 0,
        .may_plain = site->endpoint->is_insecure && !transfer->is_plain && transfer->step == TRANSFER_MAIN,
        .attempts = transfer->attempts,
        .attempts_all = transfer->attempts_all,
        .redirects = transfer->redirects,
        /* What was refused may be what somebody else here has replaced since. */
        .logins = transfer->authorization_serial == site->authorization_serial ? transfer->logins : 0,
        .retry_after_usec = transfer->answer.retry_after_usec,
        .retry_usec = registries->retry_usec ? registries->retry_usec : REGISTRIES_RETRY_USEC,
        .retries = REGISTRIES_RETRIES,
    };
}

/* {"errors": [{"code": "…", "message": "…"}]}: the first one's words. */
static char *describe_body(const Transfer *transfer)
{
    _cleanup_json_ json_t *root = NULL;
    const char *code = NULL, *message = NULL;

    if (transfer->body.size == 0)
        return NULL;
    root = json_loadb(transfer->body.data, transfer->body.size, JSON_REJECT_DUPLICATES, NULL);
    if (!root || json_unpack(root, "{s:[{s?:s, s?:s}]}", "errors", "code", &code, "message", &message) < 0)
        return NULL;
    return text_format("%.100s%s%.300s", code ? code : "", code && message ? ": " : "", message ? message : "");
}

static int status_code(unsigned status)
{
    return status == 401 || status == 403 ? -EACCES : status == 404 ? -ENOENT : -EREMOTEIO;
}

static int say_status(Transfer *transfer, unsigned status)
{
    const Site *site = &transfer->sites->items[transfer->site];
    _cleanup_free_ char *words = describe_body(transfer);
    const char *who = transfer->step == TRANSFER_TOKEN ? "the token service of " : "";
    int r;

    if (status >= 200 && status < 300)
        return error_set(&transfer->error, -EBADMSG, "%s sends %llu bytes instead of %llu", site->endpoint->host,
                         (unsigned long long) transfer->delivered, (unsigned long long) transfer->request.size_bytes);
    r = error_set(&transfer->error, status_code(status), "%s%s answers %u%s%s%s", who, site->endpoint->host, status,
                  words ? " (" : "", words ? words : "", words ? ")" : "");
    if (status == 401 || status == 403)
        error_hint(&transfer->error, r, "%s%s%s",
                   credentials_are_set(&site->credentials) ? "the password that is known for "
                                                           : "a password may be needed; log in with: berthctl login ",
                   transfer->sites->reference.domain, credentials_are_set(&site->credentials) ? " is refused" : "");
    return r;
}

static int say_failure(Transfer *transfer, const Outcome *outcome, CURLcode code)
{
    const Site *site = &transfer->sites->items[transfer->site];
    const char *why = transfer->curl_error[0] ? transfer->curl_error : curl_easy_strerror(code);

    switch (outcome->net) {
    case NET_ANSWER:
        return say_status(transfer, outcome->status);
    case NET_OURS:
        return transfer->error.text ? transfer->failure
                                    : error_set(&transfer->error, transfer->failure, "giving on what %s sends: %s",
                                                site->endpoint->host, strerror(-transfer->failure));
    case NET_CERTIFICATE:
        return error_hint(&transfer->error,
                          error_set(&transfer->error, -EKEYREJECTED, "%s: %s", site->endpoint->host, why),
                          "put its authority into %s/certs.d/%s/ca.crt", registries_directory(), site->endpoint->host);
    case NET_TLS:
        return error_hint(&transfer->error, error_set(&transfer->error, -EPROTO, "%s: %s", site->endpoint->host, why),
                          "for a registry without TLS: --tls-verify=no, or Insecure=yes in [%s] of %s/registries.conf",
                          site->endpoint->host, registries_directory());
    default:
        return error_set(&transfer->error, code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EHOSTUNREACH, "%s: %s",
                         site->endpoint->host, why);
    }
}

static int begin_login(Transfer *transfer)
{
    Site *site = &transfer->sites->items[transfer->site];

    if (transfer->authorization_serial != site->authorization_serial)
        return 1;
    transfer->logins++;
    if (challenges_find(&transfer->answer.challenges, CHALLENGE_BEARER)) {
        transfer->step = TRANSFER_TOKEN;
        return 1;
    }
    if (transfer->logins > 1)
        return say_status(transfer, 401);
    free(site->authorization);
    site->authorization = token_basic(site);
    site->authorization_serial++;
    return site->authorization ? 1 : -ENOMEM;
}

/* From one origin to another is the server's choice, but not from TLS to none. */
static int follow(Transfer *transfer)
{
    const Site *site = &transfer->sites->items[transfer->site];
    char *location = NULL;

    (void) curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &location);
    if (!location ||
        (!text_after_prefix(location, "https://") && !(site->is_plain && text_after_prefix(location, "http://"))))
        return error_set(&transfer->error, -EPROTO, "%s redirects to where there is no TLS: '%.200s'",
                         site->endpoint->host, location ? location : "");
    free(transfer->location);
    transfer->location = strdup(location);
    transfer->redirects++;
    return transfer->location ? 1 : -ENOMEM;
}

static int advance(Transfer *transfer, NextStep step, uint64_t delay_usec)
{
    if (step != NEXT_RETRY)
        transfer->attempts = 0;
    /* What was redirected is asked for anew: such addresses are often good for minutes only. */
    if (step != NEXT_REDIRECT && step != NEXT_LOGIN && transfer->location) {
        free(TAKE_PTR(transfer->location));
        transfer->redirects = 0;
    }
    switch (step) {
    case NEXT_LOGIN:
        return begin_login(transfer);
    case NEXT_REDIRECT:
        return follow(transfer);
    case NEXT_PLAIN:
        transfer->sites->items[transfer->site].is_plain = true;
        return 1;
    case NEXT_SITE:
        transfer->site++;
        transfer->logins = transfer->redirects = 0;
        transfer->step = TRANSFER_MAIN;
        return 1;
    default:
        transfer->start_usec = transfer_now_usec() + MAX(delay_usec, UINT64_C(1));
        return 1;
    }
}

int transfer_judge(Transfer *transfer, CURLcode code)
{
    Outcome outcome;
    uint64_t delay_usec = 0;
    NextStep step;
    int r;

    fill_outcome(transfer, code, &outcome);
    if (outcome.has_progress)
        transfer->attempts = outcome.attempts = 1;
    /* It is no failure that a blob is not there yet. */
    if (transfer->step == TRANSFER_MAIN && transfer->request.kind == WIRE_UPLOAD && outcome.net == NET_ANSWER &&
        outcome.status == 404 && transfer->phase == UPLOAD_CHECK)
        return upload_advance(transfer, outcome.status);
    step = next_decide(&outcome, &delay_usec);
    if (step == NEXT_DONE && transfer->step == TRANSFER_TOKEN) {
        r = token_take(transfer);
        transfer->step = TRANSFER_MAIN;
        transfer->attempts = 0;
        return r < 0 ? r : 1;
    }
    if (step == NEXT_DONE)
        return transfer->request.kind == WIRE_UPLOAD ? upload_advance(transfer, outcome.status) : 0;
    /* An upload that broke begins anew. */
    if (step == NEXT_RETRY)
        transfer->phase = UPLOAD_CHECK;
    if (step == NEXT_FAIL && outcome.net == NET_ANSWER && upload_give_up_mount(transfer, outcome.status))
        return 1;
    if (step == NEXT_FAIL)
        return say_failure(transfer, &outcome, code);
    return advance(transfer, step, delay_usec);
}

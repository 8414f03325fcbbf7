/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "puller/http.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BODY_MAX_BYTES  (512U << 10)
#define SLOWEST_BYTES   256L /* a second, over the time without progress */
#define DOCUMENT_FACTOR 4U   /* of that time, for a document as a whole */

#define ACCEPT                                                                                                         \
    "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "                    \
    "application/vnd.docker.distribution.manifest.list.v2+json, "                                                      \
    "application/vnd.docker.distribution.manifest.v2+json"

void http_answer_done(Answer *answer)
{
    challenges_done(&answer->challenges);
    free(answer->content_range);
    free(answer->media_type);
    free(answer->location);
    *answer = (Answer){};
}

void http_answer_reset(Transfer *transfer)
{
    http_answer_done(&transfer->answer);
    buffer_done(&transfer->body);
    error_done(&transfer->error);
    transfer->curl_error[0] = 0;
}

static int keep_header(char **place, const char *value)
{
    free(*place);
    *place = strdup(value);
    return *place ? 0 : -ENOMEM;
}

static int take_header(Transfer *transfer, const char *name, char *value)
{
    Answer *answer = &transfer->answer;

    if (strcasecmp(name, "WWW-Authenticate") == 0) {
        answer->is_malformed |= challenges_add(&answer->challenges, value) < 0;
        return 0;
    }
    if (strcasecmp(name, "Content-Range") == 0)
        return keep_header(&answer->content_range, value);
    if (strcasecmp(name, "Location") == 0)
        return keep_header(&answer->location, value);
    if (strcasecmp(name, "Content-Type") == 0) {
        value[strcspn(value, "; \t")] = 0;
        return keep_header(&answer->media_type, value);
    }
    if (strcasecmp(name, "Retry-After") == 0)
        answer->retry_after_usec = next_parse_retry_after(value);
    return 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *userdata)
{
    Transfer *transfer = userdata;
    _cleanup_free_ char *line = strndup(data, size * count);
    char *colon, *value;

    if (!line)
        return 0;
    /* What came before (100 Continue) does not count. */
    if (text_after_prefix(line, "HTTP/"))
        http_answer_done(&transfer->answer);
    line[strcspn(line, "\r\n")] = 0;
    colon = strchr(line, ':');
    if (colon && strlen(line) <= CHALLENGE_HEADER_MAX) {
        *colon = 0;
        value = colon + 1 + strspn(colon + 1, " \t");
        if (take_header(transfer, line, value) < 0)
            return 0;
    }
    return size * count;
}

static int fail(Transfer *transfer, int code)
{
    transfer->failure = code;
    return code;
}

/* Before the first byte of an answer that is delivered: whether it goes on where the last one broke. */
static int judge_begin(Transfer *transfer, long status)
{
    const Site *site = &transfer->sites->items[transfer->site];

    transfer->is_judged = true;
    if (status == 200)
        transfer->skip = transfer->delivered;
    else if (status != 206 || transfer->delivered == 0 ||
             !next_continues(transfer->answer.content_range, transfer->delivered, transfer->request.size_bytes))
        return fail(transfer, error_set(&transfer->error, -EPROTO, "%s sends another part than was asked for",
                                        site->endpoint->host));
    return 0;
}

static int check_room(Transfer *transfer, size_t size)
{
    const WireRequest *request = &transfer->request;
    const char *host = transfer->sites->items[transfer->site].endpoint->host;

    if (transfer->delivered + size <= request->size_bytes)
        return 0;
    return fail(transfer, request->kind == WIRE_BLOB
                              ? error_set(&transfer->error, -EBADMSG, "%s sends more than the %llu bytes of %.19s",
                                          host, (unsigned long long) request->size_bytes, request->reference)
                              : error_set(&transfer->error, -EFBIG, "%s sends a manifest of more than %llu bytes", host,
                                          (unsigned long long) request->size_bytes));
}

/* As much as the reader takes; the rest comes again after a pause. */
static size_t deliver(Transfer *transfer, const char *data, size_t size)
{
    size_t at = transfer->chunk_done;

    if (check_room(transfer, size - MIN(at, size)) < 0)
        return CURL_WRITEFUNC_ERROR;
    while (at < size) {
        ssize_t n = write(transfer->fd, data + at, size - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            transfer->chunk_done = at;
            transfer->is_paused = true;
            return CURL_WRITEFUNC_PAUSE;
        }
        if (n < 0) {
            fail(transfer, -errno);
            return CURL_WRITEFUNC_ERROR;
        }
        at += (size_t) n;
        transfer->delivered += (uint64_t) n;
    }
    transfer->chunk_done = 0;
    return size;
}

static size_t on_body(char *data, size_t item, size_t count, void *userdata)
{
    Transfer *transfer = userdata;
    size_t size = item * count, skipped = 0;
    long status = 0;

    (void) curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->step == TRANSFER_TOKEN || status < 200 || status > 299 || transfer->fd < 0 ||
        (transfer->request.kind != WIRE_BLOB && transfer->request.kind != WIRE_MANIFEST)) {
        if (transfer->body.size + size > BODY_MAX_BYTES) {
            fail(transfer, error_set(&transfer->error, -EFBIG, "%s sends an answer of more than %u bytes",
                                     transfer->sites->items[transfer->site].endpoint->host, BODY_MAX_BYTES));
            return CURL_WRITEFUNC_ERROR;
        }
        buffer_append(&transfer->body, data, size);
        return size;
    }
    if (!transfer->is_judged && judge_begin(transfer, status) < 0)
        return CURL_WRITEFUNC_ERROR;
    if (transfer->skip > 0) {
        skipped = (size_t) MIN(transfer->skip, (uint64_t) size);
        transfer->skip -= skipped;
        if (skipped == size)
            return size;
        /* Rare enough not to keep half chunks for: deliver() counts from the chunk's begin. */
        transfer->chunk_done = skipped;
    }
    return deliver(transfer, data, size);
}

/* Addresses that only the host itself or a cloud's metadata service has: no registry is there (CVE-2026-48978's kin). */
static bool is_link_local(const struct sockaddr *address)
{
    const struct in_addr *v4 = &((const struct sockaddr_in *) (const void *) address)->sin_addr;
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *) (const void *) address)->sin6_addr;
    uint32_t number = 0;

    if (address->sa_family == AF_INET)
        number = ntohl(v4->s_addr);
    else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(v6)) {
        memcpy(&number, v6->s6_addr + 12, sizeof(number));
        number = ntohl(number);
    } else if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LINKLOCAL(v6);
    return number >> 16 == 0xa9fe;
}

static curl_socket_t on_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void) userdata;
    (void) purpose;
    if (is_link_local(&address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool append(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = line ? curl_slist_append(*headers, line) : NULL;

    if (longer)
        *headers = longer;
    return longer != NULL;
}

static size_t on_read(char *data, size_t item, size_t count, void *userdata)
{
    Transfer *transfer = userdata;
    ssize_t n = read(transfer->fd, data, item * count);

    if (n < 0) {
        fail(transfer, -errno);
        return CURL_READFUNC_ABORT;
    }
    transfer->sent_bytes += (uint64_t) n;
    return (size_t) n;
}

/* What is sent, and how. */
static bool set_method(Transfer *transfer)
{
    CURL *easy = transfer->easy;
    _cleanup_free_ char *type =
        text_format("Content-Type: %s", transfer->request.kind == WIRE_PUT && transfer->request.media_type
                                            ? transfer->request.media_type
                                            : "application/octet-stream");

    if (transfer->step == TRANSFER_TOKEN || !upload_is_writing(transfer))
        return transfer->step == TRANSFER_TOKEN || transfer->request.kind != WIRE_UPLOAD ||
               (transfer->phase == UPLOAD_CHECK ? curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK
                                                : curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, "") == CURLE_OK);
    transfer->sent_bytes = 0;
    /* Without "Expect: 100-continue": not every server answers that. */
    return lseek(transfer->fd, 0, SEEK_SET) == 0 && append(&transfer->headers, type) &&
           append(&transfer->headers, "Expect:") && curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_READDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) transfer->request.size_bytes) == CURLE_OK;
}

static bool set_headers(Transfer *transfer, const char *authorization)
{
    _cleanup_free_ char *line = authorization ? text_format("Authorization: %s", authorization) : NULL;
    bool is_good;

    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    is_good = append(&transfer->headers, transfer->request.kind == WIRE_MANIFEST ? ACCEPT : "Accept: */*") &&
              (!authorization || append(&transfer->headers, line)) && set_method(transfer);
    if (line)
        explicit_bzero(line, strlen(line));
    return is_good && curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
}

static bool set_tls(CURL *easy, const Site *site)
{
    const struct {
        CURLoption option;
        const Blob *blob;
    } blobs[] = {{CURLOPT_CAINFO_BLOB, &site->authorities},
                 {CURLOPT_SSLCERT_BLOB, &site->certificate},
                 {CURLOPT_SSLKEY_BLOB, &site->key}};
    bool is_verified = !site->endpoint->is_insecure;
    bool is_good = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, is_verified ? 1L : 0L) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, is_verified ? 2L : 0L) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) == CURLE_OK;

    for (size_t i = 0; is_good && i < ELEMENTSOF(blobs); i++) {
        struct curl_blob blob = {blobs[i].blob->data, blobs[i].blob->size, CURL_BLOB_NOCOPY};

        if (blobs[i].blob->data)
            is_good = curl_easy_setopt(easy, blobs[i].option, &blob) == CURLE_OK;
    }
    return is_good;
}

static bool set_times(CURL *easy, uint64_t timeout_usec, bool is_document)
{
    long timeout_msec = (long) MAX(timeout_usec / 1000U, UINT64_C(1));

    return curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_msec) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, SLOWEST_BYTES) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, MAX(timeout_msec / 1000, 1L)) == CURLE_OK &&
           (!is_document ||
            curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) DOCUMENT_FACTOR * timeout_msec) == CURLE_OK);
}

static bool set_callbacks(Transfer *transfer)
{
    CURL *easy = transfer->easy;

    return curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket) == CURLE_OK;
}

static bool set_protocol(CURL *easy, const char *url, const char *form, bool is_plain)
{
    return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, is_plain ? "http,https" : "https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "berth/" BERTH_VERSION) == CURLE_OK &&
           /* One connection a transfer: a paused one must not hold up others. */
           curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           (!form || curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, form) == CURLE_OK);
}

int http_set_up(Transfer *transfer, const char *url, const char *form, const char *authorization, bool is_document)
{
    const Site *site = &transfer->sites->items[transfer->site];
    uint64_t timeout_usec = transfer->sites->registries.timeout_usec;
    char range[32];
    bool is_good;

    curl_easy_reset(transfer->easy);
    is_good = set_protocol(transfer->easy, url, form, site->is_plain) && set_callbacks(transfer) &&
              set_times(transfer->easy, timeout_usec ? timeout_usec : REGISTRIES_TIMEOUT_USEC, is_document) &&
              set_headers(transfer, authorization);
    if (is_good && http_is_at(url, site))
        is_good = set_tls(transfer->easy, site);
    if (is_good && transfer->step == TRANSFER_MAIN && transfer->delivered > 0) {
        snprintf(range, sizeof(range), "%llu-", (unsigned long long) transfer->delivered);
        is_good = curl_easy_setopt(transfer->easy, CURLOPT_RANGE, range) == CURLE_OK;
    }
    /* Without one of these it would be another request than was meant. */
    return is_good ? 0 : error_set(&transfer->error, -EIO, "libcurl refuses an option for %s", site->endpoint->host);
}

static bool get_part(CURLU *url, CURLUPart part, char **ret)
{
    return curl_url_get(url, part, ret, CURLU_DEFAULT_PORT) == CURLUE_OK;
}

bool http_is_at(const char *url, const Site *site)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    _cleanup_free_ char *origin = site_origin(site);
    CURLU *a = curl_url(), *b = curl_url();
    bool is_same = origin && a && b && curl_url_set(a, CURLUPART_URL, url ? url : origin, 0) == CURLUE_OK &&
                   curl_url_set(b, CURLUPART_URL, origin, 0) == CURLUE_OK;

    for (size_t i = 0; is_same && i < ELEMENTSOF(parts); i++) {
        char *left = NULL, *right = NULL;

        is_same = get_part(a, parts[i], &left) && get_part(b, parts[i], &right) && strcasecmp(left, right) == 0;
        curl_free(left);
        curl_free(right);
    }
    curl_url_cleanup(a);
    curl_url_cleanup(b);
    return is_same;
}

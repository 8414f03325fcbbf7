/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Token services (distribution specification, "token authentication"; RFC 6750): the registry names one, it gives a token for
 * a password, a refresh token, or for nothing. */
#include "puller/transfer.h"

#include "base/strv.h"
#include "base/text.h"
#include "store/json-read.h"

#include <errno.h>
#include <string.h>

#define TOKEN_MAX_BYTES (256U << 10)
#define SCOPES_MAX      16U

char *token_basic(const Site *site)
{
    const Credentials *credentials = &site->credentials;
    _cleanup_credentials_ Credentials work = {};

    if (!credentials->user || !credentials->password)
        return NULL;
    work.password = text_format("%s:%s", credentials->user, credentials->password);
    work.identity_token = work.password ? base64_encode(work.password, strlen(work.password)) : NULL;
    return work.identity_token ? text_format("Basic %s", work.identity_token) : NULL;
}

static int check_realm(Transfer *transfer, const Site *site, const char *realm)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    _cleanup_free_ char *whole = NULL;
    int r = 0;

    if (!url || curl_url_set(url, CURLUPART_URL, realm, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        r = error_set(&transfer->error, -EPROTO, "%s names a token service that is no URL: '%.200s'",
                      site->endpoint->host, realm);
    (void) curl_url_get(url, CURLUPART_PORT, &port, 0);
    whole = host ? text_format("%s%s%s", host, port ? ":" : "", port ? port : "") : NULL;
    if (r == 0 && !whole)
        r = -ENOMEM;
    if (r == 0 && strcmp(scheme, "https") != 0 && !(strcmp(scheme, "http") == 0 && site->is_plain))
        r = error_hint(&transfer->error,
                       error_set(&transfer->error, -EPROTO, "%s names a token service without TLS: '%.200s'",
                                 site->endpoint->host, realm),
                       "it is not asked: whoever listens could read the token");
    if (r == 0 && credentials_are_set(&site->credentials) &&
        !site_may_tell(site, transfer->sites->reference.domain, whole))
        r = error_hint(&transfer->error,
                       error_set(&transfer->error, -EPERM, "%s wants its password to be sent to another host, %s",
                                 site->endpoint->host, whole),
                       "if that is right, say Realm=%s in its section of registries.conf", whole);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
    return r;
}

/* All that this transfer needs, beside what others here have asked for: one token must do for all of them. */
static int add_scopes(Site *site, const Transfer *transfer)
{
    const WireRequest *request = &transfer->request;
    bool is_writing = request->kind == WIRE_UPLOAD || request->kind == WIRE_PUT;
    _cleanup_free_ char *own = text_format("repository:%s:%s", site->repository, is_writing ? "pull,push" : "pull"),
                        *other = NULL;
    int r = own ? 0 : -ENOMEM;

    if (request->kind == WIRE_PING)
        return 0;
    if (r == 0 && !strv_contains(site->scopes, own))
        r = strv_append(&site->scopes, own);
    if (r < 0 || request->kind != WIRE_UPLOAD || !request->media_type)
        return r;
    other = text_format("repository:%s%s:pull", site->endpoint->prefix, request->media_type);
    if (!other)
        return -ENOMEM;
    return strv_contains(site->scopes, other) ? 0 : strv_append(&site->scopes, other);
}

bool token_has_room(const Site *site)
{
    return strv_length(site->scopes) < SCOPES_MAX;
}

static int append_parameter(Buffer *query, CURL *easy, const char *name, const char *value)
{
    char *escaped = curl_easy_escape(easy, value, 0);

    if (!escaped)
        return -ENOMEM;
    buffer_append_format(query, "%s%s=%s", query->size > 0 ? "&" : "", name, escaped);
    curl_free(escaped);
    return query->failed;
}

/* "service=…&scope=…&scope=…", or a form with the refresh token, where one parameter has all scopes (RFC 6749, 3.3). */
static char *make_query(const Transfer *transfer, const Challenge *challenge)
{
    const Site *site = &transfer->sites->items[transfer->site];
    const char *refresh = site->credentials.identity_token;
    _cleanup_free_ char *all = refresh ? strv_join(site->scopes, " ") : NULL;
    _cleanup_buffer_ Buffer query = {};
    int r = append_parameter(&query, transfer->easy, "service", challenge->service ? challenge->service : "");

    if (r == 0 && refresh) {
        buffer_append_string(&query, "&grant_type=refresh_token&client_id=berth");
        r = all ? append_parameter(&query, transfer->easy, "scope", all) : -ENOMEM;
        if (r == 0)
            r = append_parameter(&query, transfer->easy, "refresh_token", refresh);
    } else
        STRV_FOREACH (scope, site->scopes)
            if (r == 0)
                r = append_parameter(&query, transfer->easy, "scope", *scope);
    return r < 0 ? NULL : buffer_take(&query);
}

int token_prepare(Transfer *transfer, const Challenge *challenge, char **ret_url, char **ret_form)
{
    Site *site = &transfer->sites->items[transfer->site];
    _cleanup_free_ char *query = NULL, *url = NULL;
    int r;

    if (text_is_empty(challenge->realm))
        return error_set(&transfer->error, -EPROTO, "%s names no token service", site->endpoint->host);
    r = check_realm(transfer, site, challenge->realm);
    if (r == 0)
        r = add_scopes(site, transfer);
    if (r < 0)
        return r;
    transfer->scopes = strv_length(site->scopes);
    query = make_query(transfer, challenge);
    if (!query)
        return -ENOMEM;
    if (site->credentials.identity_token) {
        url = strdup(challenge->realm);
        *ret_form = TAKE_PTR(query);
    } else
        url = text_format("%s%c%s", challenge->realm, strchr(challenge->realm, '?') ? '&' : '?', query);
    *ret_url = TAKE_PTR(url);
    return *ret_url ? 0 : -ENOMEM;
}

/* It becomes a header's value. */
static bool is_token(const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return length > 0 && length <= TOKEN_MAX_BYTES;
}

int token_take(Transfer *transfer)
{
    Site *site = &transfer->sites->items[transfer->site];
    _cleanup_json_ json_t *root = NULL;
    _cleanup_free_ char *token = NULL;
    _cleanup_error_ Error problem = {};
    int r = json_read_object(transfer->body.data ? transfer->body.data : "", transfer->body.size, TOKEN_MAX_BYTES,
                             &root, &problem);

    if (r == 0)
        r = json_read_string(root, "", "token", &token, &problem);
    if (r == 0 && !token)
        r = json_read_string(root, "", "access_token", &token, &problem);
    if (r == 0 && (!token || !is_token(token)))
        r = error_set(&problem, -EPROTO, "there is no usable token in it");
    if (r < 0)
        return error_set(&transfer->error, -EPROTO, "the answer of the token service of %s: %s", site->endpoint->host,
                         problem.text ? problem.text : strerror(-r));
    /* Of two that were asked for at the same time, that which is good for more. */
    if (site->authorization && transfer->scopes < site->scopes_granted)
        return 0;
    free(site->authorization);
    site->authorization = text_format("Bearer %s", token);
    site->authorization_serial++;
    site->scopes_granted = transfer->scopes;
    return site->authorization ? 0 : -ENOMEM;
}

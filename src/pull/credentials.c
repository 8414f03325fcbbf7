/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pull/credentials.h"

#include "base/text.h"
#include "store/json-read.h"
#include "store/reference.h"

#include <errno.h>
#include <string.h>

#define FILE_MAX_BYTES (1U << 20)

static void forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void credentials_done(Credentials *credentials)
{
    free(credentials->user);
    forget(credentials->password);
    forget(credentials->identity_token);
    *credentials = (Credentials){};
}

/* --- base64 (RFC 4648, 4) --- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    char *text = malloc((size + 2) / 3 * 4 + 1), *to = text;

    for (size_t i = 0; text && i < size; i += 3) {
        unsigned b = i + 1 < size ? bytes[i + 1] : 0, c = i + 2 < size ? bytes[i + 2] : 0;

        *to++ = alphabet[bytes[i] >> 2];
        *to++ = alphabet[(bytes[i] & 3) << 4 | b >> 4];
        *to++ = i + 1 < size ? alphabet[(b & 15) << 2 | c >> 6] : '=';
        *to++ = i + 2 < size ? alphabet[c & 63] : '=';
    }
    if (text)
        *to = 0;
    return text;
}

int base64_decode(const char *text, char **ret, size_t *ret_size)
{
    size_t length = strspn(text, alphabet), n = 0;
    unsigned bits = 0, value = 0;
    char *data;

    /* Some writers leave the padding out. */
    if (strspn(text + length, "=") != strlen(text + length) || strlen(text + length) > 2 || length % 4 == 1)
        return -EINVAL;
    data = malloc(length + 1);
    if (!data)
        return -ENOMEM;
    for (size_t i = 0; i < length; i++) {
        value = (value << 6 | (unsigned) (strchr(alphabet, text[i]) - alphabet)) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            data[n++] = (char) (value >> bits & 0xff);
        }
    }
    data[n] = 0;
    *ret = data;
    *ret_size = n;
    return 0;
}

/* --- reading --- */

/* Docker writes "https://HOST/v1/", podman "HOST" or "HOST/PATH": the second form of both, with the host's one spelling. */
static char *normalise_key(const char *key)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *plain = NULL, *whole = NULL;
    const char *rest = text_after_prefix(key, "https://");
    char *slash;

    if (!rest)
        rest = text_after_prefix(key, "http://");
    plain = strdup(rest ? rest : key);
    if (!plain)
        return NULL;
    slash = strchr(plain, '/');
    if (slash && (strcmp(slash, "/v1/") == 0 || strcmp(slash, "/v2/") == 0 || strcmp(slash, "/v1") == 0 || !slash[1]))
        *slash = 0;
    if (strchr(plain, '/'))
        return TAKE_PTR(plain);
    whole = text_format("%s/a/b", plain);
    if (whole && reference_parse(whole, &reference, NULL) == 0 && reference.domain)
        return TAKE_PTR(reference.domain);
    return TAKE_PTR(plain);
}

/* How many characters of "HOST/REPOSITORY" a key stands for; 0: it is another's. */
static size_t match_key(const char *key, const char *full)
{
    _cleanup_free_ char *normal = normalise_key(key);
    const char *rest = normal ? text_after_prefix(full, normal) : NULL;

    return rest && (*rest == 0 || *rest == '/') ? strlen(normal) : 0;
}

static int split_auth(const char *auth, Credentials *credentials, Error *error)
{
    _cleanup_credentials_ Credentials decoded = {};
    size_t size = 0;
    char *colon;

    if (base64_decode(auth, &decoded.password, &size) < 0 || strlen(decoded.password) != size)
        return error_set(error, -EINVAL, "auth is not base64 of USER:PASSWORD");
    colon = strchr(decoded.password, ':');
    if (!colon)
        return error_set(error, -EINVAL, "auth is not base64 of USER:PASSWORD");
    *colon = 0;
    credentials->user = strdup(decoded.password);
    credentials->password = strdup(colon + 1);
    *colon = ':';
    return credentials->user && credentials->password ? 0 : -ENOMEM;
}

static int read_entry(const json_t *entry, const char *key, Credentials *ret, Error *error)
{
    _cleanup_credentials_ Credentials found = {};
    char *auth = NULL;
    int r = json_is_object(entry) ? json_read_string(entry, key, "auth", &auth, error)
                                  : error_set(error, -EINVAL, "auths.%s is not an object", key);

    if (r == 0)
        r = json_read_string(entry, key, "identitytoken", &found.identity_token, error);
    if (r == 0 && text_is_empty(found.identity_token))
        forget(TAKE_PTR(found.identity_token));
    if (r == 0 && !text_is_empty(auth))
        r = split_auth(auth, &found, error);
    forget(auth);
    if (r < 0)
        return r;
    *ret = found;
    found = (Credentials){};
    return 0;
}

static int find_entry(const json_t *auths, const char *full, Credentials *ret, Error *error)
{
    const json_t *value, *best = NULL;
    const char *key, *best_key = NULL;
    size_t best_length = 0;

    json_object_foreach((json_t *) auths, key, value)
    {
        size_t length = match_key(key, full);

        if (length > best_length) {
            best = value;
            best_key = key;
            best_length = length;
        }
    }
    return best ? read_entry(best, best_key, ret, error) : 0;
}

static int find_helper(const json_t *root, const char *host, char **ret, Error *error)
{
    const json_t *helpers = NULL, *value;
    const char *key;
    int r = json_read_member(root, "", "credHelpers", JSON_OBJECT, &helpers, error);

    if (r == 0 && helpers)
        json_object_foreach((json_t *) helpers, key, value) if (match_key(key, host) && json_is_string(value))
        {
            *ret = strdup(json_string_value(value));
            return *ret ? 0 : -ENOMEM;
        }
    return r;
}

/* The helper for all hosts that have none of their own. */
static int find_store(const json_t *root, char **helper, Error *error)
{
    int r = *helper ? 0 : json_read_string(root, "", "credsStore", helper, error);

    if (r == 0 && *helper && text_is_empty(*helper))
        free(TAKE_PTR(*helper));
    return r;
}

static int check_helper(const char *helper, Error *error)
{
    return helper && !text_is_name(helper)
               ? error_set(error, -EINVAL, "'%s' is not the name of a credential helper", helper)
               : 0;
}

int credentials_find(const char *json, size_t size, const char *host, const char *repository, Credentials *ret,
                     char **ret_helper, Error *error)
{
    _cleanup_json_ json_t *root = NULL;
    _cleanup_credentials_ Credentials found = {};
    _cleanup_free_ char *full = text_format("%s/%s", host, repository), *helper = NULL;
    const json_t *auths = NULL;
    int r = full ? json_read_object(json, size, FILE_MAX_BYTES, &root, error) : -ENOMEM;

    if (r == 0)
        r = find_helper(root, host, &helper, error);
    if (r == 0)
        r = json_read_member(root, "", "auths", JSON_OBJECT, &auths, error);
    if (r == 0 && !helper && auths)
        r = find_entry(auths, full, &found, error);
    if (r == 0 && !helper && !credentials_are_set(&found))
        r = find_store(root, &helper, error);
    if (r == 0)
        r = check_helper(helper, error);
    if (r < 0)
        return r;
    *ret = found;
    found = (Credentials){};
    *ret_helper = TAKE_PTR(helper);
    return 0;
}

int credentials_find_helper(const char *json, size_t size, const char *host, char **ret, Error *error)
{
    _cleanup_json_ json_t *root = NULL;
    _cleanup_free_ char *helper = NULL;
    int r = json_read_object(json, size, FILE_MAX_BYTES, &root, error);

    if (r == 0)
        r = find_helper(root, host, &helper, error);
    if (r == 0)
        r = find_store(root, &helper, error);
    if (r == 0)
        r = check_helper(helper, error);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(helper);
    return 0;
}

char *credentials_format_helper(const char *host, const Credentials *credentials)
{
    _cleanup_json_ json_t *root =
        json_pack("{s:s, s:s, s:s}", "ServerURL", host, "Username", credentials->user ? credentials->user : "<token>",
                  "Secret", credentials->user ? credentials->password : credentials->identity_token);

    return root ? json_dumps(root, JSON_COMPACT) : NULL;
}

int credentials_parse_helper(const char *json, size_t size, Credentials *ret, Error *error)
{
    _cleanup_json_ json_t *root = NULL;
    _cleanup_credentials_ Credentials found = {};
    int r = json_read_object(json, size, FILE_MAX_BYTES, &root, error);

    if (r == 0)
        r = json_read_string(root, "", "Username", &found.user, error);
    if (r == 0)
        r = json_read_string(root, "", "Secret", &found.password, error);
    if (r == 0 && (!found.user || !found.password))
        r = error_set(error, -EINVAL, "Username or Secret is missing");
    if (r < 0)
        return r;
    if (strcmp(found.user, "<token>") == 0) {
        free(TAKE_PTR(found.user));
        found.identity_token = TAKE_PTR(found.password);
    }
    *ret = found;
    found = (Credentials){};
    return 0;
}

/* --- writing --- */

static json_t *pack_entry(const Credentials *credentials)
{
    _cleanup_credentials_ Credentials text = {};
    json_t *entry = json_object();

    text.identity_token = text_format("%s:%s", credentials->user ? credentials->user : "",
                                      credentials->password ? credentials->password : "");
    if (text.identity_token)
        text.password = base64_encode(text.identity_token, strlen(text.identity_token));
    if (!text.password || json_object_set_new(entry, "auth", json_string(text.password)) < 0)
        return NULL;
    if (credentials->identity_token)
        (void) json_object_set_new(entry, "identitytoken", json_string(credentials->identity_token));
    return entry;
}

/* Every spelling of the host goes. */
static bool remove_entries(json_t *auths, const char *host)
{
    bool is_removed = false;
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(auths, next, key, value) if (match_key(key, host) == strlen(host))
    {
        (void) json_object_del(auths, key);
        is_removed = true;
    }
    return is_removed;
}

int credentials_edit(const char *json, size_t size, const char *host, const Credentials *credentials, char **ret,
                     Error *error)
{
    _cleanup_json_ json_t *root = NULL;
    json_t *auths;
    bool is_removed;
    char *text, *whole;
    int r = json ? json_read_object(json, size, FILE_MAX_BYTES, &root, error) : 0;

    if (r < 0)
        return r;
    if (!root)
        root = json_object();
    if (!json_object_get(root, "auths"))
        (void) json_object_set_new(root, "auths", json_object());
    auths = json_object_get(root, "auths");
    if (!json_is_object(auths))
        return auths ? error_set(error, -EINVAL, "auths is not an object") : -ENOMEM;
    is_removed = remove_entries(auths, host);
    if (credentials && json_object_set_new(auths, host, pack_entry(credentials)) < 0)
        return -ENOMEM;
    text = json_dumps(root, JSON_INDENT(8) | JSON_PRESERVE_ORDER);
    whole = text ? text_format("%s\n", text) : NULL;
    forget(text);
    if (!whole)
        return -ENOMEM;
    *ret = whole;
    return !credentials && !is_removed;
}

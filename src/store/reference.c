/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/reference.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define UPPER   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"
#define TAG_MAX 128U

void reference_done(Reference *reference)
{
    free(reference->domain);
    free(reference->repository);
    free(reference->tag);
    *reference = (Reference){};
}

/* One path component: runs of lower-case letters and digits, joined by one dot, one or two underscores or any
 * number of hyphens. */
static bool is_component(const char *text, size_t length)
{
    size_t i = 0;

    for (;;) {
        size_t run = strspn(text + i, LOWER DIGITS), separator;

        run = MIN(run, length - i);
        if (run == 0)
            return false;
        i += run;
        if (i == length)
            return true;
        if (text[i] == '.')
            separator = 1;
        else if (text[i] == '_')
            separator = i + 1 < length && text[i + 1] == '_' ? 2 : 1;
        else
            separator = strspn(text + i, "-");
        if (separator == 0 || separator >= length - i)
            return false;
        i += separator;
    }
}

static bool is_repository(const char *text)
{
    for (;;) {
        size_t length = strcspn(text, "/");

        if (!is_component(text, length))
            return false;
        if (text[length] == 0)
            return true;
        text += length + 1;
    }
}

static bool is_tag(const char *text)
{
    size_t length = strspn(text, LOWER UPPER DIGITS "_.-");

    return length > 0 && length <= TAG_MAX && text[length] == 0 && text[0] != '.' && text[0] != '-';
}

static bool is_port(const char *text)
{
    uint64_t port;

    return text_parse_u64(text, 65535, &port) == 0 && port > 0;
}

/* A host name, an IPv4 address or an IPv6 address in brackets, and a port. */
static bool is_domain(const char *text)
{
    _cleanup_free_ char *host = NULL;
    const char *end;

    if (text[0] == '[') {
        end = text + 1 + strspn(text + 1, "0123456789abcdefABCDEF:");
        if (end == text + 1 || *end != ']')
            return false;
        end++;
        return *end == 0 || (*end == ':' && is_port(end + 1));
    }
    end = text + strcspn(text, ":");
    if (*end == ':' && !is_port(end + 1))
        return false;
    host = strndup(text, (size_t) (end - text));
    return host && text_is_hostname(host);
}

/* Whether the part before the first slash is a domain: the rule by which Docker tells "host/name" from
 * "name/name". */
static bool looks_like_domain(const char *text, size_t length)
{
    if (length == strlen("localhost") && strncmp(text, "localhost", length) == 0)
        return true;
    for (size_t i = 0; i < length; i++)
        if (text[i] == '.' || text[i] == ':' || strchr(UPPER, text[i]))
            return true;
    return false;
}

/* Cuts "@DIGEST" and ":TAG" off `rest`. */
static int split_suffixes(char *rest, Reference *reference, Error *error)
{
    char *at = strchr(rest, '@'), *slash, *colon;
    int r;

    if (at) {
        *at = 0;
        r = digest_parse(at + 1, &reference->digest);
        if (r == -EPROTONOSUPPORT)
            return error_set(error, -EINVAL, "the digest '%s' is not a sha256 one, others are not supported", at + 1);
        if (r < 0)
            return error_set(error, r, "'%s' is not a digest (sha256: and 64 hexadecimal digits)", at + 1);
    }
    slash = strrchr(rest, '/');
    colon = strrchr(slash ? slash : rest, ':');
    if (!colon)
        return 0;
    *colon = 0;
    if (!is_tag(colon + 1))
        return error_set(error, -EINVAL, "'%s' is not a tag (letters, digits, '_', '.', '-', at most %u characters)",
                         colon + 1, TAG_MAX);
    reference->tag = strdup(colon + 1);
    return reference->tag ? 0 : -ENOMEM;
}

/* Splits what is left into domain and repository. */
static int split_domain(const char *rest, Reference *reference, Error *error)
{
    const char *slash = strchr(rest, '/'), *repository = rest;

    if (slash && looks_like_domain(rest, (size_t) (slash - rest))) {
        reference->domain = strndup(rest, (size_t) (slash - rest));
        if (!reference->domain)
            return -ENOMEM;
        if (!is_domain(reference->domain))
            return error_set(error, -EINVAL, "'%s' is not a registry's host name", reference->domain);
        repository = slash + 1;
    }
    if (!is_repository(repository))
        return error_set(error, -EINVAL,
                         "'%s' is not an image name (lower-case letters and digits, joined by '.', '_', '-' or '/')",
                         repository);
    reference->repository = strdup(repository);
    return reference->repository ? 0 : -ENOMEM;
}

int reference_parse(const char *text, Reference *ret, Error *error)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *rest = NULL, *name = NULL;
    int r;

    if (text_is_empty(text))
        return error_set(error, -EINVAL, "an empty image name");
    if (strlen(text) > 2 * REFERENCE_MAX)
        return error_set(error, -EINVAL, "the image name is longer than %d characters", REFERENCE_MAX);
    rest = strdup(text);
    if (!rest)
        return -ENOMEM;
    r = split_suffixes(rest, &reference, error);
    if (r == 0)
        r = split_domain(rest, &reference, error);
    if (r < 0)
        return r;
    name = reference_format_name(&reference);
    if (!name)
        return -ENOMEM;
    if (strlen(name) > REFERENCE_MAX)
        return error_set(error, -EINVAL, "the image name is longer than %d characters", REFERENCE_MAX);
    *ret = reference;
    reference = (Reference){};
    return 0;
}

char *reference_format_name(const Reference *reference)
{
    return text_format("%s%s%s:%s", reference->domain ? reference->domain : "", reference->domain ? "/" : "",
                       reference->repository, reference->tag ? reference->tag : REFERENCE_DEFAULT_TAG);
}

char *reference_format_pinned(const char *name, const Digest *digest)
{
    const char *colon = strrchr(name, ':');

    return text_format("%.*s:sha256-%s", colon ? (int) (colon - name) : (int) strlen(name), name, digest->hex);
}

int reference_list_candidates(const Reference *reference, char ***ret)
{
    _cleanup_strv_ char **list = NULL;
    const char *tag = reference->tag ? reference->tag : REFERENCE_DEFAULT_TAG;
    int r = strv_push(&list, reference_format_name(reference));

    if (r == 0 && !reference->domain)
        r = strv_append_format(&list, "localhost/%s:%s", reference->repository, tag);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(list);
    return 0;
}

char *reference_to_file_name(const char *name)
{
    char *file_name = strdup(name);

    for (char *c = file_name; c && *c; c++)
        if (*c == '/')
            *c = '+';
    return file_name;
}

int reference_from_file_name(const char *file_name, char **ret)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *name = strdup(file_name), *formatted = NULL;
    int r;

    if (!name)
        return -ENOMEM;
    for (char *c = name; *c; c++)
        if (*c == '+')
            *c = '/';
    r = reference_parse(name, &reference, NULL);
    if (r < 0)
        return r;
    formatted = reference_format_name(&reference);
    if (!formatted)
        return -ENOMEM;
    if (digest_is_set(&reference.digest) || strcmp(formatted, name) != 0)
        return -EINVAL;
    *ret = TAKE_PTR(name);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pull/registries.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/ini.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FILE_MAX_BYTES (1U << 20)
#define FILE_NAME      "registries.conf"
#define GENERAL        "Registries"
#define LIST_MAX       64U
#define SPAN_MAX_USEC  UINT64_C(3600000000)

void registries_done(Registries *registries)
{
    for (size_t i = 0; i < registries->count; i++) {
        free(registries->items[i].host);
        free(registries->items[i].location);
        strv_free(registries->items[i].mirrors);
        strv_free(registries->items[i].realms);
    }
    free(registries->items);
    strv_free(registries->search);
    *registries = (Registries){};
}

/* HOST[:PORT][/PREFIX] is the beginning of a reference, and judged as one. */
static int check_location(const char *value, Error *error)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_free_ char *whole = text_format("%s/x", value);
    int r = whole ? reference_parse(whole, &reference, error) : -ENOMEM;

    if (r == 0 && !reference.domain)
        return error_set(error, -EINVAL, "'%s' is not a registry's host name (HOST[:PORT][/PATH], or localhost)",
                         value);
    return r;
}

static int set_locations(void *field, const char *value, Error *error)
{
    char ***list = field;
    _cleanup_strv_ char **words = NULL;
    int r = text_split_words(value, &words);

    if (r < 0)
        return error_set(error, r, "'%s' has an open quote", value);
    STRV_FOREACH (word, words) {
        r = check_location(*word, error);
        if (r == 0)
            r = strv_length(*list) < LIST_MAX ? strv_append(list, *word)
                                              : error_set(error, -E2BIG, "more than %u hosts", LIST_MAX);
        if (r < 0)
            return r;
    }
    return 0;
}

static int set_flag(void *field, const char *value, Error *error)
{
    return text_parse_bool(value, field) < 0 ? error_set(error, -EINVAL, "'%s' is neither yes nor no", value) : 0;
}

static int set_location(void *field, const char *value, Error *error)
{
    char **location = field;
    int r = check_location(value, error);

    if (r < 0)
        return r;
    free(*location);
    *location = strdup(value);
    return *location ? 0 : -ENOMEM;
}

static int find_or_add(Registries *registries, const char *host, Registry **ret, Error *error)
{
    Registry *larger;
    int r;

    for (size_t i = 0; i < registries->count; i++)
        if (strcmp(registries->items[i].host, host) == 0) {
            *ret = &registries->items[i];
            return 0;
        }
    r = strchr(host, '/') ? error_set(error, -EINVAL, "[%s]: a section is called like a host", host)
                          : check_location(host, error);
    if (r < 0)
        return r;
    larger = reallocarray(registries->items, registries->count + 1, sizeof(*larger));
    if (!larger)
        return -ENOMEM;
    registries->items = larger;
    larger[registries->count] = (Registry){.host = strdup(host)};
    if (!larger[registries->count].host)
        return -ENOMEM;
    *ret = &larger[registries->count++];
    return 0;
}

typedef struct Parse {
    Registries *registries;
    const char *source;
} Parse;

static int set_span(void *field, const char *value, Error *error)
{
    uint64_t *span = field;

    if (text_parse_timespan_usec(value, span) < 0 || *span == 0 || *span > SPAN_MAX_USEC)
        return error_set(error, -EINVAL, "'%s' is not a time between 1us and 1h", value);
    return 0;
}

/* Of the general section, into Registries, or of a registry's own, into its Registry. */
static const struct {
    const char *key;
    bool is_general;
    size_t offset;
    int (*set)(void *field, const char *value, Error *error);
} keys[] = {
    {"Search", true, offsetof(Registries, search), set_locations},
    {"Timeout", true, offsetof(Registries, timeout_usec), set_span},
    {"RetryDelay", true, offsetof(Registries, retry_usec), set_span},
    {"Location", false, offsetof(Registry, location), set_location},
    {"Mirror", false, offsetof(Registry, mirrors), set_locations},
    {"Realm", false, offsetof(Registry, realms), set_locations},
    {"Insecure", false, offsetof(Registry, is_insecure), set_flag},
    {"Blocked", false, offsetof(Registry, is_blocked), set_flag},
};

static int set_key(void *object, bool is_general, const char *key, const char *value, Error *error)
{
    _cleanup_buffer_ Buffer known = {};
    _cleanup_free_ char *list = NULL;

    for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
        if (keys[i].is_general != is_general)
            continue;
        if (strcmp(keys[i].key, key) == 0)
            return keys[i].set((char *) object + keys[i].offset, value, error);
        buffer_append_format(&known, "%s%s", known.size > 0 ? ", " : "", keys[i].key);
    }
    list = buffer_take(&known);
    return error_set(error, -EINVAL, "unknown key '%s' (known: %s)", key, list ? list : "?");
}

static int on_assignment(const char *section, const char *key, const char *value, unsigned line, void *userdata,
                         Error *error)
{
    const Parse *parse = userdata;
    Registry *registry = NULL;
    int r;

    if (strcmp(section, GENERAL) == 0)
        r = set_key(parse->registries, true, key, value, error);
    else if (section[0] == 0)
        r = error_set(error, -EINVAL, "'%s' is in no section ([" GENERAL "] or [HOST])", key);
    else {
        r = find_or_add(parse->registries, section, &registry, error);
        if (r == 0)
            r = set_key(registry, false, key, value, error);
    }
    return r < 0 ? error_prefix(error, r, "%s:%u", parse->source, line) : 0;
}

int registries_parse(const char *text, size_t size, const char *source, Registries *ret, Error *error)
{
    _cleanup_registries_ Registries registries = {};
    Parse parse = {&registries, source};
    int r = ini_parse(text, size, source, on_assignment, &parse, error);

    if (r < 0)
        return r;
    *ret = registries;
    registries = (Registries){};
    return 0;
}

const char *registries_directory(void)
{
    const char *directory = secure_getenv("BERTH_CONFIG_DIR");

    return text_is_empty(directory) ? "/etc/berth" : directory;
}

int registries_load(Registries *ret, Error *error)
{
    _cleanup_free_ char *path = text_format("%s/" FILE_NAME, registries_directory()), *text = NULL;
    _cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -EBADF;
    size_t size = 0;
    int r;

    if (!path)
        return -ENOMEM;
    if (fd < 0 && errno == ENOENT) {
        *ret = (Registries){};
        return 0;
    }
    r = fd < 0 ? -errno : file_read_fd(fd, FILE_MAX_BYTES, &text, &size);
    if (r < 0)
        return error_set(error, r, "cannot read '%s': %s", path, strerror(-r));
    return registries_parse(text, size, path, ret, error);
}

const Registry *registries_find(const Registries *registries, const char *host)
{
    for (size_t i = 0; i < registries->count; i++)
        if (strcmp(registries->items[i].host, host) == 0)
            return &registries->items[i];
    return NULL;
}

int registries_list_names(const Registries *registries, const char *text, char ***ret, Error *error)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_strv_ char **names = NULL;
    int r = reference_parse(text, &reference, error);

    if (r < 0)
        return r;
    if (reference.domain)
        r = strv_append(&names, text);
    else if (!registries->search)
        return error_hint(error, error_set(error, -ENOENT, "'%s' does not say which registry it is in", text),
                          "write HOST/%s, or say where to look by Search= in [" GENERAL "] of %s/" FILE_NAME, text,
                          registries_directory());
    else
        STRV_FOREACH (host, registries->search)
            if (r == 0)
                r = strv_append_format(&names, "%s/%s", *host, text);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(names);
    return 0;
}

void endpoints_done(Endpoints *endpoints)
{
    for (size_t i = 0; i < endpoints->count; i++) {
        free(endpoints->items[i].host);
        free(endpoints->items[i].prefix);
    }
    free(endpoints->items);
    *endpoints = (Endpoints){};
}

static int add_endpoint(const Registries *registries, Endpoints *endpoints, const char *location, bool is_mirror)
{
    Endpoint *larger = reallocarray(endpoints->items, endpoints->count + 1, sizeof(*larger)), *endpoint;
    const char *slash = strchr(location, '/');
    const Registry *own;

    if (!larger)
        return -ENOMEM;
    endpoints->items = larger;
    endpoint = &larger[endpoints->count++];
    *endpoint = (Endpoint){
        .host = strndup(location, slash ? (size_t) (slash - location) : strlen(location)),
        .prefix = slash ? text_format("%s/", slash + 1) : strdup(""),
        .is_mirror = is_mirror,
    };
    if (!endpoint->host || !endpoint->prefix)
        return -ENOMEM;
    own = registries_find(registries, endpoint->host);
    endpoint->is_insecure = own && own->is_insecure;
    return 0;
}

int registries_list_endpoints(const Registries *registries, const char *host, bool is_writing, Endpoints *ret,
                              Error *error)
{
    _cleanup_endpoints_ Endpoints endpoints = {};
    const Registry *registry = registries_find(registries, host);
    int r = 0;

    if (registry && registry->is_blocked)
        return error_set(error, -EPERM, "the registry %s is blocked by %s/" FILE_NAME, host, registries_directory());
    if (registry && !is_writing)
        STRV_FOREACH (mirror, registry->mirrors)
            if (r == 0)
                r = add_endpoint(registries, &endpoints, *mirror, true);
    if (r == 0)
        r = add_endpoint(registries, &endpoints, registry && registry->location ? registry->location : host, false);
    if (r < 0)
        return r;
    endpoints.items[endpoints.count - 1].is_insecure |= registry && registry->is_insecure;
    *ret = endpoints;
    endpoints = (Endpoints){};
    return 0;
}

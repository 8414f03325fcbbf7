/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/values.h"

#include "base/text.h"
#include "spec/id-mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The words of podman-run(1) and systemd-nspawn(1). */
static const struct {
    const char *word;
    UsernsMode mode;
} words[] = {
    {"auto", USERNS_AUTO}, {"pick", USERNS_AUTO}, {"private", USERNS_AUTO}, {"nomap", USERNS_AUTO},
    {"yes", USERNS_AUTO},  {"host", USERNS_HOST}, {"no", USERNS_HOST},
};

static int parse_range(const char *text, UsernsSpec *ret, Error *error)
{
    const char *colon = strchr(text, ':');
    _cleanup_free_ char *base_text = strndup(text, colon ? (size_t) (colon - text) : strlen(text));
    uint64_t base = 0, count = ID_RANGE_SIZE;

    if (!base_text)
        return -ENOMEM;
    if (text_parse_u64(base_text, UINT32_MAX, &base) < 0 ||
        (colon && text_parse_u64(colon + 1, UINT32_MAX, &count) < 0))
        return error_hint(
            error, error_set(error, -EINVAL, "'%s' is not a kind of user namespace", text),
            "auto, host, keep-id, identity, container:NAME, or BASE[:COUNT] for ids of the host from BASE on");
    if (count == 0 || base + count > ID_INVALID)
        return error_set(error, -EINVAL, "'%s': the ids must all be below 4294967295, and at least one", text);
    *ret = (UsernsSpec){.mode = USERNS_RANGE, .base = (uint32_t) base, .count = (uint32_t) count};
    return 0;
}

/* "uid=N,gid=N" behind "keep-id:". */
static int parse_keep_options(const char *text, UsernsSpec *keep, Error *error)
{
    while (*text) {
        size_t length = strcspn(text, ",");
        _cleanup_free_ char *option = strndup(text, length);
        uint64_t id = 0;

        if (!option)
            return -ENOMEM;
        if ((strncmp(option, "uid=", 4) != 0 && strncmp(option, "gid=", 4) != 0) ||
            text_parse_u64(option + 4, ID_RANGE_SIZE - 1, &id) < 0)
            return error_set(error, -EINVAL, "'%s' is not uid=N or gid=N below %u", option, ID_RANGE_SIZE);
        *(option[0] == 'u' ? &keep->keep_uid : &keep->keep_gid) = (uint32_t) id;
        text += length + (text[length] == ',');
    }
    return 0;
}

static int parse(const char *text, UsernsSpec *ret, Error *error)
{
    UsernsSpec keep = {.mode = USERNS_KEEP_ID, .keep_uid = ID_INVALID, .keep_gid = ID_INVALID};
    const char *options = text_after_prefix(text, "keep-id:");
    const char *target = text_after_prefix(text, "container:");
    int r;

    if (target && !text_is_name(target))
        return error_set(error, -EINVAL, "'%s' is not a container name", target);
    if (target) {
        *ret = (UsernsSpec){.mode = USERNS_CONTAINER, .target = strdup(target)};
        return ret->target ? 0 : -ENOMEM;
    }
    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strcmp(text, words[i].word) == 0) {
            *ret = (UsernsSpec){.mode = words[i].mode};
            return 0;
        }
    /* nspawn: a namespace for the sake of its capabilities, whose ids are the host's. */
    if (strcmp(text, "identity") == 0) {
        *ret = (UsernsSpec){.mode = USERNS_RANGE, .base = 0, .count = ID_RANGE_SIZE};
        return 0;
    }
    if (!options && strcmp(text, "keep-id") != 0)
        return parse_range(text, ret, error);
    r = options ? parse_keep_options(options, &keep, error) : 0;
    if (r == 0)
        *ret = keep;
    return r;
}

int userns_parse(const char *text, UsernsSpec *ret, Error *error)
{
    UsernsSpec userns = {};
    int r = parse(text, &userns, error);

    if (r < 0)
        return r;
    free(ret->target);
    *ret = userns;
    return 0;
}

char *userns_format(const UsernsSpec *userns)
{
    _cleanup_free_ char *uid = NULL;

    switch (userns->mode) {
    case USERNS_HOST:
        return strdup("host");
    case USERNS_AUTO:
        return strdup("auto");
    case USERNS_CONTAINER:
        return text_format("container:%s", userns->target);
    case USERNS_RANGE:
        return text_format("%u:%u", userns->base, userns->count);
    case USERNS_KEEP_ID:
        if (userns->keep_uid == ID_INVALID && userns->keep_gid == ID_INVALID)
            return strdup("keep-id");
        if (userns->keep_gid == ID_INVALID)
            return text_format("keep-id:uid=%u", userns->keep_uid);
        uid = userns->keep_uid == ID_INVALID ? strdup("") : text_format("uid=%u,", userns->keep_uid);
        return uid ? text_format("keep-id:%sgid=%u", uid, userns->keep_gid) : NULL;
    default:
        return NULL;
    }
}

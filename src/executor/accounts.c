/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/accounts.h"

#include <errno.h>
#include <string.h>

#define ID_MAX UINT64_C(4294967294) /* (uid_t) -1 means "no change" to the kernel: not an id */

typedef struct Span {
    const char *text;
    size_t length;
} Span;

static bool span_equals(Span span, const char *string, size_t length)
{
    return span.length == length && memcmp(span.text, string, length) == 0;
}

/* Strict decimal: -EINVAL when it is not all digits, -ERANGE above the largest id. */
static int parse_id(Span span, uint64_t *ret)
{
    uint64_t value = 0;

    if (span.length == 0)
        return -EINVAL;
    for (size_t i = 0; i < span.length; i++) {
        if (span.text[i] < '0' || span.text[i] > '9')
            return -EINVAL;
        if (value <= ID_MAX)
            value = value * 10 + (uint64_t) (span.text[i] - '0');
    }
    if (value > ID_MAX)
        return -ERANGE;
    *ret = value;
    return 0;
}

/* Splits one line into its colon-separated fields; returns how many there were, at most `max`. */
static size_t split_line(const char *line, size_t length, Span *fields, size_t max)
{
    size_t count = 0, start = 0;

    for (size_t i = 0; i <= length && count < max; i++)
        if (i == length || line[i] == ':') {
            fields[count++] = (Span){line + start, i - start};
            start = i + 1;
        }
    return count;
}

/* Calls with each line of `text`; the next line's start, or NULL at the end. */
static const char *next_line(const char *line, size_t *ret_length)
{
    const char *newline;

    if (!*line)
        return NULL;
    newline = strchrnul(line, '\n');
    *ret_length = (size_t) (newline - line);
    return *newline ? newline + 1 : newline;
}

/* name:password:uid:gid:gecos:home:shell, by name or (by_id) by number. */
static int find_user(const char *passwd, Span name, bool by_id, uint64_t id, Identity *ret, Span *ret_name)
{
    size_t length = 0;

    for (const char *line = passwd, *next; (next = next_line(line, &length)); line = next) {
        Span fields[7];
        uint64_t uid = 0, gid = 0;

        if (split_line(line, length, fields, 7) < 6 || parse_id(fields[2], &uid) < 0 || parse_id(fields[3], &gid) < 0)
            continue;
        if (by_id ? uid != id : !span_equals(fields[0], name.text, name.length))
            continue;
        ret->uid = (uid_t) uid;
        ret->gid = (gid_t) gid;
        if (fields[5].length > 0 && fields[5].length < sizeof(ret->home) && fields[5].text[0] == '/') {
            memcpy(ret->home, fields[5].text, fields[5].length);
            ret->home[fields[5].length] = 0;
            ret->has_home = true;
        }
        *ret_name = fields[0];
        return 0;
    }
    return -ENOENT;
}

/* name:password:gid:members */
static int find_group(const char *group, Span name, gid_t *ret)
{
    size_t length = 0;

    for (const char *line = group, *next; (next = next_line(line, &length)); line = next) {
        Span fields[4];
        uint64_t gid = 0;

        if (split_line(line, length, fields, 4) >= 3 && span_equals(fields[0], name.text, name.length) &&
            parse_id(fields[2], &gid) == 0) {
            *ret = (gid_t) gid;
            return 0;
        }
    }
    return -ENOENT;
}

static bool is_member(Span members, Span name)
{
    size_t start = 0;

    for (size_t i = 0; i <= members.length; i++)
        if (i == members.length || members.text[i] == ',') {
            if (span_equals(name, members.text + start, i - start))
                return true;
            start = i + 1;
        }
    return false;
}

static void add_group(Identity *identity, gid_t gid)
{
    for (size_t i = 0; i < identity->groups_count; i++)
        if (identity->groups[i] == gid)
            return;
    if (identity->groups_count < sizeof(identity->groups) / sizeof(identity->groups[0]))
        identity->groups[identity->groups_count++] = gid;
}

static void add_memberships(const char *group, Span name, Identity *identity)
{
    size_t length = 0;

    for (const char *line = group, *next; (next = next_line(line, &length)); line = next) {
        Span fields[4];
        uint64_t gid = 0;

        if (split_line(line, length, fields, 4) == 4 && parse_id(fields[2], &gid) == 0 && is_member(fields[3], name))
            add_group(identity, (gid_t) gid);
    }
}

static int resolve_user(Span user, const char *passwd, Identity *ret, Span *ret_name)
{
    uint64_t id = 0;
    int r = parse_id(user, &id);

    if (r == -ERANGE)
        return -EINVAL;
    if (r < 0)
        return find_user(passwd, user, false, 0, ret, ret_name);
    ret->uid = (uid_t) id;
    ret->gid = 0;
    (void) find_user(passwd, user, true, id, ret, ret_name);
    return 0;
}

int accounts_resolve(const char *user, const char *passwd, const char *group, Identity *ret, const char **ret_what)
{
    Identity identity = {};
    const char *colon = strchr(user, ':');
    Span user_part = {user, colon ? (size_t) (colon - user) : strlen(user)}, name = {};
    int r = -EINVAL;

    *ret_what = user;
    if (user_part.length > 0)
        r = resolve_user(user_part, passwd, &identity, &name);
    else if (colon)
        r = 0; /* ":group" keeps root */
    if (r < 0)
        return r;

    if (colon) {
        Span group_part = {colon + 1, strlen(colon + 1)};
        uint64_t id = 0;

        *ret_what = colon + 1;
        if (group_part.length == 0 || memchr(group_part.text, ':', group_part.length))
            return -EINVAL;
        r = parse_id(group_part, &id);
        if (r == 0)
            identity.gid = (gid_t) id;
        else if (r == -ERANGE)
            return -EINVAL;
        else {
            r = find_group(group, group_part, &identity.gid);
            if (r < 0)
                return r;
        }
    }
    add_group(&identity, identity.gid);
    if (!colon && name.length > 0)
        add_memberships(group, name, &identity);
    *ret = identity;
    return 0;
}

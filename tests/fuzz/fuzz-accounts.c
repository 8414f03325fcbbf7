/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* USER against passwd and group, all of them hostile: three texts with a NUL between. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "executor/accounts.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *texts[3] = {NULL, NULL, NULL}, *user = NULL, *passwd = NULL, *group = NULL;
    const char *what = NULL;
    Identity identity = {};
    size_t digits;
    int r;

    for (size_t i = 0; i < 3; i++) {
        const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
        size_t length = end ? (size_t) (end - data) : size;

        texts[i] = fuzz_string(data, length);
        data += length + (end != NULL);
        size -= length + (end != NULL);
    }
    user = TAKE_PTR(texts[0]);
    passwd = TAKE_PTR(texts[1]);
    group = TAKE_PTR(texts[2]);
    r = accounts_resolve(user, passwd, group, &identity, &what);
    FUZZ_ASSERT(what >= user && what <= user + strlen(user));
    if (r < 0) {
        FUZZ_ASSERT((r == -EINVAL || r == -ENOENT) && identity.groups_count == 0);
        return 0;
    }
    FUZZ_ASSERT(identity.uid != (uid_t) -1 && identity.gid != (gid_t) -1);
    FUZZ_ASSERT(identity.groups_count >= 1 &&
                identity.groups_count <= sizeof(identity.groups) / sizeof(identity.groups[0]));
    FUZZ_ASSERT(identity.groups[0] == identity.gid);
    for (size_t i = 0; i < identity.groups_count; i++)
        FUZZ_ASSERT(identity.groups[i] != (gid_t) -1);
    FUZZ_ASSERT(!identity.has_home || (identity.home[0] == '/' && memchr(identity.home, 0, sizeof(identity.home))));
    /* A number is that number. */
    digits = strspn(user, "0123456789");
    if (digits > 0 && (user[digits] == 0 || user[digits] == ':'))
        FUZZ_ASSERT(strtoull(user, NULL, 10) == identity.uid);
    /* With a group there are no others. */
    FUZZ_ASSERT(!strchr(user, ':') || identity.groups_count == 1);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/idranges.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCKS_DIR "/run/systemd/nspawn-uid"
#define OWN_USER  "berth"

int idranges_open_locks(int *ret_fd)
{
    const char *moved = secure_getenv("BERTH_ID_LOCKS_DIR");

    return file_open_directory_at(AT_FDCWD, moved ? moved : LOCKS_DIR, true, 0755, ret_fd);
}

/* USER:FIRST:COUNT (subuid(5)); what is not that is no claim. */
static bool parse_line(const char *line, size_t length, bool *ret_is_own, uint64_t *ret_first, uint64_t *ret_count)
{
    char text[128], *first, *count;

    if (length == 0 || length >= sizeof(text) || line[0] == '#')
        return false;
    memcpy(text, line, length);
    text[length] = 0;
    first = strchr(text, ':');
    count = first ? strchr(first + 1, ':') : NULL;
    if (!count)
        return false;
    *first++ = 0;
    *count++ = 0;
    *ret_is_own = strcmp(text, OWN_USER) == 0;
    return text_parse_u64(first, UINT32_MAX, ret_first) == 0 && text_parse_u64(count, UINT32_MAX, ret_count) == 0;
}

bool idranges_is_claimed(const char *subid_text, uint32_t base)
{
    for (const char *line = subid_text; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        uint64_t first = 0, count = 0;
        bool is_own = false;

        if (parse_line(line, strcspn(line, "\n"), &is_own, &first, &count) && !is_own &&
            first < (uint64_t) base + IDRANGES_SIZE && base < first + count)
            return true;
    }
    return false;
}

void idranges_pool(const char *subid_text, uint32_t *ret_first, uint32_t *ret_count)
{
    *ret_first = IDRANGES_FIRST;
    *ret_count = (IDRANGES_LAST - IDRANGES_FIRST) / IDRANGES_SIZE + 1;
    for (const char *line = subid_text; line && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        uint64_t first = 0, count = 0, base;
        bool is_own = false;

        if (!parse_line(line, strcspn(line, "\n"), &is_own, &first, &count) || !is_own)
            continue;
        base = (first + IDRANGES_SIZE - 1) / IDRANGES_SIZE * IDRANGES_SIZE;
        /* The first range, which is the host's own users, and the last, which holds the id that is none, are never ours. */
        if (base == 0)
            base = IDRANGES_SIZE;
        if (first + count > UINT32_MAX - IDRANGES_SIZE + 1)
            count = UINT32_MAX - IDRANGES_SIZE + 1 - MIN(first, (uint64_t) UINT32_MAX - IDRANGES_SIZE + 1);
        if (base + IDRANGES_SIZE > first + count)
            continue;
        *ret_first = (uint32_t) base;
        *ret_count = (uint32_t) ((first + count - base) / IDRANGES_SIZE);
        return;
    }
}

/* FNV-1a: the same name begins its search at the same place. */
static uint32_t hash_name(const char *name)
{
    uint32_t hash = UINT32_C(2166136261);

    for (; *name; name++)
        hash = (hash ^ (unsigned char) *name) * UINT32_C(16777619);
    return hash;
}

/* Whether a container is noted to have the range that may live though its lock is free: its supervisor was killed, and what
 * it left was not taken back yet. */
static bool is_noted(const IdRanges *ranges, const char *number)
{
    char path[64], name[TEXT_NAME_MAX + 1], machine[TEXT_NAME_MAX + 16];
    ssize_t n;

    snprintf(path, sizeof(path), "ranges/%s", number);
    n = readlinkat(ranges->run_fd, path, name, sizeof(name) - 1);
    if (n <= 0)
        return false;
    name[n] = 0;
    if (!text_is_name(name))
        return false;
    snprintf(machine, sizeof(machine), "machines/%s", name);
    return faccessat(ranges->run_fd, machine, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* 0, -EBUSY, or an error that the next range would have as well. */
int idranges_open_registry(void)
{
    int fd = open("/run/systemd/nsresource/registry", O_PATH | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* systemd-nsresourced (256 and later) takes no lock: it keeps a file for the first id of each range that it has given away. */
static bool is_registered(const IdRanges *ranges, uint32_t base)
{
    char name[32];

    snprintf(name, sizeof(name), "u%u.userns", base);
    return ranges->registry_fd >= 0 && faccessat(ranges->registry_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int take_one(const IdRanges *ranges, uint32_t base, int *ret_lock_fd)
{
    _cleanup_close_ int fd = -EBADF;
    char number[16];
    int r;

    if (idranges_is_claimed(ranges->subuid, base) || idranges_is_claimed(ranges->subgid, base) ||
        is_registered(ranges, base))
        return -EBUSY;
    snprintf(number, sizeof(number), "%u", base);
    if (!ret_lock_fd)
        return is_noted(ranges, number) ? -EBUSY : 0;
    r = lock_take_record(ranges->locks_fd, number, false, &fd);
    if (r < 0)
        return r;
    if (is_noted(ranges, number)) {
        lock_forget_record(ranges->locks_fd, number, fd);
        return -EBUSY;
    }
    *ret_lock_fd = TAKE_FD(fd);
    return 0;
}

int idranges_take(const IdRanges *ranges, const char *name, uint32_t *ret_base, int *ret_lock_fd)
{
    uint32_t first = 0, count = 0, start;

    idranges_pool(ranges->subuid, &first, &count);
    start = hash_name(name) % count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t base = first + (start + i) % count * IDRANGES_SIZE;
        int r = take_one(ranges, base, ret_lock_fd);

        if (r == -EBUSY)
            continue;
        if (r == 0)
            *ret_base = base;
        return r;
    }
    return -EBUSY;
}

int idranges_share(const IdRanges *ranges, uint32_t base, int *ret_lock_fd)
{
    char number[16];

    snprintf(number, sizeof(number), "%u", base);
    return lock_take_record(ranges->locks_fd, number, true, ret_lock_fd);
}

void idranges_forget(const IdRanges *ranges, uint32_t base, int lock_fd)
{
    char number[16];

    snprintf(number, sizeof(number), "%u", base);
    lock_forget_record(ranges->locks_fd, number, lock_fd);
}

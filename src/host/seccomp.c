/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/seccomp.h"

#include "base/file.h"
#include "base/text.h"
#include "host/seccomp-profile.h"
#include "host/seccomp-program.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* A cache file: this, then the program. The key in it makes a file that was given another's name useless, and
 * the checksum one that a crash or a disk has damaged. Against somebody who can write to the directory
 * nothing helps, and only root can. */
typedef struct CacheHeader {
    char magic[8];
    SeccompHash key, checksum;
    uint64_t size_bytes;
} CacheHeader;

static const char cache_magic[8] = "berthsc";

/* What the kernel takes at most. */
#define PROGRAM_SIZE_MAX (BPF_MAXINSNS * sizeof(struct sock_filter))

void seccomp_filter_done(SeccompFilter *filter)
{
    free(filter->bytes);
    *filter = (SeccompFilter){0};
}

/* All that the program depends on. It is worked out anew each time (some 3 µs): a number kept by hand would
 * one day be forgotten, and a container run with the table of yesterday. */
static SeccompHash cache_key(SeccompProfile profile, uint64_t capabilities, bool is_native_only)
{
    SeccompHash key = SECCOMP_HASH_INIT;
    const uint64_t parameters[] = {SECCOMP_PROGRAM_GENERATION, (uint64_t) profile, capabilities, is_native_only};

    seccomp_hash_add(&key, parameters, sizeof(parameters));
    seccomp_profile_fingerprint(&key);
    return key;
}

static SeccompHash program_checksum(const void *bytes, size_t size_bytes)
{
    SeccompHash checksum = SECCOMP_HASH_INIT;

    seccomp_hash_add(&checksum, bytes, size_bytes);
    return checksum;
}

/* 0, or -errno when there is no such file or it is not to be trusted. */
static int cache_read(int cache_dir_fd, const char *name, const SeccompHash *key, SeccompFilter *ret)
{
    _cleanup_close_ int fd = openat(cache_dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    _cleanup_seccomp_filter_ SeccompFilter filter = {.is_cached = true};
    CacheHeader header;
    SeccompHash checksum;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return -EPERM;
    if (st.st_size <= (off_t) sizeof(header) || st.st_size > (off_t) (sizeof(header) + PROGRAM_SIZE_MAX) ||
        ((size_t) st.st_size - sizeof(header)) % sizeof(struct sock_filter) != 0)
        return -EBADMSG;

    filter.size_bytes = (size_t) st.st_size - sizeof(header);
    filter.bytes = malloc(filter.size_bytes);
    if (!filter.bytes)
        return -ENOMEM;
    if (readv(fd, (struct iovec[]){{&header, sizeof(header)}, {filter.bytes, filter.size_bytes}}, 2) !=
        (ssize_t) st.st_size)
        return -EBADMSG;
    checksum = program_checksum(filter.bytes, filter.size_bytes);
    if (memcmp(header.magic, cache_magic, sizeof(cache_magic)) != 0 || header.size_bytes != filter.size_bytes ||
        memcmp(&header.key, key, sizeof(*key)) != 0 || memcmp(&header.checksum, &checksum, sizeof(checksum)) != 0)
        return -EBADMSG;
    *ret = filter;
    filter = (SeccompFilter){0};
    return 0;
}

/* The caller has its program already: a full disk or a read-only directory costs the next start its time, no
 * more. */
static void cache_write(int cache_dir_fd, const char *name, const SeccompHash *key, const SeccompFilter *filter)
{
    _cleanup_buffer_ Buffer file = {0};
    CacheHeader header = {
        .key = *key,
        .checksum = program_checksum(filter->bytes, filter->size_bytes),
        .size_bytes = filter->size_bytes,
    };

    memcpy(header.magic, cache_magic, sizeof(cache_magic));
    buffer_append(&file, &header, sizeof(header));
    buffer_append(&file, filter->bytes, filter->size_bytes);
    if (file.failed == 0)
        (void) file_write_atomic_at(cache_dir_fd, name, file.data, file.size, 0600, 0);
}

static int compile(SeccompProfile profile, uint64_t capabilities, bool is_native_only, SeccompFilter *ret, Error *error)
{
    _cleanup_buffer_ Buffer program = {0};
    int r = seccomp_program_compile(profile, capabilities, is_native_only, &program, error);

    if (r < 0)
        return r;
    ret->size_bytes = program.size;
    ret->bytes = buffer_take(&program);
    ret->is_cached = false;
    return 0;
}

int seccomp_prepare(const SeccompRequest *request, int cache_dir_fd, SeccompFilter *ret, Error *error)
{
    const char *wanted = request->profile ?: "default";
    SeccompProfile profile = seccomp_profile_from_string(wanted);
    uint64_t capabilities = 0;
    char name[64];
    SeccompHash key;
    int r;

    if (strchr(wanted, '/'))
        return error_set(error, -EOPNOTSUPP, "'%s': seccomp profiles from files are not supported yet", wanted);
    if (profile == SECCOMP_PROFILE_INVALID)
        return error_hint(error, error_set(error, -EINVAL, "'%s' is no seccomp profile", wanted),
                          "use default, system, nested or unconfined");
    if (profile == SECCOMP_PROFILE_UNCONFINED) {
        *ret = (SeccompFilter){0};
        return 0;
    }

    capabilities = request->capabilities & seccomp_profile_capabilities(profile);
    key = cache_key(profile, capabilities, request->is_native_only);
    (void) snprintf(name, sizeof(name), "%s-%016llx%016llx.bpf", seccomp_profile_to_string(profile),
                    (unsigned long long) key.words[1], (unsigned long long) key.words[0]);
    if (cache_dir_fd >= 0 && cache_read(cache_dir_fd, name, &key, ret) == 0)
        return 0;
    r = compile(profile, capabilities, request->is_native_only, ret, error);
    if (r < 0)
        return r;
    if (cache_dir_fd >= 0)
        cache_write(cache_dir_fd, name, &key, ret);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/seccomp.h"

#include "base/file.h"
#include "base/text.h"
#include "host/seccomp-file.h"
#include "host/seccomp-profile.h"
#include "host/seccomp-program.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>

/* A cache file: this, then the text that the program was made of (when that was a file), then the program. The key in it makes
 * a file that was given another's name useless, and the checksum one that a crash or a disk has damaged. Against somebody who
 * can write to the directory nothing helps, and only root can. */
typedef struct CacheHeader {
    char magic[8];
    SeccompHash key, checksum;
    uint64_t size_bytes, source_size_bytes;
} CacheHeader;
_Static_assert(sizeof(CacheHeader) == 56, "tests/bench/ knows it, and the magic below");

static const char cache_magic[8] = "berthsd";

#define SOURCE_SIZE_MAX (UINT64_C(1) << 20)

/* What a program was made of: whoever writes a file chooses its hash, so that it is compared whole. */
typedef struct Source {
    const char *text; /* NULL: of the built-in table */
    size_t size_bytes;
} Source;

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

static bool header_is_sound(const CacheHeader *header, off_t size)
{
    return memcmp(header->magic, cache_magic, sizeof(cache_magic)) == 0 && header->size_bytes > 0 &&
           header->size_bytes <= PROGRAM_SIZE_MAX && header->size_bytes % sizeof(struct sock_filter) == 0 &&
           header->source_size_bytes <= SOURCE_SIZE_MAX &&
           (uint64_t) size == sizeof(*header) + header->size_bytes + header->source_size_bytes;
}

/* 0, or -errno when there is no such file or it is not to be trusted. Without a key, what has the name is taken. */
static int cache_read(int cache_dir_fd, const char *name, const SeccompHash *key, const Source *source,
                      SeccompFilter *ret)
{
    _cleanup_close_ int fd = openat(cache_dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    _cleanup_seccomp_filter_ SeccompFilter filter = {.is_cached = true};
    _cleanup_free_ char *text = NULL;
    CacheHeader header;
    SeccompHash checksum;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return -EPERM;
    if (read(fd, &header, sizeof(header)) != sizeof(header) || !header_is_sound(&header, st.st_size))
        return -EBADMSG;
    filter.size_bytes = header.size_bytes;
    filter.bytes = malloc(filter.size_bytes);
    text = malloc(header.source_size_bytes + 1);
    if (!filter.bytes || !text)
        return -ENOMEM;
    if (readv(fd, (struct iovec[]){{text, header.source_size_bytes}, {filter.bytes, filter.size_bytes}}, 2) !=
        (ssize_t) (header.source_size_bytes + header.size_bytes))
        return -EBADMSG;
    checksum = program_checksum(filter.bytes, filter.size_bytes);
    if (memcmp(&header.checksum, &checksum, sizeof(checksum)) != 0)
        return -EBADMSG;
    if (key && (memcmp(&header.key, key, sizeof(*key)) != 0 || header.source_size_bytes != source->size_bytes ||
                (source->text && memcmp(text, source->text, source->size_bytes) != 0)))
        return -EBADMSG;
    *ret = filter;
    filter = (SeccompFilter){0};
    return 0;
}

/* The caller has its program already: a full disk or a read-only directory costs the next start its time, no
 * more. */
static void cache_write(int cache_dir_fd, const char *name, const SeccompHash *key, const Source *source,
                        const SeccompFilter *filter)
{
    _cleanup_buffer_ Buffer file = {0};
    CacheHeader header = {
        .key = *key,
        .checksum = program_checksum(filter->bytes, filter->size_bytes),
        .size_bytes = filter->size_bytes,
        .source_size_bytes = source->size_bytes,
    };

    memcpy(header.magic, cache_magic, sizeof(cache_magic));
    buffer_append(&file, &header, sizeof(header));
    if (source->text)
        buffer_append(&file, source->text, source->size_bytes);
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

/* What a file's conditions look at. */
static SeccompJsonFacts gather_facts(const SeccompRequest *request)
{
    SeccompJsonFacts facts = {.capabilities = request->capabilities, .parse_capability = request->parse_capability};
    struct utsname name;

    if (uname(&name) == 0)
        (void) sscanf(name.release, "%4u.%4u", &facts.kernel[0], &facts.kernel[1]);
    return facts;
}

static int compile_file(const char *path, const Source *source, const SeccompJsonFacts *facts, SeccompFilter *ret,
                        Error *error)
{
    _cleanup_seccomp_json_ SeccompJson json = {0};
    _cleanup_buffer_ Buffer program = {0};
    int r = seccomp_json_parse(source->text, source->size_bytes, facts, &json, error);

    if (r == 0)
        r = seccomp_file_compile(&json, &program, error);
    if (r < 0)
        return error_prefix(error, r, "the seccomp profile '%s'", path);
    ret->size_bytes = program.size;
    ret->bytes = buffer_take(&program);
    return 0;
}

static int prepare_file(const SeccompRequest *request, int cache_dir_fd, SeccompFilter *ret, Error *error)
{
    _cleanup_close_ int fd = open(request->profile, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    _cleanup_seccomp_filter_ SeccompFilter filter = {0};
    _cleanup_free_ char *text = NULL;
    SeccompJsonFacts facts = gather_facts(request);
    const uint64_t parameters[] = {SECCOMP_FILE_GENERATION, facts.capabilities, facts.kernel[0], facts.kernel[1]};
    SeccompHash key = SECCOMP_HASH_INIT;
    char name[sizeof(filter.name)];
    Source source = {0};
    int r = fd < 0 ? -errno : file_read_fd(fd, SOURCE_SIZE_MAX, &text, &source.size_bytes);

    if (r < 0)
        return error_set(error, r, "cannot read the seccomp profile '%s': %s", request->profile, strerror(-r));
    source.text = text;
    seccomp_hash_add(&key, parameters, sizeof(parameters));
    seccomp_hash_add(&key, text, source.size_bytes);
    (void) snprintf(name, sizeof(name), "file-%016llx%016llx.bpf", (unsigned long long) key.words[1],
                    (unsigned long long) key.words[0]);
    if (cache_dir_fd < 0 || cache_read(cache_dir_fd, name, &key, &source, &filter) < 0) {
        r = compile_file(request->profile, &source, &facts, &filter, error);
        if (r < 0)
            return r;
        if (cache_dir_fd >= 0)
            cache_write(cache_dir_fd, name, &key, &source, &filter);
    }
    memcpy(filter.name, name, sizeof(name));
    *ret = filter;
    filter = (SeccompFilter){0};
    return 0;
}

/* What was made for a container when it started, whatever has become of the file since. */
static int prepare_made(const SeccompRequest *request, int cache_dir_fd, SeccompFilter *ret, Error *error)
{
    int r = text_is_empty(request->made_name) || strchr(request->made_name, '/')
                ? -EINVAL
                : cache_read(cache_dir_fd, request->made_name, NULL, NULL, ret);

    return r < 0 ? error_hint(error,
                              error_set(error, r, "the system call filter that was made of '%s' is gone: %s",
                                        request->profile, strerror(-r)),
                              "it is made again when the container is restarted")
                 : 0;
}

int seccomp_prepare(const SeccompRequest *request, int cache_dir_fd, SeccompFilter *ret, Error *error)
{
    const char *wanted = request->profile ?: "default";
    SeccompProfile profile = seccomp_profile_from_string(wanted);
    uint64_t capabilities = 0;
    char name[64];
    SeccompHash key;
    int r;

    if (wanted[0] == '/')
        return request->made_name ? prepare_made(request, cache_dir_fd, ret, error)
                                  : prepare_file(request, cache_dir_fd, ret, error);
    if (profile == SECCOMP_PROFILE_INVALID)
        return error_hint(error, error_set(error, -EINVAL, "'%s' is no seccomp profile", wanted),
                          "use default, system, nested, unconfined or the absolute path of a file");
    if (profile == SECCOMP_PROFILE_UNCONFINED) {
        *ret = (SeccompFilter){0};
        return 0;
    }

    capabilities = request->capabilities & seccomp_profile_capabilities(profile);
    key = cache_key(profile, capabilities, request->is_native_only);
    (void) snprintf(name, sizeof(name), "%s-%016llx%016llx.bpf", seccomp_profile_to_string(profile),
                    (unsigned long long) key.words[1], (unsigned long long) key.words[0]);
    if (cache_dir_fd >= 0 && cache_read(cache_dir_fd, name, &key, &(Source){0}, ret) == 0)
        return 0;
    r = compile(profile, capabilities, request->is_native_only, ret, error);
    if (r < 0)
        return r;
    if (cache_dir_fd >= 0)
        cache_write(cache_dir_fd, name, &key, &(Source){0}, ret);
    return 0;
}

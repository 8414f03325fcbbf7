/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/inflate.h"

#include "base/file.h"
#include "importer/hash.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define INPUT_SIZE       (256U << 10)
#define OUTPUT_SIZE      (256U << 10)
#define ZSTD_WINDOW_BITS 27 /* 128 MiB: what zstd itself writes with --ultra -22 */

typedef enum StreamFormat { FORMAT_PLAIN, FORMAT_GZIP, FORMAT_ZSTD, FORMAT_OTHER } StreamFormat;

struct Inflater {
    int fd, copy_fd, failed;
    InflateFlags flags;
    InflateLimits limits;
    StreamFormat format;
    const char *other;                                 /* the name of a format that we do not read */
    bool is_started, is_input_end, is_end, is_between; /* between: no member or frame is open */
    unsigned char *input, *output;
    size_t input_at, input_size;
    uint64_t input_bytes, plain_bytes;
    Hash *input_hash, *plain_hash;
    z_stream zlib;
    bool has_zlib;
    ZSTD_DStream *zstd;
};

void inflater_free(Inflater *inflater)
{
    if (!inflater)
        return;
    if (inflater->has_zlib)
        inflateEnd(&inflater->zlib);
    ZSTD_freeDStream(inflater->zstd);
    hash_free(inflater->input_hash);
    hash_free(inflater->plain_hash);
    free(inflater->input);
    free(inflater->output);
    free(inflater);
}

int inflater_new(int fd, InflateFlags flags, InflateLimits limits, Inflater **ret)
{
    _cleanup_inflater_ Inflater *inflater = calloc(1, sizeof(*inflater));

    if (!inflater)
        return -ENOMEM;
    inflater->fd = fd;
    inflater->copy_fd = -EBADF;
    inflater->flags = flags;
    inflater->limits = limits;
    inflater->input = malloc(INPUT_SIZE);
    inflater->output = malloc(OUTPUT_SIZE);
    if (!inflater->input || !inflater->output)
        return -ENOMEM;
    if (!(flags & INFLATE_PLAIN)) {
        inflater->input_hash = hash_new();
        inflater->plain_hash = hash_new();
        if (!inflater->input_hash || !inflater->plain_hash)
            return -ENOMEM;
    }
    *ret = TAKE_PTR(inflater);
    return 0;
}

void inflater_set_copy(Inflater *inflater, int fd)
{
    inflater->copy_fd = fd;
}

/* Only when all input is used up. */
static int fill_input(Inflater *inflater, Error *error)
{
    ssize_t n = file_read_all(inflater->fd, inflater->input, INPUT_SIZE);
    int r = 0;

    if (n < 0)
        return error_set(error, (int) n, "reading: %s", strerror((int) -n));
    inflater->input_at = 0;
    inflater->input_size = (size_t) n;
    inflater->input_bytes += (uint64_t) n;
    inflater->is_input_end = n < (ssize_t) INPUT_SIZE;
    if (inflater->limits.input_max_bytes > 0 && inflater->input_bytes > inflater->limits.input_max_bytes)
        return error_set(error, -EFBIG, "there are more than the %llu bytes that were promised",
                         (unsigned long long) inflater->limits.input_max_bytes);
    if (inflater->copy_fd >= 0)
        r = file_write_all(inflater->copy_fd, inflater->input, (size_t) n);
    if (r < 0)
        return error_set(error, r, "keeping what was read: %s", strerror(-r));
    return inflater->input_hash ? hash_update(inflater->input_hash, inflater->input, (size_t) n) : 0;
}

static bool starts_with(const Inflater *inflater, const char *magic, size_t size)
{
    return inflater->input_size >= size && memcmp(inflater->input, magic, size) == 0;
}

static int sniff(Inflater *inflater, Error *error)
{
    static const struct {
        const char *magic;
        size_t size;
        StreamFormat format;
        const char *name;
    } known[] = {
        {"\x1f\x8b", 2, FORMAT_GZIP, "gzip"},
        {"\x28\xb5\x2f\xfd", 4, FORMAT_ZSTD, "zstd"},
        {"BZh", 3, FORMAT_OTHER, "bzip2"},
        {"\xfd"
         "7zXZ",
         5, FORMAT_OTHER, "xz"},
        {"PK\x03\x04", 4, FORMAT_OTHER, "zip"},
        {"\x04\x22\x4d\x18", 4, FORMAT_OTHER, "lz4"},
        {"\x1f\x9d", 2, FORMAT_OTHER, "compress (.Z)"},
    };
    int r = fill_input(inflater, error);

    if (r < 0)
        return r;
    inflater->is_started = inflater->is_between = true;
    if (inflater->flags & INFLATE_PLAIN)
        return 0;
    for (size_t i = 0; i < ELEMENTSOF(known) && inflater->format == FORMAT_PLAIN; i++)
        if (starts_with(inflater, known[i].magic, known[i].size)) {
            inflater->format = known[i].format;
            inflater->other = known[i].name;
        }
    /* A skippable frame may come first: pzstd and zstd:chunked write them. */
    if (inflater->format == FORMAT_PLAIN && inflater->input_size >= 4 && (inflater->input[0] & 0xf0) == 0x50 &&
        memcmp(inflater->input + 1, "\x2a\x4d\x18", 3) == 0)
        inflater->format = FORMAT_ZSTD;
    if (inflater->format == FORMAT_OTHER)
        return error_hint(error, error_set(error, -EBADMSG, "the data is compressed with %s", inflater->other),
                          "gzip, zstd and uncompressed data are supported");
    if (inflater->format == FORMAT_GZIP) {
        if (inflateInit2(&inflater->zlib, 15 + 16) != Z_OK)
            return -ENOMEM;
        inflater->has_zlib = true;
    }
    if (inflater->format == FORMAT_ZSTD) {
        inflater->zstd = ZSTD_createDStream();
        if (!inflater->zstd)
            return -ENOMEM;
        (void) ZSTD_DCtx_setParameter(inflater->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_BITS);
    }
    return 0;
}

/* One call of the library; the count of plain bytes it made, which may be 0. */
static ssize_t inflate_gzip(Inflater *inflater, Error *error)
{
    z_stream *zlib = &inflater->zlib;
    int r;

    /* A member has ended and another begins (RFC 1952, 2.2). */
    if (inflater->is_between && inflater->zlib.total_in > 0 && inflateReset(zlib) != Z_OK)
        return -EIO;
    zlib->next_in = inflater->input + inflater->input_at;
    zlib->avail_in = (unsigned) (inflater->input_size - inflater->input_at);
    zlib->next_out = inflater->output;
    zlib->avail_out = OUTPUT_SIZE;
    r = inflate(zlib, Z_NO_FLUSH);
    inflater->input_at = inflater->input_size - zlib->avail_in;
    if (r == Z_MEM_ERROR)
        return -ENOMEM;
    if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
        return error_set(error, -EBADMSG, "the gzip data is damaged: %s", zlib->msg ? zlib->msg : "unknown cause");
    inflater->is_between = r == Z_STREAM_END;
    return (ssize_t) (OUTPUT_SIZE - zlib->avail_out);
}

static ssize_t inflate_zstd(Inflater *inflater, Error *error)
{
    ZSTD_inBuffer in = {inflater->input, inflater->input_size, inflater->input_at};
    ZSTD_outBuffer out = {inflater->output, OUTPUT_SIZE, 0};
    size_t r = ZSTD_decompressStream(inflater->zstd, &out, &in);

    inflater->input_at = in.pos;
    if (ZSTD_isError(r))
        return error_set(error, -EBADMSG, "the zstd data is damaged or needs too much memory: %s",
                         ZSTD_getErrorName(r));
    inflater->is_between = r == 0;
    return (ssize_t) out.pos;
}

static ssize_t inflate_some(Inflater *inflater, const void **ret, Error *error)
{
    size_t size;

    switch (inflater->format) {
    case FORMAT_GZIP:
        *ret = inflater->output;
        return inflate_gzip(inflater, error);
    case FORMAT_ZSTD:
        *ret = inflater->output;
        return inflate_zstd(inflater, error);
    default:
        size = inflater->input_size - inflater->input_at;
        *ret = inflater->input + inflater->input_at;
        inflater->input_at = inflater->input_size;
        return (ssize_t) size;
    }
}

static int check_growth(const Inflater *inflater, Error *error)
{
    const InflateLimits *limits = &inflater->limits;

    if (inflater->format == FORMAT_PLAIN || (limits->slack_bytes == 0 && limits->ratio == 0))
        return 0;
    if (inflater->plain_bytes <= limits->slack_bytes + limits->ratio * inflater->input_bytes)
        return 0;
    return error_hint(error,
                      error_set(error, -EFBIG, "the %s data grows more than %llu times, like a decompression bomb",
                                inflater_format_name(inflater), (unsigned long long) limits->ratio),
                      "if you trust it, use --no-size-limit");
}

static ssize_t read_plain(Inflater *inflater, const void **ret, Error *error)
{
    ssize_t n = 0;
    int r;

    if (!inflater->is_started) {
        r = sniff(inflater, error);
        if (r < 0)
            return r;
    }
    while (n == 0) {
        bool is_used_up = inflater->input_at == inflater->input_size;

        if (is_used_up && inflater->is_input_end) {
            if (inflater->format != FORMAT_PLAIN && !inflater->is_between) {
                /* What is still inside the library comes out before the data counts as cut off. */
                n = inflate_some(inflater, ret, error);
                if (n != 0)
                    break;
                if (!inflater->is_between)
                    return error_set(error, -EBADMSG, "the %s data is cut off", inflater_format_name(inflater));
            }
            inflater->is_end = true;
            return 0;
        }
        if (is_used_up) {
            r = fill_input(inflater, error);
            if (r < 0)
                return r;
            if (inflater->input_size == 0)
                continue;
        }
        n = inflate_some(inflater, ret, error);
    }
    return n;
}

ssize_t inflater_read(Inflater *inflater, const void **ret, Error *error)
{
    ssize_t n;
    int r = 0;

    if (inflater->failed)
        return inflater->failed;
    if (inflater->is_end)
        return 0;
    n = read_plain(inflater, ret, error);
    if (n > 0) {
        inflater->plain_bytes += (uint64_t) n;
        if (inflater->plain_hash)
            r = hash_update(inflater->plain_hash, *ret, (size_t) n);
        if (r == 0)
            r = check_growth(inflater, error);
    }
    if (n < 0 || r < 0)
        inflater->failed = n < 0 ? (int) n : r;
    return inflater->failed ? inflater->failed : n;
}

int inflater_drain(Inflater *inflater, Error *error)
{
    const void *data;
    ssize_t n;

    do
        n = inflater_read(inflater, &data, error);
    while (n > 0);
    return (int) n;
}

uint64_t inflater_input_bytes(const Inflater *inflater)
{
    return inflater->input_bytes;
}

uint64_t inflater_plain_bytes(const Inflater *inflater)
{
    return inflater->plain_bytes;
}

int inflater_digests(Inflater *inflater, Digest *ret_input, Digest *ret_plain)
{
    int r = inflater->is_end && inflater->input_hash ? hash_finish(inflater->input_hash, ret_input) : -EBUSY;

    return r < 0 ? r : hash_finish(inflater->plain_hash, ret_plain);
}

const char *inflater_format_name(const Inflater *inflater)
{
    return inflater->format == FORMAT_GZIP ? "gzip" : inflater->format == FORMAT_ZSTD ? "zstd" : "plain";
}

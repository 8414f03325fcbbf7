/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "importer/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

#define BUFFER_BYTES (1U << 18)

struct Hash {
    EVP_MD_CTX *context;
};

void hash_free(Hash *hash)
{
    if (!hash)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

Hash *hash_new(void)
{
    _cleanup_hash_ Hash *hash = calloc(1, sizeof(*hash));

    if (!hash)
        return NULL;
    hash->context = EVP_MD_CTX_new();
    if (!hash->context || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1)
        return NULL;
    return TAKE_PTR(hash);
}

int hash_update(Hash *hash, const void *data, size_t size)
{
    return EVP_DigestUpdate(hash->context, data, size) == 1 ? 0 : -EIO;
}

int hash_finish(Hash *hash, Digest *ret)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;

    if (EVP_DigestFinal_ex(hash->context, bytes, &size) != 1 || size != 32)
        return -EIO;
    *ret = digest_from_bytes(bytes);
    return 0;
}

int hash_bytes(const void *data, size_t size, Digest *ret)
{
    _cleanup_hash_ Hash *hash = hash_new();
    int r = hash ? hash_update(hash, data, size) : -ENOMEM;

    return r < 0 ? r : hash_finish(hash, ret);
}

int hash_stream(int fd, Digest *ret)
{
    _cleanup_free_ char *buffer = malloc(BUFFER_BYTES);
    _cleanup_hash_ Hash *hash = hash_new();
    ssize_t n = 1;
    int r = buffer && hash ? 0 : -ENOMEM;

    while (r == 0 && n > 0) {
        n = read(fd, buffer, BUFFER_BYTES);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n < 0)
            return -errno;
        else
            r = hash_update(hash, buffer, (size_t) n);
    }
    return r < 0 ? r : hash_finish(hash, ret);
}

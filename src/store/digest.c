/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ALGORITHM "sha256:"

int digest_parse_hex(const char *hex, Digest *ret)
{
    Digest digest = {};

    if (strspn(hex, "0123456789abcdef") != DIGEST_HEX_SIZE || hex[DIGEST_HEX_SIZE] != 0)
        return -EINVAL;
    memcpy(digest.hex, hex, DIGEST_HEX_SIZE);
    *ret = digest;
    return 0;
}

/* The grammar of the OCI image specification, descriptor.md: algorithm ":" encoded. */
static int check_other_algorithm(const char *text)
{
    size_t algorithm = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+._-");
    const char *encoded = text + algorithm + 1;

    if (algorithm == 0 || text[algorithm] != ':' || *encoded == 0)
        return -EINVAL;
    if (encoded[strspn(encoded, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789=_-")] != 0)
        return -EINVAL;
    return -EPROTONOSUPPORT;
}

int digest_parse(const char *text, Digest *ret)
{
    if (strncmp(text, ALGORITHM, strlen(ALGORITHM)) != 0)
        return check_other_algorithm(text);
    return digest_parse_hex(text + strlen(ALGORITHM), ret);
}

Digest digest_from_bytes(const unsigned char bytes[32])
{
    static const char digits[] = "0123456789abcdef";
    Digest digest = {};

    for (size_t i = 0; i < DIGEST_HEX_SIZE / 2; i++) {
        digest.hex[2 * i] = digits[bytes[i] >> 4];
        digest.hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    return digest;
}

DigestText digest_format(const Digest *digest)
{
    DigestText text = {};

    snprintf(text.text, sizeof(text.text), ALGORITHM "%s", digest->hex);
    return text;
}

bool digest_equal(const Digest *a, const Digest *b)
{
    return memcmp(a->hex, b->hex, sizeof(a->hex)) == 0;
}

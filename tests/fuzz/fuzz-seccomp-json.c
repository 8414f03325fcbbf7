/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profiles in docker's JSON. */
#include "host/seccomp-json.h"

#include "base/strv.h"

#include <errno.h>
#include <string.h>

static int parse_capability(const char *name, uint64_t *ret_mask, Error *error)
{
    if (strcmp(name, "CAP_SYS_ADMIN") != 0)
        return error_set(error, -EINVAL, "'%s' is not a capability", name);
    *ret_mask = 1 << 21;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const SeccompJsonFacts facts = {.capabilities = 1 << 21, .kernel = {6, 1}, .parse_capability = parse_capability};
    _cleanup_seccomp_json_ SeccompJson json = {};
    _cleanup_error_ Error error = {};

    if (seccomp_json_parse((const char *) data, size, &facts, &json, &error) < 0) {
        /* Whoever wrote it is told what is wrong. */
        if (!error.text && size > 0)
            __builtin_trap();
        return 0;
    }
    if (strv_length(json.architectures) == 0)
        __builtin_trap();
    for (size_t i = 0; i < json.rules_count; i++) {
        if (strv_length(json.rules[i].names) == 0)
            __builtin_trap();
        for (size_t j = 0; j < json.rules[i].arguments_count; j++)
            if (json.rules[i].arguments[j].index > 5)
                __builtin_trap();
    }
    return 0;
}

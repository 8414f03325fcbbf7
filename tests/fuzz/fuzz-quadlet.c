/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of quadlet's: what comes out of the conversion is in the syntax of definition files, holds no key that is quadlet's
 * alone, and a second conversion changes nothing more. */
#include "fuzz.h"

#include "base/strv.h"
#include "inputs/definition.h"
#include "inputs/quadlet.h"

#include <errno.h>

static const char *without_head(const char *converted)
{
    const char *newline = strchr(converted, '\n');

    FUZZ_ASSERT(newline && strncmp(converted, "# ", 2) == 0);
    return newline + 1;
}

/* -EOPNOTSUPP is what the reader says of quadlet's keys. */
static void no_key_is_left(Error *problem, int code, void *userdata)
{
    (void) userdata;
    FUZZ_ASSERT(code != -EOPNOTSUPP);
    error_done(problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = fuzz_string(data, size), *once = NULL, *twice = NULL;
    _cleanup_(spec_layer_freep) SpecLayer *layer = spec_layer_new(TRUST_ADMIN);
    _cleanup_strv_ char **notes = NULL, **more_notes = NULL;
    _cleanup_unit_lines_ UnitLines lines = {};
    _cleanup_error_ Error error = {};
    DefinitionReader reader = {layer, &lines, no_key_is_left, NULL};

    if (quadlet_convert(text, size, "fuzz", "/dir", &once, &notes, &error) < 0) {
        FUZZ_ASSERT(error.text && strncmp(error.text, "fuzz:", 5) == 0);
        return 0;
    }
    FUZZ_ASSERT(definition_read(&reader, once, strlen(once), "fuzz", &error) == 0);
    FUZZ_ASSERT(quadlet_convert(without_head(once), strlen(without_head(once)), "fuzz", "/dir", &twice, &more_notes,
                                &error) == 0);
    FUZZ_ASSERT(!more_notes);
    FUZZ_ASSERT(strcmp(without_head(once), without_head(twice)) == 0);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Image references: whatever is taken is the same after formatting, as a file name, and back. */
#include "base/strv.h"
#include "store/reference.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = strndup((const char *) data, size), *name = NULL, *file_name = NULL, *back = NULL;
    _cleanup_reference_ Reference reference = {};
    _cleanup_error_ Error error = {};
    _cleanup_strv_ char **candidates = NULL;

    if (!text)
        return 0;
    (void) reference_from_file_name(text, &back);
    free(TAKE_PTR(back));
    if (reference_parse(text, &reference, &error) < 0)
        return 0;
    name = reference_format_name(&reference);
    file_name = reference_to_file_name(name);
    if (strlen(name) > REFERENCE_MAX || strchr(file_name, '/') || file_name[0] == '.' ||
        reference_from_file_name(file_name, &back) < 0 || strcmp(name, back) != 0 ||
        reference_list_candidates(&reference, &candidates) < 0)
        __builtin_trap();
    return 0;
}

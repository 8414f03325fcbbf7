/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `cp` is given in words, and the maps that /proc tells. */
#include "ctl/copy-words.h"
#include "fuzz.h"
#include "tree/copy.h"

static void check_map(const char *text)
{
    static IdMap map, again;
    char *formatted;

    if (id_map_parse(text, &map) < 0 || map.count == 0)
        return;
    for (size_t i = 0; i < map.count; i++) {
        uint32_t inside = map.ranges[i].inside + map.ranges[i].count - 1;

        FUZZ_ASSERT(id_map_to_inside(&map, id_map_to_outside(&map, inside)) == inside);
    }
    formatted = id_map_format(&map);
    FUZZ_ASSERT(formatted && id_map_parse(formatted, &again) == 0 && again.count == map.count);
    free(formatted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size), *name = NULL;
    _cleanup_copy_word_ CopyWord word = {};
    _cleanup_error_ Error error = {};

    if (copy_word_parse(text, &word, &error) == 0)
        FUZZ_ASSERT((word.kind == COPY_WORD_STREAM) == (word.path == NULL) &&
                    (word.kind == COPY_WORD_INSIDE) == (word.name != NULL));
    /* The name that a copy gets is one component, whatever path it comes from. */
    if (copy_name_of(text, &name) == 0 && name)
        FUZZ_ASSERT(*name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
    free(name);
    check_map(text);
    free(text);
    return 0;
}

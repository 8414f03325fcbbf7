/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan as the executor reads it. What is taken encodes to a plan that is taken, and then stays the same. The seeds
 * are made here: the form of a plan changes with the kinds. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "steps/steps.h"

static void fill(StepList *list, StepKind kind, bool full)
{
    char *strings[] = {(char *) "/usr/bin/env", (char *) "a b", (char *) "", NULL};
    const StepKindRow *row = &step_kinds[kind];

    (void) step_list_add(list, kind, full ? "web.container:12" : NULL);
    for (size_t i = 0; full && i < row->fields_count; i++) {
        void *member = (char *) &list->steps[list->count - 1] + row->fields[i].offset;

        switch (row->fields[i].type) {
        case STEP_FIELD_STRING:
            *(const char **) member = step_list_string(list, "/some/path");
            break;
        case STEP_FIELD_LIST:
        case STEP_FIELD_SECRETS:
            *(const char ***) member = step_list_strings(list, strings);
            break;
        case STEP_FIELD_BYTES:
            *(const void **) member = step_list_bytes(list, "12345678", 8);
            *(uint64_t *) ((char *) member + sizeof(void *)) = 8;
            break;
        default:
            *(uint64_t *) member = i;
        }
    }
}

/* Each kind alone, empty and full; then all of them. */
void *fuzz_seed(size_t number, size_t *ret_size)
{
    _cleanup_(step_list_done) StepList list = {};
    void *data = NULL;

    if (number < 2U * (_STEP_KIND_MAX - 1))
        fill(&list, (StepKind) (number / 2 + 1), number % 2);
    else if (number == 2U * (_STEP_KIND_MAX - 1))
        for (StepKind kind = 1; kind < _STEP_KIND_MAX; kind++)
            fill(&list, kind, true);
    else
        return NULL;
    FUZZ_ASSERT(step_list_encode(&list, &data, ret_size) == 0);
    return data;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ void *copy = malloc(size > 0 ? size : 1), *first = NULL, *second = NULL;
    _cleanup_(step_list_done) StepList list = {}, again = {};
    size_t first_size = 0, second_size = 0;

    FUZZ_ASSERT(copy);
    if (size > 0)
        memcpy(copy, data, size);
    /* The size is in the header, where it is hard to guess: it is made right for every other input. */
    if (size >= 32 && size % 8 == 0 && data[size - 1] % 2 == 0)
        memcpy((char *) copy + 24, &(uint64_t){size}, 8);
    if (step_list_decode(copy, size, &list) < 0) {
        FUZZ_ASSERT(!list.steps && !list.memory);
        return 0;
    }
    for (size_t i = 0; i < list.count; i++) {
        _cleanup_free_ char *line = step_describe(&list.steps[i]);

        FUZZ_ASSERT(line && !strchr(line, '\n'));
    }
    FUZZ_ASSERT(step_list_encode(&list, &first, &first_size) == 0);
    FUZZ_ASSERT(step_list_decode(first, first_size, &again) == 0 && again.count == list.count);
    FUZZ_ASSERT(step_list_encode(&again, &second, &second_size) == 0);
    FUZZ_ASSERT(first_size == second_size && memcmp(first, second, first_size) == 0);
    return 0;
}

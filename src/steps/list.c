/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steps/steps.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void step_list_done(StepList *list)
{
    for (size_t i = 0; i < list->memory_count; i++)
        free(list->memory[i]);
    free(list->memory);
    free(list->steps);
    *list = (StepList){};
}

/* Takes `block`; NULL when there is no memory for it or the record of it. */
static void *keep(StepList *list, void *block)
{
    void **larger;

    if (!block) {
        list->failed = -ENOMEM;
        return NULL;
    }
    larger = reallocarray(list->memory, list->memory_count + 1, sizeof(void *));
    if (!larger) {
        free(block);
        list->failed = -ENOMEM;
        return NULL;
    }
    list->memory = larger;
    list->memory[list->memory_count++] = block;
    return block;
}

Step *step_list_add(StepList *list, StepKind kind, const char *origin)
{
    Step *larger = reallocarray(list->steps, list->count + 1, sizeof(Step));

    if (!larger) {
        list->failed = -ENOMEM;
        return &list->scratch;
    }
    list->steps = larger;
    list->steps[list->count] = (Step){.kind = kind, .origin = step_list_string(list, origin)};
    return &list->steps[list->count++];
}

const char *step_list_string(StepList *list, const char *string)
{
    return string ? keep(list, strdup(string)) : NULL;
}

const char *step_list_format(StepList *list, const char *format, ...)
{
    char *string = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&string, format, arguments) < 0)
        string = NULL;
    va_end(arguments);
    return keep(list, string);
}

const char **step_list_strings(StepList *list, char *const *strings)
{
    const char **copy;
    size_t count = 0;

    if (!strings)
        return NULL;
    while (strings[count])
        count++;
    copy = keep(list, calloc(count + 1, sizeof(char *)));
    for (size_t i = 0; copy && i < count; i++)
        copy[i] = step_list_string(list, strings[i]);
    return copy;
}

const void *step_list_bytes(StepList *list, const void *data, size_t size)
{
    void *copy = keep(list, malloc(size + 1));

    if (copy && size > 0)
        memcpy(copy, data, size);
    return copy;
}

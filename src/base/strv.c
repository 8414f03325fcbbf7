/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/strv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void strv_free(char **list)
{
    STRV_FOREACH (item, list)
        free(*item);
    free(list);
}

size_t strv_length(char *const *list)
{
    size_t length = 0;

    STRV_FOREACH (item, list)
        length++;
    return length;
}

bool strv_contains(char *const *list, const char *string)
{
    STRV_FOREACH (item, list)
        if (strcmp(*item, string) == 0)
            return true;
    return false;
}

int strv_push(char ***list, char *string)
{
    size_t length = strv_length(*list);
    char **larger = NULL;

    if (!string)
        return -ENOMEM;

    /* Grows at powers of two: the length tells when. */
    if (!*list || (length >= 3 && ((length + 1) & length) == 0)) {
        larger = reallocarray(*list, length < 3 ? 4 : (length + 1) * 2, sizeof(char *));
        if (!larger) {
            free(string);
            return -ENOMEM;
        }
        *list = larger;
    }
    (*list)[length] = string;
    (*list)[length + 1] = NULL;
    return 0;
}

int strv_append(char ***list, const char *string)
{
    return strv_push(list, strdup(string));
}

int strv_append_format(char ***list, const char *format, ...)
{
    char *string = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&string, format, arguments) < 0)
        string = NULL;
    va_end(arguments);
    return strv_push(list, string);
}

int strv_extend(char ***list, char *const *more)
{
    STRV_FOREACH (item, more) {
        int r = strv_append(list, *item);
        if (r < 0)
            return r;
    }
    return 0;
}

char **strv_copy(char *const *list)
{
    _cleanup_strv_ char **copy = calloc(4, sizeof(char *));

    if (!copy || strv_extend(&copy, list) < 0)
        return NULL;
    return TAKE_PTR(copy);
}

char **strv_new(const char *first, ...)
{
    _cleanup_strv_ char **list = calloc(4, sizeof(char *));
    va_list arguments;
    int r = list ? 0 : -ENOMEM;

    va_start(arguments, first);
    for (const char *item = first; item && r == 0; item = va_arg(arguments, const char *))
        r = strv_append(&list, item);
    va_end(arguments);
    return r < 0 ? NULL : TAKE_PTR(list);
}

char *strv_join(char *const *list, const char *separator)
{
    size_t size = 1;
    char *joined = NULL, *end = NULL;

    STRV_FOREACH (item, list)
        size += strlen(*item) + strlen(separator);
    joined = end = malloc(size);
    if (!joined)
        return NULL;
    *end = 0;
    STRV_FOREACH (item, list) {
        if (item != (char **) list)
            end = stpcpy(end, separator);
        end = stpcpy(end, *item);
    }
    return joined;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

void strv_sort(char **list)
{
    if (list)
        qsort(list, strv_length(list), sizeof(char *), compare_strings);
}

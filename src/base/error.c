/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_done(Error *error)
{
    if (!error)
        return;
    free(error->text);
    free(error->hint);
    *error = (Error){};
}

int error_set(Error *error, int code, const char *format, ...)
{
    va_list arguments;

    if (!error || error->code != 0)
        return code;

    error->code = code;
    va_start(arguments, format);
    if (vasprintf(&error->text, format, arguments) < 0)
        error->text = NULL;
    va_end(arguments);
    return code;
}

int error_prefix(Error *error, int code, const char *format, ...)
{
    _cleanup_free_ char *prefix = NULL;
    char *joined = NULL;
    va_list arguments;

    if (!error)
        return code;
    if (error->code == 0)
        error->code = code;

    va_start(arguments, format);
    if (vasprintf(&prefix, format, arguments) < 0)
        prefix = NULL;
    va_end(arguments);
    if (!prefix)
        return code;

    if (asprintf(&joined, "%s: %s", prefix, error->text ? error->text : strerror(-code)) < 0)
        return code;
    free(error->text);
    error->text = joined;
    return code;
}

int error_hint(Error *error, int code, const char *format, ...)
{
    va_list arguments;

    if (!error || error->hint)
        return code;

    va_start(arguments, format);
    if (vasprintf(&error->hint, format, arguments) < 0)
        error->hint = NULL;
    va_end(arguments);
    return code;
}

void error_move(Error *to, Error *from)
{
    if (to && to->code == 0) {
        *to = *from;
        *from = (Error){};
    } else
        error_done(from);
}

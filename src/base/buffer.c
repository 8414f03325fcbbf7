/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buffer_done(Buffer *buffer)
{
    free(buffer->data);
    *buffer = (Buffer){};
}

void buffer_append(Buffer *buffer, const void *data, size_t size)
{
    if (buffer->failed)
        return;
    if (buffer->room - buffer->size <= size) {
        size_t room = MAX(buffer->room * 2, buffer->size + size + 64);
        char *larger = realloc(buffer->data, room);

        if (!larger) {
            buffer->failed = -ENOMEM;
            return;
        }
        buffer->data = larger;
        buffer->room = room;
    }
    if (size > 0)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    buffer->data[buffer->size] = 0;
}

void buffer_append_string(Buffer *buffer, const char *string)
{
    buffer_append(buffer, string, strlen(string));
}

void buffer_append_format(Buffer *buffer, const char *format, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    if (text)
        buffer_append_string(buffer, text);
    else
        buffer->failed = -ENOMEM;
}

char *buffer_take(Buffer *buffer)
{
    char *data;

    if (!buffer->failed)
        buffer_append(buffer, "", 0);
    if (buffer->failed) {
        buffer_done(buffer);
        return NULL;
    }
    data = TAKE_PTR(buffer->data);
    buffer_done(buffer);
    return data;
}

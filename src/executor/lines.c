/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "executor/lines.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST ((size_t) 1024)
/* A buffer that a long line made larger than this is given back with the line. */
#define ROOM_KEPT ((size_t) 4096)

static void emit(LineCutter *cutter, const char *text, size_t size, bool is_partial, LineFunction function,
                 void *userdata)
{
    Line line = {.text = text, .size = size, .priority = cutter->priority, .is_partial = is_partial};

    if (!cutter->continues) {
        line.priority = -1;
        if (size >= 3 && text[0] == '<' && text[1] >= '0' && text[1] <= '7' && text[2] == '>') {
            line.priority = text[1] - '0';
            line.text += 3;
            line.size -= 3;
        }
    }
    cutter->priority = line.priority;
    cutter->continues = is_partial;
    function(&line, userdata);
}

static void emit_kept(LineCutter *cutter, bool is_partial, LineFunction function, void *userdata)
{
    emit(cutter, cutter->data ? cutter->data : "", cutter->size, is_partial, function, userdata);
    cutter->size = 0;
    if (cutter->room > ROOM_KEPT)
        lines_done(cutter);
}

/* Room for `more` bytes, as far as it may and can be had: how many fit. */
static size_t make_room(LineCutter *cutter, size_t more)
{
    size_t wanted = MIN(cutter->size + more, LINES_MAX_BYTES), room = MAX(cutter->room, ROOM_FIRST);
    char *larger;

    if (wanted <= cutter->room)
        return wanted - cutter->size;
    while (room < wanted)
        room *= 2;
    larger = realloc(cutter->data, room);
    if (larger) {
        cutter->data = larger;
        cutter->room = room;
    }
    return MIN(wanted, cutter->room) - cutter->size;
}

/* A part of a line whose end is not in sight, at least one byte. */
static void keep(LineCutter *cutter, const char *data, size_t size, LineFunction function, void *userdata)
{
    while (size > 0) {
        size_t take = make_room(cutter, size);

        if (take == 0 && cutter->size == 0) {
            /* Not even a first buffer: out with it as it is. */
            emit(cutter, data, size, true, function, userdata);
            return;
        }
        if (take == 0) {
            emit_kept(cutter, true, function, userdata);
            continue;
        }
        memcpy(cutter->data + cutter->size, data, take);
        cutter->size += take;
        data += take;
        size -= take;
    }
}

void lines_write(LineCutter *cutter, const char *data, size_t size, LineFunction function, void *userdata)
{
    while (size > 0) {
        const char *newline = memchr(data, '\n', size);
        size_t length = newline ? (size_t) (newline - data) : size;

        if (newline && cutter->size == 0 && length <= LINES_MAX_BYTES)
            emit(cutter, data, length, false, function, userdata); /* the common case copies nothing */
        else {
            keep(cutter, data, length, function, userdata);
            if (newline)
                emit_kept(cutter, false, function, userdata);
        }
        length += newline != NULL;
        data += length;
        size -= length;
    }
}

void lines_flush(LineCutter *cutter, LineFunction function, void *userdata)
{
    /* A line whose earlier parts are out is ended, be its last part empty. */
    if (cutter->size > 0 || cutter->continues)
        emit_kept(cutter, false, function, userdata);
}

void lines_done(LineCutter *cutter)
{
    free(cutter->data);
    cutter->data = NULL;
    cutter->size = cutter->room = 0;
}

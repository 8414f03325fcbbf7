/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steps/steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Layout: Header, then for each step a StepHeader and its fields in the order of the kind's row. Numbers are 8 bytes;
 * a string is its length (8 bytes, ABSENT for NULL) and its bytes with a NUL, padded to 8; a list is its count and
 * its strings; bytes are like a string. Everything is 8-byte aligned, so the seccomp program can be used in place. */

#define MAGIC   UINT64_C(0x4e414c5048545242) /* "BRTHPLAN" */
#define VERSION UINT64_C(1)
/* In the number of a kind: the step runs outside (Step.is_outer). */
#define OUTER     (UINT64_C(1) << 32)
#define ABSENT    UINT64_MAX
#define STEPS_MAX 4096U
#define ITEMS_MAX 65536U
#define PLAN_MAX  (UINT64_C(16) << 20)

typedef struct Header {
    uint64_t magic, version, steps, size;
} Header;

typedef struct Writer {
    char *data;
    size_t size, room;
    int failed;
} Writer;

static void write_bytes(Writer *writer, const void *data, size_t size)
{
    size_t padded = (size + 7) & ~(size_t) 7;

    if (writer->failed)
        return;
    if (writer->room - writer->size < padded) {
        size_t room = (writer->room + padded) * 2;
        char *larger = realloc(writer->data, room);

        if (!larger) {
            writer->failed = -ENOMEM;
            return;
        }
        writer->data = larger;
        writer->room = room;
    }
    if (size > 0)
        memcpy(writer->data + writer->size, data, size);
    memset(writer->data + writer->size + size, 0, padded - size);
    writer->size += padded;
}

static void write_number(Writer *writer, uint64_t number)
{
    write_bytes(writer, &number, sizeof(number));
}

static void write_string(Writer *writer, const char *string)
{
    write_number(writer, string ? strlen(string) : ABSENT);
    if (string)
        write_bytes(writer, string, strlen(string) + 1);
}

static void write_list(Writer *writer, const char *const *list)
{
    uint64_t count = 0;

    if (!list) {
        write_number(writer, ABSENT);
        return;
    }
    while (list[count])
        count++;
    write_number(writer, count);
    for (uint64_t i = 0; i < count; i++)
        write_string(writer, list[i]);
}

static void write_field(Writer *writer, const Step *step, const StepField *field)
{
    const void *member = (const char *) step + field->offset;

    switch (field->type) {
    case STEP_FIELD_STRING:
        write_string(writer, *(const char *const *) member);
        break;
    case STEP_FIELD_LIST:
    case STEP_FIELD_SECRETS:
        write_list(writer, *(const char *const *const *) member);
        break;
    case STEP_FIELD_BYTES: {
        uint64_t size = *(const uint64_t *) ((const char *) member + sizeof(void *));

        write_number(writer, size);
        write_bytes(writer, *(const void *const *) member, size);
        break;
    }
    default:
        write_number(writer, *(const uint64_t *) member);
    }
}

int step_list_encode(const StepList *list, void **ret, size_t *ret_size)
{
    Writer writer = {};
    Header header = {.magic = MAGIC, .version = VERSION, .steps = list->count};

    if (list->failed)
        return list->failed;
    write_bytes(&writer, &header, sizeof(header));
    for (size_t i = 0; i < list->count; i++) {
        const Step *step = &list->steps[i];
        const StepKindRow *row = &step_kinds[step->kind];

        write_number(&writer, step->kind | (step->is_outer ? OUTER : 0));
        write_string(&writer, step->origin);
        for (size_t j = 0; j < row->fields_count; j++)
            write_field(&writer, step, &row->fields[j]);
    }
    if (writer.failed) {
        free(writer.data);
        return writer.failed;
    }
    header.size = writer.size;
    memcpy(writer.data, &header, sizeof(header));
    if (writer.size > PLAN_MAX) {
        free(writer.data);
        return -E2BIG;
    }
    *ret = writer.data;
    *ret_size = writer.size;
    return 0;
}

typedef struct Reader {
    const char *data;
    size_t size, at;
} Reader;

static int read_bytes(Reader *reader, size_t size, const void **ret)
{
    size_t padded;

    if (size > reader->size - reader->at)
        return -EBADMSG;
    padded = (size + 7) & ~(size_t) 7;
    if (padded > reader->size - reader->at)
        return -EBADMSG;
    *ret = reader->data + reader->at;
    reader->at += padded;
    return 0;
}

static int read_number(Reader *reader, uint64_t *ret)
{
    const void *data = NULL;
    int r = read_bytes(reader, sizeof(*ret), &data);

    if (r == 0)
        memcpy(ret, data, sizeof(*ret));
    return r;
}

static int read_string(Reader *reader, const char **ret)
{
    const void *data = NULL;
    uint64_t length = 0;
    int r = read_number(reader, &length);

    if (r < 0)
        return r;
    if (length == ABSENT) {
        *ret = NULL;
        return 0;
    }
    if (length >= reader->size)
        return -EBADMSG;
    r = read_bytes(reader, (size_t) length + 1, &data);
    if (r < 0)
        return r;
    if (strnlen(data, (size_t) length + 1) != length)
        return -EBADMSG;
    *ret = data;
    return 0;
}

static int read_list(Reader *reader, StepList *list, const char ***ret)
{
    const char **items;
    void **larger;
    uint64_t count = 0;
    int r = read_number(reader, &count);

    if (r < 0)
        return r;
    if (count == ABSENT) {
        *ret = NULL;
        return 0;
    }
    /* Each item takes at least its length: a count that the rest cannot hold is refused before memory is asked for. */
    if (count > ITEMS_MAX || count > (reader->size - reader->at) / sizeof(uint64_t))
        return -EBADMSG;
    items = calloc((size_t) count + 1, sizeof(char *));
    larger = reallocarray(list->memory, list->memory_count + 1, sizeof(void *));
    if (larger)
        list->memory = larger;
    if (!items || !larger) {
        free(items);
        return -ENOMEM;
    }
    list->memory[list->memory_count++] = items;
    for (uint64_t i = 0; i < count; i++) {
        r = read_string(reader, &items[i]);
        if (r < 0)
            return r;
        if (!items[i])
            return -EBADMSG;
    }
    *ret = items;
    return 0;
}

static int read_field(Reader *reader, StepList *list, Step *step, const StepField *field)
{
    void *member = (char *) step + field->offset;

    switch (field->type) {
    case STEP_FIELD_STRING:
        return read_string(reader, member);
    case STEP_FIELD_LIST:
    case STEP_FIELD_SECRETS:
        return read_list(reader, list, member);
    case STEP_FIELD_BYTES: {
        uint64_t *size = (uint64_t *) ((char *) member + sizeof(void *));
        int r = read_number(reader, size);

        return r < 0 ? r : *size > PLAN_MAX ? -EBADMSG : read_bytes(reader, (size_t) *size, member);
    }
    default:
        return read_number(reader, member);
    }
}

static int read_step(Reader *reader, StepList *list, Step *step)
{
    uint64_t kind = 0;
    int r = read_number(reader, &kind);

    if (r < 0)
        return r;
    step->is_outer = kind & OUTER;
    kind &= ~OUTER;
    if (kind == _STEP_INVALID || kind >= _STEP_KIND_MAX || (step->is_outer && !step_kinds[kind].may_be_outer))
        return -EBADMSG;
    step->kind = (StepKind) kind;
    r = read_string(reader, &step->origin);
    for (size_t i = 0; r == 0 && i < step_kinds[kind].fields_count; i++)
        r = read_field(reader, list, step, &step_kinds[kind].fields[i]);
    return r;
}

int step_list_decode(const void *data, size_t size, StepList *ret)
{
    Reader reader = {.data = data, .size = size};
    StepList list = {};
    Header header;
    int r = 0;

    if (size < sizeof(header) || (uintptr_t) data % sizeof(uint64_t) != 0)
        return -EBADMSG;
    memcpy(&header, data, sizeof(header));
    if (header.magic != MAGIC || header.version != VERSION || header.size != size || header.steps > STEPS_MAX ||
        header.steps == 0)
        return -EBADMSG;
    reader.at = sizeof(header);

    list.steps = calloc((size_t) header.steps, sizeof(Step));
    if (!list.steps)
        return -ENOMEM;
    for (; r == 0 && list.count < header.steps; list.count++)
        r = read_step(&reader, &list, &list.steps[list.count]);
    if (r == 0 && reader.at != size)
        r = -EBADMSG;
    if (r < 0) {
        step_list_done(&list);
        return r;
    }
    *ret = list;
    return 0;
}

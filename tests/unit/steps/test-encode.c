/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan on its way to the executor: every kind with every field comes back as it was, and whatever is done to the
 * bytes, decoding ends with a plan or with -EBADMSG. */
#include "../test.h"

#include "base/cleanup.h"
#include "steps/steps.h"

#include <errno.h>

#define _cleanup_list_ _cleanup_(step_list_done)

static char *strings[] = {(char *) "first", (char *) "", (char *) "with \"blank\"", NULL};
static char *no_strings[] = {NULL};

/* Fills each field of a step with something of its own. */
static void fill(StepList *list, StepKind kind, unsigned seed)
{
    const StepKindRow *row = &step_kinds[kind];

    (void) step_list_add(list, kind, seed % 3 == 0 ? NULL : "web.container:12");
    for (size_t i = 0; i < row->fields_count; i++) {
        Step *step = &list->steps[list->count - 1];
        void *member = (char *) step + row->fields[i].offset;
        unsigned number = seed + (unsigned) i * 7 + (unsigned) kind * 100;

        switch (row->fields[i].type) {
        case STEP_FIELD_STRING:
            *(const char **) member =
                number % 4 == 0 ? NULL : step_list_format(list, "text %u%.*s", number, (int) (number % 9), "abcdefgh");
            break;
        case STEP_FIELD_LIST:
        case STEP_FIELD_SECRETS:
            *(const char ***) member = number % 4 == 0   ? NULL
                                       : number % 4 == 1 ? step_list_strings(list, no_strings)
                                                         : step_list_strings(list, strings);
            break;
        case STEP_FIELD_BYTES:
            *(const void **) member = step_list_bytes(list, "\0\1\2\3\4\5\6\7\b\t\n", number % 12);
            *(uint64_t *) ((char *) member + sizeof(void *)) = number % 12;
            break;
        default:
            *(uint64_t *) member = number % 5 == 0 ? UINT64_MAX - number : number;
        }
    }
}

static void fill_all(StepList *list, unsigned seed)
{
    for (StepKind kind = 1; kind < _STEP_KIND_MAX; kind++)
        fill(list, kind, seed);
}

static bool same_string(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_list(const char *const *a, const char *const *b)
{
    if (!a || !b)
        return a == b;
    for (; *a && *b; a++, b++)
        if (strcmp(*a, *b) != 0)
            return false;
    return *a == *b;
}

static bool same_step(const Step *a, const Step *b)
{
    const StepKindRow *row = &step_kinds[a->kind];

    if (a->kind != b->kind || !same_string(a->origin, b->origin))
        return false;
    for (size_t i = 0; i < row->fields_count; i++) {
        const void *x = (const char *) a + row->fields[i].offset, *y = (const char *) b + row->fields[i].offset;
        uint64_t size;

        switch (row->fields[i].type) {
        case STEP_FIELD_STRING:
            if (!same_string(*(const char *const *) x, *(const char *const *) y))
                return false;
            break;
        case STEP_FIELD_LIST:
        case STEP_FIELD_SECRETS:
            if (!same_list(*(const char *const *const *) x, *(const char *const *const *) y))
                return false;
            break;
        case STEP_FIELD_BYTES:
            size = *(const uint64_t *) ((const char *) x + sizeof(void *));
            if (size != *(const uint64_t *) ((const char *) y + sizeof(void *)) ||
                memcmp(*(const void *const *) x, *(const void *const *) y, size) != 0)
                return false;
            break;
        default:
            if (*(const uint64_t *) x != *(const uint64_t *) y)
                return false;
        }
    }
    return true;
}

static void every_kind_comes_back(void)
{
    for (unsigned seed = 0; seed < 24; seed++) {
        _cleanup_list_ StepList list = {}, back = {};
        _cleanup_free_ void *data = NULL, *again = NULL;
        size_t size = 0, again_size = 0;

        fill_all(&list, seed);
        ASSERT_OK(step_list_encode(&list, &data, &size));
        ASSERT_EQ(size % 8, 0);
        ASSERT_OK(step_list_decode(data, size, &back));
        ASSERT_EQ(back.count, list.count);
        for (size_t i = 0; i < list.count; i++)
            if (!same_step(&list.steps[i], &back.steps[i]))
                TEST_FAIL("'%s' comes back as another step", step_kinds[list.steps[i].kind].name);
        ASSERT_OK(step_list_encode(&back, &again, &again_size));
        ASSERT_EQ(again_size, size);
        ASSERT_TRUE(memcmp(data, again, size) == 0);
    }
}

/* The kernel reads the filter where it lies. */
static void bytes_are_aligned(void)
{
    _cleanup_list_ StepList list = {}, back = {};
    _cleanup_free_ void *data = NULL;
    size_t size = 0;

    fill(&list, STEP_HOSTNAME, 1);
    fill(&list, STEP_SECCOMP, 5);
    ASSERT_OK(step_list_encode(&list, &data, &size));
    ASSERT_OK(step_list_decode(data, size, &back));
    ASSERT_EQ((uintptr_t) back.steps[1].seccomp.program % 8, 0);
}

/* A copy in a block of exactly its size, so that a read behind it is seen. */
static int decode_copy(const void *data, size_t size)
{
    _cleanup_free_ void *copy = malloc(size > 0 ? size : 1);
    _cleanup_list_ StepList list = {};
    int r;

    if (size > 0)
        memcpy(copy, data, size);
    r = step_list_decode(copy, size, &list);
    if (r == 0)
        for (size_t i = 0; i < list.count; i++)
            free(step_describe(&list.steps[i]));
    else if (list.steps || list.memory)
        return -EBADE;
    return r;
}

static void every_truncation_is_refused(void)
{
    _cleanup_list_ StepList list = {};
    _cleanup_free_ char *data = NULL, *longer = NULL;
    size_t size = 0;

    fill_all(&list, 2);
    ASSERT_OK(step_list_encode(&list, (void **) &data, &size));
    for (size_t cut = 0; cut < size; cut++) {
        uint64_t claimed = cut;

        if (decode_copy(data, cut) != -EBADMSG)
            TEST_FAIL("the first %zu of %zu bytes are a plan", cut, size);
        /* And with a header that says so. */
        if (cut >= 32) {
            _cleanup_free_ char *lying = malloc(cut);

            memcpy(lying, data, cut);
            memcpy(lying + 24, &claimed, sizeof(claimed));
            if (decode_copy(lying, cut) != -EBADMSG)
                TEST_FAIL("%zu bytes with a fitting header are a plan", cut);
        }
    }
    longer = calloc(1, size + 8);
    memcpy(longer, data, size);
    ASSERT_ERROR(decode_copy(longer, size + 8), EBADMSG);
}

static void no_bit_flip_crashes(void)
{
    _cleanup_list_ StepList list = {};
    _cleanup_free_ char *data = NULL;
    size_t size = 0;
    unsigned refused = 0;

    fill_all(&list, 3);
    ASSERT_OK(step_list_encode(&list, (void **) &data, &size));
    for (size_t bit = 0; bit < size * 8; bit++) {
        int r;

        data[bit / 8] ^= (char) (1 << bit % 8);
        r = decode_copy(data, size);
        if (r != 0 && r != -EBADMSG)
            TEST_FAIL("bit %zu: %d", bit, r);
        if (bit < 32 * 8 && r == 0)
            TEST_FAIL("bit %zu of the header does not matter", bit);
        refused += r != 0;
        data[bit / 8] ^= (char) (1 << bit % 8);
    }
    ASSERT_TRUE(refused > 1000);
}

static void numbers_that_lie(void)
{
    static const uint64_t values[] = {
        0, 1, 7, 8, 4095, 65536, 65537, UINT32_MAX, INT64_MAX, UINT64_MAX - 7, UINT64_MAX - 1, UINT64_MAX};
    _cleanup_list_ StepList list = {};
    _cleanup_free_ char *data = NULL;
    size_t size = 0;

    fill_all(&list, 4);
    ASSERT_OK(step_list_encode(&list, (void **) &data, &size));
    for (size_t at = 0; at < size; at += 8)
        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
            char saved[8];
            int r;

            memcpy(saved, data + at, 8);
            memcpy(data + at, &values[i], 8);
            r = decode_copy(data, size);
            memcpy(data + at, saved, 8);
            if (r != 0 && r != -EBADMSG)
                TEST_FAIL("%" PRIu64 " at %zu: %d", values[i], at, r);
        }
}

/* A string is as long as it says: it neither ends early nor runs into what stands behind it. */
static void strings_end_where_they_say(void)
{
    _cleanup_list_ StepList list = {};
    _cleanup_free_ char *data = NULL;
    size_t size = 0;
    char *name;

    step_list_add(&list, STEP_HOSTNAME, "origin")->hostname.name = step_list_string(&list, "hostname");
    ASSERT_OK(step_list_encode(&list, (void **) &data, &size));
    name = memmem(data, size, "hostname", 9);
    ASSERT_NOT_NULL(name);
    for (size_t i = 0; i < 9; i++) {
        char saved = name[i];

        name[i] = i < 8 ? 0 : 'x';
        if (decode_copy(data, size) != -EBADMSG)
            TEST_FAIL("byte %zu of a string is changed and it is taken", i);
        name[i] = saved;
    }
    ASSERT_OK(decode_copy(data, size));
}

static void what_is_no_plan(void)
{
    _cleanup_list_ StepList list = {}, none = {};
    _cleanup_free_ char *data = NULL;
    size_t size = 0;
    uint64_t header[4];

    ASSERT_ERROR(step_list_decode("", 0, &none), EBADMSG);
    fill(&list, STEP_EXEC, 1);
    ASSERT_OK(step_list_encode(&list, (void **) &data, &size));
    memcpy(header, data, sizeof(header));
    ASSERT_EQ(header[2], 1);
    ASSERT_EQ(header[3], size);
    /* No steps; more than are allowed; another version. */
    for (size_t i = 0; i < 3; i++) {
        uint64_t changed[4] = {header[0], i == 0 ? header[1] + 1 : header[1],
                               i == 1   ? 0
                               : i == 2 ? 5000
                                        : header[2],
                               header[3]};

        memcpy(data, changed, sizeof(changed));
        ASSERT_ERROR(step_list_decode(data, size, &none), EBADMSG);
    }
    memcpy(data, header, sizeof(header));
    /* Not aligned: the programs in it could not be used in place. */
    _cleanup_free_ char *shifted = malloc(size + 1);
    memcpy(shifted + 1, data, size);
    ASSERT_ERROR(step_list_decode(shifted + 1, size, &none), EBADMSG);
    ASSERT_NULL(none.steps);
}

/* What the other side would not read is not sent. */
static void a_plan_that_is_too_large_is_not_written(void)
{
    _cleanup_list_ StepList list = {};
    _cleanup_free_ char *big = malloc((17 << 20) + 1);
    void *data = NULL;
    size_t size = 0;

    memset(big, 'x', 17 << 20);
    big[17 << 20] = 0;
    step_list_add(&list, STEP_HOSTNAME, "x")->hostname.name = step_list_string(&list, big);
    ASSERT_ERROR(step_list_encode(&list, &data, &size), E2BIG);
    ASSERT_NULL(data);
}

static void failure_is_remembered(void)
{
    _cleanup_list_ StepList list = {};
    void *data = NULL;
    size_t size = 0;

    fill(&list, STEP_EXEC, 1);
    list.failed = -ENOMEM;
    ASSERT_ERROR(step_list_encode(&list, &data, &size), ENOMEM);
    ASSERT_NULL(data);
}

int main(void)
{
    TEST_RUN(every_kind_comes_back);
    TEST_RUN(bytes_are_aligned);
    TEST_RUN(every_truncation_is_refused);
    TEST_RUN(no_bit_flip_crashes);
    TEST_RUN(numbers_that_lie);
    TEST_RUN(strings_end_where_they_say);
    TEST_RUN(what_is_no_plan);
    TEST_RUN(a_plan_that_is_too_large_is_not_written);
    TEST_RUN(failure_is_remembered);
    return test_finish();
}

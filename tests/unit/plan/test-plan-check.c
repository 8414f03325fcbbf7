/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan that is out of order is refused before anything is done, and the message names the step. */
#include "../test.h"

#include "base/cleanup.h"
#include "plan/plan.h"
#include "spec/build-spec.h"

#include <errno.h>

static const StepKind good[] = {STEP_CGROUP, STEP_START,    STEP_SUPERVISE, STEP_ROOT_TREE,    STEP_MOUNT,
                                STEP_PIVOT,  STEP_IDENTITY, STEP_HOSTNAME,  STEP_CAPABILITIES, STEP_EXEC};

static int check(const StepKind *kinds, size_t count, Error *error)
{
    _cleanup_(step_list_done) StepList list = {};

    for (size_t i = 0; i < count; i++)
        (void) step_list_add(&list, kinds[i], "test");
    return plan_check(&list, error);
}

#define CHECK(error, ...)                                                                                              \
    ({                                                                                                                 \
        const StepKind _kinds[] = {__VA_ARGS__};                                                                       \
        check(_kinds, ELEMENTSOF(_kinds), error);                                                                      \
    })

static void a_good_plan(void)
{
    _cleanup_error_ Error error = {};

    ASSERT_OK(check(good, ELEMENTSOF(good), &error));
    ASSERT_NULL(error.text);
    /* To enter a running container. */
    ASSERT_OK(CHECK(NULL, STEP_JOIN_START, STEP_SUPERVISE, STEP_JOIN, STEP_IDENTITY, STEP_CAPABILITIES, STEP_EXEC));
}

/* Each step of the good plan that somebody leans on, left out. */
static void a_missing_step(void)
{
    for (size_t left_out = 0; left_out < ELEMENTSOF(good); left_out++) {
        StepKind kinds[ELEMENTSOF(good)];
        _cleanup_error_ Error error = {};
        size_t count = 0;
        bool needed = good[left_out] != STEP_CGROUP && good[left_out] != STEP_MOUNT &&
                      good[left_out] != STEP_HOSTNAME && good[left_out] != STEP_CAPABILITIES;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
            if (i != left_out)
                kinds[count++] = good[i];
        r = check(kinds, count, &error);
        if (r != (needed ? -EBADMSG : 0) || (needed && !error.text))
            TEST_FAIL("without %s: %d (%s)", step_kinds[good[left_out]].name, r, error.text);
    }
}

/* And each that writes or must be single, twice. */
static void a_step_too_many(void)
{
    static const StepKind once[] = {STEP_CGROUP, STEP_START,    STEP_SUPERVISE, STEP_ROOT_TREE,
                                    STEP_PIVOT,  STEP_IDENTITY, STEP_EXEC};

    for (size_t i = 0; i < ELEMENTSOF(once); i++) {
        StepKind kinds[ELEMENTSOF(good) + 1];
        _cleanup_error_ Error error = {};
        size_t count = 0;

        for (size_t j = 0; j < ELEMENTSOF(good); j++) {
            kinds[count++] = good[j];
            if (good[j] == once[i])
                kinds[count++] = good[j];
        }
        if (check(kinds, count, &error) != -EBADMSG || !error.text)
            TEST_FAIL("%s twice is taken", step_kinds[once[i]].name);
    }
}

static void messages(void)
{
    _cleanup_error_ Error early = {}, twice = {}, order = {}, none = {}, last = {};

    ASSERT_ERROR(CHECK(&early, STEP_START, STEP_SUPERVISE, STEP_MOUNT), EBADMSG);
    ASSERT_STREQ(early.text, "step 2 (mount) reads the slot 'root' before anything wrote it");
    ASSERT_ERROR(CHECK(&twice, STEP_START, STEP_START), EBADMSG);
    ASSERT_STREQ(twice.text, "step 1 (start) writes the slot 'payload' a second time");
    ASSERT_ERROR(CHECK(&order, STEP_START, STEP_SUPERVISE, STEP_ROOT_TREE, STEP_CGROUP), EBADMSG);
    ASSERT_STREQ(order.text, "step 3 (cgroup) runs on the host but stands behind an inner step");
    ASSERT_ERROR(check(NULL, 0, &none), EBADMSG);
    ASSERT_CONTAINS(none.text, "one start, one supervise and one exec");
    ASSERT_ERROR(
        CHECK(&last, STEP_START, STEP_SUPERVISE, STEP_ROOT_TREE, STEP_PIVOT, STEP_IDENTITY, STEP_EXEC, STEP_KEYRING),
        EBADMSG);
    ASSERT_CONTAINS(last.text, "the last step must be exec");
}

static void spec_and_facts_that_do_not_fit(void)
{
    char *layers[] = {(char *) "layer", NULL};
    const HostFacts none = {.id = "0"}, both = {.id = "0", .directory_fd = 1, .layers = layers, .data_fd = 2};
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_error_ Error error = {}, second = {};
    StepList list = {};

    ASSERT_OK(finish_one("command", "/bin/true", &spec, NULL));
    ASSERT_ERROR(plan_make(spec, &none, &list, &error), EINVAL);
    ASSERT_ERROR(plan_make(spec, &both, &list, &second), EINVAL);
    ASSERT_CONTAINS(error.text, "either a directory or an image's layers");
    ASSERT_NULL(list.steps);
}

int main(void)
{
    TEST_RUN(a_good_plan);
    TEST_RUN(a_missing_step);
    TEST_RUN(a_step_too_many);
    TEST_RUN(messages);
    TEST_RUN(spec_and_facts_that_do_not_fit);
    return test_finish();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first cause stays, origins go in front of it, the first advice stays; and nobody needs to want a text. */
#include "base/error.h"

#include "../test.h"

#include <errno.h>
#include <string.h>

static void the_first_cause_stays(void)
{
    _cleanup_error_ Error error = {};

    ASSERT_EQ(error_set(&error, -ENOENT, "no %s", "file"), -ENOENT);
    ASSERT_EQ(error_set(&error, -EINVAL, "a consequence"), -EINVAL);
    ASSERT_EQ(error.code, -ENOENT);
    ASSERT_STREQ(error.text, "no file");
    ASSERT_NULL(error.hint);
}

static void origins_go_in_front(void)
{
    _cleanup_error_ Error error = {};

    (void) error_set(&error, -EINVAL, "'x' is no size");
    ASSERT_EQ(error_prefix(&error, -EINVAL, "%s:%u", "web.container", 12U), -EINVAL);
    ASSERT_EQ(error_prefix(&error, -EBADMSG, "image"), -EBADMSG);
    ASSERT_STREQ(error.text, "image: web.container:12: 'x' is no size");
    ASSERT_EQ(error.code, -EINVAL);
}

static void an_errno_alone_gets_its_text(void)
{
    _cleanup_error_ Error error = {};

    ASSERT_EQ(error_prefix(&error, -EACCES, "/srv"), -EACCES);
    ASSERT_EQ(error.code, -EACCES);
    ASSERT_STREQ(error.text, "/srv: Permission denied");
}

static void the_first_advice_stays(void)
{
    _cleanup_error_ Error error = {};

    ASSERT_EQ(error_hint(&error, error_set(&error, -EINVAL, "wrong"), "do %d", 1), -EINVAL);
    ASSERT_EQ(error_hint(&error, -EINVAL, "do 2"), -EINVAL);
    ASSERT_STREQ(error.hint, "do 1");
}

static void moves_into_an_empty_one_only(void)
{
    _cleanup_error_ Error to = {}, first = {}, second = {};

    (void) error_hint(&first, error_set(&first, -ENOENT, "first"), "advice");
    (void) error_set(&second, -EINVAL, "second");
    error_move(&to, &first);
    ASSERT_EQ(to.code, -ENOENT);
    ASSERT_STREQ(to.hint, "advice");
    ASSERT_EQ(first.code, 0);
    ASSERT_NULL(first.text);
    error_move(&to, &second);
    ASSERT_STREQ(to.text, "first");
    ASSERT_NULL(second.text);
}

static void nobody_listens(void)
{
    Error lost = {};

    ASSERT_EQ(error_set(NULL, -ENOENT, "x"), -ENOENT);
    ASSERT_EQ(error_prefix(NULL, -ENOENT, "x"), -ENOENT);
    ASSERT_EQ(error_hint(NULL, -ENOENT, "x"), -ENOENT);
    (void) error_set(&lost, -EINVAL, "lost");
    error_move(NULL, &lost);
    ASSERT_NULL(lost.text);
    error_done(NULL);
}

int main(void)
{
    TEST_RUN(the_first_cause_stays);
    TEST_RUN(origins_go_in_front);
    TEST_RUN(an_errno_alone_gets_its_text);
    TEST_RUN(the_first_advice_stays);
    TEST_RUN(moves_into_an_empty_one_only);
    TEST_RUN(nobody_listens);
    return test_finish();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../test.h"
#include "pull/wire.h"

#include <errno.h>

static void test_round_trips(void)
{
    const WireRequest request = {
        .id = 7, .kind = WIRE_BLOB, .reference = (char *) "sha256:x", .size_bytes = 1234567890123};
    const WireReply reply = {
        .id = 7, .code = -ENOENT, .text = (char *) "no \"such\"", .hint = (char *) "look", .bytes = 3};
    _cleanup_free_ char *question = wire_request_format(&request), *answer = wire_reply_format(&reply);
    _cleanup_wire_request_ WireRequest request_back = {};
    _cleanup_wire_reply_ WireReply reply_back = {};

    ASSERT_OK(wire_request_parse(question, strlen(question), &request_back, NULL));
    ASSERT_EQ(request_back.kind, WIRE_BLOB);
    ASSERT_EQ(request_back.size_bytes, 1234567890123);
    ASSERT_STREQ(request_back.reference, "sha256:x");
    ASSERT_NULL(request_back.media_type);
    ASSERT_OK(wire_reply_parse(answer, strlen(answer), &reply_back, NULL));
    ASSERT_EQ(reply_back.code, -ENOENT);
    ASSERT_STREQ(reply_back.text, "no \"such\"");
    ASSERT_EQ(reply_back.bytes, 3);
}

/* The puller is what a hostile server may have taken over. */
static void test_hostile_replies(void)
{
    static const char *const texts[] = {"",
                                        "{}",
                                        "[1]",
                                        "{\"id\":0}",
                                        "{\"id\":-1}",
                                        "{\"id\":1,\"errno\":-2}",
                                        "{\"id\":1,\"errno\":5000}",
                                        "{\"id\":1,\"text\":2}",
                                        "{\"id\":1,\"id\":2}",
                                        "{\"id\":99999999999}"};

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_wire_reply_ WireReply reply = {};

        if (wire_reply_parse(texts[i], strlen(texts[i]), &reply, NULL) != -EINVAL)
            TEST_FAIL("'%s' is taken", texts[i]);
    }
}

int main(void)
{
    TEST_RUN(test_round_trips);
    TEST_RUN(test_hostile_replies);
    return test_finish();
}

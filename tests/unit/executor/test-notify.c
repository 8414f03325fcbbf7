/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes on of what a payload says: nothing that acts on the unit, nothing that acts on a terminal. */
#include "executor/notify.h"

#include "../test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int context_fd(const Context *context, uint64_t place_plus_one)
{
    return place_plus_one > 0 ? context->fds[place_plus_one - 1] : -EBADF;
}

static const char *filtered(Notify *notify, const char *text)
{
    static char relay[1024];

    return notify_filter(notify, text, strlen(text), relay, sizeof(relay)) ? relay : "";
}

static void passes_on_what_it_may(void)
{
    StepSupervise step = {.notify = STEP_NOTIFY_CONTAINER};
    Notify notify = {.step = &step};

    ASSERT_STREQ(filtered(&notify, "STATUS=hello\nREADY=1"), "STATUS=hello\nREADY=1\n");
    ASSERT_TRUE(notify.is_ready);
    /* Once. */
    ASSERT_STREQ(filtered(&notify, "READY=1\n"), "");
    ASSERT_STREQ(filtered(&notify, "STATUS=a\x1b[2J\tb\x7f"), "STATUS=a [2J b \n");
    ASSERT_STREQ(filtered(&notify,
                          "MAINPID=1\nFDSTORE=1\nBARRIER=1\nERRNO=2\nSTOPPING=1\nRELOADING=1\nWATCHDOG_USEC=1\n"
                          "EXTEND_TIMEOUT_USEC=9999999999\nNOTIFYACCESS=all\nXSTATUS=1\n\n\nSTATUS=\n"),
                 "");
    /* Not asked for. */
    ASSERT_STREQ(filtered(&notify, "WATCHDOG=1"), "");
    step.watchdog_usec = 1;
    ASSERT_STREQ(filtered(&notify, "WATCHDOG=1\nWATCHDOG=trigger\nWATCHDOG=2\n"), "WATCHDOG=1\nWATCHDOG=trigger\n");
}

static void readiness_is_said_by_who_is_asked(void)
{
    StepSupervise step = {.notify = STEP_NOTIFY_STARTED, .watchdog_usec = 1};
    Notify notify = {.step = &step};

    ASSERT_STREQ(filtered(&notify, "READY=1\nSTATUS=x\nWATCHDOG=1"), "STATUS=x\n");
    ASSERT_FALSE(notify.is_ready);
}

static void bounds_what_it_passes_on(void)
{
    StepSupervise step = {};
    Notify notify = {.step = &step};
    char text[4096];
    const char *relay;

    memset(text, 'x', sizeof(text));
    memcpy(text, "STATUS=", 7);
    text[sizeof(text) - 1] = 0;
    relay = filtered(&notify, text);
    ASSERT_EQ(strlen(relay), 7 + 256 + 1u);
    /* Many of them: as many as fit, each whole. */
    for (size_t i = 0; i + 9 < sizeof(text); i += 9)
        memcpy(text + i, "STATUS=y\n", 9);
    relay = filtered(&notify, text);
    ASSERT_TRUE(strlen(relay) < 1024 && strlen(relay) % 9 == 0 && strlen(relay) > 900);
    /* Not terminated, and no line at all. */
    ASSERT_FALSE(notify_filter(&notify, "READY=1XXX", 3, (char[64]){}, 64));
    ASSERT_FALSE(notify_filter(&notify, "", 0, (char[64]){}, 64));
}

static void an_init_system_listens_when_it_says_so(void)
{
    StepSupervise step = {.is_system = true};
    Context context = {.notify_fd = 99};
    Notify notify;

    notify_init(&notify, &context, &step, 1000);
    ASSERT_FALSE(notify_is_listening(&notify, 1000));
    ASSERT_STREQ(filtered(&notify, "X_SYSTEMD_SIGNALS_LEVEL=1"), "");
    ASSERT_FALSE(notify_is_listening(&notify, 1000));
    ASSERT_STREQ(filtered(&notify, "X_SYSTEMD_SIGNALS_LEVEL=2"), "");
    ASSERT_TRUE(notify_is_listening(&notify, 1000));
    /* An old one says that it is ready; another kind says nothing, and is not waited for for ever. */
    notify_init(&notify, &context, &step, 1000);
    ASSERT_STREQ(filtered(&notify, "READY=1"), "");
    ASSERT_TRUE(notify_is_listening(&notify, 1000));
    notify_init(&notify, &context, &step, 1000);
    ASSERT_FALSE(notify_is_listening(&notify, 5000000));
    ASSERT_TRUE(notify_is_listening(&notify, 10001000));
    step.is_system = false;
    notify_init(&notify, &context, &step, 1000);
    ASSERT_TRUE(notify_is_listening(&notify, 1000));
}

static const char *received(int fd)
{
    static char bytes[512];
    ssize_t n = recv(fd, bytes, sizeof(bytes) - 1, MSG_DONTWAIT);

    bytes[n < 0 ? 0 : n] = 0;
    return bytes;
}

static void believes_one_process_only(void)
{
    int unit[2], payload[2], yes = 1;

    ASSERT_OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, unit));
    ASSERT_OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, payload));
    ASSERT_OK(setsockopt(payload[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)));
    StepSupervise step = {.notify = STEP_NOTIFY_CONTAINER, .unit_notify_fd = 1};
    Context context = {.notify_fd = payload[0], .fds = &unit[1], .fds_count = 1};
    Notify notify;

    notify_init(&notify, &context, &step, 0);
    ASSERT_EQ(send(payload[1], "READY=1", 7, 0), 7);
    notify_receive(&notify, getppid());
    ASSERT_STREQ(received(unit[0]), "");
    ASSERT_FALSE(notify.is_ready);
    ASSERT_EQ(send(payload[1], "READY=1", 7, 0), 7);
    notify_receive(&notify, getpid());
    ASSERT_STREQ(received(unit[0]), "READY=1\n");
    ASSERT_STREQ(received(unit[0]), "");
    for (int i = 0; i < 2; i++) {
        close(unit[i]);
        close(payload[i]);
    }
}

static void keeps_the_watchdog_content(void)
{
    int unit[2];

    ASSERT_OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, unit));
    StepSupervise step = {.unit_notify_fd = 1, .watchdog_usec = 1000};
    Context context = {.notify_fd = -EBADF, .fds = &unit[1], .fds_count = 1};
    Notify notify;

    notify_init(&notify, &context, &step, 5000);
    notify_on_time(&notify, 5000);
    ASSERT_STREQ(received(unit[0]), "WATCHDOG=1\n");
    notify_on_time(&notify, 5499);
    ASSERT_STREQ(received(unit[0]), "");
    notify_on_time(&notify, 5500);
    ASSERT_STREQ(received(unit[0]), "WATCHDOG=1\n");
    /* It is the payload's where the payload speaks for itself. */
    step.notify = STEP_NOTIFY_CONTAINER;
    notify_init(&notify, &context, &step, 5000);
    notify_on_time(&notify, UINT64_MAX - 1);
    ASSERT_STREQ(received(unit[0]), "");
    close(unit[0]);
    close(unit[1]);
}

int main(void)
{
    TEST_RUN(passes_on_what_it_may);
    TEST_RUN(readiness_is_said_by_who_is_asked);
    TEST_RUN(bounds_what_it_passes_on);
    TEST_RUN(an_init_system_listens_when_it_says_so);
    TEST_RUN(believes_one_process_only);
    TEST_RUN(keeps_the_watchdog_content);
    return test_finish();
}

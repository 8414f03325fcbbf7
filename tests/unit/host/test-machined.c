/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registration against a machined of our own at the other end of a socket: what the oldest and the newest one answer, and
 * who may be replaced. */
#include "host/machined.h"

#include "base/text.h"
#include "host/systemd-internal.h"
#include "kernel/process.h"

#include "../test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>

typedef struct Fake {
    sd_bus *bus;
    bool has_ex;         /* 259 and later */
    bool is_taken;       /* the name is registered */
    const char *service; /* by whom */
    uint32_t leader;     /* for whom */
    unsigned lingers;    /* how many registrations fail after an unregistration, until the name is free */
    unsigned registrations, unregistrations, ex_calls;
    uint8_t id[16];
    size_t id_size;
    char root[64];
    atomic_bool stop;
    pthread_t thread;
} Fake;

static int take(Fake *fake, sd_bus_message *m, uint32_t leader, const char *service)
{
    if (fake->is_taken || fake->lingers > 0) {
        if (!fake->is_taken)
            fake->lingers--;
        return sd_bus_reply_method_errorf(m, "org.freedesktop.machine1.MachineExists", "Machine already exists");
    }
    fake->registrations++;
    fake->is_taken = true;
    fake->leader = leader;
    fake->service = service;
    return sd_bus_reply_method_return(m, "o", "/org/freedesktop/machine1/machine/web");
}

static int on_register(sd_bus_message *m, Fake *fake)
{
    const char *name, *service, *class, *root;
    const void *id;
    uint32_t leader;

    if (sd_bus_message_read(m, "s", &name) < 0 || sd_bus_message_read_array(m, 'y', &id, &fake->id_size) < 0 ||
        sd_bus_message_read(m, "ssusai", &service, &class, &leader, &root, 0) < 0 || strcmp(name, "web") != 0 ||
        strcmp(class, "container") != 0 || strcmp(service, "berth") != 0)
        return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_INVALID_ARGS, "bad arguments");
    memcpy(fake->id, id, MIN(fake->id_size, sizeof(fake->id)));
    snprintf(fake->root, sizeof(fake->root), "%s", root);
    return take(fake, m, leader, "berth");
}

static int on_register_ex(sd_bus_message *m, Fake *fake)
{
    uint32_t leader = 0;
    uint64_t pidfd_id = 0;
    const char *name = NULL, *key = NULL;
    _cleanup_close_ int pidfd = -EBADF;
    int r;

    fake->ex_calls++;
    if (!fake->has_ex)
        return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_METHOD, "Unknown method");
    r = sd_bus_message_read(m, "s", &name);
    if (r >= 0)
        r = sd_bus_message_enter_container(m, 'a', "(sv)");
    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "sv")) > 0) {
        const char *text = NULL;

        r = sd_bus_message_read(m, "s", &key);
        if (r >= 0 && strcmp(key, "LeaderPID") == 0)
            r = sd_bus_message_read(m, "v", "u", &leader);
        else if (r >= 0 && strcmp(key, "LeaderPIDFDID") == 0)
            r = sd_bus_message_read(m, "v", "t", &pidfd_id);
        else if (r >= 0 && strcmp(key, "Id") == 0) {
            const void *id;

            r = sd_bus_message_enter_container(m, 'v', "ay");
            if (r >= 0)
                r = sd_bus_message_read_array(m, 'y', &id, &fake->id_size);
            if (r >= 0)
                memcpy(fake->id, id, MIN(fake->id_size, sizeof(fake->id)));
            if (r >= 0)
                r = sd_bus_message_exit_container(m);
        } else if (r >= 0 &&
                   (strcmp(key, "Service") == 0 || strcmp(key, "Class") == 0 || strcmp(key, "RootDirectory") == 0)) {
            r = sd_bus_message_read(m, "v", "s", &text);
            if (r >= 0 && strcmp(key, "RootDirectory") == 0)
                snprintf(fake->root, sizeof(fake->root), "%s", text);
        } else
            r = -EINVAL; /* as machined has it: an unknown key is an error */
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
    }
    /* The number is that of the very process. */
    pidfd = process_open((pid_t) leader);
    if (r < 0 || leader == 0 || pidfd_id != process_pidfd_id(pidfd))
        return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_INVALID_ARGS, "bad arguments");
    return take(fake, m, leader, "berth");
}

static int on_get(sd_bus_message *m, Fake *fake)
{
    const char *interface, *property;

    if (!fake->is_taken)
        return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_OBJECT, "Unknown object");
    if (sd_bus_message_read(m, "ss", &interface, &property) < 0)
        return -EINVAL;
    if (strcmp(property, "Service") == 0)
        return sd_bus_reply_method_return(m, "v", "s", fake->service);
    return sd_bus_reply_method_return(m, "v", "u", fake->leader);
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    Fake *fake = userdata;

    if (sd_bus_message_is_method_call(m, NULL, "RegisterMachineEx"))
        return on_register_ex(m, fake);
    if (sd_bus_message_is_method_call(m, NULL, "RegisterMachineWithNetwork"))
        return on_register(m, fake);
    if (sd_bus_message_is_method_call(m, NULL, "Get"))
        return on_get(m, fake);
    if (sd_bus_message_is_method_call(m, NULL, "UnregisterMachine")) {
        fake->unregistrations++;
        if (!fake->is_taken)
            return sd_bus_reply_method_errorf(m, "org.freedesktop.machine1.NoSuchMachine", "No machine");
        fake->is_taken = false;
        return sd_bus_reply_method_return(m, NULL);
    }
    return 0;
}

static void *serve(void *userdata)
{
    Fake *fake = userdata;

    while (!atomic_load(&fake->stop)) {
        int r = sd_bus_process(fake->bus, NULL);

        if (r < 0)
            break;
        if (r == 0)
            (void) sd_bus_wait(fake->bus, 20000);
    }
    return NULL;
}

static void fake_start(Fake *fake, Systemd *systemd)
{
    int fds[2];
    sd_id128_t id = {.bytes = {1}};

    ASSERT_EQ(systemd_load_library(NULL), 0);
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    ASSERT_TRUE(sd_bus_new(&fake->bus) >= 0);
    ASSERT_TRUE(sd_bus_set_fd(fake->bus, fds[0], fds[0]) >= 0);
    ASSERT_TRUE(sd_bus_set_server(fake->bus, 1, id) >= 0);
    ASSERT_TRUE(sd_bus_set_anonymous(fake->bus, 1) >= 0);
    ASSERT_TRUE(sd_bus_negotiate_fds(fake->bus, 1) >= 0);
    ASSERT_TRUE(sd_bus_start(fake->bus) >= 0);
    ASSERT_TRUE(sd_bus_add_filter(fake->bus, NULL, on_message, fake) >= 0);
    ASSERT_EQ(pthread_create(&fake->thread, NULL, serve, fake), 0);
    ASSERT_TRUE(sd_bus_new(&systemd->bus) >= 0);
    ASSERT_TRUE(sd_bus_set_fd(systemd->bus, fds[1], fds[1]) >= 0);
    ASSERT_TRUE(sd_bus_negotiate_fds(systemd->bus, 1) >= 0);
    ASSERT_TRUE(sd_bus_start(systemd->bus) >= 0);
}

static void fake_stop(Fake *fake, Systemd *systemd)
{
    atomic_store(&fake->stop, true);
    pthread_join(fake->thread, NULL);
    sd_bus_close_unref(systemd->bus);
    sd_bus_close_unref(fake->bus);
}

static MachinedRecord record_of(pid_t leader)
{
    return (MachinedRecord){.name = "web",
                            .id = "000102030405060708090a0b0c0d0e0f",
                            .host_directory = "/srv/tree",
                            .leader = leader,
                            .leader_pidfd = process_open(leader)};
}

static void registers_with(bool has_ex)
{
    Fake fake = {.has_ex = has_ex};
    Systemd systemd = {};
    MachinedRecord record = record_of(getpid());
    _cleanup_error_ Error error = {};

    fake_start(&fake, &systemd);
    ASSERT_EQ(machined_register(&systemd, &record, &error), 0);
    ASSERT_EQ(fake.leader, (uint32_t) getpid());
    ASSERT_STREQ(fake.root, "/srv/tree");
    ASSERT_EQ(fake.id_size, 16u);
    for (uint8_t i = 0; i < 16; i++)
        ASSERT_EQ(fake.id[i], i);
    /* Where the kernel numbers pidfds: Linux 6.9. */
    ASSERT_EQ(fake.ex_calls, process_pidfd_id(record.leader_pidfd) != 0 ? 1u : 0u);
    /* The same once more is no second machine. */
    ASSERT_EQ(machined_register(&systemd, &record, &error), 0);
    ASSERT_EQ(fake.registrations, 1u);
    /* Of another leader it is not taken back, of this one once. */
    ASSERT_EQ(machined_unregister(&systemd, "web", 1, &error), 0);
    ASSERT_EQ(fake.unregistrations, 0u);
    ASSERT_EQ(machined_unregister(&systemd, "web", getpid(), &error), 0);
    ASSERT_EQ(machined_unregister(&systemd, "web", getpid(), &error), 0);
    ASSERT_EQ(fake.unregistrations, 1u);
    fake_stop(&fake, &systemd);
    safe_close(record.leader_pidfd);
}

static void registers_with_the_newest(void)
{
    registers_with(true);
}

static void registers_with_the_oldest(void)
{
    registers_with(false);
}

/* R8: what an earlier start left is replaced, although machined takes a moment to let go of the name. */
static void replaces_one_of_ours(void)
{
    Fake fake = {.is_taken = true, .service = "berth", .leader = 1, .lingers = 3};
    Systemd systemd = {};
    MachinedRecord record = record_of(getpid());
    _cleanup_error_ Error error = {};

    fake_start(&fake, &systemd);
    ASSERT_EQ(machined_register(&systemd, &record, &error), 0);
    ASSERT_EQ(fake.unregistrations, 1u);
    ASSERT_EQ(fake.leader, (uint32_t) getpid());
    fake_stop(&fake, &systemd);
    safe_close(record.leader_pidfd);
}

static pid_t make_dead(int *ret_pidfd)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    *ret_pidfd = process_open(pid);
    (void) waitpid(pid, NULL, 0);
    return pid;
}

static void replaces_a_dead_stranger_only(void)
{
    Fake fake = {.is_taken = true, .service = "other"};
    Systemd systemd = {};
    MachinedRecord record = record_of(getpid());
    _cleanup_error_ Error error = {};
    int pidfd = -EBADF;

    fake.leader = 1;
    fake_start(&fake, &systemd);
    ASSERT_ERROR(machined_register(&systemd, &record, &error), EEXIST);
    ASSERT_STREQ(error.text, "systemd-machined knows another machine named 'web'");
    ASSERT_EQ(fake.unregistrations, 0u);
    ASSERT_EQ(machined_unregister(&systemd, "web", 1, NULL), 0);
    ASSERT_EQ(fake.unregistrations, 0u);
    fake_stop(&fake, &systemd);

    fake = (Fake){.is_taken = true, .service = "other", .leader = (uint32_t) make_dead(&pidfd)};
    systemd = (Systemd){};
    fake_start(&fake, &systemd);
    ASSERT_EQ(machined_register(&systemd, &record, NULL), 0);
    ASSERT_EQ(fake.leader, (uint32_t) getpid());
    fake_stop(&fake, &systemd);
    safe_close(pidfd);
    safe_close(record.leader_pidfd);
}

/* By number another process could have been meant: it is not left registered. */
static void does_not_register_the_dead(void)
{
    Fake fake = {};
    Systemd systemd = {};
    MachinedRecord record = record_of(getpid());
    _cleanup_error_ Error error = {};

    safe_close(record.leader_pidfd);
    record.leader = make_dead(&record.leader_pidfd);
    fake_start(&fake, &systemd);
    ASSERT_ERROR(machined_register(&systemd, &record, &error), ESRCH);
    ASSERT_FALSE(fake.is_taken);
    fake_stop(&fake, &systemd);
    safe_close(record.leader_pidfd);
}

static void needs_a_bus(void)
{
    Systemd systemd = {.is_private = true};
    MachinedRecord record = record_of(getpid());

    ASSERT_ERROR(machined_register(&systemd, &record, NULL), EOPNOTSUPP);
    ASSERT_EQ(machined_unregister(&systemd, "web", 1, NULL), 0);
    safe_close(record.leader_pidfd);
}

int main(void)
{
    TEST_RUN(registers_with_the_newest);
    TEST_RUN(registers_with_the_oldest);
    TEST_RUN(replaces_one_of_ours);
    TEST_RUN(replaces_a_dead_stranger_only);
    TEST_RUN(does_not_register_the_dead);
    TEST_RUN(needs_a_bus);
    return test_finish();
}

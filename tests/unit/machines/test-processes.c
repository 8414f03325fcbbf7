/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What /proc says of a process, with names that try to be something else; and the processes of a machine that is us. */
#include "../test.h"

#include "base/text.h"
#include "machines/processes.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define REST                                                                                                           \
    " S 17 4321 4321 34816 4321 4194560 1 2 3 4 150 50 7 8 20 -5 3 0 12345 8192000 512 18446744073709551615 1 1 0 0"

static void numbers_of_stat(void)
{
    Process process = {};

    ASSERT_OK(process_parse_stat("4321 (sh)" REST, 4096, &process));
    ASSERT_EQ(process.pid, 4321);
    ASSERT_EQ(process.parent_pid, 17);
    ASSERT_EQ(process.state, 'S');
    ASSERT_EQ(process.terminal, 34816);
    ASSERT_EQ(process.cpu_ticks, 200);
    ASSERT_EQ(process.nice, -5);
    ASSERT_EQ(process.threads, 3);
    ASSERT_EQ(process.started_ticks, 12345);
    ASSERT_EQ(process.virtual_bytes, 8192000);
    ASSERT_EQ(process.resident_bytes, 512 * 4096);
}

static void a_name_is_no_number(void)
{
    Process process = {};

    ASSERT_OK(process_parse_stat("5 (a) R 1 1 1 (b)" REST, 4096, &process));
    ASSERT_EQ(process.pid, 5);
    ASSERT_EQ(process.parent_pid, 17);
    ASSERT_OK(process_parse_stat("5 (\n7 (x) Z)" REST, 4096, &process));
    ASSERT_EQ(process.pid, 5);
    ASSERT_EQ(process.state, 'S');
    ASSERT_ERROR(process_parse_stat("5 (sh", 4096, &process), EBADMSG);
    ASSERT_ERROR(process_parse_stat("", 4096, &process), EBADMSG);
    ASSERT_ERROR(process_parse_stat("(sh) S 1", 4096, &process), EBADMSG);
    ASSERT_ERROR(process_parse_stat("0 (sh)" REST, 4096, &process), EBADMSG);
    ASSERT_ERROR(process_parse_stat("99999999999 (sh)" REST, 4096, &process), EBADMSG);
    ASSERT_ERROR(process_parse_stat("5 (sh) S 1 2 3", 4096, &process), EBADMSG);
}

static void ids_of_status(void)
{
    Process process = {};

    process_parse_status("Name:\tUid:\\n\nUmask:\t0022\nUid:\t1\t524288\t3\t4\nNSpid:\t4321\t22\t7\n", &process);
    ASSERT_EQ(process.host_uid, 524288);
    ASSERT_EQ(process.inside_pid, 7);
    process = (Process){.host_uid = 9};
    process_parse_status("Uid:\nNSpid:\n", &process);
    ASSERT_EQ(process.host_uid, 9);
    ASSERT_EQ(process.inside_pid, 0);
    process_parse_status("NSpid:\t12", &process);
    ASSERT_EQ(process.inside_pid, 12);
}

static void ids_are_mapped(void)
{
    static const char map[] = "         0     524288      65536\n     70000       1000          1\n";

    ASSERT_EQ(process_map_id(map, 524288), 0);
    ASSERT_EQ(process_map_id(map, 524288 + 65535), 65535);
    ASSERT_TRUE(process_map_id(map, 524288 + 65536) == UINT64_MAX);
    ASSERT_EQ(process_map_id(map, 1000), 70000);
    ASSERT_TRUE(process_map_id(map, 0) == UINT64_MAX);
    ASSERT_EQ(process_map_id("0 0 4294967295\n", 5), 5);
    ASSERT_TRUE(process_map_id("", 5) == UINT64_MAX);
}

/* Without a cgroup it is the pid namespace: ours has at least us and a child with a name of its own. */
static void our_own_namespace(void)
{
    _cleanup_process_list_ ProcessList list = {};
    Machine machine = {.leader = (uint64_t) getpid()};
    const Process *found = NULL;
    int pipe_fds[2];
    pid_t child;
    char byte;

    ASSERT_OK(pipe(pipe_fds));
    child = fork();
    if (child == 0) {
        prctl(PR_SET_NAME, "a) R (b", 0, 0, 0);
        (void) !write(pipe_fds[1], "x", 1);
        pause();
        _exit(0);
    }
    ASSERT_EQ(read(pipe_fds[0], &byte, 1), 1);
    ASSERT_OK(machine_list_processes(&machine, &list));
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].pid == child)
            found = &list.items[i];
        ASSERT_TRUE(i == 0 || list.items[i - 1].pid < list.items[i].pid);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ASSERT_NOT_NULL(found);
    ASSERT_EQ(found->parent_pid, getpid());
    ASSERT_EQ(found->host_uid, geteuid());
    ASSERT_TRUE(found->resident_bytes > 0);
    ASSERT_CONTAINS(found->command, "processes");
}

int main(void)
{
    TEST_RUN(numbers_of_stat);
    TEST_RUN(a_name_is_no_number);
    TEST_RUN(ids_of_status);
    TEST_RUN(ids_are_mapped);
    TEST_RUN(our_own_namespace);
    return test_finish();
}

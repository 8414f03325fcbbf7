/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* THREATS B17: a kernel parameter reaches the container's own namespaces or is refused. Each name is tried with a
 * network of its own, with none, and with the host's. */
#include "../test.h"

#include "spec/build-spec.h"

#include <errno.h>

typedef enum Scope { SCOPE_NETWORK, SCOPE_IPC, SCOPE_HOST, SCOPE_MALFORMED } Scope;

static const struct {
    const char *assignment;
    Scope scope;
} rows[] = {
    {"net.ipv4.ip_forward=1", SCOPE_NETWORK},
    {"net.ipv4.ip_unprivileged_port_start=0", SCOPE_NETWORK},
    {"net.ipv4.ping_group_range=0 2147483647", SCOPE_NETWORK},
    {"net.ipv4.conf.all.rp_filter=2", SCOPE_NETWORK},
    {"net.ipv4.tcp_keepalive_time=60", SCOPE_NETWORK},
    {"net.ipv6.conf.all.disable_ipv6=1", SCOPE_NETWORK},
    {"net.core.somaxconn=1024", SCOPE_NETWORK},
    {"net.netfilter.nf_conntrack_max=1", SCOPE_NETWORK},
    {"net.unix.max_dgram_qlen=10", SCOPE_NETWORK},

    {"kernel.msgmax=1", SCOPE_IPC},
    {"kernel.msgmnb=1", SCOPE_IPC},
    {"kernel.msgmni=1", SCOPE_IPC},
    {"kernel.sem=250 32000 100 128", SCOPE_IPC},
    {"kernel.shmall=1", SCOPE_IPC},
    {"kernel.shmmax=1", SCOPE_IPC},
    {"kernel.shmmni=1", SCOPE_IPC},
    {"kernel.shm_rmid_forced=1", SCOPE_IPC},
    {"fs.mqueue.msg_max=10", SCOPE_IPC},
    {"fs.mqueue.queues_max=10", SCOPE_IPC},

    {"kernel.core_pattern=|/tmp/x", SCOPE_HOST},
    {"kernel.modprobe=/tmp/x", SCOPE_HOST},
    {"kernel.hotplug=/tmp/x", SCOPE_HOST},
    {"kernel.poweroff_cmd=/tmp/x", SCOPE_HOST},
    {"kernel.usermodehelper.bset=1", SCOPE_HOST},
    {"kernel.sysrq=1", SCOPE_HOST},
    {"kernel.panic=1", SCOPE_HOST},
    {"kernel.randomize_va_space=0", SCOPE_HOST},
    {"kernel.kptr_restrict=0", SCOPE_HOST},
    {"kernel.dmesg_restrict=0", SCOPE_HOST},
    {"kernel.yama.ptrace_scope=0", SCOPE_HOST},
    {"kernel.unprivileged_bpf_disabled=0", SCOPE_HOST},
    {"kernel.perf_event_paranoid=-1", SCOPE_HOST},
    {"kernel.pid_max=10", SCOPE_HOST},
    {"kernel.threads-max=10", SCOPE_HOST},
    {"kernel.ns_last_pid=1", SCOPE_HOST},
    {"kernel.hostname=x", SCOPE_HOST},
    {"kernel.domainname=x", SCOPE_HOST},
    {"kernel.sched_rt_runtime_us=-1", SCOPE_HOST},
    {"kernel.keys.maxkeys=1", SCOPE_HOST},
    {"kernel.semaphore=1", SCOPE_HOST}, /* begins as an allowed one */
    {"kernel.shmmax.x=1", SCOPE_HOST},
    {"kernel.shmmaxx=1", SCOPE_HOST},
    {"vm.overcommit_memory=1", SCOPE_HOST},
    {"vm.swappiness=0", SCOPE_HOST},
    {"vm.drop_caches=3", SCOPE_HOST},
    {"vm.mmap_min_addr=0", SCOPE_HOST},
    {"vm.max_map_count=262144", SCOPE_HOST},
    {"fs.file-max=1", SCOPE_HOST},
    {"fs.suid_dumpable=2", SCOPE_HOST},
    {"fs.protected_symlinks=0", SCOPE_HOST},
    {"fs.inotify.max_user_watches=1", SCOPE_HOST},
    {"fs.binfmt_misc.register=x", SCOPE_HOST},
    {"fs.mqueuex.a=1", SCOPE_HOST},
    {"user.max_user_namespaces=0", SCOPE_HOST},
    {"dev.cdrom.info=1", SCOPE_HOST},
    {"abi.vsyscall32=1", SCOPE_HOST},
    {"debug.exception-trace=1", SCOPE_HOST},
    {"sunrpc.nfs_debug=1", SCOPE_HOST},
    {"network.x=1", SCOPE_HOST},
    {"NET.core.somaxconn=1", SCOPE_HOST},
    {"x=1", SCOPE_HOST},

    {"net=1", SCOPE_HOST},
    {"net.=1", SCOPE_MALFORMED},
    {"net..core=1", SCOPE_MALFORMED},
    {"net.core.=1", SCOPE_MALFORMED},
    {"net./../kernel/core_pattern=1", SCOPE_MALFORMED},
    {"net.ipv4/../../kernel/core_pattern=1", SCOPE_MALFORMED},
    {"net/ipv4/ip_forward=1", SCOPE_MALFORMED},
    {"fs.mqueue.../../kernel/panic=1", SCOPE_MALFORMED},
    {"fs.mqueue.=1", SCOPE_MALFORMED},
    {"net.core.somaxconn=1\nkernel.panic=1", SCOPE_MALFORMED},
    {"net.core.somaxconn=1\rx", SCOPE_MALFORMED},
    {"net.core\n.somaxconn=1", SCOPE_MALFORMED},
    {"kernel.shmmax=1\x01", SCOPE_MALFORMED},
    /* What another tool would take for a second assignment. */
    {"net.core.somaxconn=1+kernel.panic=1", SCOPE_MALFORMED},
    {"kernel.shmmax=1+kernel.core_pattern", SCOPE_MALFORMED},
    {"kernel.shmmax=1=2", SCOPE_MALFORMED},
};

static void check(const char *network, bool own_network, const char *ipc, bool own_ipc)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const Words words[] = {{"network", network}, {"ipc", ipc}, {"sysctl", rows[i].assignment}, {NULL, NULL}};
        _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
        _cleanup_error_ Error error = {};
        int expected = rows[i].scope == SCOPE_MALFORMED                ? -EINVAL
                       : rows[i].scope == SCOPE_IPC && own_ipc         ? 0
                       : rows[i].scope == SCOPE_NETWORK && own_network ? 0
                                                                       : -EPERM;
        int r = finish_words(words, &spec, &error);

        if (r != expected)
            TEST_FAIL("'%s' with --network=%s --ipc=%s: %d (%s), expected %d", rows[i].assignment, network, ipc, r,
                      error.text, expected);
        if (r < 0 && (!error.text || strncmp(error.text, "--sysctl: ", 10) != 0))
            TEST_FAIL("'%s': no origin in '%s'", rows[i].assignment, error.text);
    }
}

static void own_network(void)
{
    ASSERT_TRUE(ELEMENTSOF(rows) >= 60);
    check("private", true, "private", true);
}

static void no_network(void)
{
    check("none", true, "private", true);
}

static void network_of_the_host(void)
{
    check("host", false, "private", true);
    check("container:web", false, "private", true);
    check("ns:/run/netns/web", false, "private", true);
}

static void ipc_of_the_host(void)
{
    check("private", true, "host", false);
}

static void the_message_says_why(void)
{
    const Words words[] = {{"network", "host"}, {"sysctl", "net.core.somaxconn=1"}, {NULL, NULL}};
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_error_ Error shared = {}, other = {};

    ASSERT_ERROR(finish_words(words, &spec, &shared), EPERM);
    ASSERT_CONTAINS(shared.text, "would change the host, whose network the container shares");
    ASSERT_ERROR(finish_one("sysctl", "vm.swappiness=0", &spec, &other), EPERM);
    ASSERT_CONTAINS(other.hint, "net.*");
    ASSERT_NULL(spec);
}

int main(void)
{
    TEST_RUN(own_network);
    TEST_RUN(no_network);
    TEST_RUN(network_of_the_host);
    TEST_RUN(ipc_of_the_host);
    TEST_RUN(the_message_says_why);
    return test_finish();
}

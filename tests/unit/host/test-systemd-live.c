/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Against the service manager of this machine, as root; skipped where there is none. Every unit it makes is
 * named berth-test-*.scope and is stopped at the end. */
#include "host/systemd.h"

#include "base/strv.h"
#include "base/text.h"

#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define SLICE "berth-test.slice"

static Systemd *systemd;

static void sleep_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static pid_t spawn_sleeper(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* no failed test leaves a process behind */
        for (;;)
            pause();
    }
    return pid;
}

static void reap(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int start_scope(const char *name, pid_t pid, int pidfd, char *const *properties, Error *error)
{
    const ScopeRequest request = {.name = name,
                                  .slice = SLICE,
                                  .description = "a test of berth",
                                  .pids = &pid,
                                  .pidfds = pidfd >= 0 ? &pidfd : NULL,
                                  .pids_count = 1,
                                  .properties = properties,
                                  .timeout_stop_usec = 5000000};
    int r = systemd_scope_start(systemd, &request, error);

    return r < 0 ? r : systemd_scope_wait(systemd, error);
}

static void creates_a_scope(void)
{
    _cleanup_strv_ char **properties = strv_new("MemoryMax=64M", "CPUQuota=20%", "TasksMax=33", NULL);
    _cleanup_free_ char *state = NULL, *cgroup = NULL, *unit = NULL, *description = NULL;
    _cleanup_error_ Error error = {0};
    pid_t pid = spawn_sleeper();
    int pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
    uint64_t number = 0;
    int r = start_scope("berth-test-a.scope", pid, pidfd, properties, &error);

    if (r < 0)
        printf("# %s\n", error.text);
    close(pidfd);
    ASSERT_OK(r);
    ASSERT_OK(systemd_unit_active_state(systemd, "berth-test-a.scope", &state, NULL));
    ASSERT_STREQ(state, "active");
    ASSERT_OK(systemd_unit_cgroup(systemd, "berth-test-a.scope", &cgroup, NULL));
    ASSERT_TRUE(text_has_suffix(cgroup, "/berth-test.slice/berth-test-a.scope"));
    ASSERT_OK(systemd_unit_of_pid(systemd, pid, &unit, NULL));
    ASSERT_STREQ(unit, "berth-test-a.scope");
    ASSERT_OK(systemd_unit_property_u64(systemd, unit, "MemoryMax", &number, NULL));
    ASSERT_EQ(number, 64 << 20);
    ASSERT_OK(systemd_unit_property_u64(systemd, unit, "CPUQuotaPerSecUSec", &number, NULL));
    ASSERT_EQ(number, 200000);
    ASSERT_OK(systemd_unit_property_u64(systemd, unit, "TasksMax", &number, NULL));
    ASSERT_EQ(number, 33);
    ASSERT_OK(systemd_unit_property_u64(systemd, unit, "KillSignal", &number, NULL));
    ASSERT_EQ(number, SYSTEMD_SCOPE_STOP_SIGNAL);
    ASSERT_OK(systemd_unit_property_u64(systemd, unit, "Delegate", &number, NULL));
    ASSERT_EQ(number, 1);
    ASSERT_OK(systemd_unit_property_u64(systemd, unit, "TimeoutStopUSec", &number, NULL));
    ASSERT_EQ(number, 5000000);
    ASSERT_OK(systemd_unit_property_string(systemd, unit, "Description", &description, NULL));
    ASSERT_STREQ(description, "a test of berth");
    ASSERT_ERROR(systemd_unit_property_u64(systemd, unit, "Nonsense", &number, NULL), ENODATA);
    ASSERT_ERROR(systemd_unit_property_u64(systemd, unit, "Description", &number, NULL), EBADMSG);
    reap(pid);
}

static void changes_properties(void)
{
    _cleanup_strv_ char **change = strv_new("MemoryMax=32M", "CPUWeight=7", NULL);
    _cleanup_strv_ char **wrong = strv_new("MemoryMax=none", NULL);
    _cleanup_error_ Error error = {0};
    pid_t pid = spawn_sleeper();
    uint64_t number = 0;

    ASSERT_OK(start_scope("berth-test-b.scope", pid, -1, NULL, NULL));
    ASSERT_OK(systemd_set_properties(systemd, "berth-test-b.scope", change, true, NULL));
    ASSERT_OK(systemd_unit_property_u64(systemd, "berth-test-b.scope", "MemoryMax", &number, NULL));
    ASSERT_EQ(number, 32 << 20);
    ASSERT_OK(systemd_unit_property_u64(systemd, "berth-test-b.scope", "CPUWeight", &number, NULL));
    ASSERT_EQ(number, 7);
    ASSERT_OK(systemd_unit_property_u64(systemd, "berth-test-b.scope", "TasksMax", &number, NULL));
    ASSERT_EQ(number, 16384);
    ASSERT_ERROR(systemd_set_properties(systemd, "berth-test-b.scope", wrong, true, &error), EINVAL);
    ASSERT_CONTAINS(error.text, "MemoryMax=: 'none' is not a size");
    reap(pid);
}

/* Each is accepted by this manager, or refused by name because it is newer than the manager. */
static void manager_takes_every_kind(void)
{
    static const char *const assignments[] = {"CPUWeight=idle",
                                              "StartupCPUWeight=50",
                                              "CPUQuotaPeriodSec=20ms",
                                              "AllowedCPUs=0",
                                              "AllowedMemoryNodes=0",
                                              "StartupAllowedCPUs=0",
                                              "MemoryMin=1M",
                                              "MemoryLow=10%",
                                              "MemoryHigh=50%",
                                              "MemoryMax=75%",
                                              "MemorySwapMax=0",
                                              "DefaultMemoryLow=1M",
                                              "TasksMax=50%",
                                              "IOWeight=200",
                                              "StartupIOWeight=5",
                                              "IODeviceWeight=/dev/null 5",
                                              "IOReadBandwidthMax=/dev/null 5M",
                                              "IOWriteBandwidthMax=/dev/null infinity",
                                              "IOReadIOPSMax=/dev/null 5K",
                                              "IODeviceLatencyTargetSec=/dev/null 25ms",
                                              "IPAccounting=yes",
                                              "IPAddressAllow=localhost",
                                              "IPAddressAllow=10.1.0.0/16 fd00::/8",
                                              "IPAddressDeny=any",
                                              "SocketBindAllow=ipv4:tcp:80-90",
                                              "SocketBindDeny=any",
                                              "RestrictNetworkInterfaces=~lo",
                                              "DeviceAllow=/dev/null rw",
                                              "DeviceAllow=char-pts",
                                              "DevicePolicy=closed",
                                              "DisableControllers=cpu io",
                                              "ManagedOOMSwap=auto",
                                              "ManagedOOMMemoryPressure=kill",
                                              "ManagedOOMMemoryPressureLimit=60%",
                                              "ManagedOOMPreference=avoid",
                                              "MemoryAccounting=yes",
                                              "RuntimeMaxSec=1h",
                                              "RuntimeRandomizedExtraSec=1s",
                                              "TimeoutStopSec=1min",
                                              "SendSIGHUP=yes",
                                              "SendSIGKILL=yes",
                                              "FinalKillSignal=SIGKILL",
                                              "Description=x y",
                                              "Documentation=man:a(1)",
                                              "After=a.service b.service",
                                              "Before=c.service",
                                              "Wants=d.service",
                                              "PartOf=multi-user.target",
                                              "PropagatesStopTo=x.scope",
                                              "OnFailure=f.service",
                                              "RequiresMountsFor=/tmp /var",
                                              "DefaultDependencies=yes",
                                              "IgnoreOnIsolate=no",
                                              "RefuseManualStop=no",
                                              "StopWhenUnneeded=no",
                                              "MemoryZSwapMax=1G",
                                              "MemoryZSwapWriteback=yes",
                                              "OOMPolicy=stop",
                                              "MemoryPressureWatch=off",
                                              "MemoryPressureThresholdSec=1s",
                                              "CoredumpReceive=yes",
                                              "StartupMemoryMax=1G",
                                              "StartupMemoryLow=5M",
                                              "MemoryMin=5%",
                                              "MemorySwapMax=5%",
                                              "MemoryZSwapMax=5%",
                                              "MemoryLimit=50%",
                                              "DefaultMemoryMin=5%",
                                              "DefaultStartupMemoryLow=1M",
                                              "StartupMemorySwapMax=1G",
                                              "StartupMemoryHigh=1G",
                                              "StartupMemoryZSwapMax=1G",
                                              "SurviveFinalKillSignal=no",
                                              "ManagedOOMMemoryPressureDurationSec=10s",
                                              "MemoryLimit=1G",
                                              "CPUShares=100",
                                              "BlockIOWeight=100",
                                              "BlockIOReadBandwidth=/dev/null 1M",
                                              "BlockIODeviceWeight=/dev/null 100",
                                              "IPIngressFilterPath=",
                                              "BPFProgram=",
                                              "IPAddressDeny=",
                                              "DeviceAllow=",
                                              "IOReadBandwidthMax=",
                                              "AllowedCPUs=",
                                              "MemoryMax=",
                                              "CPUQuota=",
                                              "CPUWeight=",
                                              "SocketBindAllow=",
                                              "Conflicts=zz.service",
                                              "Upholds=",
                                              "Requisite="};
    unsigned refused = 0;

    for (size_t i = 0; i < ELEMENTSOF(assignments); i++) {
        _cleanup_strv_ char **properties = strv_new(assignments[i], NULL);
        _cleanup_free_ char *name = text_format("berth-test-k%zu.scope", i);
        _cleanup_error_ Error error = {0};
        pid_t pid = spawn_sleeper();
        int r = start_scope(name, pid, -1, properties, &error);

        reap(pid);
        if (r == 0)
            continue;
        printf("# %s: %s\n", assignments[i], error.text);
        if (r != -EINVAL || !error.text || !strstr(error.text, "or unknown property"))
            TEST_FAIL("'%s' failed with %d", assignments[i], r);
        refused++;
    }
    printf("# %u of %zu unknown to this manager\n", refused, ELEMENTSOF(assignments));
    ASSERT_TRUE(refused < 18);
}

static void says_why_a_scope_failed(void)
{
    _cleanup_error_ Error exists = {0}, gone = {0}, bad = {0}, name = {0};
    _cleanup_strv_ char **properties = strv_new("MemoryMax=x", NULL);
    pid_t pid = spawn_sleeper(), other = spawn_sleeper(), dead = spawn_sleeper();

    ASSERT_OK(start_scope("berth-test-c.scope", pid, -1, NULL, NULL));
    ASSERT_ERROR(start_scope("berth-test-c.scope", other, -1, NULL, &exists), EEXIST);
    ASSERT_CONTAINS(exists.text, "systemd did not start berth-test-c.scope: ");
    ASSERT_CONTAINS(exists.text, "org.freedesktop.systemd1.UnitExists");
    ASSERT_ERROR(start_scope("berth-test-d.scope", other, -1, properties, &bad), EINVAL);
    ASSERT_CONTAINS(bad.text, "MemoryMax=: 'x'");
    ASSERT_FALSE(systemd_scope_is_pending(systemd));
    reap(dead);
    ASSERT_TRUE(start_scope("berth-test-e.scope", dead, -1, NULL, &gone) < 0);
    printf("# dead pid: %d %s\n", gone.code, gone.text);
    ASSERT_TRUE(start_scope("no unit name", other, -1, NULL, &name) < 0);
    printf("# bad name: %d %s\n", name.code, name.text);
    reap(pid);
    reap(other);
}

static void stops_what_does_not_exist(void)
{
    _cleanup_error_ Error error = {0};
    _cleanup_free_ char *state = NULL, *cgroup = NULL;

    ASSERT_ERROR(systemd_unit_stop(systemd, "berth-test-none.scope", &error), ENOENT);
    ASSERT_CONTAINS(error.text, "systemd did not stop berth-test-none.scope");
    ASSERT_OK(systemd_unit_reset_failed(systemd, "berth-test-none.scope", NULL));
    ASSERT_OK(systemd_unit_active_state(systemd, "berth-test-none.scope", &state, NULL));
    ASSERT_STREQ(state, "inactive");
    ASSERT_ERROR(systemd_unit_cgroup(systemd, "berth-test-none.scope", &cgroup, NULL), ENOENT);
}

/* ---- the orderly stop: a supervisor and a payload in sub-cgroups, each noting the signals it gets ---- */

typedef struct Notes {
    volatile pid_t payload;
    volatile int supervisor_urg, payload_urg, payload_term, payload_other;
    volatile pid_t urg_sender, term_sender;
} Notes;

static Notes *notes;

static void payload_handler(int number, siginfo_t *info, void *context)
{
    (void) context;
    if (number == SIGTERM) {
        notes->payload_term++;
        notes->term_sender = info->si_pid;
    } else
        notes->payload_other++;
}

/* Leaves SIGURG at its default, as most programs do; takes 300 ms to end after SIGTERM. */
static void run_payload(void)
{
    const struct sigaction action = {.sa_sigaction = payload_handler, .sa_flags = SA_SIGINFO};

    for (int number = 1; number < 32; number++)
        if (number != SIGURG && number != SIGCONT && number != SIGCHLD)
            sigaction(number, &action, NULL);
    while (notes->payload_term == 0)
        pause();
    sleep_ms(300);
    _exit(0);
}

static void run_supervisor(void)
{
    siginfo_t info = {0};
    pid_t payload = 0;
    sigset_t set;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    sigprocmask(SIG_BLOCK, &set, NULL);
    payload = fork();
    if (payload == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        run_payload();
    }
    notes->payload = payload;
    sigwaitinfo(&set, &info);
    notes->supervisor_urg++;
    notes->urg_sender = info.si_pid;
    sleep_ms(100); /* so that a signal of systemd's to the payload would come before ours */
    kill(payload, SIGTERM);
    waitpid(payload, NULL, 0);
    _exit(0);
}

static const char *find_cgroup_root(void)
{
    return access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0           ? "/sys/fs/cgroup"
           : access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0 ? "/sys/fs/cgroup/unified"
                                                                      : "/sys/fs/cgroup/systemd";
}

static int move_into(const char *cgroup, const char *child, pid_t pid)
{
    _cleanup_free_ char *path = text_format("%s%s/%s", find_cgroup_root(), cgroup, child);
    _cleanup_free_ char *procs = text_format("%s/cgroup.procs", path);
    FILE *file = NULL;
    int r = 0;

    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return -errno;
    file = fopen(procs, "we");
    if (!file)
        return -errno;
    fprintf(file, "%d\n", (int) pid);
    r = fclose(file) == 0 ? 0 : -errno;
    return r;
}

static void stop_is_orderly(void)
{
    _cleanup_free_ char *cgroup = NULL, *state = NULL;
    struct timespec before = {0}, after = {0};
    long ms = 0;
    pid_t supervisor = 0;

    *notes = (Notes){0};
    supervisor = fork();
    if (supervisor == 0)
        run_supervisor();
    while (notes->payload == 0)
        sleep_ms(1);
    ASSERT_OK(start_scope("berth-test-f.scope", supervisor, -1, NULL, NULL));
    ASSERT_OK(systemd_unit_cgroup(systemd, "berth-test-f.scope", &cgroup, NULL));
    ASSERT_OK(move_into(cgroup, "supervisor", supervisor));
    ASSERT_OK(move_into(cgroup, "payload", notes->payload));
    sleep_ms(50);
    clock_gettime(CLOCK_MONOTONIC, &before);
    ASSERT_OK(systemd_unit_stop(systemd, "berth-test-f.scope", NULL));
    clock_gettime(CLOCK_MONOTONIC, &after);
    ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    waitpid(supervisor, NULL, 0);
    printf("# stop took %ld ms; supervisor URG %d from %d; payload TERM %d from %d (supervisor %d), others %d\n", ms,
           notes->supervisor_urg, (int) notes->urg_sender, notes->payload_term, (int) notes->term_sender,
           (int) supervisor, notes->payload_other);
    ASSERT_EQ(notes->supervisor_urg, 1);
    ASSERT_EQ(notes->urg_sender, 1);
    ASSERT_EQ(notes->payload_term, 1);
    ASSERT_EQ(notes->term_sender, supervisor);
    ASSERT_EQ(notes->payload_other, 0);
    ASSERT_TRUE(ms >= 350 && ms < 3000);
    ASSERT_OK(systemd_unit_active_state(systemd, "berth-test-f.scope", &state, NULL));
    ASSERT_STREQ(state, "inactive");
}

int main(void)
{
    _cleanup_error_ Error error = {0};
    unsigned version = 0;

    if (!systemd_is_running() || geteuid() != 0)
        TEST_SKIP_ALL("needs root and systemd as PID 1");
    notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (notes == MAP_FAILED || systemd_open(&systemd, &error) < 0 || systemd_version(systemd, &version, &error) < 0) {
        printf("Bail out! %s\n", error.text ? error.text : "mmap");
        return EXIT_FAILURE;
    }
    printf("# systemd %u\n", version);
    TEST_RUN(creates_a_scope);
    TEST_RUN(changes_properties);
    TEST_RUN(manager_takes_every_kind);
    TEST_RUN(says_why_a_scope_failed);
    TEST_RUN(stops_what_does_not_exist);
    TEST_RUN(stop_is_orderly);
    (void) systemd_unit_stop_queue(systemd, SLICE, NULL);
    systemd_close(systemd);
    munmap(notes, sizeof(*notes));
    return test_finish();
}

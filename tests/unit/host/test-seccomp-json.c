/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profiles in docker's JSON: what is refused and where, which rules hold, and real processes under their programs. */
#include "base/strv.h"
#include "base/text.h"
#include "host/seccomp-file.h"
#include "host/seccomp-profile.h"

#include "../test.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RULES(text) "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[" text "]}"
#define RULE(text)  RULES("{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_ERRNO\"" text "}")

static int parse_capability(const char *name, uint64_t *ret_mask, Error *error)
{
    if (strcmp(name, "CAP_SYS_ADMIN") == 0)
        return *ret_mask = SECCOMP_CAP(CAP_SYS_ADMIN), 0;
    if (strcmp(name, "CAP_BPF") == 0)
        return *ret_mask = SECCOMP_CAP(CAP_BPF), 0;
    return error_set(error, -EINVAL, "'%s' is not a capability", name);
}

static int parse(const char *text, SeccompJson *ret, Error *error)
{
    const SeccompJsonFacts facts = {
        .capabilities = SECCOMP_CAP(CAP_SYS_ADMIN), .kernel = {5, 14}, .parse_capability = parse_capability};

    return seccomp_json_parse(text, strlen(text), &facts, ret, error);
}

static void refusals(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", ""},
        {"[]", ""},
        {"{}", "/defaultAction: is missing"},
        {"{\"defaultAction\":1}", "/defaultAction: is not a string"},
        {"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "/defaultAction: is not an action that can be had"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscals\":[]}", "/syscals: is not a member"},
        {"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}", "/defaultErrnoRet: is out of range"},
        {"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"ENONE\"}", "/defaultErrno: is not the name"},
        {RULES("1"), "/syscalls/0: is not an object"},
        {RULES("{\"action\":\"SCMP_ACT_ALLOW\"}"), "/syscalls/0/names: is missing or empty"},
        {RULES("{\"names\":[\"a\",1],\"action\":\"SCMP_ACT_ALLOW\"}"), "/syscalls/0/names/1: is not a string"},
        {RULE(",\"exclude\":{}"), "/syscalls/0/exclude: is not a member"},
        {RULE(",\"args\":[{\"index\":6,\"op\":\"SCMP_CMP_EQ\"}]"), "/syscalls/0/args/0/index: is out of range"},
        {RULE(",\"args\":[{\"op\":\"SCMP_CMP_EQ\"}]"), "/syscalls/0/args/0/index: is missing"},
        {RULE(",\"args\":[{\"index\":0,\"op\":\"EQ\"}]"), "/syscalls/0/args/0/op: is not an operator"},
        {RULE(",\"args\":[{\"index\":0,\"value\":-1,\"op\":\"SCMP_CMP_EQ\"}]"), "/syscalls/0/args/0/value: is out of"},
        {RULE(",\"includes\":{\"caps\":[\"CAP_NO\"]}"), "/syscalls/0/includes/caps/0: 'CAP_NO' is not a capability"},
        {RULE(",\"excludes\":{\"minKernel\":\"five\"}"), "/syscalls/0/excludes/minKernel: is not the version"},
        {RULE(",\"includes\":{\"cap\":[]}"), "/syscalls/0/includes/cap: is not a member"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"x86\"]}", "/architectures: holds what is not"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\"],"
         "\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\"}]}",
         "/architectures: excludes archMap"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_seccomp_json_ SeccompJson json = {};
        _cleanup_error_ Error error = {};

        ASSERT_EQ(parse(rows[i].text, &json, &error), -EINVAL);
        if (!error.text || strncmp(error.text, rows[i].message, strlen(rows[i].message)) != 0)
            TEST_FAIL("%s: '%s' does not begin with '%s'", rows[i].text, error.text ? error.text : "", rows[i].message);
    }
}

static void conditions(void)
{
    static const struct {
        const char *text;
        bool holds;
    } rows[] = {
        {"", true},
        {",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}", true},
        {",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\",\"CAP_BPF\"]}", false},
        {",\"excludes\":{\"caps\":[\"CAP_BPF\"]}", true},
        {",\"excludes\":{\"caps\":[\"CAP_BPF\",\"CAP_SYS_ADMIN\"]}", false},
        {",\"includes\":{\"minKernel\":\"5.14\"}", true},
        {",\"includes\":{\"minKernel\":\"5.15\"}", false},
        {",\"includes\":{\"minKernel\":\"6.0\"}", false},
        {",\"excludes\":{\"minKernel\":\"4.8\"}", false},
        {",\"excludes\":{\"minKernel\":\"\"}", true},
        {",\"excludes\":{\"minKernel\":null}", true},
        {",\"includes\":{\"arches\":[\"none\"]}", false},
        {",\"excludes\":{\"arches\":[\"none\"]}", true},
#ifdef __x86_64__
        {",\"includes\":{\"arches\":[\"amd64\",\"x32\"]}", true},
        {",\"excludes\":{\"arches\":[\"amd64\"]}", false},
#endif
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_seccomp_json_ SeccompJson json = {};
        _cleanup_free_ char *text =
            text_format("%s%s%s",
                        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"mkdir\",\"action\":"
                        "\"SCMP_ACT_ERRNO\",\"errnoRet\":30",
                        rows[i].text, "}]}");

        ASSERT_OK(parse(text, &json, NULL));
        if ((json.rules_count == 1) != rows[i].holds)
            TEST_FAIL("%s: should %s", rows[i].text, rows[i].holds ? "hold" : "not hold");
        if (json.rules_count == 1)
            ASSERT_EQ(json.rules[0].action, SCMP_ACT_ERRNO(30));
    }
}

/* A mistake must not open what somebody wanted closed; a young name among those allowed does no harm. */
static void unknown_calls(void)
{
    static const struct {
        const char *text;
        int result;
    } rows[] = {
        {RULES("{\"names\":[\"mkdirr\"],\"action\":\"SCMP_ACT_ERRNO\"}"), -EINVAL},
        {"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"mkdirr\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
         0},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_seccomp_json_ SeccompJson json = {};
        _cleanup_buffer_ Buffer program = {};

        ASSERT_OK(parse(rows[i].text, &json, NULL));
        ASSERT_EQ(seccomp_file_compile(&json, &program, NULL), rows[i].result);
    }
}

#ifdef __x86_64__
/* mkdir(2) of nowhere: ENOENT when it is let through. */
static long mkdir_native(void)
{
    return syscall(SYS_mkdir, "/nowhere/at/all", 0700) < 0 ? -errno : 0;
}

static long call_i386(long number, long a, long b)
{
    long result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b) : "memory", "r8", "r9", "r10", "r11");
    return result;
}

/* A path below 4 GiB is not at hand: EFAULT when it is let through. */
static long mkdir_i386(void)
{
    return call_i386(39, 8, 0700);
}

static long mkdir_x32(void)
{
    return syscall(0x40000000 | SYS_mkdir, "/nowhere/at/all", 0700) < 0 ? -errno : 0;
}

static long personality_is(long persona)
{
    return syscall(SYS_personality, persona) < 0 ? -errno : 0;
}

static long personality_zero(void)
{
    return personality_is(0);
}

static long personality_other(void)
{
    return personality_is(0x0040000);
}

static int under(const Buffer *program, long (*call)(void), long *ret)
{
    long *shared = mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const struct sock_fprog filter = {.len = (unsigned short) (program->size / sizeof(struct sock_filter)),
                                      .filter = (struct sock_filter *) (void *) program->data};
    int status = 0;
    pid_t pid;

    if (shared == MAP_FAILED)
        return -errno;
    pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
            _exit(1);
        *shared = call();
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
        return -ECHILD;
    *ret = *shared;
    (void) munmap(shared, sizeof(long));
    return 0;
}

#define MKDIR                                                                                                          \
    "\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":30},{\"names\":[\"personality\"]" \
    ","                                                                                                                \
    "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"value\":262144,\"op\":\"SCMP_CMP_EQ\"}]}]}"
#define ALL_MAP                                                                                                        \
    "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\","                       \
    "\"subArchitectures\":[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]}]," MKDIR
#define NATIVE_ONLY "{\"defaultAction\":\"SCMP_ACT_ALLOW\"," MKDIR

static void real_calls(void)
{
    static const struct {
        const char *text, *what;
        long (*call)(void);
        long result;
    } rows[] = {
        {ALL_MAP, "mkdir", mkdir_native, -30},
        {ALL_MAP, "mkdir of i386", mkdir_i386, -30},
        {ALL_MAP, "mkdir of x32", mkdir_x32, -30},
        {ALL_MAP, "personality(0)", personality_zero, 0},
        {ALL_MAP, "personality(ADDR_NO_RANDOMIZE)", personality_other, -EPERM},
        {NATIVE_ONLY, "mkdir", mkdir_native, -30},
        /* What is not named is not there. */
        {NATIVE_ONLY, "mkdir of i386", mkdir_i386, -ENOSYS},
        {NATIVE_ONLY, "mkdir of x32", mkdir_x32, -ENOSYS},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_seccomp_json_ SeccompJson json = {};
        _cleanup_buffer_ Buffer program = {};
        _cleanup_error_ Error error = {};
        long result = 0;

        ASSERT_OK(parse(rows[i].text, &json, &error));
        ASSERT_OK(seccomp_file_compile(&json, &program, &error));
        ASSERT_OK(under(&program, rows[i].call, &result));
        if (result != rows[i].result)
            TEST_FAIL("%s: %ld instead of %ld", rows[i].what, result, rows[i].result);
    }
}
#endif

int main(void)
{
    TEST_RUN(refusals);
    TEST_RUN(conditions);
    TEST_RUN(unknown_calls);
#ifdef __x86_64__
    TEST_RUN(real_calls);
#endif
    return test_finish();
}

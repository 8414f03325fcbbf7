/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of system calls and the programs made from it, in two views: the programs are emulated for each
 * number and the arguments that matter, and compared with what libseccomp's own generator says.
 * test-seccomp.c loads them. With the argument "bench" it measures instead. */
#include "base/file.h"
#include "base/text.h"
#include "host/seccomp-profile.h"
#include "host/seccomp-program.h"
#include "host/seccomp.h"

#include "../test.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define CAP(name) SECCOMP_CAP(CAP_##name)

/* What application containers keep when nothing else is asked for. */
#define USUAL_CAPABILITIES                                                                                             \
    (CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) | CAP(SETGID) | CAP(SETUID) | CAP(SETFCAP) |           \
     CAP(SETPCAP) | CAP(NET_BIND_SERVICE) | CAP(SYS_CHROOT) | CAP(KILL))

#if defined(__x86_64__)
static const uint32_t tokens[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386};
#elif defined(__aarch64__)
static const uint32_t tokens[] = {AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM};
#else
static const uint32_t tokens[] = {0};
#endif

/* libseccomp's names on all architectures of interest: a typing error in the table is a name on none of them.
 */
static const uint32_t known_tokens[] = {
    SCMP_ARCH_X86_64,  SCMP_ARCH_X86,     SCMP_ARCH_AARCH64, SCMP_ARCH_ARM,    SCMP_ARCH_S390X,
    SCMP_ARCH_PPC64LE, SCMP_ARCH_RISCV64, SCMP_ARCH_X32,     SCMP_ARCH_MIPS64,
};

static uint32_t token_of(size_t i)
{
    return tokens[i] ?: seccomp_arch_native();
}

/* An emulator of the part of classic BPF that the kernel allows in filters (seccomp_check_filter()). */

typedef struct Machine {
    uint32_t accumulator, index, memory[BPF_MEMWORDS];
    unsigned steps;
} Machine;

static uint32_t compute(uint16_t operation, uint32_t a, uint32_t b)
{
    switch (operation) {
    case BPF_ADD:
        return a + b;
    case BPF_SUB:
        return a - b;
    case BPF_AND:
        return a & b;
    case BPF_OR:
        return a | b;
    case BPF_LSH:
        return a << b;
    case BPF_RSH:
        return a >> b;
    default:
        abort();
    }
}

static bool compare(uint16_t operation, uint32_t a, uint32_t b)
{
    switch (operation) {
    case BPF_JEQ:
        return a == b;
    case BPF_JGT:
        return a > b;
    case BPF_JGE:
        return a >= b;
    case BPF_JSET:
        return (a & b) != 0;
    default:
        abort();
    }
}

static size_t step(Machine *machine, const struct sock_filter *at, const struct seccomp_data *data)
{
    uint32_t operand = BPF_SRC(at->code) == BPF_X ? machine->index : at->k;

    switch (BPF_CLASS(at->code)) {
    case BPF_LD:
        if (at->code == (BPF_LD | BPF_MEM))
            machine->accumulator = machine->memory[at->k];
        else if (at->code == (BPF_LD | BPF_W | BPF_ABS) && at->k % 4 == 0 && at->k < sizeof(*data))
            memcpy(&machine->accumulator, (const char *) data + at->k, sizeof(uint32_t));
        else
            abort();
        return 1;
    case BPF_ST:
        machine->memory[at->k] = machine->accumulator;
        return 1;
    case BPF_ALU:
        machine->accumulator = compute(BPF_OP(at->code), machine->accumulator, operand);
        return 1;
    case BPF_JMP:
        if (BPF_OP(at->code) == BPF_JA)
            return 1 + (size_t) at->k;
        return 1U + (compare(BPF_OP(at->code), machine->accumulator, operand) ? at->jt : at->jf);
    default:
        abort();
    }
}

/* SECCOMP_RET_*; `ret_steps` (or NULL) is raised by the instructions executed. */
static uint32_t emulate(const void *bytes, size_t size_bytes, const struct seccomp_data *data, unsigned *ret_steps)
{
    const struct sock_filter *program = bytes;
    Machine machine = {0};

    for (size_t at = 0;; at += step(&machine, &program[at], data)) {
        if (at >= size_bytes / sizeof(*program))
            abort();
        machine.steps++;
        if (BPF_CLASS(program[at].code) == BPF_RET) {
            if (ret_steps)
                *ret_steps += machine.steps;
            return program[at].k;
        }
    }
}

static uint32_t action_of(int refusal)
{
    return refusal == 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | (uint32_t) refusal;
}

static char *number_name(uint32_t token, uint32_t number)
{
    size_t count = 0;
    const SeccompNumber *numbers = seccomp_profile_numbers(&count);
    char *name = number < 0x40000000 ? seccomp_syscall_resolve_num_arch(token, (int) number) : NULL;

    for (size_t i = 0; i < count && !name; i++)
        if (numbers[i].number == number && (!numbers[i].is_x86_64_only || token == AUDIT_ARCH_X86_64))
            name = strdup(numbers[i].name);
    return name;
}

/* The table. */

static bool is_known_name(const char *name)
{
    size_t count = 0;
    const SeccompNumber *numbers = seccomp_profile_numbers(&count);

    for (size_t i = 0; i < ELEMENTSOF(known_tokens); i++)
        if (seccomp_syscall_resolve_name_arch(known_tokens[i], name) != __NR_SCMP_ERROR)
            return true;
    for (size_t i = 0; i < count; i++)
        if (strcmp(numbers[i].name, name) == 0)
            return true;
    return false;
}

static bool is_in_table(const char *name)
{
    size_t count = 0;
    const SeccompRow *rows = seccomp_profile_rows(&count);

    for (size_t i = 0; i < count; i++) {
        _cleanup_free_ char *copy = strdup(rows[i].names);
        char *state = NULL;

        for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state))
            if (strcmp(word, name) == 0)
                return true;
    }
    return false;
}

static void table_names_exist(void)
{
    size_t count = 0;
    const SeccompRow *rows = seccomp_profile_rows(&count);

    for (size_t i = 0; i < count; i++) {
        _cleanup_free_ char *copy = strdup(rows[i].names);
        char *state = NULL;

        ASSERT_NULL(strstr(copy, "  "));
        for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state))
            if (!is_known_name(word))
                TEST_FAIL("'%s' is the name of no system call", word);
    }
}

/* A name that stands twice is one whose later row was meant to have a say: the earlier ones must have a
 * condition. */
static void table_rows_are_reached(void)
{
    size_t count = 0;
    const SeccompRow *rows = seccomp_profile_rows(&count);

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            _cleanup_free_ char *copy = strdup(rows[i].names), *earlier = text_format(" %s ", rows[j].names);
            char *state = NULL;

            for (char *word = strtok_r(copy, " ", &state); word; word = strtok_r(NULL, " ", &state)) {
                _cleanup_free_ char *needle = text_format(" %s ", word);

                if (strstr(earlier, needle) && rows[j].application == SECCOMP_ALWAYS)
                    TEST_FAIL("row %zu never decides on %s", i, word);
                if (strstr(earlier, needle) && rows[j].application == SECCOMP_NEVER)
                    TEST_FAIL("%s is refused by row %zu and let through by a later one", word, j);
            }
        }
}

static void table_is_complete(void)
{
    for (size_t a = 0; a < 4; a++)
        for (int n = 0; n < 1024; n++) {
            _cleanup_free_ char *name = seccomp_syscall_resolve_num_arch(known_tokens[a], n);

            if (name && !is_in_table(name))
                TEST_FAIL("%s (%d of architecture %x) is in no row", name, n, known_tokens[a]);
        }
}

static void table_numbers_agree_with_libseccomp(void)
{
    size_t count = 0;
    const SeccompNumber *numbers = seccomp_profile_numbers(&count);

    for (size_t i = 0; i < count; i++)
        for (size_t a = 0; a < 4; a++) {
            int number = seccomp_syscall_resolve_name_arch(known_tokens[a], numbers[i].name);

            if (number >= 0)
                ASSERT_EQ(number, numbers[i].number);
        }
}

static void profile_names(void)
{
    for (SeccompProfile p = 0; p < SECCOMP_PROFILE_MAX; p++)
        ASSERT_EQ(seccomp_profile_from_string(seccomp_profile_to_string(p)), p);
    ASSERT_EQ(seccomp_profile_from_string("Default"), SECCOMP_PROFILE_INVALID);
    ASSERT_EQ(seccomp_profile_from_string(""), SECCOMP_PROFILE_INVALID);
    ASSERT_NULL(seccomp_profile_to_string(SECCOMP_PROFILE_MAX));
    ASSERT_NULL(seccomp_profile_to_string(SECCOMP_PROFILE_INVALID));
}

static void hash_sees_each_change(void)
{
    char text[33] = "0123456789abcdef0123456789abcdef";
    SeccompHash first = SECCOMP_HASH_INIT, split = SECCOMP_HASH_INIT;

    seccomp_hash_add(&first, text, 32);
    for (size_t i = 0; i < 32 * 8; i++) {
        SeccompHash other = SECCOMP_HASH_INIT;

        text[i / 8] ^= (char) (1 << i % 8);
        seccomp_hash_add(&other, text, 32);
        text[i / 8] ^= (char) (1 << i % 8);
        ASSERT_TRUE(other.words[0] != first.words[0] && other.words[1] != first.words[1]);
    }
    seccomp_hash_add(&split, text, 16);
    seccomp_hash_add(&split, text + 16, 16);
    ASSERT_TRUE(memcmp(&split, &first, sizeof(first)) != 0);
}

/* Emulation. */

static const struct {
    SeccompProfile profile;
    uint64_t capabilities;
    bool is_native_only;
} requests[] = {
    {SECCOMP_PROFILE_DEFAULT, 0, false},
    {SECCOMP_PROFILE_DEFAULT, 0, true},
    {SECCOMP_PROFILE_DEFAULT, USUAL_CAPABILITIES, false},
    {SECCOMP_PROFILE_DEFAULT, CAP(SYS_ADMIN), false},
    {SECCOMP_PROFILE_DEFAULT, CAP(NET_RAW), false},
    {SECCOMP_PROFILE_DEFAULT, CAP(AUDIT_WRITE), false},
    {SECCOMP_PROFILE_DEFAULT, CAP(SYS_PTRACE) | CAP(SYS_TIME) | CAP(SYS_MODULE), false},
    {SECCOMP_PROFILE_DEFAULT, UINT64_MAX, false},
    {SECCOMP_PROFILE_SYSTEM, USUAL_CAPABILITIES | CAP(SYS_ADMIN), false},
    {SECCOMP_PROFILE_SYSTEM, 0, false},
    {SECCOMP_PROFILE_SYSTEM, UINT64_MAX, true},
};

static const uint32_t argument_values[] = {
    0,
    1,
    2,
    3,
    8,
    9,
    10,
    15,
    16,
    17,
    18,
    29,
    38,
    40,
    44,
    45,
    50,
    0x80,
    0x1200011,
    0x20000,
    0x20008,
    0x40000,
    0x400000,
    TIOCSTI,
    TIOCLINUX,
    TIOCSTI + 1,
    CLONE_NEWNS,
    CLONE_NEWCGROUP,
    CLONE_NEWUTS,
    CLONE_NEWIPC,
    CLONE_NEWUSER,
    CLONE_NEWPID,
    CLONE_NEWNET,
    CLONE_NEWUSER | CLONE_VM | SIGCHLD,
    0x7fffffff,
    0x80000000,
    0xffffffff,
};

/* Each value in each of the first three arguments, beside zero and beside AF_NETLINK, also with junk above 32
 * bits. */
static bool check_agrees(const Buffer *program, const SeccompVerdict *verdict, uint32_t token, uint32_t number)
{
    static const uint64_t high[] = {0, UINT64_C(1) << 32, UINT64_C(0xffffffff) << 32};

    for (size_t position = 0; position < 3; position++)
        for (size_t i = 0; i < ELEMENTSOF(argument_values); i++)
            for (size_t other = 0; other < 2; other++)
                for (size_t h = 0; h < ELEMENTSOF(high); h++) {
                    struct seccomp_data data = {.nr = (int) number, .arch = token};
                    uint64_t arguments[6] = {other * AF_NETLINK};
                    int refusal;

                    arguments[position] = argument_values[i] | high[h];
                    for (size_t k = 0; k < 6; k++)
                        data.args[k] = arguments[k];
                    refusal = verdict->check ? seccomp_check_decide(verdict->check, arguments) : verdict->refusal;
                    if (emulate(program->data, program->size, &data, NULL) != action_of(refusal))
                        return false;
                }
    return true;
}

static void compare_numbers(const Buffer *program, size_t request, uint32_t token, uint32_t first, uint32_t end)
{
    bool is_foreign = requests[request].is_native_only && token != token_of(0);

    for (uint32_t n = first; n != end; n++) {
        _cleanup_free_ char *name = number_name(token, n);
        SeccompVerdict verdict = {.refusal = ENOSYS};

        if (!is_foreign)
            verdict = seccomp_profile_decide(requests[request].profile, requests[request].capabilities, name);
        if (!check_agrees(program, &verdict, token, n))
            TEST_FAIL("request %zu, architecture %x, %u (%s): not what the table says", request, token, n,
                      name ?: "no name");
    }
}

static void emulated_programs_do_what_the_table_says(void)
{
    for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
        _cleanup_buffer_ Buffer program = {0};

        ASSERT_OK(seccomp_program_compile(requests[i].profile, requests[i].capabilities, requests[i].is_native_only,
                                          &program, NULL));
        ASSERT_TRUE(program.size / sizeof(struct sock_filter) <= BPF_MAXINSNS);
        for (size_t a = 0; a < ELEMENTSOF(tokens) && !test_failed; a++) {
            compare_numbers(&program, i, token_of(a), 0, 1100);
            compare_numbers(&program, i, token_of(a), 0x0f0000, 0x0f0020);
            compare_numbers(&program, i, token_of(a), 0x40000000, 0x40000000 + 1100);
            compare_numbers(&program, i, token_of(a), UINT32_MAX - 4, 0);
        }
    }
}

/* All 64 capabilities one by one, the numbers only. */
static void emulated_capabilities(void)
{
    for (size_t c = 0; c < 64; c++)
        for (SeccompProfile p = SECCOMP_PROFILE_DEFAULT; p < SECCOMP_PROFILE_MAX; p++) {
            _cleanup_buffer_ Buffer program = {0};
            size_t mixed = c * 0x9e3779b97f4a7c15;

            ASSERT_OK(seccomp_program_compile(p, SECCOMP_CAP(c) | (c % 2 ? mixed : 0), true, &program, NULL));
            for (uint32_t n = 0; n < 500; n++) {
                _cleanup_free_ char *name = number_name(token_of(0), n);
                SeccompVerdict verdict = seccomp_profile_decide(p, SECCOMP_CAP(c) | (c % 2 ? mixed : 0), name);
                struct seccomp_data data = {.nr = (int) n, .arch = token_of(0)};

                if (!verdict.check)
                    ASSERT_EQ(emulate(program.data, program.size, &data, NULL), action_of(verdict.refusal));
            }
        }
}

static void emulated_foreign_architectures(void)
{
    static const uint32_t foreign[] = {0, 1, AUDIT_ARCH_S390X, AUDIT_ARCH_MIPS, AUDIT_ARCH_SPARC64, UINT32_MAX};
    _cleanup_buffer_ Buffer program = {0};

    ASSERT_OK(seccomp_program_compile(SECCOMP_PROFILE_SYSTEM, UINT64_MAX, false, &program, NULL));
    for (size_t i = 0; i < ELEMENTSOF(foreign); i++)
        for (uint32_t n = 0; n < 500; n++) {
            struct seccomp_data data = {.nr = (int) n, .arch = foreign[i]};

            ASSERT_EQ(emulate(program.data, program.size, &data, NULL), SECCOMP_RET_ERRNO | ENOSYS);
        }
}

/* libseccomp as a second opinion, for what it can express: calls without an argument check, on one
 * architecture. */
static int compile_with_libseccomp(SeccompProfile profile, uint64_t capabilities, uint32_t token, unsigned optimize,
                                   Buffer *program)
{
    _cleanup_close_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
    _cleanup_free_ char *bytes = NULL;
    size_t size = 0;
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int r = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, optimize);

    if (token != seccomp_arch_native()) {
        (void) seccomp_arch_remove(context, SCMP_ARCH_NATIVE);
        (void) seccomp_arch_add(context, token);
    }
    (void) seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
    for (int n = 0; n < 1024 && r == 0; n++) {
        _cleanup_free_ char *name = seccomp_syscall_resolve_num_arch(token, n);
        SeccompVerdict verdict = seccomp_profile_decide(profile, capabilities, name);

        if (name && !verdict.check && verdict.refusal != ENOSYS)
            r = seccomp_rule_add(context, verdict.refusal == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(verdict.refusal),
                                 seccomp_syscall_resolve_name(name), 0);
    }
    if (r == 0)
        r = seccomp_export_bpf(context, fd);
    seccomp_release(context);
    if (r == 0 && lseek(fd, 0, SEEK_SET) == 0)
        r = file_read_fd(fd, 1 << 20, &bytes, &size);
    if (r == 0)
        buffer_append(program, bytes, size);
    return r;
}

static void programs_agree_with_libseccomp(void)
{
    for (unsigned optimize = 1; optimize <= 2; optimize++) {
        _cleanup_buffer_ Buffer ours = {0}, theirs = {0};

        ASSERT_OK(seccomp_program_compile(SECCOMP_PROFILE_DEFAULT, USUAL_CAPABILITIES, true, &ours, NULL));
        ASSERT_OK(compile_with_libseccomp(SECCOMP_PROFILE_DEFAULT, USUAL_CAPABILITIES, token_of(0), optimize, &theirs));
        for (int n = 0; n < 1024; n++) {
            _cleanup_free_ char *name = seccomp_syscall_resolve_num_arch(token_of(0), n);
            struct seccomp_data data = {.nr = n, .arch = token_of(0)};

            if (!name || seccomp_profile_decide(SECCOMP_PROFILE_DEFAULT, USUAL_CAPABILITIES, name).check)
                continue;
            ASSERT_EQ(emulate(ours.data, ours.size, &data, NULL), emulate(theirs.data, theirs.size, &data, NULL));
        }
    }
}

/* A generation is a promise about what is in cache files. When this fails after a change of
 * seccomp-program.c, raise SECCOMP_PROGRAM_GENERATION; a change of the table needs no more than the new sum
 * here. */
static void generation_is_remembered(void)
{
#ifdef __x86_64__
    _cleanup_buffer_ Buffer program = {0};
    SeccompHash hash = SECCOMP_HASH_INIT;

    ASSERT_OK(seccomp_program_compile(SECCOMP_PROFILE_DEFAULT, USUAL_CAPABILITIES, false, &program, NULL));
    seccomp_hash_add(&hash, program.data, program.size);
    ASSERT_EQ(SECCOMP_PROGRAM_GENERATION, 1);
    ASSERT_EQ(hash.words[0], UINT64_C(0x9e938b1da9d6c698));
#endif
}

/* Measurements. */

static double now_usec(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec * 1e6 + (double) now.tv_nsec / 1e3;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

/* Loads the program in a child and makes a cheap call many times. */
static void measure_in_child(const Buffer *program, double ret[2])
{
    double *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = fork();

    if (pid == 0) {
        struct sock_fprog load = {
            .len = (unsigned short) (program->size / sizeof(struct sock_filter)),
            .filter = (struct sock_filter *) (void *) program->data,
        };
        double begin;

        (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        begin = now_usec();
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load) < 0)
            _exit(1);
        shared[0] = now_usec() - begin;
        begin = now_usec();
        for (unsigned i = 0; i < 10000; i++)
            (void) syscall(SYS_ioctl, -1, TIOCGWINSZ, 0); /* its arguments are looked at: never short-cut */
        shared[1] = (now_usec() - begin) / 10;            /* ns each */
        _exit(0);
    }
    (void) waitpid(pid, NULL, 0);
    ret[0] = shared[0];
    ret[1] = shared[1];
    (void) munmap(shared, 4096);
}

#define ROUNDS 101

static void bench_one(const char *label, bool is_native_only, unsigned optimize)
{
    _cleanup_buffer_ Buffer program = {0};
    double compile[ROUNDS], load[ROUNDS], call[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        double begin = now_usec(), child[2];

        buffer_done(&program);
        if (optimize > 0)
            (void) compile_with_libseccomp(SECCOMP_PROFILE_DEFAULT, USUAL_CAPABILITIES, token_of(0), optimize,
                                           &program);
        else
            (void) seccomp_program_compile(SECCOMP_PROFILE_DEFAULT, USUAL_CAPABILITIES, is_native_only, &program, NULL);
        compile[i] = now_usec() - begin;
        measure_in_child(&program, child);
        load[i] = child[0];
        call[i] = child[1];
    }
    qsort(compile, ROUNDS, sizeof(double), compare_doubles);
    qsort(load, ROUNDS, sizeof(double), compare_doubles);
    qsort(call, ROUNDS, sizeof(double), compare_doubles);
    printf("%-44s %5zu instructions, compile %6.0f us, load %5.0f us (min %4.0f), ioctl %4.0f ns\n", label,
           program.size / sizeof(struct sock_filter), compile[ROUNDS / 2], load[ROUNDS / 2], load[0], call[ROUNDS / 2]);
}

static int bench(void)
{
    _cleanup_close_ int cache_fd = -EBADF;
    char path[] = "/tmp/bench-seccomp.XXXXXX";
    double hit[ROUNDS];

    bench_one("all architectures", false, 0);
    bench_one("native only", true, 0);
    bench_one("libseccomp, native, no argument checks", true, 1);
    bench_one("libseccomp, the same with OPTIMIZE=2", true, 2);
    if (!mkdtemp(path))
        return EXIT_FAILURE;
    cache_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ROUNDS; i++) {
        _cleanup_seccomp_filter_ SeccompFilter filter = {0};
        double begin = now_usec();

        (void) seccomp_prepare(&(SeccompRequest){.capabilities = USUAL_CAPABILITIES}, cache_fd, &filter, NULL);
        hit[i] = now_usec() - begin;
    }
    qsort(hit, ROUNDS, sizeof(double), compare_doubles);
    printf("%-44s %.1f us (min %.1f)\n", "seccomp_prepare() from the cache", hit[ROUNDS / 2], hit[0]);
    (void) file_remove_tree_at(AT_FDCWD, path);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "bench") == 0)
        return bench();
    TEST_RUN(table_names_exist);
    TEST_RUN(table_rows_are_reached);
    TEST_RUN(table_is_complete);
    TEST_RUN(table_numbers_agree_with_libseccomp);
    TEST_RUN(profile_names);
    TEST_RUN(hash_sees_each_change);
    TEST_RUN(emulated_programs_do_what_the_table_says);
    TEST_RUN(emulated_capabilities);
    TEST_RUN(emulated_foreign_architectures);
    TEST_RUN(programs_agree_with_libseccomp);
    TEST_RUN(generation_is_remembered);
    return test_finish();
}

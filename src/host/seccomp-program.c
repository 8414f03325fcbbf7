/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/seccomp-program.h"

#include "base/dl.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>

DL_SYMBOL_DECLARE(seccomp_arch_native);
DL_SYMBOL_DECLARE(seccomp_syscall_resolve_num_arch);

static const DlSymbol symbols[] = {
    DL_SYMBOL(seccomp_arch_native),
    DL_SYMBOL(seccomp_syscall_resolve_num_arch),
};

static DlLibrary library = {
    .soname = "libseccomp.so.2",
    .package = "libseccomp2",
    .feature = "the system call filter",
    .symbols = symbols,
    .symbols_count = ELEMENTSOF(symbols),
};

/* The native architecture first; `extra_first` is where it has private numbers. */
typedef struct Architecture {
    uint32_t token; /* AUDIT_ARCH_*, which is also libseccomp's name for it; 0 is "ask libseccomp" */
    uint32_t extra_first;
} Architecture;

static const Architecture architectures[] = {
#if defined(__x86_64__)
    {.token = AUDIT_ARCH_X86_64},
    {.token = AUDIT_ARCH_I386},
#elif defined(__aarch64__)
    {.token = AUDIT_ARCH_AARCH64},
    {.token = AUDIT_ARCH_ARM, .extra_first = 0x0f0000},
#else
    {.token = 0},
#endif
};

/* The highest number in use is below 500; x32's begin at 0x40000000. */
#define NUMBERS_MAX 1024U
#define EXTRA_MAX   16U

/* What happens at the end of a path through the program. `label` is where the program does it, 0 when nowhere
 * yet. */
typedef struct Outcome {
    int refusal;
    const SeccompCheck *check;
    size_t label;
} Outcome;

/* All numbers from `first` up to the next range have the same outcome. */
typedef struct Range {
    uint32_t first;
    size_t outcome;
} Range;

/* The program is written from its last instruction to its first, since all jumps go forward: a jump's target
 * is then known when the jump is written. A label is a count of instructions from the end, at least 1. */
typedef struct Writer {
    Buffer reversed;
    size_t count;
    Outcome outcomes[32];
    size_t outcomes_count;
    Range ranges[NUMBERS_MAX + EXTRA_MAX + 2];
    size_t ranges_count;
} Writer;

static void writer_done(Writer *writer)
{
    buffer_done(&writer->reversed);
}

static size_t write_instruction(Writer *writer, uint16_t code, size_t yes, size_t no, uint32_t k)
{
    const struct sock_filter instruction = {.code = code, .jt = (uint8_t) yes, .jf = (uint8_t) no, .k = k};

    buffer_append(&writer->reversed, &instruction, sizeof(instruction));
    return ++writer->count;
}

/* A conditional jump reaches 255 instructions, an unconditional one any number. `room` instructions may still
 * come between here and the jump. */
static size_t reachable(Writer *writer, size_t label, size_t room)
{
    if (writer->count + room - label <= UINT8_MAX)
        return label;
    return write_instruction(writer, BPF_JMP | BPF_JA, 0, 0, (uint32_t) (writer->count - label));
}

static size_t write_branch(Writer *writer, uint16_t comparison, uint32_t k, size_t yes, size_t no)
{
    yes = reachable(writer, yes, 1);
    no = reachable(writer, no, 0);
    return write_instruction(writer, BPF_JMP | comparison | BPF_K, writer->count - yes, writer->count - no, k);
}

static size_t write_load(Writer *writer, size_t offset)
{
    return write_instruction(writer, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t) offset);
}

static size_t outcome_index(Writer *writer, int refusal, const SeccompCheck *check)
{
    size_t i = 0;

    for (; i < writer->outcomes_count; i++)
        if (writer->outcomes[i].refusal == refusal && writer->outcomes[i].check == check)
            return i;
    if (i == ELEMENTSOF(writer->outcomes)) {
        writer->reversed.failed = -ENOBUFS; /* the table has grown: enlarge the array */
        return 0;
    }
    writer->outcomes[writer->outcomes_count++] = (Outcome){.refusal = refusal, .check = check};
    return i;
}

static size_t write_check(Writer *writer, const SeccompCheck *check);

/* Where the program does `index`. A return is as short as a jump to a far one, so it is written again
 * instead. */
static size_t outcome_label(Writer *writer, size_t index)
{
    Outcome *outcome = &writer->outcomes[index];

    if (outcome->check) {
        if (outcome->label == 0)
            outcome->label = write_check(writer, outcome->check);
    } else if (outcome->label == 0 || writer->count + 2 - outcome->label > UINT8_MAX)
        outcome->label = write_instruction(writer, BPF_RET | BPF_K, 0, 0,
                                           outcome->refusal == 0 ? SECCOMP_RET_ALLOW
                                                                 : SECCOMP_RET_ERRNO | (uint32_t) outcome->refusal);
    return outcome->label;
}

static size_t argument_offset(size_t index)
{
    size_t low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(uint32_t) : 0;

    return offsetof(struct seccomp_data, args) + index * sizeof(uint64_t) + low;
}

static size_t write_check(Writer *writer, const SeccompCheck *check)
{
    const SeccompCase *last = check->cases;
    size_t next = 0;

    while (last->matches > 0)
        last++;
    next = outcome_label(writer, outcome_index(writer, last->refusal, NULL));
    for (const SeccompCase *c = last; c-- > check->cases;) {
        size_t yes = outcome_label(writer, outcome_index(writer, c->refusal, NULL));

        for (size_t i = c->matches; i-- > 0;) {
            yes = write_branch(writer, BPF_JEQ, c->match[i].value, yes, next);
            if (c->match[i].mask != UINT32_MAX)
                yes = write_instruction(writer, BPF_ALU | BPF_AND | BPF_K, 0, 0, c->match[i].mask);
            yes = write_load(writer, argument_offset(c->match[i].index));
        }
        next = yes;
    }
    return next;
}

/* A binary search over `count` ranges, the system call's number being in the accumulator. */
static size_t write_search(Writer *writer, const Range *ranges, size_t count)
{
    size_t middle = count / 2, upper = 0, lower = 0;

    if (count == 1)
        return outcome_label(writer, ranges[0].outcome);
    /* One number that differs from its neighbours: one comparison instead of two. */
    if (count == 3 && ranges[0].outcome == ranges[2].outcome && ranges[2].first == ranges[1].first + 1) {
        upper = outcome_label(writer, ranges[1].outcome);
        lower = outcome_label(writer, ranges[0].outcome);
        return write_branch(writer, BPF_JEQ, ranges[1].first, upper, lower);
    }
    upper = write_search(writer, ranges + middle, count - middle);
    lower = write_search(writer, ranges, middle);
    return write_branch(writer, BPF_JGE, ranges[middle].first, upper, lower);
}

static void add_range(Writer *writer, uint32_t first, size_t outcome)
{
    if (writer->ranges_count > 0 && writer->ranges[writer->ranges_count - 1].outcome == outcome)
        return;
    writer->ranges[writer->ranges_count++] = (Range){first, outcome};
}

/* The name of a number that is younger than the libseccomp at hand, or NULL. */
static const char *young_name(uint32_t token, uint32_t number)
{
    size_t count = 0;
    const SeccompNumber *numbers = seccomp_profile_numbers(&count);

    for (size_t i = 0; i < count; i++)
        if (numbers[i].number == number && (!numbers[i].is_x86_64_only || token == AUDIT_ARCH_X86_64))
            return numbers[i].name;
    return NULL;
}

static size_t number_outcome(Writer *writer, SeccompProfile profile, uint64_t capabilities, uint32_t token,
                             uint32_t number)
{
    _cleanup_free_ char *known = sym_seccomp_syscall_resolve_num_arch(token, (int) number);
    SeccompVerdict verdict = seccomp_profile_decide(profile, capabilities, known ?: young_name(token, number));

    return outcome_index(writer, verdict.refusal, verdict.check);
}

static void gather_ranges(Writer *writer, SeccompProfile profile, uint64_t capabilities,
                          const Architecture *architecture, uint32_t token)
{
    writer->ranges_count = 0;
    for (uint32_t n = 0; n < NUMBERS_MAX; n++)
        add_range(writer, n, number_outcome(writer, profile, capabilities, token, n));
    add_range(writer, NUMBERS_MAX, outcome_index(writer, ENOSYS, NULL));
    if (architecture->extra_first == 0)
        return;
    for (uint32_t n = architecture->extra_first; n < architecture->extra_first + EXTRA_MAX; n++)
        add_range(writer, n, number_outcome(writer, profile, capabilities, token, n));
    add_range(writer, architecture->extra_first + EXTRA_MAX, outcome_index(writer, ENOSYS, NULL));
}

static int append_in_order(Writer *writer, Buffer *program)
{
    const struct sock_filter *last = NULL;

    if (writer->reversed.failed < 0)
        return writer->reversed.failed;
    if (writer->count > BPF_MAXINSNS)
        return -E2BIG;
    last = (const struct sock_filter *) (const void *) writer->reversed.data + writer->count;
    for (size_t i = 0; i < writer->count; i++)
        buffer_append(program, --last, sizeof(*last));
    return program->failed;
}

int seccomp_program_compile(SeccompProfile profile, uint64_t capabilities, bool is_native_only, Buffer *program,
                            Error *error)
{
    _cleanup_(writer_done) Writer writer = {0};
    size_t otherwise = 0;
    int r = dl_load(&library, error);

    if (r < 0)
        return r;
    otherwise = outcome_label(&writer, outcome_index(&writer, ENOSYS, NULL));
    /* The native part is written last and so comes first. */
    for (size_t i = is_native_only ? 1 : ELEMENTSOF(architectures); i-- > 0;) {
        uint32_t token = architectures[i].token ?: sym_seccomp_arch_native();
        size_t begin = 0;

        gather_ranges(&writer, profile, capabilities, &architectures[i], token);
        (void) write_search(&writer, writer.ranges, writer.ranges_count);
        begin = write_load(&writer, offsetof(struct seccomp_data, nr));
        otherwise = write_branch(&writer, BPF_JEQ, token, begin, otherwise);
    }
    (void) write_load(&writer, offsetof(struct seccomp_data, arch));
    r = append_in_order(&writer, program);
    return r < 0 ? error_set(error, r, "cannot make the system call filter: %s", strerror(-r)) : 0;
}

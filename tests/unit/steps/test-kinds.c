/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of step kinds is complete, and a step is described so that a person can read it. */
#include "../test.h"

#include "base/cleanup.h"
#include "steps/steps.h"

#include <linux/mount.h>
#include <linux/sched.h>

#define _cleanup_list_ _cleanup_(step_list_done)

static void every_kind_has_a_row(void)
{
    ASSERT_NULL(step_kinds[_STEP_INVALID].name);
    for (StepKind kind = 1; kind < _STEP_KIND_MAX; kind++) {
        const StepKindRow *row = &step_kinds[kind];

        if (!row->name || !*row->name)
            TEST_FAIL("kind %d has no row", kind);
        for (StepKind other = 1; other < kind; other++)
            if (strcmp(step_kinds[other].name, row->name) == 0)
                TEST_FAIL("'%s' is there twice", row->name);
        if (!row->fields != (row->fields_count == 0))
            TEST_FAIL("'%s' has no fields but a count", row->name);
        for (size_t i = 0; i < row->fields_count; i++) {
            if (row->fields[i].offset <= offsetof(Step, origin) || row->fields[i].offset + 8 > sizeof(Step))
                TEST_FAIL("%s.%s lies outside of the step", row->name, row->fields[i].name);
            for (size_t j = 0; j < i; j++)
                if (row->fields[j].offset == row->fields[i].offset ||
                    strcmp(row->fields[j].name, row->fields[i].name) == 0)
                    TEST_FAIL("%s.%s is there twice", row->name, row->fields[i].name);
        }
        /* Inner steps need the process that they run in. */
        if (row->where == STEP_INNER && row->reads[0] == SLOT_NONE)
            TEST_FAIL("'%s' leans on nothing", row->name);
    }
}

/* A member without a row would be lost on the way to the executor. The sizes are those of the structs: who adds a
 * member has to add its row. */
static void every_member_has_a_field(void)
{
    static const struct {
        StepKind kind;
        size_t size;
    } sizes[] = {
#define SIZE(kind, member) {kind, sizeof(((Step *) 0)->member)}
        SIZE(STEP_CGROUP, cgroup),
        SIZE(STEP_DIRECTORY, directory),
        SIZE(STEP_CLONE_TREE, clone_tree),
        SIZE(STEP_ID_RANGE, id_range),
        SIZE(STEP_DEVICE_TREE, device_tree),
        SIZE(STEP_ID_MAP, id_map),
        SIZE(STEP_MAP_TREE, map_tree),
        SIZE(STEP_LINK, link),
        SIZE(STEP_PUBLISH, publish),
        SIZE(STEP_CHOWN_TREE, chown_tree),
        SIZE(STEP_START, start),
        SIZE(STEP_JOIN_START, join_start),
        SIZE(STEP_SUPERVISE, supervise),
        SIZE(STEP_JOIN, join),
        SIZE(STEP_PROPAGATION, propagation),
        SIZE(STEP_ROOT_TREE, root_tree),
        SIZE(STEP_ROOT_OVERLAY, root_overlay),
        SIZE(STEP_MOUNT, mount),
        SIZE(STEP_BIND, bind),
        SIZE(STEP_OVERLAY, overlay),
        SIZE(STEP_MAKE_DIRECTORY, make_directory),
        SIZE(STEP_DEVICE, device),
        SIZE(STEP_SYMLINK, symlink),
        SIZE(STEP_FILE, file),
        SIZE(STEP_TERMINAL, terminal),
        SIZE(STEP_MASK, mask),
        SIZE(STEP_READ_ONLY, read_only),
        SIZE(STEP_SYSCTL, sysctl),
        SIZE(STEP_PIVOT, pivot),
        SIZE(STEP_JOIN_CGROUP, join_cgroup),
        SIZE(STEP_HOSTNAME, hostname),
        SIZE(STEP_RLIMIT, rlimit),
        SIZE(STEP_OOM_SCORE, oom_score),
        SIZE(STEP_AWAIT, await),
        SIZE(STEP_IDENTITY, identity),
        SIZE(STEP_WORKING_DIRECTORY, working_directory),
        SIZE(STEP_CAPABILITIES, capabilities),
        SIZE(STEP_SECCOMP, seccomp),
        SIZE(STEP_EXEC, exec),
#undef SIZE
    };

    for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
        const StepKindRow *row = &step_kinds[sizes[i].kind];
        size_t covered = 0;

        for (size_t j = 0; j < row->fields_count; j++)
            covered += row->fields[j].type == STEP_FIELD_BYTES ? 16 : 8;
        if (covered != sizes[i].size)
            TEST_FAIL("'%s' has %zu bytes of members and rows for %zu", row->name, sizes[i].size, covered);
    }
}

static void slots_have_names(void)
{
    for (StepSlot slot = 0; slot < _SLOT_MAX; slot++)
        if (!step_slot_name(slot) || !strcmp(step_slot_name(slot), "?"))
            TEST_FAIL("slot %d has no name", slot);
    ASSERT_STREQ(step_slot_name(_SLOT_MAX), "?");
}

#define ASSERT_DESCRIBED(step, expected)                                                                               \
    do {                                                                                                               \
        Step _step = (step);                                                                                           \
        _cleanup_free_ char *_text = step_describe(&_step);                                                            \
        ASSERT_STREQ(_text, expected);                                                                                 \
    } while (0)

static void descriptions(void)
{
    static const char *options[] = {"mode=0755", "size=64k", NULL}, *words[] = {"/bin/sh", "-c", "a b", "", NULL},
                      *nothing[] = {NULL};

    ASSERT_DESCRIBED(
        ((Step){.kind = STEP_MOUNT,
                .mount = {.type = "tmpfs",
                          .target = "/dev",
                          .options = options,
                          .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                          .plain = 1}}),
        "inner mount type=tmpfs target=/dev options=[mode=0755 size=64k] attributes=nosuid,noexec plain=1");
    ASSERT_DESCRIBED(((Step){.kind = STEP_START, .start = {CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | 0x1}}),
                     "host  start namespaces=mount,pid,net,0x1");
    ASSERT_DESCRIBED(((Step){.kind = STEP_EXEC, .exec = {.argv = words, .environment = nothing}}),
                     "inner exec argv=[/bin/sh -c \"a b\" \"\"] environment=[]");
    ASSERT_DESCRIBED(((Step){.kind = STEP_DEVICE, .device = {"/dev/null", 1, 3, 0666}}),
                     "inner device target=/dev/null major=1 minor=3 mode=0666");
    ASSERT_DESCRIBED(((Step){.kind = STEP_CAPABILITIES, .capabilities = {.bounding = 0xa80425fb, .last = 40}}),
                     "inner capabilities bounding=0xa80425fb last=40");
    ASSERT_DESCRIBED(
        ((Step){.kind = STEP_SECCOMP, .seccomp = {.profile = "default", .program = "", .program_size = 800}}),
        "inner seccomp profile=default program=800 bytes");
    ASSERT_DESCRIBED(((Step){.kind = STEP_LOOPBACK}), "inner loopback");
    ASSERT_DESCRIBED(
        ((Step){.kind = STEP_BIND, .bind = {.tree = 1, .target = "/a b", .attributes = UINT64_C(1) << 40}}),
        "inner bind tree=1 target=\"/a b\" attributes=0x10000000000");
}

/* One step is one line, whatever is in it. */
static void a_description_is_one_line(void)
{
    _cleanup_list_ StepList list = {};
    char *words[] = {(char *) "a\nb", (char *) "\033[1m", NULL};
    _cleanup_free_ char *first = NULL, *second = NULL;

    step_list_add(&list, STEP_HOSTNAME, "x")->hostname.name = step_list_string(&list, "a\nhost  start");
    step_list_add(&list, STEP_MASK, "x")->mask.paths = step_list_strings(&list, words);
    first = step_describe(&list.steps[0]);
    second = step_describe(&list.steps[1]);
    ASSERT_STREQ(first, "inner hostname name=\"a\\x0ahost  start\"");
    ASSERT_STREQ(second, "inner mask paths=[\"a\\x0ab\" \"\\x1b[1m\"]");
}

static void labels(void)
{
    _cleanup_list_ StepList list = {};
    _cleanup_free_ char *mount = NULL, *loopback = NULL;
    Step *step = step_list_add(&list, STEP_MOUNT, "x");

    step->mount.type = step_list_string(&list, "proc");
    step->mount.target = step_list_string(&list, "/proc");
    step_list_add(&list, STEP_LOOPBACK, "x");
    mount = step_label(&list.steps[0]);
    loopback = step_label(&list.steps[1]);
    ASSERT_STREQ(mount, "mount /proc");
    ASSERT_STREQ(loopback, "loopback");
}

int main(void)
{
    TEST_RUN(every_kind_has_a_row);
    TEST_RUN(every_member_has_a_field);
    TEST_RUN(slots_have_names);
    TEST_RUN(descriptions);
    TEST_RUN(a_description_is_one_line);
    TEST_RUN(labels);
    return test_finish();
}

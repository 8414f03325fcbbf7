/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What only an OCI bundle has: mounts that are all there is, the program that decides on devices, a start of its own. */

#include "plan/internal.h"

#include "base/buffer.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* S_IFBLK and S_IFIFO of inode(7), whose header is one of I/O. */
#define TYPE_BLOCK 0060000
#define TYPE_FIFO  0010000

#define ORIGIN(member) spec_origin(planner->spec, offsetof(ContainerSpec, member))

static bool is_cgroup(const MountSpec *mount)
{
    return mount->kind == MOUNT_KIND_FILE_SYSTEM && strncmp(mount->type, "cgroup", strlen("cgroup")) == 0;
}

void plan_file_system(Planner *planner, const MountSpec *mount)
{
    Step *step;

    /* When the payload is in its group: STEP_JOIN_CGROUP. */
    if (is_cgroup(mount))
        return;
    plan_add_mount(planner, mount->origin, mount->type, mount->inside_path, mount->attributes, mount->options);
    step = &planner->list->steps[planner->list->count - 1];
    step->mount.source = step_list_string(planner->list, mount->source);
    /* No image may lead the kernel's files elsewhere: what follows writes through them. */
    step->mount.plain = strcmp(mount->type, "proc") == 0 || strcmp(mount->type, "sysfs") == 0;
}

void plan_bundle_join_cgroup(Planner *planner, StepJoinCgroup *step)
{
    const ContainerSpec *spec = planner->spec;

    if (!spec->bundle)
        return;
    *step = (StepJoinCgroup){.keep_namespace = spec->shares_cgroup_namespace};
    for (size_t i = 0; i < spec->mounts.count; i++)
        if (is_cgroup(&spec->mounts.items[i])) {
            step->mount = true;
            step->read_only = (spec->mounts.items[i].attributes & MOUNT_ATTR_RDONLY) != 0;
        }
}

/* A /dev of the host's, bound by who wrote the configuration, has what it needs, and is not ours to fill. */
static bool has_foreign_devices(const ContainerSpec *spec)
{
    for (size_t i = 0; i < spec->mounts.count; i++)
        if (spec->mounts.items[i].kind == MOUNT_KIND_BIND && strcmp(spec->mounts.items[i].inside_path, "/dev") == 0)
            return true;
    return false;
}

/* "config-linux.md#default-devices" and "#dev-symbolic-links", and those that the configuration names: behind the mounts, one of
 * which is /dev. */
void plan_bundle_devices(Planner *planner)
{
    static const char *const links[][2] = {{"/dev/ptmx", "pts/ptmx"},
                                           {"/dev/fd", "/proc/self/fd"},
                                           {"/dev/stdin", "/proc/self/fd/0"},
                                           {"/dev/stdout", "/proc/self/fd/1"},
                                           {"/dev/stderr", "/proc/self/fd/2"}};
    const ContainerSpec *spec = planner->spec;
    bool is_foreign = has_foreign_devices(spec);
    Step *step;

    if (!spec->bundle)
        return;
    for (const ProfileDevice *device = profile_devices; device->path && !is_foreign; device++) {
        step = step_list_add(planner->list, STEP_DEVICE, DEFAULT_ORIGIN);
        step->device = (StepDevice){
            .target = device->path, .major = device->major, .minor = device->minor, .mode = 0666, .may_exist = true};
    }
    for (size_t i = 0; i < spec->devices.count; i++) {
        const DeviceSpec *device = &spec->devices.items[i];

        step = step_list_add(planner->list, STEP_DEVICE, ORIGIN(devices));
        step->device = (StepDevice){
            .target = step_list_string(planner->list, device->inside_path),
            .major = device->major,
            .minor = device->minor,
            .mode = device->mode,
            .type = device->type == 'b'   ? TYPE_BLOCK
                    : device->type == 'p' ? TYPE_FIFO
                                          : 0,
            .uid = device->uid,
            .gid = device->gid,
            .may_exist = true,
        };
    }
    for (size_t i = 0; i < ELEMENTSOF(links) && !is_foreign; i++) {
        step = step_list_add(planner->list, STEP_SYMLINK, DEFAULT_ORIGIN);
        step->symlink = (StepSymlink){.target = links[i][0], .content = links[i][1]};
    }
}

void plan_await(Planner *planner)
{
    Step *step;

    if (!planner->facts->await_fd)
        return;
    step = step_list_add(planner->list, STEP_AWAIT, DEFAULT_ORIGIN);
    step->await.listen_fd = planner->facts->await_fd;
}

/* One rule as it stands in the spec: "allow c 1:3 rwm". */
typedef struct DeviceRule {
    bool is_allowed;
    char type, major[16], minor[16], access[4];
} DeviceRule;

static void append(Buffer *program, struct bpf_insn instruction)
{
    buffer_append(program, &instruction, sizeof(instruction));
}

/* A comparison that skips the rest of the rule; how much that is, is filled in when the rule is complete. */
static void append_unless(Buffer *program, uint8_t operation, uint8_t left, int32_t value)
{
    append(program, (struct bpf_insn){.code = BPF_JMP | BPF_K | operation, .dst_reg = left, .imm = value});
}

static int32_t access_bits(const char *access)
{
    return (strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0) | (strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0) |
           (strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0);
}

/* True when it is about everything, so that nothing after it counts: the kernel refuses a program with a part that is never
 * reached. Registers: 2 the type, 3 the access, 4 and 5 the numbers. Something is allowed when all of it is, and denied when a part is. */
static bool append_rule(Buffer *program, const DeviceRule *rule)
{
    size_t first = program->size / sizeof(struct bpf_insn), count;
    int32_t bits = access_bits(rule->access);

    if (rule->type != 'a')
        append_unless(program, BPF_JNE, 2, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (bits != (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)) {
        append(program, (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 3});
        append(program, (struct bpf_insn){
                            .code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = 1, .imm = rule->is_allowed ? ~bits : bits});
        append_unless(program, rule->is_allowed ? BPF_JNE : BPF_JEQ, 1, 0);
    }
    if (rule->major[0] != '*')
        append_unless(program, BPF_JNE, 4, (int32_t) strtol(rule->major, NULL, 10));
    if (rule->minor[0] != '*')
        append_unless(program, BPF_JNE, 5, (int32_t) strtol(rule->minor, NULL, 10));
    append(program, (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = 0, .imm = rule->is_allowed});
    append(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
    count = program->size / sizeof(struct bpf_insn);
    for (size_t i = first; i < count && !program->failed; i++) {
        struct bpf_insn *instruction = (struct bpf_insn *) (void *) program->data + i;

        if ((instruction->code & 7) == BPF_JMP && instruction->code != (BPF_JMP | BPF_EXIT))
            instruction->off = (int16_t) (count - i - 1);
    }
    return count - first == 2;
}

static bool parse_rule(const char *text, DeviceRule *ret)
{
    char verb[8] = "";

    *ret = (DeviceRule){};
    if (sscanf(text, "%7s %c %15[0-9*]:%15[0-9*] %3s", verb, &ret->type, ret->major, ret->minor, ret->access) != 5)
        return false;
    ret->is_allowed = strcmp(verb, "allow") == 0;
    return true;
}

/* The last rule that fits counts, so they are tried from the end; before all of them what every container has: the default
 * devices, terminals. What no rule is about is denied. */
static void make_device_program(char *const *rules, Buffer *program)
{
    static const DeviceRule terminals[] = {{true, 'c', "136", "*", "rwm"}, {true, 'c', "5", "2", "rwm"}};

    append(program, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 3, .src_reg = 1, .off = 0});
    append(program, (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 3});
    append(program, (struct bpf_insn){.code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = 2, .imm = 0xffff});
    append(program, (struct bpf_insn){.code = BPF_ALU | BPF_RSH | BPF_K, .dst_reg = 3, .imm = 16});
    append(program, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 4, .src_reg = 1, .off = 4});
    append(program, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 5, .src_reg = 1, .off = 8});
    for (size_t i = 0; i < ELEMENTSOF(terminals); i++)
        (void) append_rule(program, &terminals[i]);
    for (const ProfileDevice *device = profile_devices; device->path; device++) {
        DeviceRule rule = {.is_allowed = true, .type = 'c', .access = "rwm"};

        snprintf(rule.major, sizeof(rule.major), "%u", device->major);
        snprintf(rule.minor, sizeof(rule.minor), "%u", device->minor);
        (void) append_rule(program, &rule);
    }
    for (size_t i = strv_length(rules); i > 0; i--) {
        DeviceRule rule;

        if (!parse_rule(rules[i - 1], &rule))
            program->failed = -EINVAL;
        else if (append_rule(program, &rule))
            return;
    }
    append(program, (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0});
    append(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

void plan_bundle_cgroup(Planner *planner, StepCgroup *step)
{
    const ContainerSpec *spec = planner->spec;
    _cleanup_buffer_ Buffer program = {};

    step->is_direct = spec->bundle;
    if (!spec->device_rules)
        return;
    make_device_program(spec->device_rules, &program);
    if (program.failed) {
        planner->list->failed = -EINVAL;
        return;
    }
    step->devices = step_list_bytes(planner->list, program.data, program.size);
    step->devices_size = program.size;
}

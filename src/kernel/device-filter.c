/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/device-filter.h"

#include "base/cleanup.h"
#include "kernel/syscall.h"

#include <linux/bpf.h>
#include <stdint.h>

int device_filter_attach(int cgroup_fd, const void *program, size_t size_bytes)
{
    static const char licence[] = "LGPL";
    union bpf_attr load = {
        .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
        .insns = (uint64_t) (uintptr_t) program,
        .insn_cnt = (uint32_t) (size_bytes / sizeof(struct bpf_insn)),
        .license = (uint64_t) (uintptr_t) licence,
    };
    _cleanup_close_ int program_fd = sys_bpf(BPF_PROG_LOAD, &load, sizeof(load));
    union bpf_attr attach = {
        .target_fd = (uint32_t) cgroup_fd,
        .attach_bpf_fd = (uint32_t) program_fd,
        .attach_type = BPF_CGROUP_DEVICE,
        .attach_flags = BPF_F_ALLOW_MULTI,
    };
    int r;

    if (program_fd < 0)
        return program_fd;
    r = sys_bpf(BPF_PROG_ATTACH, &attach, sizeof(attach));
    return r < 0 ? r : 0;
}

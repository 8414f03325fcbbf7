/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/memory.h"

#include "base/cleanup.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* A fault maps the pages around it, too, up to such a boundary (fault_around_bytes in mm/memory.c). */
#define RESIDENT_ALIGNMENT 65536

/* The first function here: it returns into what was just dropped. */
_aligned_(RESIDENT_ALIGNMENT) static int drop_object(struct dl_phdr_info *object, size_t size _unused_, void *data)
{
    const uintptr_t page_mask = *(const uintptr_t *) data;

    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t begin, end;

        /* What is writable may have been written: relocations, variables. */
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
            continue;
        begin = (object->dlpi_addr + segment->p_vaddr) & ~page_mask;
        end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz + page_mask) & ~page_mask;
        (void) madvise((void *) begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

void memory_drop_program(void)
{
    uintptr_t page_mask = (uintptr_t) sysconf(_SC_PAGESIZE) - 1;

    (void) dl_iterate_phdr(drop_object, &page_mask);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: what of this process is kept in memory.
 * Never does: touch what could not be read again from its file.
 * Runs in: any process that has little to do for a long time. */

/* Unmaps the pages of the programs and libraries that this process only reads: what is needed again comes back from the page
 * cache at the next touch (madvise(2), MADV_DONTNEED of a private mapping of a file). Start-up code goes with it for good.
 * Costs some microseconds. A debugger's breakpoints are lost. What is linked behind this function begins on a boundary of what
 * the kernel maps at once: a program that links its start-up code before it does not get that back. */
void memory_drop_program(void);

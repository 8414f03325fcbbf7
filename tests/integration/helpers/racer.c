/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hostile payload of races about paths: exchanges pairs of names, atomically and without end, so that each of the two
 * is a directory at one moment and a symbolic link at the next.
 *
 *   racer SEED A B [A B]...     the order of the pairs follows from SEED
 *
 * Writes "racing" once it has begun, and ends with its parent. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

int main(int argc, char *argv[])
{
    uint64_t state = argc > 1 ? strtoull(argv[1], NULL, 10) * 2654435761U + 1 : 0;
    unsigned pairs = argc > 3 ? (unsigned) (argc - 2) / 2 : 0;

    if (pairs == 0)
        return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint64_t count = 0;; count++) {
        char **pair = argv + 2 + 2 * (next(&state) % pairs);

        /* A pair inside another one is out of sight half of the time. */
        if (syscall(SYS_renameat2, AT_FDCWD, pair[0], AT_FDCWD, pair[1], RENAME_EXCHANGE) < 0 && errno != ENOENT &&
            errno != ENOTDIR) {
            perror(pair[0]);
            return 1;
        }
        if (count == 1000 && write(STDOUT_FILENO, "racing\n", 7) != 7)
            return 1;
    }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "puller/progress.h"

#include "base/text.h"

#include <stdio.h>

#define INTERVAL_USEC UINT64_C(100000)
#define WIDTH         30U

void progress_show(Progress *progress, uint64_t done_bytes, uint64_t now_usec)
{
    _cleanup_free_ char *done = NULL, *total = NULL;
    unsigned filled;

    if (!progress->is_on || progress->total_bytes == 0 || now_usec < progress->shown_usec + INTERVAL_USEC)
        return;
    progress->shown_usec = now_usec;
    progress->is_shown = true;
    done = text_format_size(done_bytes);
    total = text_format_size(progress->total_bytes);
    filled = (unsigned) ((double) MIN(done_bytes, progress->total_bytes) / (double) progress->total_bytes * WIDTH);
    fprintf(stderr, "\r[%.*s%.*s] %s of %s\033[K", (int) filled, "##############################",
            (int) (WIDTH - filled), "..............................", done ? done : "", total ? total : "");
    fflush(stderr);
}

void progress_clear(Progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}

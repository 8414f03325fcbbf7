/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Apart from text.c, which the executor shares: musl has no sigabbrev_np(3). */

#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

int text_parse_signal(const char *string, int *ret)
{
    const char *name = string, *rest;
    uint64_t number = 0;

    if (text_parse_u64(string, 64, &number) == 0) {
        if (number == 0)
            return -EINVAL;
        *ret = (int) number;
        return 0;
    }
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    if (strncasecmp(name, "RTMIN", 5) == 0) {
        rest = name + 5;
        if (*rest == 0)
            number = 0;
        else if (*rest != '+' || text_parse_u64(rest + 1, (uint64_t) (64 - SIGRTMIN), &number) < 0)
            return -EINVAL;
        *ret = SIGRTMIN + (int) number;
        return 0;
    }
    for (int i = 1; i < 32; i++) {
        const char *abbreviation = sigabbrev_np(i);

        if (abbreviation && strcasecmp(abbreviation, name) == 0) {
            *ret = i;
            return 0;
        }
    }
    return -EINVAL;
}

char *text_format_signal(int signal_number)
{
    const char *abbreviation = signal_number > 0 && signal_number < 32 ? sigabbrev_np(signal_number) : NULL;

    if (abbreviation)
        return text_format("SIG%s", abbreviation);
    if (signal_number >= SIGRTMIN && signal_number <= SIGRTMAX)
        return text_format("SIGRTMIN+%d", signal_number - SIGRTMIN);
    return text_format("%d", signal_number);
}

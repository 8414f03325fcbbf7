/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The payload: ends at once, or with an argument never. */
#include <unistd.h>

int main(int argc, char *argv[])
{
    (void) argv;
    if (argc > 1)
        for (;;)
            pause();
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints the message catalogue (systemd.io/CATALOG) of the events; the build runs it. */

#include "proto/events.h"

#include <stdio.h>

int main(void)
{
    puts("# Made from src/proto/events.c. For journalctl --catalog; journalctl --update-catalog reads it.");
    for (int kind = _EVENT_INVALID + 1; kind < _EVENT_MAX; kind++) {
        const EventRow *row = &event_rows[kind];

        printf("\n-- %s\nSubject: %s\nDefined-By: berth\nDocumentation: man:berthctl(1)\n\n%s\n", row->message_id,
               row->message, row->catalog_text);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

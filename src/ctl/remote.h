/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: -H and -M before the command: the same command line for the berthctl of another host, over ssh(1), or of a
 *       container.
 * Never does: understand the command line that it passes on; let a word of it become more than a word there.
 * Runs in: berthctl, also as somebody who may do nothing here. */

#include "ctl/ctl.h"

typedef struct Remote {
    const char *host;    /* [USER@]HOST[:PORT][/CONTAINER] */
    const char *machine; /* a container */
} Remote;

/* The options, `offset` being one in Remote. */
extern const CtlOption remote_options[];
extern const size_t remote_options_count;

/* Takes them from the front of argv; *ret_count is how many words they were. */
int remote_parse(int argc, char *const *argv, Remote *ret, int *ret_count, Error *error);

/* The argv of the ssh that runs `berthctl WORDS` at remote->host. Caller owns. -EINVAL. */
int remote_build_ssh(const Remote *remote, char *const *words, bool has_terminal, char ***ret, Error *error);

/* `words`: the rest of the command line. Does not come back from another host; from a container with an exit status. */
int remote_run(Ctl *ctl, const Remote *remote, char *const *words, Error *error);

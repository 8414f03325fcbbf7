/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: showing the processes of a cgroup as a tree, as systemd-cgls(1) does; whether the terminal takes line
 *       drawings.
 * Never does: enter a container; trust a command line.
 * Runs in: berthctl, in the host's pid namespace. */

#include <stdbool.h>
#include <sys/types.h>

/* The locale of the environment is a UTF-8 one. */
bool terminal_takes_utf8(void);

/* The command line with blanks between its words, "[name]" where it has none, escaped. -ESRCH when it is
 * gone. */
int process_format_command(pid_t pid, char **ret);

/* Prints the processes of the group and of those below to stdout, `indent` before each line, lines cut at
 * `columns` (0: not cut). */
int processes_print_tree(int group_fd, const char *indent, unsigned columns);

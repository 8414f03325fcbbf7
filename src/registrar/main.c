/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* berth-registrar: what a container's supervisor has to say over D-Bus in the few moments of its life when it has to say
 * something. The supervisor itself links no library; this is run by it and ends at once.
 *
 *   berth-registrar unregister NAME LEADER      the container has ended
 *   berth-registrar restarted NAME LEADER       it was started again in place; fd 3 is the roster's run directory */

#include "base/log.h"
#include "base/text.h"
#include "host/machined.h"
#include "registrar/restarted.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define RUN_FD 3

static int unregister(const char *name, pid_t leader, Error *error)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    int r = systemd_open(&systemd, error);

    return r < 0 ? r : machined_unregister(systemd, name, leader, error);
}

static int run(int argc, char *argv[], Error *error)
{
    uint64_t leader = 0;

    if (argc != 4 || !text_is_name(argv[2]) || text_parse_u64(argv[3], INT32_MAX, &leader) < 0)
        return error_set(error, -EINVAL, "usage: berth-registrar unregister|restarted NAME LEADER");
    if (strcmp(argv[1], "unregister") == 0)
        return unregister(argv[2], (pid_t) leader, error);
    if (strcmp(argv[1], "restarted") == 0)
        return restarted(RUN_FD, argv[2], (pid_t) leader, error);
    return error_set(error, -EINVAL, "unknown command '%s'", argv[1]);
}

int main(int argc, char *argv[])
{
    _cleanup_error_ Error error = {};
    sigset_t none;
    int r;

    log_set_program("berth-registrar");
    /* The supervisor has all signals blocked. */
    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
    r = run(argc, argv, &error);
    if (r < 0)
        error_report(&error, r);
    return r < 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* berth-registrar: what a container's supervisor has to say over D-Bus in the few moments of its life when it has to say
 * something. The supervisor itself links no library; this is run by it and ends at once.
 *
 *   berth-registrar unregister NAME LEADER */

#include "base/log.h"
#include "base/text.h"
#include "host/machined.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static int unregister(const char *name, const char *leader_text, Error *error)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    uint64_t leader = 0;
    int r;

    if (!text_is_name(name) || text_parse_u64(leader_text, INT32_MAX, &leader) < 0)
        return error_set(error, -EINVAL, "'%s %s' is not NAME LEADER", name, leader_text);
    r = systemd_open(&systemd, error);
    return r < 0 ? r : machined_unregister(systemd, name, (pid_t) leader, error);
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
    if (argc != 4 || strcmp(argv[1], "unregister") != 0) {
        log_error("usage: berth-registrar unregister NAME LEADER");
        return 2;
    }
    r = unregister(argv[2], argv[3], &error);
    if (r < 0)
        error_report(&error, r);
    return r < 0;
}

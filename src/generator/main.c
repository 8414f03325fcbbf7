/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* berth-generator NORMAL-DIRECTORY [EARLY-DIRECTORY LATE-DIRECTORY]: systemd.generator(7). */
#include "generator/generate.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Run by systemd, a generator has the kernel's log only: what runs the journal is among the units that it makes. */
static void log_to_kernel(void)
{
    int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return;
    (void) dup2(fd, STDERR_FILENO);
    (void) safe_close(fd);
}

static void report(const char *text, bool is_wrong)
{
    /* A record of the kernel's log has some 970 bytes; a longer one is lost. */
    log_message(is_wrong ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%.900s", text);
}

int main(int argc, char *argv[])
{
    _cleanup_error_ Error error = {};
    int r;

    log_set_program("berth-generator");
    if (argc != 2 && argc != 4) {
        fprintf(stderr, "berth-generator NORMAL-DIRECTORY [EARLY-DIRECTORY LATE-DIRECTORY]\n");
        return EXIT_FAILURE;
    }
    umask(0022);
    if (secure_getenv("SYSTEMD_SCOPE"))
        log_to_kernel();
    r = generate(argv[1], BERTH_BIN_DIR "/berthctl", report, &error);
    if (r < 0) {
        error_report(&error, r);
        return EXIT_FAILURE;
    }
    /* A broken definition has a unit that says so: it is no failure of the generator. */
    return EXIT_SUCCESS;
}

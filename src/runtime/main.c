/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* berth-runtime: the command line that container engines speak, for Berth's spec, plan and executor. */

#include "runtime/runtime.h"

#include "base/log.h"
#include "base/strv.h"

#include <errno.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int run(Runtime *runtime, int argc, char *argv[], Error *error)
{
    int r = runtime_parse(runtime, argc, argv, error);

    if (r < 0)
        return r;
    if (runtime->version) {
        printf("berth-runtime version %s\nspec: %s\n", BERTH_VERSION, RUNTIME_VERSION);
        return 0;
    }
    if (runtime->help || !runtime->verb) {
        runtime_help();
        return 0;
    }
    return runtime->verb->run(runtime, error);
}

int main(int argc, char *argv[])
{
    _cleanup_error_ Error error = {};
    Runtime runtime = {.root = RUNTIME_ROOT, .root_fd = -EBADF, .exit_status = -1};
    int r;

    log_set_program("berth-runtime");
    umask(0022);
    r = run(&runtime, argc, argv, &error);
    if (r < 0)
        runtime_log(&runtime, "error", error.text ? error.text : strerror(-r));
    if (r < 0 && error.hint)
        runtime_log(&runtime, "error", error.hint);
    strv_free(runtime.words);
    safe_close(runtime.root_fd);
    return r < 0 ? EXIT_FAILURE : runtime.exit_status >= 0 ? runtime.exit_status : EXIT_SUCCESS;
}

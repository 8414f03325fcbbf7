/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/program.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int program_open(const char *folder, const char *name, Error *error)
{
    _cleanup_free_ char *built = BERTH_BUILD_DIR[0] ? text_format("%s/%s/%s", BERTH_BUILD_DIR, folder, name) : NULL;
    _cleanup_free_ char *installed = text_format("%s/%s", BERTH_LIBEXEC_DIR, name);
    int fd = built ? open(built, O_PATH | O_CLOEXEC) : -1;

    if (!installed)
        return -ENOMEM;
    if (fd < 0)
        fd = open(installed, O_PATH | O_CLOEXEC);
    return fd >= 0 ? fd
                   : error_hint(error, error_set(error, -errno, "cannot find %s: %s", installed, strerror(errno)),
                                "is berth installed completely?");
}

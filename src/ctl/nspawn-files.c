/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/nspawn-files.h"

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "inputs/nspawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FILE_MAX_BYTES (1U << 20)

NspawnMode nspawn_mode_from_string(const char *string)
{
    bool yes;

    if (strcmp(string, "override") == 0)
        return NSPAWN_OVERRIDE;
    if (strcmp(string, "trusted") == 0)
        return NSPAWN_TRUSTED;
    if (text_parse_bool(string, &yes) < 0)
        return _NSPAWN_MODE_INVALID;
    return yes ? NSPAWN_YES : NSPAWN_NO;
}

/* 1: it was there. */
static int load_one(const char *path, Trust trust, SpecLayer **ret, Error *error)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_strv_ char **notices = NULL;
    size_t size = 0;
    int r = file_read_at(AT_FDCWD, path, FILE_MAX_BYTES, &text, &size);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return error_set(error, r, "cannot read '%s': %s", path, strerror(-r));
    r = nspawn_parse(text, size, path, trust, ret, &notices, error);
    STRV_FOREACH (notice, notices)
        log_warning("%s", *notice);
    return r < 0 ? r : 1;
}

int nspawn_load(NspawnMode mode, const char *name, const char *host_directory, SpecLayer **ret, Error *error)
{
    const char *override = secure_getenv("BERTH_NSPAWN_DIR");
    const char *const trusted[] = {override ? override : "/etc/systemd/nspawn",
                                   override ? NULL : "/run/systemd/nspawn"};
    _cleanup_free_ char *tree = NULL, *beside = NULL;
    char *slash;
    int r = 0;

    if (mode == NSPAWN_NO)
        return 0;
    if (!text_is_name(name))
        return error_set(error, -EINVAL, "'%s' is not a container name", name);
    for (size_t i = 0; i < ELEMENTSOF(trusted) && trusted[i] && r == 0; i++) {
        _cleanup_free_ char *path = text_format("%s/%s.nspawn", trusted[i], name);

        r = path ? load_one(path, TRUST_ADMIN, ret, error) : -ENOMEM;
    }
    if (r != 0 || !host_directory)
        return MIN(r, 0);
    tree = path_normalise(host_directory);
    slash = tree ? strrchr(tree, '/') : NULL;
    if (!slash)
        return tree ? 0 : -ENOMEM;
    *slash = 0;
    beside = text_format("%s/%s.nspawn", tree, name);
    r = beside ? load_one(beside, mode == NSPAWN_TRUSTED ? TRUST_ADMIN : TRUST_IMAGE, ret, error) : -ENOMEM;
    return MIN(r, 0);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pull, and the pull that `run` begins with. */

#include "ctl/ctl.h"
#include "ctl/table.h"

#include "base/strv.h"
#include "base/text.h"
#include "pull/registries.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The importer's arguments up to the names. */
static int begin(const Ctl *ctl, const char *command, char ***arguments, Error *error)
{
    bool flag;
    int r;

    if (ctl->tls_verify && text_parse_bool(ctl->tls_verify, &flag) < 0)
        return error_set(error, -EINVAL, "--tls-verify=%s: use yes or no", ctl->tls_verify);
    r = ctl_begin_importer(command, arguments, error);
    if (r == 0 && ctl->platform)
        r = strv_append_format(arguments, "--platform=%s", ctl->platform);
    if (r == 0 && ctl->tls_verify)
        r = strv_append_format(arguments, "--tls-verify=%s", ctl->tls_verify);
    if (r == 0 && ctl->auth_file)
        r = strv_append_format(arguments, "--auth-file=%s", ctl->auth_file);
    if (r == 0 && ctl->no_size_limit)
        r = strv_append(arguments, "--no-size-limit");
    if (r == 0 && ctl->quiet)
        r = strv_append(arguments, "--quiet");
    return r;
}

/* pull and push: the importer's commands have the same names. */
int verb_pull(Ctl *ctl, Error *error)
{
    _cleanup_strv_ char **arguments = NULL;
    int r = output_format_check(ctl->output, "text table json", error);

    if (r == 0)
        r = begin(ctl, ctl->verb->name, &arguments, error);
    if (r == 0 && ctl->json)
        r = strv_append(&arguments, "--output=json");
    if (r == 0)
        r = strv_append(&arguments, "--");
    if (r == 0)
        r = strv_extend(&arguments, ctl->words);
    return r < 0 ? r : ctl_run_helper("berth-importer", arguments, error);
}

/* --- run --- */

typedef enum PullWhen { PULL_MISSING, PULL_NEWER, PULL_ALWAYS, PULL_NEVER, _PULL_WHEN_MAX } PullWhen;

static int parse_when(const char *text, PullWhen *ret, Error *error)
{
    static const char *const names[_PULL_WHEN_MAX] = {"missing", "newer", "always", "never"};

    for (unsigned i = 0; i < _PULL_WHEN_MAX; i++)
        if (!text || strcmp(names[i], text) == 0) {
            *ret = (PullWhen) i;
            return 0;
        }
    return error_set(error, -EINVAL, "--pull=%s: use missing, newer, always or never", text);
}

/* What is no name, was made here or has no registry configured is in no registry. */
static bool has_registry(const char *name)
{
    _cleanup_reference_ Reference reference = {};
    _cleanup_registries_ Registries registries = {};

    if (reference_parse(name, &reference, NULL) < 0)
        return false;
    if (registries_load(&registries, NULL) < 0)
        return true; /* whoever pulls says what is wrong */
    return reference.domain ? strcmp(reference.domain, "localhost") != 0 : registries.search != NULL;
}

int ctl_find_searched(Ctl *ctl, const char *name, StoreImage **ret, Error *error)
{
    _cleanup_registries_ Registries registries = {};
    _cleanup_strv_ char **names = NULL;

    if (registries_load(&registries, NULL) < 0 || registries_list_names(&registries, name, &names, NULL) < 0)
        return -ENOENT;
    STRV_FOREACH (full, names)
        if (strcmp(*full, name) != 0 && store_find_image(ctl->store, *full, ret, NULL) == 0) {
            error_done(error);
            return 0;
        }
    return -ENOENT;
}

/* The container's output is its own: nothing of the pull goes there. */
static int run_pull(Ctl *ctl, const char *name, Error *error)
{
    _cleanup_strv_ char **arguments = NULL;
    _cleanup_close_ int saved_fd = -EBADF;
    int r = begin(ctl, "pull", &arguments, error);

    if (r == 0)
        r = strv_append(&arguments, "--");
    if (r == 0)
        r = strv_append(&arguments, name);
    if (r < 0)
        return r;
    saved_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (saved_fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return -errno;
    r = ctl_run_helper("berth-importer", arguments, error);
    if (dup2(saved_fd, STDOUT_FILENO) < 0)
        return -errno;
    return r;
}

int ctl_pull_for_run(Ctl *ctl, const char *name, bool is_here, Error *error)
{
    PullWhen when = PULL_MISSING;
    int r = parse_when(ctl->pull, &when, error);

    if (r < 0)
        return r;
    if (when == PULL_NEVER || (when == PULL_MISSING && (is_here || !has_registry(name))))
        return 1;
    r = run_pull(ctl, name, error);
    /* Nobody can be asked for a newer one: what is here will do. */
    if (r > 0 && when == PULL_NEWER && is_here)
        return 0;
    return r > 0 ? error_set(error, -ENOENT, "there is no image '%s', and it could not be pulled", name) : r;
}

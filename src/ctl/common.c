/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

void ctl_done(Ctl *ctl)
{
    strv_free(ctl->words);
    spec_layer_free(ctl->layer);
    roster_close(ctl->roster);
    store_free(ctl->store);
    strv_free(ctl->properties);
    strv_free(ctl->filters);
    strv_free(ctl->changes);
    strv_free(ctl->environment);
}

static void report_reconciled(const char *name, const char *what, void *userdata)
{
    (void) userdata;
    log_warning("%s: %s", name, what);
}

int ctl_open_roster(Ctl *ctl, Error *error)
{
    int r;

    if (ctl->roster)
        return 0;
    if (geteuid() != 0)
        return error_hint(error, error_set(error, -EPERM, "only root can manage containers on this host"), "use sudo");
    r = roster_open(true, &ctl->roster, error);
    if (r < 0)
        return r;
    return roster_reconcile(ctl->roster, report_reconciled, NULL);
}

int ctl_open_store(Ctl *ctl, bool create, Error *error)
{
    const char *path = secure_getenv("BERTH_DATA_DIR");

    if (ctl->store)
        return 0;
    if (geteuid() != 0)
        return error_hint(error, error_set(error, -EPERM, "only root can use the image store"), "use sudo");
    return store_open(path ? path : STORE_DEFAULT_PATH, create ? STORE_OPEN_CREATE : 0, &ctl->store, error);
}

int ctl_load_machine(Ctl *ctl, const char *name, Machine **ret, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    Nearest nearest = {};
    int r = ctl_open_roster(ctl, error);

    if (r < 0)
        return r;
    r = roster_load(ctl->roster, name, ret, error);
    if (r != -ENOENT)
        return r;
    if (roster_list(ctl->roster, &names) == 0)
        STRV_FOREACH (known, names)
            text_nearest_consider(&nearest, name, *known);
    (void) error_set(error, -ENOENT, "no container named '%s' is running", name);
    return nearest.best ? error_hint(error, -ENOENT, "did you mean '%s'?", nearest.best)
                        : error_hint(error, -ENOENT, "berthctl list --all shows the containers");
}

int ctl_for_each_word(Ctl *ctl, int (*one)(Ctl *ctl, const char *name, void *userdata, Error *error), void *userdata,
                      Error *error)
{
    int result = 0;

    STRV_FOREACH (name, ctl->words) {
        _cleanup_error_ Error own = {};
        int r = one(ctl, *name, userdata, &own);

        if (r >= 0)
            continue;
        /* The last failure is main's to report. */
        if (result < 0) {
            error_report(error, result);
            error_done(error);
        }
        error_move(error, &own);
        result = r;
    }
    return result;
}

int ctl_begin_importer(const char *command, char ***ret, Error *error)
{
    const char *store = secure_getenv("BERTH_DATA_DIR");
    int r;

    if (geteuid() != 0)
        return error_hint(error, error_set(error, -EPERM, "only root can use the image store"), "use sudo");
    r = strv_append(ret, command);
    return r == 0 && store ? strv_append_format(ret, "--store=%s", store) : r;
}

int ctl_run_helper(const char *name, char *const *arguments, Error *error)
{
    _cleanup_free_ char *built = BERTH_BUILD_DIR[0] ? text_format("%s/importer/%s", BERTH_BUILD_DIR, name) : NULL;
    _cleanup_free_ char *installed = text_format("%s/%s", BERTH_LIBEXEC_DIR, name);
    const char *program = built && access(built, X_OK) == 0 ? built : installed;
    _cleanup_strv_ char **argv = strv_new(name, NULL);
    int status = 0, r;
    pid_t pid = 0;

    if (!argv || !installed || strv_extend(&argv, arguments) < 0)
        return -ENOMEM;
    r = -posix_spawn(&pid, program, NULL, NULL, argv, environ);
    if (r < 0)
        return error_hint(error, error_set(error, r, "cannot run %s: %s", program, strerror(-r)),
                          "is berth installed completely?");
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

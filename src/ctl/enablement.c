/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/enablement.h"

#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "definitions/services.h"
#include "definitions/unit.h"
#include "host/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

/* Behind those that people write, so that the last word is the command's. */
#define DROP_IN "zz-berthctl.conf"
#define HEAD    "# Written by berthctl enable and disable.\n[Install]\n"

int enablement_reload(Error *error)
{
    _cleanup_systemd_ Systemd *systemd = NULL;
    int r;

    if (!systemd_is_running())
        return 0;
    r = systemd_open(&systemd, error);
    return r < 0 ? r : systemd_daemon_reload(systemd, error);
}

/* Whether the definition, with all its drop-ins, is started by anything. */
static int is_enabled(const char *file_name, bool *ret, Error *error)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_definition_ Definition *definition = NULL;
    _cleanup_definition_links_ DefinitionLinks links = {};
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    int r = definition_places_load(false, &places);

    if (r == 0)
        r = definition_open(&places, file_name, &definition, error);
    if (r == 0)
        r = definition_check(definition, &places, &spec);
    if (r == 0)
        r = definition_list_links(definition, &links);
    if (r < 0)
        return r;
    if (definition->problems)
        return error_hint(error, error_set(error, -EINVAL, "%s", definition->problems[0]),
                          "berthctl verify-file %s tells of all that is wrong", definition->path);
    *ret = false;
    for (size_t i = 0; i < links.count; i++)
        *ret = *ret || strchr(links.items[i].name, '/');
    return 0;
}

static int write_drop_in(int directory_fd, const char *folder, const char *text, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    int r = file_open_directory_at(directory_fd, folder, true, 0755, &fd);

    if (r == 0)
        r = file_write_atomic_at(fd, DROP_IN, text, strlen(text), 0644, FILE_WRITE_DURABLE);
    return r < 0 ? error_set(error, r, "cannot write '%s/" DROP_IN "': %s", folder, strerror(-r)) : 0;
}

static int remove_drop_in(int directory_fd, const char *folder, Error *error)
{
    _cleanup_free_ char *path = text_format("%s/" DROP_IN, folder);

    if (!path)
        return -ENOMEM;
    if (unlinkat(directory_fd, path, 0) < 0 && errno != ENOENT)
        return error_set(error, -errno, "cannot remove '%s': %s", path, strerror(errno));
    (void) unlinkat(directory_fd, folder, AT_REMOVEDIR);
    return 0;
}

/* Whether the generator knows of an instance: it has a file or drop-ins of its own. */
static bool has_own_files(const char *file_name, int directory_fd, const char *folder)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_free_ char *path = NULL;

    if (faccessat(directory_fd, folder, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    if (definition_places_load(false, &places) == 0)
        path = definition_places_find(&places, file_name);
    return path && strcmp(path_last(path), file_name) == 0;
}

/* First what this command wrote before is taken back: often nothing more is to be done. */
static int set_by_drop_in(const char *name, bool enable, Error *error)
{
    _cleanup_free_ char *file_name = text_format("%s" DEFINITION_SUFFIX, name);
    _cleanup_free_ char *folder = text_format("%s" DEFINITION_SUFFIX ".d", name);
    _cleanup_strv_ char **directories = definition_directories();
    _cleanup_close_ int fd = -EBADF;
    bool is_instance = strchr(name, '@'), enabled = false;
    int r = file_name && folder && directories ? 0 : -ENOMEM;

    if (r == 0)
        r = file_open_directory_at(AT_FDCWD, directories[0], true, 0755, &fd);
    if (r < 0)
        return r == -ENOMEM ? r : error_set(error, r, "cannot open '%s': %s", directories[0], strerror(-r));
    /* What is wrong is found before anything is changed. */
    r = is_enabled(file_name, &enabled, error);
    if (r == 0)
        r = remove_drop_in(fd, folder, error);
    if (r == 0)
        r = is_enabled(file_name, &enabled, error);
    if (r < 0)
        return r;
    if (enable && !enabled)
        return write_drop_in(fd, folder, HEAD "WantedBy=berth.target\n", error);
    /* An instance of an enabled template is there when there is something of its own. */
    if (enable && is_instance)
        return write_drop_in(fd, folder, HEAD, error);
    if (!enable && enabled && (!is_instance || has_own_files(file_name, fd, folder)))
        return write_drop_in(fd, folder, HEAD "WantedBy=\nRequiredBy=\nUpheldBy=\n", error);
    return 0;
}

static int run_systemctl(char **argv, Error *error)
{
    pid_t pid = 0;
    int status = 0, r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

    if (r > 0)
        return error_set(error, -r, "cannot run systemctl: %s", strerror(r));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : error_set(error, -EIO, "systemctl %s failed", argv[1]);
}

static int set_tree(const char *name, bool enable, bool now, Error *error)
{
    _cleanup_free_ char *unit = service_of_tree(name);
    _cleanup_strv_ char **argv = strv_new("systemctl", enable ? "enable" : "disable", NULL);
    int r = unit && argv ? 0 : -ENOMEM;

    if (strchr(name, '+'))
        return error_set(error, -EINVAL, "'%s': a '+' cannot stand in the name of a unit", name);
    if (r == 0 && now)
        r = strv_append(&argv, "--now");
    if (r == 0)
        r = strv_append(&argv, unit);
    if (r == 0)
        r = run_systemctl(argv, error);
    return r < 0 ? r : ENABLEMENT_OF_TREE;
}

/* What hangs on berth.target is started at boot only when that is. */
static int enable_target(Error *error)
{
    _cleanup_strv_ char **argv = strv_new("systemctl", "enable", "--quiet", "berth.target", NULL);

    if (!systemd_is_running())
        return 0;
    return argv ? run_systemctl(argv, error) : -ENOMEM;
}

int enablement_set(const char *name, bool enable, bool now, Error *error)
{
    _cleanup_free_ char *tree = service_of_tree(name), *file_name = NULL, *path = NULL;
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    int r;

    if (geteuid() != 0)
        return error_hint(error, error_set(error, -EPERM, "only root can manage containers on this host"), "use sudo");
    if (!definition_name_is_valid(name))
        return error_set(error, -EINVAL, "'%s' is not a container name", name);
    if (definition_name_is_template(name))
        return error_hint(error, error_set(error, -EINVAL, "'%s' is a template", name), "name an instance: %sINSTANCE",
                          name);
    file_name = text_format("%s" DEFINITION_SUFFIX, name);
    r = file_name ? definition_places_load(false, &places) : -ENOMEM;
    if (r < 0)
        return r;
    path = definition_places_find(&places, file_name);
    if (!path && tree)
        return set_tree(name, enable, now, error);
    r = set_by_drop_in(name, enable, error);
    if (r == 0 && enable)
        r = enable_target(error);
    return r < 0 ? r : enablement_reload(error);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* commit, import, save, verify: what the importer does. */

#include "ctl/container-root.h"
#include "ctl/container.h"
#include "ctl/table.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "kernel/mount.h"
#include "machines/pause.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

/* What both verbs say to the importer. */
static int begin_arguments(const Ctl *ctl, const char *command, const char *image, char ***ret, Error *error)
{
    int r = ctl_begin_importer(command, ret, error);

    if (r == 0 && image)
        r = strv_append_format(ret, "--name=%s", image);
    STRV_FOREACH (change, ctl->changes)
        if (r == 0)
            r = strv_append_format(ret, "--change=%s", *change);
    if (r == 0 && ctl->message)
        r = strv_append_format(ret, "--message=%s", ctl->message);
    if (r == 0 && ctl->author)
        r = strv_append_format(ret, "--author=%s", ctl->author);
    return r == 0 && ctl->json ? strv_append(ret, "--output=json") : r;
}

/* The importer inherits it. */
static int pass_fd(char ***arguments, const char *option, int fd)
{
    if (fcntl(fd, F_SETFD, 0) < 0)
        return -errno;
    return strv_append_format(arguments, "--%s=%d", option, fd);
}

static int pass_maps(char ***arguments, const ContainerRoot *root)
{
    _cleanup_free_ char *uids = id_map_format(&root->uids), *gids = id_map_format(&root->gids);
    int r = uids ? strv_append_format(arguments, "--uid-map=%s", uids) : 0;

    return r == 0 && gids ? strv_append_format(arguments, "--gid-map=%s", gids) : r;
}

/* --- commit --- */

/* On the disk the ids are those of the inside; what the container sees is mapped. */
static int pass_trees(Ctl *ctl, const ContainerSides *sides, const ContainerRoot *root, char ***arguments)
{
    int r = pass_fd(arguments, "tree-fd", ctl->squash ? root->mount_fd : sides->upper_fd);

    if (r == 0 && ctl->squash)
        r = pass_maps(arguments, root);
    if (r == 0 && ctl->squash)
        return strv_append(arguments, "--squash");
    if (r == 0)
        r = pass_fd(arguments, "lower-fd", sides->lower_fd);
    return r == 0 ? pass_fd(arguments, "merged-fd", root->mount_fd) : r;
}

static int commit_container(Ctl *ctl, const char *name, const char *image, Error *error)
{
    _cleanup_container_sides_ ContainerSides sides = {.upper_fd = -EBADF, .lower_fd = -EBADF};
    _cleanup_container_root_ ContainerRoot root = {.mount_fd = -EBADF, .lock_fd = -EBADF};
    _cleanup_strv_ char **arguments = NULL;
    int r = container_sides_open(ctl, name, &sides, error);

    if (r == 0 && !sides.image)
        r = error_hint(error, error_set(error, -EOPNOTSUPP, "'%s' has no image that it could be a change of", name),
                       "berthctl import DIRECTORY makes an image of a directory");
    if (r == 0)
        r = container_root_open(ctl, name, CONTAINER_ROOT_NO_BELOW, &root, error);
    if (r < 0)
        return r;
    r = begin_arguments(ctl, "commit", image, &arguments, error);
    if (r == 0)
        r = strv_append_format(&arguments, "--base=%s", digest_format(&sides.image->manifest).text);
    if (r == 0)
        r = pass_trees(ctl, &sides, &root, &arguments);
    if (r == 0)
        r = strv_append(&arguments, "--");
    if (r == 0)
        r = strv_append_format(&arguments, "commit %s", name);
    return r < 0 ? r : ctl_run_helper("berth-importer", arguments, error);
}

/* 1: it stands still now, and is to go on. Where that cannot be done it is said. */
static int hold(Ctl *ctl, const char *name, Container **ret, Error *error)
{
    _cleanup_container_ Container *container = NULL;
    _cleanup_error_ Error problem = {};
    bool pause = true;
    int r = 0;

    if (ctl->pause && text_parse_bool(ctl->pause, &pause) < 0)
        return error_set(error, -EINVAL, "--pause: '%s' is neither yes nor no", ctl->pause);
    r = container_load(ctl, name, &container, error);
    if (r < 0)
        return r;
    if (pause && container_is_running(container)) {
        r = machine_pause(container->machine, &problem);
        if (r < 0)
            log_warning("'%s' goes on meanwhile: %s", name, problem.text ? problem.text : strerror(-r));
    } else
        r = 1;
    *ret = TAKE_PTR(container);
    return r == 0 ? 1 : 0;
}

static void on_signal(int signal)
{
    (void) signal;
}

/* Control-C reaches the importer as well, which ends; this program has to let the container go on. */
static void outlive_interrupt(void)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    (void) sigaction(SIGINT, &action, NULL);
}

int verb_commit(Ctl *ctl, Error *error)
{
    const char *name = ctl->words[0], *image = ctl->words[1];
    _cleanup_container_ Container *container = NULL;
    int held, r = output_format_check(ctl->output, "text table json", error);

    if (r == 0)
        r = ctl_open_roster(ctl, error);
    if (r < 0)
        return r;
    outlive_interrupt();
    held = hold(ctl, name, &container, error);
    if (held < 0)
        return held;
    r = commit_container(ctl, name, image, error);
    if (held > 0)
        (void) machine_resume(container->machine, NULL);
    return r;
}

/* --- import --- */

static int import_directory(char ***arguments, const char *path, int fd, int *ret_mount_fd, Error *error)
{
    _cleanup_close_ int mount_fd = mount_clone(fd, "", false);
    int r = mount_fd < 0
                ? mount_fd
                : mount_set_attributes(
                      mount_fd, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, 0, false);

    if (r < 0)
        return error_set(error, r, "opening %s: %s", path, strerror(-r));
    r = pass_fd(arguments, "tree-fd", mount_fd);
    if (r == 0)
        r = strv_append(arguments, "--");
    if (r == 0)
        r = strv_append_format(arguments, "import %s", path);
    if (r == 0)
        *ret_mount_fd = TAKE_FD(mount_fd);
    return r;
}

int verb_import(Ctl *ctl, Error *error)
{
    const char *path = ctl->words[0];
    _cleanup_close_ int fd = strcmp(path, "-") == 0 ? -EBADF : open(path, O_PATH | O_CLOEXEC), mount_fd = -EBADF;
    _cleanup_strv_ char **arguments = NULL;
    struct stat st = {};
    bool is_directory;
    int r = output_format_check(ctl->output, "text table json", error);

    if (r < 0)
        return r;
    if (strcmp(path, "-") != 0 && (fd < 0 || fstat(fd, &st) < 0))
        return error_set(error, -errno, "opening %s: %m", path);
    is_directory = S_ISDIR(st.st_mode);
    r = begin_arguments(ctl, is_directory ? "commit" : "import", ctl->words[1], &arguments, error);
    if (r == 0 && is_directory)
        r = import_directory(&arguments, path, fd, &mount_fd, error);
    else if (r == 0)
        r = strv_append(&arguments, "--");
    if (r == 0 && !is_directory)
        r = strv_append(&arguments, path);
    return r < 0 ? r : ctl_run_helper("berth-importer", arguments, error);
}

/* --- save --- */

int verb_save(Ctl *ctl, Error *error)
{
    _cleanup_strv_ char **arguments = NULL;
    int r = ctl_begin_importer("save", &arguments, error);

    if (r < 0)
        return r;
    if (!ctl->file && isatty(STDOUT_FILENO))
        return error_hint(error, error_set(error, -EINVAL, "an archive is not written to a terminal"),
                          "use --file=PATH, or send the output to a file or a pipe");
    if (!ctl->file && ctl->format && strcmp(ctl->format, "oci-dir") == 0)
        return error_set(error, -EINVAL, "--format=oci-dir needs --file=: the directory");
    if (ctl->file)
        r = strv_append_format(&arguments, "--file=%s", ctl->file);
    if (r == 0 && ctl->format)
        r = strv_append_format(&arguments, "--format=%s", ctl->format);
    if (r == 0)
        r = strv_append(&arguments, "--");
    if (r == 0)
        r = strv_extend(&arguments, ctl->words);
    return r < 0 ? r : ctl_run_helper("berth-importer", arguments, error);
}

/* --- verify --- */

int verb_verify(Ctl *ctl, Error *error)
{
    _cleanup_strv_ char **arguments = NULL;
    int r = output_format_check(ctl->output, "text table json", error);

    if (r == 0)
        r = ctl_begin_importer("verify", &arguments, error);
    if (r == 0 && ctl->all)
        r = strv_append(&arguments, "--all");
    if (r == 0 && ctl->json)
        r = strv_append(&arguments, "--output=json");
    if (r == 0)
        r = strv_append(&arguments, "--");
    if (r == 0 && ctl->words)
        r = strv_extend(&arguments, ctl->words);
    return r < 0 ? r : ctl_run_helper("berth-importer", arguments, error);
}

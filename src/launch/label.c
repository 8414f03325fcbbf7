/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether SELinux confines the container, and by which labels. */

#include "launch/internal.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

/* An overlay is mounted with the label; a directory tree that is used as it is keeps its own. */
static bool has_own_labels(const ContainerSpec *spec)
{
    return spec->host_directory && !spec->ephemeral && spec->volatile_mode != VOLATILE_OVERLAY;
}

static bool is_asked_for(const ContainerSpec *spec)
{
    return spec->label_process || spec->label_file || spec->label_user || spec->label_role || spec->label_type ||
           spec->label_level || spec->label_file_type;
}

/* What was not asked for and cannot be had is said aloud, and the container runs as the others do that need no label. */
static int run_without(Launch *launch, const char *why)
{
    _cleanup_free_ char *text = text_format("SELinux does not confine this container: %s", why);

    if (!text)
        return -ENOMEM;
    launch_notice(launch, text);
    label_done(&launch->label);
    return 0;
}

static int check_tree(Launch *launch)
{
    const ContainerSpec *spec = launch->request.spec;
    int fd = launch->facts.directory_fd ? launch->fds.fds[launch->facts.directory_fd - 1] : -EBADF;
    _cleanup_free_ char *type = NULL, *why = NULL;

    if (!has_own_labels(spec) || is_asked_for(spec) || label_is_for_containers(fd))
        return 0;
    type = label_file_type(fd);
    why = type ? text_format("the type of its tree, %s, is none for containers", type) : NULL;
    return why ? run_without(launch, why) : -ENOMEM;
}

static int relabel_volumes(Launch *launch, Error *error)
{
    const MountList *mounts = &launch->request.spec->mounts;

    for (size_t i = 0; i < mounts->count && launch->label.process && !launch->is_probe; i++) {
        const MountSpec *mount = &mounts->items[i];
        uint64_t place = launch->mounts[i].source_fd;
        int r;

        /* A volume is Berth's own: for all containers, unless one asked for it alone. */
        if (place == 0 || (!mount->relabel_shared && !mount->relabel_private && !mount->volume))
            continue;
        r = label_relabel(launch->fds.fds[place - 1], mount_source(mount),
                          mount->relabel_private ? launch->label.file : launch->label.shared_file, error);
        if (r < 0)
            return error_prefix(error, r, "%s", mount->origin);
    }
    return 0;
}

/* The label comes with execve(2), and the reaper of --init is a process that had none: it becomes the executor once more. */
static int confine_init(Launch *launch, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    _cleanup_error_ Error why = {};
    _cleanup_free_ char *text = NULL;
    int r = launch_open_executor(&fd, error);

    if (r < 0)
        return r;
    r = label_check_program(&launch->label, fd, &why);
    if (r == 0) {
        launch->facts.init_fd = fd_list_add(&launch->fds, TAKE_FD(fd), true);
        return launch->facts.init_fd == 0 ? -EMFILE : 0;
    }
    text = text_format("SELinux does not confine the reaper of this container: %s", why.text ? why.text : strerror(-r));
    if (!text)
        return -ENOMEM;
    launch_notice(launch, text);
    return 0;
}

/* What boots in order to run containers may do what those need. */
static LabelKind kind_of(const ContainerSpec *spec)
{
    return spec->profile && spec->profile->runs_containers ? LABEL_ENGINE
           : spec->boot                                    ? LABEL_SYSTEM
                                                           : LABEL_APPLICATION;
}

/* Of "user:role:type:level", the last; NULL: there is none. */
static const char *level_of(const char *context)
{
    for (int i = 0; i < 3 && context; i++) {
        context = strchr(context, ':');
        context = context ? context + 1 : NULL;
    }
    return context;
}

int launch_gather_label(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    LabelRequest request = {
        .name = spec->name,
        .kind = kind_of(spec),
        .no_new_privileges = spec->no_new_privileges,
        .process = spec->label_process,
        .file = spec->label_file,
        .user = spec->label_user,
        .role = spec->label_role,
        .type = spec->label_type,
        .level = spec->label_level,
        .file_type = spec->label_file_type,
    };
    _cleanup_error_ Error why = {};
    int r;

    /* Among the processes of another one, and with its memory, it needs that one's categories. */
    if (launch->joined && !is_asked_for(spec))
        request.level = level_of(launch->joined->process_label);
    if (spec->label_disabled || (spec->privileged && !is_asked_for(spec)))
        return 0;
    r = label_make(&request, launch->is_probe ? -EBADF : launch->request.roster->run_fd, &launch->label, &why);
    if (r == LABEL_NO_TYPE)
        r = run_without(launch, request.kind == LABEL_ENGINE ? "the policy has no type for containers that run others"
                                                             : "the policy has no type for containers that boot");
    else if (r == -EACCES && !is_asked_for(spec))
        r = run_without(launch, why.text);
    else if (r < 0) {
        error_move(error, &why);
        return error_prefix(error, r, "%s", spec_origin(spec, offsetof(ContainerSpec, label_process)));
    }
    if (r == 0 && launch->label.process)
        r = check_tree(launch);
    if (r == 0)
        r = relabel_volumes(launch, error);
    if (r == 0 && launch->label.process && spec->init)
        r = confine_init(launch, error);
    if (r < 0)
        return r;
    if (launch->label.categories_fd >= 0)
        (void) fd_list_add(&launch->fds, launch->label.categories_fd, false);
    launch->facts.process_label = launch->label.process;
    launch->facts.file_label = launch->label.file;
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/volumes.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "ctl/container-root.h"
#include "definitions/load.h"
#include "host/volume.h"
#include "kernel/mount.h"
#include "tree/copy.h"

#include <errno.h>
#include <linux/mount.h>
#include <string.h>

static void warn(const char *text)
{
    log_warning("%s", text);
}

static int copy_content(int image_fd, const char *inside_path, int fill_fd, Error *error)
{
    static const IdShift owner = {.keep = true};
    _cleanup_free_ char *content = text_format("%s/.", inside_path);
    _cleanup_close_ int to_fd = mount_clone(fill_fd, "", false);
    const CopyRequest request = {
        .from = {image_fd, content},
        .to = {to_fd, "/"},
        .flags = COPY_FOLLOW | COPY_RIGHTS,
        .owner = &owner,
        .warning = warn,
    };
    int r = !content ? -ENOMEM : to_fd < 0 ? to_fd : 0;

    if (r == 0)
        r = mount_set_attributes(to_fd, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, false);
    return r < 0 ? r : copy_run(&request, error);
}

static int fill(Ctl *ctl, const MountSpec *mount, const StoreImage *image, int volumes_fd, Error *error)
{
    _cleanup_volume_ Volume volume = VOLUME_NONE;
    _cleanup_close_ int image_fd = -EBADF, fill_fd = -EBADF;
    int r = volume_open(volumes_fd, mount->volume, VOLUME_UNLOCKED, &volume);

    if (r == 0 && volume.data_fd >= 0)
        r = volume_is_empty(&volume) == 0;
    if (r > 0 || (r < 0 && r != -ENOENT))
        return r > 0 ? 0 : r;
    volume_done(&volume);
    r = volume_open(volumes_fd, mount->volume, VOLUME_CREATE | VOLUME_EXCLUSIVE, &volume);
    /* Somebody uses it: then it is not for us to say what is in it. */
    if (r == -EBUSY)
        return 0;
    if (r == 0)
        r = volume_is_empty(&volume);
    if (r == 0)
        return 0;
    if (r > 0)
        r = volume_begin_fill(&volume, &fill_fd);
    if (r == 0)
        r = container_root_mount_image(ctl, image, &image_fd);
    if (r == 0)
        r = copy_content(image_fd, mount->inside_path, fill_fd, error);
    /* The image has nothing there, or nothing that has content. */
    if (r == -ENOENT || r == -ENOTDIR) {
        error_done(error);
        return 0;
    }
    if (r == 0)
        r = volume_finish_fill(&volume);
    return r < 0
               ? error_prefix(error, r, "%s: cannot fill the volume '%s' from the image", mount->origin, mount->volume)
               : 0;
}

int volumes_fill(Ctl *ctl, const ContainerSpec *spec, const StoreImage *image, Error *error)
{
    _cleanup_close_ int volumes_fd = -EBADF;

    for (size_t i = 0; i < spec->mounts.count && image; i++) {
        const MountSpec *mount = &spec->mounts.items[i];
        int r = 0;

        if (!mount->volume || mount->no_copy)
            continue;
        if (volumes_fd < 0)
            r = volumes_open(ctl->roster->data_fd, true, &volumes_fd);
        if (r < 0)
            return error_set(error, r, "cannot open the volumes: %s", strerror(-r));
        r = fill(ctl, mount, image, volumes_fd, error);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_defined(const DefinitionPlaces *places, const char *volume, char ***list)
{
    _cleanup_free_ char *name = NULL;
    const char *specifier = strchr(volume, '%');

    if (specifier)
        return strv_append_format(list, "%.*s*", (int) (specifier - volume), volume);
    if (text_has_suffix(volume, ".volume") && definition_volume_name(places, volume, &name, NULL) < 0)
        return 0; /* it cannot start */
    return strv_append(list, name ? name : volume);
}

/* The source of a mount as it is written: what it comes to may depend on an instance. */
static char *source_of(const Setting *setting, const char *value)
{
    _cleanup_(mount_spec_done) MountSpec mount = {};

    /* Specifiers are no part of a name, so -v NAME%i:/x is no mount yet. */
    if (setting->type == SETTING_MOUNT_VOLUME)
        return value[0] == '/' ? NULL : strndup(value, strcspn(value, ":"));
    return definition_parse_mount(setting, value, &mount) && mount.volume ? TAKE_PTR(mount.volume) : NULL;
}

int volumes_list_defined(char ***ret, Error *error)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_strv_ char **files = NULL, **list = NULL;
    int r = definition_places_load(true, &places);

    if (r == 0)
        r = definition_places_list(&places, &files);
    STRV_FOREACH (file, files) {
        _cleanup_definition_ Definition *definition = NULL;

        if (r < 0)
            return r;
        if (!text_has_suffix(*file, DEFINITION_SUFFIX) || definition_open(&places, *file, &definition, NULL) < 0)
            continue;
        for (size_t i = 0; i < definition->layer->count && r == 0; i++)
            STRV_FOREACH (value, definition->layer->assignments[i].values) {
                _cleanup_free_ char *source = source_of(definition->layer->assignments[i].setting, *value);

                r = source ? add_defined(&places, source, &list) : 0;
                if (r < 0)
                    break;
            }
    }
    if (r < 0)
        return error_set(error, r, "cannot read the definitions: %s", strerror(-r));
    *ret = TAKE_PTR(list);
    return 0;
}

bool volumes_list_has(char *const *defined, const char *name)
{
    STRV_FOREACH (entry, defined) {
        size_t length = strlen(*entry);

        if (strcmp(*entry, name) == 0 ||
            (length > 0 && (*entry)[length - 1] == '*' && strncmp(*entry, name, length - 1) == 0))
            return true;
    }
    return false;
}

VolumeUse volumes_tell_use(int volumes_fd, char *const *defined, const char *name)
{
    _cleanup_volume_ Volume volume = VOLUME_NONE;

    if (volume_open(volumes_fd, name, VOLUME_EXCLUSIVE, &volume) == -EBUSY)
        return VOLUME_RUNNING;
    return volumes_list_has(defined, name) ? VOLUME_DEFINED : VOLUME_UNUSED;
}

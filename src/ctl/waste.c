/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/waste.h"

#include "ctl/definitions.h"

#include "base/path.h"
#include "base/strv.h"

/* A definition below /run was made by `run`, and none at all by nobody. */
static bool is_for_this_run(const Container *container)
{
    _cleanup_strv_ char **directories = definition_directories();

    return !container->definition || (directories && path_is_below(container->definition, directories[1]));
}

bool waste_is_container(const Container *container)
{
    return !container_is_running(container) && is_for_this_run(container);
}

int waste_list_used_images(Ctl *ctl, char *const *except, char ***ret, Error *error)
{
    _cleanup_strv_ char **names = NULL, **used = NULL;
    int r = container_list_names(ctl, true, &names, error);

    STRV_FOREACH (name, names) {
        _cleanup_container_ Container *container = NULL;
        _cleanup_store_image_ StoreImage *image = NULL;

        if (r < 0)
            return r;
        if (strv_contains(except, *name) || container_load(ctl, *name, &container, NULL) < 0)
            continue;
        if (container->machine && container->machine->image_id)
            r = strv_append(&used, container->machine->image_id);
        if (r == 0 && container->image && store_find_image(ctl->store, container->image, &image, NULL) == 0)
            r = strv_append(&used, digest_format(&image->id).text);
    }
    if (r == 0)
        *ret = TAKE_PTR(used);
    return r;
}

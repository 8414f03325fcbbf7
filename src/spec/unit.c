/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/spec.h"

#include "base/strv.h"
#include "base/text.h"

static bool says(const ContainerSpec *spec, const char *name_and_equals)
{
    STRV_FOREACH (property, spec->properties)
        if (text_after_prefix(*property, name_and_equals))
            return true;
    return false;
}

int spec_list_unit_properties(const ContainerSpec *spec, char ***ret)
{
    _cleanup_strv_ char **list = NULL;
    int r = 0;

    if (!says(spec, "TasksMax="))
        r = strv_append(&list, spec->boot ? "TasksMax=16384" : "TasksMax=2048");
    if (r == 0 && !spec->privileged && !says(spec, "DevicePolicy="))
        r = strv_append(&list, "DevicePolicy=closed");
    if (r == 0 && !spec->privileged)
        r = strv_append(&list, "DeviceAllow=char-pts rw");
    if (r == 0)
        r = strv_extend(&list, spec->properties);
    if (r == 0)
        *ret = TAKE_PTR(list);
    return r;
}

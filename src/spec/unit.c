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
    const Profile *profile = spec->profile;
    _cleanup_strv_ char **list = NULL;
    int r = 0;

    if (!says(spec, "TasksMax="))
        r = strv_append_format(&list, "TasksMax=%s",
                               spec->boot ? profile_find("system")->tasks_max : profile->tasks_max);
    if (r == 0 && profile->device_policy && !says(spec, "DevicePolicy="))
        r = strv_append_format(&list, "DevicePolicy=%s", profile->device_policy);
    if (r == 0 && profile->devices_allow)
        r = strv_append_format(&list, "DeviceAllow=%s", profile->devices_allow);
    if (r == 0)
        r = strv_extend(&list, spec->properties);
    if (r == 0)
        *ret = TAKE_PTR(list);
    return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets of the host's store, as files and as variables. */

#include "plan/internal.h"

#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "spec/secret.h"

#include <errno.h>
#include <string.h>

static const char *origin(const Planner *planner)
{
    return spec_origin(planner->spec, offsetof(ContainerSpec, secrets));
}

/* The directory that a file is put into: its own below SECRET_DIRECTORY. What belongs elsewhere is put there under a name that
 * no target has, and shown. */
static const char *place_of(Planner *planner, size_t number, const char **ret_name)
{
    const char *path = planner->facts->credentials[number].name, *name = path_last(path);

    if (!path_is_below(path, SECRET_DIRECTORY)) {
        *ret_name = step_list_format(planner->list, ".%zu", number);
        return SECRET_DIRECTORY;
    }
    *ret_name = step_list_string(planner->list, name);
    return step_list_format(planner->list, "%.*s", (int) (name - path - 1), path);
}

static void plan_file(Planner *planner, size_t number)
{
    const Credential *credential = &planner->facts->credentials[number];
    Step *step = step_list_add(planner->list, STEP_CREDENTIAL, origin(planner));

    step->credential = (StepCredential){
        .mode = credential->mode,
        .uid = credential->uid,
        .gid = credential->gid,
        .data = step_list_bytes(planner->list, credential->data, credential->size),
        .data_size = credential->size,
    };
    step->credential.directory = place_of(planner, number, &step->credential.name);
}

static void plan_shown_file(Planner *planner, size_t number)
{
    const Credential *credential = &planner->facts->credentials[number];
    Step *step;

    if (path_is_below(credential->name, SECRET_DIRECTORY))
        return;
    step = step_list_add(planner->list, STEP_SHOW_FILE, origin(planner));
    step->show_file = (StepShowFile){
        .source = step_list_format(planner->list, SECRET_DIRECTORY "/.%zu", number),
        .target = step_list_string(planner->list, credential->name),
    };
}

/* On a file system that is never written to a disk, and behind the user's mounts: none of them takes a secret's place, and a
 * secret may lie in one. */
void plan_secrets(Planner *planner)
{
    static char *const paths[] = {(char *) SECRET_DIRECTORY, NULL};
    char *options[] = {(char *) "mode=0755", NULL};
    const HostFacts *facts = planner->facts;
    Step *step;

    if (!plan_has_credentials(planner, CREDENTIAL_FILE))
        return;
    plan_add_mount(planner, origin(planner), "ramfs", SECRET_DIRECTORY, ATTRIBUTES_STRICT, options);
    for (size_t i = 0; i < facts->credentials_count; i++)
        if (facts->credentials[i].place == CREDENTIAL_FILE)
            plan_file(planner, i);
    for (size_t i = 0; i < facts->credentials_count; i++)
        if (facts->credentials[i].place == CREDENTIAL_FILE)
            plan_shown_file(planner, i);
    step = step_list_add(planner->list, STEP_READ_ONLY, origin(planner));
    step->read_only.paths = step_list_strings(planner->list, paths);
}

const char **plan_secret_variables(Planner *planner)
{
    char **list = NULL;
    const char **kept;

    for (size_t i = 0; i < planner->facts->credentials_count; i++) {
        const Credential *credential = &planner->facts->credentials[i];

        if (credential->place == CREDENTIAL_VARIABLE &&
            strv_append_format(&list, "%s=%.*s", credential->name, (int) credential->size,
                               credential->size > 0 ? (const char *) credential->data : "") < 0)
            planner->list->failed = -ENOMEM;
    }
    kept = step_list_strings(planner->list, list);
    STRV_FOREACH (item, list)
        explicit_bzero(*item, strlen(*item));
    strv_free(list);
    return kept;
}

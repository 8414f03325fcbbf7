/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* set-property, update: limits of what runs, and of what will. */

#include "ctl/container.h"
#include "ctl/definitions.h"

#include "base/log.h"
#include "base/strv.h"
#include "base/text.h"
#include "definitions/change.h"
#include "definitions/services.h"
#include "host/properties.h"
#include "machines/limits.h"

#include <errno.h>
#include <string.h>

static int keep(const Container *container, char *const *properties, Error *error)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    int r = definition_places_load(false, &places);

    return r < 0 ? r : definition_set_properties(&places, container->definition, container->name, properties, error);
}

/* systemd knows the new limits of the unit, but applies them to what runs in it when it comes to it, or at the next start.
 * Until then they are written where it would write them. */
static int apply_now(const Machine *machine, char *const *properties)
{
    STRV_FOREACH (property, properties) {
        char *const one[] = {*property, NULL};
        _cleanup_error_ Error ignored = {};

        if (machine_set_property_files(machine, one, &ignored) < 0)
            log_info("%s holds from the next start of '%s' on", *property, machine->name);
    }
    return 0;
}

static int set_properties(Ctl *ctl, const char *name, char *const *properties, Error *error)
{
    _cleanup_container_ Container *container = NULL;
    int r = container_load(ctl, name, &container, error);

    if (r < 0)
        return r;
    if (!container->machine && ctl->runtime)
        return error_hint(error, error_set(error, -ESRCH, "'%s' is not running", name),
                          "without --runtime its definition is changed");
    if (!container->machine && !container->definition)
        return error_set(error, -ENOENT, "'%s' neither runs nor has a definition", name);
    /* The limits of a unit that the generator makes are what its definition says. Told to systemd by themselves, they would
     * outdo the definition until the host is booted anew. */
    if (!ctl->runtime && container->definition && service_exists(name)) {
        r = keep(container, properties, error);
        if (r == 0)
            r = service_refresh(error);
        return r < 0 || !container->machine ? r : apply_now(container->machine, properties);
    }
    /* First what runs: a value that does not go is not kept either. */
    r = container->machine ? machine_set_properties(container->machine, properties, error) : 0;
    if (r < 0 || ctl->runtime)
        return r;
    if (!container->definition) {
        log_info("'%s' has no definition: this holds until it ends", name);
        return 0;
    }
    return keep(container, properties, error);
}

static int check(char *const *properties, Error *error)
{
    STRV_FOREACH (property, properties) {
        int r = property_check(*property, error);

        if (r < 0)
            return r;
        /* It becomes a line of a file, and the name of one. */
        if (strpbrk(*property, "\n\r") || text_has_suffix(*property, "\\"))
            return error_set(error, -EINVAL, "'%s' cannot stand in a definition", *property);
    }
    return 0;
}

int verb_set_property(Ctl *ctl, Error *error)
{
    int r = check(ctl->words + 1, error);

    return r < 0 ? r : set_properties(ctl, ctl->words[0], ctl->words + 1, error);
}

static int update_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    return set_properties(ctl, name, userdata, error);
}

int verb_update(Ctl *ctl, Error *error)
{
    _cleanup_strv_ char **properties = NULL;
    int r = spec_layer_read_properties(ctl->layer, &properties, error);

    if (r == 0 && !properties)
        return error_hint(error, error_set(error, -EINVAL, "nothing to change"),
                          "berthctl update --help lists what can");
    if (r == 0)
        r = check(properties, error);
    return r < 0 ? r : ctl_for_each_word(ctl, update_one, properties, error);
}

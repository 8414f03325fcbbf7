/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: short words for the tests to build a spec: layers from lists of option and value.
 * Never does: anything in a product program.
 * Runs in: the unit tests. */

#include "base/text.h"
#include "spec/spec.h"

/* One source: options by their long names ("image" and "command" for the two rows that have none), ended by NULL. */
typedef struct Words {
    const char *option, *value;
} Words;

static inline const Setting *setting_named(const char *name)
{
    const Setting *setting = setting_find_option(name);

    if (!setting && strcmp(name, "image") == 0)
        return setting_of(offsetof(ContainerSpec, image));
    if (!setting && strcmp(name, "command") == 0)
        return setting_of(offsetof(ContainerSpec, command));
    return setting;
}

static inline SpecLayer *layer_of(Trust trust, const Words *words)
{
    SpecLayer *layer = spec_layer_new(trust);

    for (size_t i = 0; layer && words[i].option; i++) {
        _cleanup_free_ char *origin = text_format("--%s", words[i].option);
        const Setting *setting = setting_named(words[i].option);

        if (!setting || spec_layer_add(layer, setting, words[i].value, origin) < 0) {
            printf("# no setting '%s'\n", words[i].option);
            abort();
        }
    }
    return layer;
}

/* One administrator's layer on a directory, as the command line makes it. */
static inline int finish_words(const Words *words, ContainerSpec **ret, Error *error)
{
    static const Words root[] = {{"directory", "/srv/tree"}, {"name", "web"}, {NULL, NULL}};
    SpecLayer *layers[] = {layer_of(TRUST_ADMIN, root), layer_of(TRUST_ADMIN, words)};
    int r = spec_finish(layers, 2, ret, error);

    spec_layer_free(layers[0]);
    spec_layer_free(layers[1]);
    return r;
}

static inline int finish_one(const char *option, const char *value, ContainerSpec **ret, Error *error)
{
    const Words words[] = {{option, value}, {NULL, NULL}};

    return finish_words(words, ret, error);
}

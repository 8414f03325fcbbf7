/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definitions/unit.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define UNIT_NAME_CHARACTERS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:-_.\\@"

void definition_links_done(DefinitionLinks *links)
{
    for (size_t i = 0; i < links->count; i++) {
        free(links->items[i].name);
        free(links->items[i].target);
    }
    free(links->items);
    *links = (DefinitionLinks){};
}

static int add_link(DefinitionLinks *links, char *name, char *target)
{
    DefinitionLink *larger = reallocarray(links->items, links->count + 1, sizeof(DefinitionLink));

    if (larger)
        links->items = larger;
    if (!larger || !name || !target) {
        free(name);
        free(target);
        return -ENOMEM;
    }
    links->items[links->count++] = (DefinitionLink){name, target};
    return 0;
}

/* A unit's name that stands by itself: no directory, no specifier left over. */
static bool is_unit_name(const char *name)
{
    static const char *const suffixes[] = {".service", ".target", ".socket", ".timer", ".path",
                                           ".slice",   ".mount",  ".device", ".scope"};

    if (strspn(name, UNIT_NAME_CHARACTERS) != strlen(name) || name[0] == '.' || strlen(name) > 255)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(suffixes); i++)
        if (text_has_suffix(name, suffixes[i]) && strlen(name) > strlen(suffixes[i]))
            return true;
    return false;
}

typedef struct Installation {
    Definition *definition;
    char *unit;    /* what is linked to: "web.service", "web@.service" */
    char *enabled; /* what it is called there: "web@blue.service"; NULL: a template without DefaultInstance= */
    DefinitionLinks *links;
} Installation;

static int install_word(const Installation *installation, const UnitLine *line, const char *word)
{
    static const struct {
        const char *key, *folder;
    } kinds[] = {{"WantedBy", "wants"}, {"RequiredBy", "requires"}, {"UpheldBy", "upholds"}};
    _cleanup_error_ Error error = {};
    int r;

    if (!is_unit_name(word)) {
        r = error_set(&error, -EINVAL, "%s: %s=: '%s' is not the name of a unit", line->origin, line->key, word);
        definition_add_problem(installation->definition, &error, r);
        return 0;
    }
    if (strcmp(line->key, "Alias") == 0)
        return strcmp(word, installation->unit) == 0
                   ? 0
                   : add_link(installation->links, strdup(word), strdup(installation->unit));
    for (size_t i = 0; i < ELEMENTSOF(kinds) && installation->enabled; i++)
        if (strcmp(line->key, kinds[i].key) == 0)
            return add_link(installation->links, text_format("%s.%s/%s", word, kinds[i].folder, installation->enabled),
                            text_format("../%s", installation->unit));
    return 0;
}

static int install_line(const Installation *installation, const UnitLine *line, const Specifiers *specifiers)
{
    static const char *const known[] = {"WantedBy", "RequiredBy", "UpheldBy", "Alias", "DefaultInstance"};
    _cleanup_free_ char *value = NULL;
    _cleanup_strv_ char **words = NULL;
    _cleanup_error_ Error error = {};
    bool is_known = false;
    int r = 0;

    for (size_t i = 0; i < ELEMENTSOF(known); i++)
        is_known = is_known || strcmp(line->key, known[i]) == 0;
    if (!is_known)
        r = error_set(&error, -EINVAL, "only WantedBy, RequiredBy, UpheldBy, Alias and DefaultInstance are supported");
    if (r == 0)
        r = specifier_expand(specifiers, line->value, &value, &error);
    if (r == 0 && text_split_words(value, &words) < 0)
        r = error_set(&error, -EINVAL, "an open quote");
    if (r < 0 && r != -ENOMEM) {
        r = error_prefix(&error, r, "%s: %s=", line->origin, line->key);
        definition_add_problem(installation->definition, &error, r);
        return 0;
    }
    if (strcmp(line->key, "DefaultInstance") == 0)
        return r;
    STRV_FOREACH (word, words)
        if (r == 0)
            r = install_word(installation, line, *word);
    return r;
}

/* "WantedBy=" takes back what was said before it. */
static bool is_reset_later(const UnitLines *lines, size_t at)
{
    for (size_t i = at; i < lines->count; i++)
        if (strcmp(lines->items[i].section, "Install") == 0 && strcmp(lines->items[i].key, lines->items[at].key) == 0 &&
            lines->items[i].value[0] == 0)
            return true;
    return false;
}

static bool has_specifiers(const UnitLines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        if (strcmp(lines->items[i].section, "Install") == 0 && strchr(lines->items[i].value, '%'))
            return true;
    return false;
}

int definition_list_links(Definition *definition, DefinitionLinks *ret)
{
    const UnitLine *instance = unit_lines_find(&definition->lines, "Install", "DefaultInstance");
    _cleanup_free_ char *unit = definition_unit_name(definition->type, definition->name), *enabled = NULL;
    bool is_template = definition_name_is_template(definition->name);
    _cleanup_specifiers_ Specifiers specifiers = {};
    int r = has_specifiers(&definition->lines) ? definition_load_specifiers(definition->name, &specifiers) : 0;

    if (is_template)
        enabled = instance
                      ? text_format("%.*s%s.service", (int) strlen(definition->name), definition->name, instance->value)
                      : NULL;
    else
        enabled = unit ? strdup(unit) : NULL;
    if (!unit || (!enabled && (!is_template || instance)))
        return -ENOMEM;
    if (enabled && !is_unit_name(enabled)) {
        _cleanup_error_ Error error = {};
        int q = error_set(&error, -EINVAL, "%s: DefaultInstance=: '%s' cannot be an instance", instance->origin,
                          instance->value);

        definition_add_problem(definition, &error, q);
        return 0;
    }
    for (size_t i = 0; i < definition->lines.count && r == 0; i++) {
        Installation installation = {definition, unit, enabled, ret};

        if (strcmp(definition->lines.items[i].section, "Install") == 0 && !is_reset_later(&definition->lines, i))
            r = install_line(&installation, &definition->lines.items[i], &specifiers);
    }
    return r;
}

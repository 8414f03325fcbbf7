/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definitions as far as the unit: whatever is in the sections of the container, the unit (or the stub in its place) holds no
 * assignment but those that the generator writes and those of the definition's own [Unit] and [Service]. The first byte
 * chooses the definition's name. */
#include "fuzz.h"

#include "base/strv.h"
#include "base/text.h"
#include "definitions/unit.h"
#include "inputs/definition.h"

static const char *const written[] = {
    "Unit/SourcePath",
    "Unit/Description",
    "Unit/Documentation",
    "Unit/Requires",
    "Unit/After",
    "Unit/RequiresMountsFor",
    "Service/Type",
    "Service/NotifyAccess",
    "Service/KillMode",
    "Service/Delegate",
    "Service/Slice",
    "Service/SyslogIdentifier",
    "Service/LogExtraFields",
    "Service/RestartForceExitStatus",
    "Service/SuccessExitStatus",
    "Service/TimeoutStartSec",
    "Service/TimeoutStopSec",
    "Service/ExecStart",
    "Service/ExecReload",
    "Service/RemainAfterExit",
    "Service/StandardOutput",
};

static bool is_written(const UnitLine *line)
{
    for (size_t i = 0; i < ELEMENTSOF(written); i++) {
        size_t length = strlen(line->section);

        if (strncmp(written[i], line->section, length) == 0 && written[i][length] == '/' &&
            strcmp(written[i] + length + 1, line->key) == 0)
            return true;
    }
    return false;
}

static bool is_property(const UnitLine *line, const ContainerSpec *spec)
{
    _cleanup_strv_ char **properties = NULL;

    FUZZ_ASSERT(spec_list_unit_properties(spec, &properties) == 0);
    STRV_FOREACH (property, properties) {
        const char *value = text_after_prefix(*property, line->key);

        if (value && value[0] == '=' && strcmp(line->section, "Service") == 0)
            return true;
    }
    return false;
}

static bool is_passed_on(const UnitLine *line, const UnitLines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        if (strcmp(lines->items[i].section, line->section) == 0 && strcmp(lines->items[i].key, line->key) == 0)
            return strcmp(line->section, "Install") != 0;
    return false;
}

static void judge(const Definition *definition, const ContainerSpec *spec, const char *text)
{
    _cleanup_unit_lines_ UnitLines lines = {};

    FUZZ_ASSERT(text && unit_lines_parse(text, strlen(text), "unit", &lines, NULL) == 0);
    for (size_t i = 0; i < lines.count; i++) {
        const UnitLine *line = &lines.items[i];

        FUZZ_ASSERT(is_written(line) || (spec && is_property(line, spec)) ||
                    (!definition->problems && is_passed_on(line, &definition->lines)));
    }
}

static void collect(Error *problem, int code, void *userdata)
{
    definition_add_problem(userdata, problem, code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"web.container", "web@.container", "web@a\\x0ab.container", "shop.image"};
    _cleanup_definition_ Definition *definition = calloc(1, sizeof(Definition));
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_definition_links_ DefinitionLinks links = {};
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_free_ char *text = NULL, *unit = NULL;
    _cleanup_error_ Error error = {};
    DefinitionReader reader = {.problem = collect, .userdata = definition};
    int r;

    if (size < 1)
        return 0;
    definition->type = definition_type_of(names[data[0] % ELEMENTSOF(names)], &definition->name);
    definition->path = strdup("/etc/berth/fuzz");
    definition->layer = reader.layer = spec_layer_new(TRUST_ADMIN);
    reader.lines = &definition->lines;
    text = fuzz_string(data + 1, size - 1);
    r = strcmp(definition->type->name, "container") == 0
            ? definition_read(&reader, text, size - 1, "/etc/berth/fuzz", &error)
            : unit_lines_parse(text, size - 1, "/etc/berth/fuzz", &definition->lines, &error);
    if (r < 0)
        definition_add_problem(definition, &error, r);
    FUZZ_ASSERT(definition_places_load(false, &places) == 0);
    FUZZ_ASSERT(definition_check(definition, &places, &spec) == 0);
    FUZZ_ASSERT(definition_list_links(definition, &links) == 0);
    for (size_t i = 0; i < links.count; i++)
        FUZZ_ASSERT(!strstr(links.items[i].name, "../") && !strpbrk(links.items[i].name, " \n\t%\"") &&
                    links.items[i].name[0] != '/' && links.items[i].name[0] != '.');
    unit = definition->problems ? definition_format_stub(definition)
                                : definition_format_unit(definition, spec, "/usr/bin/berthctl");
    judge(definition, spec, unit);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "definitions/unit.h"

#include "base/buffer.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define DEFAULT_SLICE "machine-berth.slice"
/* Beyond the time that berthctl and the supervisor give themselves. */
#define MARGIN_USEC (10 * UINT64_C(1000000))
/* sysexits.h: EX_CONFIG. systemd shows it as "78/CONFIG". */
#define STUB_STATUS 78

/* One word of a command line or a list of paths in a unit file, systemd.syntax(7) and "COMMAND LINES" of systemd.service(5).
 * Specifiers stay what they are, unless `is_literal`. */
static void append_word(Buffer *text, const char *word, bool is_literal)
{
    buffer_append_string(text, "\"");
    for (const char *c = word; *c; c++) {
        unsigned char byte = (unsigned char) *c;

        if (byte == '"' || byte == '\\')
            buffer_append_format(text, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f)
            buffer_append_format(text, "\\x%02x", byte);
        else if (byte == '%' && is_literal)
            buffer_append_string(text, "%%");
        else
            buffer_append(text, c, 1);
    }
    buffer_append_string(text, "\"");
}

/* A value as a line of its own that is to be read as it is. */
static void append_literal(Buffer *text, const char *key, const char *value)
{
    buffer_append_format(text, "%s=", key);
    for (const char *c = value; *c; c++) {
        unsigned char byte = (unsigned char) *c;

        if (byte == '%')
            buffer_append_string(text, "%%");
        else
            buffer_append(text, byte < 0x20 || byte == 0x7f ? "?" : c, 1);
    }
    /* A backslash at the end of a line would swallow the next. */
    buffer_append_string(text, text_has_suffix(value, "\\") ? " \n" : "\n");
}

static void append_lines(Buffer *text, const Definition *definition, const char *section)
{
    for (size_t i = 0; i < definition->lines.count; i++) {
        const UnitLine *line = &definition->lines.items[i];

        if (strcmp(line->section, section) == 0)
            buffer_append_format(text, "%s=%s%s\n", line->key, line->value,
                                 text_has_suffix(line->value, "\\") ? " " : "");
    }
}

static void append_head(Buffer *text, const Definition *definition)
{
    buffer_append_string(
        text, "# Made by berth-generator(8) anew at each daemon-reload: change the source instead.\n[Unit]\n");
    buffer_append_string(text, "SourcePath=");
    buffer_append_string(text, definition->path);
    buffer_append_string(text, "\n");
}

/* The container's name with specifiers for what a template does not know. */
static char *name_expression(const Definition *definition)
{
    const char *said = definition_find_value(definition->layer, offsetof(ContainerSpec, name));

    return said                                            ? strdup(said)
           : definition_name_is_template(definition->name) ? strdup("%p-%i")
                                                           : definition_container_name(definition->name);
}

static void append_timeout(Buffer *text, const char *key, uint64_t usec)
{
    _cleanup_free_ char *span =
        usec >= UINT64_MAX - MARGIN_USEC ? strdup("infinity") : text_format_timespan(usec + MARGIN_USEC);

    buffer_append_format(text, "%s=%s\n", key, span ? span : "infinity");
}

static void append_path(Buffer *text, const char *path)
{
    buffer_append_string(text, "RequiresMountsFor=");
    append_word(text, path, true);
    buffer_append_string(text, "\n");
}

/* Whether some value means another thing in each instance. */
static bool depends_on_instance(const Definition *definition)
{
    for (size_t i = 0; definition_name_is_template(definition->name) && i < definition->layer->count; i++)
        STRV_FOREACH (value, definition->layer->assignments[i].values)
            if (definition_depends_on_instance(*value))
                return true;
    return false;
}

/* What has to be mounted before: the store, and what comes from the host. */
static void append_mounts(Buffer *text, const Definition *definition, const ContainerSpec *spec)
{
    append_path(text, "/var/lib/berth");
    if (depends_on_instance(definition))
        return;
    if (spec->host_directory)
        append_path(text, spec->host_directory);
    for (size_t i = 0; i < spec->mounts.count; i++) {
        if (spec->mounts.items[i].host_path)
            append_path(text, spec->mounts.items[i].host_path);
        STRV_FOREACH (layer, spec->mounts.items[i].host_layers)
            append_path(text, *layer);
    }
}

static void append_reload(Buffer *text, const Definition *definition, const ContainerSpec *spec, const char *program,
                          const char *name)
{
    const Setting *command = setting_of(offsetof(ContainerSpec, reload_command));
    _cleanup_free_ char *signal = spec->reload_signal ? text_format_signal(spec->reload_signal) : NULL;

    if (signal)
        buffer_append_format(text, "ExecReload=%s kill --signal=%s -- %s\n", program, signal, name);
    if (!spec->reload_command)
        return;
    for (size_t i = definition->layer->count; i > 0; i--) {
        const Assignment *assignment = &definition->layer->assignments[i - 1];

        if (assignment->setting != command)
            continue;
        /* The colon: what looks like a variable is the command's own. */
        buffer_append_format(text, "ExecReload=:%s exec -- %s", program, name);
        STRV_FOREACH (word, assignment->values) {
            buffer_append_string(text, " ");
            append_word(text, *word, false);
        }
        buffer_append_string(text, "\n");
        return;
    }
}

/* For docker's and podman's words. What the sections [Unit] and [Service] say comes behind and wins. */
static void append_restart_limit(Buffer *text, const ContainerSpec *spec)
{
    if (spec->restart.mode != RESTART_NO && spec->restart.attempts > 0)
        buffer_append_format(text, "StartLimitIntervalSec=1h\nStartLimitBurst=%llu\n",
                             (unsigned long long) spec->restart.attempts + 1);
    else if (spec->restart.mode != RESTART_NO)
        buffer_append_string(text, "StartLimitIntervalSec=0\n");
}

static void append_restart(Buffer *text, const ContainerSpec *spec)
{
    if (spec->restart.mode != RESTART_NO)
        buffer_append_format(text, "Restart=%s\nRestartSec=1s\n",
                             spec->restart.mode == RESTART_ON_FAILURE ? "on-failure" : "always");
}

static bool is_oneshot(const Definition *definition)
{
    const UnitLine *type = unit_lines_find(&definition->lines, "Service", "Type");

    return type && strcmp(type->value, "oneshot") == 0;
}

static void append_service(Buffer *text, const Definition *definition, const ContainerSpec *spec, const char *program)
{
    const char *slice = definition_find_value(definition->layer, offsetof(ContainerSpec, slice));
    _cleanup_free_ char *name = name_expression(definition);
    _cleanup_strv_ char **properties = NULL;

    if (!name || spec_list_unit_properties(spec, &properties) < 0) {
        text->failed = -ENOMEM;
        return;
    }
    buffer_append_string(text, "\n[Service]\n");
    if (!is_oneshot(definition))
        buffer_append_string(text, "Type=notify\n");
    /* Who says that it is ready may be the launcher, the supervisor or the program inside. */
    buffer_append_string(text, "NotifyAccess=all\n"
                               "KillMode=mixed\n"
                               "Delegate=yes\n");
    buffer_append_format(text, "Slice=%s\nSyslogIdentifier=%s\n", slice ? slice : DEFAULT_SLICE, name);
    if (spec->log_driver == LOG_DRIVER_PASSTHROUGH)
        buffer_append_format(text, "LogExtraFields=CONTAINER_NAME=%s\n", name);
    /* A reboot inside is an end with 133, as systemd-nspawn has it; the others are ends by the signal of an orderly stop. */
    buffer_append_string(text, "RestartForceExitStatus=133\nSuccessExitStatus=133 143");
    if (spec->stop_signal != SIGTERM && spec->stop_signal < 32)
        buffer_append_format(text, " %d", 128 + spec->stop_signal);
    buffer_append_string(text, "\n");
    append_timeout(text, "TimeoutStartSec", spec->timeout_start_usec);
    append_timeout(text, "TimeoutStopSec", spec->timeout_stop_usec);
    STRV_FOREACH (property, properties)
        buffer_append_format(text, "%s\n", *property);
    append_restart(text, spec);
    buffer_append_format(text, "ExecStart=%s start --keep-unit -- %%N\n", program);
    append_reload(text, definition, spec, program, name);
    append_lines(text, definition, "Service");
}

static void append_image_service(Buffer *text, const Definition *definition, const char *program)
{
    const UnitLine *image = unit_lines_find(&definition->lines, "Image", "Image");
    const UnitLine *file = unit_lines_find(&definition->lines, "Image", "File");

    buffer_append_string(text, "\n[Service]\nType=oneshot\nRemainAfterExit=yes\n");
    buffer_append_format(text, "SyslogIdentifier=%s\n", definition->name);
    if (file) {
        buffer_append_format(text, "ExecStart=:%s load --missing --quiet --name=", program);
        append_word(text, image->value, false);
        buffer_append_string(text, " -- ");
        append_word(text, file->value, false);
    } else {
        /* Says which image is missing and how one gets it. */
        buffer_append_format(text, "StandardOutput=null\nExecStart=:%s inspect -- ", program);
        append_word(text, image->value, false);
    }
    buffer_append_string(text, "\n");
    append_lines(text, definition, "Service");
}

static void append_volume_service(Buffer *text, const Definition *definition, const char *program)
{
    const UnitLine *name = unit_lines_find(&definition->lines, "Volume", "VolumeName");

    buffer_append_string(text, "\n[Service]\nType=oneshot\nRemainAfterExit=yes\n");
    buffer_append_format(text, "SyslogIdentifier=%s\nExecStart=:%s volume --quiet -- create ", definition->name,
                         program);
    append_word(text, name ? name->value : definition->name, true);
    buffer_append_string(text, "\n");
    append_lines(text, definition, "Service");
}

/* Containers whose namespaces it is to have come first. Whoever was started by hand has no service: so none is required. */
static int append_shared(Buffer *text, const Definition *definition, const ContainerSpec *spec)
{
    const NamespaceSpec *const shared[] = {&spec->network, &spec->uts, &spec->pid};

    for (size_t i = 0; i < ELEMENTSOF(shared) && !depends_on_instance(definition); i++) {
        _cleanup_free_ char *unit = NULL;

        if (shared[i]->mode != NAMESPACE_CONTAINER)
            continue;
        unit = definition_unit_name(definition->type, shared[i]->target);
        if (!unit)
            return -ENOMEM;
        buffer_append_format(text, "Wants=%s\nAfter=%s\n", unit, unit);
    }
    return 0;
}

char *definition_format_unit(const Definition *definition, const ContainerSpec *spec, const char *program)
{
    _cleanup_buffer_ Buffer text = {};
    bool is_container = strcmp(definition->type->name, "container") == 0;
    bool is_volume = strcmp(definition->type->name, "volume") == 0;

    append_head(&text, definition);
    if (!unit_lines_find(&definition->lines, "Unit", "Description"))
        buffer_append_format(&text, "Description=%s %s\n",
                             is_container ? "Container"
                             : is_volume  ? "Container volume"
                                          : "Container image",
                             definition_name_is_template(definition->name) ? "%N" : definition->name);
    buffer_append_string(&text, "Documentation=man:berth.container(5)\n");
    if (is_container) {
        const char *image_file = definition_image_file(definition->layer);
        _cleanup_free_ char *image_name = NULL, *unit = NULL;
        const DefinitionType *type = image_file ? definition_type_of(image_file, &image_name) : NULL;

        unit = type ? definition_unit_name(type, image_name) : NULL;
        if (unit)
            buffer_append_format(&text, "Requires=%s\nAfter=%s\n", unit, unit);
        STRV_FOREACH (needed, definition->needed_units)
            buffer_append_format(&text, "Requires=%s\nAfter=%s\n", *needed, *needed);
        if (append_shared(&text, definition, spec) < 0)
            return NULL;
        append_mounts(&text, definition, spec);
        append_restart_limit(&text, spec);
    } else
        append_path(&text, "/var/lib/berth");
    append_lines(&text, definition, "Unit");
    if (is_container)
        append_service(&text, definition, spec, program);
    else if (is_volume)
        append_volume_service(&text, definition, program);
    else
        append_image_service(&text, definition, program);
    return buffer_take(&text);
}

char *definition_format_stub(const Definition *definition)
{
    _cleanup_buffer_ Buffer text = {};
    _cleanup_free_ char *description =
        text_format("%s: %s", definition->name, definition->problems ? definition->problems[0] : "");

    append_head(&text, definition);
    append_literal(&text, "Description", description ? description : definition->name);
    buffer_append_string(&text, "Documentation=man:berth.container(5)\n\n[Service]\nType=oneshot\n"
                                "SyslogIdentifier=berth-generator\n");
    buffer_append_format(&text, "ExecStart=:/bin/sh -c \"printf '%%%%s\\\\n' \\\"$@\\\" >&2; exit %d\" sh",
                         STUB_STATUS);
    STRV_FOREACH (problem, definition->problems) {
        buffer_append_string(&text, " ");
        append_word(&text, *problem, true);
    }
    buffer_append_string(&text, "\n");
    return buffer_take(&text);
}

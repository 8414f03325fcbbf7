/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/launch.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LEAST_INTERVAL_USEC 100000

typedef struct Adder {
    SpecLayer *layer;
    const char *origin;
    int failed;
} Adder;

static void add_values(Adder *adder, const char *key, char *const *values)
{
    const Setting *setting = setting_find_image_key(key);

    if (adder->failed == 0 && setting)
        adder->failed = spec_layer_add_values(adder->layer, setting, values, adder->origin);
}

static void add_value(Adder *adder, const char *key, const char *value)
{
    char *values[] = {(char *) (uintptr_t) value, NULL};

    if (!text_is_empty(value))
        add_values(adder, key, values);
}

static void add_list(Adder *adder, const char *key, char *const *values)
{
    if (values && values[0])
        add_values(adder, key, values);
}

/* Environment and labels of an image are data: an entry without "=" is dropped, as other engines do. */
static char **with_equals(char *const *list)
{
    char **kept = NULL;

    STRV_FOREACH (item, list)
        if (strchr(*item, '=') && **item != '=')
            (void) strv_append(&kept, *item);
    return kept;
}

/* An image may not have the host start a process every millisecond. */
static void add_span(Adder *adder, const char *key, uint64_t nsec, uint64_t least_usec)
{
    char text[40];

    if (nsec == 0)
        return;
    snprintf(text, sizeof(text), "%lluus", (unsigned long long) MAX(nsec / 1000, least_usec));
    add_value(adder, key, text);
}

/* What is no health check of a known form is none: it takes nothing from the container. */
static void add_health(Adder *adder, const ImageHealthCheck *health)
{
    const char *kind = health->test ? health->test[0] : NULL;
    size_t length = strv_length(health->test);
    char retries[24];

    if (!kind || !((strcmp(kind, "NONE") == 0 && length == 1) || (strcmp(kind, "CMD-SHELL") == 0 && length == 2) ||
                   (strcmp(kind, "CMD") == 0 && length >= 2)))
        return;
    add_list(adder, "Healthcheck.Test", health->test);
    add_span(adder, "Healthcheck.Interval", health->interval_nsec, LEAST_INTERVAL_USEC);
    add_span(adder, "Healthcheck.Timeout", health->timeout_nsec, LEAST_INTERVAL_USEC);
    add_span(adder, "Healthcheck.StartPeriod", health->start_period_nsec, 1);
    add_span(adder, "Healthcheck.StartInterval", health->start_interval_nsec, LEAST_INTERVAL_USEC);
    snprintf(retries, sizeof(retries), "%llu", (unsigned long long) MIN(health->retries, UINT64_C(10000)));
    if (health->retries > 0)
        add_value(adder, "Healthcheck.Retries", retries);
}

int launch_image_layer(const StoreImage *image, SpecLayer **ret, Error *error)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = spec_layer_new(TRUST_IMAGE);
    const ImageConfig *config = image->config;
    const DigestText id = digest_format(&image->id);
    _cleanup_free_ char *origin = text_format("image %s", image->reference ? image->reference : id.text);
    _cleanup_strv_ char **environment = with_equals(config->env), **labels = NULL;
    Adder adder = {.layer = layer, .origin = origin};

    if (!layer || !origin)
        return -ENOMEM;
    for (size_t i = 0; i < config->labels_count; i++)
        if (!text_is_empty(config->labels[i].key) &&
            strv_append_format(&labels, "%s=%s", config->labels[i].key, config->labels[i].value) < 0)
            return -ENOMEM;
    add_list(&adder, "Entrypoint", config->entrypoint);
    add_list(&adder, "Cmd", config->cmd);
    add_list(&adder, "Env", environment);
    add_value(&adder, "WorkingDir", config->working_dir);
    add_value(&adder, "User", config->user);
    add_list(&adder, "Volumes", config->volumes);
    add_list(&adder, "ExposedPorts", config->exposed_ports);
    add_list(&adder, "Labels", labels);
    add_value(&adder, "StopSignal", config->stop_signal);
    add_health(&adder, &config->health);
    if (adder.failed < 0)
        return error_set(error, adder.failed, "%s: cannot use its configuration", origin);
    *ret = TAKE_PTR(layer);
    return 0;
}

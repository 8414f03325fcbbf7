/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/image-config.h"

#include "base/strv.h"
#include "base/text.h"
#include "store/json-read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ITEMS_MAX   4096U /* of each list and object */
#define HISTORY_MAX 2048U

static void free_history(ImageHistory *history, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(history[i].created);
        free(history[i].created_by);
        free(history[i].author);
        free(history[i].comment);
    }
    free(history);
}

static void free_labels(ImageLabel *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(labels[i].key);
        free(labels[i].value);
    }
    free(labels);
}

void image_config_free(ImageConfig *config)
{
    if (!config)
        return;
    free(config->architecture);
    free(config->variant);
    free(config->os);
    free(config->author);
    free(config->created);
    strv_free(config->entrypoint);
    strv_free(config->cmd);
    strv_free(config->env);
    free(config->working_dir);
    free(config->user);
    free(config->stop_signal);
    strv_free(config->volumes);
    strv_free(config->exposed_ports);
    strv_free(config->health.test);
    free_labels(config->labels, config->labels_count);
    free(config->diff_ids);
    free_history(config->history, config->history_count);
    free(config);
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const ImageLabel *) a)->key, ((const ImageLabel *) b)->key);
}

static int read_labels(const json_t *process, ImageConfig *config, Error *error)
{
    const json_t *member = NULL;
    const char *key;
    json_t *value;
    int r = json_read_member(process, "config", "Labels", JSON_OBJECT, &member, error);

    if (r < 0 || !member)
        return r;
    if (json_object_size(member) > ITEMS_MAX)
        return error_set(error, -EFBIG, "config.Labels has %zu items, at most %u are allowed", json_object_size(member),
                         ITEMS_MAX);
    config->labels = calloc(json_object_size(member) + 1, sizeof(*config->labels));
    if (!config->labels)
        return -ENOMEM;
    json_object_foreach((json_t *) (uintptr_t) member, key, value)
    {
        ImageLabel *label = &config->labels[config->labels_count++];

        if (!json_is_string(value))
            return error_set(error, -EINVAL, "config.Labels[\"%.100s\"] is not a string", key);
        label->key = strdup(key);
        label->value = strdup(json_string_value(value));
        if (!label->key || !label->value)
            return -ENOMEM;
    }
    qsort(config->labels, config->labels_count, sizeof(*config->labels), compare_labels);
    return 0;
}

static int read_health(const json_t *process, ImageHealthCheck *health, Error *error)
{
    static const char place[] = "config.Healthcheck";
    const json_t *member = NULL;
    int r = json_read_member(process, "config", "Healthcheck", JSON_OBJECT, &member, error);
    const struct {
        const char *key;
        uint64_t *ret;
    } numbers[] = {
        {"Interval", &health->interval_nsec},
        {"Timeout", &health->timeout_nsec},
        {"StartPeriod", &health->start_period_nsec},
        {"StartInterval", &health->start_interval_nsec},
        {"Retries", &health->retries},
    };

    if (r < 0 || !member)
        return r;
    r = json_read_strings(member, place, "Test", ITEMS_MAX, &health->test, error);
    for (size_t i = 0; i < ELEMENTSOF(numbers) && r == 0; i++)
        r = json_read_size(member, place, numbers[i].key, numbers[i].ret, error);
    return r;
}

static int read_process(const json_t *root, ImageConfig *config, Error *error)
{
    const json_t *process = NULL;
    int r = json_read_member(root, "", "config", JSON_OBJECT, &process, error);

    if (r < 0 || !process)
        return r;
    const struct {
        const char *key;
        char **ret;
    } strings[] = {
        {"WorkingDir", &config->working_dir},
        {"User", &config->user},
        {"StopSignal", &config->stop_signal},
    };
    const struct {
        const char *key;
        char ***ret;
    } lists[] = {
        {"Entrypoint", &config->entrypoint},
        {"Cmd", &config->cmd},
        {"Env", &config->env},
    };

    for (size_t i = 0; i < ELEMENTSOF(strings) && r == 0; i++)
        r = json_read_string(process, "config", strings[i].key, strings[i].ret, error);
    for (size_t i = 0; i < ELEMENTSOF(lists) && r == 0; i++)
        r = json_read_strings(process, "config", lists[i].key, ITEMS_MAX, lists[i].ret, error);
    if (r == 0)
        r = json_read_keys(process, "config", "Volumes", ITEMS_MAX, &config->volumes, error);
    if (r == 0)
        r = json_read_keys(process, "config", "ExposedPorts", ITEMS_MAX, &config->exposed_ports, error);
    if (r == 0)
        r = read_labels(process, config, error);
    if (r == 0)
        r = read_health(process, &config->health, error);
    config->has_entrypoint = config->entrypoint != NULL;
    return r;
}

/* rootfs.type other than "layers" must be refused (config.md); so must a configuration that promises no root.
 */
static int read_rootfs(const json_t *root, ImageConfig *config, Error *error)
{
    const json_t *rootfs = NULL, *list = NULL;
    _cleanup_free_ char *type = NULL;
    int r = json_read_member(root, "", "rootfs", JSON_OBJECT, &rootfs, error);

    if (r == 0 && !rootfs)
        return error_set(error, -EINVAL, "rootfs is missing: this is not an image configuration");
    if (r == 0)
        r = json_read_string(rootfs, "rootfs", "type", &type, error);
    if (r == 0 && (!type || strcmp(type, "layers") != 0))
        return error_set(error, -EINVAL, "rootfs.type is '%.50s' instead of 'layers'", type ? type : "");
    if (r == 0)
        r = json_read_member(rootfs, "rootfs", "diff_ids", JSON_ARRAY, &list, error);
    if (r < 0 || !list)
        return r;
    if (json_array_size(list) > IMAGE_CONFIG_MAX_LAYERS)
        return error_set(error, -EFBIG, "the image has %zu layers, at most %u are possible", json_array_size(list),
                         IMAGE_CONFIG_MAX_LAYERS);
    config->diff_ids = calloc(json_array_size(list) + 1, sizeof(*config->diff_ids));
    if (!config->diff_ids)
        return -ENOMEM;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (!text || digest_parse(text, &config->diff_ids[i]) < 0)
            return error_set(error, -EINVAL, "rootfs.diff_ids[%zu] is not a sha256 digest", i);
        config->diff_ids_count++;
    }
    return 0;
}

static int read_history_entry(const json_t *entry, size_t i, ImageHistory *ret, Error *error)
{
    char place[32];
    int r;

    snprintf(place, sizeof(place), "history[%zu]", i);
    if (!json_is_object(entry))
        return error_set(error, -EINVAL, "%s is not an object", place);
    r = json_read_string(entry, place, "created", &ret->created, error);
    if (r == 0)
        r = json_read_string(entry, place, "created_by", &ret->created_by, error);
    if (r == 0)
        r = json_read_string(entry, place, "author", &ret->author, error);
    if (r == 0)
        r = json_read_string(entry, place, "comment", &ret->comment, error);
    if (r == 0)
        r = json_read_bool(entry, place, "empty_layer", &ret->is_empty_layer, error);
    return r;
}

static int read_history(const json_t *root, ImageConfig *config, Error *error)
{
    const json_t *list = NULL;
    int r = json_read_member(root, "", "history", JSON_ARRAY, &list, error);

    if (r < 0 || !list)
        return r;
    if (json_array_size(list) > HISTORY_MAX)
        return error_set(error, -EFBIG, "history has %zu items, at most %u are allowed", json_array_size(list),
                         HISTORY_MAX);
    config->history = calloc(json_array_size(list) + 1, sizeof(*config->history));
    if (!config->history)
        return -ENOMEM;
    for (size_t i = 0; i < json_array_size(list) && r == 0; i++)
        r = read_history_entry(json_array_get(list, i), i, &config->history[config->history_count++], error);
    return r;
}

/* RFC 3339 to microseconds; 0 for what is none: a date that nobody can read is no reason to refuse an image.
 */
static uint64_t parse_time(const char *text)
{
    struct tm tm = {};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    uint64_t usec = 0, unit = 100000;
    int hours, minutes;
    time_t seconds;
    char sign;

    if (!rest)
        return 0;
    if (*rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            usec += (uint64_t) (*rest - '0') * unit;
    seconds = timegm(&tm);
    if (sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) == 3 && (sign == '+' || sign == '-') && hours >= 0 &&
        minutes >= 0)
        seconds -= (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
    return seconds > 0 ? (uint64_t) seconds * 1000000U + usec : 0;
}

int image_config_parse(const char *json, size_t size, ImageConfig **ret, Error *error)
{
    _cleanup_image_config_ ImageConfig *config = NULL;
    _cleanup_json_ json_t *root = NULL;
    int r = json_read_object(json, size, IMAGE_CONFIG_MAX_BYTES, &root, error);

    if (r < 0)
        return r;
    config = calloc(1, sizeof(*config));
    if (!config)
        return -ENOMEM;
    const struct {
        const char *key;
        char **ret;
    } strings[] = {
        {"architecture", &config->architecture},
        {"variant", &config->variant},
        {"os", &config->os},
        {"author", &config->author},
        {"created", &config->created},
    };

    for (size_t i = 0; i < ELEMENTSOF(strings) && r == 0; i++)
        r = json_read_string(root, "", strings[i].key, strings[i].ret, error);
    if (r == 0)
        r = read_process(root, config, error);
    if (r == 0)
        r = read_rootfs(root, config, error);
    if (r == 0)
        r = read_history(root, config, error);
    if (r < 0)
        return r;
    config->created_usec = config->created ? parse_time(config->created) : 0;
    *ret = TAKE_PTR(config);
    return 0;
}

const char *image_config_find_label(const ImageConfig *config, const char *key)
{
    const ImageLabel wanted = {.key = (char *) (uintptr_t) key};
    const ImageLabel *found = NULL;

    if (config->labels_count > 0)
        found = bsearch(&wanted, config->labels, config->labels_count, sizeof(*config->labels), compare_labels);
    return found ? found->value : NULL;
}

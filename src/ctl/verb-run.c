/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run, create and start: layers into a spec, a spec into a container. */

#include "ctl/definitions.h"

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "ctl/control.h"
#include "ctl/give-away.h"
#include "ctl/nspawn-files.h"
#include "ctl/volumes.h"
#include "definitions/services.h"
#include "host/events.h"
#include "inputs/environment.h"
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define ENVIRONMENT_MAX_BYTES (1U << 20)

/* The sources of one container, weakest first. */
typedef struct Sources {
    SpecLayer *image_layer, *defaults, *environment, *definition, *nspawn, *command_line;
    StoreImage *image;
    const SpecLayer *own; /* the layer that names image or directory */
} Sources;

static void sources_done(Sources *sources)
{
    spec_layer_free(sources->image_layer);
    spec_layer_free(sources->defaults);
    spec_layer_free(sources->environment);
    spec_layer_free(sources->definition);
    spec_layer_free(sources->nspawn);
    store_image_free(sources->image);
}

static const char *find_value(const SpecLayer *layer, size_t offset)
{
    const Setting *setting = setting_of(offset);

    for (size_t i = layer ? layer->count : 0; i > 0; i--)
        if (layer->assignments[i - 1].setting == setting && layer->assignments[i - 1].values)
            return layer->assignments[i - 1].values[0];
    return NULL;
}

/* The words of the command line: IMAGE COMMAND..., or with --directory only COMMAND... */
static int add_words(Ctl *ctl, SpecLayer *layer, Error *error)
{
    char *const *words = ctl->words;

    if (!find_value(layer, offsetof(ContainerSpec, host_directory))) {
        if (!words || !words[0])
            return error_hint(error, error_set(error, -EINVAL, "'%s' needs an image or a directory", ctl->verb->name),
                              "berthctl %s %s", ctl->verb->name, ctl->verb->arguments);
        if (spec_layer_add(layer, setting_of(offsetof(ContainerSpec, image)), words[0], "command line") < 0)
            return -ENOMEM;
        words++;
    }
    if (!words || !words[0])
        return 0;
    return spec_layer_add_values(layer, setting_of(offsetof(ContainerSpec, command)), words, "command line");
}

/* --env-file: the variables are weaker than those given one by one, so they go into a layer of their own below. */
static int add_environment_files(Sources *sources, const SpecLayer *layer, Error *error)
{
    const Setting *files = setting_of(offsetof(ContainerSpec, environment_files));
    _cleanup_strv_ char **variables = NULL;

    for (size_t i = 0; layer && i < layer->count; i++) {
        if (layer->assignments[i].setting != files)
            continue;
        STRV_FOREACH (path, layer->assignments[i].values) {
            _cleanup_free_ char *text = NULL;
            _cleanup_close_ int fd = open(*path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
            size_t size = 0;
            int r = fd < 0 ? -errno : file_read_fd(fd, ENVIRONMENT_MAX_BYTES, &text, &size);

            if (r < 0)
                return error_set(error, r, "%s: cannot read '%s': %s", layer->assignments[i].origin, *path,
                                 strerror(-r));
            r = environment_parse_file(text, size, *path, environ, &variables, error);
            if (r < 0)
                return r;
        }
    }
    return variables ? spec_layer_add_values(sources->environment, setting_of(offsetof(ContainerSpec, environment)),
                                             variables, "--env-file")
                     : 0;
}

/* A name where none was given: of the directory as nspawn has it, of the image with something random behind it. */
static int add_default_name(Sources *sources, const char *image, const char *directory)
{
    _cleanup_free_ char *base = NULL, *name = NULL;
    uint32_t number = 0;

    if (directory) {
        _cleanup_free_ char *normalised = path_normalise(directory);

        base = normalised ? strdup(path_last(normalised)) : NULL;
    } else {
        base = strdup(path_last(image));
        if (base)
            base[strcspn(base, ":@")] = 0;
    }
    if (!base)
        return -ENOMEM;
    for (char *c = base; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '-' ||
              *c == '_' || (*c == '.' && c > base)))
            *c = '-';
    if (strlen(base) > TEXT_NAME_MAX - 8)
        base[TEXT_NAME_MAX - 8] = 0;
    if (directory)
        name = strdup(*base ? base : "root");
    else {
        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
            return -EIO;
        name = text_format("%s-%06x", *base ? base : "container", number & 0xffffff);
    }
    return name ? spec_layer_add(sources->defaults, setting_of(offsetof(ContainerSpec, name)), name, "default name")
                : -ENOMEM;
}

static int look_up_image(Ctl *ctl, Sources *sources, const char *name, Error *error)
{
    int r = ctl_open_store(ctl, false, error);

    if (r == -ENOENT) {
        error_done(error);
        return error_hint(error, error_set(error, -ENOENT, "there is no image '%s': the store is empty", name),
                          "berthctl load FILE loads one, berthctl pull HOST/NAME gets one");
    }
    if (r == 0)
        r = store_find_image(ctl->store, name, &sources->image, error);
    return r == -ENOENT ? ctl_find_searched(ctl, name, &sources->image, error) : r;
}

static int find_image(Ctl *ctl, Sources *sources, const char *name, Error *error)
{
    _cleanup_error_ Error missing = {};
    int r = look_up_image(ctl, sources, name, &missing), pulled = 1;

    if (r == -ENOENT || (r == 0 && ctl->pull))
        pulled = ctl_pull_for_run(ctl, name, r == 0, error);
    if (pulled < 0)
        return pulled;
    if (pulled == 0) {
        store_image_free(TAKE_PTR(sources->image));
        error_done(&missing);
        r = look_up_image(ctl, sources, name, &missing);
    }
    error_move(error, &missing);
    return r < 0 ? r : launch_image_layer(sources->image, &sources->image_layer, error);
}

static int add_nspawn_file(Ctl *ctl, NspawnMode mode, Sources *sources, const char *directory, Error *error)
{
    const char *name = find_value(ctl->layer, offsetof(ContainerSpec, name));

    if (mode == _NSPAWN_MODE_INVALID)
        return error_set(error, -EINVAL, "--settings: '%s' is not one of: yes, no, override, trusted", ctl->settings);
    if (!name)
        name = find_value(sources->defaults, offsetof(ContainerSpec, name));
    return name ? nspawn_load(mode, name, directory, &sources->nspawn, error) : 0;
}

static int finish(Ctl *ctl, Sources *sources, ContainerSpec **ret, Error *error)
{
    NspawnMode nspawn = ctl->settings ? nspawn_mode_from_string(ctl->settings) : NSPAWN_NO;
    const SpecLayer *own = sources->definition ? sources->definition : ctl->layer;
    const char *image = find_value(own, offsetof(ContainerSpec, image));
    const char *directory = find_value(own, offsetof(ContainerSpec, host_directory));
    SpecLayer *layers[6];
    size_t count = 0;
    int r = 0;

    sources->defaults = spec_layer_new(TRUST_ADMIN);
    sources->environment = spec_layer_new(TRUST_ADMIN);
    if (!sources->defaults || !sources->environment)
        return -ENOMEM;
    if (image && !directory)
        r = find_image(ctl, sources, image, error);
    if (r == 0 && (image || directory))
        r = add_default_name(sources, image, directory);
    if (r == 0)
        r = add_environment_files(sources, own, error);
    if (r == 0)
        r = add_nspawn_file(ctl, nspawn, sources, directory, error);
    if (r < 0)
        return r;

    if (sources->image_layer)
        layers[count++] = sources->image_layer;
    layers[count++] = sources->defaults;
    layers[count++] = sources->environment;
    if (sources->definition)
        layers[count++] = sources->definition;
    if (sources->nspawn && nspawn != NSPAWN_OVERRIDE)
        layers[count++] = sources->nspawn;
    layers[count++] = ctl->layer;
    if (sources->nspawn && nspawn == NSPAWN_OVERRIDE)
        layers[count++] = sources->nspawn;
    r = spec_finish(layers, count, ret, error);
    if (r == 0 && !(*ret)->boot && !(*ret)->command && !(*ret)->entrypoint)
        return error_hint(error, error_set(error, -EINVAL, "the image says no command to run"),
                          "give one: berthctl run IMAGE COMMAND...");
    return r;
}

static void on_notice(const char *text, void *userdata)
{
    (void) userdata;
    log_info("%s", text);
}

static int print_plan(const StepList *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        _cleanup_free_ char *line = step_describe(&plan->steps[i]), *escaped = NULL;

        escaped = line ? text_escape(line, SIZE_MAX) : NULL;
        if (!escaped)
            return -ENOMEM;
        printf("%3zu %s  # %s\n", i, escaped, plan->steps[i].origin);
    }
    return 0;
}

/* Says how a container ended where its exit code alone does not. */
static void report_end(const char *name, const MachineExit *end)
{
    if (end->oom_kills > 0)
        log_warning("'%s': the kernel killed %llu of its processes for want of memory (see --memory=)", name,
                    (unsigned long long) end->oom_kills);
}

static int start_and_follow(Ctl *ctl, Launch *launch, const ContainerSpec *spec, bool was_defined, Error *error)
{
    MachineExit end = {};
    int r = launch_start(launch, &ctl->exit_status, error);

    if (r < 0) {
        /* A definition that this very command wrote goes again: the name is free for the next try. */
        if (was_defined)
            definition_remove_transient(ctl, spec->name);
        return r;
    }
    if (spec->detach) {
        if (!ctl->quiet && !spec->keep_unit)
            printf("%s\n", spec->name);
        return 0;
    }
    r = launch_follow(launch, &end, error);
    if (r == -EREMOTE) {
        log_info("detached from '%s', which goes on", spec->name);
        return 0;
    }
    if (r < 0)
        return r;
    report_end(spec->name, &end);
    return (int) end.code;
}

/* Whether something remains when the container ends that a later `start` would use. */
static bool is_kept(const ContainerSpec *spec)
{
    return !spec->remove && !spec->ephemeral && (spec->image || spec->detach);
}

static int save_definition(const ContainerSpec *spec, bool transient, char **ret_path, Error *error)
{
    int r = definition_save(spec, transient, ret_path, error);

    if (r == 0)
        events_emit((Event){.kind = EVENT_CREATE, .name = spec->name, .image = spec->image});
    return r;
}

static int check_restart(const ContainerSpec *spec, Error *error)
{
    return spec->restart.mode != RESTART_NO && !spec->detach && !spec->keep_unit
               ? error_hint(error,
                            error_set(error, -EINVAL, "%s: what runs in the foreground is not started again",
                                      spec_origin(spec, offsetof(ContainerSpec, restart))),
                            "run it in the background (-d), or make a service of it: berthctl create")
               : 0;
}

static int launch(Ctl *ctl, const Sources *sources, const ContainerSpec *spec, Error *error)
{
    bool define = !sources->definition && is_kept(spec);
    LaunchRequest request = {
        .spec = spec,
        .image = sources->image,
        .store = ctl->store,
        .begun_usec = ctl->begun_usec,
        .has_definition = define,
        .notice = on_notice,
    };
    _cleanup_(launch_freep) Launch *launch = NULL;
    int r = check_restart(spec, error);

    if (r == 0)
        r = ctl_open_roster(ctl, error);
    if (r < 0)
        return r;
    request.roster = ctl->roster;
    if (ctl->print_plan) {
        r = launch_prepare(&request, true, &launch, error);
        return r < 0 ? r : print_plan(launch_plan(launch));
    }
    if (ctl->replace) {
        r = control_remove(ctl, spec->name, true, error);
        if (r < 0 && r != -ENOENT)
            return r;
        error_done(error);
    }
    /* Before anything of that name is touched; definition_save() decides atomically. */
    if (!sources->definition && definition_exists(spec->name, NULL))
        return error_hint(error, error_set(error, -EEXIST, "a container named '%s' exists already", spec->name),
                          "berthctl start %s starts it, berthctl rm %s removes it, --replace does that first",
                          spec->name, spec->name);
    r = volumes_fill(ctl, spec, sources->image, error);
    if (r == 0)
        r = launch_prepare(&request, false, &launch, error);
    if (r == 0 && define)
        r = save_definition(spec, true, NULL, error);
    return r < 0 ? r : start_and_follow(ctl, launch, spec, define, error);
}

int verb_run(Ctl *ctl, Error *error)
{
    _cleanup_(sources_done) Sources sources = {};
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    int r = add_words(ctl, ctl->layer, error);

    if (r == 0)
        r = finish(ctl, &sources, &spec, error);
    if (r < 0)
        return r;
    if (!ctl->print_plan)
        warn_of_shared_namespaces(spec);
    return launch(ctl, &sources, spec, error);
}

int verb_create(Ctl *ctl, Error *error)
{
    _cleanup_(sources_done) Sources sources = {};
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL, *own = NULL;
    _cleanup_free_ char *path = NULL;
    SpecLayer *layers[2];
    int r = ctl_open_roster(ctl, error);

    if (r == 0)
        r = add_words(ctl, ctl->layer, error);
    if (r == 0)
        r = finish(ctl, &sources, &spec, error);
    /* What the image says is left to the image: a later version of it may say something else. */
    layers[0] = sources.defaults;
    layers[1] = ctl->layer;
    if (r == 0)
        r = spec_finish(layers, 2, &own, error);
    if (r < 0)
        return r;
    if (ctl->replace) {
        r = control_remove(ctl, own->name, true, error);
        if (r < 0 && r != -ENOENT)
            return r;
        error_done(error);
    }
    r = save_definition(own, false, &path, error);
    if (r < 0)
        return r;
    printf("%s\n", path);
    return 0;
}

static int start_here(Ctl *ctl, const char *name, Error *error)
{
    _cleanup_(sources_done) Sources sources = {};
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_free_ char *container_name = NULL;
    int r = definition_load(name, &sources.definition, NULL, error);

    if (r < 0)
        return r;
    container_name = definition_container_name(name);
    r = container_name ? spec_layer_add(ctl->layer, setting_of(offsetof(ContainerSpec, name)), container_name, "start")
                       : -ENOMEM;
    if (r == 0)
        r = spec_layer_add(ctl->layer, setting_of(offsetof(ContainerSpec, detach)), "yes", "start");
    if (r == 0 && ctl->keep_unit)
        r = spec_layer_add(ctl->layer, setting_of(offsetof(ContainerSpec, keep_unit)), "yes", "--keep-unit");
    if (r == 0)
        r = finish(ctl, &sources, &spec, error);
    return r < 0 ? r : launch(ctl, &sources, spec, error);
}

int ctl_start(Ctl *ctl, const char *name, Error *error)
{
    int r = ctl->keep_unit ? 0 : service_start(name, error);

    return r < 0 ? r : r > 0 ? 0 : start_here(ctl, name, error);
}

int verb_start(Ctl *ctl, Error *error)
{
    if (ctl->keep_unit && ctl->words[1])
        return error_set(error, -EINVAL, "--keep-unit: a unit holds one container");
    STRV_FOREACH (name, ctl->words) {
        int r = ctl_start(ctl, *name, error);
        if (r < 0)
            return r;
    }
    return 0;
}

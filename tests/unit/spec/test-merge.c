/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers into one spec: what replaces, what appends, what resets; defaults that depend on others; what excludes what. */
#include "../test.h"

#include "base/strv.h"
#include "spec/build-spec.h"

#include <errno.h>
#include <signal.h>

#define SEC         UINT64_C(1000000)
#define CAP(number) (UINT64_C(1) << (number))

static ContainerSpec *finish(const Words *words)
{
    _cleanup_error_ Error error = {};
    ContainerSpec *spec = NULL;

    if (finish_words(words, &spec, &error) < 0)
        printf("# %s\n", error.text);
    return spec;
}

/* Three layers, weakest first: image, file, command line. */
static ContainerSpec *finish_three(const Words *image, const Words *file, const Words *line)
{
    SpecLayer *layers[] = {layer_of(TRUST_IMAGE, image), layer_of(TRUST_ADMIN, file), layer_of(TRUST_ADMIN, line)};
    _cleanup_error_ Error error = {};
    ContainerSpec *spec = NULL;

    if (spec_finish(layers, 3, &spec, &error) < 0)
        printf("# %s\n", error.text);
    for (size_t i = 0; i < 3; i++)
        spec_layer_free(layers[i]);
    return spec;
}

static void defaults(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = finish((const Words[]){{NULL, NULL}});

    ASSERT_NOT_NULL(spec);
    ASSERT_STREQ(spec->host_directory, "/srv/tree");
    ASSERT_STREQ(spec->hostname, "web");
    ASSERT_EQ(spec->stop_signal, SIGTERM);
    ASSERT_EQ(spec->timeout_stop_usec, 10 * SEC);
    ASSERT_EQ(spec->timeout_start_usec, 90 * SEC);
    ASSERT_EQ(spec->shm_size_bytes, 64 << 20);
    ASSERT_EQ(spec->network.mode, NAMESPACE_PRIVATE);
    ASSERT_TRUE(spec->no_new_privileges);
    ASSERT_FALSE(spec->privileged);
    ASSERT_STREQ(spec->seccomp_profile, "default");
    ASSERT_STREQ(spec_origin(spec, offsetof(ContainerSpec, host_directory)), "--directory");
    ASSERT_STREQ(spec_origin(spec, offsetof(ContainerSpec, stop_signal)), "default");
    /* Eleven, and none of those that reach outside. */
    ASSERT_EQ(__builtin_popcountll(spec->capabilities), 11);
    ASSERT_FALSE(spec->capabilities & (CAP(12) | CAP(13) | CAP(16) | CAP(19) | CAP(21) | CAP(27) | CAP(38) | CAP(39)));
}

static void defaults_of_a_system(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = finish((const Words[]){{"boot", "yes"}, {NULL, NULL}});

    ASSERT_NOT_NULL(spec);
    ASSERT_EQ(spec->stop_signal, SIGRTMIN + 3);
    ASSERT_EQ(spec->timeout_stop_usec, 90 * SEC);
    ASSERT_FALSE(spec->no_new_privileges);
    ASSERT_STREQ(spec->seccomp_profile, "system");
    ASSERT_TRUE(spec->capabilities & CAP(21));
    /* Modules, raw I/O, the clock, and system-wide BPF stay out even so. */
    ASSERT_FALSE(spec->capabilities &
                 (CAP(16) | CAP(17) | CAP(25) | CAP(27) | CAP(32) | CAP(33) | CAP(34) | CAP(38) | CAP(39)));
}

static void said_values_hold_against_defaults(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = finish((const Words[]){{"boot", "yes"},
                                                                                 {"stop-signal", "SIGINT"},
                                                                                 {"stop-timeout", "0"},
                                                                                 {"no-new-privileges", "yes"},
                                                                                 {"seccomp-profile", "unconfined"},
                                                                                 {"hostname", "host.example"},
                                                                                 {NULL, NULL}});

    ASSERT_NOT_NULL(spec);
    ASSERT_EQ(spec->stop_signal, SIGINT);
    ASSERT_EQ(spec->timeout_stop_usec, 0);
    ASSERT_TRUE(spec->no_new_privileges);
    ASSERT_STREQ(spec->seccomp_profile, "unconfined");
    ASSERT_STREQ(spec->hostname, "host.example");
}

static void a_name_that_is_no_hostname(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = finish((const Words[]){{"name", "a+b"}, {NULL, NULL}});

    ASSERT_NOT_NULL(spec);
    ASSERT_STREQ(spec->hostname, "container");
}

static void privileged_gives_all(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = finish((const Words[]){{"privileged", "yes"}, {NULL, NULL}});
    _cleanup_(container_spec_freep) ContainerSpec *less =
        finish((const Words[]){{"privileged", "yes"}, {"cap-drop", "sys_module"}, {NULL, NULL}});

    ASSERT_NOT_NULL(spec);
    ASSERT_EQ(spec->capabilities, CAPABILITY_ALL);
    ASSERT_FALSE(spec->no_new_privileges);
    ASSERT_STREQ(spec->seccomp_profile, "unconfined");
    ASSERT_NOT_NULL(less);
    ASSERT_EQ(less->capabilities, CAPABILITY_ALL & ~CAP(16));
}

static void capabilities_in_any_order(void)
{
    static const Words orders[][4] = {
        {{"cap-drop", "ALL"}, {"cap-add", "NET_BIND_SERVICE"}, {NULL, NULL}},
        {{"cap-add", "cap_net_bind_service"}, {"cap-drop", "all"}, {NULL, NULL}},
    };

    for (size_t i = 0; i < ELEMENTSOF(orders); i++) {
        _cleanup_(container_spec_freep) ContainerSpec *spec = finish(orders[i]);

        ASSERT_NOT_NULL(spec);
        ASSERT_EQ(spec->capabilities, CAP(10));
    }
}

static void later_layers_win(void)
{
    static const Words image[] = {{"stop-signal", "SIGQUIT"}, {"workdir", "/image"}, {"user", "1000"},
                                  {"env", "A=image"},         {"env", "B=image"},    {"label", "x=image"},
                                  {"volume", "/data"},        {"command", "serve"},  {NULL, NULL}};
    static const Words file[] = {{"image", "web"},
                                 {"workdir", "/file"},
                                 {"env", "B=file"},
                                 {"ulimit", "nofile=10"},
                                 {"property", "MemoryMax=1"},
                                 {"volume", "/srv:/data"},
                                 {"sysctl", "net.a=1"},
                                 {NULL, NULL}};
    static const Words line[] = {{"workdir", "/line"},       {"env", "C=line"},     {"memory", "2K"},
                                 {"ulimit", "nofile=20:30"}, {"sysctl", "net.a=2"}, {NULL, NULL}};
    _cleanup_(container_spec_freep) ContainerSpec *spec = finish_three(image, file, line);
    _cleanup_free_ char *environment = NULL, *properties = NULL, *sysctls = NULL;

    ASSERT_NOT_NULL(spec);
    ASSERT_STREQ(spec->working_directory, "/line");
    ASSERT_EQ(spec->stop_signal, SIGQUIT);
    ASSERT_STREQ(spec->user, "1000");
    environment = strv_join(spec->environment, " ");
    ASSERT_STREQ(environment, "A=image B=file C=line");
    properties = strv_join(spec->properties, " ");
    ASSERT_STREQ(properties, "MemoryMax=2048");
    sysctls = strv_join(spec->sysctls, " ");
    ASSERT_STREQ(sysctls, "net.a=2");
    ASSERT_EQ(spec->limits.count, 1);
    ASSERT_EQ(spec->limits.items[0].soft, 20);
    ASSERT_EQ(spec->limits.items[0].hard, 30);
    /* One mount on the target: the stronger one. */
    ASSERT_EQ(spec->mounts.count, 1);
    ASSERT_EQ(spec->mounts.items[0].kind, MOUNT_KIND_BIND);
    ASSERT_STREQ(spec->mounts.items[0].host_path, "/srv");
    ASSERT_STREQ(spec->mounts.items[0].origin, "--volume");
}

static void a_later_key_that_is_a_prefix_is_another(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec =
        finish((const Words[]){{"env", "AB=1"}, {"env", "A=2"}, {"env", "ABC=3"}, {"env", "A="}, {NULL, NULL}});
    _cleanup_free_ char *environment = NULL;

    ASSERT_NOT_NULL(spec);
    environment = strv_join(spec->environment, " ");
    ASSERT_STREQ(environment, "AB=1 A= ABC=3");
}

static void a_new_entrypoint_drops_the_images_arguments(void)
{
    static const Words image[] = {{"entrypoint", "/entry"}, {"command", "--serve"}, {NULL, NULL}};
    static const Words file[] = {{"image", "web"}, {NULL, NULL}};
    static const Words entry[] = {{"entrypoint", "/bin/sh"}, {NULL, NULL}};
    static const Words both[] = {{"entrypoint", "/bin/sh"}, {"command", "-c"}, {NULL, NULL}};
    static const Words command[] = {{"command", "--other"}, {NULL, NULL}};
    static const Words nothing[] = {{NULL, NULL}};
    _cleanup_(container_spec_freep) ContainerSpec *a = finish_three(image, file, entry),
                                                  *b = finish_three(image, file, both),
                                                  *c = finish_three(image, file, command),
                                                  *d = finish_three(image, file, nothing);

    ASSERT_TRUE(a && b && c && d);
    ASSERT_STREQ(a->entrypoint[0], "/bin/sh");
    ASSERT_NULL(a->command);
    ASSERT_STREQ(b->command[0], "-c");
    ASSERT_STREQ(c->entrypoint[0], "/entry");
    ASSERT_STREQ(c->command[0], "--other");
    ASSERT_STREQ(d->entrypoint[0], "/entry");
    ASSERT_STREQ(d->command[0], "--serve");
}

static void an_empty_assignment_resets_a_list(void)
{
    static const size_t lists[] = {offsetof(ContainerSpec, environment),  offsetof(ContainerSpec, labels),
                                   offsetof(ContainerSpec, sysctls),      offsetof(ContainerSpec, add_capabilities),
                                   offsetof(ContainerSpec, masked_paths), offsetof(ContainerSpec, exposed_ports)};
    static const char *const values[] = {"A=b", "a=b", "net.a=1", "CHOWN", "/x", "80/tcp"};
    static const Words root[] = {{"directory", "/srv"}, {"name", "web"}, {NULL, NULL}};

    for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
        SpecLayer *layer = layer_of(TRUST_ADMIN, root);
        _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
        int r;

        (void) spec_layer_add(layer, setting_of(lists[i]), values[i], "first");
        (void) spec_layer_add_values(layer, setting_of(lists[i]), NULL, "reset");
        r = spec_finish(&layer, 1, &spec, NULL);
        spec_layer_free(layer);
        ASSERT_OK(r);
        ASSERT_EQ(strv_length(*(char ***) ((char *) spec + lists[i])), 0);
        ASSERT_STREQ(spec_origin(spec, lists[i]), "reset");
    }
}

static void an_empty_scalar_is_refused(void)
{
    static const Words root[] = {{"directory", "/srv"}, {NULL, NULL}};
    SpecLayer *layer = layer_of(TRUST_ADMIN, root);
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_error_ Error error = {};
    int r;

    (void) spec_layer_add_values(layer, setting_of(offsetof(ContainerSpec, network)), NULL, "web.container:9");
    r = spec_finish(&layer, 1, &spec, &error);
    spec_layer_free(layer);
    ASSERT_ERROR(r, EINVAL);
    ASSERT_STREQ(error.text, "web.container:9: needs a value");
}

static void security_options_are_their_settings(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec =
        finish((const Words[]){{"security-opt", "seccomp=unconfined"},
                               {"security-opt", "no-new-privileges=no"},
                               {"security-opt", "mask=/proc/x"},
                               {"security-opt", "unmask=/proc/acpi"},
                               {NULL, NULL}});
    _cleanup_(container_spec_freep) ContainerSpec *bare =
        finish((const Words[]){{"boot", "yes"}, {"security-opt", "no-new-privileges"}, {NULL, NULL}});

    ASSERT_TRUE(spec && bare);
    ASSERT_STREQ(spec->seccomp_profile, "unconfined");
    ASSERT_FALSE(spec->no_new_privileges);
    ASSERT_STREQ(spec->masked_paths[0], "/proc/x");
    ASSERT_STREQ(spec->unmasked_paths[0], "/proc/acpi");
    ASSERT_STREQ(spec_origin(spec, offsetof(ContainerSpec, no_new_privileges)), "--security-opt");
    ASSERT_TRUE(bare->no_new_privileges);
}

static void shorthands_are_properties(void)
{
    static const struct {
        const char *option, *value, *property;
    } rows[] = {
        {"memory", "64M", "MemoryMax=67108864"},
        {"memory", "infinity", "MemoryMax=infinity"},
        {"cpus", "1.5", "CPUQuota=150%"},
        {"cpus", "0.25", "CPUQuota=25%"},
        {"cpus", "2", "CPUQuota=200%"},
        {"pids-limit", "100", "TasksMax=100"},
        {"pids-limit", "-1", "TasksMax=infinity"},
        {"io-weight", "10", "IOWeight=10"},
        {"property", "IOReadBandwidthMax=/dev/sda 1M", "IOReadBandwidthMax=/dev/sda 1M"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;

        ASSERT_OK(finish_one(rows[i].option, rows[i].value, &spec, NULL));
        ASSERT_EQ(strv_length(spec->properties), 1);
        ASSERT_STREQ(spec->properties[0], rows[i].property);
    }
}

static void paths_are_normalised(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = finish(
        (const Words[]){{"directory", "//srv/./tree//"}, {"workdir", "/a//b/."}, {"mask", "/proc//x/"}, {NULL, NULL}});

    ASSERT_NOT_NULL(spec);
    ASSERT_STREQ(spec->host_directory, "/srv/tree");
    ASSERT_STREQ(spec->working_directory, "/a/b");
    ASSERT_STREQ(spec->masked_paths[0], "/proc/x");
}

static void what_excludes_what(void)
{
    static const struct {
        Words words[4];
        int r;
        const char *message;
    } rows[] = {
        {{{"image", "web"}}, -EINVAL, "--directory: a container runs an image or a directory, not both"},
        {{{"boot", "yes"}, {"init", "yes"}}, -EINVAL, "--boot and --init exclude each other"},
        {{{"boot", "yes"}, {"entrypoint", "/x"}}, -EINVAL, "--boot and --entrypoint exclude each other"},
        {{{"ephemeral", "yes"}, {"volatile", "yes"}}, -EINVAL, "--ephemeral and --volatile exclude each other"},
        {{{"read-only", "yes"}, {"volatile", "state"}}, -EINVAL, "--volatile and --read-only exclude each other"},
        {{{"seccomp-profile", "strict"}}, -EOPNOTSUPP, "--seccomp-profile: 'strict' is not a seccomp profile"},
        {{{"slice", "web"}}, -EINVAL, "--slice: 'web' is not the name of a slice"},
        {{{"slice", "../x.slice"}}, -EINVAL, "'../x.slice' is not the name of a slice"},
        {{{"boot", "yes"}, {"init", "no"}}, 0, NULL},
        {{{"ephemeral", "yes"}, {"volatile", "no"}}, 0, NULL},
        {{{"slice", "web.slice"}}, 0, NULL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
        _cleanup_error_ Error error = {};

        ASSERT_EQ(finish_words(rows[i].words, &spec, &error), rows[i].r);
        if (rows[i].r < 0) {
            ASSERT_CONTAINS(error.text, rows[i].message);
            ASSERT_NULL(spec);
        }
    }
}

static void nothing_to_run(void)
{
    SpecLayer *layer = spec_layer_new(TRUST_ADMIN);
    _cleanup_error_ Error error = {};
    ContainerSpec *spec = NULL;
    int r = spec_finish(&layer, 1, &spec, &error);

    spec_layer_free(layer);
    ASSERT_ERROR(r, EINVAL);
    ASSERT_CONTAINS(error.text, "nothing to run");
    ASSERT_CONTAINS(error.hint, "berthctl run");
    ASSERT_NULL(spec);
}

int main(void)
{
    TEST_RUN(defaults);
    TEST_RUN(defaults_of_a_system);
    TEST_RUN(said_values_hold_against_defaults);
    TEST_RUN(a_name_that_is_no_hostname);
    TEST_RUN(privileged_gives_all);
    TEST_RUN(capabilities_in_any_order);
    TEST_RUN(later_layers_win);
    TEST_RUN(a_later_key_that_is_a_prefix_is_another);
    TEST_RUN(a_new_entrypoint_drops_the_images_arguments);
    TEST_RUN(an_empty_assignment_resets_a_list);
    TEST_RUN(an_empty_scalar_is_refused);
    TEST_RUN(security_options_are_their_settings);
    TEST_RUN(shorthands_are_properties);
    TEST_RUN(paths_are_normalised);
    TEST_RUN(what_excludes_what);
    TEST_RUN(nothing_to_run);
    return test_finish();
}

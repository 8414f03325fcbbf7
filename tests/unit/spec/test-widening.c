/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a configuration leads to the host. */
#include "spec/widening.h"

#include "base/strv.h"

#include "test.h"

#include "spec/build-spec.h"

static void test_every_setting_is_classified(void)
{
    for (size_t i = 0; i < settings_count; i++)
        if (!setting_is_classified(&settings[i]))
            TEST_FAIL("'%s' is in no list of src/spec/widening.c: can it widen what a container can do?",
                      settings[i].key ? settings[i].key : settings[i].option);
}

static bool is_reason(const char *option, const char *value)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_strv_ char **reasons = NULL;
    _cleanup_error_ Error error = {};

    if (finish_one(option, value, &spec, &error) < 0 || spec_list_widening(spec, &reasons) < 0) {
        printf("# --%s=%s: %s\n", option, value, error.text ? error.text : "failed");
        abort();
    }
    STRV_FOREACH (reason, reasons)
        if (strstr(*reason, option)) /* as its origin */
            return true;
    return false;
}

static void test_what_widens(void)
{
    static const char *const rows[][2] = {
        {"bind", "/etc:/mnt"},
        {"bind-ro", "/etc:/mnt"},
        {"volume", "/etc:/mnt"},
        {"overlay", "/a:/b:/mnt"},
        {"network", "host"},
        {"network", "container:web"},
        {"network", "ns:/run/netns/web"},
        {"uts", "host"},
        {"uts", "container:web"},
        {"pid", "host"},
        {"pid", "container:web"},
        {"ipc", "host"},
        {"privileged", "yes"},
        {"cap-add", "SYS_ADMIN"},
        {"unmask", "/proc/kcore"},
        {"seccomp-profile", "unconfined"},
        {"no-new-privileges", "no"},
        {"property", "DeviceAllow=/dev/sda rwm"},
        {"oom-score-adjust", "-500"},
        {"directory", "/srv/other"},
        {"userns", "host"},
        {"userns", "0:65536"},
        {"userns", "keep-id"},
        {"uidmap", "0:0:1"},
        {"gidmap", "0:0:1"},
        {"profile", "nested"},
        {"profile", "privileged"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (!is_reason(rows[i][0], rows[i][1]))
            TEST_FAIL("--%s=%s is called harmless", rows[i][0], rows[i][1]);
}

static void test_what_does_not(void)
{
    static const char *const rows[][2] = {
        {"volume", "/data"},        {"tmpfs", "/mnt"},           {"network", "private"},
        {"memory", "64M"},          {"property", "TasksMax=10"}, {"oom-score-adjust", "500"},
        {"cap-drop", "CHOWN"},      {"read-only", "yes"},        {"env", "A=b"},
        {"no-new-privileges", "1"}, {"hostname", "web"},         {"seccomp-profile", "default"},
        {"userns", "auto"},         {"profile", "application"},  {"profile", "system"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (is_reason(rows[i][0], rows[i][1]))
            TEST_FAIL("--%s=%s is called widening", rows[i][0], rows[i][1]);
}

/* An image cannot say anything that would be a reason: so the definition alone tells the tier. */
static void test_images_widen_nothing(void)
{
    for (size_t i = 0; i < settings_count; i++) {
        _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
        _cleanup_strv_ char **reasons = NULL;
        const Words root[] = {{"name", "web"}, {"image", "web"}, {NULL, NULL}};
        const char *value = settings[i].type == SETTING_MOUNT_VOLUME ? "/data"
                            : settings[i].type == SETTING_ASSIGNMENTS || settings[i].type == SETTING_ENVIRONMENT ? "A=b"
                            : settings[i].type == SETTING_SIGNAL      ? "TERM"
                            : settings[i].type == SETTING_INSIDE_PATH ? "/"
                                                                      : "1";
        SpecLayer *layers[2];

        if (!settings[i].image_key)
            continue;
        layers[0] = spec_layer_new(TRUST_IMAGE);
        layers[1] = layer_of(TRUST_ADMIN, root);
        ASSERT_OK(spec_layer_add(layers[0], &settings[i], value, "image web"));
        ASSERT_OK(spec_finish(layers, 2, &spec, NULL));
        ASSERT_OK(spec_list_widening(spec, &reasons));
        spec_layer_free(layers[0]);
        spec_layer_free(layers[1]);
        STRV_FOREACH (reason, reasons)
            if (strstr(*reason, "image"))
                TEST_FAIL("%s from an image: %s", settings[i].image_key, *reason);
    }
}

int main(void)
{
    TEST_RUN(test_every_setting_is_classified);
    TEST_RUN(test_what_widens);
    TEST_RUN(test_what_does_not);
    TEST_RUN(test_images_widen_nothing);
    return test_finish();
}

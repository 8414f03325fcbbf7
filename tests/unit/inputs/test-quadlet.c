/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* podman's quadlet files: every key of theirs is a setting or is named with a reason, none is passed over in silence; and
 * what import makes of a file. */
#include "../test.h"

#include "base/strv.h"
#include "inputs/definition.h"
#include "inputs/quadlet.h"
#include "spec/spec.h"

#include <errno.h>

/* All of [Container] of podman 6, podman-systemd.unit(5), with those that every kind of file has and the deprecated ones. */
static const char *const container_keys[] = {
    "AddCapability",
    "AddDevice",
    "AddHost",
    "Annotation",
    "AppArmor",
    "AutoUpdate",
    "CgroupsMode",
    "ContainerName",
    "DNS",
    "DNSOption",
    "DNSSearch",
    "DropCapability",
    "Entrypoint",
    "Environment",
    "EnvironmentFile",
    "EnvironmentHost",
    "Exec",
    "ExposeHostPort",
    "GIDMap",
    "Group",
    "GroupAdd",
    "HealthCmd",
    "HealthInterval",
    "HealthLogDestination",
    "HealthMaxLogCount",
    "HealthMaxLogSize",
    "HealthOnFailure",
    "HealthRetries",
    "HealthStartPeriod",
    "HealthStartupCmd",
    "HealthStartupInterval",
    "HealthStartupRetries",
    "HealthStartupSuccess",
    "HealthStartupTimeout",
    "HealthTimeout",
    "HostName",
    "HttpProxy",
    "IP",
    "IP6",
    "Image",
    "Label",
    "LogDriver",
    "LogOpt",
    "Mask",
    "Memory",
    "Mount",
    "Network",
    "NetworkAlias",
    "NoNewPrivileges",
    "Notify",
    "PidsLimit",
    "Pod",
    "PublishPort",
    "Pull",
    "ReadOnly",
    "ReadOnlyTmpfs",
    "ReloadCmd",
    "ReloadSignal",
    "Retry",
    "RetryDelay",
    "Rootfs",
    "RunInit",
    "SeccompProfile",
    "Secret",
    "SecurityLabelDisable",
    "SecurityLabelFileType",
    "SecurityLabelLevel",
    "SecurityLabelNested",
    "SecurityLabelType",
    "ShmSize",
    "StartWithPod",
    "StopSignal",
    "StopTimeout",
    "SubGIDMap",
    "SubUIDMap",
    "Sysctl",
    "Timezone",
    "Tmpfs",
    "UIDMap",
    "Ulimit",
    "Unmask",
    "User",
    "UserNS",
    "Volume",
    "WorkingDir",
    "ServiceName",
    "PodmanArgs",
    "GlobalArgs",
    "ContainersConfModule",
    "RemapUsers",
    "RemapUid",
    "RemapGid",
    "RemapUidSize",
    "VolatileTmp",
};

static void every_key_is_known(void)
{
    ASSERT_EQ(ELEMENTSOF(container_keys), 94);
    for (size_t i = 0; i < ELEMENTSOF(container_keys); i++) {
        const QuadletKey *other = quadlet_find_key(container_keys[i]);

        if (!setting_find_key("Container", container_keys[i]) && !other)
            TEST_FAIL("%s= is neither a setting nor named", container_keys[i]);
        if (setting_find_key("Container", container_keys[i]) && other)
            TEST_FAIL("%s= is both", container_keys[i]);
    }
}

static void every_row_has_a_reason(void)
{
    for (size_t i = 0; i < quadlet_keys_count; i++) {
        ASSERT_TRUE(quadlet_keys[i].why && quadlet_keys[i].why[0]);
        /* One whose key has become a setting would never be found. */
        if (setting_find_key("Container", quadlet_keys[i].key))
            TEST_FAIL("%s= is a setting", quadlet_keys[i].key);
        for (size_t j = 0; j < i; j++)
            ASSERT_TRUE(strcmp(quadlet_keys[i].key, quadlet_keys[j].key) != 0);
    }
}

static int read_text(const char *text, Error *error)
{
    SpecLayer *layer = NULL;
    int r = definition_parse(text, strlen(text), "web.container", TRUST_ADMIN, &layer, error);

    spec_layer_free(layer);
    return r;
}

static void the_reader_names_them(void)
{
    _cleanup_error_ Error error = {};

    ASSERT_ERROR(read_text("[Container]\nImage=x\nPodmanArgs=--foo\n", &error), EOPNOTSUPP);
    ASSERT_CONTAINS(error.text, "web.container:3: PodmanArgs=: ");
    error_done(&error);
    ASSERT_OK(read_text("[Container]\nImage=x\nPull=never\nHttpProxy=false\nCgroupsMode=split\n", &error));
    ASSERT_ERROR(read_text("[Container]\nImage=x\nPull=newer\n", &error), EOPNOTSUPP);
    error_done(&error);
    ASSERT_OK(read_text("[Quadlet]\nDefaultDependencies=no\n[Container]\nImage=x\n", &error));
    ASSERT_ERROR(read_text("[Quadlet]\nDefaultDependencies=yes\n", &error), EOPNOTSUPP);
    error_done(&error);
    ASSERT_ERROR(read_text("[Process]\nPodmanArgs=--foo\n", &error), EINVAL);
}

static void an_alias_is_its_setting(void)
{
    SpecLayer *layer = NULL;

    ASSERT_OK(definition_parse("[Container]\nRootfs=/srv\n", 24, "x", TRUST_ADMIN, &layer, NULL));
    ASSERT_TRUE(layer->assignments[0].setting == setting_of(offsetof(ContainerSpec, host_directory)));
    spec_layer_free(layer);
}

static void becomes(const char *text, const char *expected, const char *expected_notes)
{
    _cleanup_free_ char *converted = NULL, *notes_text = NULL;
    _cleanup_strv_ char **notes = NULL;
    _cleanup_error_ Error error = {};

    if (quadlet_convert(text, strlen(text), "web.container", "/etc/containers/systemd", &converted, &notes, &error) < 0)
        TEST_FAIL("not converted: %s", error.text);
    ASSERT_CONTAINS(converted, "# Converted by berthctl import-quadlet from web.container\n");
    ASSERT_STREQ(strchr(converted, '\n') + 1, expected);
    notes_text = strv_join(notes, "\n");
    ASSERT_STREQ(notes_text ? notes_text : "", expected_notes);
}

static void what_stays(void)
{
    becomes("# a comment\n[Unit]\nAfter=db.container\n\n[Container]\nImage=web:1\nExec=/bin/x \\\n  -v\n[Service]\n"
            "Restart=always\n[Install]\nWantedBy=default.target",
            "# a comment\n[Unit]\nAfter=db.container\n\n[Container]\nImage=web:1\nExec=/bin/x \\\n  -v\n[Service]\n"
            "Restart=always\n[Install]\nWantedBy=default.target",
            "");
}

static void what_changes(void)
{
    becomes("[Container]\nRootfs=/srv\nVolume=./data:/data\nVolume=../x:/y\nVolume=/a:/b\n",
            "[Container]\nDirectory=/srv\nVolume=/etc/containers/systemd/./data:/data\n"
            "Volume=/etc/containers/systemd/../x:/y\nVolume=/a:/b\n",
            "");
    becomes("[Container]\nUser=www\nGroup=data\n", "[Container]\nUser=www:data\n", "");
    becomes("[Container]\nGroup=5\n", "[Container]\nUser=0:5\n", "");
    becomes("[Container]\nUser=1:2\nGroup=5\n", "[Container]\nUser=1:2\n", "");
}

static void what_is_lost(void)
{
    becomes(
        "[Container]\nImage=x\nPodmanArgs=--foo \\\n  --bar\nPull=never\n[Quadlet]\nDefaultDependencies=no\n",
        "[Container]\nImage=x\n# PodmanArgs=--foo \\\n#   --bar\n# Pull=never\n# [Quadlet]\n# DefaultDependencies=no\n",
        "web.container:3: PodmanArgs=: arguments of podman mean nothing here");
    becomes("[Container]\nEntrypoint=[\"/bin/x\"]\n", "[Container]\n# Entrypoint=[\"/bin/x\"]\n",
            "web.container:2: Entrypoint=: an array: write the words with blanks between them");
    becomes("[Image]\nImage=x\nAuthFile=/a\n", "[Image]\nImage=x\n# AuthFile=/a\n",
            "web.container:3: AuthFile=: unknown");
    becomes("[Foo]\nBar=1\n", "# [Foo]\n# Bar=1\n", "web.container:2: Bar=: unknown");
}

static void what_is_no_such_file(void)
{
    _cleanup_error_ Error error = {};
    char *converted = NULL, **notes = NULL;

    ASSERT_ERROR(quadlet_convert("[Container]\nfoo\n", 16, "x", "/", &converted, &notes, &error), EINVAL);
    ASSERT_CONTAINS(error.text, "x:2: ");
    ASSERT_NULL(converted);
}

int main(void)
{
    TEST_RUN(every_key_is_known);
    TEST_RUN(every_row_has_a_reason);
    TEST_RUN(the_reader_names_them);
    TEST_RUN(an_alias_is_its_setting);
    TEST_RUN(what_stays);
    TEST_RUN(what_changes);
    TEST_RUN(what_is_lost);
    TEST_RUN(what_is_no_such_file);
    return test_finish();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd-nspawn's files. What one that lies beside an image may say was forgotten for single keys more than once (BindUser=,
 * Ephemeral=, BindUserShell=): here every key is classified by hand, and a new one fails until it is. */
#include "../test.h"

#include "base/strv.h"
#include "inputs/nspawn.h"

#include <errno.h>

/* The only keys that a file beside an image may set: they describe the program. All others are for trusted files. */
static const char *const harmless[] = {"Parameters", "Environment", "User", "WorkingDirectory", "KillSignal"};

static const char *const privileged[] = {
    "Boot",
    "Ephemeral",
    "ProcessTwo",
    "PivotRoot",
    "Capability",
    "DropCapability",
    "AmbientCapability",
    "NoNewPrivileges",
    "Personality",
    "MachineID",
    "PrivateUsers",
    "PrivateUsersDelegate",
    "NotifyReady",
    "SystemCallFilter",
    "RestrictAddressFamilies",
    "LimitCPU",
    "LimitFSIZE",
    "LimitDATA",
    "LimitSTACK",
    "LimitCORE",
    "LimitRSS",
    "LimitNOFILE",
    "LimitAS",
    "LimitNPROC",
    "LimitMEMLOCK",
    "LimitLOCKS",
    "LimitSIGPENDING",
    "LimitMSGQUEUE",
    "LimitNICE",
    "LimitRTPRIO",
    "LimitRTTIME",
    "OOMScoreAdjust",
    "CPUAffinity",
    "Hostname",
    "ResolvConf",
    "Timezone",
    "LinkJournal",
    "SuppressSync",
    "ReadOnly",
    "Volatile",
    "Bind",
    "BindReadOnly",
    "TemporaryFileSystem",
    "Inaccessible",
    "Overlay",
    "OverlayReadOnly",
    "PrivateUsersChown",
    "PrivateUsersOwnership",
    "BindUser",
    "BindUserShell",
    "Private",
    "VirtualEthernet",
    "VirtualEthernetExtra",
    "Interface",
    "MACVLAN",
    "IPVLAN",
    "Bridge",
    "Zone",
    "Port",
    "NamespacePath",
};

static bool is_in(const char *key, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(key, list[i]) == 0)
            return true;
    return false;
}

static void every_key_is_classified(void)
{
    for (size_t i = 0; i < nspawn_keys_count; i++) {
        const NspawnKey *key = &nspawn_keys[i];
        const Setting *setting = nspawn_setting(key);
        bool by_image = setting && setting->least_trust == TRUST_IMAGE;

        if (is_in(key->key, harmless, ELEMENTSOF(harmless)) == is_in(key->key, privileged, ELEMENTSOF(privileged)))
            TEST_FAIL("%s= is not classified", key->key);
        if (by_image != is_in(key->key, harmless, ELEMENTSOF(harmless)))
            TEST_FAIL("%s= may%s come from an image", key->key, by_image ? "" : " not");
        ASSERT_TRUE(key->value > _NSPAWN_VALUE_INVALID && key->value < _NSPAWN_VALUE_MAX);
        ASSERT_TRUE(!key->option == (key->value == NSPAWN_VALUE_NONE));
    }
    ASSERT_EQ(nspawn_keys_count, ELEMENTSOF(harmless) + ELEMENTSOF(privileged));
    ASSERT_EQ(nspawn_keys_count, 65);
}

static int read_text(const char *text, Trust trust, SpecLayer **ret, char **ret_notices, Error *error)
{
    _cleanup_strv_ char **notices = NULL;
    int r = nspawn_parse(text, strlen(text), "os.nspawn", trust, ret, &notices, error);

    *ret_notices = r == 0 && notices ? strv_join(notices, "\n") : NULL;
    return r;
}

static int finish(SpecLayer *layer, ContainerSpec **ret, Error *error)
{
    _cleanup_(spec_layer_freep) SpecLayer *base = spec_layer_new(TRUST_ADMIN);
    SpecLayer *layers[] = {base, layer};
    int r = spec_layer_add(base, setting_of(offsetof(ContainerSpec, host_directory)), "/srv/os", "test");

    return r < 0 ? r : spec_finish(layers, 2, ret, error);
}

static void trusted(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
    _cleanup_free_ char *notices = NULL;
    _cleanup_error_ Error error = {};

    if (read_text(
            "[Exec]\nBoot=yes\nParameters=--unit=rescue.target \"a b\"\nEnvironment=A=1 B=2\nCapability=CAP_NET_ADMIN "
            "CAP_SYS_TIME\nKillSignal=SIGPWR\nLimitNOFILE=1024:2048\nHostname=os\nLinkJournal=no\nTimezone=copy\n"
            "[Files]\nReadOnly=yes\nBind=/srv/data:/data\nInaccessible=/secret\nOverlayReadOnly=/a:/b:/c\n"
            "TemporaryFileSystem=/t:size=1M\n[Network]\nPrivate=no\nPort=tcp:80\n",
            TRUST_ADMIN, &layer, &notices, &error) < 0 ||
        finish(layer, &spec, &error) < 0)
        TEST_FAIL("%s", error.text);
    ASSERT_STREQ(notices, "os.nspawn:10: Timezone=: not supported\nos.nspawn:19: Port=: not supported");
    ASSERT_TRUE(spec->boot && spec->read_only);
    ASSERT_STREQ(spec->command[1], "a b");
    ASSERT_STREQ(spec->environment[1], "B=2");
    ASSERT_EQ(strv_length(spec->add_capabilities), 2);
    ASSERT_EQ(spec->limits.count, 1);
    ASSERT_EQ(spec->network.mode, NAMESPACE_HOST);
    ASSERT_EQ(spec->mounts.count, 4);
    ASSERT_EQ(spec->mounts.items[2].kind, MOUNT_KIND_OVERLAY);
    ASSERT_TRUE(spec->mounts.items[2].read_only);
    ASSERT_EQ(strv_length(spec->mounts.items[2].host_layers), 2);
    ASSERT_STREQ(spec_origin(spec, offsetof(ContainerSpec, boot)), "os.nspawn:2");
}

/* Every key at once, beside an image: what comes through is what describes the program. */
static void untrusted(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
    _cleanup_free_ char *notices = NULL, *text = strdup("");
    _cleanup_error_ Error error = {};

    for (size_t i = 0; i < nspawn_keys_count; i++) {
        const NspawnKey *key = &nspawn_keys[i];
        const char *value = strcmp(key->key, "Environment") == 0        ? "A=1"
                            : strcmp(key->key, "KillSignal") == 0       ? "SIGPWR"
                            : strcmp(key->key, "WorkingDirectory") == 0 ? "/srv"
                                                                        : "/host/path";
        char *longer = NULL;

        if (asprintf(&longer, "%s[%s]\n%s=%s\n", text, key->section, key->key, value) < 0)
            return;
        free(text);
        text = longer;
    }
    ASSERT_OK(read_text(text, TRUST_IMAGE, &layer, &notices, &error));
    ASSERT_OK(finish(layer, &spec, &error));
    ASSERT_EQ(layer->count, ELEMENTSOF(harmless));
    ASSERT_FALSE(spec->boot || spec->ephemeral || spec->read_only || spec->init || spec->privileged);
    ASSERT_EQ(spec->mounts.count, 0);
    ASSERT_EQ(spec->limits.count, 0);
    ASSERT_EQ(spec->network.mode, NAMESPACE_PRIVATE);
    ASSERT_NULL(spec->add_capabilities);
    ASSERT_CONTAINS(notices, "BindUserShell=: not taken from a file beside the image");
    ASSERT_CONTAINS(notices, "PivotRoot=: not taken");
    ASSERT_CONTAINS(notices, "Ephemeral=: not taken");
}

static void what_protects_is_not_passed_over(void)
{
    static const char *const texts[] = {"[Exec]\nSystemCallFilter=~@mount\n",
                                        "[Exec]\nRestrictAddressFamilies=AF_UNIX\n",
                                        "[Network]\nNamespacePath=/run/netns/x\n"};

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_free_ char *notices = NULL;
        _cleanup_error_ Error error = {};
        SpecLayer *layer = NULL;

        ASSERT_ERROR(read_text(texts[i], TRUST_ADMIN, &layer, &notices, &error), EOPNOTSUPP);
        ASSERT_CONTAINS(error.text, "os.nspawn:2: ");
    }
}

static void user_namespaces(void)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
    _cleanup_free_ char *notices = NULL;
    _cleanup_error_ Error error = {};

    ASSERT_OK(read_text("[Exec]\nPrivateUsers=no\n", TRUST_ADMIN, &layer, &notices, &error));
    ASSERT_NULL(notices);
    spec_layer_free(layer);
    layer = NULL;
    /* Either they are a setting, or a file that asks for one is refused. */
    if (setting_find_option("userns")) {
        ASSERT_OK(read_text("[Exec]\nPrivateUsers=yes\n", TRUST_ADMIN, &layer, &notices, &error));
        ASSERT_STREQ(layer->assignments[0].values[0], "auto");
        ASSERT_ERROR(read_text("[Exec]\nPrivateUsers=identity\n", TRUST_ADMIN, &layer, &notices, &error), EINVAL);
    } else
        ASSERT_ERROR(read_text("[Exec]\nPrivateUsers=yes\n", TRUST_ADMIN, &layer, &notices, &error), EOPNOTSUPP);
}

static void what_is_wrong(void)
{
    static const struct {
        const char *text, *part;
        int error;
    } cases[] = {
        {"[Exec]\nBoot\n", "os.nspawn:2: ", -EINVAL},
        {"[Exec]\nParameters=\"a\n", "os.nspawn:2: Parameters=: ", -EINVAL},
        {"[Network]\nPrivate=perhaps\n", "os.nspawn:2: Private=: 'perhaps'", -EINVAL},
        {"[Files]\nInaccessible=/a,ro\n", "os.nspawn:2: Inaccessible=: ", -EINVAL},
        {"[Files]\nOverlayReadOnly=/a\n", "os.nspawn:2: OverlayReadOnly=: ", -EINVAL},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_free_ char *notices = NULL;
        _cleanup_error_ Error error = {};
        SpecLayer *layer = NULL;

        ASSERT_EQ(read_text(cases[i].text, TRUST_ADMIN, &layer, &notices, &error), cases[i].error);
        ASSERT_CONTAINS(error.text, cases[i].part);
    }
}

static void unknown_keys_are_named(void)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
    _cleanup_free_ char *notices = NULL;
    _cleanup_error_ Error error = {};

    ASSERT_OK(read_text("[Exec]\nNewKey=1\n[Bogus]\nBoot=yes\n", TRUST_ADMIN, &layer, &notices, &error));
    ASSERT_STREQ(notices, "os.nspawn:2: NewKey=: unknown\nos.nspawn:4: Boot=: unknown");
    ASSERT_EQ(layer->count, 0);
}

int main(void)
{
    TEST_RUN(every_key_is_classified);
    TEST_RUN(trusted);
    TEST_RUN(untrusted);
    TEST_RUN(what_protects_is_not_passed_over);
    TEST_RUN(user_namespaces);
    TEST_RUN(what_is_wrong);
    TEST_RUN(unknown_keys_are_named);
    return test_finish();
}

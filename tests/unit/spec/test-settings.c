/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings table itself: every row complete, no name given twice, and who may say what. */
#include "../test.h"

#include "base/strv.h"
#include "spec/build-spec.h"

#include <ctype.h>
#include <errno.h>

static const char *name_of(const Setting *setting)
{
    return setting->option ? setting->option : setting->key ? setting->key : setting->pointer;
}

static void rows_are_complete(void)
{
    ASSERT_TRUE(settings_count > 40);
    for (size_t i = 0; i < settings_count; i++) {
        const Setting *row = &settings[i];

        if (row->pointer ? row->option || row->key || row->pointer[0] != '/' : !row->option && !row->key)
            TEST_FAIL("row %zu has neither option nor key, or one beside a pointer", i);
        if (row->least_trust != TRUST_IMAGE && row->least_trust != TRUST_ADMIN)
            TEST_FAIL("row %zu (%s) says nothing of trust", i, name_of(row));
        if (row->type <= _SETTING_TYPE_INVALID || row->type >= _SETTING_TYPE_MAX)
            TEST_FAIL("%s has no type", name_of(row));
        if (!row->key != !row->section)
            TEST_FAIL("%s has a key or a section, not both", name_of(row));
        if (!row->help || strlen(row->help) < 10)
            TEST_FAIL("%s lacks help", name_of(row));
        if (row->help[strlen(row->help) - 1] == '.' ||
            (isupper((unsigned char) row->help[0]) && islower((unsigned char) row->help[1])))
            TEST_FAIL("the help of %s is not a phrase", name_of(row));
        if (setting_takes_argument(row) != (row->metavar != NULL))
            TEST_FAIL("%s: argument and metavar do not fit", name_of(row));
        if (row->offset >= sizeof(ContainerSpec))
            TEST_FAIL("%s lies outside of the spec", name_of(row));
        if (row->short_option && (!row->option || !isalpha((unsigned char) row->short_option)))
            TEST_FAIL("%s: -%c is no short option", name_of(row), row->short_option);
        /* An image key without the trust to use it would be dead, and trust without one is a gift to nobody. */
        if (!row->image_key != (row->least_trust != TRUST_IMAGE))
            TEST_FAIL("%s: image key and trust do not fit", name_of(row));
        ASSERT_EQ(setting_number(row), i);
    }
}

static void names_are_well_formed(void)
{
    static const char *const sections[] = {"Container", "Process", "Filesystem", "Network", "Security", "Resources"};

    for (size_t i = 0; i < settings_count; i++) {
        const Setting *row = &settings[i];
        bool known = !row->section;

        for (const char *c = row->option; c && *c; c++)
            if (!islower((unsigned char) *c) && !(c > row->option && (*c == '-' || isdigit((unsigned char) *c))))
                TEST_FAIL("--%s is not in lower case with dashes", row->option);
        for (const char *c = row->key; c && *c; c++)
            if (!isalnum((unsigned char) *c) || (c == row->key && !isupper((unsigned char) *c)))
                TEST_FAIL("%s= is not in CamelCase", row->key);
        for (size_t j = 0; j < ELEMENTSOF(sections); j++)
            known = known || strcmp(row->section, sections[j]) == 0;
        if (!known)
            TEST_FAIL("%s stands in the unknown section [%s]", name_of(row), row->section);
    }
}

/* The writer starts a section when it changes, so each must be one run of rows. */
static void sections_are_contiguous(void)
{
    for (size_t i = 0; i < settings_count; i++)
        for (size_t j = i + 1; j < settings_count; j++)
            for (size_t k = j + 1; k < settings_count; k++)
                if (settings[i].section && settings[j].section && settings[k].section &&
                    strcmp(settings[i].section, settings[k].section) == 0 &&
                    strcmp(settings[i].section, settings[j].section) != 0)
                    TEST_FAIL("[%s] is torn apart by %s", settings[i].section, name_of(&settings[j]));
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static void nothing_is_there_twice(void)
{
    for (size_t i = 0; i < settings_count; i++)
        for (size_t j = i + 1; j < settings_count; j++) {
            const Setting *a = &settings[i], *b = &settings[j];

            /* Keys across sections, too: [Container] takes all of them. */
            if (same(a->option, b->option) || same(a->key, b->key) || same(a->image_key, b->image_key) ||
                (a->short_option && a->short_option == b->short_option))
                TEST_FAIL("%s and %s share a name", name_of(a), name_of(b));
            if (a->offset == b->offset && a->type != SETTING_SECURITY && b->type != SETTING_SECURITY &&
                a->offset != offsetof(ContainerSpec, mounts) && a->offset != offsetof(ContainerSpec, properties))
                TEST_FAIL("%s and %s share a member", name_of(a), name_of(b));
        }
}

static void lookups_find_each_row(void)
{
    for (size_t i = 0; i < settings_count; i++) {
        const Setting *row = &settings[i];

        if (row->option)
            ASSERT_TRUE(setting_find_option(row->option) == row);
        if (row->short_option)
            ASSERT_TRUE(setting_find_short(row->short_option) == row);
        if (row->key) {
            ASSERT_TRUE(setting_find_key(row->section, row->key) == row);
            ASSERT_TRUE(setting_find_key(NULL, row->key) == row);
            ASSERT_TRUE(setting_find_key("Container", row->key) == row);
            ASSERT_NULL(setting_find_key("Nonsense", row->key));
            if (strcmp(row->section, "Network") != 0)
                ASSERT_NULL(setting_find_key("Network", row->key));
        }
        if (row->image_key)
            ASSERT_TRUE(setting_find_image_key(row->image_key) == row);
    }
    ASSERT_TRUE(setting_find_option("machine") == setting_find_option("name"));
    for (size_t i = 0; i < setting_aliases_count; i++) {
        const SettingAlias *alias = &setting_aliases[i];
        const Setting *target = setting_find_option(alias->target);

        ASSERT_TRUE(target && strcmp(target->option, alias->target) == 0); /* a row, not another alias */
        for (size_t row = 0; row < settings_count; row++) {                /* and no alias hides a row */
            ASSERT_TRUE(!alias->option || !settings[row].option || strcmp(alias->option, settings[row].option) != 0);
            ASSERT_TRUE(!alias->short_option || alias->short_option != settings[row].short_option);
            ASSERT_TRUE(!alias->key || !settings[row].key || strcmp(alias->key, settings[row].key) != 0);
        }
        if (alias->key)
            ASSERT_TRUE(setting_find_key("Container", alias->key) == target);
    }
    ASSERT_TRUE(setting_find_short('E') == setting_find_short('e'));
    ASSERT_NULL(setting_find_option("nope"));
    ASSERT_NULL(setting_find_option(""));
    ASSERT_NULL(setting_find_short('!'));
    ASSERT_NULL(setting_find_key("Container", "image")); /* keys have a case */
    ASSERT_NULL(setting_find_image_key("HostConfig"));
}

/* The letters that people bring from the models, whatever else changes. */
static void letters_keep_their_meaning(void)
{
    static const struct {
        char letter;
        const char *option;
    } letters[] = {{'M', "name"},      {'D', "directory"}, {'b', "boot"},    {'d', "detach"},  {'i', "interactive"},
                   {'t', "tty"},       {'e', "env"},       {'w', "workdir"}, {'u', "user"},    {'v', "volume"},
                   {'x', "ephemeral"}, {'m', "memory"},    {'l', "label"},   {'p', "publish"}, {'P', "publish-all"}};

    for (size_t i = 0; i < ELEMENTSOF(letters); i++) {
        const Setting *setting = setting_find_short(letters[i].letter);

        if (!setting || strcmp(setting->option, letters[i].option) != 0)
            TEST_FAIL("-%c is not --%s", letters[i].letter, letters[i].option);
    }
    ASSERT_NULL(setting_find_short('h'));
    ASSERT_NULL(setting_find_short('z'));
}

/* A value that the row takes when the administrator says it. */
static const char *value_for(const Setting *setting)
{
    switch (setting->type) {
    case SETTING_BOOL:
        return "yes";
    case SETTING_NAME:
    case SETTING_HOSTNAME:
        return "other";
    case SETTING_HOST_PATH:
    case SETTING_INSIDE_PATH:
    case SETTING_PATH_LIST:
        return "/some/path";
    case SETTING_SIZE:
    case SETTING_PROPERTY_MEMORY:
        return "64M";
    case SETTING_TIMESPAN:
        return "5s";
    case SETTING_SIGNAL:
        return "SIGINT";
    case SETTING_INTEGER:
    case SETTING_PROPERTY_CPUS:
    case SETTING_PROPERTY_TASKS:
    case SETTING_PROPERTY_IO_WEIGHT:
        return "100";
    case SETTING_VOLATILE:
        return "no";
    case SETTING_NETWORK:
    case SETTING_NAMESPACE_UTS:
    case SETTING_NAMESPACE_PROCESS:
        return "private";
    case SETTING_LOG_DRIVER:
    case SETTING_HEALTH_ACTION:
        return "none";
    case SETTING_COUNT:
        return "7";
    case SETTING_REGISTRATION:
    case SETTING_JOURNAL_LINK:
        return "no";
    case SETTING_RESTART:
        return "on-failure:3";
    case SETTING_NOTIFY:
        return "container";
    case SETTING_CREDENTIAL:
        return "key:secret";
    case SETTING_CREDENTIAL_FILE:
        return "key:/etc/key";
    case SETTING_SECRET:
        return "key,target=other";
    case SETTING_UUID:
        return "0123456789abcdef0123456789abcdef";
    case SETTING_USERNS:
        return "auto";
    case SETTING_PORTS:
        return "8080:80/tcp";
    case SETTING_ID_MAPS:
        return "0:100000:65536";
    case SETTING_ASSIGNMENTS:
        return setting->offset == offsetof(ContainerSpec, sysctls)        ? "kernel.shmmax=1"
               : setting->offset == offsetof(ContainerSpec, time_offsets) ? "boottime=-1h"
               : setting->offset == offsetof(ContainerSpec, log_options)  ? "max-size=1M"
                                                                          : "KEY=VALUE";
    case SETTING_ENVIRONMENT:
        return "KEY=VALUE";
    case SETTING_CAPABILITIES:
        return "CAP_CHOWN";
    case SETTING_LIMITS:
        return "nofile=1024";
    case SETTING_MOUNT_BIND:
    case SETTING_MOUNT_BIND_READ_ONLY:
        return "/a:/b";
    case SETTING_MOUNT_TMPFS:
    case SETTING_MOUNT_VOLUME:
        return "/b";
    case SETTING_MOUNT_OVERLAY:
        return "/l:/u:/b";
    case SETTING_MOUNT:
        return "type=tmpfs,dst=/b";
    case SETTING_PROPERTY:
        return "MemoryHigh=1M";
    case SETTING_SECURITY:
        return "seccomp=unconfined";
    case SETTING_STRING:
        return setting->offset == offsetof(ContainerSpec, slice)             ? "a.slice"
               : setting->offset == offsetof(ContainerSpec, seccomp_profile) ? "default"
               : setting->offset == offsetof(ContainerSpec, profile_name)    ? "application"
                                                                             : "text";
    default:
        return "text";
    }
}

static int finish_with(const Setting *setting, Trust trust, const char *value, Error *error)
{
    static const Words root[] = {{"name", "web"}, {NULL, NULL}};
    static const Words image[] = {{"image", "an-image"}, {NULL, NULL}};
    bool is_directory =
        setting->offset == offsetof(ContainerSpec, host_directory) && setting->type == SETTING_HOST_PATH;
    SpecLayer *layers[] = {layer_of(TRUST_ADMIN, root), spec_layer_new(trust),
                           layer_of(TRUST_ADMIN, is_directory ? root : image)};
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    int r;

    (void) spec_layer_add(layers[1], setting, value, trust == TRUST_IMAGE ? "image web:latest" : "web.container:3");
    r = spec_finish(layers, 3, &spec, error);
    if ((r == 0) != (spec != NULL))
        r = -EBADE;
    for (size_t i = 0; i < 3; i++)
        spec_layer_free(layers[i]);
    return r;
}

/* Every row, said by each kind of source. What an image may say is this list and nothing else; who adds a row that an
 * image can reach has to add it here and think. */
static void an_image_says_only_what_it_may(void)
{
    static const char *const from_image[] = {
        "Label",         "ExposeHostPort",    "StopSignal",         "Entrypoint",
        "Exec",          "Environment",       "WorkingDir",         "User",
        "Volume",        "HealthCmd",         "HealthInterval",     "HealthTimeout",
        "HealthRetries", "HealthStartPeriod", "HealthStartInterval"};
    size_t allowed = 0;

    for (size_t i = 0; i < settings_count; i++) {
        const Setting *row = &settings[i];
        _cleanup_error_ Error error = {}, admin = {};
        bool may = false;
        int r;

        for (size_t j = 0; j < ELEMENTSOF(from_image); j++)
            may = may || same(row->key, from_image[j]);
        allowed += may;
        r = finish_with(row, TRUST_IMAGE, value_for(row), &error);
        if (r != (may ? 0 : -EPERM))
            TEST_FAIL("%s from an image: %d (%s)", name_of(row), r, error.text);
        if (!may) {
            ASSERT_CONTAINS(error.text, "image web:latest: an image may not set ");
            ASSERT_CONTAINS(error.text, row->key ? row->key : name_of(row));
        }
        /* Several words each: test-bundle.c. */
        if (row->type == SETTING_MOUNT_BUNDLE || row->type == SETTING_DEVICE)
            continue;
        r = finish_with(row, TRUST_ADMIN, value_for(row), &admin);
        if (r != 0)
            TEST_FAIL("%s=%s from the administrator: %d (%s)", name_of(row), value_for(row), r, admin.text);
    }
    ASSERT_EQ(allowed, ELEMENTSOF(from_image));
}

static void a_volume_of_an_image_names_no_host_path(void)
{
    static const char *const bad[] = {"/etc:/data", "/etc:/data:ro", "/:/host", "/a:b", "name:/data", "../x:/data"};
    const Setting *volume = setting_find_image_key("Volumes");

    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        _cleanup_error_ Error error = {};

        if (finish_with(volume, TRUST_IMAGE, bad[i], &error) != -EPERM)
            TEST_FAIL("'%s' is taken", bad[i]);
        ASSERT_CONTAINS(error.text, "image web:latest");
    }
    ASSERT_OK(finish_with(volume, TRUST_ADMIN, "/etc:/data", NULL));
    ASSERT_OK(finish_with(volume, TRUST_IMAGE, "/data", NULL));
    ASSERT_TRUE(finish_with(volume, TRUST_IMAGE, "/data/../../etc", NULL) < 0);
    ASSERT_TRUE(finish_with(volume, TRUST_IMAGE, "/", NULL) < 0);
    ASSERT_TRUE(finish_with(volume, TRUST_IMAGE, "data", NULL) < 0);
}

/* Each row refuses a value that is none of its kind, and the message says which source and what. */
static void bad_values_name_their_origin(void)
{
    static const struct {
        SettingType type;
        const char *value, *message;
    } rows[] = {
        {SETTING_BOOL, "maybe", "'maybe' is not a boolean"},
        {SETTING_NAME, "../x", "'../x' is not a container name"},
        {SETTING_HOSTNAME, "-x", "'-x' is not a host name"},
        {SETTING_HOST_PATH, "relative", "'relative' is not an absolute path"},
        {SETTING_INSIDE_PATH, "/a/../b", "must not hold '..'"},
        {SETTING_SIZE, "12Q", "'12Q' is not a size"},
        {SETTING_TIMESPAN, "soon", "'soon' is not a time span"},
        {SETTING_SIGNAL, "SIGNOPE", "'SIGNOPE' is not a signal"},
        {SETTING_INTEGER, "1001", "'1001' is not a number from -1000 to 1000"},
        {SETTING_VOLATILE, "maybe", "'maybe' is not one of: no, yes, state, overlay"},
        {SETTING_NETWORK, "berth0", "'berth0' is not one of: private, host, none, bridge, container:NAME, ns:PATH"},
        {SETTING_NAMESPACE_UTS, "none", "'none' is not one of: private, host, container:NAME, ns:PATH"},
        {SETTING_NAMESPACE_PROCESS, "ns:/run/ns", "'ns:/run/ns' is not one of: private, host, container:NAME"},
        {SETTING_LOG_DRIVER, "syslog", "'syslog' is not one of"},
        {SETTING_REGISTRATION, "maybe", "'maybe' is not one of"},
        {SETTING_RESTART, "sometimes", "'sometimes' is not one of"},
        {SETTING_RESTART, "on-failure:x", "'x' is not a number"},
        {SETTING_JOURNAL_LINK, "everywhere", "'everywhere' is not one of"},
        {SETTING_NOTIFY, "maybe", "'maybe' is not one of"},
        {SETTING_CREDENTIAL, "secret", "not ID:VALUE"},
        {SETTING_CREDENTIAL_FILE, "a:b/c", "'b/c' is neither an absolute path nor"},
        {SETTING_SECRET, "key,mode=8", "'8' is not the mode of a file"},
        {SETTING_UUID, "0123456789abcdef-123456789abcdefg", "is not a UUID"},
        {SETTING_USERNS, "container:", "'' is not a container name"},
        {SETTING_ID_MAPS, "0:1:2:3", "'0:1:2:3' is not INSIDE:HOST[:COUNT]"},
        {SETTING_ID_MAPS, "1:100000", "the id 0 is not mapped"},
        {SETTING_PATH_LIST, "proc", "'proc' is not an absolute path"},
        {SETTING_ASSIGNMENTS, "novalue", "'novalue' is not KEY=VALUE"},
        {SETTING_ASSIGNMENTS, "=x", "'=x' is not KEY=VALUE"},
        {SETTING_ENVIRONMENT, "=x", "'=x' is not KEY=VALUE"},
        {SETTING_CAPABILITIES, "CAP_CHWON", "'CAP_CHWON' is not a capability; did you mean 'CAP_CHOWN'?"},
        {SETTING_LIMITS, "nofiles=1", "'nofiles' is not a resource limit; did you mean 'nofile'?"},
        {SETTING_MOUNT_BIND, "etc:/x", "the bind source 'etc' is not an absolute path"},
        {SETTING_MOUNT_TMPFS, "/x:zstd", "'zstd' is not an option of a tmpfs mount"},
        {SETTING_MOUNT, "type=nfs,dst=/x", "'nfs' is not a mount type"},
        {SETTING_MOUNT_BUNDLE, "proc", "a mount has a type, a source and a target"},
        {SETTING_DEVICE, "/dev/x", "a device has a path, a type"},
        {SETTING_PROPERTY, "MemoryMax", "'MemoryMax' is not KEY=VALUE"},
        {SETTING_PROPERTY_MEMORY, "12Q", "'12Q' is not a size"},
        {SETTING_PROPERTY_CPUS, "0", "'0' is not a number of processors"},
        {SETTING_PROPERTY_CPUS, "nan", "'nan' is not a number of processors"},
        {SETTING_PROPERTY_CPUS, "inf", "'inf' is not a number of processors"},
        {SETTING_PROPERTY_CPUS, "0x10", "'0x10' is not a number of processors"},
        {SETTING_PROPERTY_CPUS, "1e3", "'1e3' is not a number of processors"},
        {SETTING_PROPERTY_CPUS, " 2", "' 2' is not a number of processors"},
        {SETTING_PROPERTY_CPUS, "2x", "'2x' is not a number of processors"},
        {SETTING_PROPERTY_CPUS, "-1", "'-1' is not a number of processors"},
        {SETTING_PROPERTY_TASKS, "0", "'0' is not a number of processes"},
        {SETTING_PROPERTY_TASKS, "10 MemoryMax=1", "is not a number of processes"},
        {SETTING_PROPERTY_IO_WEIGHT, "10001", "'10001' is not a weight from 1 to 10000"},
        {SETTING_HEALTH_COMMAND, "[\"CMD\"]", "'CMD' is not a health check"},
        {SETTING_HEALTH_COMMAND, "[1]", "is not a JSON array of strings"},
        {SETTING_HEALTH_ACTION, "reboot", "'reboot' is not one of: none, kill, restart, stop"},
        {SETTING_COUNT, "0", "'0' is not a number from 1 to 10000"},
        {SETTING_SECURITY, "nonsense", "'nonsense' is not a security option"},
        {SETTING_SECURITY, "label=nested", "'label=nested' is not supported yet"},
        {SETTING_SECURITY, "seccomp=profile.json", "'profile.json' is not a seccomp profile"},
        {SETTING_PORTS, "80:http", "'80:http' is not a port to publish"},
        {SETTING_SECURITY, "no-new-privileges=maybe", "'maybe' is not a boolean"},
    };
    bool tried[_SETTING_TYPE_MAX] = {};

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        for (size_t j = 0; j < settings_count; j++) {
            _cleanup_error_ Error error = {};
            int r;

            if (settings[j].type != rows[i].type)
                continue;
            tried[settings[j].type] = true;
            r = finish_with(&settings[j], TRUST_ADMIN, rows[i].value, &error);
            if (r >= 0 || !error.text || !strstr(error.text, rows[i].message) ||
                strncmp(error.text, "web.container:3: ", 17) != 0)
                TEST_FAIL("%s=%s: %d, '%s'", name_of(&settings[j]), rows[i].value, r, error.text);
        }
    for (int type = 1; type < _SETTING_TYPE_MAX; type++)
        if (!tried[type] && type != SETTING_STRING && type != SETTING_LIST && type != SETTING_WORDS &&
            type != SETTING_MOUNT_BIND_READ_ONLY && type != SETTING_MOUNT_OVERLAY && type != SETTING_MOUNT_VOLUME)
            TEST_FAIL("type %d is not tried", type);
}

int main(void)
{
    TEST_RUN(rows_are_complete);
    TEST_RUN(names_are_well_formed);
    TEST_RUN(sections_are_contiguous);
    TEST_RUN(nothing_is_there_twice);
    TEST_RUN(lookups_find_each_row);
    TEST_RUN(letters_keep_their_meaning);
    TEST_RUN(an_image_says_only_what_it_may);
    TEST_RUN(a_volume_of_an_image_names_no_host_path);
    TEST_RUN(bad_values_name_their_origin);
    return test_finish();
}

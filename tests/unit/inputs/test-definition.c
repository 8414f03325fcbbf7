/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The definition file: what is written is what was meant, and reading it back gives the same spec. THREATS F8: no value
 * can add a line, or swallow the one below it. */
#include "../test.h"

#include "base/strv.h"
#include "inputs/definition.h"
#include "spec/build-spec.h"

#include <errno.h>

static int read_text(const char *text, ContainerSpec **ret, Error *error)
{
    SpecLayer *layer = NULL;
    int r = definition_parse(text, strlen(text), "web.container", TRUST_ADMIN, &layer, error);

    if (r < 0)
        return r;
    r = spec_finish(&layer, 1, ret, error);
    spec_layer_free(layer);
    return r;
}

/* Every member that a definition can hold, as one text to compare by. */
static char *describe(const ContainerSpec *spec)
{
    char **all = NULL;
    char *joined;

    for (size_t i = 0; i < settings_count; i++) {
        char **texts = NULL;

        if (settings[i].key && spec_format_setting(spec, &settings[i], &texts) == 0)
            STRV_FOREACH (text, texts)
                (void) strv_append_format(&all, "%s=%s", settings[i].key, *text);
        strv_free(texts);
    }
    joined = strv_join(all, "\n");
    strv_free(all);
    return joined;
}

static void comes_back(const ContainerSpec *spec)
{
    _cleanup_(container_spec_freep) ContainerSpec *again = NULL;
    _cleanup_free_ char *text = NULL, *second = NULL, *a = describe(spec), *b = NULL;
    _cleanup_error_ Error error = {};

    if (definition_format(spec, &text, &error) != 0)
        TEST_FAIL("not written: %s", error.text);
    if (read_text(text, &again, &error) != 0)
        TEST_FAIL("not read back: %s\n%s", error.text, text);
    b = describe(again);
    ASSERT_STREQ(b, a);
    ASSERT_EQ(again->capabilities, spec->capabilities);
    ASSERT_EQ(again->no_new_privileges, spec->no_new_privileges);
    ASSERT_EQ(again->stop_signal, spec->stop_signal);
    ASSERT_EQ(again->timeout_stop_usec, spec->timeout_stop_usec);
    ASSERT_EQ(again->read_only, spec->read_only);
    ASSERT_OK(definition_format(again, &second, &error));
    ASSERT_STREQ(second, text);
}

static const char everything[] = "# all of it\n"
                                 "[Unit]\nDescription=Passed over\nAfter=network.target\n"
                                 "[Container]\n"
                                 "ContainerName=web\n"
                                 "Image=registry.example/web:1\n"
                                 "HostName=web.example\n"
                                 "Boot=no\n"
                                 "RunInit=yes\n"
                                 "Label=a=b \"c=d e\"\n"
                                 "ExposeHostPort=80/tcp\n"
                                 "StopSignal=SIGQUIT\n"
                                 "ReloadSignal=HUP\n"
                                 "StopTimeout=1min 5s\n"
                                 "TimeoutStart=infinity\n"
                                 "LogDriver=journald\n"
                                 "Register=no\n"
                                 "LinkJournal=no\n"
                                 "RestartPolicy=on-failure:3\n"
                                 "HealthCmd=wget -qO- http://127.0.0.1:8080/\n"
                                 "NoHealthcheck=no\n"
                                 "HealthInterval=10s\n"
                                 "HealthTimeout=1s\n"
                                 "HealthRetries=5\n"
                                 "HealthStartPeriod=1min\n"
                                 "HealthStartInterval=1s\n"
                                 "HealthOnFailure=kill\n"
                                 "LogOpt=max-size=1M\n"
                                 "LogOpt=tag={{.Name}}/{{.ID}}\n"
                                 "Notify=started\n"
                                 "SetCredential=key:plain \"other:two words\"\n"
                                 "LoadCredential=third:/etc/third file\n"
                                 "Secret=key,target=other\n"
                                 "Uuid=01234567-89AB-cdef-0123-456789abcdef\n"
                                 "[Process]\n"
                                 "Entrypoint=/entry \"with blank\" ''\n"
                                 "Exec=--serve 'a \\n b' \"c\\nd\" \\x41 #x\n"
                                 "Environment=A=1 B=2 \"C=x y\"\n"
                                 "Environment=\"NL=line1\\nline2\"\n"
                                 "EnvironmentFile=/etc/web.env\n"
                                 "WorkingDir=/srv//www/\n"
                                 "User=1000:1000\n"
                                 "Ulimit=nofile=1024:2048\n"
                                 "Ulimit=core=0\n"
                                 "OOMScoreAdjust=-500\n"
                                 "[Filesystem]\n"
                                 "ReadOnly=yes\n"
                                 "Ephemeral=no\n"
                                 "Bind=/a:/b:ro\n"
                                 "BindReadOnly=/c\n"
                                 "Volume=/data\n"
                                 "Tmpfs=/t:size=1M\n"
                                 "Overlay=/l:/u:/o\n"
                                 "Mount=type=inaccessible,dst=/secret\n"
                                 "ShmSize=128M\n"
                                 "[Network]\n"
                                 "Network=bridge\n"
                                 "PublishPort=127.0.0.1:8080-8081:80-81/udp\n"
                                 "PublishAll=yes\n"
                                 "[Security]\n"
                                 "UTS=private\n"
                                 "PID=private\n"
                                 "IPC=private\n"
                                 "TimeOffset=monotonic=-1h boottime=2d\n"
                                 "UIDMap=0:100000:1000\n"
                                 "UIDMap=1000:1000\n"
                                 "GIDMap=0:200000:65536\n"
                                 "AddCapability=NET_RAW CAP_SYS_TIME\n"
                                 "DropCapability=CHOWN\n"
                                 "Profile=system\n"
                                 "NoNewPrivileges=no\n"
                                 "SeccompProfile=unconfined\n"
                                 "SELinuxContext=a_u:b_r:c_t:s0\n"
                                 "SELinuxFileContext=a_u:object_r:d_t:s0\n"
                                 "SecurityLabelDisable=no\n"
                                 "SecurityLabelUser=a_u\n"
                                 "SecurityLabelRole=b_r\n"
                                 "SecurityLabelType=c_t\n"
                                 "SecurityLabelLevel=s0:c1,c2\n"
                                 "SecurityLabelFileType=d_t\n"
                                 "SecurityOption=mask=/proc/x\n"
                                 "Mask=/proc/y\n"
                                 "Unmask=/proc/acpi\n"
                                 "Sysctl=net.core.somaxconn=1\n"
                                 "[Resources]\n"
                                 "Memory=64M\n"
                                 "Cpus=1.5\n"
                                 "PidsLimit=100\n"
                                 "IoWeight=50\n"
                                 "Property=MemoryHigh=32M\n"
                                 "Slice=web.slice\n"
                                 "[Install]\nWantedBy=multi-user.target\n";

static void everything_comes_back(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_error_ Error error = {};

    if (read_text(everything, &spec, &error) != 0)
        TEST_FAIL("%s", error.text);
    ASSERT_STREQ(spec->command[1], "a \\n b");
    ASSERT_STREQ(spec->command[2], "c\nd");
    ASSERT_STREQ(spec->command[3], "A");
    ASSERT_STREQ(spec->command[4], "#x");
    ASSERT_STREQ(spec->entrypoint[2], "");
    ASSERT_STREQ(spec->environment[3], "NL=line1\nline2");
    ASSERT_STREQ(spec->working_directory, "/srv/www");
    ASSERT_EQ(spec->mounts.count, 6);
    ASSERT_EQ(strv_length(spec->masked_paths), 2);
    ASSERT_FALSE(spec->no_new_privileges);
    ASSERT_STREQ(spec_origin(spec, offsetof(ContainerSpec, image)), "web.container:7");
    comes_back(spec);
}

/* Every key of the table is in the text above, so that a new one is not forgotten. */
static void everything_is_everything(void)
{
    for (size_t i = 0; i < settings_count; i++) {
        _cleanup_free_ char *line = settings[i].key ? text_format("\n%s=", settings[i].key) : NULL;

        if (line && !strstr(everything, line) && strcmp(settings[i].key, "Directory") != 0 &&
            strcmp(settings[i].key, "ReloadCmd") != 0 && strcmp(settings[i].key, "Volatile") != 0 &&
            strcmp(settings[i].key, "Privileged") != 0 && strcmp(settings[i].key, "UserNS") != 0)
            TEST_FAIL("%s= is not tried", settings[i].key);
    }
}

static void what_excludes_that_comes_back_too(void)
{
    static const char *const texts[] = {
        "[Container]\nDirectory=/srv/tree\nBoot=yes\nNoNewPrivileges=yes\n[Filesystem]\nVolatile=state\n",
        "[Container]\nImage=x\n[Security]\nPrivileged=yes\nNoNewPrivileges=no\n",
        "[Container]\nImage=x\n[Security]\nNoNewPrivileges=no\n[Filesystem]\nReadOnly=no\nVolatile=no\n",
        "[Container]\nImage=x\nHealthCmd=none\n",
        "[Container]\nImage=x\nHealthCmd=\n",
        "[Container]\nImage=x\nHealthCmd=[\"CMD\",\"/bin/x\",\"a b\",\"\"]\nHealthOnFailure=restart\n",
        "[Container]\nImage=x\nHealthCmd=[\"CMD-SHELL\",\"none\"]\n",
        "[Container]\nImage=x\nStopTimeout=0\nLogDriver=auto\n[Network]\nNetwork=private\n",
        "[Container]\nImage=x\nStopTimeout=infinity\n[Filesystem]\nShmSize=infinity\n",
        "[Container]\nImage=x\n[Process]\nOOMScoreAdjust=0\nUlimit=core=infinity\n",
    };

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
        _cleanup_error_ Error error = {};

        if (read_text(texts[i], &spec, &error) != 0)
            TEST_FAIL("%s: %s", texts[i], error.text);
        comes_back(spec);
    }
}

/* "Entrypoint=" and "Environment=" say that there is none, against what an image brings. */
static void a_reset_comes_back(void)
{
    static const char text[] = "[Container]\nImage=x\n[Process]\nEntrypoint=\nExec=sh\nEnvironment=\n";
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_free_ char *written = NULL;

    ASSERT_OK(read_text(text, &spec, NULL));
    ASSERT_OK(definition_format(spec, &written, NULL));
    ASSERT_CONTAINS(written, "\nEntrypoint=\n");
    ASSERT_CONTAINS(written, "\nEnvironment=\n");
}

static void keys_without_their_section(void)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_error_ Error error = {};

    ASSERT_OK(read_text("[Container]\nImage=x\nReadOnly=yes\nExec=a b\nMemory=1M\n", &spec, &error));
    ASSERT_TRUE(spec->read_only);
    ASSERT_EQ(strv_length(spec->command), 2);
    ASSERT_STREQ(spec->properties[0], "MemoryMax=1048576");
}

static void messages(void)
{
    static const struct {
        const char *text, *message, *hint;
    } rows[] = {
        {"[Container]\nImage=x\n\nReadOnyl=yes\n", "web.container:4: unknown key 'ReadOnyl' in section [Container]",
         "did you mean 'ReadOnly='?"},
        {"[Process]\nImag=x\n", "web.container:2: unknown key 'Imag' in section [Process]", "did you mean 'Image='?"},
        {"[Process]\nImage=x\n", "web.container:2: unknown key 'Image' in section [Process]",
         "'Image=' belongs into section [Container]"},
        {"[Container]\nQqqqqqqqqq=x\n", "web.container:2: unknown key 'Qqqqqqqqqq'", NULL},
        {"[Contaner]\nImage=x\n", "web.container:2: unknown section [Contaner]", NULL},
        {"Image=x\n", "web.container:1: unknown section []", NULL},
        {"[Container]\nImage=x\nMemory=12Q\n", "web.container:3: ", "a size is a number with K, M, G or T behind it"},
        {"[Container]\nImage=x\nMemory=12Q\n", "web.container:3: Memory=: '12Q' is not a size", NULL},
        {"[Container]\nImage=x\nExec=a \\\n  \"open\n", "web.container:3: Exec=: ", NULL},
        {"[Container]\nImage=x\nBoot=\n", "web.container:3: ", NULL},
        {"[Container]\nImage=x\nBind=/a:b\n", "web.container:3: ", NULL},
        {"[Container]\nnonsense\n", "web.container:2: 'nonsense' is neither", NULL},
        {"[Container]\nImage=x\nSysctl=vm.swappiness=1\n", "web.container:3: 'vm.swappiness=1' is not", NULL},
        {"[Container]\nImage=x\nDirectory=/x\n", "web.container:3: a container runs an image or a directory", NULL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        ContainerSpec *spec = NULL;
        _cleanup_error_ Error error = {};
        int r = read_text(rows[i].text, &spec, &error);

        if (r >= 0 || !error.text || !strstr(error.text, rows[i].message) ||
            (rows[i].hint && (!error.hint || !strstr(error.hint, rows[i].hint))))
            TEST_FAIL("row %zu: %d, '%s' (%s)", i, r, error.text, error.hint);
    }
}

/* A row and a value of every free-text kind with each awkward tail: written and read back as it was, or refused. */
static void no_value_changes_the_lines_around_it(void)
{
    static const char *const values[] = {"x\n[Security]\nPrivileged=yes",
                                         "x\nPrivileged=yes",
                                         "x\rPrivileged=yes",
                                         "x\\",
                                         "x\\\\",
                                         "x\\\\\\",
                                         " x",
                                         "x ",
                                         "\tx",
                                         "x\t",
                                         "#x",
                                         ";x",
                                         "[x]",
                                         "\"x",
                                         "'x",
                                         "x=y",
                                         "=x",
                                         "x\x01y",
                                         "x\x7f",
                                         "\xff",
                                         "x\v",
                                         "x\f",
                                         "%n",
                                         "$x",
                                         "x \\ y",
                                         ""};
    static const struct {
        const char *option, *prefix;
    } options[] = {{"image", ""},
                   {"user", ""},
                   {"slice", ""},
                   {"env", "K="},
                   {"label", "K="},
                   {"env-file", ""},
                   {"expose", ""},
                   {"workdir", "/"},
                   {"mask", "/"},
                   {"bind", "/"},
                   {"volume", "/"},
                   {"tmpfs", "/"},
                   {"property", "K="},
                   {"entrypoint", ""},
                   {"command", ""},
                   {"directory", "/"},
                   {"mount", "type=tmpfs,dst=/"}};
    unsigned written = 0, refused = 0;

    for (size_t i = 0; i < ELEMENTSOF(options); i++)
        for (size_t j = 0; j < ELEMENTSOF(values); j++) {
            _cleanup_free_ char *value = text_format("%s%s", options[i].prefix, values[j]), *text = NULL, *a = NULL,
                                *b = NULL;
            bool is_root = strcmp(options[i].option, "image") == 0 || strcmp(options[i].option, "directory") == 0;
            const Words words[] = {{options[i].option, value},
                                   {is_root ? "name" : "image", is_root ? "web" : "an-image"},
                                   {"memory", "1M"}, /* the lines around */
                                   {"read-only", "yes"},
                                   {NULL, NULL}};
            _cleanup_(container_spec_freep) ContainerSpec *spec = NULL, *again = NULL;
            _cleanup_error_ Error error = {};
            SpecLayer *layer = layer_of(TRUST_ADMIN, words);
            int r = spec_finish(&layer, 1, &spec, &error);

            spec_layer_free(layer);
            if (r < 0)
                continue; /* no value of this kind */
            r = definition_format(spec, &text, &error);
            if (r < 0) {
                if (r != -EINVAL || !error.text)
                    TEST_FAIL("--%s '%s': %d", options[i].option, value, r);
                refused++;
                continue;
            }
            written++;
            r = read_text(text, &again, &error);
            if (r < 0)
                TEST_FAIL("--%s '%s' is written and not read: %s\n%s", options[i].option, value, error.text, text);
            a = describe(spec);
            b = describe(again);
            if (strcmp(a, b) != 0 || again->privileged)
                TEST_FAIL("--%s '%s' comes back as another spec:\n%s", options[i].option, value, text);
        }
    ASSERT_TRUE(written > 100);
    ASSERT_TRUE(refused > 20);
}

int main(void)
{
    TEST_RUN(everything_comes_back);
    TEST_RUN(everything_is_everything);
    TEST_RUN(what_excludes_that_comes_back_too);
    TEST_RUN(a_reset_comes_back);
    TEST_RUN(keys_without_their_section);
    TEST_RUN(messages);
    TEST_RUN(no_value_changes_the_lines_around_it);
    return test_finish();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units as text, compared with tests/golden/generator/NAME.txt: what the generator makes of a directory of definitions, each
 * case one. UPDATE_GOLDEN=1 writes what is there now. */
#include "../test.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "definitions/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

typedef struct File {
    const char *name, *text; /* below the directory of definitions; text NULL: a link to /dev/null */
} File;

typedef struct Case {
    const char *name;
    File files[6];
} Case;

static const Case cases[] = {
    {"minimal", {{"web.container", "[Container]\nImage=web:1\n"}}},
    {"full",
     {{"web.container",
       "[Unit]\nDescription=A shop\nAfter=db.container network-online.target\nRequires=db.container\n"
       "[Container]\nImage=shop:1\nExec=/bin/server --port 80\nMemory=64M\nCpus=1.5\nPidsLimit=100\n"
       "StopTimeout=20s\nStopSignal=SIGQUIT\nTimeoutStart=infinity\nBind=/srv/data:/data\n"
       "Bind=/srv/with blank and 100%%:/x\nSlice=shop.slice\nReloadSignal=HUP\n"
       "[Resources]\nIOWeight=50\n[Service]\nRestart=on-failure\nWatchdogSec=30\nTimeoutStopSec=5min\n"
       "Environment=A=1 \"B=with blank\"\n"
       "[Install]\nWantedBy=multi-user.target berth.target\nAlias=shop.service\nUpheldBy=db.container\n"},
      {"db.container", "[Container]\nDirectory=/srv/db\nExec=/bin/db\n"}}},
    {"boot", {{"os.container", "[Container]\nDirectory=/srv/os\nBoot=yes\n[Install]\nRequiredBy=berth.target\n"}}},
    {"template",
     {{"web@.container", "[Unit]\nDescription=Web for %i\nAfter=db@%i.container\n[Container]\nDirectory=/srv/%i\n"
                         "Exec=/bin/server %I\nSlice=web-%i.slice\nReloadCmd=/bin/reload \"%i $X\" 100%% 'a\"b\\\\c'\n"
                         "[Install]\nWantedBy=berth.target\nDefaultInstance=main\n"},
      {"db@.container", "[Container]\nDirectory=/srv/db\nExec=/bin/db\n[Install]\nWantedBy=berth.target\n"}}},
    {"instance",
     {{"web@.container", "[Container]\nDirectory=/srv/%i\nExec=/bin/server\n"},
      {"web@blue.container", "[Container]\nDirectory=/srv/%i\nExec=/bin/server\n[Install]\nWantedBy=%p.target\n"}}},
    {"instance-drop-in",
     {{"web@.container", "[Container]\nDirectory=/srv/%i\nExec=/bin/server\n"},
      {"web@blue.container.d/10-memory.conf", "[Container]\nMemory=1G\n[Install]\nWantedBy=berth.target\n"},
      {"other@blue.container.d/10-memory.conf", "[Container]\nMemory=1G\n"}}},
    {"image",
     {{"web.container", "[Container]\nImage=web.image\nExec=/bin/x\n"},
      {"web.image", "[Image]\nImage=registry.example/web:1\nFile=/srv/with blank.tar\n[Service]\nTimeoutStartSec=1h\n"},
      {"there.image", "[Image]\nImage=there:1\n"}}},
    {"drop-ins",
     {{"web-front.container",
       "[Container]\nDirectory=/srv/web\nExec=/bin/one\n[Install]\nWantedBy=multi-user.target\n"},
      {"container.d/10-all.conf", "[Service]\nRestart=always\n"},
      {"web-.container.d/20-prefix.conf", "[Container]\nMemory=1G\n"},
      {"web-front.container.d/20-prefix.conf", "[Container]\nMemory=2G\n"},
      {"web-front.container.d/30-install.conf", "[Install]\nWantedBy=\nWantedBy=berth.target\n"},
      {"web-front.container.d/10-all.conf", NULL}}},
    {"oneshot", {{"job.container", "[Container]\nImage=job:1\n[Service]\nType=oneshot\nRemainAfterExit=yes\n"}}},
    {"restart",
     {{"always.container", "[Container]\nImage=web:1\nRestartPolicy=unless-stopped\n"},
      {"some.container", "[Container]\nImage=web:1\nRestartPolicy=on-failure:3\n[Service]\nRestartSec=5s\n"},
      {"job.container", "[Container]\nImage=web:1\nRestartPolicy=always\n[Service]\nType=oneshot\n"}}},
    {"passthrough-log", {{"web.container", "[Container]\nImage=web:1\nLogDriver=passthrough\n"}}},
    {"namespaces",
     {{"side.container",
       "[Container]\nImage=web:1\n[Network]\nNetwork=container:web\n[Security]\nUTS=container:web-2\n"},
      {"side@.container", "[Container]\nImage=web:1\n[Network]\nNetwork=container:web-%i\n"}}},
    {"masked", {{"web.container", NULL}}},
    {"broken",
     {{"web.container",
       "[Container]\nImge=web\nMemory=12Q\nExec=\"open\n[Nonsense]\nA=b\n[Service]\nUser=joe\n"
       "ExecStart=/bin/true\nType=forking\n[Unit]\nAfter=none.container\n[Install]\nWantedBy=berth.target\n"
       "Also=x.service\nWantedBy=../../evil\n"}}},
    {"broken-syntax", {{"web.container", "[Container]\nImage=web\nthis is no assignment\n"}}},
    {"broken-whole", {{"web.container", "[Container]\nExec=/bin/true\n"}}},
    {"broken-hostile",
     {{"web.container",
       "[Container]\nImage=x\nExec=/bin/x\n%n$HOME\"\\'`id`\x1b[31m=1\n[Resources]\nFoo%n=\"$(id)\"\n"}}},
    {"broken-template",
     {{"web@.container", "[Container]\nDirectory=/srv/%i\nExec=/bin/x\nStopTimeout=%o\n[Resources]\nMemoryMax=%i\n"
                         "[Install]\nWantedBy=berth.target\nDefaultInstance=a/b\n"}}},
    {"volume",
     {{"data.volume", "[Unit]\nAfter=net.mount\n[Volume]\nVolumeName=shared\nDriver=local\n"},
      {"bad.volume", "[Volume]\nVolumeName=a/b\nType=tmpfs\n"},
      {"web.container", "[Container]\nDirectory=/srv\nExec=/bin/x\nVolume=data.volume:/data:ro\n"
                        "Mount=type=volume,source=data.volume,destination=/more\nVolume=other:/other\n"},
      {"lost.container", "[Container]\nDirectory=/srv\nExec=/bin/x\nVolume=none.volume:/data\n"}}},
    {"unsupported",
     {{"data.volume", "[Volume]\nVolumeName=data\n"},
      {"net.network", "[Network]\n"},
      {"app.pod", "[Pod]\n"},
      {"app.image", "[Image]\nImage=x\nAuthFile=/x\n"},
      {"web.container", "[Unit]\nAfter=data.volume\n[Container]\nImage=x:1\nExec=/bin/x\n"}}},
    {"name-notice", {{"web.container", "[Container]\nContainerName=other\nImage=x:1\n"}}},
    {"trailing-backslash", {{"web.container", "[Container]\nImage=x:1\n[Service]\nSyslogLevel=info\\ \nUMask=0022\n"}}},
};

static char *directory;

static int put(const File *file)
{
    _cleanup_free_ char *path = text_format("%s/%s", directory, file->name);
    char *slash = path ? strrchr(path, '/') : NULL;
    FILE *stream;

    if (!path)
        return -ENOMEM;
    *slash = 0;
    (void) mkdir(path, 0755);
    *slash = '/';
    if (!file->text)
        return symlink("/dev/null", path) < 0 ? -errno : 0;
    stream = fopen(path, "we");
    if (!stream)
        return -errno;
    fputs(file->text, stream);
    return fclose(stream);
}

/* The directory's own name is another one each time. */
static char *without_directory(const char *text)
{
    Buffer out = {};

    while (*text) {
        const char *next = strstr(text, directory);

        buffer_append(&out, text, next ? (size_t) (next - text) : strlen(text));
        text += next ? (size_t) (next - text) + strlen(directory) : strlen(text);
        if (next)
            buffer_append_string(&out, "/etc/berth");
    }
    return buffer_take(&out);
}

static int describe_one(const DefinitionPlaces *places, const char *file_name, Buffer *out)
{
    _cleanup_definition_ Definition *definition = NULL;
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_definition_links_ DefinitionLinks links = {};
    _cleanup_free_ char *unit = NULL, *text = NULL;
    int r = definition_open(places, file_name, &definition, NULL);

    if (r < 0)
        return r;
    if (definition->is_masked) {
        buffer_append_format(out, "=== %s: masked\n", file_name);
        return 0;
    }
    r = definition_check(definition, places, &spec);
    if (r == 0)
        r = definition_list_links(definition, &links);
    if (r < 0)
        return r;
    unit = definition_unit_name(definition->type, definition->name);
    text = definition->problems ? definition_format_stub(definition)
                                : definition_format_unit(definition, spec, "/usr/bin/berthctl");
    buffer_append_format(out, "=== %s\n", file_name);
    STRV_FOREACH (problem, definition->problems)
        buffer_append_format(out, "problem: %s\n", *problem);
    STRV_FOREACH (notice, definition->notices)
        buffer_append_format(out, "notice: %s\n", *notice);
    buffer_append_format(out, "--- %s\n%s", unit, text);
    for (size_t i = 0; i < links.count; i++)
        buffer_append_format(out, "--- %s -> %s\n", links.items[i].name, links.items[i].target);
    return 0;
}

static int describe_all(char **ret)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_strv_ char **names = NULL;
    _cleanup_buffer_ Buffer out = {};
    _cleanup_free_ char *text = NULL;
    int r = definition_places_load(true, &places);

    if (r == 0)
        r = definition_places_list(&places, &names);
    STRV_FOREACH (name, names)
        if (r == 0)
            r = describe_one(&places, *name, &out);
    if (r < 0)
        return r;
    text = buffer_take(&out);
    *ret = text ? without_directory(text) : NULL;
    return *ret ? 0 : -ENOMEM;
}

static const Case *current;

static void empty_directory(void)
{
    _cleanup_free_ char *parent = strdup(directory);
    char *slash = strrchr(parent, '/');
    _cleanup_close_ int fd = -EBADF;

    *slash = 0;
    fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void) file_remove_tree_at(fd, slash + 1);
    (void) mkdir(directory, 0700);
}

static void compare(void)
{
    const char *golden = getenv("GOLDEN_GENERATOR_DIR");
    _cleanup_free_ char *path = text_format("%s/%s.txt", golden ? golden : "tests/golden/generator", current->name);
    _cleanup_free_ char *seen = NULL, *expected = NULL;

    empty_directory();
    for (size_t i = 0; i < ELEMENTSOF(current->files) && current->files[i].name; i++)
        ASSERT_OK(put(&current->files[i]));
    ASSERT_OK(describe_all(&seen));
    if (getenv("UPDATE_GOLDEN")) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        ASSERT_TRUE(fd >= 0);
        ASSERT_OK(file_write_all(fd, seen, strlen(seen)));
        return;
    }
    if (file_read_at(AT_FDCWD, path, 1 << 20, &expected, NULL) < 0)
        TEST_FAIL("%s cannot be read; UPDATE_GOLDEN=1 makes it", path);
    if (strcmp(expected, seen) != 0)
        TEST_FAIL("not what %s says; UPDATE_GOLDEN=1 takes the new one:\n%s", path, seen);
}

/* No definition, however wrong, adds a line to a unit that it did not write: each line of a stub begins with a known key. */
static void stubs_hold_known_lines_only(void)
{
    static const char *const known[] = {"# ",
                                        "[Unit]",
                                        "[Service]",
                                        "SourcePath=",
                                        "Description=",
                                        "Documentation=",
                                        "Type=oneshot",
                                        "SyslogIdentifier=berth-generator",
                                        "ExecStart=:/bin/sh -c "};
    _cleanup_definition_ Definition *definition = calloc(1, sizeof(Definition));
    _cleanup_free_ char *stub = NULL;
    size_t lines = 0;

    definition->type = definition_type_of("web.container", &definition->name);
    definition->path = strdup("/etc/berth/web.container");
    ASSERT_OK(strv_append(&definition->problems, "first\nExecStartPre=/bin/evil\r\n[Service] \\"));
    ASSERT_OK(strv_append(&definition->problems, "\"; /bin/evil %n $HOME \\"));
    stub = definition_format_stub(definition);
    for (char *line = stub, *end; *line; line = end + 1, lines++) {
        bool is_known = false;

        end = strchr(line, '\n');
        *end = 0;
        for (size_t i = 0; i < ELEMENTSOF(known); i++)
            is_known = is_known || strncmp(line, known[i], strlen(known[i])) == 0;
        if (*line && !is_known)
            TEST_FAIL("a line of the stub: %s", line);
        if (text_has_suffix(line, "\\"))
            TEST_FAIL("ends with a backslash: %s", line);
    }
    ASSERT_EQ(lines, 10);
}

static void names(void)
{
    _cleanup_free_ char *a = definition_container_name("web@a:b"), *unit = NULL;

    ASSERT_STREQ(a, "web-a-b");
    unit = definition_unit_name(&definition_types[1], "x@y");
    ASSERT_STREQ(unit, "x-image@y.service");
    ASSERT_TRUE(definition_name_is_valid("web@a\\x2db"));
    ASSERT_FALSE(definition_name_is_valid("web@a/b"));
    ASSERT_FALSE(definition_name_is_valid("@x"));
    ASSERT_FALSE(definition_name_is_valid("web@a b"));
    ASSERT_FALSE(definition_name_is_valid(".web"));
}

static void service_keys(void)
{
    ASSERT_NULL(service_key_problem("Restart", "always"));
    ASSERT_NULL(service_key_problem("Type", "notify"));
    ASSERT_NULL(service_key_problem("DynamicUser", "no"));
    ASSERT_NULL(service_key_problem("User", ""));
    ASSERT_NOT_NULL(service_key_problem("Type", "simple"));
    ASSERT_NOT_NULL(service_key_problem("Type", "not"));
    ASSERT_NOT_NULL(service_key_problem("User", "joe"));
    ASSERT_NOT_NULL(service_key_problem("DynamicUser", "yes"));
    ASSERT_NOT_NULL(service_key_problem("ExecStart", "/bin/true"));
}

int main(void)
{
    char base[] = "/tmp/berth-test-units.XXXXXX";
    _cleanup_free_ char *run = NULL;
    int fd;

    if (!mkdtemp(base))
        return EXIT_FAILURE;
    directory = text_format("%s/etc", base);
    run = text_format("%s/run", base);
    setenv("BERTH_CONFIG_DIR", directory, 1);
    setenv("BERTH_RUN_DIR", run, 1);
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        current = &cases[i];
        test_run_one(current->name, compare);
    }
    TEST_RUN(stubs_hold_known_lines_only);
    TEST_RUN(names);
    TEST_RUN(service_keys);
    fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void) file_remove_tree_at(fd, base + strlen("/tmp/"));
    close(fd);
    free(directory);
    return test_finish();
}

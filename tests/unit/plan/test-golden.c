/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans as text, compared with tests/golden/plan/NAME.txt. UPDATE_GOLDEN=1 writes what is there now: look at the
 * difference before it is committed, it is what every start will do. */
#include "../test.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/strv.h"
#include "inputs/definition.h"
#include "inputs/oci-runtime.h"
#include "plan/plan.h"
#include "spec/build-spec.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

typedef struct Case {
    const char *name, *definition;
    const char *bundle; /* config.json, in place of a definition */
    Words options[6];
    char *layers[4]; /* none: the root is a directory */
    bool no_cgroup, own_cgroup, no_seccomp, has_resolv_conf, has_labels, has_ports;
    unsigned throttled_processors;
    bool has_userns, is_shifted; /* a range of ids of its own; the tree has them on disk already */
} Case;

#define DIRECTORY "[Container]\nContainerName=web\nDirectory=/srv/tree\n"
#define IMAGE     "[Container]\nContainerName=web\nImage=registry.example/web:1\n"
#define ONE_LAYER                                                                                                      \
    {                                                                                                                  \
        (char *) "layers/aaaa/tree"                                                                                    \
    }

static const Case cases[] = {
    {.name = "directory", .definition = DIRECTORY "Exec=/bin/sh -c \"echo hello\"\n"},
    {.name = "directory-read-only", .definition = DIRECTORY "Exec=/bin/true\nReadOnly=yes\n"},
    {.name = "directory-ephemeral", .definition = DIRECTORY "Exec=/bin/true\nEphemeral=yes\n"},
    {.name = "volatile-yes", .definition = DIRECTORY "Exec=/bin/true\nVolatile=yes\n"},
    {.name = "volatile-state", .definition = DIRECTORY "Exec=/bin/true\nVolatile=state\n"},
    {.name = "volatile-overlay", .definition = DIRECTORY "Exec=/bin/true\nVolatile=overlay\n"},
    {.name = "image",
     .definition = IMAGE "Entrypoint=/entry\nExec=--serve\nUser=www:www\nWorkingDir=/srv\nEnvironment=A=1 PATH=/bin\n",
     .layers = {(char *) "layers/aaaa/tree", (char *) "layers/bbbb/tree", (char *) "layers/cccc/tree"}},
    {.name = "image-read-only",
     .definition = IMAGE "Exec=/bin/true\nReadOnly=yes\nVolume=/data\n",
     .layers = ONE_LAYER},
    {.name = "image-remove",
     .definition = IMAGE "Exec=/bin/true\nVolume=/data\n",
     .layers = ONE_LAYER,
     .options = {{"rm", "yes"}}},
    {.name = "boot", .definition = DIRECTORY "Boot=yes\nExec=--unit=rescue.target\n"},
    {.name = "notify",
     .definition = IMAGE "Exec=/bin/daemon\nNotify=container\n",
     .layers = ONE_LAYER,
     .options = {{"keep-unit", "yes"}}},
    {.name = "credentials",
     .definition = IMAGE "Exec=/bin/true\nUser=www\nSetCredential=key:secret none:\n",
     .layers = ONE_LAYER},
    {.name = "credentials-secrets",
     .definition = IMAGE "Exec=/bin/true\nEnvironment=PASSWORD=open OTHER=x\nSecret=key\nBind=/srv/data:/etc\n",
     .layers = ONE_LAYER},
    {.name = "credentials-boot", .definition = DIRECTORY "Boot=yes\nLoadCredential=key:/etc/key\n"},
    {.name = "boot-journal", .definition = DIRECTORY "Boot=yes\nLinkJournal=host\n", .has_userns = true},
    {.name = "credentials-boot-labels",
     .definition = DIRECTORY "Boot=yes\nEphemeral=yes\nLoadCredential=key:/etc/key\n",
     .has_labels = true},
    {.name = "boot-ephemeral-no-cgroup", .definition = DIRECTORY "Boot=yes\nEphemeral=yes\n", .no_cgroup = true},
    {.name = "terminal-detached",
     .definition = IMAGE "Exec=/bin/bash\n",
     .layers = ONE_LAYER,
     .options = {{"tty", "yes"}, {"interactive", "yes"}, {"detach", "yes"}}},
    {.name = "init",
     .definition = IMAGE "Exec=/bin/daemon\nRunInit=yes\nStopSignal=SIGINT\nStopTimeout=3s\n",
     .layers = ONE_LAYER},
    {.name = "mounts",
     .definition = IMAGE "Exec=/bin/true\n[Filesystem]\n"
                         "Bind=/srv/data:/data\n"
                         "Bind=/srv/rec:/rec:norbind,noexec,nosuid,nodev\n"
                         "BindReadOnly=/etc/app.conf\n"
                         "Volume=/anonymous\n"
                         "Volume=/srv/vol:/vol:ro\n"
                         "Tmpfs=/scratch:size=10M,mode=0700\n"
                         "Overlay=/l1:/l2:/upper:/over\n"
                         "Mount=type=overlay,layer=/l1,layer=/l2,dst=/over-ro,ro\n"
                         "Mount=type=inaccessible,dst=/secret\n"
                         "Mount=type=bind,src=/with blank,dst=/with,ro\n"
                         "ShmSize=1M\n",
     .layers = ONE_LAYER},
    {.name = "network-host",
     .definition = IMAGE "Exec=/bin/true\nNetwork=host\nAddCapability=NET_ADMIN NET_RAW\nDropCapability=CHOWN\n",
     .layers = ONE_LAYER,
     .has_resolv_conf = true},
    {.name = "network-bridge",
     .definition = IMAGE "Exec=/bin/true\nNetwork=bridge\nSysctl=net.core.somaxconn=99\n",
     .layers = ONE_LAYER,
     .has_resolv_conf = true},
    {.name = "network-ports",
     .definition = IMAGE "Exec=/bin/true\nPublishPort=127.0.0.1:8080:80\nPublishPort=53:53/udp\n",
     .layers = ONE_LAYER,
     .has_ports = true},
    {.name = "userns-bridge", .definition = DIRECTORY "Exec=/bin/true\nNetwork=bridge\n", .has_userns = true},
    {.name = "network-none", .definition = IMAGE "Exec=/bin/true\nNetwork=none\n", .layers = ONE_LAYER},
    {.name = "namespaces-joined",
     .definition = IMAGE "Exec=/bin/true\nNetwork=container:other\n[Security]\nUTS=ns:/run/uts\n"
                         "TimeOffset=monotonic=-1500ms boottime=1d\n",
     .layers = ONE_LAYER,
     .has_userns = true},
    {.name = "processes-of-the-host",
     .definition = IMAGE "Exec=/bin/true\n[Security]\nPID=host\nIPC=host\n",
     .layers = ONE_LAYER,
     .has_userns = true},
    {.name = "processes-of-another",
     .definition = IMAGE "Exec=/bin/true\n[Security]\nPID=container:other\nIPC=container:other\n",
     .layers = ONE_LAYER,
     .has_userns = true},
    {.name = "uts-host", .definition = IMAGE "Exec=/bin/true\n[Security]\nUTS=host\n", .layers = ONE_LAYER},
    {.name = "privileged",
     .definition = IMAGE "Exec=/bin/true\nPrivileged=yes\nNetwork=host\n",
     .layers = ONE_LAYER,
     .no_seccomp = true},
    {.name = "new-privileges", .definition = IMAGE "Exec=/bin/true\nNoNewPrivileges=no\n", .layers = ONE_LAYER},
    {.name = "sysctls",
     .definition = IMAGE "Exec=/bin/true\n[Security]\nSysctl=net.core.somaxconn=1024 kernel.shmmax=1\n"
                         "Mask=/proc/extra\nUnmask=/proc/acpi\nUnmask=/proc/sys\n",
     .layers = ONE_LAYER},
    {.name = "limits",
     .definition =
         IMAGE "Exec=/bin/true\n[Process]\nUlimit=nofile=1024:2048\nUlimit=core=infinity\nOOMScoreAdjust=-10\n",
     .layers = ONE_LAYER},
    {.name = "labels",
     .definition = IMAGE "Exec=/bin/true\nRunInit=yes\n[Filesystem]\nTmpfs=/scratch\nReadOnly=yes\n",
     .layers = ONE_LAYER,
     .has_labels = true},
    {.name = "userns-directory", .definition = DIRECTORY "Exec=/bin/true\nReadOnly=yes\n", .has_userns = true},
    {.name = "userns-shifted", .definition = DIRECTORY "Exec=/bin/true\n", .has_userns = true, .is_shifted = true},
    {.name = "userns-ephemeral", .definition = DIRECTORY "Exec=/bin/true\nEphemeral=yes\n", .has_userns = true},
    {.name = "userns-volatile", .definition = DIRECTORY "Exec=/bin/true\nVolatile=overlay\n", .has_userns = true},
    {.name = "profile-nested", .definition = DIRECTORY "Exec=/bin/true\nProfile=nested\n", .has_userns = true},
    {.name = "profile-system", .definition = DIRECTORY "Exec=/bin/true\nProfile=system\n", .throttled_processors = 2},
    {.name = "userns-boot", .definition = DIRECTORY "Boot=yes\n", .has_userns = true},
    {.name = "userns-image",
     .definition = IMAGE "Exec=/bin/true\nUser=www\nVolume=/srv/vol:/vol:U\nVolume=/srv/kept:/kept:noidmap\n"
                         "Overlay=/l1:/upper:/over\nUlimit=nofile=1024:2048\nUlimit=core=0\nOOMScoreAdjust=-10\n"
                         "Sysctl=kernel.shmmax=1\n",
     .layers = ONE_LAYER,
     .has_userns = true},
    {.name = "restart",
     .definition = IMAGE "Exec=/bin/true\nRestartPolicy=on-failure:3\n",
     .layers = ONE_LAYER,
     .options = {{"detach", "yes"}}},
    {.name = "no-cgroup", .definition = DIRECTORY "Exec=/bin/true\n", .no_cgroup = true},
    {.name = "own-cgroup", .definition = DIRECTORY "Exec=/bin/true\nMemory=64M\nPidsLimit=100\n", .own_cgroup = true},
};

#define CONFIG(process, rest)                                                                                          \
    "{'ociVersion':'1.2.0','root':{'path':'rootfs','readonly':true},'hostname':'inside','process':{'cwd':'/',"         \
    "'args':['sh']" process "},'mounts':["                                                                             \
    "{'destination':'/proc','type':'proc','source':'proc'},"                                                           \
    "{'destination':'/"                                                                                                \
    "dev','type':'tmpfs','source':'tmpfs','options':['nosuid','strictatime','mode=755','size=65536k']},"               \
    "{'destination':'/dev/"                                                                                            \
    "pts','type':'devpts','source':'devpts','options':['nosuid','noexec','newinstance','gid=5']},"                     \
    "{'destination':'/sys/fs/cgroup','type':'cgroup','source':'cgroup','options':['ro']},"                             \
    "{'destination':'/data','source':'data','options':['rbind','ro','rprivate']}],"                                    \
    "'linux':{'namespaces':[{'type':'mount'},{'type':'pid'},{'type':'ipc'},{'type':'uts'},{'type':'cgroup'},"          \
    "{'type':'network','path':'/run/netns/x'}]" rest "}}"

static const Case bundle_cases[] = {
    {.name = "bundle", .bundle = CONFIG(",'user':{'uid':0,'gid':0}", ""), .no_seccomp = true},
    {.name = "bundle-full",
     .bundle =
         CONFIG(",'terminal':true,'env':['A=b'],'noNewPrivileges':true,'oomScoreAdj':5,"
                "'rlimits':[{'type':'RLIMIT_NOFILE','soft':10,'hard':18446744073709551615}],"
                "'user':{'uid':7,'gid':8,'umask':63,'additionalGids':[9,10]},"
                "'capabilities':{'bounding':['CAP_CHOWN','CAP_KILL'],'effective':['CAP_KILL'],"
                "'permitted':['CAP_KILL'],'inheritable':['CAP_KILL'],'ambient':['CAP_KILL']}",
                ",'devices':[{'path':'/dev/fuse','type':'c','major':10,'minor':229,'fileMode':438,'uid':1,'gid':2}],"
                "'resources':{'devices':[{'allow':false,'access':'rwm'},"
                "{'allow':true,'type':'c','major':10,'minor':229,'access':'rw'}],'memory':{'limit':1048576}},"
                "'sysctl':{'kernel.shmmax':'1'},'maskedPaths':['/proc/kcore'],'readonlyPaths':['/proc/sys'],"
                "'seccomp':{'defaultAction':'SCMP_ACT_ALLOW'}")},
};

static const char *golden_directory(void)
{
    const char *directory = getenv("GOLDEN_DIR");

    return directory ? directory : "tests/golden/plan";
}

static int make_spec(const Case *test, ContainerSpec **ret, Error *error)
{
    SpecLayer *layers[2] = {NULL, layer_of(TRUST_ADMIN, test->options)};
    _cleanup_free_ char *config = test->bundle ? strdup(test->bundle) : NULL;
    _cleanup_strv_ char **notices = NULL;
    int r;

    for (char *c = config; c && *c; c++)
        *c = *c == '\'' ? '"' : *c;
    r = config ? oci_runtime_parse(config, strlen(config), "/bundle", &layers[0], &notices, error)
               : definition_parse(test->definition, strlen(test->definition), "web.container", TRUST_ADMIN, &layers[0],
                                  error);

    if (r == 0)
        r = spec_finish(layers, 2, ret, error);
    spec_layer_free(layers[0]);
    spec_layer_free(layers[1]);
    return r;
}

/* Fds in a fixed order: what is there on every host first, then those of the mounts. */
static MountFacts *make_mount_facts(const ContainerSpec *spec)
{
    MountFacts *mounts = calloc(spec->mounts.count + 1, sizeof(MountFacts));
    uint64_t next = 10;

    for (size_t i = 0; mounts && i < spec->mounts.count; i++) {
        const MountSpec *mount = &spec->mounts.items[i];

        if (mount->kind == MOUNT_KIND_BIND) {
            mounts[i].source_fd = next++;
            mounts[i].is_file = text_has_suffix(mount->host_path, ".conf");
        }
        mounts[i].maps_ids = mount->kind == MOUNT_KIND_OVERLAY || mount->ids != MOUNT_IDS_KEEP;
        mounts[i].layers_count = strv_length(mount->host_layers);
        mounts[i].layer_fds = calloc(mounts[i].layers_count + 1, sizeof(uint64_t));
        for (size_t j = 0; j < mounts[i].layers_count; j++)
            mounts[i].layer_fds[j] = next++;
    }
    return mounts;
}

static int make_plan(const Case *test, StepList *ret, Error *error)
{
    static const char program[800];
    static const Credential credentials[] = {{(char *) "key", (void *) "secret", 6}, {(char *) "none", NULL, 0}};
    static const Credential secrets[] = {
        {(char *) "/run/secrets/key", (void *) "secret", 6, CREDENTIAL_FILE, 0444, 0, 0},
        {(char *) "/run/secrets/a/b", (void *) "secret", 6, CREDENTIAL_FILE, 0400, 33, 34},
        {(char *) "/etc/app.key", (void *) "secret", 6, CREDENTIAL_FILE, 0444, 0, 0},
        {(char *) "PASSWORD", (void *) "secret", 6, CREDENTIAL_VARIABLE, 0, 0, 0},
        {(char *) "TERM", (void *) "secret", 6, CREDENTIAL_VARIABLE, 0, 0, 0},
    };
    bool has_secrets = strcmp(test->name, "credentials-secrets") == 0;
    static char *host_environment[] = {(char *) "container_host_id=debian", NULL};
    static char *cgroup_files[] = {(char *) "memory.max=67108864", (char *) "pids.max=100", NULL};
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    HostFacts facts = {
        .directory_fd = test->layers[0] ? 0 : 1,
        .layers = test->layers[0] ? test->layers : NULL,
        .root_mode = 0755,
        .data_fd = 2,
        .has_cgroup = !test->no_cgroup,
        .cgroup_root_fd = test->own_cgroup ? 3 : 0,
        .cgroup_name = test->own_cgroup ? "berth/web" : NULL,
        .cgroup_files = test->own_cgroup ? cgroup_files : NULL,
        .run_fd = 4,
        .log = STEP_LOG_FILE,
        .log_fd = 5,
        .attach_fd = 6,
        .unit_notify_fd = strcmp(test->name, "notify") == 0 ? 8 : 0,
        .watchdog_usec = strcmp(test->name, "notify") == 0 ? 5000000 : 0,
        .machine_id = "fedcba9876543210fedcba9876543210",
        .host_os_release = "ID=debian\n",
        .credentials = has_secrets ? secrets : credentials,
        .credentials_count = has_secrets                                   ? ELEMENTSOF(secrets)
                             : strncmp(test->name, "credentials", 11) == 0 ? 2
                                                                           : 0,
        .host_environment = host_environment,
        .journal_fd = strcmp(test->name, "boot-journal") == 0 ? 9 : 0,
        .registrar_fd = strcmp(test->name, "boot") == 0 ? 7 : 0,
        .keeps_exit = true,
        .await_fd = test->bundle ? 9 : 0,
        .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .seccomp_program = program,
        .seccomp_size = test->no_seccomp ? 0 : sizeof(program),
        .init_fd = test->has_labels ? 21 : 0,
        .process_label = test->has_labels ? "u:r:container_t:s0:c1,c2" : NULL,
        .file_label = test->has_labels ? "u:r:container_file_t:s0:c1,c2" : NULL,
        .terminal_rows = 24,
        .terminal_columns = 80,
        .last_capability = 40,
        .throttled_processors = test->throttled_processors,
        .available_capabilities = CAPABILITY_ALL,
        .host_resolv_conf = test->has_resolv_conf ? "nameserver 192.0.2.1\n" : NULL,
        .terminal_type = "xterm-256color",
        .network = {.bridge = 3, .network = UINT32_C(10) << 24 | 117 << 16, .prefix_length = 20},
    };
    char *ports[] = {(char *) "127.0.0.1:8080:80/tcp", (char *) "53:53/udp", NULL};
    char *map[] = {(char *) "0:524288:65536", NULL};
    IdRangeFacts range = {.base = 524288, .lock_fd = 7, .count = 1};
    int r = make_spec(test, &spec, error);

    if (r < 0)
        return r;
    if (test->has_ports)
        facts.network.ports = ports;
    if (test->has_ports)
        strcpy(facts.network.network6, "fd00:1:2::");
    if (test->has_userns)
        facts.userns = (UsernsFacts){
            .uid_map = map,
            .gid_map = map,
            .root_uid = 524288,
            .root_gid = 524288,
            .maps_root = !test->is_shifted,
            .maps_store = true,
            .has_tty_group = true,
            .ranges = &range,
            .ranges_count = 1,
            .locks_fd = 8,
        };
    facts.network_fd = spec->network.target ? 9 : 0;
    facts.pid_fd = spec->pid.target ? 12 : 0;
    facts.ipc_fd = spec->ipc.target ? 13 : 0;
    facts.userns_fd = spec_joins_userns(spec) ? 14 : 0;
    facts.is_shm_cloned = spec->ipc.target != NULL;
    if (facts.userns_fd)
        facts.userns.ranges_count = 0;
    facts.shm_fd = spec->ipc.mode == NAMESPACE_PRIVATE ? 0 : 11;
    facts.uts_fd = spec->uts.target ? 10 : 0;
    facts.mounts = make_mount_facts(spec);
    if (!facts.mounts)
        return -ENOMEM;
    r = plan_make(spec, &facts, ret, error);
    for (size_t i = 0; i < spec->mounts.count; i++)
        free(facts.mounts[i].layer_fds);
    free(facts.mounts);
    return r;
}

static char *describe(const StepList *plan)
{
    _cleanup_buffer_ Buffer text = {};

    for (size_t i = 0; i < plan->count; i++) {
        _cleanup_free_ char *line = step_describe(&plan->steps[i]);

        buffer_append_format(&text, "%s  # %s\n", line ? line : "?",
                             plan->steps[i].origin ? plan->steps[i].origin : "(none)");
    }
    return buffer_take(&text);
}

/* The first line in which two texts differ. */
static void show_difference(const char *expected, const char *seen)
{
    for (unsigned line = 1;; line++) {
        size_t a = strcspn(expected, "\n"), b = strcspn(seen, "\n");

        if (a != b || memcmp(expected, seen, a) != 0) {
            printf("# line %u, expected: %.*s\n# line %u, now:      %.*s\n", line, (int) a, expected, line, (int) b,
                   seen);
            return;
        }
        expected += a + (expected[a] == '\n');
        seen += b + (seen[b] == '\n');
        if (!*expected && !*seen)
            return;
    }
}

/* What holds for every plan, whatever the snapshots say. */
static const char *broken_rule(const StepList *plan)
{
    long at[_STEP_KIND_MAX];

    for (size_t i = 0; i < _STEP_KIND_MAX; i++)
        at[i] = -1;
    for (size_t i = 0; i < plan->count; i++) {
        StepKind kind = plan->steps[i].kind;

        if ((kind == STEP_BIND || kind == STEP_OVERLAY) && at[STEP_READ_ONLY] >= 0)
            return "a mount of the user stands behind the masks: it could uncover what they hide";
        if (step_where(&plan->steps[i]) == STEP_INNER && at[STEP_ID_MAP] >= 0 && at[STEP_BECOME_ROOT] < 0 &&
            kind != STEP_BECOME_ROOT)
            return "something is done inside before the process is root there";
        if (!plan->steps[i].origin || !*plan->steps[i].origin)
            return "a step has no origin";
        at[kind] = (long) i;
    }
    if (at[STEP_SECCOMP] >= 0 && at[STEP_NO_NEW_PRIVILEGES] >= 0 && at[STEP_SECCOMP] < at[STEP_NO_NEW_PRIVILEGES])
        return "the filter comes before no_new_privs";
    if (at[STEP_SECCOMP] >= 0 && at[STEP_NO_NEW_PRIVILEGES] < 0 && at[STEP_SECCOMP] > at[STEP_CAPABILITIES])
        return "the filter needs a capability that is gone";
    if (at[STEP_CAPABILITIES] < at[STEP_IDENTITY])
        return "the capabilities go before the identity is set";
    if (at[STEP_CHOWN_TREE] >= 0 &&
        (at[STEP_CHOWN_TREE] < at[STEP_IDENTITY] || at[STEP_CHOWN_TREE] > at[STEP_CAPABILITIES]))
        return "a volume is given away before it is known to whom, or when that is not allowed any more";
    if (at[STEP_PIVOT] > at[STEP_IDENTITY])
        return "the identity is set while the host is in sight";
    return NULL;
}

static const Case *current;

static void compare(void)
{
    _cleanup_free_ char *path = text_format("%s/%s.txt", golden_directory(), current->name), *seen = NULL,
                        *expected = NULL, *decoded = NULL;
    _cleanup_(step_list_done) StepList plan = {}, again = {};
    _cleanup_free_ void *data = NULL;
    _cleanup_error_ Error error = {};
    size_t size = 0;

    if (make_plan(current, &plan, &error) < 0)
        TEST_FAIL("no plan: %s", error.text);
    if (broken_rule(&plan))
        TEST_FAIL("%s", broken_rule(&plan));
    seen = describe(&plan);
    ASSERT_NOT_NULL(seen);

    /* The executor gets the same. */
    ASSERT_OK(step_list_encode(&plan, &data, &size));
    ASSERT_OK(step_list_decode(data, size, &again));
    decoded = describe(&again);
    ASSERT_STREQ(decoded, seen);

    if (getenv("UPDATE_GOLDEN")) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        ASSERT_TRUE(fd >= 0);
        ASSERT_OK(file_write_all(fd, seen, strlen(seen)));
        return;
    }
    if (file_read_at(AT_FDCWD, path, 1 << 20, &expected, NULL) < 0)
        TEST_FAIL("%s cannot be read; UPDATE_GOLDEN=1 makes it", path);
    if (strcmp(expected, seen) != 0) {
        show_difference(expected, seen);
        TEST_FAIL("the plan is not that of %s; UPDATE_GOLDEN=1 takes the new one", path);
    }
}

/* A plan is a function of what goes in. */
static void twice_is_the_same(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_(step_list_done) StepList first = {}, second = {};
        _cleanup_free_ char *a = NULL, *b = NULL;

        ASSERT_OK(make_plan(&cases[i], &first, NULL));
        ASSERT_OK(make_plan(&cases[i], &second, NULL));
        a = describe(&first);
        b = describe(&second);
        ASSERT_STREQ(a, b);
    }
}

int main(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        current = &cases[i];
        test_run_one(current->name, compare);
    }
    for (size_t i = 0; i < ELEMENTSOF(bundle_cases); i++) {
        current = &bundle_cases[i];
        test_run_one(current->name, compare);
    }
    TEST_RUN(twice_is_the_same);
    return test_finish();
}

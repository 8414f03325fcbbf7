/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* config.json: what each property becomes, and that nothing is passed over: a property that cannot be honoured is an error with
 * its pointer, one that no specification has is told. */
#include "../test.h"

#include "base/buffer.h"
#include "base/strv.h"
#include "base/text.h"
#include "inputs/oci-runtime.h"

#include <errno.h>

/* A configuration in which the members of one object are added to; quotes are single ones here. */
typedef struct Config {
    const char *top, *root, *process, *linux_part;
} Config;

#define NAMESPACES                                                                                                     \
    "'namespaces':[{'type':'mount'},{'type':'pid'},{'type':'ipc'},{'type':'uts'},{'type':'network'},{'type':'cgroup'}" \
    "]"

static char *make_config(const Config *config)
{
    char *text =
        text_format("{'ociVersion':'1.0.2','root':{'path':'rootfs'%s},'process':{'cwd':'/','args':['sh','-c']%s},"
                    "'linux':{%s%s}%s}",
                    config->root ? config->root : "", config->process ? config->process : "",
                    config->linux_part && strstr(config->linux_part, "'namespaces'") ? "" : NAMESPACES,
                    config->linux_part ? config->linux_part : "", config->top ? config->top : "");

    for (char *c = text; c && *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return text;
}

static int parse(const Config *config, SpecLayer **ret, char ***ret_notices, Error *error)
{
    _cleanup_free_ char *text = make_config(config);

    return oci_runtime_parse(text, strlen(text), "/bundle", ret, ret_notices, error);
}

/* "POINTER SETTING=VALUE VALUE" of each assignment. */
static char *describe(const SpecLayer *layer)
{
    _cleanup_buffer_ Buffer text = {};

    for (size_t i = 0; i < layer->count; i++) {
        const Assignment *assignment = &layer->assignments[i];
        const Setting *setting = assignment->setting;

        buffer_append_format(&text, "%s %s=", strchr(assignment->origin, '#') + 1,
                             setting->key      ? setting->key
                             : setting->option ? setting->option
                                               : setting->pointer);
        for (char **value = assignment->values; value && *value; value++)
            buffer_append_format(&text, "%s%s", value > assignment->values ? " " : "", *value);
        buffer_append_string(&text, "\n");
    }
    return buffer_take(&text);
}

static void what_properties_become(void)
{
    static const struct {
        Config config;
        const char *lines[4];
    } rows[] = {
        {{},
         {"/ociVersion /ociVersion=yes\n", "/root/path Directory=/bundle/rootfs\n", "/process/cwd WorkingDir=/\n",
          "/process/args Exec=sh -c\n"}},
        {{.root = ",'readonly':true"}, {"/root/readonly ReadOnly=yes\n"}},
        {{.top = ",'hostname':'h','domainname':'d'"}, {"/hostname HostName=h\n", "/domainname /domainname=d\n"}},
        {{.top = ",'mounts':[{'destination':'/proc','type':'proc','source':'proc','options':['ro','nosuid']},"
                 "{'destination':'rel','source':'sub','options':['rbind']}]"},
         {"/mounts/0 /mounts=proc proc /proc ro nosuid\n", "/mounts/1 /mounts= /bundle/sub /rel rbind\n"}},
        {{.process = ",'terminal':true,'consoleSize':{'height':1,'width':2},'env':['A=b','C=']"},
         {"/process/terminal tty=yes\n", "/process/env Environment=A=b C=\n"}},
        {{.process = ",'user':{'uid':1,'gid':2,'umask':18,'additionalGids':[3]}"},
         {"/process/user User=1:2\n", "/process/user/umask /process/user/umask=18\n",
          "/process/user/additionalGids/0 /process/user/additionalGids=3\n"}},
        {{.process = ",'rlimits':[{'type':'RLIMIT_NOFILE','soft':1,'hard':18446744073709551615}]"},
         {"/process/rlimits/0 Ulimit=nofile=1:-1\n"}},
        {{.process = ",'capabilities':{'bounding':['CAP_KILL'],'ambient':[],'effective':null}"},
         {"/process/capabilities/bounding /process/capabilities/bounding=CAP_KILL\n"}},
        {{.process = ",'noNewPrivileges':true,'oomScoreAdj':-5,'apparmorProfile':'','selinuxLabel':'u:r:t:s0'"},
         {"/process/noNewPrivileges NoNewPrivileges=yes\n", "/process/oomScoreAdj OOMScoreAdjust=-5\n",
          "/process/selinuxLabel SELinuxContext=u:r:t:s0\n"}},
        {{.linux_part = "'namespaces':[{'type':'mount'},{'type':'network','path':'/run/n'}]"},
         {"/linux/namespaces/1 Network=ns:/run/n\n", "/linux/namespaces PID=host\n", "/linux/namespaces IPC=host\n",
          "/linux/namespaces /linux/namespaces=yes\n"}},
        {{.linux_part = "'namespaces':[{'type':'mount'},{'type':'uts','path':'/u'}]"},
         {"/linux/namespaces/1 UTS=ns:/u\n", "/linux/namespaces Network=host\n"}},
        {{.linux_part =
              ",'devices':[{'path':'/dev/x','type':'c','major':1,'minor':2,'fileMode':8630,'uid':4,'gid':5}]"},
         {"/linux/devices/0 /linux/devices=/dev/x c 1 2 666 4 5\n"}},
        {{.linux_part = ",'cgroupsPath':'/a','maskedPaths':['/m','/n'],'readonlyPaths':['/r'],'mountLabel':'l'"},
         {"/linux/cgroupsPath /linux/cgroupsPath=/a\n", "/linux/maskedPaths Mask=/m /n\n",
          "/linux/readonlyPaths /linux/readonlyPaths=/r\n", "/linux/mountLabel SELinuxFileContext=l\n"}},
        {{.linux_part = ",'sysctl':{'net.a':'1'},'rootfsPropagation':'rprivate','personality':{},'seccomp':null"},
         {"/linux/sysctl/net.a Sysctl=net.a=1\n"}},
        {{.linux_part = ",'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[]}"},
         {"/linux/seccomp /linux/seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[]}\n"}},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
        _cleanup_strv_ char **notices = NULL;
        _cleanup_error_ Error error = {};
        _cleanup_free_ char *text = NULL;

        if (parse(&rows[i].config, &layer, &notices, &error) < 0)
            TEST_FAIL("row %zu: %s", i, error.text);
        ASSERT_NULL(notices);
        text = describe(layer);
        for (size_t j = 0; j < ELEMENTSOF(rows[i].lines) && rows[i].lines[j]; j++)
            ASSERT_CONTAINS(text, rows[i].lines[j]);
    }
}

static void what_resources_become(void)
{
    static const char *const rows[][2] = {
        {"'memory':{'limit':4096,'reservation':2048,'swap':6144}",
         "memory.max=4096 memory.low=2048 memory.swap.max=2048"},
        {"'memory':{'limit':-1,'swap':-1,'useHierarchy':true,'disableOOMKiller':false}",
         "memory.max=max memory.swap.max=max"},
        {"'memory':{'limit':0}", ""},
        {"'cpu':{'shares':1024,'quota':50000,'period':100000}", "cpu.weight=39 cpu.max=50000 100000"},
        {"'cpu':{'shares':2}", "cpu.weight=1"},
        {"'cpu':{'shares':262144}", "cpu.weight=10000"},
        {"'cpu':{'shares':0,'quota':0,'realtimePeriod':0}", ""},
        {"'cpu':{'quota':-1}", "cpu.max=max 100000"},
        {"'cpu':{'quota':7}", "cpu.max=7 100000"},
        {"'cpu':{'cpus':'0-1','mems':'0','idle':1,'burst':5}",
         "cpu.max.burst=5 cpu.idle=1 cpuset.cpus=0-1 cpuset.mems=0"},
        {"'pids':{'limit':5}", "pids.max=5"},
        {"'pids':{'limit':0}", "pids.max=max"},
        {"'pids':{'limit':-1}", "pids.max=max"},
        {"'blockIO':{'weight':10}", "io.weight=1"},
        {"'blockIO':{'weight':1000}", "io.weight=10000"},
        {"'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':5}],"
         "'throttleWriteIOPSDevice':[{'major':8,'minor':1,'rate':6}]}",
         "io.max=8:0 rbps=5 io.max=8:1 wiops=6"},
        {"'hugepageLimits':[{'pageSize':'2MB','limit':4096}]", "hugetlb.2MB.max=4096"},
        {"'unified':{'memory.high':'7'}", "memory.high=7"},
        {"'devices':[{'allow':false},{'allow':true,'type':'c','major':1,'minor':3,'access':'r'}]",
         "deny a *:* rwm allow c 1:3 r"},
        {"'devices':[{'allow':true,'type':'b','major':-1,'minor':3,'access':''}]", "allow b *:3 rwm"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_free_ char *resources = text_format(",'resources':{%s}", rows[i][0]);
        _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
        _cleanup_strv_ char **notices = NULL, **seen = NULL;
        _cleanup_free_ char *text = NULL;
        _cleanup_error_ Error error = {};

        if (parse(&(Config){.linux_part = resources}, &layer, &notices, &error) < 0)
            TEST_FAIL("%s: %s", rows[i][0], error.text);
        for (size_t j = 0; j < layer->count; j++)
            if (strstr(layer->assignments[j].origin, "/linux/resources"))
                ASSERT_OK(strv_extend(&seen, layer->assignments[j].values));
        text = seen ? strv_join(seen, " ") : strdup("");
        ASSERT_STREQ(text, rows[i][1]);
    }
}

static void what_is_refused(void)
{
    static const struct {
        Config config;
        int code;
        const char *message;
    } rows[] = {
        {{.top = ",'windows':{'x':1}"}, -EOPNOTSUPP, "config.json#/windows: is not supported"},
        {{.top = ",'vm':{'x':1}"}, -EOPNOTSUPP, "config.json#/vm: "},
        {{.top = ",'hooks':{'poststop':[{'path':'/x'}]}"},
         -EOPNOTSUPP,
         "config.json#/hooks/poststop: is not supported"},
        {{.top = ",'hostname':1"}, -EINVAL, "config.json#/hostname: is not a string"},
        {{.top = ",'hostname':'a\\u0000b'"}, -EBADMSG, "config.json: "},
        {{.top = ",'mounts':{}"}, -EINVAL, "config.json#/mounts: is not an array"},
        {{.top = ",'mounts':[{'source':'x'}]"}, -EINVAL, "config.json#/mounts/0/destination: is missing"},
        {{.top = ",'mounts':[{'destination':'/x','options':[1]}]"},
         -EINVAL,
         "config.json#/mounts/0/options/0: is not a string"},
        {{.top = ",'mounts':[{'destination':'/x','uidMappings':[{}]}]"},
         -EOPNOTSUPP,
         "config.json#/mounts/0/uidMappings: "},
        {{.root = ",'readonly':'yes'"}, -EINVAL, "config.json#/root/readonly: is not a boolean"},
        {{.process = ",'apparmorProfile':'x'"}, -EOPNOTSUPP, "config.json#/process/apparmorProfile: is not supported"},
        {{.process = ",'scheduler':{'policy':'SCHED_OTHER'}"}, -EOPNOTSUPP, "config.json#/process/scheduler: "},
        {{.process = ",'ioPriority':{'class':'x'}"}, -EOPNOTSUPP, "config.json#/process/ioPriority: "},
        {{.process = ",'execCPUAffinity':{'initial':'0'}"}, -EOPNOTSUPP, "config.json#/process/execCPUAffinity: "},
        {{.process = ",'commandLine':'x'"}, -EOPNOTSUPP, "config.json#/process/commandLine: "},
        {{.process = ",'user':{'uid':-1}"}, -EINVAL, "config.json#/process/user/uid: is not an id"},
        {{.process = ",'user':{'gid':4294967295}"}, -EINVAL, "config.json#/process/user/gid: is not an id"},
        {{.process = ",'user':{'username':'x'}"}, -EOPNOTSUPP, "config.json#/process/user/username: "},
        {{.process = ",'user':{'umask':512}"}, -EINVAL, "config.json#/process/user/umask: "},
        {{.process = ",'user':{'additionalGids':['a']}"},
         -EINVAL,
         "config.json#/process/user/additionalGids/0: is not an integer"},
        {{.process = ",'rlimits':[{'type':'NOFILE','soft':1,'hard':1}]"},
         -EINVAL,
         "config.json#/process/rlimits/0/type: "},
        {{.process = ",'rlimits':[{'type':'RLIMIT_NOFILE','soft':1}]"},
         -EINVAL,
         "config.json#/process/rlimits/0/hard: is missing"},
        {{.linux_part = "'namespaces':[{'type':'pid'}]"},
         -EOPNOTSUPP,
         "config.json#/linux/namespaces: a container without a mount"},
        {{.linux_part = "'namespaces':[{'type':'mount'},{'type':'user'}]"},
         -EOPNOTSUPP,
         "config.json#/linux/namespaces/1: "},
        {{.linux_part = "'namespaces':[{'type':'mount'},{'type':'time'}]"},
         -EOPNOTSUPP,
         "config.json#/linux/namespaces/1: "},
        {{.linux_part = "'namespaces':[{'type':'mount'},{'type':'mount'}]"},
         -EINVAL,
         "config.json#/linux/namespaces/1/type: "},
        {{.linux_part = "'namespaces':[{'type':'moon'}]"}, -EINVAL, "config.json#/linux/namespaces/0/type: 'moon'"},
        {{.linux_part = "'namespaces':[{'type':'mount'},{'type':'pid','path':'/p'}]"},
         -EOPNOTSUPP,
         "config.json#/linux/namespaces/1/path: "},
        {{.linux_part = ",'uidMappings':[{'containerID':0}]"}, -EOPNOTSUPP, "config.json#/linux/uidMappings: "},
        {{.linux_part = ",'timeOffsets':{'monotonic':{'secs':1}}"}, -EOPNOTSUPP, "config.json#/linux/timeOffsets: "},
        {{.linux_part = ",'netDevices':{'eth0':{}}"}, -EOPNOTSUPP, "config.json#/linux/netDevices: "},
        {{.linux_part = ",'intelRdt':{'closID':'x'}"}, -EOPNOTSUPP, "config.json#/linux/intelRdt: "},
        {{.linux_part = ",'memoryPolicy':{'mode':'x'}"}, -EOPNOTSUPP, "config.json#/linux/memoryPolicy: "},
        {{.linux_part = ",'personality':{'domain':'LINUX32'}"}, -EOPNOTSUPP, "config.json#/linux/personality: "},
        {{.linux_part = ",'rootfsPropagation':'rshared'"},
         -EOPNOTSUPP,
         "config.json#/linux/rootfsPropagation: 'rshared'"},
        {{.linux_part = ",'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/s'}"},
         -EOPNOTSUPP,
         "config.json#/linux/seccomp/listenerPath: "},
        {{.linux_part = ",'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','flags':['SECCOMP_FILTER_FLAG_LOG']}"},
         -EOPNOTSUPP,
         "config.json#/linux/seccomp/flags: "},
        {{.linux_part = ",'sysctl':{'a':1}"}, -EINVAL, "config.json#/linux/sysctl/a: is not a string"},
        {{.linux_part = ",'devices':[{'type':'c'}]"}, -EINVAL, "config.json#/linux/devices/0/path: is missing"},
        {{.linux_part = ",'resources':{'network':{'classID':1}}"},
         -EOPNOTSUPP,
         "config.json#/linux/resources/network: "},
        {{.linux_part = ",'resources':{'rdma':{'x':{}}}"}, -EOPNOTSUPP, "config.json#/linux/resources/rdma: "},
        {{.linux_part = ",'resources':{'memory':{'swap':1}}"}, -EINVAL, "config.json#/linux/resources/memory/swap: "},
        {{.linux_part = ",'resources':{'memory':{'swappiness':1}}"},
         -EOPNOTSUPP,
         "config.json#/linux/resources/memory/swappiness: "},
        {{.linux_part = ",'resources':{'memory':{'limit':1.5}}"},
         -EINVAL,
         "config.json#/linux/resources/memory/limit: is not an integer"},
        {{.linux_part = ",'resources':{'cpu':{'realtimeRuntime':5}}"},
         -EOPNOTSUPP,
         "config.json#/linux/resources/cpu/realtimeRuntime: "},
        {{.linux_part = ",'resources':{'blockIO':{'weight':5}}"},
         -EINVAL,
         "config.json#/linux/resources/blockIO/weight: "},
        {{.linux_part = ",'resources':{'blockIO':{'weightDevice':[{}]}}"},
         -EOPNOTSUPP,
         "config.json#/linux/resources/blockIO/weightDevice: "},
        {{.linux_part = ",'resources':{'hugepageLimits':[{'pageSize':'../x','limit':1}]}"},
         -EINVAL,
         "config.json#/linux/resources/hugepageLimits/0/pageSize: "},
        {{.linux_part = ",'resources':{'unified':{'../x.y':'1'}}"},
         -EINVAL,
         "config.json#/linux/resources/unified/../x.y: "},
        {{.linux_part = ",'resources':{'unified':{'cgroup.procs':'1'}}"},
         -EINVAL,
         "config.json#/linux/resources/unified/cgroup.procs: "},
        {{.linux_part = ",'resources':{'devices':[{'allow':1}]}"}, -EINVAL, "config.json#/linux/resources/devices/0: "},
        {{.linux_part = ",'resources':{'devices':[{'allow':true,'access':'x'}]}"},
         -EINVAL,
         "config.json#/linux/resources/devices/0/access: "},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
        _cleanup_strv_ char **notices = NULL;
        _cleanup_error_ Error error = {};
        int r = parse(&rows[i].config, &layer, &notices, &error);

        if (r != rows[i].code || !error.text || strncmp(error.text, rows[i].message, strlen(rows[i].message)) != 0)
            TEST_FAIL("row %zu: %d, '%s' in place of '%s'", i, r, error.text, rows[i].message);
    }
}

static void whole_texts_that_are_refused(void)
{
    static const char *const texts[] = {"",
                                        "[]",
                                        "{",
                                        "{}",
                                        "{\"ociVersion\":\"1.0.0\"}",
                                        "{\"ociVersion\":\"2.0.0\"}",
                                        "{\"ociVersion\":1}",
                                        "{\"ociVersion\":\"1.0.0\",\"ociVersion\":\"1.0.0\"}",
                                        "{\"root\":18446744073709551616}"};

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
        _cleanup_strv_ char **notices = NULL;
        _cleanup_error_ Error error = {};

        ASSERT_TRUE(oci_runtime_parse(texts[i], strlen(texts[i]), "/b", &layer, &notices, &error) < 0);
        ASSERT_CONTAINS(error.text, "config.json");
    }
}

static void the_unknown_is_told(void)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
    _cleanup_strv_ char **notices = NULL;

    ASSERT_OK(
        parse(&(Config){.top = ",'a/b~c':1,'annotations':{'k':'v'}", .process = ",'new':{}"}, &layer, &notices, NULL));
    ASSERT_EQ(strv_length(notices), 2);
    ASSERT_TRUE(strv_contains(notices, "config.json#/a~1b~0c: is not known and ignored"));
    ASSERT_TRUE(strv_contains(notices, "config.json#/process/new: is not known and ignored"));
}

/* The number stays as it is in a text, and no other is touched. */
static void infinity(void)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
    _cleanup_strv_ char **notices = NULL;
    _cleanup_free_ char *text = NULL;

    ASSERT_OK(parse(&(Config){.process = ",'env':['A=\\\\\\'18446744073709551615','B=:18446744073709551615']"}, &layer,
                    &notices, NULL));
    text = describe(layer);
    ASSERT_CONTAINS(text, "18446744073709551615");
    ASSERT_CONTAINS(text, "B=:18446744073709551615");
}

/* What the reader gives, the spec takes: with the pointer as origin where it does not. */
static void a_whole_spec(void)
{
    static const struct {
        Config config;
        const char *message;
    } rows[] = {
        {{.process = ",'capabilities':{'bounding':['CAP_NONE']}"},
         "config.json#/process/capabilities/bounding: 'CAP_NONE'"},
        {{.process = ",'rlimits':[{'type':'RLIMIT_X','soft':1,'hard':1}]"}, "config.json#/process/rlimits/0: "},
        {{.process = ",'oomScoreAdj':2000"}, "config.json#/process/oomScoreAdj: "},
        {{.top = ",'mounts':[{'destination':'/x','source':'y','options':['rslave','rbind']}]"},
         "config.json#/mounts/0: "},
        {{.top = ",'hostname':'-'"}, "config.json#/hostname: "},
        {{.linux_part = ",'sysctl':{'kernel.panic':'1'}"}, "config.json#/linux/sysctl/kernel.panic: "},
        {{.linux_part = ",'devices':[{'path':'/dev/x','type':'q'}]"}, "config.json#/linux/devices/0: "},
        {{.linux_part = ",'maskedPaths':['x']"}, "config.json#/linux/maskedPaths: "},
    };
    _cleanup_(spec_layer_freep) SpecLayer *good = NULL;
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_strv_ char **none = NULL;

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
        _cleanup_strv_ char **notices = NULL;
        _cleanup_error_ Error error = {};

        ASSERT_OK(parse(&rows[i].config, &layer, &notices, NULL));
        ASSERT_TRUE(spec_finish(&layer, 1, &spec, &error) < 0);
        ASSERT_CONTAINS(error.text, rows[i].message);
    }
    ASSERT_OK(
        parse(&(Config){.process = ",'capabilities':{'bounding':['CAP_KILL','CAP_CHOWN'],'permitted':['CAP_KILL']}"},
              &good, &none, NULL));
    ASSERT_OK(spec_finish(&good, 1, &spec, NULL));
    ASSERT_TRUE(spec->bundle && !spec->no_new_privileges && !spec->hostname);
    ASSERT_EQ(spec->capability_sets[CAPABILITY_SET_BOUNDING], 1 << 5 | 1 << 0);
    ASSERT_EQ(spec->capability_sets[CAPABILITY_SET_PERMITTED], 1 << 5);
    ASSERT_EQ(spec->capability_sets[CAPABILITY_SET_EFFECTIVE], 0);
}

int main(void)
{
    TEST_RUN(what_properties_become);
    TEST_RUN(what_resources_become);
    TEST_RUN(what_is_refused);
    TEST_RUN(whole_texts_that_are_refused);
    TEST_RUN(the_unknown_is_told);
    TEST_RUN(infinity);
    TEST_RUN(a_whole_spec);
    return test_finish();
}

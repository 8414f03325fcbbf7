/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/properties-internal.h"

#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* cpu.weight, io.weight (kernel: Documentation/admin-guide/cgroup-v2.rst). */
#define WEIGHT_MIN         1
#define WEIGHT_MAX         10000
#define CPU_PERIOD_DEFAULT UINT64_C(100000)
#define CPU_QUOTA_LEAST    UINT64_C(1000) /* what the kernel takes at least, in both places of cpu.max */
#define MEMORY_UNIT        UINT64_C(4096)

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define OWN(why)   .kind = KIND_REFUSED, .words = WORDS(why)

static const char *const controller_words[] = {"cpu",
                                               "cpuacct",
                                               "cpuset",
                                               "io",
                                               "blkio",
                                               "memory",
                                               "devices",
                                               "pids",
                                               "bpf-firewall",
                                               "bpf-devices",
                                               "bpf-foreign",
                                               "bpf-socket-bind",
                                               "bpf-restrict-network-interfaces",
                                               NULL};

/* clang-format off */
static const PropertyRow rows[] = {
    /* systemd.resource-control(5): accounting */
    {"CPUAccounting",    .kind = KIND_BOOL},
    {"MemoryAccounting", .kind = KIND_BOOL},
    {"TasksAccounting",  .kind = KIND_BOOL},
    {"IOAccounting",     .kind = KIND_BOOL},
    {"IPAccounting",     .kind = KIND_BOOL},

    /* CPU */
    {"CPUWeight",        .kind = KIND_CPU_WEIGHT, .min = WEIGHT_MIN, .max = WEIGHT_MAX, .controller = "cpu", .file = "cpu.weight"},
    {"StartupCPUWeight", .kind = KIND_CPU_WEIGHT, .min = WEIGHT_MIN, .max = WEIGHT_MAX},
    {"CPUQuota",         .bus_name = "CPUQuotaPerSecUSec", .kind = KIND_CPU_QUOTA, .controller = "cpu", .file = "cpu.max"},
    {"CPUQuotaPeriodSec", .bus_name = "CPUQuotaPeriodUSec", .kind = KIND_USEC},
    {"AllowedCPUs",               .kind = KIND_SET, .controller = "cpuset", .file = "cpuset.cpus"},
    {"StartupAllowedCPUs",        .kind = KIND_SET},
    {"AllowedMemoryNodes",        .kind = KIND_SET, .controller = "cpuset", .file = "cpuset.mems"},
    {"StartupAllowedMemoryNodes", .kind = KIND_SET},

    /* Memory */
    {"MemoryMin",             .kind = KIND_SIZE, .controller = "memory", .file = "memory.min"},
    {"MemoryLow",             .kind = KIND_SIZE, .controller = "memory", .file = "memory.low"},
    {"MemoryHigh",            .kind = KIND_SIZE, .min = 1, .controller = "memory", .file = "memory.high"},
    {"MemoryMax",             .kind = KIND_SIZE, .min = 1, .controller = "memory", .file = "memory.max"},
    {"MemorySwapMax",         .kind = KIND_SIZE, .controller = "memory", .file = "memory.swap.max"},
    {"MemoryZSwapMax",        .kind = KIND_SIZE, .controller = "memory", .file = "memory.zswap.max"}, /* 253 */
    {"MemoryZSwapWriteback",  .kind = KIND_BOOL, .controller = "memory", .file = "memory.zswap.writeback"}, /* 256 */
    {"StartupMemoryLow",      .kind = KIND_SIZE},
    {"StartupMemoryHigh",     .kind = KIND_SIZE, .min = 1},
    {"StartupMemoryMax",      .kind = KIND_SIZE, .min = 1},
    {"StartupMemorySwapMax",  .kind = KIND_SIZE},
    {"StartupMemoryZSwapMax", .kind = KIND_SIZE},
    {"DefaultMemoryMin",        .kind = KIND_SIZE},
    {"DefaultMemoryLow",        .kind = KIND_SIZE},
    {"DefaultStartupMemoryLow", .kind = KIND_SIZE},
    {"MemoryPressureWatch", .kind = KIND_CHOICE, .words = WORDS("auto", "on", "off", "skip")}, /* 254 */
    {"MemoryPressureThresholdSec", .bus_name = "MemoryPressureThresholdUSec", .kind = KIND_USEC},                  /* 254 */

    /* Processes */
    {"TasksMax", .kind = KIND_TASKS, .min = 1, .controller = "pids", .file = "pids.max"},

    /* IO */
    {"IOWeight",          .kind = KIND_NUMBER, .min = WEIGHT_MIN, .max = WEIGHT_MAX, .controller = "io", .file = "io.weight"},
    {"StartupIOWeight",   .kind = KIND_NUMBER, .min = WEIGHT_MIN, .max = WEIGHT_MAX},
    {"IODeviceWeight",    .kind = KIND_DEVICE_WEIGHT, .min = WEIGHT_MIN, .max = WEIGHT_MAX},
    {"IOReadBandwidthMax",  .kind = KIND_DEVICE_RATE},
    {"IOWriteBandwidthMax", .kind = KIND_DEVICE_RATE},
    {"IOReadIOPSMax",       .kind = KIND_DEVICE_RATE},
    {"IOWriteIOPSMax",      .kind = KIND_DEVICE_RATE},
    {"IODeviceLatencyTargetSec", .bus_name = "IODeviceLatencyTargetUSec", .kind = KIND_DEVICE_LATENCY},

    /* Network */
    {"IPAddressAllow",            .kind = KIND_ADDRESSES},
    {"IPAddressDeny",             .kind = KIND_ADDRESSES},
    {"IPIngressFilterPath",       .kind = KIND_PATHS},
    {"IPEgressFilterPath",        .kind = KIND_PATHS},
    {"BPFProgram",                .kind = KIND_BPF_PROGRAM},
    {"SocketBindAllow",           .kind = KIND_SOCKET_BIND},
    {"SocketBindDeny",            .kind = KIND_SOCKET_BIND},
    {"RestrictNetworkInterfaces", .kind = KIND_INTERFACES},

    /* Devices */
    {"DeviceAllow",  .kind = KIND_DEVICE_ALLOW},
    {"DevicePolicy", .kind = KIND_CHOICE, .words = WORDS("auto", "closed", "strict")},

    /* The tree and systemd-oomd */
    {"DisableControllers",       .kind = KIND_WORDS, .words = controller_words},
    {"ManagedOOMSwap",           .kind = KIND_CHOICE, .words = WORDS("auto", "kill")},
    {"ManagedOOMMemoryPressure", .kind = KIND_CHOICE, .words = WORDS("auto", "kill")},
    {"ManagedOOMMemoryPressureLimit", .kind = KIND_PERCENT},
    {"ManagedOOMMemoryPressureDurationSec", .bus_name = "ManagedOOMMemoryPressureDurationUSec", .kind = KIND_USEC}, /* 257 */
    {"ManagedOOMPreference",     .kind = KIND_CHOICE, .words = WORDS("none", "avoid", "omit")},
    {"CoredumpReceive",          .kind = KIND_BOOL}, /* 255 */

    /* Deprecated names that 252 to 257 still take */
    {"MemoryLimit",         .kind = KIND_SIZE, .min = 1, .controller = "memory", .file = "memory.max"},
    {"CPUShares",           .kind = KIND_NUMBER, .min = 2, .max = 262144},
    {"StartupCPUShares",    .kind = KIND_NUMBER, .min = 2, .max = 262144},
    {"BlockIOAccounting",   .kind = KIND_BOOL},
    {"BlockIOWeight",       .kind = KIND_NUMBER, .min = 10, .max = 1000},
    {"StartupBlockIOWeight", .kind = KIND_NUMBER, .min = 10, .max = 1000},
    {"BlockIODeviceWeight", .kind = KIND_DEVICE_WEIGHT, .min = 10, .max = 1000},
    {"BlockIOReadBandwidth",  .kind = KIND_DEVICE_RATE},
    {"BlockIOWriteBandwidth", .kind = KIND_DEVICE_RATE},

    /* systemd.scope(5) */
    {"OOMPolicy", .kind = KIND_CHOICE, .words = WORDS("continue", "stop", "kill")}, /* 253 for scopes */
    {"RuntimeMaxSec", .bus_name = "RuntimeMaxUSec", .kind = KIND_USEC},
    {"RuntimeRandomizedExtraSec", .bus_name = "RuntimeRandomizedExtraUSec", .kind = KIND_USEC},
    {"TimeoutStopSec", .bus_name = "TimeoutStopUSec", .kind = KIND_USEC},

    /* systemd.kill(5), as far as it leaves the orderly stop alone */
    {"SendSIGHUP",      .kind = KIND_BOOL},
    {"SendSIGKILL",     .kind = KIND_BOOL},
    {"FinalKillSignal", .kind = KIND_SIGNAL},

    /* systemd.unit(5) */
    {"Description",         .kind = KIND_TEXT},
    {"Documentation",       .kind = KIND_WORDS},
    {"After",               .kind = KIND_UNITS},
    {"Before",              .kind = KIND_UNITS},
    {"Wants",               .kind = KIND_UNITS},
    {"Requires",            .kind = KIND_UNITS},
    {"Requisite",           .kind = KIND_UNITS},
    {"BindsTo",             .kind = KIND_UNITS},
    {"PartOf",              .kind = KIND_UNITS},
    {"Upholds",             .kind = KIND_UNITS},
    {"Conflicts",           .kind = KIND_UNITS},
    {"PropagatesStopTo",    .kind = KIND_UNITS},
    {"StopPropagatedFrom",  .kind = KIND_UNITS},
    {"OnFailure",           .kind = KIND_UNITS},
    {"OnSuccess",           .kind = KIND_UNITS},
    {"RequiresMountsFor",   .kind = KIND_PATHS},
    {"DefaultDependencies", .kind = KIND_BOOL},
    {"IgnoreOnIsolate",     .kind = KIND_BOOL},
    {"RefuseManualStop",    .kind = KIND_BOOL},
    {"StopWhenUnneeded",    .kind = KIND_BOOL},
    {"SurviveFinalKillSignal", .kind = KIND_BOOL}, /* 255 */

    /* Ours */
    {"Slice",         OWN("use --slice=")},
    {"Delegate",      OWN("a container's cgroup is always delegated")},
    {"DelegateControllers", OWN("a container's cgroup is always delegated with every controller")},
    {"CollectMode",   OWN("a container's scope is always collected when it ends")},
    {"KillMode",      OWN("the supervisor stops the payload in order; see --stop-signal=")},
    {"KillSignal",    OWN("it is the signal that reaches the supervisor; use --stop-signal= for the payload's")},
    {"RestartKillSignal", OWN("it is the signal that reaches the supervisor; use --stop-signal= for the payload's")},
    {"PIDs",          OWN("the container's processes are put there by the launcher")},
    {"PIDFDs",        OWN("the container's processes are put there by the launcher")},
    {"Controller",    OWN("no process of a container stays on the bus")},
    {"User",          OWN("use --user= for the payload's user")},
    {"Group",         OWN("use --user= for the payload's user")},
};
/* clang-format on */

void property_value_done(PropertyValue *value)
{
    for (size_t i = 0; i < value->items_count; i++) {
        free(value->items[i].text);
        free(value->items[i].text2);
    }
    free(value->items);
    free(value->bytes);
    free(value->text);
    *value = (PropertyValue){0};
}

void property_cgroup_file_done(PropertyCgroupFile *file)
{
    free(file->value);
    *file = (PropertyCgroupFile){0};
}

bool property_is(const char *assignment, const char *name)
{
    const char *after = text_after_prefix(assignment, name);

    return after && *after == '=';
}

static int find_row(const char *assignment, const PropertyRow **ret_row, const char **ret_text, Error *error)
{
    const char *equals = strchr(assignment, '=');
    _cleanup_free_ char *name = NULL;
    Nearest nearest = {0};
    int r = 0;

    if (!equals || equals == assignment)
        return error_set(error, -EINVAL, "'%s' is not a property assignment NAME=VALUE", assignment);
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (property_is(assignment, rows[i].name)) {
            *ret_row = &rows[i];
            *ret_text = equals + 1;
            return 0;
        }
    name = strndup(assignment, (size_t) (equals - assignment));
    if (!name)
        return -ENOMEM;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (rows[i].kind != KIND_REFUSED)
            text_nearest_consider(&nearest, name, rows[i].name);
    r = error_set(error, -EINVAL, "'%s' is not a property that a container's scope has", name);
    if (nearest.best)
        return error_hint(error, r, "did you mean '%s='?", nearest.best);
    return error_hint(error, r, "systemd.resource-control(5) lists the properties");
}

int property_parse(const char *assignment, PropertyValue *ret, Error *error)
{
    _cleanup_property_value_ PropertyValue value = {0};
    const char *text = NULL;
    const PropertyRow *row = NULL;
    int r = find_row(assignment, &row, &text, error);

    if (r < 0)
        return r;
    value.bus_name = row->bus_name ? row->bus_name : row->name;
    r = property_parse_value(row, text, &value, error);
    if (r < 0)
        return r;
    *ret = value;
    value = (PropertyValue){0};
    return 0;
}

int property_check(const char *assignment, Error *error)
{
    _cleanup_property_value_ PropertyValue value = {0};

    return property_parse(assignment, &value, error);
}

/* A share of `whole` from the 2^32-1 scale, in whole `unit`s as systemd rounds it. */
static uint64_t apply_scale(uint64_t scale, uint64_t whole, uint64_t unit)
{
    return (uint64_t) ((unsigned __int128) (whole / unit) * scale / UINT32_MAX) * unit;
}

/* cpu.max: the quota belongs to a period, which another assignment may set. The last one of a name counts. */
static char *format_cpu_max(uint64_t quota_per_sec_usec, char *const *all_assignments)
{
    uint64_t period = CPU_PERIOD_DEFAULT, quota = 0;

    STRV_FOREACH (assignment, all_assignments) {
        _cleanup_property_value_ PropertyValue value = {0};

        if (property_is(*assignment, "CPUQuotaPeriodSec") && property_parse(*assignment, &value, NULL) == 0)
            period = value.number == UINT64_MAX ? CPU_PERIOD_DEFAULT : value.number;
    }
    if (quota_per_sec_usec == PROPERTY_UNSET)
        return text_format("max %" PRIu64, period);
    quota = (uint64_t) ((unsigned __int128) quota_per_sec_usec * period / USEC_PER_SEC);
    return text_format("%" PRIu64 " %" PRIu64, MAX(quota, CPU_QUOTA_LEAST), period);
}

/* The kernel's list format takes the commas and ranges as they came, but not white space. */
static char *format_set(const char *text)
{
    char *list = strdup(text);
    char *to = list;

    if (!list)
        return NULL;
    for (const char *from = text; *from; from++) {
        bool is_separator = strchr(", \t", *from) != NULL;

        if (!is_separator)
            *to++ = *from;
        else if (to > list && to[-1] != ',')
            *to++ = ',';
    }
    if (to > list && to[-1] == ',')
        to--;
    *to = 0;
    return list;
}

static int format_cgroup_value(const PropertyRow *row, const char *text, const PropertyValue *value,
                               const PropertyHost *host, char **ret)
{
    uint64_t number = value->number;

    if (value->type == PROPERTY_TYPE_U32) {
        uint64_t whole = row->kind == KIND_TASKS ? host->tasks_max : host->memory_bytes;

        if (whole == 0)
            return 1;
        number = apply_scale(value->number, whole, row->kind == KIND_TASKS ? 1 : MEMORY_UNIT);
    }
    if (row->kind == KIND_SET)
        *ret = format_set(text);
    else if (strcmp(row->file, "io.weight") == 0)
        *ret = text_format("default %" PRIu64, number == PROPERTY_UNSET ? 100 : number);
    else if (strcmp(row->file, "cpu.weight") == 0)
        *ret = text_format("%" PRIu64, number == PROPERTY_UNSET ? 100 : number);
    else if (number == UINT64_MAX)
        *ret = strdup("max");
    else
        *ret = text_format("%" PRIu64, number);
    return *ret ? 0 : -ENOMEM;
}

int property_cgroup_file(const char *assignment, char *const *all_assignments, const PropertyHost *host,
                         PropertyCgroupFile *ret, Error *error)
{
    _cleanup_property_value_ PropertyValue value = {0};
    PropertyCgroupFile file = {0};
    const char *text = NULL;
    const PropertyRow *row = NULL;
    int r = find_row(assignment, &row, &text, error);

    if (r < 0)
        return r;
    r = property_parse(assignment, &value, error);
    if (r < 0)
        return r;
    if (!row->file)
        return 1;
    file = (PropertyCgroupFile){.file = row->file, .controller = row->controller};
    if (row->kind == KIND_CPU_QUOTA) {
        file.value = format_cpu_max(value.number, all_assignments);
        r = file.value ? 0 : -ENOMEM;
    } else if (row->kind == KIND_CPU_WEIGHT && value.number == 0) {
        file.file = "cpu.idle"; /* a class of its own, not a weight */
        file.value = strdup("1");
        r = file.value ? 0 : -ENOMEM;
    } else
        r = format_cgroup_value(row, text, &value, host, &file.value);
    if (r != 0)
        return r;
    *ret = file;
    return 0;
}

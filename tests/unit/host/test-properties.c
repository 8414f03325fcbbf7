/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/properties.h"

#include "base/strv.h"
#include "base/text.h"

#include "../test.h"

#include <errno.h>
#include <sys/socket.h>

static uint64_t number_of(const char *assignment, const char *bus_name, PropertyType type)
{
    _cleanup_property_value_ PropertyValue value = {0};
    _cleanup_error_ Error error = {0};
    int r = property_parse(assignment, &value, &error);

    if (r < 0 || strcmp(value.bus_name, bus_name) != 0 || value.type != type) {
        printf("# %s: %s %s %d\n", assignment, error.text ? error.text : "-", value.bus_name ? value.bus_name : "-",
               (int) value.type);
        return 987654321;
    }
    return value.number;
}

#define ASSERT_NUMBER(assignment, bus_name, type, number)                                                              \
    ASSERT_EQ(number_of(assignment, bus_name, PROPERTY_TYPE_##type), number)

static void parses_limits(void)
{
    ASSERT_NUMBER("MemoryMax=64M", "MemoryMax", U64, 64 << 20);
    ASSERT_NUMBER("MemoryMax=1.5G", "MemoryMax", U64, 1536LL << 20);
    ASSERT_NUMBER("MemoryMax=infinity", "MemoryMax", U64, UINT64_MAX);
    ASSERT_NUMBER("MemoryMax=", "MemoryMax", U64, UINT64_MAX);
    ASSERT_NUMBER("MemoryLow=", "MemoryLow", U64, 0);
    ASSERT_NUMBER("MemorySwapMax=0", "MemorySwapMax", U64, 0);
    ASSERT_NUMBER("MemoryMax=100%", "MemoryMaxScale", U32, UINT32_MAX);
    ASSERT_NUMBER("MemoryHigh=50%", "MemoryHighScale", U32, 2147483648LL);
    ASSERT_NUMBER("TasksMax=100", "TasksMax", U64, 100);
    ASSERT_NUMBER("TasksMax=10%", "TasksMaxScale", U32, 429496730);
    ASSERT_NUMBER("TasksMax=infinity", "TasksMax", U64, UINT64_MAX);
    ASSERT_NUMBER("ManagedOOMMemoryPressureLimit=60%", "ManagedOOMMemoryPressureLimit", U32, 2576980377LL);
}

static void parses_cpu(void)
{
    ASSERT_NUMBER("CPUQuota=20%", "CPUQuotaPerSecUSec", U64, 200000);
    ASSERT_NUMBER("CPUQuota=250%", "CPUQuotaPerSecUSec", U64, 2500000);
    ASSERT_NUMBER("CPUQuota=12.5%", "CPUQuotaPerSecUSec", U64, 125000);
    ASSERT_NUMBER("CPUQuota=125‰", "CPUQuotaPerSecUSec", U64, 125000);
    ASSERT_NUMBER("CPUQuota=", "CPUQuotaPerSecUSec", U64, UINT64_MAX);
    ASSERT_NUMBER("CPUQuotaPeriodSec=10ms", "CPUQuotaPeriodUSec", U64, 10000);
    ASSERT_NUMBER("CPUWeight=idle", "CPUWeight", U64, 0);
    ASSERT_NUMBER("CPUWeight=10000", "CPUWeight", U64, 10000);
    ASSERT_NUMBER("IOWeight=1", "IOWeight", U64, 1);
}

static void parses_plain_values(void)
{
    ASSERT_NUMBER("TimeoutStopSec=1min 30s", "TimeoutStopUSec", U64, 90000000);
    ASSERT_NUMBER("RuntimeMaxSec=infinity", "RuntimeMaxUSec", U64, UINT64_MAX);
    ASSERT_NUMBER("IOAccounting=on", "IOAccounting", BOOL, 1);
    ASSERT_NUMBER("SendSIGHUP=no", "SendSIGHUP", BOOL, 0);
    ASSERT_NUMBER("FinalKillSignal=SIGQUIT", "FinalKillSignal", I32, 3);
}

static void parses_sets(void)
{
    _cleanup_property_value_ PropertyValue value = {0}, empty = {0};

    ASSERT_OK(property_parse("AllowedCPUs=0-3,9 10", &value, NULL));
    ASSERT_EQ(value.type, PROPERTY_TYPE_BYTES);
    ASSERT_EQ(value.bytes_size, 2);
    ASSERT_EQ(value.bytes[0], 0x0f);
    ASSERT_EQ(value.bytes[1], 0x06);
    ASSERT_OK(property_parse("AllowedMemoryNodes=", &empty, NULL));
    ASSERT_EQ(empty.bytes_size, 0);
}

static void parses_devices(void)
{
    _cleanup_property_value_ PropertyValue rate = {0}, latency = {0}, allow = {0}, group = {0}, none = {0};

    ASSERT_OK(property_parse("IOReadBandwidthMax=/dev/sda 10M", &rate, NULL));
    ASSERT_EQ(rate.type, PROPERTY_TYPE_DEVICE_NUMBERS);
    ASSERT_STREQ(rate.items[0].text, "/dev/sda");
    ASSERT_EQ(rate.items[0].number, 10000000);
    ASSERT_OK(property_parse("IODeviceLatencyTargetSec=/dev/sda 25ms", &latency, NULL));
    ASSERT_STREQ(latency.bus_name, "IODeviceLatencyTargetUSec");
    ASSERT_EQ(latency.items[0].number, 25000);
    ASSERT_OK(property_parse("DeviceAllow=/dev/fuse rw", &allow, NULL));
    ASSERT_EQ(allow.type, PROPERTY_TYPE_STRING_PAIRS);
    ASSERT_STREQ(allow.items[0].text, "/dev/fuse");
    ASSERT_STREQ(allow.items[0].text2, "rw");
    ASSERT_OK(property_parse("DeviceAllow=char-pts", &group, NULL));
    ASSERT_STREQ(group.items[0].text2, "rwm");
    ASSERT_OK(property_parse("DeviceAllow=", &none, NULL));
    ASSERT_EQ(none.items_count, 0);
}

static void parses_network(void)
{
    _cleanup_property_value_ PropertyValue list = {0}, any = {0}, names = {0}, bind = {0}, bpf = {0};

    ASSERT_OK(property_parse("IPAddressAllow=10.0.0.0/8 fe80::1", &list, NULL));
    ASSERT_EQ(list.items_count, 2);
    ASSERT_EQ(list.items[0].family, AF_INET);
    ASSERT_EQ(list.items[0].bytes[0], 10);
    ASSERT_EQ(list.items[0].number, 8);
    ASSERT_EQ(list.items[1].bytes_size, 16);
    ASSERT_EQ(list.items[1].number, 128);
    ASSERT_OK(property_parse("IPAddressDeny=any", &any, NULL));
    ASSERT_EQ(any.items_count, 2);
    ASSERT_EQ(any.items[1].family, AF_INET6);
    ASSERT_EQ(any.items[1].number, 0);
    ASSERT_OK(property_parse("RestrictNetworkInterfaces=~eth0 lo", &names, NULL));
    ASSERT_EQ(names.type, PROPERTY_TYPE_INTERFACES);
    ASSERT_EQ(names.number, 0);
    ASSERT_STREQ(names.items[1].text, "lo");
    ASSERT_OK(property_parse("SocketBindAllow=ipv6:tcp:1000-1009", &bind, NULL));
    ASSERT_EQ(bind.items[0].family, AF_INET6);
    ASSERT_EQ(bind.items[0].protocol, 6);
    ASSERT_EQ(bind.items[0].number, 10);
    ASSERT_EQ(bind.items[0].port, 1000);
    ASSERT_OK(property_parse("BPFProgram=egress:/sys/fs/bpf/x", &bpf, NULL));
    ASSERT_STREQ(bpf.items[0].text2, "/sys/fs/bpf/x");
}

static void parses_lists(void)
{
    _cleanup_property_value_ PropertyValue units = {0}, text = {0};

    ASSERT_OK(property_parse("After=a.service b@x.socket", &units, NULL));
    ASSERT_EQ(units.type, PROPERTY_TYPE_STRINGS);
    ASSERT_EQ(units.items_count, 2);
    ASSERT_STREQ(units.items[1].text, "b@x.socket");
    ASSERT_OK(property_parse("Description=a \"b\" =c", &text, NULL));
    ASSERT_STREQ(text.text, "a \"b\" =c");
}

/* Every row: the assignment, a part of the text, a part of the hint or NULL. */
static void says_what_is_wrong(void)
{
    static const char *const cases[][3] = {
        {"MemoryMax", "not a property assignment", NULL},
        {"=5", "not a property assignment", NULL},
        {"MemroyMax=5", "'MemroyMax' is not a property", "did you mean 'MemoryMax='?"},
        {"Xyzzy=5", "'Xyzzy' is not a property", "systemd.resource-control(5)"},
        {"MemoryMax=12Q", "MemoryMax=: '12Q' is not a size", NULL},
        {"MemoryMax=0", "must be at least 1", NULL},
        {"MemoryMax=0%", "percentage between", NULL},
        {"MemoryMax=101%", "percentage between", NULL},
        {"StartupMemoryMax=5%", "no percentage here", NULL},
        {"MemoryMax=-1", "is not a size", NULL},
        {"TasksMax=many", "is not a number of tasks", NULL},
        {"TasksMax=0", "must be at least 1", NULL},
        {"CPUWeight=0", "not between 1 and 10000", NULL},
        {"CPUWeight=10001", "not between 1 and 10000", NULL},
        {"CPUWeight=fast", "a number or 'idle'", NULL},
        {"IOWeight=idle", "is not a number", NULL},
        {"CPUQuota=50", "a percentage of one CPU", NULL},
        {"CPUQuota=0%", "a percentage of one CPU", NULL},
        {"CPUQuota=.5%", "a percentage of one CPU", NULL},
        {"CPUQuota=5.%", "a percentage of one CPU", NULL},
        {"CPUQuota=1.234%", "a percentage of one CPU", NULL},
        {"CPUQuota=99999999999999999999%", "a percentage of one CPU", NULL},
        {"CPUQuotaPeriodSec=2s", "between 1ms and 1s", NULL},
        {"AllowedCPUs=3-1", "'3-1' is not a number or a range", NULL},
        {"AllowedCPUs=8192", "'8192' is not a number", NULL},
        {"AllowedCPUs=a", "'a' is not a number", NULL},
        {"IOReadBandwidthMax=/dev/sda", "a device and a value", NULL},
        {"IOReadBandwidthMax=sda 5", "'sda' is not an absolute path", NULL},
        {"IOReadBandwidthMax=/dev/../sda 5", "an absolute path", NULL},
        {"IOReadBandwidthMax=/dev/sda 5Q", "'5Q' is not a number", NULL},
        {"IOReadBandwidthMax=/dev/sda 99999999999E", "is not a number", NULL},
        {"IODeviceWeight=/dev/sda 0", "not between 1 and 10000", NULL},
        {"DeviceAllow=fuse rw", "'fuse' is not a device node", NULL},
        {"DeviceAllow=/dev/../etc/passwd", "is not a device node", NULL},
        {"DeviceAllow=/dev/fuse rx", "'rx' is not an access", NULL},
        {"DevicePolicy=open", "is none of: auto, closed, strict", NULL},
        {"IPAddressDeny=300.0.0.1", "'300.0.0.1' is not an address", NULL},
        {"IPAddressDeny=10.0.0.0/33", "is not an address", NULL},
        {"IPAddressDeny=10.0.0.0/x", "is not an address", NULL},
        {"SocketBindAllow=tcp:0", "PORT", NULL},
        {"SocketBindAllow=tcp:70000", "PORT", NULL},
        {"SocketBindAllow=sctp:1", "PORT", NULL},
        {"BPFProgram=nothing:/x", "attach type", NULL},
        {"BPFProgram=egress", "attach type", NULL},
        {"After=a", "'a' is not the name of a unit", NULL},
        {"After=\"a.service", "a quote is open", NULL},
        {"Description=a\nb", "one line", NULL},
        {"IOAccounting=perhaps", "is not yes or no", NULL},
        {"FinalKillSignal=SIGFOO", "is not a signal", NULL},
        {"RuntimeMaxSec=soon", "is not a time span", NULL},
        {"Slice=x.slice", "set by berth itself", "--slice="},
        {"KillSignal=SIGINT", "set by berth itself", "--stop-signal="},
        {"Delegate=no", "set by berth itself", "delegated"},
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        _cleanup_error_ Error error = {0};

        if (property_check(cases[i][0], &error) != -EINVAL)
            TEST_FAIL("'%s' was accepted", cases[i][0]);
        ASSERT_CONTAINS(error.text, cases[i][1]);
        if (cases[i][2])
            ASSERT_CONTAINS(error.hint, cases[i][2]);
    }
}

static void finds_cgroup_files(void)
{
    static const char *const cases[][3] = {
        {"MemoryMax=64M", "memory.max", "67108864"},
        {"MemoryMax=50%", "memory.max", "4294967296"},
        {"MemoryHigh=infinity", "memory.high", "max"},
        {"MemoryLow=1K", "memory.low", "1024"},
        {"MemoryMin=", "memory.min", "0"},
        {"MemorySwapMax=0", "memory.swap.max", "0"},
        {"TasksMax=25%", "pids.max", "1000"},
        {"TasksMax=7", "pids.max", "7"},
        {"CPUWeight=50", "cpu.weight", "50"},
        {"CPUWeight=", "cpu.weight", "100"},
        {"CPUWeight=idle", "cpu.idle", "1"},
        {"CPUQuota=150%", "cpu.max", "150000 100000"},
        {"CPUQuota=0.1%", "cpu.max", "1000 100000"},
        {"CPUQuota=", "cpu.max", "max 100000"},
        {"IOWeight=200", "io.weight", "default 200"},
        {"AllowedCPUs=0-1, 3", "cpuset.cpus", "0-1,3"},
        {"AllowedMemoryNodes=0", "cpuset.mems", "0"},
    };
    const PropertyHost host = {.memory_bytes = 8ULL << 30, .tasks_max = 4000};

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        PropertyCgroupFile file = {0};

        ASSERT_OK(property_cgroup_file(cases[i][0], NULL, &host, &file, NULL));
        ASSERT_STREQ(file.file, cases[i][1]);
        ASSERT_STREQ(file.value, cases[i][2]);
        ASSERT_TRUE(strncmp(file.file, file.controller, strlen(file.controller)) == 0);
        property_cgroup_file_done(&file);
    }
}

static void says_what_has_no_cgroup_file(void)
{
    _cleanup_strv_ char **all = strv_new("CPUQuota=50%", "CPUQuotaPeriodSec=20ms", NULL);
    const PropertyHost host = {0};
    PropertyCgroupFile file = {0};

    ASSERT_EQ(property_cgroup_file("IPAddressDeny=any", NULL, &host, &file, NULL), 1);
    ASSERT_EQ(property_cgroup_file("DeviceAllow=/dev/fuse", NULL, &host, &file, NULL), 1);
    ASSERT_EQ(property_cgroup_file("MemoryMax=10%", NULL, &host, &file, NULL), 1);
    ASSERT_EQ(property_cgroup_file("After=a.service", NULL, &host, &file, NULL), 1);
    ASSERT_ERROR(property_cgroup_file("MemoryMax=x", NULL, &host, &file, NULL), EINVAL);
    ASSERT_OK(property_cgroup_file(all[0], all, &host, &file, NULL));
    ASSERT_STREQ(file.value, "10000 20000");
    property_cgroup_file_done(&file);
}

int main(void)
{
    TEST_RUN(parses_limits);
    TEST_RUN(parses_cpu);
    TEST_RUN(parses_plain_values);
    TEST_RUN(parses_sets);
    TEST_RUN(parses_devices);
    TEST_RUN(parses_network);
    TEST_RUN(parses_lists);
    TEST_RUN(says_what_is_wrong);
    TEST_RUN(finds_cgroup_files);
    TEST_RUN(says_what_has_no_cgroup_file);
    return test_finish();
}

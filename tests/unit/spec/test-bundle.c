/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts and devices as the configuration of an OCI bundle says them. */
#include "../test.h"

#include "base/cleanup.h"
#include "base/strv.h"
#include "spec/values.h"

#include <errno.h>
#include <linux/mount.h>

static int parse_mount(char *const *words, MountSpec *ret, Error *error)
{
    return mount_parse_bundle(words, ret, error);
}
#define MOUNT(ret, error, ...)                                                                                         \
    parse_mount((char *const *) (uintptr_t) (const char *const[]){__VA_ARGS__, NULL}, ret, error)

static void what_options_mean(void)
{
    _cleanup_(mount_spec_done) MountSpec mount = {}, bind = {}, plain = {};

    ASSERT_OK(MOUNT(&mount, NULL, "tmpfs", "tmp", "/a//b/", "nosuid", "strictatime", "mode=755", "rprivate", "rw"));
    ASSERT_EQ(mount.kind, MOUNT_KIND_FILE_SYSTEM);
    ASSERT_STREQ(mount.type, "tmpfs");
    ASSERT_STREQ(mount.source, "tmp");
    ASSERT_STREQ(mount.inside_path, "/a/b");
    ASSERT_EQ(mount.attributes, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);
    ASSERT_EQ(strv_length(mount.options), 1);
    ASSERT_STREQ(mount.options[0], "mode=755");

    ASSERT_OK(MOUNT(&bind, NULL, "none", "/src", "/dst", "bind", "ro", "noexec"));
    ASSERT_EQ(bind.kind, MOUNT_KIND_BIND);
    ASSERT_TRUE(bind.not_recursive);
    ASSERT_STREQ(bind.host_path, "/src");
    ASSERT_EQ(bind.attributes, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC);

    ASSERT_OK(MOUNT(&plain, NULL, "bind", "/src", "/dst"));
    ASSERT_EQ(plain.kind, MOUNT_KIND_BIND);
    ASSERT_TRUE(!plain.not_recursive && plain.attributes == 0);
}

static void what_is_refused(void)
{
    static const struct {
        const char *words[5], *message;
        int code;
    } rows[] = {
        {{"tmpfs", "tmp"}, "a type, a source and a target", -EINVAL},
        {{"tmpfs", "tmp", "relative"}, "'relative' is not an absolute path", -EINVAL},
        {{"tmpfs", "tmp", "/a/../b"}, "must not hold '..'", -EINVAL},
        {{"tmpfs", "tmp", "/"}, "must not be the root", -EINVAL},
        {{"tmpfs", "tmp", "/a", "rslave"}, "'rslave' is not supported", -EOPNOTSUPP},
        {{"tmpfs", "tmp", "/a", "tmpcopyup"}, "'tmpcopyup' is not supported", -EOPNOTSUPP},
        {{"bind", "/s", "/a", "mode=1"}, "'mode=1' is not an option of a bind mount", -EOPNOTSUPP},
        {{"bind", "s", "/a"}, "'s' is not an absolute path", -EINVAL},
        {{"", "none", "/a"}, "is not a type of file systems", -EINVAL},
        {{"cgroup", "cgroup", "/cgroup"}, "on /sys/fs/cgroup only", -EOPNOTSUPP},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_(mount_spec_done) MountSpec mount = {};
        _cleanup_error_ Error error = {};

        ASSERT_EQ(parse_mount((char *const *) (uintptr_t) rows[i].words, &mount, &error), rows[i].code);
        ASSERT_CONTAINS(error.text, rows[i].message);
    }
}

#define DEVICE(ret, error, ...)                                                                                        \
    device_parse((char *const *) (uintptr_t) (const char *const[]){__VA_ARGS__, NULL}, ret, error)

static void devices(void)
{
    static const struct {
        const char *words[8], *message;
    } rows[] = {
        {{"/dev/x", "c", "1", "3", "666", "0"}, "a device has a path"},
        {{"/dev/x", "x", "1", "3", "666", "0", "0"}, "'x' is not a type of devices"},
        {{"/dev/x", "c", "4096", "3", "666", "0", "0"}, "'4096' is not a major number"},
        {{"/dev/x", "c", "-1", "3", "666", "0", "0"}, "'-1' is not a major number"},
        {{"/dev/x", "c", "1", "3", "888", "0", "0"}, "'888' is not the mode"},
        {{"/dev/x", "c", "1", "3", "100666", "0", "0"}, "'100666' is not the mode"},
        {{"/dev/x", "c", "1", "3", "666", "4294967295", "0"}, "is not a user"},
        {{"dev/x", "c", "1", "3", "666", "0", "0"}, "is not an absolute path"},
        {{"/", "c", "1", "3", "666", "0", "0"}, "a device has a name"},
    };
    DeviceSpec device = {};

    ASSERT_OK(DEVICE(&device, NULL, "/dev/fuse", "u", "10", "229", "0640", "1", "2"));
    ASSERT_TRUE(device.type == 'c' && device.major == 10 && device.minor == 229 && device.mode == 0640 &&
                device.uid == 1 && device.gid == 2);
    ASSERT_STREQ(device.inside_path, "/dev/fuse");
    device_spec_done(&device);
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_error_ Error error = {};

        ASSERT_EQ(device_parse((char *const *) (uintptr_t) rows[i].words, &device, &error), -EINVAL);
        ASSERT_CONTAINS(error.text, rows[i].message);
    }
}

int main(void)
{
    TEST_RUN(what_options_mean);
    TEST_RUN(what_is_refused);
    TEST_RUN(devices);
    return test_finish();
}

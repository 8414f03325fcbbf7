/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values that only the configuration of an OCI bundle has. */

#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "spec/values.h"

#include <errno.h>
#include <limits.h>
#include <linux/mount.h>
#include <string.h>

#define MODE_MAX 07777

/* "config.md#linux-mount-options": what each means, and those that are refused. Anything else is for the file system. */
typedef enum OptionMeaning {
    OPTION_NOTHING,   /* is so anyway, or the default */
    OPTION_ATTRIBUTE, /* of the mount */
    OPTION_BIND,
    OPTION_RECURSIVE_BIND,
    OPTION_REFUSED,
} OptionMeaning;

static const struct {
    const char *name;
    OptionMeaning meaning;
    uint64_t attribute;
} mount_options[] = {
    {"defaults", OPTION_NOTHING, 0},
    {"rw", OPTION_NOTHING, 0},
    {"rrw", OPTION_NOTHING, 0},
    {"exec", OPTION_NOTHING, 0},
    {"rexec", OPTION_NOTHING, 0},
    {"suid", OPTION_NOTHING, 0},
    {"rsuid", OPTION_NOTHING, 0},
    {"dev", OPTION_NOTHING, 0},
    {"rdev", OPTION_NOTHING, 0},
    {"atime", OPTION_NOTHING, 0},
    {"ratime", OPTION_NOTHING, 0},
    {"diratime", OPTION_NOTHING, 0},
    {"rdiratime", OPTION_NOTHING, 0},
    {"relatime", OPTION_NOTHING, 0},
    {"rrelatime", OPTION_NOTHING, 0},
    {"symfollow", OPTION_NOTHING, 0},
    {"rsymfollow", OPTION_NOTHING, 0},
    {"async", OPTION_NOTHING, 0},
    {"private", OPTION_NOTHING, 0},
    {"rprivate", OPTION_NOTHING, 0},
    {"bind", OPTION_BIND, 0},
    {"rbind", OPTION_RECURSIVE_BIND, 0},
    {"ro", OPTION_ATTRIBUTE, MOUNT_ATTR_RDONLY},
    {"rro", OPTION_ATTRIBUTE, MOUNT_ATTR_RDONLY},
    {"noexec", OPTION_ATTRIBUTE, MOUNT_ATTR_NOEXEC},
    {"rnoexec", OPTION_ATTRIBUTE, MOUNT_ATTR_NOEXEC},
    {"nosuid", OPTION_ATTRIBUTE, MOUNT_ATTR_NOSUID},
    {"rnosuid", OPTION_ATTRIBUTE, MOUNT_ATTR_NOSUID},
    {"nodev", OPTION_ATTRIBUTE, MOUNT_ATTR_NODEV},
    {"rnodev", OPTION_ATTRIBUTE, MOUNT_ATTR_NODEV},
    {"noatime", OPTION_ATTRIBUTE, MOUNT_ATTR_NOATIME},
    {"rnoatime", OPTION_ATTRIBUTE, MOUNT_ATTR_NOATIME},
    {"strictatime", OPTION_ATTRIBUTE, MOUNT_ATTR_STRICTATIME},
    {"rstrictatime", OPTION_ATTRIBUTE, MOUNT_ATTR_STRICTATIME},
    {"nodiratime", OPTION_ATTRIBUTE, MOUNT_ATTR_NODIRATIME},
    {"rnodiratime", OPTION_ATTRIBUTE, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", OPTION_ATTRIBUTE, MOUNT_ATTR_NOSYMFOLLOW},
    {"rnosymfollow", OPTION_ATTRIBUTE, MOUNT_ATTR_NOSYMFOLLOW},
    {"norelatime", OPTION_REFUSED, 0},
    {"rnorelatime", OPTION_REFUSED, 0},
    {"nostrictatime", OPTION_REFUSED, 0},
    {"rnostrictatime", OPTION_REFUSED, 0},
    {"shared", OPTION_REFUSED, 0},
    {"rshared", OPTION_REFUSED, 0},
    {"slave", OPTION_REFUSED, 0},
    {"rslave", OPTION_REFUSED, 0},
    {"unbindable", OPTION_REFUSED, 0},
    {"runbindable", OPTION_REFUSED, 0},
    {"remount", OPTION_REFUSED, 0},
    {"mand", OPTION_REFUSED, 0},
    {"nomand", OPTION_REFUSED, 0},
    {"idmap", OPTION_REFUSED, 0},
    {"ridmap", OPTION_REFUSED, 0},
    {"tmpcopyup", OPTION_REFUSED, 0},
    {"copy-symlink", OPTION_REFUSED, 0},
    {"src-nofollow", OPTION_REFUSED, 0},
    {"dest-nofollow", OPTION_REFUSED, 0},
};

static int set_option(MountSpec *mount, const char *option, Error *error)
{
    for (size_t i = 0; i < ELEMENTSOF(mount_options); i++) {
        if (strcmp(option, mount_options[i].name) != 0)
            continue;
        switch (mount_options[i].meaning) {
        case OPTION_NOTHING:
            return 0;
        case OPTION_ATTRIBUTE:
            mount->attributes |= mount_options[i].attribute;
            return 0;
        case OPTION_BIND:
        case OPTION_RECURSIVE_BIND:
            mount->kind = MOUNT_KIND_BIND;
            mount->not_recursive = mount_options[i].meaning == OPTION_BIND;
            return 0;
        case OPTION_REFUSED:
            return error_set(error, -EOPNOTSUPP, "the mount option '%s' is not supported", option);
        }
    }
    return strv_append(&mount->options, option);
}

const char *mount_bundle_option(size_t number)
{
    size_t known = 0;

    for (size_t i = 0; i < ELEMENTSOF(mount_options); i++)
        if (mount_options[i].meaning != OPTION_REFUSED && known++ == number)
            return mount_options[i].name;
    return NULL;
}

static int set_text(char **field, const char *text)
{
    *field = strdup(text);
    return *field ? 0 : -ENOMEM;
}

static int set_path(char **field, const char *path, const char *what, Error *error)
{
    if (!path_is_absolute(path))
        return error_set(error, -EINVAL, "the %s '%s' is not an absolute path", what, path);
    *field = path_normalise(path);
    if (!*field)
        return -ENOMEM;
    return path_has_dotdot(*field) ? error_set(error, -EINVAL, "the %s '%s' must not hold '..'", what, path) : 0;
}

/* cgroup is the one type that is not what the kernel calls it: the container's part of the hierarchy, whichever it is. */
static int check(const MountSpec *mount, Error *error)
{
    if (strcmp(mount->inside_path, "/") == 0)
        return error_set(error, -EINVAL, "the mount target must not be the root directory");
    if (mount->kind == MOUNT_KIND_BIND && mount->options)
        return error_set(error, -EOPNOTSUPP, "'%s' is not an option of a bind mount", mount->options[0]);
    if (mount->kind == MOUNT_KIND_BIND)
        return 0;
    if (!*mount->type || strchr(mount->type, '/'))
        return error_set(error, -EINVAL, "'%s' is not a type of file systems", mount->type);
    if (strncmp(mount->type, "cgroup", strlen("cgroup")) == 0 && strcmp(mount->inside_path, "/sys/fs/cgroup") != 0)
        return error_set(error, -EOPNOTSUPP, "control groups are mounted on /sys/fs/cgroup only, not on '%s'",
                         mount->inside_path);
    return 0;
}

int mount_parse_bundle(char *const *words, MountSpec *ret, Error *error)
{
    _cleanup_(mount_spec_done) MountSpec mount = {.kind = MOUNT_KIND_FILE_SYSTEM};
    int r = 0;

    if (strv_length(words) < 3)
        return error_set(error, -EINVAL, "a mount has a type, a source and a target");
    if (strcmp(words[0], "bind") == 0)
        mount.kind = MOUNT_KIND_BIND;
    for (size_t i = 3; words[i] && r == 0; i++)
        r = set_option(&mount, words[i], error);
    if (r == 0)
        r = set_path(&mount.inside_path, words[2], "mount target", error);
    if (r == 0)
        r = mount.kind == MOUNT_KIND_BIND ? set_path(&mount.host_path, words[1], "mount source", error)
                                          : set_text(&mount.source, words[1]);
    if (r == 0 && mount.kind == MOUNT_KIND_FILE_SYSTEM)
        r = set_text(&mount.type, words[0]);
    if (r == 0)
        r = check(&mount, error);
    if (r < 0)
        return r;
    *ret = mount;
    mount = (MountSpec){};
    return 0;
}

void device_spec_done(DeviceSpec *device)
{
    free(device->inside_path);
    *device = (DeviceSpec){};
}

static int set_mode(const char *text, unsigned *ret)
{
    unsigned mode = 0;

    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '7' || mode > MODE_MAX)
            return -EINVAL;
        mode = mode * 8 + (unsigned) (*c - '0');
    }
    *ret = mode;
    return *text && mode <= MODE_MAX ? 0 : -EINVAL;
}

int device_parse(char *const *words, DeviceSpec *ret, Error *error)
{
    static const struct {
        const char *name;
        size_t word, offset;
        uint64_t max;
    } numbers[] = {{"major number", 2, offsetof(DeviceSpec, major), 0xfff},
                   {"minor number", 3, offsetof(DeviceSpec, minor), 0xfffff},
                   {"user", 5, offsetof(DeviceSpec, uid), UINT32_MAX - 1},
                   {"group", 6, offsetof(DeviceSpec, gid), UINT32_MAX - 1}};
    DeviceSpec device = {};
    int r;

    if (strv_length(words) != 7)
        return error_set(error, -EINVAL, "a device has a path, a type, two numbers, a mode, a user and a group");
    /* "u" is what mknod(1) calls an unbuffered character device. */
    if (strlen(words[1]) != 1 || !strchr("bcup", words[1][0]))
        return error_set(error, -EINVAL, "'%s' is not a type of devices: b, c, u or p", words[1]);
    device.type = words[1][0] == 'u' ? 'c' : words[1][0];
    for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
        uint64_t number = 0;

        if (text_parse_u64(words[numbers[i].word], numbers[i].max, &number) < 0)
            return error_set(error, -EINVAL, "'%s' is not a %s", words[numbers[i].word], numbers[i].name);
        *(unsigned *) ((char *) &device + numbers[i].offset) = (unsigned) number;
    }
    if (set_mode(words[4], &device.mode) < 0)
        return error_set(error, -EINVAL, "'%s' is not the mode of a file", words[4]);
    r = set_path(&device.inside_path, words[0], "device", error);
    if (r == 0 && strcmp(device.inside_path, "/") == 0)
        r = error_set(error, -EINVAL, "a device has a name");
    if (r < 0) {
        device_spec_done(&device);
        return r;
    }
    *ret = device;
    return 0;
}

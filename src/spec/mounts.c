/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/values.h"

#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static const char *const kind_names[] = {
    [MOUNT_KIND_BIND] = "bind",
    [MOUNT_KIND_TMPFS] = "tmpfs",
    [MOUNT_KIND_OVERLAY] = "overlay",
    [MOUNT_KIND_ANONYMOUS] = "volume",
    [MOUNT_KIND_INACCESSIBLE] = "inaccessible",
    [MOUNT_KIND_FILE_SYSTEM] = "file system",
};
_Static_assert(ELEMENTSOF(kind_names) == _MOUNT_KIND_MAX, "every mount kind has a name");

void mount_spec_done(MountSpec *mount)
{
    free(mount->host_path);
    free(mount->volume);
    strv_free(mount->host_layers);
    free(mount->inside_path);
    strv_free(mount->options);
    free(mount->type);
    free(mount->source);
    free(mount->origin);
    *mount = (MountSpec){};
}

/* Splits at `separator`; a backslash makes the next byte ordinary. */
static int split_fields(const char *text, char separator, char ***ret)
{
    _cleanup_strv_ char **fields = NULL;
    _cleanup_free_ char *field = malloc(strlen(text) + 1);
    size_t length = 0;
    int r;

    if (!field)
        return -ENOMEM;
    for (const char *c = text;; c++) {
        if (*c == 0 || *c == separator) {
            field[length] = 0;
            r = strv_append(&fields, field);
            if (r < 0)
                return r;
            length = 0;
            if (*c == 0)
                break;
        } else {
            if (*c == '\\' && c[1] != 0)
                c++;
            field[length++] = *c;
        }
    }
    *ret = TAKE_PTR(fields);
    return 0;
}

static int set_path(char **field, const char *path, const char *what, Error *error)
{
    _cleanup_free_ char *normalised = NULL;

    if (!path_is_absolute(path))
        return error_set(error, -EINVAL, "%s '%s' is not an absolute path", what, path);
    normalised = path_normalise(path);
    if (!normalised)
        return -ENOMEM;
    if (path_has_dotdot(normalised))
        return error_set(error, -EINVAL, "%s '%s' must not hold '..'", what, path);
    free(*field);
    *field = TAKE_PTR(normalised);
    return 0;
}

static int set_volume(MountSpec *mount, const char *name, Error *error)
{
    if (!text_is_name(name))
        return error_hint(
            error, error_set(error, -EINVAL, "'%s' is neither an absolute path nor the name of a volume", name),
            "names have letters, digits, '_', '-' and '.'; a directory of the host is -v /srv/data:/data");
    mount->kind = MOUNT_KIND_BIND;
    mount->volume = strdup(name);
    return mount->volume ? 0 : -ENOMEM;
}

static int set_target(MountSpec *mount, const char *path, Error *error)
{
    int r = set_path(&mount->inside_path, path, "the mount target", error);

    if (r < 0)
        return r;
    if (strcmp(mount->inside_path, "/") == 0)
        return error_set(error, -EINVAL, "the mount target must not be the root directory");
    return 0;
}

/* One option of a mount: a flag that every kind knows, or a file system option of a tmpfs. */
static int set_option(MountSpec *mount, const char *option, Error *error)
{
    static const char *const tmpfs_options[] = {"size=", "mode=", "nr_inodes=", "nr_blocks=", "uid=", "gid=", "huge="};
    static const struct {
        const char *name;
        size_t offset;
        bool value;
    } flags[] = {
        {"ro", offsetof(MountSpec, read_only), true},
        {"readonly", offsetof(MountSpec, read_only), true},
        {"rw", offsetof(MountSpec, read_only), false},
        {"bind", offsetof(MountSpec, not_recursive), true},
        {"norbind", offsetof(MountSpec, not_recursive), true},
        {"rbind", offsetof(MountSpec, not_recursive), false},
        {"noexec", offsetof(MountSpec, no_exec), true},
        {"exec", offsetof(MountSpec, no_exec), false},
        {"nosuid", offsetof(MountSpec, no_suid), true},
        {"suid", offsetof(MountSpec, no_suid), false},
        {"nodev", offsetof(MountSpec, no_dev), true},
        {"dev", offsetof(MountSpec, no_dev), false},
        {"z", offsetof(MountSpec, relabel_shared), true},
        {"Z", offsetof(MountSpec, relabel_private), true},
        {"nocopy", offsetof(MountSpec, no_copy), true},
        {"volume-nocopy", offsetof(MountSpec, no_copy), true},
        {"copy", offsetof(MountSpec, no_copy), false},
        {"relabel=shared", offsetof(MountSpec, relabel_shared), true},
        {"relabel=private", offsetof(MountSpec, relabel_private), true},
    };

    for (size_t i = 0; i < ELEMENTSOF(flags); i++)
        if (strcmp(option, flags[i].name) == 0) {
            *(bool *) ((char *) mount + flags[i].offset) = flags[i].value;
            return 0;
        }
    if (mount->kind == MOUNT_KIND_BIND && (strcmp(option, "idmap") == 0 || strcmp(option, "noidmap") == 0)) {
        mount->ids = option[0] == 'i' ? MOUNT_IDS_MAP : MOUNT_IDS_KEEP;
        return 0;
    }
    if (mount->kind == MOUNT_KIND_BIND && strcmp(option, "U") == 0) {
        mount->chown = true;
        return 0;
    }
    for (size_t i = 0; mount->kind == MOUNT_KIND_TMPFS && i < ELEMENTSOF(tmpfs_options); i++)
        if (text_after_prefix(option, tmpfs_options[i]))
            return strv_append(&mount->options, option);
    return error_set(error, -EINVAL, "'%s' is not an option of a %s mount", option, kind_names[mount->kind]);
}

static int set_options(MountSpec *mount, const char *list, Error *error)
{
    _cleanup_strv_ char **options = NULL;
    int r = split_fields(list, ',', &options);

    if (r < 0)
        return r;
    STRV_FOREACH (option, options) {
        r = **option ? set_option(mount, *option, error) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static int publish(MountSpec *mount, MountSpec *ret, Error *error)
{
    if ((mount->relabel_shared || mount->relabel_private) && mount->kind != MOUNT_KIND_BIND)
        return error_set(error, -EINVAL, "'%s' is not an option of a %s mount", mount->relabel_shared ? "z" : "Z",
                         kind_names[mount->kind]);
    if (mount->relabel_shared && mount->relabel_private)
        return error_set(error, -EINVAL, "a label is either 'z' or 'Z', for all or for this container");
    if (mount->no_copy && !mount->volume)
        return error_set(error, -EINVAL, "'nocopy' is an option of named volumes only");
    *ret = *mount;
    *mount = (MountSpec){};
    return 0;
}

/* SOURCE[:TARGET[:OPTIONS]], the source being a path or, with `is_volume`, a name. */
static int parse_bind(const char *text, bool is_volume, MountSpec *mount, Error *error)
{
    _cleanup_strv_ char **fields = NULL;
    size_t count;
    int r = split_fields(text, ':', &fields);

    if (r < 0)
        return r;
    count = strv_length(fields);
    if (count > 3)
        return error_set(error, -EINVAL, "'%s' has more than SOURCE:TARGET:OPTIONS", text);
    r = is_volume ? set_volume(mount, fields[0], error)
                  : set_path(&mount->host_path, fields[0], "the bind source", error);
    if (r == 0 && is_volume && count < 2)
        return error_hint(error, error_set(error, -EINVAL, "the volume '%s' has no target", text),
                          "write %s:/PATH/INSIDE", text);
    if (r == 0)
        r = set_target(mount, count > 1 && *fields[1] ? fields[1] : fields[0], error);
    return r == 0 && count > 2 ? set_options(mount, fields[2], error) : r;
}

int mount_parse_bind(const char *text, bool read_only, MountSpec *ret, Error *error)
{
    /* What is a device node on the host is none inside unless "dev" says so. */
    _cleanup_(mount_spec_done) MountSpec mount = {.kind = MOUNT_KIND_BIND, .read_only = read_only, .no_dev = true};
    int r = parse_bind(text, false, &mount, error);

    return r < 0 ? r : publish(&mount, ret, error);
}

int mount_parse_volume(const char *text, MountSpec *ret, Error *error)
{
    _cleanup_(mount_spec_done) MountSpec mount = {.kind = MOUNT_KIND_ANONYMOUS, .no_dev = true};
    int r;

    if (text[0] != '/') {
        r = parse_bind(text, true, &mount, error);
        return r < 0 ? r : publish(&mount, ret, error);
    }
    if (strchr(text, ':'))
        return mount_parse_bind(text, false, ret, error);
    r = set_target(&mount, text, error);
    return r < 0 ? r : publish(&mount, ret, error);
}

int mount_parse_tmpfs(const char *text, MountSpec *ret, Error *error)
{
    _cleanup_(mount_spec_done) MountSpec mount = {.kind = MOUNT_KIND_TMPFS, .no_suid = true, .no_dev = true};
    _cleanup_strv_ char **fields = NULL;
    int r = split_fields(text, ':', &fields);

    if (r < 0)
        return r;
    if (strv_length(fields) > 2)
        return error_set(error, -EINVAL, "'%s' has more than TARGET:OPTIONS", text);
    r = set_target(&mount, fields[0], error);
    if (r == 0 && fields[1])
        r = set_options(&mount, fields[1], error);
    return r < 0 ? r : publish(&mount, ret, error);
}

int mount_parse_overlay(const char *text, MountSpec *ret, Error *error)
{
    _cleanup_(mount_spec_done) MountSpec mount = {.kind = MOUNT_KIND_OVERLAY, .no_dev = true};
    _cleanup_strv_ char **fields = NULL;
    size_t count;
    int r = split_fields(text, ':', &fields);

    if (r < 0)
        return r;
    count = strv_length(fields);
    if (count < 3)
        return error_set(error, -EINVAL, "'%s' is not LOWER[:LOWER...]:UPPER:TARGET", text);
    for (size_t i = 0; i + 1 < count && r == 0; i++) {
        _cleanup_free_ char *path = NULL;

        r = set_path(&path, fields[i], "the overlay layer", error);
        if (r == 0)
            r = strv_push(&mount.host_layers, TAKE_PTR(path));
    }
    if (r == 0)
        r = set_target(&mount, fields[count - 1], error);
    return r < 0 ? r : publish(&mount, ret, error);
}

/* type= comes first in effect, wherever it stands, because the other fields' meaning depends on it. */
static int find_kind(char **fields, MountKind *ret, Error *error)
{
    *ret = MOUNT_KIND_BIND;
    STRV_FOREACH (field, fields) {
        const char *type = text_after_prefix(*field, "type=");

        if (!type)
            continue;
        *ret = _MOUNT_KIND_INVALID;
        for (MountKind kind = 0; kind < MOUNT_KIND_FILE_SYSTEM; kind++)
            if (strcmp(type, kind_names[kind]) == 0)
                *ret = kind;
        if (*ret == _MOUNT_KIND_INVALID)
            return error_set(error, -EINVAL, "'%s' is not a mount type; known: bind, tmpfs, overlay, volume", type);
    }
    return 0;
}

static const char *const source_fields[] = {"src=", "source="};

/* The name of the volume that type=volume is about; NULL: it has none. */
static const char *find_source(char **fields)
{
    STRV_FOREACH (field, fields)
        for (size_t i = 0; i < ELEMENTSOF(source_fields); i++) {
            const char *value = text_after_prefix(*field, source_fields[i]);

            if (value && *value)
                return value;
        }
    return NULL;
}

static int set_mount_field(MountSpec *mount, const char *field, Error *error)
{
    static const char *const targets[] = {"dst=", "destination=", "target="};
    _cleanup_free_ char *path = NULL;
    const char *value;
    bool flag = false;
    int r;

    if (text_after_prefix(field, "type="))
        return 0;
    for (size_t i = 0; i < ELEMENTSOF(source_fields); i++)
        if ((value = text_after_prefix(field, source_fields[i])))
            return mount->volume || mount->kind == MOUNT_KIND_ANONYMOUS
                       ? 0
                       : set_path(&mount->host_path, value, "the mount source", error);
    for (size_t i = 0; i < ELEMENTSOF(targets); i++)
        if ((value = text_after_prefix(field, targets[i])))
            return set_target(mount, value, error);
    if ((value = text_after_prefix(field, "layer="))) {
        r = set_path(&path, value, "the overlay layer", error);
        return r < 0 ? r : strv_push(&mount->host_layers, TAKE_PTR(path));
    }
    if ((value = text_after_prefix(field, "readonly=")) || (value = text_after_prefix(field, "ro="))) {
        if (text_parse_bool(value, &flag) < 0)
            return error_set(error, -EINVAL, "'%s' is not a boolean", value);
        mount->read_only = flag;
        return 0;
    }
    if (mount->kind == MOUNT_KIND_TMPFS && (value = text_after_prefix(field, "tmpfs-size=")))
        return strv_append_format(&mount->options, "size=%s", value);
    if (mount->kind == MOUNT_KIND_TMPFS && (value = text_after_prefix(field, "tmpfs-mode=")))
        return strv_append_format(&mount->options, "mode=%s", value);
    return set_option(mount, field, error);
}

int mount_parse_mount(const char *text, MountSpec *ret, Error *error)
{
    _cleanup_(mount_spec_done) MountSpec mount = {};
    _cleanup_strv_ char **fields = NULL;
    int r = split_fields(text, ',', &fields);

    if (r == 0)
        r = find_kind(fields, &mount.kind, error);
    if (r == 0 && mount.kind == MOUNT_KIND_ANONYMOUS && find_source(fields))
        r = set_volume(&mount, find_source(fields), error);
    mount.no_dev = true;
    mount.no_suid = mount.kind == MOUNT_KIND_TMPFS;
    for (char **field = fields; r == 0 && *field; field++)
        r = set_mount_field(&mount, *field, error);
    if (r < 0)
        return r;
    if (!mount.inside_path)
        return error_set(error, -EINVAL, "'%s' lacks dst=PATH", text);
    if (mount.kind == MOUNT_KIND_BIND && !mount.host_path && !mount.volume)
        return error_set(error, -EINVAL, "'%s' lacks src=PATH", text);
    if (mount.kind == MOUNT_KIND_OVERLAY && strv_length(mount.host_layers) < (mount.read_only ? 1 : 2))
        return error_set(error, -EINVAL, "'%s' lacks layer=PATH for the lower and the upper directory", text);
    return publish(&mount, ret, error);
}

/* Commas and backslashes of a path are escaped for split_fields(). */
static int push_field(char ***fields, const char *key, const char *value)
{
    _cleanup_free_ char *escaped = malloc(strlen(value) * 2 + 1);
    char *end = escaped;

    if (!escaped)
        return -ENOMEM;
    for (const char *c = value; *c; c++) {
        if (*c == ',' || *c == '\\')
            *end++ = '\\';
        *end++ = *c;
    }
    *end = 0;
    return strv_append_format(fields, "%s%s", key, escaped);
}

char *mount_format(const MountSpec *mount)
{
    _cleanup_strv_ char **fields = NULL;
    const struct {
        bool on;
        const char *name;
    } flags[] = {{mount->read_only, "ro"},
                 {mount->not_recursive, "norbind"},
                 {mount->no_exec, "noexec"},
                 {mount->kind != MOUNT_KIND_TMPFS && mount->no_suid, "nosuid"},
                 {mount->relabel_shared, "z"},
                 {mount->relabel_private, "Z"},
                 {!mount->no_dev, "dev"},
                 {mount->kind == MOUNT_KIND_TMPFS && !mount->no_suid, "suid"},
                 {mount->ids == MOUNT_IDS_MAP, "idmap"},
                 {mount->ids == MOUNT_IDS_KEEP, "noidmap"},
                 {mount->chown, "U"},
                 {mount->no_copy, "nocopy"}};
    int r = push_field(&fields, "type=", kind_names[mount->volume ? MOUNT_KIND_ANONYMOUS : mount->kind]);

    if (r == 0 && mount_source(mount))
        r = push_field(&fields, "src=", mount_source(mount));
    for (char **layer = mount->host_layers; r == 0 && layer && *layer; layer++)
        r = push_field(&fields, "layer=", *layer);
    if (r == 0)
        r = push_field(&fields, "dst=", mount->inside_path);
    for (size_t i = 0; r == 0 && i < ELEMENTSOF(flags); i++)
        if (flags[i].on)
            r = strv_append(&fields, flags[i].name);
    for (char **option = mount->options; r == 0 && option && *option; option++)
        r = push_field(&fields, "", *option);
    return r < 0 ? NULL : strv_join(fields, ",");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines/rename.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"
#include "host/events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFINITION_MAX_BYTES (1U << 20)
#define VENDOR_DIRECTORY     "/usr/"
#define NAME_KEY             "ContainerName="

/* One thing that has the container's name: `OLD SUFFIX` in a directory. */
typedef struct Part {
    int dir_fd;
    const char *suffix;
    bool is_moved;
} Part;

static bool exists(int dir_fd, const char *name, const char *suffix)
{
    _cleanup_free_ char *path = text_format("%s%s", name, suffix);
    struct stat st;

    return path && dir_fd >= 0 && fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What is not there need not be moved. */
static int move(Part *part, const char *from, const char *to)
{
    _cleanup_free_ char *old_path = text_format("%s%s", from, part->suffix);
    _cleanup_free_ char *new_path = text_format("%s%s", to, part->suffix);

    if (!old_path || !new_path)
        return -ENOMEM;
    if (part->dir_fd < 0)
        return 0;
    if (renameat(part->dir_fd, old_path, part->dir_fd, new_path) < 0)
        return errno == ENOENT ? 0 : -errno;
    part->is_moved = true;
    return 0;
}

static int move_all(Part *parts, size_t count, const char *from, const char *to)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        r = move(&parts[i], from, to);
    for (size_t i = 0; r < 0 && i < count; i++)
        if (parts[i].is_moved)
            (void) move(&(Part){parts[i].dir_fd, parts[i].suffix, false}, to, from);
    return r;
}

/* What was written before: lost, when one of them cannot be moved. A supervisor that was killed while it moved them up left
 * at most one gap. */
static void move_old_logs(Roster *roster, const char *from, const char *to)
{
    for (unsigned i = 1, missing = 0; missing < 2; i++) {
        char suffix[16];
        Part part = {roster->logs_fd, suffix, false};

        snprintf(suffix, sizeof(suffix), ":%u", i);
        (void) move(&part, from, to);
        missing = part.is_moved ? 0 : missing + 1;
    }
}

/* The text with ContainerName= saying the new name, where it said the old one. */
static char *replace_name(const char *text, const char *old_name, const char *new_name)
{
    _cleanup_buffer_ Buffer result = {};
    size_t length = strlen(NAME_KEY), old_length = strlen(old_name);

    for (const char *line = text; *line;) {
        size_t size = strcspn(line, "\n");
        bool is_it = size == length + old_length && strncmp(line, NAME_KEY, length) == 0 &&
                     strncmp(line + length, old_name, old_length) == 0;

        if (is_it)
            buffer_append_format(&result, "%s%s", NAME_KEY, new_name);
        else
            buffer_append(&result, line, size);
        line += size;
        if (*line == '\n') {
            buffer_append_string(&result, "\n");
            line++;
        }
    }
    buffer_append_string(&result, "");
    return buffer_take(&result);
}

/* Writes the definition under its new name, beside the old one. */
static int copy_definition(int dir_fd, const char *old_name, const char *new_name, Error *error)
{
    _cleanup_free_ char *old_file = text_format("%s.container", old_name);
    _cleanup_free_ char *new_file = text_format("%s.container", new_name);
    _cleanup_free_ char *text = NULL, *changed = NULL;
    struct stat st;
    size_t size = 0;
    int r;

    if (!old_file || !new_file)
        return -ENOMEM;
    r = file_read_at(dir_fd, old_file, DEFINITION_MAX_BYTES, &text, &size);
    if (r == 0 && fstatat(dir_fd, old_file, &st, AT_SYMLINK_NOFOLLOW) < 0)
        r = -errno;
    if (r < 0)
        return error_set(error, r, "cannot read '%s': %s", old_file, strerror(-r));
    changed = strlen(text) == size ? replace_name(text, old_name, new_name) : NULL;
    if (!changed)
        return strlen(text) == size ? -ENOMEM : error_set(error, -EBADMSG, "'%s' is no text", old_file);
    r = file_write_atomic_at(dir_fd, new_file, changed, strlen(changed), st.st_mode & 0777,
                             FILE_WRITE_EXCLUSIVE | FILE_WRITE_DURABLE);
    return r < 0 ? error_set(error, r, "cannot write '%s': %s", new_file, strerror(-r)) : 0;
}

static void remove_definition(int dir_fd, const char *name)
{
    _cleanup_free_ char *file = text_format("%s.container", name);

    if (file && dir_fd >= 0)
        (void) unlinkat(dir_fd, file, 0);
}

static int lock_stopped(Roster *roster, const char *name, int *ret_fd, Error *error)
{
    _cleanup_(machine_freep) Machine *machine = NULL;
    _cleanup_close_ int fd = -EBADF;
    int r = roster_lock(roster, name, &fd);

    if (r == 0 && roster_load(roster, name, &machine, NULL) == 0 && machine_is_running(machine))
        r = -EBUSY;
    if (r == -EBUSY)
        return error_hint(error, error_set(error, r, "'%s' is running", name), "berthctl stop %s stops it", name);
    if (r < 0)
        return error_set(error, r, "cannot lock '%s': %s", name, strerror(-r));
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int open_definition_directory(const char *path, int *ret_fd, Error *error)
{
    _cleanup_free_ char *directory = strdup(path);
    char *slash = directory ? strrchr(directory, '/') : NULL;

    if (!slash)
        return directory ? -EINVAL : -ENOMEM;
    *slash = 0;
    if (text_after_prefix(path, VENDOR_DIRECTORY))
        return error_hint(error, error_set(error, -EROFS, "'%s' belongs to a package", path),
                          "a copy of it with another name in /etc/berth is another container");
    *ret_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret_fd < 0 ? error_set(error, -errno, "cannot open '%s': %s", directory, strerror(errno)) : 0;
}

/* Both names are locked. */
static int rename_locked(Roster *roster, int definition_dir_fd, const char *old_name, const char *new_name,
                         Error *error)
{
    Part parts[] = {
        {roster->containers_fd, "", false}, {definition_dir_fd, ".container.d", false},
        {roster->exits_fd, "", false},      {roster->logs_fd, "", false},
        {roster->logs_fd, ":1", false},     {roster->logs_fd, ":2", false},
        {roster->logs_fd, ":3", false},     {roster->logs_fd, ":4", false},
        {roster->logs_fd, ":5", false},     {roster->logs_fd, ":6", false},
        {roster->logs_fd, ":7", false},     {roster->logs_fd, ":8", false},
        {roster->logs_fd, ":9", false},
    };
    int r;

    if (exists(definition_dir_fd, new_name, ".container") || exists(roster->containers_fd, new_name, ""))
        return error_hint(error, error_set(error, -EEXIST, "a container named '%s' exists already", new_name),
                          "berthctl rm %s removes it", new_name);
    if (definition_dir_fd < 0 && !exists(roster->containers_fd, old_name, "") &&
        !exists(roster->exits_fd, old_name, ""))
        return error_set(error, -ENOENT, "there is no container named '%s'", old_name);
    r = definition_dir_fd >= 0 ? copy_definition(definition_dir_fd, old_name, new_name, error) : 0;
    if (r < 0)
        return r;
    /* Of the last run of that name, and of no container. */
    roster_forget_exit(roster, new_name);
    roster_forget_log(roster, new_name);
    r = move_all(parts, ELEMENTSOF(parts), old_name, new_name);
    if (r < 0) {
        remove_definition(definition_dir_fd, new_name);
        return error_set(error, r, "cannot rename what '%s' has written: %s", old_name, strerror(-r));
    }
    move_old_logs(roster, old_name, new_name);
    remove_definition(definition_dir_fd, old_name);
    events_emit((Event){.kind = EVENT_RENAME, .name = new_name, .old_name = old_name});
    return 0;
}

int machine_rename(Roster *roster, const char *definition_path, const char *old_name, const char *new_name,
                   Error *error)
{
    _cleanup_close_ int old_lock_fd = -EBADF, new_lock_fd = -EBADF, dir_fd = -EBADF;
    int r;

    for (const char *name = old_name; name; name = name == old_name ? new_name : NULL)
        if (!text_is_name(name))
            return error_set(error, -EINVAL, "'%s' is not a container name", name);
    if (strcmp(old_name, new_name) == 0)
        return error_set(error, -EEXIST, "'%s' has that name", old_name);
    r = definition_path ? open_definition_directory(definition_path, &dir_fd, error) : 0;
    if (r == 0)
        r = lock_stopped(roster, old_name, &old_lock_fd, error);
    if (r == 0) {
        r = lock_stopped(roster, new_name, &new_lock_fd, error);
        if (r == 0) {
            r = rename_locked(roster, dir_fd, old_name, new_name, error);
            roster_unlock(roster, new_name);
        }
        roster_unlock(roster, old_name);
    }
    return r;
}

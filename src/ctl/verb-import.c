/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* import-quadlet: a directory of podman's quadlet files as definition files. */

#include "ctl/ctl.h"

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "ctl/definitions.h"
#include "definitions/unit.h"
#include "inputs/quadlet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES (1U << 20)

typedef struct Import {
    char *from, *to; /* directories */
    int to_fd;
    bool replace;
    unsigned lost;  /* assignments and files that have no place here */
    char **written; /* names of definition files */
} Import;

static void import_done(Import *import)
{
    free(import->from);
    free(import->to);
    safe_close(import->to_fd);
    strv_free(import->written);
}

static int write_converted(const Import *import, const char *folder, const char *name, const char *text, Error *error)
{
    _cleanup_close_ int fd = -EBADF;
    int r = file_open_directory_at(import->to_fd, folder, true, 0755, &fd);

    if (r == 0)
        r = file_write_atomic_at(fd, name, text, strlen(text), 0644, import->replace ? 0 : FILE_WRITE_EXCLUSIVE);
    if (r == -EEXIST)
        return error_hint(error, error_set(error, r, "'%s/%s' exists already", import->to, name),
                          "--replace writes over it, --output-dir= writes elsewhere");
    return r < 0 ? error_set(error, r, "cannot write '%s/%s': %s", import->to, name, strerror(-r)) : 0;
}

/* `folder` is "." or that of a definition's drop-ins. */
static int convert_file(Import *import, const char *folder, const char *name, Error *error)
{
    _cleanup_free_ char *directory = strcmp(folder, ".") == 0 ? strdup(import->from) : path_join(import->from, folder);
    _cleanup_free_ char *path = directory ? path_join(directory, name) : NULL, *text = NULL, *converted = NULL;
    _cleanup_strv_ char **notes = NULL;
    _cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -EBADF;
    size_t size = 0;
    int r;

    if (!path)
        return -ENOMEM;
    r = fd < 0 ? -errno : file_read_fd(fd, FILE_MAX_BYTES, &text, &size);
    if (r < 0)
        return error_set(error, r, "cannot read '%s': %s", path, strerror(-r));
    r = quadlet_convert(text, size, path, import->from, &converted, &notes, error);
    if (r == 0)
        r = write_converted(import, folder, name, converted, error);
    if (r < 0)
        return r;
    STRV_FOREACH (note, notes)
        log_warning("%s", *note);
    import->lost += (unsigned) strv_length(notes);
    return 0;
}

static int list_sorted(const char *path, char ***ret, Error *error)
{
    int r = file_list_at(AT_FDCWD, path, NULL, ret);

    return r < 0 ? error_set(error, r, "cannot read '%s': %s", path, strerror(-r)) : 0;
}

/* "web.container.d" */
static int convert_drop_ins(Import *import, const char *folder, Error *error)
{
    _cleanup_free_ char *path = path_join(import->from, folder);
    _cleanup_strv_ char **names = NULL;
    int r = path ? list_sorted(path, &names, error) : -ENOMEM;

    STRV_FOREACH (name, names)
        if (r == 0 && text_has_suffix(*name, ".conf"))
            r = convert_file(import, folder, *name, error);
    return r;
}

/* quadlet looks into directories, too. */
static int skip_entry(Import *import, const char *name)
{
    _cleanup_free_ char *path = path_join(import->from, name);
    struct stat st;

    if (path && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        log_warning("%s: is a directory: import it by itself", path);
        import->lost++;
    }
    return path ? 0 : -ENOMEM;
}

static int convert_entry(Import *import, const char *name, Error *error)
{
    _cleanup_free_ char *stem = NULL;
    const DefinitionType *type = definition_type_of(name, &stem);
    int r;

    if (text_has_suffix(name, ".container.d") || text_has_suffix(name, ".image.d") ||
        text_has_suffix(name, ".volume.d"))
        return convert_drop_ins(import, name, error);
    if (!type)
        return skip_entry(import, name);
    if (type->missing || !definition_name_is_valid(stem)) {
        log_warning("%s/%s: %s", import->from, name, type->missing ? type->missing : "not a container name");
        import->lost++;
        return 0;
    }
    r = convert_file(import, ".", name, error);
    return r < 0 ? r : strv_append(&import->written, name);
}

/* What the values are worth is known when all files are there. */
static int judge(const Import *import, const DefinitionPlaces *places, const char *name, Error *error)
{
    _cleanup_free_ char *path = path_join(import->to, name), *known = definition_places_find(places, name);
    _cleanup_definition_ Definition *definition = NULL;
    int r = !path                               ? -ENOMEM
            : known && strcmp(known, path) == 0 ? definition_open(places, name, &definition, error)
                                                : definition_open_path(path, &definition, error);

    if (r == 0)
        r = definition_judge(definition, places);
    if (r >= 0)
        printf("%s\n", path);
    return r;
}

static int open_directories(Ctl *ctl, Import *import, Error *error)
{
    _cleanup_strv_ char **directories = definition_directories();
    int r;

    if (!directories)
        return -ENOMEM;
    import->replace = ctl->replace;
    import->from = realpath(ctl->words[0], NULL);
    if (!import->from)
        return error_set(error, -errno, "cannot read '%s': %s", ctl->words[0], strerror(errno));
    r = file_open_directory_at(AT_FDCWD, ctl->output_directory ? ctl->output_directory : directories[0], true, 0755,
                               &import->to_fd);
    if (r < 0)
        return error_set(error, r, "cannot open '%s': %s",
                         ctl->output_directory ? ctl->output_directory : directories[0], strerror(-r));
    import->to = realpath(ctl->output_directory ? ctl->output_directory : directories[0], NULL);
    return import->to ? 0 : -errno;
}

int verb_import_quadlet(Ctl *ctl, Error *error)
{
    _cleanup_(import_done) Import import = {.to_fd = -EBADF};
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_strv_ char **names = NULL;
    int problems = 0, r = open_directories(ctl, &import, error);

    if (r == 0)
        r = list_sorted(import.from, &names, error);
    STRV_FOREACH (name, names)
        if (r == 0)
            r = convert_entry(&import, *name, error);
    if (r == 0)
        r = definition_places_load(true, &places);
    STRV_FOREACH (name, import.written) {
        if (r >= 0)
            r = judge(&import, &places, *name, error);
        problems += MAX(r, 0);
    }
    if (r < 0)
        return r;
    if (!import.written)
        return error_set(error, -ENOENT, "there is no .container and no .image file in '%s'", import.from);
    if (import.lost > 0 || problems > 0)
        log_warning("%u assignments or files have no place here, %d have errors", import.lost, problems);
    return problems > 0 || import.lost > 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cat, edit, verify-file, enable, disable: definition files as files. */

#include "ctl/ctl.h"

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "ctl/control.h"
#include "ctl/definitions.h"
#include "ctl/enablement.h"
#include "definitions/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define FILE_MAX_BYTES (1U << 20)

/* "web" is web.container; the other kinds are named as files. */
static char *file_name_of(const char *word)
{
    _cleanup_free_ char *name = NULL;

    return definition_type_of(word, &name) ? strdup(word) : text_format("%s" DEFINITION_SUFFIX, word);
}

static int open_word(const char *word, Definition **ret, Error *error)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_free_ char *file_name = file_name_of(word);
    int r = file_name ? definition_places_load(false, &places) : -ENOMEM;

    return r < 0 ? r : definition_open(&places, file_name, ret, error);
}

/* --- cat --- */

static int read_file(const char *path, char **ret, size_t *ret_size, Error *error)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int r = fd < 0 ? -errno : file_read_fd(fd, FILE_MAX_BYTES, ret, ret_size);

    return r < 0 ? error_set(error, r, "cannot read '%s': %s", path, strerror(-r)) : 0;
}

/* Whether a terminal can have the line as it is; a tab and a backslash do no harm. */
static bool is_harmless(const char *line, size_t size)
{
    _cleanup_free_ char *rest = malloc(size + 1), *escaped = NULL;
    size_t length = 0;

    for (size_t i = 0; rest && i < size; i++)
        if (line[i] != '\t' && line[i] != '\\')
            rest[length++] = line[i];
    escaped = rest ? text_escape(rest, length) : NULL;
    return escaped && strlen(escaped) == length && memcmp(escaped, rest, length) == 0;
}

static int print_line(const char *line, size_t size)
{
    _cleanup_free_ char *shown = NULL;

    if (!isatty(STDOUT_FILENO) || is_harmless(line, size)) {
        fwrite(line, 1, size, stdout);
        putchar('\n');
        return 0;
    }
    shown = text_escape(line, size);
    return shown && puts(shown) >= 0 ? 0 : -ENOMEM;
}

static int print_file(const char *path, bool is_first, Error *error)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r = read_file(path, &text, &size, error);

    if (r < 0)
        return r;
    printf("%s# %s\n", is_first ? "" : "\n", path);
    for (char *line = text, *end; line < text + size && r == 0; line = end + 1) {
        end = memchr(line, '\n', (size_t) (text + size - line));
        end = end ? end : text + size;
        r = print_line(line, (size_t) (end - line));
    }
    return r;
}

static int cat_one(Ctl *ctl, const char *word, void *userdata, Error *error)
{
    _cleanup_definition_ Definition *definition = NULL;
    bool *is_first = userdata;
    int r = open_word(word, &definition, error);

    (void) ctl;
    if (r == 0 && definition->is_masked)
        return error_set(error, -ENOENT, "'%s' is a link to /dev/null: there is to be no such container",
                         definition->path);
    if (r == 0)
        r = print_file(definition->path, *is_first, error);
    *is_first = false;
    STRV_FOREACH (drop_in, r == 0 ? definition->drop_ins : NULL)
        if (r == 0)
            r = print_file(*drop_in, false, error);
    return r;
}

int verb_cat(Ctl *ctl, Error *error)
{
    bool is_first = true;

    return ctl_for_each_word(ctl, cat_one, &is_first, error);
}

/* --- verify-file --- */

/* A file that is where definitions are read from is judged with its drop-ins. */
static int open_path(const DefinitionPlaces *places, const char *path, Definition **ret, Error *error)
{
    _cleanup_free_ char *full = realpath(path, NULL), *known = NULL;

    if (!full)
        return error_set(error, -errno, "cannot read '%s': %s", path, strerror(errno));
    known = definition_places_find(places, path_last(path));
    if (known && strcmp(known, full) == 0)
        return definition_open(places, path_last(path), ret, error);
    return definition_open_path(path, ret, error);
}

int verb_verify_file(Ctl *ctl, Error *error)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    int problems = 0, r = definition_places_load(true, &places);

    STRV_FOREACH (path, ctl->words) {
        _cleanup_definition_ Definition *definition = NULL;

        if (r >= 0)
            r = open_path(&places, *path, &definition, error);
        if (r == 0 && !definition->is_masked)
            r = definition_judge(definition, &places);
        if (r < 0)
            return r;
        problems += r;
        r = 0;
    }
    return problems > 0;
}

/* --- edit --- */

static int run_editor(const char *path, Error *error)
{
    const char *const candidates[] = {secure_getenv("SYSTEMD_EDITOR"),
                                      secure_getenv("EDITOR"),
                                      secure_getenv("VISUAL"),
                                      "editor",
                                      "nano",
                                      "vim",
                                      "vi"};

    for (size_t i = 0; i < ELEMENTSOF(candidates); i++) {
        _cleanup_strv_ char **argv = NULL;
        pid_t pid = 0;
        int status = 0, r;

        if (text_is_empty(candidates[i]))
            continue;
        if (text_split_words(candidates[i], &argv) < 0 || !argv)
            return error_set(error, -EINVAL, "'%s' is not an editor", candidates[i]);
        if (strv_append(&argv, path) < 0)
            return -ENOMEM;
        r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
        if (r == ENOENT)
            continue;
        if (r > 0)
            return error_set(error, -r, "cannot run '%s': %s", argv[0], strerror(r));
        while (waitpid(pid, &status, 0) < 0)
            if (errno != EINTR)
                return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0
                   ? 0
                   : error_set(error, -ECANCELED, "the editor failed: nothing is changed");
    }
    return error_hint(error, error_set(error, -ENOENT, "there is no editor"), "set $EDITOR");
}

/* The text as somebody has edited it, in a file of its own that has the same name: messages are to name it. */
static int edit_copy(const char *directory, const char *file_name, const char *text, char **ret_text, size_t *ret_size,
                     Error *error)
{
    _cleanup_free_ char *path = path_join(directory, file_name);
    _cleanup_close_ int fd = -EBADF;
    int r;

    if (!path)
        return -ENOMEM;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    r = fd < 0 ? -errno : file_write_all(fd, text, strlen(text));
    if (r < 0)
        return error_set(error, r, "cannot write '%s': %s", path, strerror(-r));
    r = run_editor(path, error);
    return r < 0 ? r : read_file(path, ret_text, ret_size, error);
}

static int check_edited(const char *directory, const char *file_name, Error *error)
{
    _cleanup_(definition_places_done) DefinitionPlaces places = {};
    _cleanup_definition_ Definition *definition = NULL;
    _cleanup_free_ char *path = path_join(directory, file_name);
    int r = path ? definition_places_load(true, &places) : -ENOMEM;

    if (r == 0)
        r = definition_open_path(path, &definition, error);
    if (r == 0)
        r = definition_judge(definition, &places);
    return r > 0
               ? error_hint(error, error_set(error, -EINVAL, "the edited text is not taken"), "it is kept in %s", path)
               : r;
}

static int save_edited(const char *file_name, const char *text, size_t size, Error *error)
{
    _cleanup_strv_ char **directories = definition_directories();
    _cleanup_close_ int fd = -EBADF;
    int r = directories ? file_open_directory_at(AT_FDCWD, directories[0], true, 0755, &fd) : -ENOMEM;

    if (r == 0)
        r = file_write_atomic_at(fd, file_name, text, size, 0644, FILE_WRITE_DURABLE);
    return r < 0 ? error_set(error, r, "cannot write '%s/%s': %s", directories ? directories[0] : "", file_name,
                             strerror(-r))
                 : 0;
}

static int edit_in(const char *directory, const Definition *definition, Error *error)
{
    const char *file_name = path_last(definition->path);
    _cleanup_free_ char *before = NULL, *after = NULL;
    size_t before_size = 0, after_size = 0;
    int r = read_file(definition->path, &before, &before_size, error);

    if (r == 0)
        r = edit_copy(directory, file_name, before, &after, &after_size, error);
    if (r < 0)
        return r;
    if (before_size == after_size && memcmp(before, after, after_size) == 0) {
        log_info("'%s' is as it was", definition->path);
        return 0;
    }
    r = check_edited(directory, file_name, error);
    if (r == 0)
        r = save_edited(file_name, after, after_size, error);
    return r < 0 ? r : enablement_reload(error);
}

int verb_edit(Ctl *ctl, Error *error)
{
    char directory[] = "/tmp/berth-edit.XXXXXX";
    _cleanup_definition_ Definition *definition = NULL;
    _cleanup_close_ int tmp_fd = -EBADF;
    int r = open_word(ctl->words[0], &definition, error);

    if (r == 0 && definition->is_masked)
        return error_set(error, -ENOENT, "'%s' is a link to /dev/null: there is to be no such container",
                         definition->path);
    if (r < 0)
        return r;
    if (!mkdtemp(directory))
        return error_set(error, -errno, "cannot make a directory in /tmp: %s", strerror(errno));
    r = edit_in(directory, definition, error);
    /* What somebody wrote and was not taken stays where the message says. */
    if (r == -EINVAL)
        return r;
    tmp_fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void) file_remove_tree_at(tmp_fd, path_last(directory));
    return r;
}

/* --- enable, disable --- */

static int enable_one(Ctl *ctl, const char *name, void *userdata, Error *error)
{
    bool enable = *(const bool *) userdata;
    int r = enablement_set(name, enable, ctl->now, error);

    if (r < 0 || !ctl->now || r == ENABLEMENT_OF_TREE)
        return MIN(r, 0);
    if (enable)
        return ctl_start(ctl, name, error);
    r = control_stop(ctl, name, UINT64_MAX, error);
    if (r == -ENOENT) {
        error_done(error);
        r = 0;
    }
    return r;
}

int verb_enable(Ctl *ctl, Error *error)
{
    bool enable = true;

    return ctl_for_each_word(ctl, enable_one, &enable, error);
}

int verb_disable(Ctl *ctl, Error *error)
{
    bool enable = false;

    return ctl_for_each_word(ctl, enable_one, &enable, error);
}

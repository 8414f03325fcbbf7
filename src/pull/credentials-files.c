/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pull/credentials-files.h"

#include "base/file.h"
#include "base/program.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_MAX_BYTES   (1U << 20)
#define ANSWER_MAX_BYTES (64U << 10)

int credentials_list_files(const char *given, char ***ret)
{
    const char *runtime = secure_getenv("XDG_RUNTIME_DIR"), *config = secure_getenv("XDG_CONFIG_HOME"),
               *home = secure_getenv("HOME"), *docker = secure_getenv("DOCKER_CONFIG"),
               *named = given ? given : secure_getenv("REGISTRY_AUTH_FILE");
    int r = 0;

    if (!text_is_empty(named))
        return strv_append(ret, named);
    if (!text_is_empty(runtime))
        r = strv_append_format(ret, "%s/containers/auth.json", runtime);
    if (r == 0)
        r = strv_append_format(ret, "/run/containers/%u/auth.json", (unsigned) geteuid());
    if (r == 0 && !text_is_empty(config))
        r = strv_append_format(ret, "%s/containers/auth.json", config);
    if (r == 0 && !text_is_empty(home) && text_is_empty(config))
        r = strv_append_format(ret, "%s/.config/containers/auth.json", home);
    if (r == 0 && !text_is_empty(docker))
        r = strv_append_format(ret, "%s/config.json", docker);
    else if (r == 0 && !text_is_empty(home))
        r = strv_append_format(ret, "%s/.docker/config.json", home);
    return r;
}

/* --- helpers --- */

/* What a helper says, and whether it ended well. */
typedef struct HelperAnswer {
    char *text; /* with a NUL */
    size_t size;
    bool is_good;
} HelperAnswer;

static void helper_answer_done(HelperAnswer *answer)
{
    if (answer->text)
        explicit_bzero(answer->text, answer->size);
    free(answer->text);
}
#define _cleanup_helper_answer_ _cleanup_(helper_answer_done)

static int run_helper(const char *program, const char *verb, const char *input, HelperAnswer *answer, Error *error)
{
    const char *argv[] = {program, verb, NULL};
    const ProgramFilter filter = {
        .argv = argv, .input = input, .input_size = strlen(input), .output_max = ANSWER_MAX_BYTES};
    int r = program_filter(&filter, &answer->text, &answer->size);

    if (r < 0)
        return error_set(error, r, "cannot run the credential helper %s: %s", program, strerror(-r));
    answer->is_good = r == 0;
    return 0;
}

static int ask_helper(const char *helper, const char *host, Credentials *ret, Error *error)
{
    _cleanup_free_ char *program = text_format("docker-credential-%s", helper);
    _cleanup_helper_answer_ HelperAnswer answer = {};
    int r = program ? run_helper(program, "get", host, &answer, error) : -ENOMEM;

    if (r < 0)
        return r;
    /* Helpers say in words, on their standard output, that they have nothing. */
    if (!answer.is_good)
        return strstr(answer.text, "credentials not found")
                   ? 0
                   : error_set(error, -EACCES, "the credential helper %s failed", program);
    r = credentials_parse_helper(answer.text, answer.size, ret, error);
    return r < 0 ? error_prefix(error, r, "the answer of %s", program) : 0;
}

/* What it says when it refuses is not shown: it could be the secret. */
static int tell_helper(const char *helper, const char *verb, const char *input, Error *error)
{
    _cleanup_free_ char *program = text_format("docker-credential-%s", helper);
    _cleanup_helper_answer_ HelperAnswer answer = {};
    int r = program ? run_helper(program, verb, input, &answer, error) : -ENOMEM;

    if (r == 0 && !answer.is_good)
        r = error_set(error, -EACCES, "the credential helper %s failed to %s", program, verb);
    return r;
}

/* --- reading --- */

/* *ret NULL: there is no such file. */
static int read_file(const char *path, char **ret, size_t *ret_size, Error *error)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int r = fd < 0 ? -errno : file_read_fd(fd, FILE_MAX_BYTES, ret, ret_size);

    if (r == -ENOENT || r == -ENOTDIR)
        return 0;
    return r < 0 ? error_set(error, r, "cannot read '%s': %s", path, strerror(-r)) : 0;
}

static int look_into(const char *path, const char *host, const char *repository, Credentials *ret, Error *error)
{
    _cleanup_free_ char *json = NULL, *helper = NULL;
    size_t size = 0;
    int r = read_file(path, &json, &size, error);

    if (r < 0 || !json)
        return r;
    r = credentials_find(json, size, host, repository, ret, &helper, error);
    explicit_bzero(json, size);
    if (r == 0 && helper)
        r = ask_helper(helper, host, ret, error);
    return r < 0 ? error_prefix(error, r, "%s", path) : 0;
}

int credentials_load(char *const *files, const char *host, const char *repository, Credentials *ret, Error *error)
{
    int r = 0;

    STRV_FOREACH (file, files)
        if (r == 0 && !credentials_are_set(ret))
            r = look_into(*file, host, repository, ret, error);
    return r;
}

/* --- writing --- */

/* The file that is meant, what is in it, and its directory, locked against others who change something there. */
typedef struct AuthFile {
    char *path, *name; /* name: in the directory; points into path */
    int directory_fd;
    char *json;
    size_t size;
    char *helper; /* that it names for the host, or NULL */
} AuthFile;

static void auth_file_done(AuthFile *file)
{
    free(file->path);
    safe_close(file->directory_fd);
    if (file->json)
        explicit_bzero(file->json, file->size);
    free(file->json);
    free(file->helper);
}

static int open_directory(const char *path, bool create, int *ret_fd)
{
    _cleanup_free_ char *copy = strdup(path);
    const char *directory = copy ? dirname(copy) : NULL;
    int fd;

    if (!directory)
        return -ENOMEM;
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && create)
        return file_open_directory_at(AT_FDCWD, directory, true, 0700, ret_fd);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

/* A link is followed: who keeps the file elsewhere wants it there. */
static int open_auth_file(const char *path, const char *host, bool create, AuthFile *file, Error *error)
{
    char *slash;
    int r;

    file->path = realpath(path, NULL);
    if (!file->path)
        file->path = strdup(path);
    if (!file->path)
        return -ENOMEM;
    slash = strrchr(file->path, '/');
    file->name = slash ? slash + 1 : file->path;
    r = open_directory(file->path, create, &file->directory_fd);
    if ((r == -ENOENT || r == -ENOTDIR) && !create)
        return 1;
    if (r == 0 && flock(file->directory_fd, LOCK_EX) < 0)
        r = -errno;
    if (r < 0)
        return error_set(error, r, "cannot open the directory of '%s': %s", file->path, strerror(-r));
    r = read_file(file->path, &file->json, &file->size, error);
    if (r < 0 || !file->json)
        return r < 0 ? r : !create;
    r = credentials_find_helper(file->json, file->size, host, &file->helper, error);
    return r < 0 ? error_prefix(error, r, "%s", file->path) : 0;
}

static int write_file(const AuthFile *file, const char *host, const Credentials *credentials, Error *error)
{
    char *text = NULL;
    int r = credentials_edit(file->json, file->size, host, credentials, &text, error), written;

    if (r < 0)
        return error_prefix(error, r, "%s", file->path);
    written =
        r == 0 ? file_write_atomic_at(file->directory_fd, file->name, text, strlen(text), 0600, FILE_WRITE_DURABLE) : 0;
    explicit_bzero(text, strlen(text));
    free(text);
    return written < 0 ? error_set(error, written, "cannot write '%s': %s", file->path, strerror(-written)) : r;
}

int credentials_save(const char *path, const char *host, const Credentials *credentials, char **ret_place, Error *error)
{
    _cleanup_(auth_file_done) AuthFile file = {.directory_fd = -EBADF};
    char *input;
    int r = open_auth_file(path, host, true, &file, error);

    if (r == 0 && !file.helper) {
        r = write_file(&file, host, credentials, error);
        *ret_place = r == 0 ? strdup(file.path) : NULL;
        return r == 0 && !*ret_place ? -ENOMEM : r;
    }
    if (r < 0)
        return r;
    input = credentials_format_helper(host, credentials);
    r = input ? tell_helper(file.helper, "store", input, error) : -ENOMEM;
    if (input)
        explicit_bzero(input, strlen(input));
    free(input);
    if (r < 0)
        return r;
    *ret_place = text_format("docker-credential-%s", file.helper);
    return *ret_place ? 0 : -ENOMEM;
}

static int remove_from_helper(const AuthFile *file, const char *host, Error *error)
{
    _cleanup_credentials_ Credentials known = {};
    int r = ask_helper(file->helper, host, &known, error);

    if (r < 0 || !credentials_are_set(&known))
        return r < 0 ? r : 1;
    return tell_helper(file->helper, "erase", host, error);
}

int credentials_remove(const char *path, const char *host, char **ret_place, Error *error)
{
    _cleanup_(auth_file_done) AuthFile file = {.directory_fd = -EBADF};
    int r = open_auth_file(path, host, false, &file, error), from_helper = 1;

    if (r != 0)
        return r;
    r = write_file(&file, host, NULL, error);
    if (r >= 0 && file.helper)
        from_helper = remove_from_helper(&file, host, error);
    if (r < 0 || from_helper < 0)
        return MIN(r, from_helper);
    if (r == 1 && from_helper == 1)
        return 1;
    *ret_place = from_helper == 0 ? text_format("docker-credential-%s", file.helper) : strdup(file.path);
    return *ret_place ? 0 : -ENOMEM;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where passwords are: the files of docker and podman, in podman's order, and the helpers that these name. What cannot be
 * read or asked is an error, never "no password". */
#include "puller/site.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MAX_BYTES   (1U << 20)
#define ANSWER_MAX_BYTES (64U << 10)

static int list_files(const char *given, char ***ret)
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

static int run_helper(const char *program, const char *host, char **ret, size_t *ret_size, Error *error)
{
    _cleanup_close_ int in_read = -EBADF, in_write = -EBADF, out_read = -EBADF, out_write = -EBADF;
    posix_spawn_file_actions_t actions;
    char *argv[] = {(char *) program, (char *) "get", NULL};
    int in[2], out[2], status = 0, r;
    char *answer = calloc(1, ANSWER_MAX_BYTES + 1);
    ssize_t n = 0;
    pid_t pid = 0;

    *ret = answer;
    if (!answer || pipe2(in, O_CLOEXEC) < 0)
        return -ENOMEM;
    in_read = in[0];
    in_write = in[1];
    if (pipe2(out, O_CLOEXEC) < 0)
        return -errno;
    out_read = out[0];
    out_write = out[1];
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in_read, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out_write, STDOUT_FILENO);
    r = -posix_spawnp(&pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r < 0)
        return error_set(error, r, "cannot run the credential helper %s: %s", program, strerror(-r));
    in_read = safe_close(in_read);
    out_write = safe_close(out_write);
    (void) file_write_all(in_write, host, strlen(host));
    in_write = safe_close(in_write);
    n = file_read_all(out_read, answer, ANSWER_MAX_BYTES);
    out_read = safe_close(out_read);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    *ret_size = n > 0 ? (size_t) n : 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 && n >= 0 ? 0 : 1;
}

/* Helpers say in words, on their standard output, that they have nothing. */
static int ask_helper(Site *site, const char *helper, const char *host, Error *error)
{
    _cleanup_free_ char *program = text_format("docker-credential-%s", helper), *answer = NULL;
    size_t size = 0;
    int r = program ? run_helper(program, host, &answer, &size, error) : -ENOMEM;

    if (r == 1)
        r = strstr(answer, "credentials not found")
                ? 0
                : error_set(error, -EACCES, "the credential helper %s failed", program);
    else if (r == 0) {
        r = credentials_parse_helper(answer, size, &site->credentials, error);
        if (r < 0)
            r = error_prefix(error, r, "the answer of %s", program);
    }
    if (answer)
        explicit_bzero(answer, ANSWER_MAX_BYTES);
    return r;
}

static int look_into(Site *site, const char *path, const char *domain, const char *repository, Error *error)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    _cleanup_free_ char *json = NULL, *helper = NULL;
    size_t size = 0;
    int r = fd < 0 ? -errno : file_read_fd(fd, FILE_MAX_BYTES, &json, &size);

    if (r == -ENOENT || r == -ENOTDIR)
        return 0;
    if (r < 0)
        return error_set(error, r, "cannot read '%s': %s", path, strerror(-r));
    r = credentials_find(json, size, domain, repository, &site->credentials, &helper, error);
    explicit_bzero(json, size);
    if (r == 0 && helper)
        r = ask_helper(site, helper, domain, error);
    return r < 0 ? error_prefix(error, r, "%s", path) : 0;
}

int site_load_credentials(Site *site, const char *domain, const char *repository, const char *auth_file, Error *error)
{
    _cleanup_strv_ char **files = NULL;
    int r = list_files(auth_file, &files);

    STRV_FOREACH (file, files)
        if (r == 0 && !credentials_are_set(&site->credentials))
            r = look_into(site, *file, domain, repository, error);
    return r;
}

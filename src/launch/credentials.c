/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets for the payload: credentials (https://systemd.io/CREDENTIALS), which are given, read from files, or those of the unit
 * that we are in, and secrets of the host's store. They go into the plan, which is in memory only, and nowhere else. */

#include "launch/internal.h"

#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/text.h"
#include "host/secret.h"
#include "spec/credentials.h"
#include "spec/secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CREDENTIALS_MAX       256
#define CREDENTIAL_MAX_BYTES  (1U << 20)
#define CREDENTIALS_MAX_BYTES (8U << 20) /* all of them: they travel in the plan */

void launch_free_credentials(Launch *launch)
{
    for (size_t i = 0; i < launch->credentials_count; i++) {
        free(launch->credentials[i].name);
        if (launch->credentials[i].data)
            explicit_bzero(launch->credentials[i].data, launch->credentials[i].size);
        free(launch->credentials[i].data);
    }
    free(launch->credentials);
}

static bool is_known(const Launch *launch, const char *name)
{
    for (size_t i = 0; i < launch->credentials_count; i++)
        if (launch->credentials[i].place == CREDENTIAL_DIRECTORY && strcmp(launch->credentials[i].name, name) == 0)
            return true;
    return false;
}

/* Takes the data. */
static int add_placed(Launch *launch, const char *name, char *data, size_t size, const Credential *place,
                      const char *origin, Error *error)
{
    size_t count = launch->credentials_count, total = size;
    Credential *larger = NULL;
    char *copy = strdup(name);

    for (size_t i = 0; i < count; i++)
        total += launch->credentials[i].size;
    if (copy && count < CREDENTIALS_MAX && total <= CREDENTIALS_MAX_BYTES)
        larger = reallocarray(launch->credentials, count + 1, sizeof(Credential));
    if (!larger) {
        explicit_bzero(data, size);
        free(data);
        free(copy);
        return error_set(error, -E2BIG, "%s: more than %u credentials, or %u MiB of them", origin, CREDENTIALS_MAX,
                         CREDENTIALS_MAX_BYTES >> 20);
    }
    larger[count] = *place;
    larger[count].name = copy;
    larger[count].data = data;
    larger[count].size = size;
    launch->credentials = larger;
    launch->credentials_count++;
    return 0;
}

static int add(Launch *launch, const char *name, char *data, size_t size, const char *origin, Error *error)
{
    return add_placed(launch, name, data, size, &(Credential){.place = CREDENTIAL_DIRECTORY}, origin, error);
}

static int add_given(Launch *launch, const char *assignment, Error *error)
{
    _cleanup_free_ char *name = strndup(assignment, strcspn(assignment, ":"));
    char *data = name ? strdup(assignment + strlen(name) + 1) : NULL;

    if (!data)
        return -ENOMEM;
    return add(launch, name, data, strlen(data),
               spec_origin(launch->request.spec, offsetof(ContainerSpec, set_credentials)), error);
}

static int read_credential(int directory_fd, const char *path, char **ret, size_t *ret_size)
{
    _cleanup_close_ int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    return fd < 0 ? -errno : file_read_fd(fd, CREDENTIAL_MAX_BYTES, ret, ret_size);
}

static int add_from_file(Launch *launch, int unit_fd, const char *assignment, Error *error)
{
    const char *origin = spec_origin(launch->request.spec, offsetof(ContainerSpec, load_credentials));
    _cleanup_free_ char *name = strndup(assignment, strcspn(assignment, ":"));
    const char *path = name ? assignment + strlen(name) + 1 : NULL;
    char *data = NULL;
    size_t size = 0;
    int r;

    if (!path)
        return -ENOMEM;
    if (is_known(launch, name))
        return error_set(error, -EEXIST, "%s: the credential '%s' is given twice", origin, name);
    /* A name alone is a credential of the unit. */
    r = path[0] == '/' ? read_credential(AT_FDCWD, path, &data, &size)
        : unit_fd >= 0 ? read_credential(unit_fd, path, &data, &size)
                       : -ENOENT;
    if (r < 0)
        return error_set(error, r, "%s: cannot read the credential '%s' from '%s': %s", origin, name, path,
                         r == -EFBIG ? "it is larger than 1 MiB" : strerror(-r));
    return add(launch, name, data, size, origin, error);
}

/* LoadCredential= and SetCredential= of the unit: what nobody said otherwise. */
static int add_from_unit(Launch *launch, int unit_fd, Error *error)
{
    int fd = openat(unit_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int r = 0;

    if (!directory) {
        r = -errno;
        safe_close(fd);
        return error_set(error, r, "cannot read $CREDENTIALS_DIRECTORY: %s", strerror(-r));
    }
    while (r == 0 && (entry = readdir(directory))) {
        char *data = NULL;
        size_t size = 0;

        if (!credential_is_name(entry->d_name) || is_known(launch, entry->d_name))
            continue;
        r = read_credential(unit_fd, entry->d_name, &data, &size);
        r = r == -ENOTSUP || r == -EISDIR ? 0
            : r < 0 ? error_set(error, r, "cannot read the unit's credential '%s': %s", entry->d_name, strerror(-r))
                    : add(launch, entry->d_name, data, size, "$CREDENTIALS_DIRECTORY", error);
    }
    closedir(directory);
    return r;
}

static int read_secret(int secrets_fd, const SecretUse *use, char **ret, size_t *ret_size, Error *error)
{
    int r = secret_read(secrets_fd, use->name, ret, ret_size, error);

    if (r < 0 || !use->is_variable || !memchr(*ret, 0, *ret_size))
        return r;
    explicit_bzero(*ret, *ret_size);
    free(*ret);
    return error_set(error, -EINVAL, "the secret '%s' holds a zero byte, which no variable can", use->name);
}

static int add_secrets(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    const char *origin = spec_origin(spec, offsetof(ContainerSpec, secrets));
    _cleanup_close_ int secrets_fd = -EBADF;
    int r = spec->secrets ? secrets_open(launch->request.roster->data_fd, false, &secrets_fd) : 0;

    if (r < 0 && r != -ENOENT)
        return error_set(error, r, "cannot open the secrets: %s", strerror(-r));
    r = 0;
    STRV_FOREACH (text, spec->secrets) {
        _cleanup_secret_use_ SecretUse use = {};
        char *data = NULL;
        size_t size = 0;

        r = secret_use_parse(*text, &use, error);
        if (r == 0)
            r = read_secret(secrets_fd, &use, &data, &size, error);
        if (r == 0)
            r = add_placed(launch, use.target, data, size,
                           &(Credential){.place = use.is_variable ? CREDENTIAL_VARIABLE : CREDENTIAL_FILE,
                                         .mode = use.mode,
                                         .uid = use.uid,
                                         .gid = use.gid},
                           origin, error);
        if (r < 0)
            return error_prefix(error, r, "%s", origin);
    }
    return r;
}

int launch_record_secrets(Launch *launch)
{
    int r = 0;

    STRV_FOREACH (text, launch->request.spec->secrets) {
        _cleanup_secret_use_ SecretUse use = {};

        r = secret_use_parse(*text, &use, NULL);
        if (r == 0 && use.is_variable)
            r = strv_append_format(&launch->machine->secret_environment, "%s=%s", use.target, use.name);
        if (r < 0)
            return r;
    }
    return r;
}

int launch_read_secret_variables(const Roster *roster, char *const *assignments, char ***ret, Error *error)
{
    _cleanup_close_ int secrets_fd = -EBADF;
    _cleanup_(launch_wipe_strings) char **list = NULL;
    int r = assignments ? secrets_open(roster->data_fd, false, &secrets_fd) : 0;

    if (r < 0 && r != -ENOENT)
        return error_set(error, r, "cannot open the secrets: %s", strerror(-r));
    STRV_FOREACH (assignment, assignments) {
        size_t length = strcspn(*assignment, "="), size = 0;
        const char *name = (*assignment)[length] ? *assignment + length + 1 : "";
        _cleanup_error_ Error problem = {};
        char *data = NULL;

        r = secret_read(secrets_fd, name, &data, &size, &problem);
        if (r == -ENOENT) {
            r = 0;
            continue;
        }
        error_move(error, &problem);
        if (r == 0 && !memchr(data, 0, size))
            r = strv_append_format(&list, "%.*s=%s", (int) length, *assignment, data);
        if (data)
            explicit_bzero(data, size);
        free(data);
        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(list);
    return 0;
}

void launch_wipe_strings(char ***list)
{
    STRV_FOREACH (item, *list)
        explicit_bzero(*item, strlen(*item));
    strv_free(*list);
}

int launch_gather_credentials(Launch *launch, Error *error)
{
    const ContainerSpec *spec = launch->request.spec;
    const char *unit_path = spec->keep_unit ? getenv("CREDENTIALS_DIRECTORY") : NULL;
    _cleanup_close_ int unit_fd = -EBADF;
    int r = 0;

    if (unit_path && path_is_absolute(unit_path)) {
        unit_fd = open(unit_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (unit_fd < 0)
            return error_set(error, -errno, "cannot open $CREDENTIALS_DIRECTORY: %s", strerror(errno));
    }
    STRV_FOREACH (assignment, spec->set_credentials)
        if (r == 0)
            r = add_given(launch, *assignment, error);
    STRV_FOREACH (assignment, spec->load_credentials)
        if (r == 0)
            r = add_from_file(launch, unit_fd, *assignment, error);
    if (r == 0 && unit_fd >= 0)
        r = add_from_unit(launch, unit_fd, error);
    if (r == 0)
        r = add_secrets(launch, error);
    launch->facts.credentials = launch->credentials;
    launch->facts.credentials_count = launch->credentials_count;
    return r;
}

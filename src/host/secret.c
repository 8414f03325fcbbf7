/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/secret.h"

#include "base/file.h"
#include "base/json.h"
#include "base/program.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "systemd-creds"
#define NONE    "none"
/* Base64, with what encryption and line breaks add. */
#define FILE_MAX_BYTES (2 * SECRET_MAX_BYTES)
#define HEADER_MAX     512
#define TEMPORARY_SEC  3600

/* A file is one line of JSON, which is no secret, and what systemd-creds made, or the secret itself. */
static const JsonField fields[] = {
    JSON_FIELD(SecretInfo, created_usec, JSON_FIELD_U64),
    JSON_FIELD(SecretInfo, updated_usec, JSON_FIELD_U64),
    JSON_FIELD(SecretInfo, encryption, JSON_FIELD_STRING),
};

void secret_info_done(SecretInfo *info)
{
    json_fields_done(info, fields, ELEMENTSOF(fields));
    *info = (SecretInfo){};
}

int secrets_open(int data_fd, bool create, int *ret_fd)
{
    return data_fd < 0 ? -ENOENT : file_open_directory_at(data_fd, "secrets", create, 0700, ret_fd);
}

int secrets_list(int secrets_fd, char ***ret)
{
    _cleanup_strv_ char **names = NULL;
    int r = file_list_at(secrets_fd, ".", text_is_name, &names);

    if (r < 0)
        return r;
    *ret = TAKE_PTR(names);
    return 0;
}

static void wipe(char *bytes, size_t size)
{
    if (bytes)
        explicit_bzero(bytes, size);
    free(bytes);
}

static uint64_t now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static int check_name(const char *name, Error *error)
{
    return text_is_name(name) ? 0
                              : error_hint(error, error_set(error, -EINVAL, "'%s' is not a name for a secret", name),
                                           "up to %d letters, digits, '_', '+', '-' and '.', not first", TEXT_NAME_MAX);
}

/* `bytes` is the whole file, *ret_at where the secret begins. */
static int parse_header(const char *bytes, size_t size, SecretInfo *ret, size_t *ret_at)
{
    const char *end = memchr(bytes, '\n', size < HEADER_MAX ? size : HEADER_MAX);
    _cleanup_json_ json_t *json = NULL;
    _cleanup_secret_info_ SecretInfo info = {};

    if (!end || json_parse_object(bytes, (size_t) (end - bytes), &json, NULL) < 0 ||
        json_fields_read(json, fields, ELEMENTSOF(fields), &info, NULL, NULL) < 0 || !info.encryption ||
        (strcmp(info.encryption, NONE) != 0 && strcmp(info.encryption, PROGRAM) != 0))
        return -EBADMSG;
    *ret = info;
    info = (SecretInfo){};
    *ret_at = (size_t) (end - bytes) + 1;
    return 0;
}

static int load(int secrets_fd, const char *name, SecretInfo *ret_info, char **ret, size_t *ret_size, size_t *ret_at,
                Error *error)
{
    char *bytes = NULL;
    size_t size = 0;
    int r = check_name(name, error);

    if (r < 0)
        return r;
    r = secrets_fd < 0 ? -ENOENT : file_read_at(secrets_fd, name, FILE_MAX_BYTES + HEADER_MAX, &bytes, &size);
    if (r == -ENOENT)
        return error_hint(error, error_set(error, r, "there is no secret named '%s'", name),
                          "berthctl secret list shows them, berthctl secret create makes one");
    if (r < 0)
        return error_set(error, r, "cannot read the secret '%s': %s", name, strerror(-r));
    r = parse_header(bytes, size, ret_info, ret_at);
    if (r < 0) {
        wipe(bytes, size);
        return error_hint(error, error_set(error, r, "the file of the secret '%s' is damaged", name),
                          "berthctl secret create --replace %s writes it anew", name);
    }
    *ret = bytes;
    *ret_size = size;
    return 0;
}

int secret_load_info(int secrets_fd, const char *name, SecretInfo *ret, Error *error)
{
    char *bytes = NULL;
    size_t size = 0, at = 0;
    int r = load(secrets_fd, name, ret, &bytes, &size, &at, error);

    wipe(bytes, size);
    return r;
}

/* Its name is a part of what is encrypted: one secret's file cannot be passed off as another's. */
static int run_program(const char *verb, const char *name, const char *key, const void *input, size_t input_size,
                       size_t output_max, char **ret, size_t *ret_size, Error *error)
{
    _cleanup_free_ char *name_option = text_format("--name=%s", name);
    _cleanup_free_ char *key_option = key ? text_format("--with-key=%s", key) : NULL;
    const char *argv[] = {PROGRAM, name_option, key ? key_option : "--newline=no", verb, "-", "-", NULL};
    char complaint[256] = "", *output = NULL;
    const ProgramFilter filter = {.argv = argv,
                                  .input = input,
                                  .input_size = input_size,
                                  .output_max = output_max,
                                  .complaint = complaint,
                                  .complaint_size = sizeof(complaint)};
    size_t size = 0;
    int r = name_option && (key_option || !key) ? program_filter(&filter, &output, &size) : -ENOMEM;

    if (r == 0) {
        *ret = output;
        *ret_size = size;
        return 0;
    }
    wipe(output, size);
    return r < 0 ? error_set(error, r, "cannot run " PROGRAM ": %s", strerror(-r))
                 : error_set(error, -EIO, PROGRAM " cannot %s the secret '%s': %s", verb, name,
                             complaint[0] ? complaint : "it does not say why");
}

/* Not "null", which systemd-creds knows too and which is no key. */
static int check_key(const char *key, Error *error)
{
    static const char *const keys[] = {"auto", "host", "tpm2", "host+tpm2", NONE};

    for (size_t i = 0; i < ELEMENTSOF(keys); i++)
        if (!key || strcmp(key, keys[i]) == 0)
            return 0;
    return error_set(error, -EINVAL, "--with-key=%s: use auto, host, tpm2, host+tpm2 or none", key);
}

/* What is to be written; 1 when it is the secret itself because there is no systemd-creds. */
static int encrypt(const char *name, const char *key, const void *data, size_t size, SecretInfo *info, char **ret,
                   size_t *ret_size, Error *error)
{
    _cleanup_error_ Error problem = {};
    bool is_plain = key && strcmp(key, NONE) == 0;
    int r = is_plain
                ? 0
                : run_program("encrypt", name, key ? key : "auto", data, size, FILE_MAX_BYTES, ret, ret_size, &problem);

    if (r < 0 && !(r == -ENOENT && !key)) {
        error_move(error, &problem);
        return error_hint(error, r, "--with-key=" NONE " keeps it in a file that only root can read");
    }
    info->encryption = strdup(is_plain || r < 0 ? NONE : PROGRAM);
    if (!info->encryption)
        return -ENOMEM;
    if (is_plain || r < 0) {
        *ret = malloc(size + 1);
        if (!*ret)
            return -ENOMEM;
        memcpy(*ret, data, size);
        *ret_size = size;
    }
    return r < 0;
}

static int write_file(int secrets_fd, const char *name, const SecretInfo *info, SecretWrite how, const char *bytes,
                      size_t size)
{
    _cleanup_json_ json_t *json = json_fields_build(info, fields, ELEMENTSOF(fields));
    _cleanup_free_ char *header = json ? json_dumps(json, JSON_COMPACT) : NULL;
    size_t header_size = header ? strlen(header) : 0;
    char *file = header ? malloc(header_size + 1 + size) : NULL;
    int r;

    if (!file)
        return -ENOMEM;
    memcpy(file, header, header_size);
    file[header_size] = '\n';
    memcpy(file + header_size + 1, bytes, size);
    r = file_write_atomic_at(secrets_fd, name, file, header_size + 1 + size, 0600,
                             FILE_WRITE_DURABLE | (how == SECRET_CREATE ? FILE_WRITE_EXCLUSIVE : 0));
    wipe(file, header_size + 1 + size);
    return r;
}

int secret_write(int secrets_fd, const char *name, SecretWrite how, const char *key, const void *data, size_t size,
                 Error *error)
{
    _cleanup_secret_info_ SecretInfo info = {.updated_usec = now_usec()}, old = {};
    char *bytes = NULL;
    size_t bytes_size = 0;
    int r = check_name(name, error), written;

    if (r == 0)
        r = check_key(key, error);
    if (r < 0)
        return r;
    if (size == 0 || size > SECRET_MAX_BYTES)
        return error_set(error, size == 0 ? -ENODATA : -E2BIG, "the secret '%s' is %s", name,
                         size == 0 ? "empty" : "larger than 512000 bytes");
    file_sweep_temporary_at(secrets_fd, TEMPORARY_SEC);
    info.created_usec = secret_load_info(secrets_fd, name, &old, NULL) == 0 ? old.created_usec : info.updated_usec;
    r = encrypt(name, key, data, size, &info, &bytes, &bytes_size, error);
    if (r < 0)
        return r;
    written = write_file(secrets_fd, name, &info, how, bytes, bytes_size);
    wipe(bytes, bytes_size);
    if (written == -EEXIST)
        return error_hint(error, error_set(error, written, "there is a secret named '%s' already", name),
                          "--replace puts another one in its place");
    return written < 0 ? error_set(error, written, "cannot write the secret '%s': %s", name, strerror(-written)) : r;
}

int secret_read(int secrets_fd, const char *name, char **ret, size_t *ret_size, Error *error)
{
    _cleanup_secret_info_ SecretInfo info = {};
    char *bytes = NULL;
    size_t size = 0, at = 0;
    int r = load(secrets_fd, name, &info, &bytes, &size, &at, error);

    if (r < 0)
        return r;
    if (strcmp(info.encryption, NONE) == 0) {
        memmove(bytes, bytes + at, size - at + 1);
        *ret = bytes;
        *ret_size = size - at;
        return 0;
    }
    r = run_program("decrypt", name, NULL, bytes + at, size - at, SECRET_MAX_BYTES, ret, ret_size, error);
    wipe(bytes, size);
    return r;
}

int secret_remove(int secrets_fd, const char *name, Error *error)
{
    int r = check_name(name, error);

    if (r < 0)
        return r;
    if (secrets_fd < 0 || unlinkat(secrets_fd, name, 0) < 0) {
        r = secrets_fd < 0 ? -ENOENT : -errno;
        return r == -ENOENT ? error_set(error, r, "there is no secret named '%s'", name)
                            : error_set(error, r, "cannot remove the secret '%s': %s", name, strerror(-r));
    }
    return fsync(secrets_fd) < 0
               ? error_set(error, -errno, "cannot write the directory of secrets: %s", strerror(errno))
               : 0;
}

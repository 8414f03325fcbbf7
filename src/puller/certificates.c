/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Certificate directories as docker and podman have them (containers-certs.d(5)): in HOST[:PORT]/, NAME.crt are authorities, NAME.cert
 * and NAME.key what we show. */
#include "puller/site.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FILE_MAX_BYTES (4U << 20)

static int read_file(const char *path, char **ret, size_t *ret_size, Error *error)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int r = fd < 0 ? -errno : file_read_fd(fd, FILE_MAX_BYTES, ret, ret_size);

    return r < 0 ? error_set(error, r, "cannot read '%s': %s", path, strerror(-r)) : 0;
}

static int read_pair(Site *site, const char *directory, const char *name, Error *error)
{
    _cleanup_free_ char *certificate = text_format("%s/%s", directory, name);
    _cleanup_free_ char *key = text_format("%s/%.*s.key", directory, (int) (strlen(name) - strlen(".cert")), name);
    int r;

    if (!certificate || !key)
        return -ENOMEM;
    r = read_file(certificate, &site->certificate.data, &site->certificate.size, error);
    return r < 0 ? r : read_file(key, &site->key.data, &site->key.size, error);
}

static int add_directory(Site *site, const char *directory, Buffer *authorities, Error *error)
{
    _cleanup_strv_ char **names = NULL;
    int r = file_list_at(AT_FDCWD, directory, NULL, &names);

    if (r == -ENOENT || r == -ENOTDIR)
        return 0;
    if (r < 0)
        return error_set(error, r, "cannot read '%s': %s", directory, strerror(-r));
    STRV_FOREACH (name, names) {
        _cleanup_free_ char *path = text_format("%s/%s", directory, *name), *text = NULL;
        size_t size = 0;

        if (!path)
            return -ENOMEM;
        if (text_has_suffix(*name, ".cert") && !site->certificate.data)
            r = read_pair(site, directory, *name, error);
        else if (text_has_suffix(*name, ".crt")) {
            r = read_file(path, &text, &size, error);
            if (r == 0) {
                buffer_append(authorities, text, size);
                buffer_append_string(authorities, "\n");
            }
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* With an authority of one's own, those of the system still count. */
static int add_system(Buffer *authorities, Error *error)
{
    static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"};

    for (size_t i = 0; i < ELEMENTSOF(bundles); i++) {
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        if (read_file(bundles[i], &text, &size, NULL) == 0) {
            buffer_append(authorities, text, size);
            return 0;
        }
    }
    return 0;
}

int site_load_certificates(Site *site, Error *error)
{
    const char *own = registries_directory();
    const char *const parents[] = {own, "/etc/containers", "/etc/docker"};
    _cleanup_buffer_ Buffer authorities = {};
    int r = 0;

    for (size_t i = 0; r == 0 && i < ELEMENTSOF(parents); i++) {
        _cleanup_free_ char *path = text_format("%s/certs.d/%s", parents[i], site->endpoint->host);

        r = path ? add_directory(site, path, &authorities, error) : -ENOMEM;
    }
    if (r == 0 && authorities.size > 0)
        r = add_system(&authorities, error);
    if (r < 0)
        return r;
    site->authorities.size = authorities.size;
    site->authorities.data = authorities.size > 0 ? buffer_take(&authorities) : NULL;
    return authorities.failed;
}

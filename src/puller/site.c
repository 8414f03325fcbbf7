/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "puller/site.h"

#include "base/file.h"
#include "base/strv.h"
#include "base/text.h"
#include "pull/credentials-files.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define GIVEN_MAX_BYTES (1U << 20)

static void site_done(Site *site)
{
    free(site->repository);
    strv_free(site->realms);
    credentials_done(&site->credentials);
    free(site->authorities.data);
    free(site->certificate.data);
    if (site->key.data)
        explicit_bzero(site->key.data, site->key.size);
    free(site->key.data);
    free(site->authorization);
    strv_free(site->scopes);
}

void sites_done(Sites *sites)
{
    for (size_t i = 0; i < sites->count; i++)
        site_done(&sites->items[i]);
    free(sites->items);
    endpoints_done(&sites->endpoints);
    registries_done(&sites->registries);
    reference_done(&sites->reference);
    *sites = (Sites){};
}

/* What berthctl wants tried is in standard input, which is a file of that form. */
static int load_given(Site *site, const char *host, const char *repository, Error *error)
{
    _cleanup_free_ char *json = NULL, *helper = NULL;
    size_t size = 0;
    int r = lseek(STDIN_FILENO, 0, SEEK_SET) < 0 ? -errno : file_read_fd(STDIN_FILENO, GIVEN_MAX_BYTES, &json, &size);

    if (r < 0)
        return error_set(error, r, "cannot read the password: %s", strerror(-r));
    r = credentials_find(json, size, host, repository, &site->credentials, &helper, error);
    explicit_bzero(json, size);
    return r;
}

static int load_credentials(Site *site, const SiteOptions *options, const char *host, const char *repository,
                            Error *error)
{
    _cleanup_strv_ char **files = NULL;
    int r;

    if (options->auth_file && strcmp(options->auth_file, "-") == 0)
        return load_given(site, host, repository, error);
    r = credentials_list_files(options->auth_file, &files);
    return r < 0 ? r : credentials_load(files, host, repository, &site->credentials, error);
}

static int load_site(Sites *sites, const SiteOptions *options, const Endpoint *endpoint, Site *site, Error *error)
{
    const Registry *registry =
        registries_find(&sites->registries, endpoint->is_mirror ? endpoint->host : sites->reference.domain);
    /* A mirror has a password of its own, or none. */
    const char *domain = endpoint->is_mirror ? endpoint->host : sites->reference.domain;
    int r;

    *site =
        (Site){.endpoint = endpoint, .repository = text_format("%s%s", endpoint->prefix, sites->reference.repository)};
    if (!site->repository)
        return -ENOMEM;
    if (registry && registry->realms) {
        site->realms = strv_copy(registry->realms);
        if (!site->realms)
            return -ENOMEM;
    }
    r = load_credentials(site, options, domain, sites->reference.repository, error);
    return r < 0 ? r : site_load_certificates(site, error);
}

int sites_load(const SiteOptions *options, Sites *ret, Error *error)
{
    _cleanup_sites_ Sites sites = {};
    int r = registries_load(&sites.registries, error);

    if (r == 0)
        r = reference_parse(options->name, &sites.reference, error);
    if (r == 0 && !sites.reference.domain)
        r = error_set(error, -EINVAL, "'%s' does not say which registry it is in", options->name);
    if (r == 0)
        r = registries_list_endpoints(&sites.registries, sites.reference.domain, options->is_writing, &sites.endpoints,
                                      error);
    if (r < 0)
        return r;
    sites.items = calloc(sites.endpoints.count, sizeof(*sites.items));
    if (!sites.items)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < sites.endpoints.count; i++) {
        if (options->has_tls_verify)
            sites.endpoints.items[i].is_insecure = !options->tls_verify;
        r = load_site(&sites, options, &sites.endpoints.items[i], &sites.items[sites.count++], error);
    }
    if (r < 0)
        return r;
    *ret = sites;
    sites = (Sites){};
    return 0;
}

char *site_origin(const Site *site)
{
    return text_format("%s://%s", site->is_plain ? "http" : "https", site->endpoint->host);
}

static bool is_below(const char *host, const char *domain)
{
    size_t length = strlen(host), suffix = strlen(domain);

    /* Not a port, an address or a single word: those have nothing below them. */
    if (strchr(domain, ':') || !strchr(domain, '.') || isdigit((unsigned char) domain[suffix - 1]))
        return false;
    return length > suffix && host[length - suffix - 1] == '.' && strcasecmp(host + length - suffix, domain) == 0;
}

bool site_may_tell(const Site *site, const char *domain, const char *host)
{
    return strcasecmp(host, site->endpoint->host) == 0 || strv_contains(site->realms, host) || is_below(host, domain);
}

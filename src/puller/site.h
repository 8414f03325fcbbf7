/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: the places that a name can come from, with all that is read about them before the puller confines itself:
 *       passwords, certificates; and the token that each gave.
 * Never does: connect; let the password of one host out to another (site_may_tell()).
 * Runs in: the puller. */

#include "pull/credentials.h"
#include "pull/registries.h"

#include <stdint.h>

typedef struct Blob {
    char *data;
    size_t size;
} Blob;

typedef struct Site {
    const Endpoint *endpoint;
    char *repository; /* there, with the endpoint's prefix */
    char **realms;    /* hosts that may learn the password, beside its own */
    Credentials credentials;
    Blob authorities, certificate, key; /* PEM */
    bool is_plain;                      /* speaks HTTP without TLS */
    char *authorization;                /* the value of the header that let us in, or NULL */
    unsigned authorization_serial;      /* changes with it */
    char **scopes;                      /* all that tokens were asked for */
    size_t scopes_granted;              /* how many of them the present token was asked for */
} Site;

typedef struct Sites {
    Registries registries;
    Endpoints endpoints;
    Reference reference;
    Site *items;
    size_t count;
} Sites;
void sites_done(Sites *sites);
#define _cleanup_sites_ _cleanup_(sites_done)

typedef struct SiteOptions {
    const char *name;
    const char *auth_file; /* "-": standard input, which can be read twice */
    bool has_tls_verify, tls_verify, is_writing;
} SiteOptions;

int sites_load(const SiteOptions *options, Sites *ret, Error *error);

/* "https://HOST"; the caller's. */
char *site_origin(const Site *site);
/* Whether a host may be told the site's password: its own, one that the configuration names, or one below the domain that
 * the person gave the password for. */
bool site_may_tell(const Site *site, const char *domain, const char *host);

/* In certificates.c */
int site_load_certificates(Site *site, Error *error);

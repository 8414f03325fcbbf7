/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: registries.conf: where short names are looked up, mirrors, registries without TLS; and the endpoints that follow.
 * Never does: connect anywhere; know a registry of its own.
 * Runs in: berthctl and the puller; registries_parse() and what follows it are pure. */

#include "base/error.h"
#include "store/reference.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Registry {
    char *host;       /* as it is in references */
    char *location;   /* HOST[:PORT][/PREFIX] where it really is, or NULL */
    char **mirrors;   /* such locations, asked first */
    char **realms;    /* hosts of token services that may see its password */
    bool is_insecure; /* its certificate is not verified, and plain HTTP will do */
    bool is_blocked;
} Registry;

#define REGISTRIES_TIMEOUT_USEC UINT64_C(60000000)
#define REGISTRIES_RETRY_USEC   UINT64_C(1000000)
#define REGISTRIES_RETRIES      5U

typedef struct Registries {
    uint64_t timeout_usec; /* without a byte; 0: the default */
    uint64_t retry_usec;   /* before the first retry, doubled for each further one; 0: the default */
    char **search;         /* hosts[/PREFIX] where a name without a host is looked up */
    Registry *items;
    size_t count;
} Registries;
void registries_done(Registries *registries);
#define _cleanup_registries_ _cleanup_(registries_done)

int registries_parse(const char *text, size_t size, const char *source, Registries *ret, Error *error);
/* BERTH_CONFIG_DIR or /etc/berth; no file is an empty one. */
int registries_load(Registries *ret, Error *error);
const char *registries_directory(void);

const Registry *registries_find(const Registries *registries, const char *host);

/* The full names that `text` may mean, in the order in which they are tried. -ENOENT for a short name when nothing says
 * where to look. */
int registries_list_names(const Registries *registries, const char *text, char ***ret, Error *error);

/* One place to ask. */
typedef struct Endpoint {
    char *host;   /* with the port */
    char *prefix; /* "" or "path/" in front of the repository */
    bool is_insecure, is_mirror;
} Endpoint;

typedef struct Endpoints {
    Endpoint *items;
    size_t count;
} Endpoints;
void endpoints_done(Endpoints *endpoints);
#define _cleanup_endpoints_ _cleanup_(endpoints_done)

/* Mirrors first; `is_writing`: none of them. -EPERM when the registry is blocked. */
int registries_list_endpoints(const Registries *registries, const char *host, bool is_writing, Endpoints *ret,
                              Error *error);

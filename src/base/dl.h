/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: libraries that are loaded when first needed, because linking them costs every start (libsystemd 0.7 ms,
 *       libarchive 2 ms, libcurl 5 ms).
 * Never does: load anything from a container; run after entering one.
 * Runs in: fat programs on the host side. */

#include "base/error.h"

typedef struct DlSymbol {
    const char *name;
    void **pointer;
} DlSymbol;

/* `feature` names what is missing without it, for the message. `handle` is NULL until loaded; it is never unloaded. */
typedef struct DlLibrary {
    const char *soname, *package, *feature;
    const DlSymbol *symbols;
    size_t symbols_count;
    void *handle;
} DlLibrary;

/* Declares the pointer `sym_NAME` with the type that NAME has in its header. */
#define DL_SYMBOL_DECLARE(name) static __typeof__(&name) sym_##name
#define DL_SYMBOL(name)                                                                                                \
    {                                                                                                                  \
#name, (void **) &sym_##name                                                                                   \
    }

/* 0 when every symbol is there, -EOPNOTSUPP with a text that names the package otherwise. Idempotent. */
int dl_load(DlLibrary *library, Error *error);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Owns: config.json of an OCI bundle: each property of the specification with the setting that it is here, or that it cannot
 *       be honoured; the bytes into a spec layer.
 * Never does: I/O; take a property that it does not carry out.
 * Runs in: fat programs; pure.
 *
 * Source: config.md and config-linux.md of the OCI runtime specification, 1.0 to 1.3; cgroup-v2.rst of Linux for what became
 * of the parameters of version 1. */

#include "spec/spec.h"

#define OCI_RUNTIME_CONFIG_MAX_BYTES (8U << 20)
/* What `features` tells: the versions of the specification whose properties are known. */
#define OCI_RUNTIME_VERSION_LEAST  "1.0.0"
#define OCI_RUNTIME_VERSION_NEWEST "1.3.0"

/* Paths that the configuration has relative to the bundle are taken from `bundle_path`, which is absolute. Every assignment's
 * origin, and every error's text, begins with the place as a JSON pointer, "config.json#/process/cwd". *ret_notices gets one line
 * for each property that no version of the specification has: those are to be ignored ("config.md#extensibility"), but not
 * silently. -EINVAL for what is malformed, -EOPNOTSUPP for what cannot be honoured, -EBADMSG for what is no JSON. */
int oci_runtime_parse(const char *text, size_t size, const char *bundle_path, SpecLayer **ret, char ***ret_notices,
                      Error *error);

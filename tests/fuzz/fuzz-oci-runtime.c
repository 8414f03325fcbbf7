/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* config.json of OCI bundles: an error has a text that begins with its place, and a spec is one of a bundle. */
#include "fuzz.h"

#include "base/strv.h"
#include "inputs/oci-runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL;
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_strv_ char **notices = NULL;
    _cleanup_error_ Error error = {};

    if (oci_runtime_parse((const char *) data, size, "/bundle", &layer, &notices, &error) < 0) {
        FUZZ_ASSERT(error.text && strncmp(error.text, "config.json", strlen("config.json")) == 0);
        return 0;
    }
    STRV_FOREACH (notice, notices)
        FUZZ_ASSERT(strncmp(*notice, "config.json#/", strlen("config.json#/")) == 0);
    if (spec_finish(&layer, 1, &spec, &error) < 0) {
        FUZZ_ASSERT(error.text && strstr(error.text, "config.json#"));
        return 0;
    }
    FUZZ_ASSERT(spec->bundle && spec->host_directory && spec->host_directory[0] == '/');
    for (size_t i = 0; i < spec->mounts.count; i++)
        FUZZ_ASSERT(spec->mounts.items[i].inside_path[0] == '/' && spec->mounts.items[i].inside_path[1] != 0);
    return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* .nspawn files. The first byte chooses the trust: one that lies beside an image must not be able to widen anything. */
#include "fuzz.h"

#include "base/strv.h"
#include "inputs/nspawn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL, *base = spec_layer_new(TRUST_ADMIN);
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL;
    _cleanup_strv_ char **notices = NULL;
    _cleanup_free_ char *text = NULL;
    _cleanup_error_ Error error = {};
    SpecLayer *layers[2] = {base, NULL};
    bool is_image;

    if (size < 1)
        return 0;
    is_image = data[0] == 'i';
    text = fuzz_string(data + 1, size - 1);
    if (nspawn_parse(text, size - 1, "fuzz", is_image ? TRUST_IMAGE : TRUST_ADMIN, &layer, &notices, &error) < 0) {
        FUZZ_ASSERT(error.text && strncmp(error.text, "fuzz:", 5) == 0);
        return 0;
    }
    FUZZ_ASSERT(spec_layer_add(base, setting_of(offsetof(ContainerSpec, host_directory)), "/x", "test") == 0);
    layers[1] = layer;
    if (spec_finish(layers, 2, &spec, &error) < 0) {
        FUZZ_ASSERT(error.text);
        return 0;
    }
    if (is_image)
        FUZZ_ASSERT(!spec->boot && !spec->privileged && !spec->ephemeral && spec->mounts.count == 0 &&
                    spec->limits.count == 0 && !spec->add_capabilities && !spec->drop_capabilities &&
                    spec->network.mode == NAMESPACE_PRIVATE && spec->no_new_privileges && !spec->properties &&
                    strcmp(spec->host_directory, "/x") == 0);
    return 0;
}

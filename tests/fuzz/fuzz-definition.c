/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definition files, as far as the spec: whatever is accepted and can be written is written so that it means the same
 * again. The first byte chooses the trust: an image's text must not be able to widen anything. */
#include "fuzz.h"

#include "inputs/definition.h"

static ContainerSpec *read_text(const char *text, size_t size, Trust trust)
{
    _cleanup_(spec_layer_freep) SpecLayer *layer = NULL, *root = spec_layer_new(TRUST_ADMIN);
    SpecLayer *layers[2] = {root, NULL};
    _cleanup_error_ Error error = {};
    ContainerSpec *spec = NULL;

    FUZZ_ASSERT(root);
    if (definition_parse(text, size, "fuzz", trust, &layer, &error) < 0) {
        FUZZ_ASSERT(error.text && strncmp(error.text, "fuzz:", 5) == 0);
        return NULL;
    }
    layers[1] = layer;
    if (trust == TRUST_IMAGE)
        FUZZ_ASSERT(spec_layer_add(root, setting_of(offsetof(ContainerSpec, image)), "x", "test") == 0);
    if (spec_finish(layers, 2, &spec, &error) < 0) {
        FUZZ_ASSERT(error.text);
        return NULL;
    }
    return spec;
}

/* What an image may never reach. */
static void check_image(const ContainerSpec *spec)
{
    FUZZ_ASSERT(!spec->privileged && !spec->boot && !spec->host_directory && !spec->sysctls && !spec->properties &&
                !spec->add_capabilities && !spec->unmasked_paths && !spec->environment_files &&
                spec->network.mode == NAMESPACE_PRIVATE && spec->no_new_privileges &&
                strcmp(spec->seccomp_profile, "default") == 0);
    for (size_t i = 0; i < spec->mounts.count; i++)
        FUZZ_ASSERT(spec->mounts.items[i].kind == MOUNT_KIND_ANONYMOUS && !spec->mounts.items[i].host_path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(container_spec_freep) ContainerSpec *spec = NULL, *again = NULL;
    _cleanup_free_ char *text = NULL, *written = NULL, *second = NULL;
    _cleanup_error_ Error error = {};
    bool is_image;

    if (size < 1)
        return 0;
    is_image = data[0] == 'i';
    text = fuzz_string(data + 1, size - 1);
    spec = read_text(text, size - 1, is_image ? TRUST_IMAGE : TRUST_ADMIN);
    if (!spec)
        return 0;
    if (is_image)
        check_image(spec);
    if (definition_format(spec, &written, &error) < 0) {
        FUZZ_ASSERT(error.text);
        return 0;
    }
    again = read_text(written, strlen(written), TRUST_ADMIN);
    FUZZ_ASSERT(again);
    FUZZ_ASSERT(definition_format(again, &second, &error) == 0);
    FUZZ_ASSERT(strcmp(written, second) == 0);
    FUZZ_ASSERT(again->privileged == spec->privileged && again->capabilities == spec->capabilities &&
                again->network.mode == spec->network.mode && again->no_new_privileges == spec->no_new_privileges);
    return 0;
}

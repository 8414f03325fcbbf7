/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every JSON text that an image brings, and the store's own files. The first byte chooses the reader. */
#include "store/image-config.h"
#include "store/image-manifest.h"
#include "store/record.h"
#include "store/refs.h"

#include <errno.h>
#include <stdint.h>

static void read_image_record(const char *text, size_t size)
{
    _cleanup_store_image_ StoreImage *image = calloc(1, sizeof(*image));
    _cleanup_error_ Error error = {};
    bool *hides = NULL;

    if (!image)
        return;
    image->lock_fd = -EBADF;
    if (record_parse_image(text, size, image, &hides, &error) == 0) {
        _cleanup_free_ char *again = record_format_image(image, hides, "fuzz");

        if (!again)
            __builtin_trap();
    }
    free(hides);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_image_config_ ImageConfig *config = NULL;
    _cleanup_image_document_ ImageDocument document = {};
    _cleanup_docker_list_ DockerList list = {};
    _cleanup_error_ Error error = {};
    _cleanup_ref_ Ref ref = {};
    const char *text = (const char *) data + 1;
    LayerInfo info;

    if (size < 1)
        return 0;
    switch (data[0] % 6) {
    case 0:
        if (image_config_parse(text, size - 1, &config, &error) == 0)
            (void) image_config_find_label(config, "a");
        break;
    case 1:
        if (image_document_parse(text, size - 1, &document, &error) == 0)
            for (size_t i = 0; i < document.items_count; i++)
                (void) image_platform_rank(&document.items[i], "amd64");
        break;
    case 2:
        (void) docker_list_parse(text, size - 1, &list, &error);
        break;
    case 3:
        read_image_record(text, size - 1);
        break;
    case 4:
        (void) record_parse_layer(text, size - 1, &info, &error);
        break;
    default:
        (void) ref_parse(text, size - 1, &ref, &error);
        break;
    }
    return 0;
}

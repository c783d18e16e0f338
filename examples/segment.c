/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment.c - label the pixels of one image
 *
 *   cc segment.c $(pkg-config --cflags --libs unet) -o segment
 *   ./segment cells.safetensors scan.png mask.png
 */
#include <stdio.h>
#include <stdlib.h>

#include <unet.h>

int main(int argc, char **argv)
{
    unet_model *model = NULL;
    unet_session *session = NULL;
    unet_image image = {0};
    unet_error err = {0};
    uint8_t colors[256][3], *mask = NULL;
    int failed = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: segment MODEL IMAGE MASK\n");
        return 2;
    }

    /* A session holds all memory that prediction needs; use it for as many images as you like. */
    if (unet_model_load(argv[1], &model, &err) || unet_session_create(model, NULL, &session, &err))
        goto done;
    if (unet_image_read(argv[2], &image, &err))
        goto done;

    mask = malloc((size_t)image.height * (size_t)image.width);
    if (!mask)
        goto done;
    if (unet_predict(session, &image, mask, &err))
        goto done;

    for (int label = 0; label < unet_model_labels(model); label++)
        unet_model_class(model, label, colors[label]);
    failed = unet_mask_write(argv[3], mask, image.height, image.width, (const uint8_t(*)[3])colors,
                             unet_model_labels(model), &err) != UNET_OK;

done:
    if (failed)
        fprintf(stderr, "segment: %s\n", err.code ? err.text : "not enough memory");
    free(mask);
    unet_image_release(&image);
    unet_session_free(session);
    unet_model_free(model);
    return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment_large.c - labels the pixels of an image that need not fit into memory
 *
 *     cc segment_large.c -o segment_large $(pkg-config --cflags --libs unet)
 *     ./segment_large model.safetensors slide.tif mask.tif 500
 *
 * The last argument is how many megabytes prediction may take.  Rows of the mask are written as
 * they come; until the commit there is no mask.tif.
 */
#include <stdio.h>
#include <stdlib.h>

#include <unet_image.h>

static unet_code write_band(void *context, const unet_band *band, unet_error *err)
{
    return unet_writer_rows(context, band->mask, band->rows, err);
}

static int show(void *context, double share)
{
    (void)context;
    fprintf(stderr, "\r%3.0f %%", 100 * share);
    return 0; /* go on */
}

int main(int argc, char **argv)
{
    unet_model *model = NULL;
    unet_source *image = NULL;
    unet_session *session = NULL;
    unet_writer *mask = NULL;
    unet_memory_plan plan;
    unet_page page;
    unet_error err;
    uint8_t colors[UNET_MAX_CLASSES][3];

    if (argc != 5) {
        fprintf(stderr, "usage: segment_large MODEL IMAGE MASK MEGABYTES\n");
        return 2;
    }
    if (unet_model_load(argv[1], &model, &err) || unet_source_open(argv[2], &image, &err) ||
        unet_source_page(image, 0, &page, &err))
        goto failed;
    unet_stream stream = {.mask = 1, .band = write_band, .progress = show};
    unet_session_options options = {0};
    uint64_t limit = strtoull(argv[4], NULL, 10) * 1000000;
    if (unet_plan_memory(model, &options, &page, &stream, limit, &plan, &err))
        goto failed;
    options.tile = plan.tile;
    int labels = unet_model_labels(model);
    for (int i = 0; i < labels; i++)
        unet_model_class(model, i, colors[i]);
    const unet_writer_page target = {.height = page.height,
                                     .width = page.width,
                                     .channels = 1,
                                     .sample = UNET_U8,
                                     .colors = (const uint8_t(*)[3])colors,
                                     .color_count = labels};
    uint64_t bytes = (uint64_t)page.height * (uint64_t)page.width;
    if (unet_session_create(model, &options, &session, &err) ||
        unet_writer_open(argv[3], bytes, &mask, &err) || unet_writer_begin(mask, &target, &err))
        goto failed;
    stream.context = mask;
    if (unet_predict_stream(session, image, 0, &stream, &err))
        goto failed;
    unet_code code = unet_writer_commit(mask, &err);
    mask = NULL; /* it is gone, whatever the commit said */
    if (code)
        goto failed;
    fprintf(stderr, "\r%s: %d x %d pixels in tiles of %d\n", argv[3], page.height, page.width,
            plan.tile);
    unet_session_free(session);
    unet_source_close(image);
    unet_model_free(model);
    return 0;

failed:
    fprintf(stderr, "\n%s\n", err.text);
    unet_writer_abort(mask);
    unet_session_free(session);
    unet_source_close(image);
    unet_model_free(model);
    return 1;
}

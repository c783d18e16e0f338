/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preview.c - training tiles for a person's eye
 *
 * example.c prepares the image as it does for training.
 */
#include "train/feed.h"

#include <stdlib.h>

#include "base/rng.h"
#include "data/draw/example.h"
#include "net/graph.h"
#include "train/train_options.h"

static unet_code draw(const struct un_example *example, const unet_train_options *options,
                      const struct un_tile *tile, int channels, int sample, unet_error *err)
{
    const size_t bytes =
        un_tile_scratch(&options->augment, tile->in_side, tile->out_side, channels);
    struct un_tile whole = *tile;
    if (bytes && !(whole.scratch = malloc(bytes)))
        return un_fail_memory(err, bytes, "a tile");
    un_tile_draw(example, &options->augment,
                 un_rng_key(options->seed, UN_STREAM_TILE, 0, (uint64_t)sample), &whole);
    free(whole.scratch);
    return UNET_OK;
}

unet_code un_preview_draw(const unet_dataset *dataset, int i, const unet_train_options *options,
                          int sample, int side, unet_image *tile, uint8_t *labels, float *weights,
                          unet_error *err)
{
    enum { SIDE_MOST = 1 << 14 };
    const unet_spec spec = un_spec_default();
    const size_t pixels = (size_t)side * (size_t)side;
    unet_image made = {side, side, dataset->channels, UNET_F32, 1, NULL};
    struct un_prepared *prepared;
    if (i < 0 || i >= dataset->count || side < 1 || side > SIDE_MOST)
        return un_fail(err, UNET_EINVAL, "image %d at side %d; 0..%d and 1..%d wanted", i, side,
                       dataset->count - 1, (int)SIDE_MOST);
    unet_code code = un_train_options_check(options, &spec, dataset->coding.labels, err);
    if (code)
        return code;
    struct un_scaling scaling = dataset->scaling;
    scaling.per_image = options->standardize;
    const struct un_drawing drawing = {
        .channels = dataset->channels, .scaling = &scaling, .options = options};
    if ((code = un_prepared_make(&dataset->pairs[i], &drawing, &prepared, err)))
        return code;
    struct un_tile drawn = {.in_side = side,
                            .out_side = side,
                            .input = malloc(pixels * (size_t)dataset->channels * sizeof(float)),
                            .labels = malloc(pixels),
                            .weights = malloc(pixels * sizeof(float))};
    if (drawn.input && drawn.labels && drawn.weights)
        code = draw(&prepared->example, options, &drawn, dataset->channels, sample, err);
    else
        code = un_fail_memory(err, pixels * (5 + 4 * (size_t)dataset->channels), "a tile");
    un_prepared_free(prepared);
    if (!code) {
        for (size_t p = 0; p < pixels; p++) {
            if (labels)
                labels[p] = drawn.labels[p];
            if (weights)
                weights[p] = drawn.weights[p];
        }
        made.data = drawn.input;
        drawn.input = NULL;
        *tile = made;
    }
    free(drawn.input);
    free(drawn.labels);
    free(drawn.weights);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * from_memory.c - train on arrays that the program makes, and predict one where it lies
 *
 *   cc from_memory.c $(pkg-config --cflags --libs unet) -o from_memory
 *   ./from_memory
 */
#include <stdio.h>

#include <unet_embed.h>
#include <unet_train.h>

enum { COUNT = 4, SIDE = 96 };

static float images[COUNT + 1][SIDE][SIDE];
static uint8_t masks[COUNT + 1][SIDE][SIDE]; /* class 0 or 1 */

/* A bright disc on striped ground, another one in each image. */
static void draw(int i)
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int down = y - 30 - 8 * i, right = x - 60 + 7 * i, radius = 18 + 2 * i;
            masks[i][y][x] = down * down + right * right < radius * radius;
            images[i][y][x] = 0.6f * masks[i][y][x] + 0.04f * (float)((3 * x + 5 * y + i) % 20);
        }
}

/* An array of one channel; strides are in bytes, as in NumPy. */
static unet_view view_of(const void *data, unet_sample sample, int bytes)
{
    return (unet_view){.data = data,
                       .height = SIDE,
                       .width = SIDE,
                       .channels = 1,
                       .row = SIDE * bytes,
                       .column = bytes,
                       .sample = sample};
}

int main(void)
{
    unet_pair pairs[COUNT] = {{0}};
    unet_dataset *dataset = NULL;
    unet_model *model = NULL;
    unet_session *session = NULL;
    unet_error err;
    static uint8_t answer[SIDE][SIDE];
    int failed = 1, right = 0;

    for (int i = 0; i <= COUNT; i++)
        draw(i);
    for (int i = 0; i < COUNT; i++) {
        pairs[i].image = view_of(images[i], UNET_F32, sizeof(float));
        pairs[i].mask = view_of(masks[i], UNET_U8, 1);
    }
    /* The data set makes copies; the arrays may go now. */
    if (unet_dataset_from_arrays(pairs, COUNT, NULL, &dataset, &err))
        goto done;

    unet_spec spec = unet_spec_default();
    spec.in_channels = unet_dataset_channels(dataset);
    spec.classes = unet_dataset_labels(dataset);
    spec.width = 8;
    spec.depth = 2;
    spec.padding = UNET_PADDING_SAME;
    spec.norm = UNET_NORM_BATCH;
    unet_train_options options = unet_train_options_default(&spec);
    options.tile = 64;
    options.batch = 4;
    options.steps = 40;
    if (unet_model_create(&spec, 1, &model, &err))
        goto done;
    const unet_train_job job = {.model = model, .dataset = dataset};
    if (unet_train(&job, &options, &err) || unet_session_create(model, NULL, &session, &err))
        goto done;

    /* Predicted without a copy: the image upside down, which is a stride of less than 0. */
    unet_view image = view_of(images[COUNT][SIDE - 1], UNET_F32, sizeof(float));
    image.row = -image.row;
    if (unet_predict_view(session, &image, &(unet_answers){.mask = answer[0]}, &err))
        goto done;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            right += answer[y][x] == masks[COUNT][SIDE - 1 - y][x];
    printf("%.1f %% of the pixels are right\n", 100.0 * right / (SIDE * SIDE));
    failed = 0;

done:
    if (failed)
        fprintf(stderr, "from_memory: %s\n", err.text);
    unet_session_free(session);
    unet_model_free(model);
    unet_dataset_free(dataset);
    return failed;
}

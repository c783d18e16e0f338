/* SPDX-License-Identifier: Apache-2.0 */
/* demo_predict.c - the demo's images that the network has not seen: predictions, pictures, scores
 */
#include <stdio.h>
#include <stdlib.h>

#include "demo/demo.h"
#include "shared/cli.h"
#include "shared/paths.h"
#include "unet_image.h"
#include "unet_scores.h"

static const uint8_t cell_colors[2][3] = {{0, 0, 0}, {64, 200, 255}};
static const uint8_t error_colors[3][3] = {{0, 0, 0}, {255, 60, 60}, {255, 210, 40}};

/* What is the same for all test images. */
struct test_run {
    struct demo *demo;
    unet_session *session;
    unet_scores *all, *otsu_all;
};

static unet_code save_overlay(const char *path, const unet_image *image, const uint8_t *mask,
                              const uint8_t (*colors)[3], int count, float opacity, unet_error *err)
{
    unet_image overlay;
    unet_code code = unet_overlay(image, mask, colors, count, opacity, &overlay, err);

    if (code)
        return code;
    code = unet_image_write(path, &overlay, err);
    unet_image_release(&overlay);
    return code;
}

/* Dice of one image, also counted into `all`. */
static double score(unet_scores *all, const uint8_t *mask, const uint8_t *truth, size_t pixels)
{
    unet_scores *one = unet_scores_create(2);
    double dice = 0;

    if (one) {
        unet_scores_add(one, mask, truth, pixels);
        dice = unet_scores_dice(one, 1);
    }
    unet_scores_add(all, mask, truth, pixels);
    unet_scores_free(one);
    return dice;
}

/* Otsu's threshold on the image, as 8 bits, into mask. */
static void threshold(const unet_image *image, uint8_t *mask)
{
    size_t pixels = (size_t)image->height * (size_t)image->width;
    const uint16_t *deep = image->data;
    const uint8_t *flat = image->data;
    int limit;

    /* the camera has 12 bits, see cells.c */
    for (size_t i = 0; i < pixels; i++)
        mask[i] = image->sample == UNET_U16 ? (uint8_t)(deep[i] >> 4) : flat[i];
    limit = otsu_threshold(mask, (int)pixels);
    for (size_t i = 0; i < pixels; i++)
        mask[i] = mask[i] > limit;
}

/* Names the pictures of the page. */
static int name_files(struct demo_picture *picture, const char *dir)
{
    picture->image = path_text("%s/overlays/%s_image.png", dir, picture->name);
    picture->truth = path_text("%s/overlays/%s_truth.png", dir, picture->name);
    picture->prediction = path_text("%s/overlays/%s_prediction.png", dir, picture->name);
    picture->errors = path_text("%s/overlays/%s_errors.png", dir, picture->name);
    return picture->image && picture->truth && picture->prediction && picture->errors;
}

/* The mask, and four pictures: the image, truth over it, prediction over it, errors over it. */
static unet_code save_pictures(const struct demo *demo, const struct demo_picture *picture,
                               const unet_image *image, const uint8_t *truth, const uint8_t *mask,
                               uint8_t *scratch, unet_error *err)
{
    size_t pixels = (size_t)image->height * (size_t)image->width;
    char *path = path_text("%s/predictions/%s.png", demo->dir, picture->name);
    unet_code code;

    if (!path)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    code = unet_mask_write(path, mask, image->height, image->width, cell_colors, 2, err);
    free(path);
    if (!code)
        code = save_overlay(picture->truth, image, truth, cell_colors, 2, 0.25f, err);
    if (!code)
        code = save_overlay(picture->prediction, image, mask, cell_colors, 2, 0.25f, err);
    for (size_t i = 0; i < pixels; i++)
        scratch[i] = mask[i] == truth[i] ? 0 : truth[i] ? 1 : 2;
    if (!code)
        code = save_overlay(picture->errors, image, scratch, error_colors, 3, 0.9f, err);
    for (size_t i = 0; i < pixels; i++)
        scratch[i] = 0;
    if (!code)
        code = save_overlay(picture->image, image, scratch, cell_colors, 2, 0, err);
    return code;
}

static int test_one(struct test_run *run, struct demo_picture *picture, const unet_image *image,
                    const uint8_t *truth)
{
    size_t pixels = (size_t)image->height * (size_t)image->width;
    uint8_t *mask = malloc(pixels), *scratch = malloc(pixels);
    double start = seconds_now();
    unet_error err;
    unet_code code;

    if (!mask || !scratch || !name_files(picture, run->demo->dir)) {
        free(mask);
        free(scratch);
        return fail_memory();
    }
    code = unet_predict(run->session, image, mask, &err);
    run->demo->predict_seconds += seconds_now() - start;
    if (!code) {
        threshold(image, scratch);
        picture->otsu_dice = score(run->otsu_all, scratch, truth, pixels);
        picture->dice = score(run->all, mask, truth, pixels);
        code = save_pictures(run->demo, picture, image, truth, mask, scratch, &err);
    }
    free(mask);
    free(scratch);
    return code ? fail(&err) : EXIT_DONE;
}

static int test_all(struct test_run *run, const unet_dataset *dataset)
{
    int status = EXIT_DONE;

    for (int i = 0; !status && i < unet_dataset_count(dataset) && i < DEMO_TEST; i++) {
        const uint8_t *truth;
        const char *name;
        const unet_image *image = unet_dataset_image(dataset, i, &truth, &name);

        status = test_one(run, &run->demo->pictures[i], image, truth);
    }
    run->demo->dice = unet_scores_dice(run->all, 1);
    run->demo->iou = unet_scores_iou(run->all, 1);
    run->demo->accuracy = unet_scores_accuracy(run->all);
    run->demo->otsu_dice = unet_scores_dice(run->otsu_all, 1);
    return status;
}

int demo_predict(struct demo *demo)
{
    struct test_run run = {.demo = demo};
    unet_session_options work = {.threads = demo->settings->common.threads};
    unet_dataset_options data = {.ignore = -1, .model = demo->model};
    char *images = path_join(demo->dir, "test/images"), *masks = path_join(demo->dir, "test/masks");
    unet_dataset *dataset = NULL;
    unet_error err;
    int status;

    run.all = unet_scores_create(2);
    run.otsu_all = unet_scores_create(2);
    if (!images || !masks || !run.all || !run.otsu_all)
        status = fail_memory();
    else if (unet_dataset_open(images, masks, &data, &dataset, &err) ||
             unet_session_create(demo->model, &work, &run.session, &err))
        status = fail(&err);
    else
        status = test_all(&run, dataset);
    unet_session_free(run.session);
    unet_dataset_free(dataset);
    unet_scores_free(run.all);
    unet_scores_free(run.otsu_all);
    free(images);
    free(masks);
    return status;
}

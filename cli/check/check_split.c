/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_split.c - what cutting objects apart would gain
 *
 * A network learns where objects are, not which is which: the parts of a prediction hang together
 * where objects touch.  So the true masks without their numbers, as connected parts and cut at
 * necks, are matched with the true objects: that is the most that each can come to.
 */
#include <math.h>
#include <stdlib.h>

#include "check/check.h"
#include "unet_objects.h"
#include "unet_scores.h"
#include "unet_train.h"

#define MOST_BYTES 500e6 /* of images and masks in memory */
enum { MOST_IMAGES = 30 };

/* The objects of a mask without numbers, matched with the true ones. */
static int match_parts(const uint8_t *mask, const uint32_t *ids, const unet_image *image, int split,
                       unet_matches *matches)
{
    const unet_objects_options options = {.keep_holes = 1, .split = split};
    unet_band band = {.rows = image->height, .width = image->width, .mask = mask};
    size_t count = (size_t)image->height * (size_t)image->width;
    uint32_t *parts = malloc(count * sizeof(*parts));
    unet_objects *objects = NULL;
    int ok = parts &&
             !unet_objects_create(&options, image->height, image->width, 2, &objects, NULL) &&
             !unet_objects_add(objects, &band, NULL) && !unet_objects_finish(objects, NULL) &&
             !unet_objects_rows(objects, 0, image->height, parts, NULL) &&
             !unet_matches_add(matches, parts, ids, NULL, count, NULL);

    unet_objects_free(objects);
    free(parts);
    return ok;
}

static int match_image(const unet_dataset *dataset, int i, struct check_split *found)
{
    const uint8_t *truth;
    const char *name;
    const unet_image *image = unet_dataset_image(dataset, i, &truth, &name);
    const uint32_t *ids = unet_dataset_objects(dataset, i);
    size_t count = (size_t)image->height * (size_t)image->width;
    uint8_t *mask = ids ? malloc(count) : NULL;
    int ok = mask != NULL;

    for (size_t k = 0; ok && k < count; k++)
        mask[k] = ids[k] != 0;
    ok = ok && match_parts(mask, ids, image, 0, &found->whole) &&
         match_parts(mask, ids, image, 1, &found->cut);
    free(mask);
    return ok;
}

int check_split_gain(const struct check *check, const unet_dataset_options *options,
                     struct check_split *found)
{
    unet_dataset *dataset;
    int ok = 1, count;

    *found = (struct check_split){0};
    if (!check->facts->objects || check->facts->errors ||
        (double)check->facts->bytes > MOST_BYTES ||
        unet_dataset_open(check->images, check->masks, options, &dataset, NULL))
        return 0;
    count = unet_dataset_count(dataset);
    for (int k = 0; ok && k < count && k < MOST_IMAGES; k++)
        ok = match_image(dataset, count <= MOST_IMAGES ? k : k * count / MOST_IMAGES, found);
    unet_dataset_free(dataset);
    return ok && found->whole.truth > 0;
}

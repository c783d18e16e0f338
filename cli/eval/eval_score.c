/* SPDX-License-Identifier: Apache-2.0 */
/* eval_score.c - the scores of one image */
#include <stdlib.h>
#include <string.h>

#include "eval/eval.h"
#include "shared/cli.h"
#include "unet_image.h"

static unet_code fail_short(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "out of memory");
}

/* The objects of a mask, all classes; pixels without a label are background. */
static unet_code find_objects(const struct eval *eval, const unet_objects_options *options,
                              const struct eval_pair *pair, const uint8_t *mask, uint32_t *ids,
                              unet_error *err)
{
    size_t count = (size_t)pair->height * (size_t)pair->width;
    uint8_t *plain = malloc(count);
    unet_objects *objects = NULL;
    unet_code code;

    if (!plain)
        return fail_short(err);
    for (size_t i = 0; i < count; i++)
        plain[i] = mask[i] < eval->labels ? mask[i] : 0;
    unet_band band = {
        .rows = pair->height, .width = pair->width, .mask = plain, .inner = pair->inner};
    if (!(code = unet_objects_create(options, pair->height, pair->width, eval->labels, &objects,
                                     err)) &&
        !(code = unet_objects_add(objects, &band, err)) &&
        !(code = unet_objects_finish(objects, err)))
        code = unet_objects_rows(objects, 0, pair->height, ids, err);
    unet_objects_free(objects);
    free(plain);
    return code;
}

/* Matches class after class: the ids of the others are left out. */
static unet_code match_classes(const struct eval *eval, const struct eval_pair *pair,
                               const uint32_t *predicted, const uint32_t *truth,
                               struct eval_image *image, unet_error *err)
{
    size_t count = (size_t)pair->height * (size_t)pair->width;
    uint32_t *p = malloc(count * sizeof(*p)), *t = malloc(count * sizeof(*t));
    unet_code code = p && t ? UNET_OK : fail_short(err);
    const int numbered = pair->true_ids || pair->predicted_ids; /* numbers have no class */

    for (int label = 1; label < eval->object_labels && !code; label++) {
        for (size_t i = 0; i < count; i++) {
            p[i] = pair->predicted_ids || pair->predicted[i] == label ? predicted[i] : 0;
            t[i] = numbered || pair->truth[i] == label ? truth[i] : 0;
        }
        code = unet_matches_add(&image->matches[label], p, t, pair->truth, count, err);
    }
    free(p);
    free(t);
    return code;
}

static unet_code score_objects(const struct eval *eval, const struct eval_pair *pair,
                               struct eval_image *image, unet_error *err)
{
    const unet_objects_options as_they_are = {.keep_holes = 1};
    size_t count = (size_t)pair->height * (size_t)pair->width;
    uint32_t *predicted = malloc(count * sizeof(*predicted));
    uint32_t *truth = malloc(count * sizeof(*truth));
    unet_code code = UNET_OK;

    image->matches = calloc((size_t)eval->labels, sizeof(*image->matches));
    if (!predicted || !truth || !image->matches)
        code = fail_short(err);
    if (!code && pair->predicted_ids)
        memcpy(predicted, pair->predicted_ids, count * sizeof(*predicted));
    else if (!code)
        code = find_objects(eval, &eval->objects, pair, pair->predicted, predicted, err);
    if (!code && pair->true_ids)
        memcpy(truth, pair->true_ids, count * sizeof(*truth));
    else if (!code)
        code = find_objects(eval, &as_they_are, pair, pair->truth, truth, err);
    if (!code)
        code = match_classes(eval, pair, predicted, truth, image, err);
    free(predicted);
    free(truth);
    return code;
}

static unet_code score_boundary(const struct eval *eval, const struct eval_pair *pair,
                                struct eval_image *image, unet_error *err)
{
    size_t count = (size_t)pair->height * (size_t)pair->width;
    uint8_t *truth = malloc(count);
    float *inside = malloc(count * sizeof(*inside));
    unet_code code = truth && inside ? UNET_OK : fail_short(err);

    for (size_t i = 0; i < count && !code; i++) {
        truth[i] = pair->truth[i] == UNET_IGNORE ? UNET_IGNORE : pair->truth[i] != eval->boundary;
        inside[i] = pair->inside ? pair->inside[i] : (float)(pair->predicted[i] != eval->boundary);
    }
    if (!code)
        code = unet_boundary_scores(inside, truth, pair->height, pair->width,
                                    &eval->boundary_options, image->boundary, err);
    free(truth);
    free(inside);
    return code;
}

unet_code eval_image_score(const struct eval *eval, const struct eval_pair *pair,
                           struct eval_image *image, unet_error *err)
{
    unet_code code = UNET_OK;

    image->name = pair->name;
    image->scores = unet_scores_create(eval->labels);
    if (!image->scores)
        return fail_short(err);
    unet_scores_add(image->scores, pair->predicted, pair->truth,
                    (size_t)pair->height * (size_t)pair->width);
    if (eval->object_labels)
        code = score_objects(eval, pair, image, err);
    if (!code && eval->boundary >= 0)
        code = score_boundary(eval, pair, image, err);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* eval_json.c - what unet eval found out, for programs */
#include <math.h>

#include "eval/eval.h"
#include "shared/json_out.h"

static json_t *interval_json(const double interval[2])
{
    if (isnan(interval[0]))
        return json_null();
    return json_pack("[oo]", json_number_short(interval[0]), json_number_short(interval[1]));
}

static json_t *steps_json(const double values[UNET_MATCH_STEPS])
{
    json_t *array = json_array();

    for (int step = 0; step < UNET_MATCH_STEPS; step++)
        json_array_append_new(array, json_number_short(values[step]));
    return array;
}

static json_t *matches_json(const unet_matches *matches)
{
    unet_match_scores s = unet_matches_scores(matches);

    return json_pack("{sI sI sI so so so so so so so so so}", "true", (json_int_t)matches->truth,
                     "predicted", (json_int_t)matches->predicted, "matched",
                     (json_int_t)matches->matched[0], "f1", steps_json(s.f1), "precision",
                     steps_json(s.precision), "recall", steps_json(s.recall), "ap",
                     steps_json(s.ap), "mean_ap", json_number_short(s.mean_ap), "pq",
                     json_number_short(s.pq), "sq", json_number_short(s.sq), "rq",
                     json_number_short(s.rq), "seg", json_number_short(s.seg));
}

static json_t *partition_json(const unet_partition *p)
{
    return json_pack("{so so so so so so so}", "rand", json_number_short(p->rand), "rand_split",
                     json_number_short(p->rand_split), "rand_merge",
                     json_number_short(p->rand_merge), "adapted_rand_error",
                     json_number_short(1 - p->rand), "info", json_number_short(p->info),
                     "info_split", json_number_short(p->info_split), "info_merge",
                     json_number_short(p->info_merge));
}

static json_t *boundary_json(const unet_boundary rows[UNET_BOUNDARY_STEPS])
{
    json_t *array = json_array();

    for (int step = 0; step < UNET_BOUNDARY_STEPS; step++)
        json_array_append_new(array,
                              json_pack("{so so so so so}", "threshold",
                                        json_number_short(rows[step].threshold), "plain",
                                        partition_json(&rows[step].plain), "thin",
                                        partition_json(&rows[step].thin), "pixel_error",
                                        json_number_short(rows[step].pixel_error), "warping_error",
                                        json_number_short(rows[step].warping_error)));
    return array;
}

static json_t *classes_json(const struct eval *eval, const struct eval_image *image)
{
    json_t *classes = json_array();

    for (int label = 0; label < eval->labels; label++) {
        const unet_scores *scores = image->scores;
        uint64_t pixels = 0;
        json_t *row;

        for (int predicted = 0; predicted <= eval->labels; predicted++)
            pixels += unet_scores_pixels(scores, label, predicted);
        row = json_pack(
            "{si so so so so so sI}", "class", label, "name", json_path(eval->names[label]), "dice",
            json_number_short(unet_scores_dice(scores, label)), "iou",
            json_number_short(unet_scores_iou(scores, label)), "precision",
            json_number_short(unet_scores_precision(scores, label)), "recall",
            json_number_short(unet_scores_recall(scores, label)), "pixels", (json_int_t)pixels);
        if (label > 0 && label < eval->object_labels)
            json_object_set_new(row, "objects", matches_json(&image->matches[label]));
        json_array_append_new(classes, row);
    }
    return classes;
}

static json_t *confusion_json(const unet_scores *scores)
{
    json_t *rows = json_array();

    for (int truth = 0; truth < unet_scores_labels(scores); truth++) {
        json_t *row = json_array();

        for (int predicted = 0; predicted < unet_scores_labels(scores); predicted++)
            json_array_append_new(
                row, json_integer((json_int_t)unet_scores_pixels(scores, truth, predicted)));
        json_array_append_new(rows, row);
    }
    return rows;
}

/* What one image and all together have. */
static json_t *image_json(const struct eval *eval, const struct eval_image *image)
{
    json_t *object = json_pack(
        "{so so so so so so}", "mean_dice", json_number_short(unet_scores_mean_dice(image->scores)),
        "all_dice", json_number_short(unet_scores_all_dice(image->scores)), "mean_iou",
        json_number_short(unet_scores_mean_iou(image->scores)), "accuracy",
        json_number_short(unet_scores_accuracy(image->scores)), "classes",
        classes_json(eval, image), "confusion", confusion_json(image->scores));

    if (eval->boundary >= 0)
        json_object_set_new(object, "boundary", boundary_json(image->boundary));
    return object;
}

json_t *eval_json(const struct eval *eval)
{
    json_t *root = image_json(eval, &eval->sum), *images = json_array();

    json_object_set_new(root, "images", json_integer(eval->count));
    if (eval->held_out)
        json_object_set_new(root, "held_out", json_true());
    if (eval->folds)
        json_object_set_new(root, "folds", eval_folds_json(eval));
    json_object_set_new(root, "left_out", json_path(eval->left_out));
    json_object_set_new(root, "mean_dice_interval", interval_json(eval->dice));
    json_object_set_new(root, "mean_iou_interval", interval_json(eval->iou));
    if (eval->object_labels) {
        json_t *all = matches_json(&eval->matched);

        json_object_set_new(all, "f1_interval", interval_json(eval->f1));
        json_object_set_new(root, "objects", all);
    }
    for (int i = 0; i < eval->count; i++) {
        json_t *image = image_json(eval, &eval->images[i]);

        json_object_set_new(image, "image", json_path(eval->images[i].name));
        if (eval->images[i].fold)
            json_object_set_new(image, "fold", json_integer(eval->images[i].fold));
        json_array_append_new(images, image);
    }
    json_object_set_new(root, "per_image", images);
    return root;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* api_survey.c - the public functions of unet_survey.h: a look at data.  Each checks its arguments,
 * then makes one call into the layers below. */
#include "api.h"

#include <stdlib.h>

#include "data/survey/survey.h"

unet_code unet_survey_open(const char *images, const char *masks,
                           const unet_dataset_options *options,
                           int (*progress)(void *context, int done, int count), void *context,
                           unet_survey **survey, unet_error *err)
{
    if (!images || !masks || !survey)
        return un_missing(err, !images ? "images" : !masks ? "masks" : "survey");
    unet_dataset_options wanted;
    struct un_coding of_model;
    const struct un_coding *coding;
    unet_code code = un_given_coding(options, &wanted, &of_model, &coding, err);
    if (code)
        return code;
    return un_survey_open(images, masks, &wanted, coding, progress, context, survey, err);
}

unet_code unet_survey_dataset(const unet_dataset *dataset, const unet_cancel *cancel,
                              unet_survey **survey, unet_error *err)
{
    if (!dataset || !survey)
        return un_missing(err, !dataset ? "dataset" : "survey");
    return un_survey_dataset(dataset, cancel, survey, err);
}

unet_code unet_survey_split(const unet_survey *survey, unet_dataset *dataset, double share,
                            uint64_t seed, unet_dataset **held_out, unet_error *err)
{
    if (!survey || !dataset || !held_out)
        return un_missing(err, !survey ? "survey" : !dataset ? "dataset" : "held_out");
    return un_survey_split(survey, dataset, share, seed, held_out, err);
}

unet_code unet_survey_fold(const unet_survey *survey, unet_dataset *dataset, int fold, int folds,
                           uint64_t seed, unet_dataset **held_out, unet_error *err)
{
    if (!survey || !dataset || !held_out)
        return un_missing(err, !survey ? "survey" : !dataset ? "dataset" : "held_out");
    return un_survey_fold(survey, dataset, fold, folds, seed, held_out, err);
}

unet_code unet_dataset_part(unet_dataset *dataset, const int *out, unet_dataset **held_out,
                            unet_error *err)
{
    if (!dataset || !out || !held_out)
        return un_missing(err, !dataset ? "dataset" : !out ? "out" : "held_out");
    bool *marked = calloc((size_t)dataset->count + 1, sizeof *marked);
    int n = 0;
    if (!marked)
        return un_fail_memory(err, (size_t)dataset->count, "a part of a data set");
    for (int i = 0; i < dataset->count; i++) {
        marked[i] = out[i] != 0;
        n += marked[i];
    }
    unet_code code = un_dataset_part(dataset, marked, n, held_out, err);
    free(marked);
    return code;
}

const char *unet_dataset_held_out_text(const unet_dataset *dataset)
{
    return dataset->held_out;
}

void unet_survey_free(unet_survey *survey)
{
    un_survey_free(survey);
}

const unet_survey_facts *unet_survey_all(const unet_survey *survey)
{
    return &survey->facts;
}

const unet_survey_pair *unet_survey_at(const unet_survey *survey, int i)
{
    return i < 0 || i >= survey->files.count ? NULL : &survey->items[i].seen;
}

int unet_survey_findings(const unet_survey *survey)
{
    return survey->finding_count;
}

const unet_finding *unet_survey_finding(const unet_survey *survey, int i)
{
    return i < 0 || i >= survey->finding_count ? NULL : &survey->findings[i].shown;
}

unet_code unet_survey_picture(const unet_survey *survey, int i, int side,
                              const uint8_t (*colors)[3], int color_count, unet_image *image,
                              unet_image *overlay, unet_error *err)
{
    if (!survey || !colors || !image || !overlay)
        return un_missing(err, !survey   ? "survey"
                               : !colors ? "colors"
                               : !image  ? "image"
                                         : "overlay");
    return un_survey_picture(survey, i, side, colors, color_count, image, overlay, err);
}

const char *unet_finding_name(unet_finding_kind kind)
{
    return un_finding_name(kind);
}

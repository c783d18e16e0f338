/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_parts.c - parts of a data set: what belongs together stays on one side
 *
 * Neighbours, the same picture twice and copies of a picture are groups, which overlap: they are
 * joined one after the other.
 */
#include <stdlib.h>

#include "data/survey/survey.h"

void un_survey_join(const unet_survey *survey, int *group, int i, int j)
{
    const int own = group[i], other = group[j];
    for (int k = 0; own != other && k < survey->files.count; k++)
        group[k] = group[k] == own ? other : group[k];
}

static unet_code find_for(const unet_survey *survey, const unet_dataset *dataset, int **group,
                          unet_error *err)
{
    const size_t bytes = ((size_t)dataset->count + 1) * sizeof **group;
    if (survey->files.count != dataset->count)
        return un_fail(err, UNET_EINVAL, "a survey of %d images for a data set of %d",
                       survey->files.count, dataset->count);
    if (!(*group = malloc(bytes)))
        return un_fail_memory(err, bytes, "sequences");
    const unet_code code = un_survey_sequences(survey, *group, err);
    if (code)
        return code;
    un_survey_join_twins(survey, *group);
    return un_survey_join_copies(survey, *group, err);
}

unet_code un_survey_split(const unet_survey *survey, unet_dataset *dataset, double share,
                          uint64_t seed, unet_dataset **held_out, unet_error *err)
{
    int *group = NULL;
    unet_code code = find_for(survey, dataset, &group, err);
    if (!code)
        code = un_dataset_split_groups(dataset, group, share, seed, held_out, err);
    free(group);
    return code;
}

unet_code un_survey_fold(const unet_survey *survey, unet_dataset *dataset, int fold, int folds,
                         uint64_t seed, unet_dataset **held_out, unet_error *err)
{
    int *group = NULL;
    unet_code code = find_for(survey, dataset, &group, err);
    if (!code)
        code = un_dataset_fold_groups(dataset, group, fold, folds, seed, held_out, err);
    free(group);
    return code;
}

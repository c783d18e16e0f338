/* SPDX-License-Identifier: Apache-2.0 */
/*
 * models.h - one or more models whose answers are averaged
 *
 *     struct models models = {0};
 *     models_load(count, operands, &settings.common, &models)
 *     unet_session_options work = {...};   models_average(&models, &work);
 *     unet_session_create(models.first, &work, ...)
 *     models_release(&models)              after the session
 */
#ifndef MODELS_H
#define MODELS_H

#include "shared/cli.h"
#include "shared/paths.h"

struct models {
    struct path_list files;
    const unet_model *first; /* which says what the classes are; of list */
    unet_model **list;       /* [files.count] */
};

/* Names the files that operands stand for: files, run folders, folders of folds.  An exit status,
 * said on stderr; release in any case, as after the two below. */
int models_list(int count, char **operands, struct models *models);

/* Loads those files, and checks that they go together. */
int models_open(const struct common_settings *common, struct models *models);

/* Both. */
int models_load(int count, char **operands, const struct common_settings *common,
                struct models *models);
void models_release(struct models *models);

/* Lets a session average all of them. */
void models_average(const struct models *models, unet_session_options *work);

/* The words of --tta, and what a model was trained to be predicted with where none was given (< 0):
 * what its preset left in its settings. */
extern const char *const tta_words[];
unet_tta model_views(const unet_model *model, int given);

/* What makes a prediction take longer, and what turns it off where it was not asked for. */
void say_views(unet_tta tta, int given);

#endif

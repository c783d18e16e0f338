/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_path.h - the models that a path stands for: a file's, or those of unet train's folder
 *
 *     run/best.safetensors                       a run: this is its model
 *     run/fold1/best.safetensors, run/fold2/..   a cross-validation: one model of each fold
 */
#ifndef MODEL_PATH_H
#define MODEL_PATH_H

#include "shared/paths.h"
#include "unet.h"

/* Whether an operand is a model by its name, its ending or what the folder holds, so that it cannot
 * be an image. */
int model_path_is(const char *path);

/*
 * Adds the model files that an operand stands for: itself, or those of a folder.  UNET_EINVAL: the
 * folder has none, or one of its folds has none yet; UNET_ENOMEM.
 */
unet_code model_path_list(const char *path, struct path_list *files, unet_error *err);

/* The same where only one model is of use; the caller frees *file.  Also UNET_EINVAL: it stands for
 * several. */
unet_code model_path_one(const char *path, char **file, unet_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runfolder.h - the folder that unet train writes, as a model
 *
 *     run/best.safetensors                       a run: this is its model
 *     run/fold1/best.safetensors, run/fold2/..   a cross-validation: one model of each fold
 */
#ifndef RUNFOLDER_H
#define RUNFOLDER_H

#include "paths.h"
#include "unet.h"

/* Whether an operand is a model by its name, its ending or what the folder holds, so that it cannot
 * be an image. */
int run_folder_is_model(const char *path);

/*
 * Adds the model files that an operand stands for: itself, or those of a folder.  UNET_EINVAL: the
 * folder has none, or one of its folds has none yet; UNET_ENOMEM.
 */
unet_code run_folder_list(const char *path, struct path_list *files, unet_error *err);

/* The same where only one model is of use; the caller frees *file.  Also UNET_EINVAL: it stands for
 * several. */
unet_code run_folder_one(const char *path, char **file, unet_error *err);

#endif

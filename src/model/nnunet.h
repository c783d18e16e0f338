/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nnunet.h - what lies beside a checkpoint of nnU-Net
 *
 * Its folder of results has plans.json and dataset.json, and below them
 * fold_0/checkpoint_final.pth: how images become input, and what the classes are called, is in the
 * first two.
 */
#ifndef UN_NNUNET_H
#define UN_NNUNET_H

#include "model/model.h"

/*
 * Gives a model, whose weights came from the file at path, the normalisation and the classes that
 * plans.json and dataset.json say, beside the file or in the folder above; known->log hears what
 * was taken, what is not there, and what is not done.  UNET_EFORMAT: they say what unet does not
 * do, or are of another network; UNET_ENOMEM, UNET_EIO.
 */
unet_code un_nnunet_apply(const char *path, const unet_known *known, unet_model *model,
                          unet_error *err);

#endif

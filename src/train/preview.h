/* SPDX-License-Identifier: Apache-2.0 */
/* preview.h - training tiles for a person's eye */
#ifndef UN_PREVIEW_H
#define UN_PREVIEW_H

#include "data/set/dataset.h"

/* The inner half of unet_augment_draw(). */
unet_code un_preview_draw(const unet_dataset *dataset, int i, const unet_train_options *options,
                          int sample, int side, unet_image *tile, uint8_t *labels, float *weights,
                          unet_error *err);

#endif

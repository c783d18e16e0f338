/* SPDX-License-Identifier: Apache-2.0 */
/* samples.h - whether the samples of an image are such as a model was trained on */
#ifndef UN_SAMPLES_H
#define UN_SAMPLES_H

#include "image/reading.h"

/* What samples a training had; an image is one of them. */
enum {
    UN_SAMPLES_U8 = 1 << UNET_U8,
    UN_SAMPLES_U16 = 1 << UNET_U16,
    UN_SAMPLES_F32 = 1 << UNET_F32,
    UN_SAMPLES_PREPARED = 1 << (UNET_F32 + 1)
};
#define UN_SAMPLE_KINDS 4

/* The UN_SAMPLES_.. of an image. */
unsigned un_samples_of(unet_sample sample, int prepared);

/*
 * Whether a model with this scaling was trained on such samples, or it does not matter: nothing is
 * known of the training, each image is brought to one scale by itself, or the image is prepared.
 * UNET_EINVAL: "name: 8-bit samples, the model was trained on 16-bit ones (110 to 4012)"; a
 * prepared image, and a model of another program that scales its input itself.
 */
unet_code un_samples_check(const struct un_scaling *scaling, unsigned samples, const char *name,
                           unet_error *err);

#endif

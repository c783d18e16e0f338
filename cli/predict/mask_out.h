/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask_out.h - what stands in a mask that is written: class numbers with colours, or what stood in
 * the masks that the model was trained on
 */
#ifndef MASK_OUT_H
#define MASK_OUT_H

#include "unet_image.h"

struct mask_out {
    int labels;
    int recoded;  /* rows pass through the table below */
    int channels; /* 1, or 3: colours */
    int words;    /* values need 16 bits */
    int paletted; /* values are indices */
    uint32_t value[256];
    uint8_t rgb[256][3];     /* of each class */
    uint8_t palette[256][3]; /* of each value */
};

/* Class numbers. */
void mask_out_classes(struct mask_out *out, const unet_model *model);

/* As in training: grey values, palette indices or colours.  UNET_EINVAL: a class that no value
 * stands for, or values of more than 16 bits. */
unet_code mask_out_as_trained(struct mask_out *out, const unet_model *model, unet_error *err);

/* Fills in what a mask's page is like; its sides are there. */
void mask_out_page(const struct mask_out *out, unet_writer_page *page);

unet_code mask_out_rows(const struct mask_out *out, unet_writer *writer, const unet_band *band,
                        unet_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* palette.h - a colour for each class */
#ifndef UN_PALETTE_H
#define UN_PALETTE_H

#include "unet.h"

/*
 * The default colour of class label, 0 <= label < UNET_MAX_CLASSES: black for 0, then colours that
 * differ for people with and without full colour vision, most for the first eight.
 */
void un_palette_color(int label, uint8_t rgb[3]);

#endif

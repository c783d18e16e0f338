/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask_alpha.c - transparent pixels of masks: nobody painted there
 *
 * Alpha that is the same everywhere says nothing, unless all of it is 0 on a single colour: a layer
 * on which nothing was painted.  Else a pixel is transparent when its alpha is less than half of
 * the file's largest: the soft edge of a brush is half paint.
 */
#include "data/masks/mask.h"

bool un_mask_clear(struct un_mask *mask, const uint16_t *alpha)
{
    size_t count = (size_t)mask->height * (size_t)mask->width;
    uint16_t least = UINT16_MAX, most = 0;
    bool one_code = true;
    for (size_t i = 0; i < count; i++) {
        least = alpha[i] < least ? alpha[i] : least;
        most = alpha[i] > most ? alpha[i] : most;
        one_code = one_code && mask->codes[i] == mask->codes[0];
    }
    if (least == most && (most || !one_code))
        return false;
    const uint32_t *painted = NULL;
    mask->plain = true;
    for (size_t i = 0; i < count; i++) {
        if (!alpha[i] || 2u * alpha[i] < most) {
            mask->codes[i] = UN_MASK_CLEAR;
            continue;
        }
        painted = painted ? painted : &mask->codes[i];
        mask->plain = mask->plain && mask->codes[i] == *painted;
    }
    return true;
}

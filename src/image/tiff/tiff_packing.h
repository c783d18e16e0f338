/* SPDX-License-Identifier: Apache-2.0 */
/* tiff_packing.h - samples as TIFF packs them, made into those of a page */
#ifndef UN_TIFF_PACKING_H
#define UN_TIFF_PACKING_H

#include "image/source.h"

/* How the samples of a row lie, and where they go. */
struct un_packing {
    int bits;             /* of a sample in src: 1..64 */
    int bytes;            /* of a sample in dst: 1, 2, 4, 8, in the machine's order */
    bool is_signed;       /* packed samples carry their sign on */
    bool is_float24;      /* 1 sign, 7 exponent and 16 fraction bits become a float */
    bool big_endian;      /* samples of whole bytes in src */
    size_t samples, step; /* of a pixel in src, and in dst: samples <= step */
};

/*
 * Copies `pixels` pixels of a row, from pixel `first` on.  Samples that are no whole bytes follow
 * each other without gaps, most significant bit first.
 *
 *   dst  the first sample of the first pixel; pixels are `step` samples apart
 */
void un_unpack(const struct un_packing *packing, const uint8_t *row, size_t first, size_t pixels,
               void *dst);

#endif

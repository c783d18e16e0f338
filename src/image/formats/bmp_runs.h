/* SPDX-License-Identifier: Apache-2.0 */
/* bmp_runs.h - the run lengths of BMP files, RLE8 and RLE4 */
#ifndef UN_BMP_RUNS_H
#define UN_BMP_RUNS_H

#include "image/source.h"

#define UN_RUNS_LIMIT 128 /* pixels that a byte can make: two make 255 */

/*
 * Indices, top row first, from runs of 8 or 4-bit pixels; the caller has filled dst with what is to
 * stand where the runs skip pixels.  UNET_EFORMAT unless they reach the last row and their end.
 *
 *   dst  [page->height][page->width]
 */
unet_code un_unpack_runs(const char *name, const unsigned char *runs, size_t size, int depth,
                         const struct un_page *page, uint8_t *dst, unet_error *err);

#endif

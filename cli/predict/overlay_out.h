/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay_out.h - an overlay that is drawn and written as its rows come
 *
 * A row's outline depends on the rows above and below it, so the last row of each band waits for
 * the first one of the next.
 */
#ifndef OVERLAY_OUT_H
#define OVERLAY_OUT_H

#include "unet_objects.h"

struct overlay_out {
    unet_writer *writer; /* borrowed */
    const uint8_t (*colors)[3];
    int color_count;
    float range[2];
    int height, done;
    unet_image last;    /* one row: the one that waits */
    uint8_t *last_mask; /* its mask, and the row above: [2][width] */
    uint8_t *rgb;       /* room to draw */
};

/* Begins a page of an open writer; source's page gives the range of grey values.  Release it in any
 * case. */
unet_code overlay_out_begin(struct overlay_out *out, unet_writer *writer, unet_source *source,
                            int page, const uint8_t (*colors)[3], int color_count, unet_error *err);
unet_code overlay_out_band(struct overlay_out *out, const unet_band *band, unet_error *err);

/* Instead of bands: the whole page, of objects that are finished, so as they are counted. */
unet_code overlay_out_objects(struct overlay_out *out, unet_source *source, int page,
                              unet_objects *objects, unet_error *err);
void overlay_out_release(struct overlay_out *out);

/* Bytes that it holds, besides its writer's; objects: 1: it is drawn of them. */
uint64_t overlay_out_bytes(const unet_page *page, int objects);

#endif

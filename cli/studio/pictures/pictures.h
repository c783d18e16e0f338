/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pictures.h - pixels of the project's images, and tiles of them to look at
 *
 * Images of up to PICTURE_WHOLE bytes are read whole and stay for a while, PICTURE_CACHE bytes of
 * them together.  Of larger ones only what is asked for is read, and a copy with an eighth of each
 * side is made once, in the background, for the levels from 3 on.  Files that can only be read from
 * top to bottom are written out then, so that any part of them is at hand.
 */
#ifndef PICTURES_H
#define PICTURES_H

#include "studio/pictures/png_out.h"
#include "studio/studio.h"

#define PICTURE_WHOLE ((size_t)96 << 20)
#define PICTURE_CACHE ((size_t)384 << 20)

struct pictures;

struct picture_channel {
    double min, max, low, high; /* low and high: 0.5 and 99.5 percentile */
    int histogram[64];          /* between min and max */
};

/* What a person wants to see. */
struct picture_view {
    int given;        /* 1: low and high are */
    double low, high; /* drawn black and white */
    double gamma;     /* > 0 */
    int channels;     /* 0: the first, or the first three; else 1 or 3, */
    int channel[3];   /* these */
};

/* images [count] must outlive it; folder: where large copies go, for as long as it runs.  grown()
 * is called from the thread that makes such a copy, with the share that is done. */
unet_code pictures_create(const struct studio_image *images, int count, const char *folder,
                          void (*grown)(void *context, int image, double share), void *context,
                          struct pictures **pictures, unet_error *err);
void pictures_free(struct pictures *pictures);

/* samples [rect.height][rect.width][channels]; rect lies within.  Waits until the file is written
 * out where that is necessary. */
unet_code pictures_read(struct pictures *pictures, int image, struct studio_rect rect,
                        void *samples, unet_error *err);

/* channels [channels of the image] are the pictures' own. */
unet_code pictures_stats(struct pictures *pictures, int image,
                         const struct picture_channel **channels, unet_error *err);

/* A tile, which must be one of the level's.  ESTOPPED: not yet, ask again in a second. */
unet_code pictures_tile(struct pictures *pictures, int image, int level, int x, int y,
                        const struct picture_view *view, struct png_bytes *png, unet_error *err);

/* How many levels an image has, and a level's sides. */
int picture_levels(const struct studio_image *image);
int picture_side(int side, int level);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pictures.h - pixels of the project's images, and tiles of them to look at
 *
 * Images of up to PICTURE_WHOLE bytes are read whole and stay for a while, PICTURE_CACHE bytes of
 * them together.  Of larger ones only what is asked for is read, and a copy with an eighth of each
 * side is made once, in the background, for the levels from 3 on; until it is there they are
 * coarse, from a few samples.  Files that can only be read from top to bottom are written out then,
 * so that any part of them is at hand.  Both copies are kept in FOLDER/cache/ for the next time.
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

/* images [count] must outlive it; folder: the project's, with cache/ in it.  grown() is called from
 * the thread that makes a copy, with the share that is done. */
unet_code pictures_create(const struct studio_image *images, int count, const char *folder,
                          void (*grown)(void *context, int image, double share), void *context,
                          struct pictures **pictures, unet_error *err);
void pictures_free(struct pictures *pictures);

/* samples [rect.height][rect.width][channels]; rect lies within.  Waits until the file is written
 * out so far where that is necessary. */
unet_code pictures_read(struct pictures *pictures, int image, struct studio_rect rect,
                        void *samples, unet_error *err);

/* channels [channels of the image]: the caller's to free().  *so_far: 1: of what is read so far. */
unet_code pictures_stats(struct pictures *pictures, int image, struct picture_channel **channels,
                         int *so_far, unet_error *err);

/* A tile, which must be one of the level's.  *coarse: 1: a better one comes, when grown() is called
 * with 1.  ESTOPPED: not yet, ask again in a second. */
unet_code pictures_tile(struct pictures *pictures, int image, int level, int x, int y,
                        const struct picture_view *view, struct png_bytes *png, int *coarse,
                        unet_error *err);

/* How many levels an image has, and a level's sides. */
int picture_levels(const struct studio_image *image);
int picture_side(int side, int level);

#endif

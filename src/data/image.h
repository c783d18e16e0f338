/* SPDX-License-Identifier: Apache-2.0 */
/* image.h - one struct of functions for each image format; a format is one file and one line */
#ifndef UN_IMAGE_H
#define UN_IMAGE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/file.h"
#include "data/coding.h"

/*
 * What a reader hands over: samples as they stand in the file, and what they mean.  Palettes are
 * kept here as indices with colours, because a mask wants the index and an image the colour.
 */
struct un_picture {
    unet_image image;   /* channels include alpha; samples of 1, 2, 4 bits are not spread yet */
    int bits;           /* of a sample in the file: 1, 2, 4, 8, 16, 32 */
    bool alpha;         /* the last channel is alpha */
    bool white_is_zero; /* TIFF MinIsWhite */
    int palette_size;   /* > 0: samples are indices */
    uint8_t palette[256][3];
};

struct un_format {
    const char *name;                                      /* "PNG" */
    const char *const *endings;                            /* ".tif", ".tiff", NULL */
    bool (*probe)(const unsigned char *head, size_t size); /* by the first bytes */
    unet_code (*read)(const char *path, struct un_picture *picture, unet_error *err);
    /* writes to save->file; palette may be NULL (colors 0) */
    unet_code (*write)(const char *path, struct un_save *save, const unet_image *image,
                       const uint8_t (*palette)[3], int colors, unet_error *err);
};

extern const struct un_format un_format_png, un_format_tiff, un_format_npy;

/* Bytes of one sample. */
size_t un_sample_bytes(unet_sample sample);

/* height * width * channels * sample bytes; 0 when a side is < 1 or the product overflows or is
 * beyond what a picture may have (1 << 34 bytes). */
size_t un_image_bytes(const unet_image *image);

/* Reads a picture whatever its format; UNET_EFORMAT names what the first bytes look like. */
unet_code un_picture_read(const char *path, struct un_picture *picture, unet_error *err);

/* Whether a file name's ending is one of a format we read. */
bool un_image_name(const char *name);

/*
 * The image as channels planes of float, ready for the network: [H][W][channels], scaled, grey
 * replicated to RGB or (when all channels are equal) RGB reduced to grey as `channels` asks.
 * UNET_EINVAL: "name: 3 channels, the model takes 1".  *pixels comes from malloc.
 */
unet_code un_image_to_input(const unet_image *image, const char *name, int channels,
                            const struct un_scaling *scaling, float **pixels, unet_error *err);

/*
 * A mask file as values 0..255: palette indices, grey values, or 1/2/4-bit values unspread (a
 * 1-bit mask gives 0 and 1).  RGB(A) with equal channels counts as grey.  UNET_EFORMAT for colours
 * or values above 255, with the pixel.
 */
unet_code un_mask_read(const char *path, int *height, int *width, uint8_t **values,
                       unet_error *err);

#endif

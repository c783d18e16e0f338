/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - one struct of functions for each image format; a format is one file and one line
 *
 *     file -> un_picture (samples as they stand in the file) -> unet_image (un_image_read)
 *                                                            -> mask values (un_mask_read)
 */
#ifndef UN_IMAGE_H
#define UN_IMAGE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/file.h"
#include "data/coding.h"

#define UN_IMAGE_SIDE (1 << 17)            /* widest and tallest picture */
#define UN_IMAGE_CHANNELS 1024             /* most channels of a picture */
#define UN_IMAGE_BYTES ((uint64_t)1 << 34) /* most bytes of a picture's samples */

/*
 * What a reader hands over: samples as they stand in the file, and what they mean.  Palettes are
 * kept here as indices with colours, because a mask wants the index and an image the colour.
 */
struct un_picture {
    unet_image image;   /* channels include alpha; samples below 8 bits are not spread yet */
    int bits;           /* of a sample in the file: 1..16, or 32 for float */
    bool alpha;         /* the last channel is alpha */
    bool white_is_zero; /* TIFF MinIsWhite */
    int palette_size;   /* > 0: samples are indices; colours beyond it are black */
    uint8_t palette[256][3];
};

struct un_format {
    const char *name;                                      /* "PNG" */
    const char *const *endings;                            /* ".tif", ".tiff", NULL */
    bool (*probe)(const unsigned char *head, size_t size); /* by the first bytes */
    /* name is for messages; *picture is set only on success */
    unet_code (*read)(const char *name, const struct un_mapping *file, struct un_picture *picture,
                      unet_error *err);
    /* writes to save->file; palette may be NULL (colors 0) */
    unet_code (*write)(const char *path, struct un_save *save, const unet_image *image,
                       const uint8_t (*palette)[3], int colors, unet_error *err);
};

extern const struct un_format un_format_png, un_format_tiff, un_format_npy;

/* The format that a path's ending asks for, in upper or lower case; NULL: none of ours. */
const struct un_format *un_format_of_name(const char *path);

/* Whether a file name's ending is one of a format we read. */
bool un_image_name(const char *name);

/* Whether a file name's ending is one of an image format that we do not read: .jpg, .bmp ... */
bool un_image_name_foreign(const char *name);

/* Bytes of one sample. */
size_t un_sample_bytes(unet_sample sample);

/*
 * height * width * channels * sample bytes; 0 when a side is < 1 or one of the limits above is
 * passed.
 */
size_t un_image_bytes(const unet_image *image);

/* As un_image_bytes(), but a picture that is too large or empty is UNET_EFORMAT, naming the side.
 */
unet_code un_image_check(const char *name, const unet_image *image, size_t *bytes, unet_error *err);

/*
 * Reads a picture whatever its format; UNET_EFORMAT names what the first bytes look like.  The
 * caller frees picture->image.data.
 */
unet_code un_picture_read(const char *path, struct un_picture *picture, unet_error *err);

/*
 * The picture as an image: palette resolved, samples below 8 bits spread to 0..255 and those of
 * 9..15 bits to 0..65535, MinIsWhite inverted, alpha dropped.  Takes picture->image.data (which
 * may become image->data), also on failure.
 */
unet_code un_picture_to_image(struct un_picture *picture, const char *name, unet_image *image,
                              unet_error *err);

/*
 * The picture as mask values, as un_mask_read() says.  Takes picture->image.data, also on
 * failure.
 */
unet_code un_picture_to_mask(struct un_picture *picture, const char *name, uint8_t **values,
                             unet_error *err);

/* The inner half of unet_image_read(). */
unet_code un_image_read(const char *path, unet_image *image, unet_error *err);

/* The inner half of unet_image_write(). */
unet_code un_image_write(const char *path, const unet_image *image, unet_error *err);

/* Writes through the format that path's ending names; palette as in struct un_format. */
unet_code un_image_write_palette(const char *path, const unet_image *image,
                                 const uint8_t (*palette)[3], int colors, unet_error *err);

/*
 * Writes a float array of any shape as .npy: probabilities [K][H][W], say.  dims 1..8.
 * Temporary file, sync, rename.
 */
unet_code un_npy_write(const char *path, const float *data, int dims, const int shape[],
                       unet_error *err);

/* Whether all channels of every pixel are equal (one channel is grey). */
bool un_image_is_grey(const unet_image *image);

/* UNET_EINVAL when a float sample is NaN or infinite, with the pixel; name may be NULL. */
unet_code un_image_check_finite(const char *name, const unet_image *image, unet_error *err);

/*
 * Order statistics of the samples of several images together: value[i] is the sample of rank
 * floor(share[i] * (n - 1)) among all their n finite samples.  n = 0 gives zeros.  Exact.
 */
unet_code un_image_quantiles(const unet_image *const *images, int image_count, const double *share,
                             float *value, int count, unet_error *err);

/*
 * A mask file as values 0..255: palette indices, grey values, or 1/2/4-bit values unspread (a
 * 1-bit mask gives 0 and 1).  RGB(A) with equal channels counts as grey.  MinIsWhite is inverted,
 * so that values are brightness.  UNET_EFORMAT for colours or values above 255, with the pixel.
 *
 *   bits   of a sample in the file; 16 tells object numbers from classes.  May be NULL
 */
unet_code un_mask_read(const char *path, int *height, int *width, uint8_t **values, int *bits,
                       unet_error *err);

/* The inner half of unet_mask_write().  Values without a colour become black, UNET_IGNORE grey. */
unet_code un_mask_write(const char *path, const uint8_t *mask, int height, int width,
                        const uint8_t (*colors)[3], int color_count, unet_error *err);

/* The inner half of unet_overlay().  UNET_EINVAL for a class without a colour. */
unet_code un_overlay(const unet_image *image, const uint8_t *mask, const uint8_t (*colors)[3],
                     int color_count, float opacity, unet_image *overlay, unet_error *err);

#endif

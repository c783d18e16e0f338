/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - whole images in memory
 *
 *     file -> un_source (source.h) -> unet_image (un_image_read)
 *                                  -> struct un_mask (mask.h)
 */
#ifndef UN_IMAGE_H
#define UN_IMAGE_H

#include "image/source.h"
#include "unet_embed.h"

/* Whether a file name's ending is one of a format we read. */
bool un_image_name(const char *name);

/* Whether the file at path begins as an image, also as one that we do not read. */
bool un_image_file(const char *path);

/* Whether a file name's ending is one of an image format that we do not read: .webp, .jp2 ... */
bool un_image_name_foreign(const char *name);

/* Bytes of one sample. */
size_t un_sample_bytes(unet_sample sample);

/*
 * height * width * channels * sample bytes; 0 when a side is < 1 or one of the limits above is
 * passed.
 */
size_t un_image_bytes(const unet_image *image);

/* All of page i of a source, upright; the caller frees image->data. */
unet_code un_image_of_source(struct unet_source *source, int i, unet_image *image, unet_error *err);

/* As un_image_bytes(), but a picture that is too large or empty is UNET_EFORMAT, naming the side.
 */
unet_code un_image_check(const char *name, const unet_image *image, size_t *bytes, unet_error *err);

/* The inner half of unet_image_read(): the first of the pages that path names. */
unet_code un_image_read(const char *path, unet_image *image, unet_error *err);

/* The inner half of unet_image_write(). */
unet_code un_image_write(const char *path, const unet_image *image, unet_error *err);

/* Writes through the format that path's ending names; palette [colors][3] or NULL. */
unet_code un_image_write_palette(const char *path, const unet_image *image,
                                 const uint8_t (*palette)[3], int colors, unet_error *err);

/*
 * Writes a float array of any shape as .npy: probabilities [K][H][W], say.  dims 1..8.
 * Temporary file, sync, rename.
 */
unet_code un_npy_write(const char *path, const float *data, int dims, const int shape[],
                       unet_error *err);

/* ---- view.c ------------------------------------------------------------------------------ */

/* An image as a view of it. */
unet_view un_view_of(const unet_image *image);

/* A pixel's first channel. */
static inline const char *un_view_at(unet_view view, int y, int x)
{
    return (const char *)view.data + y * view.row + x * view.column;
}

/*
 * Whether a view that a program made up is one of samples up to `most` (as the enum has them).
 * UNET_EINVAL: what of it is not: no data, sides, a sample type, strides of 0 or beyond what an
 * array can have.  name may be NULL.
 */
unet_code un_view_check(unet_view view, const char *name, unet_sample most, unet_error *err);

/* All samples into a fresh image; the caller frees image->data. */
unet_code un_view_copy(unet_view view, const char *name, unet_image *image, unet_error *err);

/* Whether all channels of every pixel are equal (one channel is grey). */
bool un_view_is_grey(unet_view view);

/* UNET_EINVAL when a float sample is NaN or infinite, with the pixel (the view's first row is row
 * first_row); name may be NULL. */
unet_code un_view_check_finite(const char *name, unet_view view, int first_row, unet_error *err);

/* ---- the image, all of it ---------------------------------------------------------------- */

/*
 * Order statistics of the samples of several images together: value[i] is the sample of rank
 * floor(share[i] * (n - 1)) among all their n finite samples.  n = 0 gives zeros.  Exact.
 */
unet_code un_image_quantiles(const unet_image *const *images, int image_count, const double *share,
                             float *value, int count, unet_error *err);

/* The inner half of unet_mask_write().  Values without a colour become black, UNET_IGNORE grey. */
unet_code un_mask_write(const char *path, const uint8_t *mask, int height, int width,
                        const uint8_t (*colors)[3], int color_count, unet_error *err);

/* Rows of an image and their mask, to be drawn as overlay.c says. */
struct un_overlay {
    const unet_image *image;
    const uint8_t *mask;          /* [height][width] */
    const uint8_t *above, *below; /* the mask's rows before and after these; NULL: the image ends */
    /* numbers of objects, which each have an outline, in as many rows; NULL: classes have one */
    const uint32_t *ids, *ids_above, *ids_below;
    const uint8_t (*colors)[3];
    int color_count;
    float opacity;
    int outlined;   /* class that is drawn as an outline alone; 0: none */
    float range[2]; /* samples that become 0 and 255 */
};

/* rgb: [height][width][3].  UNET_EINVAL for a class without a colour. */
unet_code un_overlay_draw(const struct un_overlay *overlay, uint8_t *rgb, unet_error *err);

/* The inner half of unet_overlay_range(). */
unet_code un_overlay_range(struct unet_source *source, int i, float range[2], unet_error *err);

/* The inner half of unet_overlay(). */
unet_code un_overlay(const unet_image *image, const uint8_t *mask, const uint8_t (*colors)[3],
                     int color_count, float opacity, unet_image *overlay, unet_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask.h - a mask file, page by page, as codes; and codes as classes
 *
 *     un_source -> un_mask_of_page -> struct un_mask -> un_census_take (census.h)
 *                                                    -> un_mask_to_classes
 *
 * One mask at a time is in memory as codes, 4 bytes a pixel.
 */
#ifndef UN_MASK_H
#define UN_MASK_H

#include "data/masks/coding.h"
#include "image/fit.h"
#include "image/image.h"

/* What a code is. */
enum un_code_type {
    UN_CODE_BIT,   /* 0 or 1 of a file with one bit a sample */
    UN_CODE_GREY,  /* a whole number as it is stored, also where white is 0 (MinIsWhite) */
    UN_CODE_INDEX, /* into the palette */
    UN_CODE_COLOR, /* 0xrrggbb */
    UN_CODE_CLEAR  /* of single pixels, not of masks: transparent (mask_alpha.c) */
};

#define UN_MASK_CLEAR UINT32_MAX /* the code of a transparent pixel of a mask that has such */

/* The code of pixels with a value that is said to carry no label and is no code itself: -1, NaN. */
#define UN_MASK_TOLD INT32_MAX

/* The code of what outlines say to ignore, theirs alone; what is written is UNET_IGNORE. */
#define UN_MASK_IGNORED 0xfffffffeu

struct un_mask {
    char *name; /* for messages: "m.tif", "m.tif: page 3" */
    int height, width;
    enum un_code_type type;
    int bits;                /* of a sample in the file */
    bool lossy;              /* values are near what was meant */
    bool turned;             /* of one bit, whose 1 is shown black and read as 0 */
    bool inverted;           /* numbers are shown inverted: white is 0, or a palette says so */
    bool clear;              /* pixels of UN_MASK_CLEAR are transparent */
    bool plain;              /* clear: all others have one code */
    struct un_fill no_label; /* the value that is UN_MASK_TOLD */
    int palette_size;
    uint8_t palette[256][3];
    uint32_t *codes; /* [height][width] */
};

/*
 * Reads page i of a source.  RGB(A) whose channels are equal everywhere is grey.  Pixels of one
 * bit are brightness, deeper ones are numbers as they are stored, however a table shows them.
 * UNET_EFORMAT names the pixel: a value that is no whole number of 0 .. 2^32 - 1, or samples of
 * more than 8 bits in colours.  Free it with un_mask_release().
 */
unet_code un_mask_of_page(struct unet_source *source, int i, struct un_mask *mask, unet_error *err);
void un_mask_release(struct un_mask *mask);

/* The same of a view that un_view_check() found in order: of one channel, or of three with 8 bits,
 * colours.  no_label: as in un_manner.  UNET_EINVAL. */
unet_code un_mask_of_view(unet_view view, const char *name, struct un_fill no_label,
                          struct un_mask *mask, unet_error *err);
/* Marks the transparent pixels; alpha [height][width] to 65535; false: there are none. */
bool un_mask_clear(struct un_mask *mask, const uint16_t *alpha);

/* As un_mask_of_page() of the first page of a file, which belongs to an open image (see
 * un_source_fit()) or to none: NULL. */
unet_code un_mask_read_for(const char *path, struct unet_source *image, struct un_fits *fits,
                           struct un_mask *mask, unet_error *err);

/*
 * The masks of the objects of an image, paths [NULL behind the last], as one of their numbers:
 * object i is i + 1, whatever is not 0 in its file (of a lossy one: nearer to white).  A pixel of
 * two is that of the smaller, so that none lies hidden under another.
 *
 * UNET_EINVAL: sides that differ, or two that are nearly the same.
 */
unet_code un_mask_join(char *const *paths, struct unet_source *image, struct un_fits *fits,
                       struct un_mask *mask, unet_error *err);

/*
 * What the codes mean; mask->codes are changed to those that the coding speaks of.
 *
 *   classes  [height][width]: 0 .. labels - 1 or UNET_IGNORE
 *
 * UNET_EINVAL names the pixel, its value, and the values wanted.
 */
unet_code un_mask_to_classes(struct un_mask *mask, const struct un_coding *coding, uint8_t *classes,
                             unet_error *err);

/*
 * Lays the mask of one class over others: pixels that are not 0 (of a lossy file: not nearer to 0
 * than to the brightest) become class `label`.  With `over`, they go over others; else a pixel that
 * has a class already is UNET_EINVAL.
 */
unet_code un_mask_lay(const struct un_mask *mask, const struct un_coding *coding, int label,
                      bool over, uint8_t *classes, unet_error *err);

/* How far from black a pixel is, and the most that is still background in a mask of one thing: 0,
 * of a lossy file half of the brightest. */
uint32_t un_mask_brightness(const struct un_mask *mask, size_t pixel);
uint32_t un_mask_least(const struct un_mask *mask);

/* Cells: pixels within reach of another object, as class 2; codes are the objects' numbers. */
void un_mask_mark_borders(const struct un_mask *mask, uint8_t *classes);

/* The code of a mask's pixel in words: "value 77", "index 3", "colour #804080". */
void un_code_text(enum un_code_type type, uint32_t code, char *text, size_t size);

#endif

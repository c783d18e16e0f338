/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - an image file that is open: its pages, and any rectangle of each
 *
 *     path[2:7] -> un_source_open -> un_source_page    what a page holds
 *                                 -> un_source_read    a rectangle as unet_image, upright
 *                                 -> un_source_raw     a rectangle of samples as they are stored
 *
 * A format is one struct un_format in one file.  It knows bytes; what is the same for all of them
 * (choosing pages, turning, palettes, alpha, levels) is done here and in convert.c.
 */
#ifndef UN_SOURCE_H
#define UN_SOURCE_H

#include <stdbool.h>

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "image/geometry.h"
#include "unet_image.h"

#define UN_IMAGE_SIDE (1 << 20)            /* widest and tallest picture */
#define UN_IMAGE_CHANNELS 1024             /* most channels of a picture */
#define UN_IMAGE_BYTES ((uint64_t)1 << 34) /* most bytes of samples that are in memory at once */
#define UN_SOURCE_PAGES (1 << 20)          /* most pages of a file */

enum un_kind { UN_UINT, UN_INT, UN_FLOAT };

/* The sample that stands where there are no data: beyond the edge of a map, outside of a field of
 * view.  NaN: every NaN. */
struct un_fill {
    bool set;
    float value;
};

static inline bool un_is_fill(struct un_fill fill, float sample)
{
    return fill.set && (sample == fill.value || (fill.value != fill.value && sample != sample));
}

/*
 * What a page holds, in the order and orientation of the file.  Palettes are kept as indices with
 * colours, because a mask wants the index and an image the colour.
 */
struct un_page {
    int height, width;
    int channels; /* with alpha */
    enum un_kind kind;
    int bits;           /* of a sample in the file, 1..64; below 8 they are not spread yet */
    int bytes;          /* of a sample in memory: 1, 2, 4 or 8, in the machine's order */
    bool alpha;         /* the last channel is alpha */
    bool white_is_zero; /* TIFF MinIsWhite */
    bool lossy;         /* came through a lossy compression: values are near what was meant */
    bool prepared;      /* values go to the network as they are (.npy) */
    int palette_size;   /* > 0: samples are indices; colours beyond it are black */
    uint8_t palette[256][3];
    bool ramp;       /* it shows greys, or one hue from dark to bright: an image of one channel */
    int orientation; /* as in TIFF and EXIF, 1..8; how to turn what is stored upright */
    double slope,
        offset; /* of NIfTI: a value is sample * slope + offset; slope 0: it is the sample */
    double pixel_height, pixel_width; /* in `unit`; 0: not known */
    double pixel_depth;               /* from a plane to the next, in OME-TIFF and ImageJ's */
    char unit[8];                     /* "um", "mm", "nm"; "" */
    struct un_fill fill;              /* that the file declares, as un_source_read() gives it */
    struct un_place place;            /* count[2]: of the file, 1 where pages have their own */
    const struct un_geo *geo;         /* GeoTIFF's tags, the source's while it is at this page */
    bool in_order;  /* a rectangle above the last one read starts the page anew: slow */
    size_t working; /* bytes that reading rectangles takes besides theirs */
};

/* How pages are to be read; all 0: as docs/images.md says. */
struct un_manner {
    bool as_stored;          /* not turned, and headers' places are not looked at */
    struct un_fill no_label; /* of a mask: a value of it that is no code, and carries no label */
    int with_alpha; /* alpha is a channel where there are so many then; else it is dropped */
};

struct un_format;

/* An image in the file that is no page. */
struct un_unread {
    const char *what; /* "level" of a pyramid, "thumbnail", "label", "macro", "mask" */
    int height, width;
};

/* A part of a page. */
struct un_rect {
    int top, left, height, width;
};

struct unet_source {
    char *name;       /* the path as given, for messages */
    size_t file_name; /* bytes of it before the choice of pages */
    struct un_mapping file;
    const struct un_format *format;
    int file_pages;           /* of the file; a page is a plane with all its channels */
    int first, pages;         /* those chosen: first .. first + pages - 1 */
    int depth;                /* pages of a volume, z by z, in a file of several; 0: not known */
    int planes;               /* of the file, one after the other, that are a page; 0: not known */
    void *state;              /* the format's own */
    char note[160];           /* what a user should know of how the file was read; "" */
    bool pages_are_rows;      /* of one image: un_source_open() makes that one (channels.h) */
    struct un_unread *unread; /* what the file holds besides its pages */
    int unread_count;
    struct un_manner manner;
    /* Of a slide: sets places of mask [rect.height][rect.width] to value where nothing was scanned.
     * NULL: there is something everywhere. */
    unet_code (*mark_empty)(struct unet_source *source, int index, struct un_rect rect,
                            uint8_t value, uint8_t *mask, unet_error *err);
    struct un_ordered *ordered; /* pages in another order of axes, in memory (reorder.c); or NULL */
};

struct un_format {
    const char *name;                                      /* "PNG" */
    const char *const *endings;                            /* ".tif", ".tiff", NULL */
    bool (*probe)(const unsigned char *head, size_t size); /* by the first bytes */
    /* Sets file_pages and state from file and name; close() is called even after a failure. */
    unet_code (*open)(struct unet_source *source, unet_error *err);
    /* index: of the file's pages.  Everything that a header claims is held against the bytes that
     * the file has. */
    unet_code (*page)(struct unet_source *source, int index, struct un_page *page, unet_error *err);
    /* samples [height][width][channels] of page->bytes each, as stored; the rectangle lies in it.
     * Fails rather than make up a sample. */
    unet_code (*read)(struct unet_source *source, int index, const struct un_page *page,
                      struct un_rect rect, void *samples, unet_error *err);
    void (*close)(struct unet_source *source);
};

extern const struct un_format un_format_png, un_format_tiff, un_format_jpeg, un_format_bmp,
    un_format_gif, un_format_nifti, un_format_nrrd, un_format_metaimage, un_format_npy,
    un_format_pnm, un_format_zarr, un_format_slide;

/*
 * Opens a file of any format, told by its first bytes.  The path may end in the pages wanted,
 * counted from 0 as in Python: scan.tif[3], scan.tif[2:7] (2 to 6), scan.tif[-1] (the last); a file
 * that has such a name itself goes first.  Paths with braces are those of channels.h.  UNET_EIO;
 * UNET_EFORMAT names what the first bytes look like; UNET_EINVAL: no such pages.
 */
unet_code un_source_open(const char *path, struct unet_source **source, unet_error *err);

unet_code un_source_open_as(const char *path, const struct un_manner *manner,
                            struct unet_source **source, unet_error *err);

/* The same over bytes in memory, which must outlive it; all pages. */
unet_code un_source_open_bytes(const char *name, const void *bytes, size_t size,
                               struct unet_source **source, unet_error *err);
void un_source_close(struct unet_source *source);

/* The path of page i of those chosen, scan.tif[5]; that of the file where it has no others.  NULL:
 * no memory; the caller frees it. */
char *un_source_page_path(const struct unet_source *source, int i);

/* i: 0 .. pages - 1, of those chosen. */
unet_code un_source_page(struct unet_source *source, int i, struct un_page *page, unet_error *err);

/* Where the chosen pages lie, as one grid; UN_PLACE_NONE where they are no such. */
unet_code un_source_place(struct unet_source *source, struct un_place *place, unet_error *err);

/*
 * From now on, pages are those of the file with its axes in another order (geometry.h): axis k of
 * the file becomes axis order->axis[k].  All of it is read into memory.  UNET_EINVAL: too much.
 */
unet_code un_source_reorder(struct unet_source *source, const struct un_order *order,
                            unet_error *err);

/* SHA-256 of the file, and, where samples lie elsewhere, of the pages chosen.  (source_sum.c) */
unet_code un_source_sum(struct unet_source *source, char text[UN_SHA256_TEXT], unet_error *err);

/* Widens range to the values of page i's alpha, its last channel, until they are not all the same.
 * (alpha.c) */
unet_code un_source_alpha(struct unet_source *source, int i, double range[2], unet_error *err);

/* ---- reorder.c, for source.c ---- */

struct un_ordered;
unet_code un_ordered_page(const struct unet_source *source, int i, struct un_page *page,
                          unet_error *err);
void un_ordered_read(const struct unet_source *source, int i, const struct un_page *page,
                     struct un_rect rect, void *samples);
void un_ordered_free(struct un_ordered *ordered);

/* What an image of the page is when upright: sides, channels, sample type, prepared; no data. */
unet_image un_page_image(const struct un_page *page);

/* The same for others to see. */
void un_page_describe(const struct un_page *page, unet_page *what);

/*
 * A rectangle of the upright image, palette resolved, samples below 8 bits spread to 0..255 and
 * those of 9..15 bits to 0..65535, MinIsWhite inverted, alpha dropped; signed, 32 and 64-bit
 * samples become float.
 *
 *   samples  [rect.height][rect.width][channels] of un_page_image(page).sample
 */
unet_code un_source_read(struct unet_source *source, int i, const struct un_page *page,
                         struct un_rect rect, void *samples, unet_error *err);

/* Samples as they are stored, palette indices unresolved, but upright: what a mask is read from. */
unet_code un_source_raw(struct unet_source *source, int i, const struct un_page *page,
                        struct un_rect rect, void *samples, unet_error *err);

/* Sides after turning. */
int un_page_upright_height(const struct un_page *page);
int un_page_upright_width(const struct un_page *page);

/* Where an upright rectangle lies in what is stored, and a stored rectangle turned upright. */
struct un_rect un_turn_back(const struct un_page *page, struct un_rect upright);
void un_turn(const struct un_page *page, struct un_rect stored, const void *src, void *dst);

/* Raw samples of `count` pixels as those of un_page_image(page); src and dst do not overlap. */
void un_convert(const struct un_page *page, const void *src, size_t count, void *dst);

/* Whether the palette is a ramp, as look-up tables of one channel are. */
bool un_palette_is_ramp(const struct un_page *page);

/* Whether un_convert() would only copy. */
bool un_page_plain(const struct un_page *page);

/* Bytes of a rectangle's raw samples. */
size_t un_rect_bytes(const struct un_page *page, struct un_rect rect);

/* Copies a rectangle out of a whole page's samples. */
void un_rect_copy(const struct un_page *page, const void *samples, struct un_rect rect, void *dst);

/* The same out of a file where they begin at byte `start`; UNET_EIO: it was cut meanwhile. */
unet_code un_rect_read(const struct un_mapping *file, const char *name, uint64_t start,
                       const struct un_page *page, struct un_rect rect, void *dst, unet_error *err);

/*
 * UNET_EFORMAT for sides, channels, bits or bytes of a sample beyond what we take, naming them.
 * Readers call it on what a header claims.
 */
unet_code un_page_check(const char *name, const struct un_page *page, unet_error *err);

/* Whether a format is read whose files end so, without the dot: "png". */
bool un_format_known(const char *ending);

/* Which format begins like this; NULL: none of ours. */
const struct un_format *un_format_of_bytes(const void *head, size_t size);

/* Of which format a folder is one image; NULL: of none, or it is no folder. */
const struct un_format *un_format_of_folder(const char *path);

/* The same, also of what is told by its path: a level of a slide. */
const struct un_format *un_format_of_path(const char *path);

/* UNET_EFORMAT: what to call a file that no reader takes. */
unet_code un_fail_foreign(const char *name, const struct un_mapping *file, unet_error *err);

/* Sample `at` of an array of raw samples as a number; 64-bit integers lose their lowest bits. */
double un_page_value(const struct un_page *page, const void *samples, size_t at);

#endif

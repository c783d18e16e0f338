/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_read.h - what the parts of the TIFF reader share
 *
 *     tiff.c          open, page, read, close
 *     tiff_walk.c     the chain of IFDs
 *     tiff_pages.c    which of them make up which page, with tiff_ome.c, tiff_imagej.c
 *                     and tiff_shaped.c
 *     tiff_levels.c   which are no pages: levels of a pyramid, thumbnails; by
 *                     tiff_slides.c (words of programs) and tiff_alike.c (content)
 *     tiff_header.c   the tags of an IFD: kinds that we take, layout, claims held against the bytes
 *     tiff_chunks.c   rectangles of an IFD, with tiff_sum.c
 *     tiff_color.c    YCbCr and CMYK to RGB
 *     tiff_scale.c    sizes of pixels; tiff_geo.c: places
 *
 * A page is one or more planes, each an IFD with one or more channels ("layer" of the page).
 */
#ifndef UN_TIFF_READ_H
#define UN_TIFF_READ_H

#include "image/source.h"
#include "image/tiff/tiff_geo.h"
#include "image/tiff/tiff_io.h"

/* ---- pages ------------------------------------------------------------------------------- */

struct un_tiff_scale {
    double height, width, depth; /* of a pixel in `unit`; 0: not known */
    char unit[8];
};

struct un_tiff_page {
    uint32_t first, count; /* of planes[] */
    uint32_t scale;        /* of scales[] */
};

/* What an IFD holds. */
enum un_tiff_what {
    UN_TIFF_PAGE,
    UN_TIFF_LEVEL, /* the same in fewer pixels */
    UN_TIFF_THUMBNAIL,
    UN_TIFF_LABEL, /* a photograph of the slide's label */
    UN_TIFF_MACRO, /* and of all of the slide */
    UN_TIFF_MASK   /* which pixels of another are transparent */
};

struct un_tiff_ifd {
    uint64_t at;               /* byte offset */
    uint64_t text, text_bytes; /* of its description */
    uint64_t subs;             /* where the offsets of its SubIFDs are */
    uint32_t width, height;
    float lens; /* NDPI: magnification; < 0: a photograph of the slide */
    uint16_t samples, bits;
    uint8_t sub_count, sub_bytes;
    uint8_t what;
    bool tiled, ndpi;
    bool marked; /* by a tag that is for this */
};

struct un_tiff_table {
    struct un_tiff_ifd *ifds; /* in the order of the file */
    uint32_t ifd_count;
    uint32_t *planes; /* numbers of IFDs, or of planes where the stack is contiguous */
    uint32_t plane_count, plane_room;
    struct un_tiff_page *pages;
    uint32_t page_count, page_room;
    struct un_tiff_scale *scales; /* what metadata says; may be unknown */
    uint32_t scale_count;
    bool contiguous; /* one IFD, and the planes follow each other behind its samples */
    uint32_t apart;  /* > 1: an IFD has as many planes, numbered on, that are no channels */
    uint32_t depth;  /* pages of a volume, one for each z; 0: not known */
};

/* Finds the IFDs; the chain is walked once. */
unet_code un_tiff_walk(struct unet_source *source, struct un_tiff_table *table, unet_error *err);

/* Fills planes and pages; description: of the first IFD, may be NULL. */
unet_code un_tiff_number_pages(struct unet_source *source, struct un_tiff_table *table,
                               const char *description, unet_error *err);
void un_tiff_table_release(struct un_tiff_table *table);

/* The start of an IFD's description; "" where it has none. */
void un_tiff_text(const struct unet_source *source, const struct un_tiff_ifd *ifd, char *text,
                  size_t room);

/* SubIFD i of an IFD; false: there is none. */
bool un_tiff_sub(const struct unet_source *source, const struct un_tiff_ifd *ifd, int i,
                 struct un_tiff_ifd *sub);

/* Each IFD that is UN_TIFF_PAGE a page; all of them where none is.  false: no memory. */
bool un_tiff_number_plainly(struct un_tiff_table *table);

/*
 * Finds out which IFDs are no pages, by what programs that scan slides write or by their content,
 * and numbers the others.  source->note says what was not marked as such.  false: no memory.
 */
bool un_tiff_levels(struct unet_source *source, struct un_tiff_table *table);

/*
 * The same by what programs that scan slides write: known: it is of one of them, and all is
 * settled; channels: its pages of equal sides are channels.  false: no memory.
 */
bool un_tiff_slide(struct unet_source *source, struct un_tiff_table *table, bool *known,
                   bool *channels);

/* What a description that begins with "label", "macro", "thumbnail" says; false: nothing. */
bool un_tiff_word(const char *text, enum un_tiff_what *what);

/* Fills source->unread. */
bool un_tiff_list_unread(struct unet_source *source, const struct un_tiff_table *table);

/*
 * Whether page `small` shows what page `large` does, in fewer pixels: 1 yes, -1 no, 0: there is too
 * little in them to tell.
 */
int un_tiff_alike(struct unet_source *source, int large, int small);

/* For tiff_ome.c and tiff_imagej.c; false: no memory, or too many. */
bool un_tiff_add_plane(struct un_tiff_table *table, uint32_t plane);
bool un_tiff_add_page(struct un_tiff_table *table, uint32_t first, uint32_t scale);
bool un_tiff_add_scale(struct un_tiff_table *table, const struct un_tiff_scale *scale);

/*
 * Add the pages that OME-XML or ImageJ's description tells of; none where the text is no such
 * thing or does not fit the file (source->note says so then).  false: no memory.
 */
bool un_tiff_ome(struct unet_source *source, const char *text, struct un_tiff_table *table);
bool un_tiff_imagej(struct unet_source *source, const char *text, struct un_tiff_table *table);
bool un_tiff_shaped(struct unet_source *source, const char *text, struct un_tiff_table *table);

/* By the resolution tags of the current IFD; unit: ImageJ's, or "". */
void un_tiff_resolution(TIFF *tif, const char *unit, struct un_tiff_scale *scale);

/* ---- layers ------------------------------------------------------------------------------ */

/* Where samples come from. */
enum un_tiff_way {
    UN_TIFF_MAPPED, /* out of the file, as they lie there */
    UN_TIFF_CHUNKS, /* from strips or tiles, decoded and kept for a while */
    UN_TIFF_ROWS    /* row by row out of strips too tall to be kept */
};

struct un_tiff_layout {
    uint16_t compression, photometric;
    uint16_t samples, bits;    /* of a pixel, of a sample, as they are handed out */
    uint16_t across_y, down_y; /* Y samples for each Cb and Cr; 0: no YCbCr of ours */
    float luma[3], levels[6];  /* of YCbCr */
    bool tiled, big_endian;    /* big_endian: samples of whole bytes, where they come from */
    uint32_t width, height;    /* of the IFD's image */
    uint32_t chunk_width, chunk_height, across, down, planes;
    uint32_t stored_planes, first_plane; /* of the IFD; of these, where one is wanted */
    int plane_samples;                   /* samples of a pixel in a chunk */
    size_t stride, chunk_bytes;          /* of a chunk's row, of a chunk, when decoded */
    size_t raw_bytes;                    /* of a chunk as libtiff gives it */
    enum un_tiff_way way;
};

struct un_tiff_layer {
    uint32_t ifd;
    uint64_t skip; /* bytes to this plane from the first of a contiguous stack */
    bool contiguous;
    int channel; /* the first that it gives */
    struct un_tiff_layout layout;
    uint32_t rows_kept; /* of chunks */
    uint8_t *kept;      /* [rows_kept][planes][across][chunk_bytes] */
    int64_t *held;      /* which row of chunks a place holds; -1: none */
};

/* The sum of what came out of a deflated chunk so far.  (tiff_sum.c) */
struct un_tiff_sum {
    bool known; /* false: nothing is summed */
    bool swapped;
    size_t step, bytes; /* samples to the one that a predictor looks at, 0: none; of a sample */
    uint32_t sum;
};

struct un_tiff {
    TIFF *tif;
    struct un_tiff_job job;
    struct un_tiff_table table;
    int64_t current; /* IFD that tif is at; -1: none */
    int64_t index;   /* page that the rest describes; -1: none */
    struct un_page page;
    struct un_geo geo;   /* of the page */
    int stored_channels; /* of the layers together: 4 where CMYK becomes RGB */
    struct un_tiff_layer *layers;
    uint32_t layer_count;
    uint8_t *scratch; /* a chunk of YCbCr, or a row */
    size_t scratch_bytes;
    struct un_tiff_sum sum;
    int64_t next_row; /* of UN_TIFF_ROWS; -1: not begun */
    const uint8_t *seen, *seen_end;
    size_t seen_bytes; /* of the mapping, since it was last let go of */
    uint64_t decoded;  /* chunks, ever: tests count them */
};

/* Before a chunk; after rows of it were decoded, from the first on; and after all of them, `want`
 * bytes.  UNET_EFORMAT: it is damaged, though it could be decoded. */
void un_tiff_sum_start(struct un_tiff *r, const struct un_tiff_layout *layout);
void un_tiff_sum_add(struct un_tiff *r, const struct un_tiff_layout *layout, const uint8_t *rows,
                     size_t bytes);
unet_code un_tiff_sum_check(struct unet_source *source, const struct un_tiff_layout *layout,
                            uint32_t i, size_t want, unet_error *err);

/* Goes to an IFD. */
unet_code un_tiff_select(struct unet_source *source, uint32_t ifd, unet_error *err);

/* Layout and page of the current IFD, checked against the bytes of the file. */
unet_code un_tiff_header(struct unet_source *source, struct un_tiff_layer *layer,
                         struct un_page *page, unet_error *err);

/* What a compressed byte can become, at most. */
unsigned un_tiff_expansion(uint16_t compression);

/* Bytes that reading rectangles of the page takes; sets rows_kept. */
size_t un_tiff_working(struct un_tiff *r);

/* Samples of one layer into those of the page: [rect.height][rect.width][stored_channels]. */
unet_code un_tiff_read_layer(struct unet_source *source, struct un_tiff_layer *layer,
                             struct un_rect rect, void *samples, unet_error *err);

/* UNET_EFORMAT with what libtiff said last. */
unet_code un_tiff_fail(struct unet_source *source, const char *what, unet_error *err);

/* ---- colours ----------------------------------------------------------------------------- */

/* Bytes of `rows` rows of a chunk of subsampled YCbCr. */
size_t un_tiff_ycbcr_bytes(const struct un_tiff_layout *layout, uint32_t rows);
void un_tiff_ycbcr(const struct un_tiff_layout *layout, const uint8_t *src, uint32_t rows,
                   uint8_t *rgb);

/* `pixels` of `channels` >= 4 samples, bytes 1 or 2, to RGB. */
void un_tiff_cmyk(const void *src, int channels, int bytes, size_t pixels, void *rgb);

/* ---- tiff_packing.c: samples as TIFF packs them, made into those of a page ---- */

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

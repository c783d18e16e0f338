/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet_image.h - images and predictions too large for memory
 *
 * A file that is open and read by rows or written by rows, predictions that stream from one to the
 * other, and what is drawn over an image.  unet.h
 * says how errors, memory and threads are treated.
 */
#ifndef UNET_IMAGE_H
#define UNET_IMAGE_H

#include "unet.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What a file is that belongs to another program and is not read, or what is in a folder, and the
 * way on: "a Zeiss CZI image; Fiji (Bio-Formats) saves it as TIFF".  0: not known, text is "".
 */
UNET_API int unet_known_file(const char *path, char *text, size_t size);

/* Whether a file name ends as one of an image that we can read. */
UNET_API int unet_image_name(const char *path);

/* Whether a file begins as an image, whatever its name; also one of a format that is not read. */
UNET_API int unet_image_file(const char *path);

/*
 * An image file that is open, for images with several pages or too large for memory.  A page is one
 * plane with all its channels.
 */
typedef struct unet_source unet_source;

typedef struct unet_page {
    int height, width, channels; /* upright; as unet_image_read() would give it */
    unet_sample sample;
    int prepared;
    double pixel_height, pixel_width; /* in `unit`; 0: the file does not say */
    char unit[8];                     /* "um", "mm", "nm"; "" */
    uint64_t reading_bytes;           /* memory that reading takes besides the caller's array */
} unet_page;

/*
 * Opens an image file.  path may end in the pages wanted, counted from 0 as in Python: scan.tif[3],
 * scan.tif[2:7] (2 to 6), scan.tif[-1] (the last); a file of that very name goes first.  Close it
 * with unet_source_close().  Fails with UNET_EIO, UNET_EFORMAT, UNET_EINVAL (no such pages).
 */
UNET_API unet_code unet_source_open(const char *path, unet_source **source, unet_error *err);
UNET_API void unet_source_close(unet_source *source);

/*
 * Images with a file for each channel, or of whose channels some are wanted.  Such paths, too, are
 * opened by unet_source_open() and unet_image_read(): cell_{ch00,ch01}.tif, whose channels are in
 * cell_ch00.tif and cell_ch01.tif; scan.tif{0,2}, two channels of scan.tif; stack.tif{pages}, whose
 * pages are its channels; stack.tif{pages:0,2}.  A file of that very name goes first.
 *
 * unet_join_channels() makes them of plain paths: by what a model was trained on
 * (unet_model_channels(), "" for whole files), or another such text: "files:ch00,ch01" puts files
 * that differ in these words alone into one path, "pages" and "0,2" go to the end of each, and
 * "files:ch00,ch01:1" does both.  paths [*count] are strings from malloc; of those that are joined
 * one is left.  Fails with UNET_EINVAL: a file of a channel lacks (it is named), or no such text.
 */
UNET_API unet_code unet_join_channels(const char *channels, char **paths, int *count,
                                      unet_error *err);
UNET_API const char *unet_model_channels(const unet_model *model);

/*
 * From now on pages are as they lie in the file if as_stored is 1: not turned by EXIF or TIFF
 * orientation.  An alpha channel is a channel where that makes `channels` of them, such as a model
 * takes; else, as with 0, it is dropped.
 */
UNET_API void unet_source_read_as(unet_source *source, int as_stored, int channels);

/* *drops: 1: an alpha channel of a page, which is not the same everywhere, is dropped. */
UNET_API unet_code unet_source_drops_alpha(unet_source *source, int page, int *drops,
                                           unet_error *err);

/* How many pages were chosen, 1 or more. */
UNET_API int unet_source_pages(const unet_source *source);

/* What a user should know about how the file was read; "" mostly. */
UNET_API const char *unet_source_note(const unet_source *source);

/*
 * Image i that the file holds besides its pages and that is not read: "level" (of a pyramid: a page
 * in fewer pixels), "thumbnail", "label", "macro" (photographs of a slide) or "mask"; NULL: there
 * are no more.  height and width may be NULL.
 */
UNET_API const char *unet_source_unread(const unet_source *source, int i, int *height, int *width);

/* What page 0 .. pages - 1 holds. */
UNET_API unet_code unet_source_page(unet_source *source, int page, unet_page *what,
                                    unet_error *err);

/* How its samples are stored, which may be more than UNET_F32 says: "uint8", "int16", "float64". */
UNET_API unet_code unet_source_stored(unet_source *source, int page, char name[12],
                                      unet_error *err);

/*
 * SHA-256 of what an image is read from, as 64 hexadecimal digits: of its file's bytes; where
 * samples lie elsewhere (beside a header, in a folder, in files of channels), of the header and of
 * the samples of all pages.  What is chosen of a file (scan.tif[2:7]) is part of neither. UNET_EIO.
 */
UNET_API unet_code unet_source_checksum(unet_source *source, char text[65], unet_error *err);

/*
 * Reads rows top .. top + rows - 1 of a page into samples [rows][width][channels] of the page's
 * sample type, from the caller.  From top to bottom each part of a file is decoded once.
 */
UNET_API unet_code unet_source_read(unet_source *source, int page, int top, int rows, void *samples,
                                    unet_error *err);

/*
 * The same of a rectangle that lies within the page: samples [height][width][channels].  Of a TIFF
 * and of files that are not compressed only what it touches is decoded; of others a rectangle above
 * the one before begins the page anew.
 */
UNET_API unet_code unet_source_read_part(unet_source *source, int page, int top, int left,
                                         int height, int width, void *samples, unet_error *err);

/*
 * An image file that is written row by row: unet_writer_open(), unet_writer_begin(),
 * unet_writer_rows() until the page is full, perhaps further pages (TIFF, NIfTI),
 * unet_writer_commit(). Before that nothing is at path that was not there; unet_writer_abort()
 * leaves it so.
 */
typedef struct unet_writer unet_writer;

typedef struct unet_writer_page {
    size_t size;
    int height, width, channels;
    unet_sample sample;
    int planar; /* 1: rows come as [channels][rows][width], and .npy is [channels][height][width] */
    const uint8_t (*colors)[3];       /* of U8 samples in one channel; NULL: none; .png and .tif */
    int color_count;                  /* 1..256 */
    double pixel_height, pixel_width; /* kept in TIFF and NIfTI; 0: not known */
    char unit[8];
    unet_source *like; /* the pixels lie where those of its page `like_page` do, which GeoTIFF and
                          NIfTI say; only unet_writer_begin() looks at it; NULL: not known */
    int like_page;
    int pyramid; /* TIFF: 1: with levels of half the size each, as SubIFDs; -1: without; 0: with,
                    where the page is large and no F32 */
    int picture; /* 1: a level's pixel is the mean of four; else, but of F32, what most of them are,
                    as in masks */
    int pages;   /* of a name in .ome.tif: how many pages there will be, all alike; 0: one */
} unet_writer_page;

/*
 * By the ending of path: .png, .tif, .tiff (.ome.tif and .ome.tiff with OME-XML), .nii, .nii.gz or
 * .npy.  bytes: about as many as all samples take; a TIFF that may pass 4 GB is a BigTIFF.  Fails
 * with UNET_EINVAL or UNET_EIO.
 */
UNET_API unet_code unet_writer_open(const char *path, uint64_t bytes, unet_writer **writer,
                                    unet_error *err);

/* colors must stay until the commit. */
UNET_API unet_code unet_writer_begin(unet_writer *writer, const unet_writer_page *page,
                                     unet_error *err);

/* The next rows, [rows][width][channels] or as page.planar says. */
UNET_API unet_code unet_writer_rows(unet_writer *writer, const void *samples, int rows,
                                    unet_error *err);

/* Both free the writer. */
UNET_API unet_code unet_writer_commit(unet_writer *writer, unet_error *err);
UNET_API void unet_writer_abort(unet_writer *writer);

/* Bytes that a writer holds for such a page. */
UNET_API uint64_t unet_writer_bytes(const char *path, const unet_writer_page *page);

/*
 * Writes a float array of any shape as .npy, such as probabilities [classes][height][width].
 *
 *   shape  [dims], each >= 1; dims 1..8
 *   data   the product of shape values, the last dimension fastest
 *
 * Temporary file, sync, rename.  Fails with UNET_EINVAL or UNET_EIO.
 */
UNET_API unet_code unet_npy_write(const char *path, const float *data, int dims, const int *shape,
                                  unet_error *err);

/*
 * Draws a mask over an image: the image stretched to 8 bits between its 0.5 and 99.5 percentile,
 * class k > 0 blended in colors[k] at the given opacity 0..1, with its outline opaque.  The result
 * is a fresh U8 RGB image; the caller releases it.
 */
UNET_API unet_code unet_overlay(const unet_image *image, const uint8_t *mask,
                                const uint8_t (*colors)[3], int color_count, float opacity,
                                unet_image *overlay, unet_error *err);

/*
 * The samples that unet_overlay() would draw black and white, of a page of a file: its 0.5 and 99.5
 * percentiles; those of evenly spaced rows where it has more than 4 million samples.
 */
UNET_API unet_code unet_overlay_range(unet_source *source, int page, float range[2],
                                      unet_error *err);

/*
 * Some rows of an overlay.
 *
 *   image         the rows
 *   mask          [height][width] of image
 *   above, below  the mask's row before these and after them; NULL at the image's edge
 *   range         the samples that are drawn black and white
 *   rgb           [height][width][3], from the caller
 */
UNET_API unet_code unet_overlay_rows(const unet_image *image, const uint8_t *mask,
                                     const uint8_t *above, const uint8_t *below,
                                     const uint8_t (*colors)[3], int color_count, float opacity,
                                     const float range[2], uint8_t *rgb, unet_error *err);

/* What one pass over an image is to give; pointers that are NULL are not wanted. */
typedef struct unet_answers {
    size_t size;
    uint8_t *mask;        /* [height][width] */
    float *logits;        /* [classes][height][width] */
    float *probabilities; /* [classes][height][width] */
    /* called after each tile with the share that is done, 0..1; non-zero stops: UNET_ESTOPPED */
    int (*progress)(void *context, double share);
    void *context;
    uint8_t *inner; /* [height][width], of a network with rims: how deep inside its object a pixel
                       is, 0: outside, 255: far from its rim; see unet_objects_options */
} unet_answers;

/* As the three functions above in one pass.  After a failure the arrays hold parts of an answer. */
UNET_API unet_code unet_predict_all(unet_session *session, const unet_image *image,
                                    const unet_answers *answers, unet_error *err);

/* Some rows of an image and what was predicted for them. */
typedef struct unet_band {
    int top, rows, width;       /* rows top .. top + rows - 1 of the page */
    const uint8_t *mask;        /* [rows][width]; NULL: not asked for, as those below */
    const float *logits;        /* [classes][rows][width] */
    const float *probabilities; /* [classes][rows][width] */
    const unet_image *image;    /* the same rows of the page */
    const uint8_t *inner;       /* [rows][width], as in unet_answers */
} unet_band;

typedef struct unet_stream {
    size_t size;
    int mask, logits, probabilities, image; /* 1: wanted */
    /* Called for bands in their order, from top to bottom without gaps; what it returns but UNET_OK
     * ends the prediction, with what it put into err. */
    unet_code (*band)(void *context, const unet_band *band, unet_error *err);
    int (*progress)(void *context, double share); /* as in unet_answers; may be NULL */
    void *context;
    int inner; /* 1: wanted, too */
    /* Who does it together (unet_ranks.h), each with the same model, options and image; rank 0
     * alone is handed the bands, which have the bits that one process gives.  A rank that fails
     * leaves the others waiting: end them.  NULL: this process. */
    const struct unet_ranks *ranks;
} unet_stream;

/*
 * Predicts a page of a file that need not fit into memory: rows are read as they are needed, and
 * answers are handed over as they are done.  The answers are those of unet_predict_all().  Fails as
 * it does and as unet_source_read().
 */
UNET_API unet_code unet_predict_stream(unet_session *session, unet_source *source, int page,
                                       const unet_stream *stream, unet_error *err);

/*
 * Into how many rows of tiles a session cuts an image, from 1: what ranks can share.  The session
 * grows where it has to for such an image.  UNET_ENOMEM.
 */
UNET_API unet_code unet_session_rows(unet_session *session, int height, int width, int *rows,
                                     unet_error *err);

/* What unet_plan_memory() settles. */
typedef struct unet_memory_plan {
    int tile;          /* for unet_session_options */
    int blended;       /* 1: the network sees whole images, but the tile that was asked for is
                          smaller than the page, or the whole does not fit into the limit: tiles
                          are blended, and the answer is only near that of the whole */
    uint64_t bytes;    /* that session and stream will hold */
    double work;       /* how many times the arithmetic of one endless tile it takes: the smaller
                          the tile, the more of it is borders */
    uint64_t smallest; /* bytes with the smallest tile, and its side and work */
    int smallest_tile;
    double smallest_work;
    uint64_t useful; /* with the smallest tile that takes at most 4 times the arithmetic */
    int useful_tile;
} unet_memory_plan;

/*
 * Chooses the largest tile with which a session (of `options`, whose tile is chosen if 0) and
 * unet_predict_stream() over pages like `page` hold no more than `limit` bytes (0: no limit).  What
 * the band function keeps is not counted.  UNET_ENOMEM when no tile is small enough, with
 * plan->smallest set; UNET_EINVAL.
 */
UNET_API unet_code unet_plan_memory(const unet_model *model, const unet_session_options *options,
                                    const unet_page *page, const unet_stream *stream,
                                    uint64_t limit, unet_memory_plan *plan, unet_error *err);

#ifdef __cplusplus
}
#endif

#endif

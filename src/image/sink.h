/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink.h - an image file that is being written, row by row, so that none has to fit into memory
 *
 *     un_sink_open, then for each page: un_sink_page, un_sink_rows ... ; un_sink_commit or _abort
 *
 * Temporary file, sync, rename: until un_sink_commit() there is nothing at path that was not there.
 * PNG takes one page; TIFF any number, NIfTI any of one size.  Large TIFF pages are tiled, and the
 * file is a BigTIFF when it might pass 4 GB.
 */
#ifndef UN_SINK_H
#define UN_SINK_H

#include "image/source.h"

struct un_sink_page {
    int height, width, channels;
    enum un_kind kind; /* UN_UINT or UN_FLOAT */
    int bytes;         /* of a sample: UN_UINT 1, 2, 4; UN_FLOAT 4; .npy makes float of all */
    bool planar; /* rows come as [channels][count][width], and .npy becomes [channels][H][W] */
    const uint8_t (*palette)[3]; /* NULL: none; else of 1-byte samples in one channel; it must stay
                                    until the commit */
    int colors;
    double pixel_height, pixel_width; /* written where the format can say it; 0: not known */
    double pixel_depth;               /* of OME-TIFF: from a plane to the next */
    char unit[8];
    struct un_place place;    /* the same */
    const struct un_geo *geo; /* NULL: none; looked at when the page begins */
    bool picture; /* its samples are brightness, which can be averaged; else they name something */
    int pyramid;  /* TIFF: 1: with smaller levels, -1: without, 0: with, where it is large and no
                     floats */
    int depth;    /* pages of a volume, z by z; 0: not known */
    int pages;    /* OME-TIFF: how many there will be, all alike; 0: one */
};

struct unet_writer;

/* By the ending of path: .png, .tif or .tiff, .nii or .nii.gz, .npy.  bytes: about how many samples
 * will take. */
unet_code un_sink_open(const char *path, uint64_t bytes, struct unet_writer **sink,
                       unet_error *err);

/* The page's pixels lie where those of page i of a source do. */
unet_code un_sink_like(struct un_sink_page *page, struct unet_source *like, int i, unet_error *err);

/* Begins a page; the one before must be complete. */
unet_code un_sink_page(struct unet_writer *sink, const struct un_sink_page *page, unet_error *err);

/* The next `count` rows of the page: [count][width][channels], or as page.planar says. */
unet_code un_sink_rows(struct unet_writer *sink, const void *rows, int count, unet_error *err);

/* Frees the sink, also on failure, when nothing is left behind. */
unet_code un_sink_commit(struct unet_writer *sink, unet_error *err);
void un_sink_abort(struct unet_writer *sink);

/* Bytes that a sink for such pages holds while it is written. */
size_t un_sink_working(const char *path, const struct un_sink_page *page);

/* ---- what a format does to be written by sink.c ---- */

struct unet_writer {
    const struct un_sink_format *format;
    struct un_save save; /* bytes go to save.file */
    uint64_t bytes;      /* expected in all */
    struct un_sink_page page;
    int pages; /* begun so far */
    int rows;  /* written of this page */
    void *state;
};

struct un_sink_format {
    const char *const *endings;
    bool palettes;
    /* Begins sink->page, which has been checked for sides and a sensible kind. */
    unet_code (*page)(struct unet_writer *sink, unet_error *err);
    unet_code (*rows)(struct unet_writer *sink, const void *rows, int count, unet_error *err);
    unet_code (*end)(struct unet_writer *sink, unet_error *err); /* all pages are complete */
    void (*free)(struct unet_writer *sink);                      /* sink->state, at any time */
    size_t (*working)(const struct un_sink_page *page);
};

extern const struct un_sink_format un_sink_png, un_sink_tiff, un_sink_npy, un_sink_nifti;

/* Bytes of one row; of one plane's row where page->planar. */
size_t un_sink_stride(const struct un_sink_page *page);

#endif

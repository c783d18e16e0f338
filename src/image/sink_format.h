/* SPDX-License-Identifier: Apache-2.0 */
/* sink_format.h - what a format does to be written by sink.c */
#ifndef UN_SINK_FORMAT_H
#define UN_SINK_FORMAT_H

#include "image/sink.h"

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

extern const struct un_sink_format un_sink_png, un_sink_tiff, un_sink_npy;

/* Bytes of one row; of one plane's row where page->planar. */
size_t un_sink_stride(const struct un_sink_page *page);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channels.h - images whose channels are in several files or pages, and a choice of channels
 *
 *     cell_{ch00,ch01}.tif   a file for each channel
 *     stack.tif{pages}       the pages of a file are the channels of one image
 *     scan.tif{0,2}          of its channels the first and the third; also stack.tif{pages:0,2}
 *
 * Such paths are opened by un_source_open() like others.  What is to be done with all images of a
 * set, and is kept in the model, is one text: "files:ch00,ch01:0", "pages", "0,2".
 */
#ifndef UN_CHANNELS_H
#define UN_CHANNELS_H

#include "image/source.h"

#define UN_CHANNELS_MOST 64 /* as many as a network takes */
#define UN_CHANNEL_FILES 16
#define UN_CHANNEL_WORD 32
#define UN_CHANNELS_TEXT 512

struct un_channels {
    bool pages;                                    /* those of a file are channels */
    char files[UN_CHANNEL_FILES][UN_CHANNEL_WORD]; /* what names of a channel's file end in */
    int file_count;
    int index[UN_CHANNELS_MOST]; /* of all channels those wanted, in this order */
    int count;                   /* 0: all */
};

/* UNET_EINVAL: text is no such choice.  NULL and "": nothing is asked for. */
unet_code un_channels_parse(const char *text, struct un_channels *channels, unet_error *err);
void un_channels_text(const struct un_channels *channels, char *text, size_t size);

/* The same but for files, as the end of a path: "{pages:0,2}", or "". */
void un_channels_ending(const struct un_channels *channels, char *text, size_t size);

/*
 * Whether a path ends in such a choice, and where it begins; or has a list of files in it, and
 * where its braces are.  false: there is none, or a file of that very name.
 */
bool un_channels_chosen(const char *path, size_t *begin);
bool un_channels_files(const char *path, size_t *open, size_t *close);

/* Opens a path that has one of these, or is to be taken so.  (un_source_open() calls it.) */
unet_code un_channels_open(const char *path, struct unet_source **source, unet_error *err);

/* Takes a source whose pages are the rows of one image, as [row][column][channel]; also on
 * failure. */
unet_code un_channels_of_rows(struct unet_source *rows, struct unet_source **source,
                              unet_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume.h - samples in rows, planes and stacks one behind the other, as they are or packed: what
 * NIfTI, NRRD and MetaImage have in common
 *
 *     un_volume_lay    sides of all axes -> a page, and how many there are
 *     un_volume_open   where the samples are, held against the bytes that there are
 *     un_volume_read, un_volume_close
 *
 * The first axis runs fastest.  The first two that are no channels are columns and rows of a page;
 * those behind them count pages, the first fastest.
 */
#ifndef UN_VOLUME_H
#define UN_VOLUME_H

#include "image/formats/gunzip.h"
#include "image/source.h"

#define UN_VOLUME_AXES 16

/* An axis of the file: how long it is, and samples from one place on it to the next. */
struct un_volume_axis {
    uint64_t side, step;
};

struct un_volume {
    struct un_page page; /* set before: kind, bits, bytes, and channels unless an axis is these */
    bool big_endian;     /* set before */
    int pages;           /* here down set by the functions below */
    struct un_volume_axis column, row, channel, page_axis[UN_VOLUME_AXES];
    int page_axes;
    uint64_t count;   /* of all samples */
    const char *name; /* of the file with the samples */
    const struct un_mapping *samples;
    struct un_gunzip *gunzip;
    uint64_t start;    /* byte of the first sample, in what is unpacked where it is packed */
    uint8_t *unpacked; /* all samples: packed ones whose channels are not side by side */
};

/* channels: which of the axes are channels; -1: none.  UNET_EFORMAT: too large, or empty. */
unet_code un_volume_lay(struct un_volume *volume, const char *name, int axes, const int64_t side[],
                        int channels, unet_error *err);

/* Where the samples of a file begin. */
struct un_volume_start {
    bool packed;
    bool at_end;      /* not packed: they are the file's last bytes, of those behind `skip` */
    uint64_t packing; /* byte of the file from which on it is packed */
    uint64_t skip;    /* bytes before the first sample, of what is unpacked */
};

/* name and samples are borrowed.  UNET_EFORMAT: it cannot have all samples. */
unet_code un_volume_open(struct un_volume *volume, const char *name,
                         const struct un_mapping *samples, const struct un_volume_start *start,
                         unet_error *err);

/* As struct un_format's read. */
unet_code un_volume_read(struct un_volume *volume, int index, struct un_rect rect, void *samples,
                         unet_error *err);
void un_volume_close(struct un_volume *volume);

/* What the state of such a format begins with, and its page, read and close. */
struct un_volume_file {
    struct un_volume volume;
    struct un_mapping beside; /* the file of samples, where it is not the header's */
    char *beside_name;
};
unet_code un_volume_file_page(struct unet_source *source, int index, struct un_page *page,
                              unet_error *err);
unet_code un_volume_file_read(struct unet_source *source, int index, const struct un_page *page,
                              struct un_rect rect, void *samples, unet_error *err);
void un_volume_file_close(struct unet_source *source);

#endif

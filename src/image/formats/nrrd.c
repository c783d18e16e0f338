/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nrrd.c - NRRD, as 3D Slicer, teem, pynrrd and ITK write it
 *
 *     scan.nrrd            a header of lines "name: value", an empty one, and the samples
 *     scan.nhdr, scan.raw  the header, which names the file of samples
 *
 * What an axis is for is its kind: of colours and vectors, an axis of any place is the channels of
 * a page; "list" is it only as the first, and counts pages behind others.  Samples may be packed by
 * gzip.  nrrd_header.c reads the text.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "image/formats/nrrd_header.h"

struct reader {
    struct un_volume_file file; /* first: volume.h closes it */
    struct un_nrrd header;
};

static bool probe(const unsigned char *head, size_t size)
{
    return size >= 8 && !memcmp(head, "NRRD000", 7) && head[7] >= '1' && head[7] <= '9';
}

/* ---- opening ----------------------------------------------------------------------------- */

/* Byte behind so many lines of a file; its size: it has fewer. */
static uint64_t behind_lines(const struct un_mapping *file, uint64_t from, int64_t lines)
{
    const unsigned char *at = file->data + from, *end = file->data + file->size;
    for (; lines > 0 && at < end; lines--) {
        const unsigned char *line = memchr(at, '\n', (size_t)(end - at));
        at = line ? line + 1 : end;
    }
    return (uint64_t)(at - file->data);
}

static unet_code find_samples(struct unet_source *source, struct reader *r, unet_error *err)
{
    const struct un_nrrd *h = &r->header;
    const char *file = h->value[UN_NRRD_DATA_FILE];
    struct un_volume_start start = {.packed = h->packed, .at_end = h->byte_skip < 0};
    unet_code code = UNET_OK;
    if (!strncasecmp(file, "LIST", 4) || strchr(file, '%'))
        return un_fail(
            err, UNET_EFORMAT,
            "%s: its samples are in a list of files, %.80s; in one file wanted (unu save "
            "or SimpleITK's WriteImage makes one)",
            source->name, file);
    if (*file && (code = un_header_beside(source, file, &r->file.beside, err)))
        return code;
    const struct un_mapping *samples = *file ? &r->file.beside : &source->file;
    if ((code = un_map_check(samples, source->name, err)))
        return code;
    start.packing = behind_lines(samples, *file ? 0 : h->size, h->line_skip);
    start.skip = (h->packed ? 0 : start.packing) + (uint64_t)(h->byte_skip > 0 ? h->byte_skip : 0);
    return un_volume_open(&r->file.volume, *file ? file : source->name, samples, &start, err);
}

static unet_code nrrd_open(struct unet_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    unet_code code;
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    if ((code = un_nrrd_read(source->name, &source->file, &r->header, err)) ||
        (code = un_nrrd_take(source->name, &r->header, &r->file.volume, err)))
        return code;
    if (r->header.guessed)
        snprintf(source->note, sizeof source->note,
                 "%d channels: the header does not say what its first axis is, of %d places",
                 r->file.volume.page.channels, r->file.volume.page.channels);
    source->file_pages = r->file.volume.pages;
    return find_samples(source, r, err);
}

static const char *const endings[] = {".nrrd", ".nhdr", NULL};
const struct un_format un_format_nrrd = {"NRRD",
                                         endings,
                                         probe,
                                         nrrd_open,
                                         un_volume_file_page,
                                         un_volume_file_read,
                                         un_volume_file_close};

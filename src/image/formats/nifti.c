/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nifti.c - NIfTI-1 and NIfTI-2 (nifti.nimh.nih.gov), and Analyze 7.5, from which they came
 *
 *     scan.nii            header, extensions, samples
 *     scan.nii.gz         the same, compressed
 *     scan.hdr, scan.img  header and samples by themselves; either may be compressed
 *
 * Samples lie with x running fastest, then y, z, t and up to three more.  A page is a plane of x
 * (columns) and y (rows); page z + Z * t for z and t, and so on.  Rows keep the order of the file:
 * y = 0 is at the top, whatever the directions in space that the header tells (geometry.h).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "image/formats/nifti_header.h"

/* A header of a compressed file is unpacked into buffer. */
static struct un_nifti_header find_header(const unsigned char *head, size_t size,
                                          unsigned char *buffer)
{
    const struct un_mapping file = {.data = head, .size = size, .borrowed = true};
    struct un_gunzip *gunzip;
    if (!un_gunzip_probe(head, size))
        return un_nifti_recognise(head, size, size);
    if (un_gunzip_open("", &file, 0, &gunzip, NULL))
        return (struct un_nifti_header){0};
    size_t got = UN_NIFTI_SIZE_2;
    if (un_gunzip_read(gunzip, 0, buffer, UN_NIFTI_SIZE_2, NULL))
        got = un_gunzip_read(gunzip, 0, buffer, UN_NIFTI_SIZE_1, NULL) ? 0 : UN_NIFTI_SIZE_1;
    un_gunzip_close(gunzip);
    return un_nifti_recognise(buffer, got, got);
}

static bool probe(const unsigned char *head, size_t size)
{
    unsigned char buffer[UN_NIFTI_SIZE_2];
    return find_header(head, size, buffer).version != UN_NOT_NIFTI;
}

/* ---- opening ----------------------------------------------------------------------------- */

/* scan.hdr or scan.hdr[3] -> scan.img; NULL when there is no memory. */
static char *name_of_image(const char *name, const char *ending)
{
    size_t length = strlen(name);
    const char *bracket = strrchr(name, '[');
    if (bracket && name[length - 1] == ']')
        length = (size_t)(bracket - name);
    if (length > 3 && !strncasecmp(name + length - 3, ".gz", 3))
        length -= 3;
    if (length > 4 && !strncasecmp(name + length - 4, ".hdr", 4))
        length -= 4;
    char *made = malloc(length + strlen(ending) + 1);
    if (made)
        sprintf(made, "%.*s%s", (int)length, name, ending);
    return made;
}

static unet_code open_image(const struct unet_source *source, struct un_volume_file *r,
                            unet_error *err)
{
    static const char *const endings[] = {".img", ".img.gz", ".IMG"};
    for (size_t i = 0; i < 3 && !source->file.borrowed; i++) {
        free(r->beside_name);
        if (!(r->beside_name = name_of_image(source->name, endings[i])))
            return un_fail_memory(err, strlen(source->name), source->name);
        if (!access(r->beside_name, F_OK))
            return un_map_open(r->beside_name, &r->beside, err);
    }
    return un_fail(err, UNET_EFORMAT,
                   "%s: only the header of an image; its samples wanted beside it, in an .img",
                   source->name);
}

static unet_code nifti_open(struct unet_source *source, unet_error *err)
{
    struct un_volume_file *r = calloc(1, sizeof *r);
    unsigned char buffer[UN_NIFTI_SIZE_2];
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    struct un_nifti_header h = find_header(source->file.data, source->file.size, buffer);
    struct un_volume_start start = {0};
    unet_code code = un_nifti_take(source->name, &h, &r->volume, &start.skip, err);
    if (code || (h.pair && (code = open_image(source, r, err))))
        return code;
    if (h.version == UN_ANALYZE)
        snprintf(source->note, sizeof source->note,
                 "an Analyze 7.5 header: samples as they stand, without scale or pixel size");
    const struct un_mapping *samples = h.pair ? &r->beside : &source->file;
    start.packed = un_gunzip_probe(samples->data, samples->size);
    source->file_pages = r->volume.pages;
    return un_volume_open(&r->volume, h.pair ? r->beside_name : source->name, samples, &start, err);
}

static const char *const endings[] = {".nii", ".nii.gz", ".hdr", NULL};
const struct un_format un_format_nifti = {"NIfTI",
                                          endings,
                                          probe,
                                          nifti_open,
                                          un_volume_file_page,
                                          un_volume_file_read,
                                          un_volume_file_close};

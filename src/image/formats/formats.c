/* SPDX-License-Identifier: Apache-2.0 */
/*
 * formats.c - which format a file has: by its first bytes, never by its name
 *
 * Formats that we do not read are known, too (known_files.h), only so that the message can name
 * them.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/known_files.h"
#include "image/image.h"
#include "image/slides/slides.h"
#include "image/zarr/zarr_image.h"

static const struct un_format *const formats[] = {
    &un_format_png, &un_format_tiff,  &un_format_jpeg, &un_format_bmp,
    &un_format_gif, &un_format_nifti, &un_format_nrrd, &un_format_metaimage,
    &un_format_npy, &un_format_pnm,   &un_format_zarr, &un_format_slide};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define WANTED                                                                                     \
    "PNG, TIFF, JPEG, BMP, GIF, NIfTI, NRRD, MetaImage, OME-Zarr, PGM, PPM or .npy wanted"

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && !strcasecmp(name + n - m, ending);
}

bool un_image_name(const char *name)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        for (const char *const *ending = formats[i]->endings; *ending; ending++)
            if (ends_with(name, *ending))
                return true;
    return false;
}

bool un_format_known(const char *ending)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        for (const char *const *known = formats[i]->endings; *known; known++)
            if (!strcmp(*known + 1, ending))
                return true;
    return false;
}

bool un_image_name_foreign(const char *name)
{
    return un_known_among_images(name);
}

const struct un_format *un_format_of_bytes(const void *head, size_t size)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        if (formats[i]->probe(head, size))
            return formats[i];
    return NULL;
}

const struct un_format *un_format_of_folder(const char *path)
{
    return un_zarr_folder(path) ? &un_format_zarr : NULL;
}

const struct un_format *un_format_of_path(const char *path)
{
    return un_slide_named(path) ? &un_format_slide : un_format_of_folder(path);
}

bool un_image_file(const char *path)
{
    unsigned char head[4096]; /* a header that is compressed may need some */
    if (un_format_of_path(path))
        return true;
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    if (!size || un_format_of_bytes(head, size))
        return size > 0;
    const struct un_known_file *known = un_known_file(path, head, size);
    return known && known->kind == UN_KNOWN_IMAGE;
}

unet_code un_fail_foreign(const char *name, const struct un_mapping *file, unet_error *err)
{
    if (!file->size)
        return un_fail(err, UNET_EFORMAT, "%s: the file is empty; " WANTED, name);
    const struct un_known_file *known = un_known_file(name, file->data, file->size);
    if (known)
        return un_fail(err, UNET_EFORMAT, "%s: %s; %s", name, known->what,
                       known->way ? known->way : WANTED);
    return un_fail(err, UNET_EFORMAT, "%s: not an image file; " WANTED, name);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * formats.c - which format a file has: by its first bytes, never by its name
 *
 * Formats that we do not read are told apart too, only so that the message can name them.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "image/image.h"

static const struct un_format *const formats[] = {&un_format_png, &un_format_tiff, &un_format_jpeg,
                                                  &un_format_bmp, &un_format_gif,  &un_format_nifti,
                                                  &un_format_npy, &un_format_pnm};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define WANTED "PNG, TIFF, JPEG, BMP, GIF, NIfTI, PGM, PPM or .npy wanted"

/* How the files that we refuse begin. */
static const struct {
    const char *what;
    size_t offset, size;
    const char *bytes;
} foreign[] = {
    {"a WebP image", 8, 4, "WEBP"},
    {"a JPEG 2000 image", 4, 4, "jP  "},
    {"a HEIF or AVIF image", 4, 4, "ftyp"},
    {"a Photoshop image", 0, 4, "8BPS"},
    {"a JPEG XL image", 0, 2, "\xff\x0a"},
    {"a Netpbm image as text or bits", 0, 2, "P1"},
    {"a Netpbm image as text or bits", 0, 2, "P2"},
    {"a Netpbm image as text or bits", 0, 2, "P3"},
    {"a Netpbm image as text or bits", 0, 2, "P4"},
    {"an HDF5 file", 0, 4, "\x89HDF"},
    {"a PDF file", 0, 4, "%PDF"},
    {"gzip-compressed", 0, 2, "\x1f\x8b"},
    {"a ZIP archive (.npz, .pt or other)", 0, 4, "PK\3\4"},
    {"a DICOM image", 128, 4, "DICM"},
    {"a PNG damaged by a conversion of its line ends", 0, 4, "\x89PNG"},
};

static const char *const foreign_endings[] = {".webp", ".jp2", ".jxl", ".heic", ".avif",
                                              ".psd",  ".pgm", ".ppm", ".pnm",  ".npz",
                                              ".dcm",  ".nii", ".czi", ".lif",  ".nd2"};

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
    for (size_t i = 0; i < COUNT(foreign_endings); i++)
        if (ends_with(name, foreign_endings[i]))
            return true;
    return false;
}

const struct un_format *un_format_of_bytes(const void *head, size_t size)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        if (formats[i]->probe(head, size))
            return formats[i];
    return NULL;
}

/* Of files that we refuse, those called images. */
static bool is_foreign_image(const unsigned char *head, size_t size)
{
    for (size_t i = 0; i < COUNT(foreign); i++)
        if (size >= foreign[i].offset + foreign[i].size && strstr(foreign[i].what, "image") &&
            !memcmp(head + foreign[i].offset, foreign[i].bytes, foreign[i].size))
            return true;
    return false;
}

bool un_image_file(const char *path)
{
    unsigned char head[4096]; /* a header that is compressed may need some */
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    return size && (un_format_of_bytes(head, size) || is_foreign_image(head, size));
}

unet_code un_fail_foreign(const char *name, const struct un_mapping *file, unet_error *err)
{
    if (!file->size)
        return un_fail(err, UNET_EFORMAT, "%s: the file is empty; " WANTED, name);
    for (size_t i = 0; i < COUNT(foreign); i++)
        if (file->size >= foreign[i].offset + foreign[i].size &&
            !memcmp(file->data + foreign[i].offset, foreign[i].bytes, foreign[i].size))
            return un_fail(err, UNET_EFORMAT, "%s: %s; " WANTED, name, foreign[i].what);
    return un_fail(err, UNET_EFORMAT, "%s: not an image file; " WANTED, name);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - which format a file has, and the road from file to image and back
 *
 * A file is mapped once; its first bytes choose the reader, never its name.  Formats that we do
 * not read are told apart too, only so that the message can name them.
 */
#include "data/image.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct un_format *const formats[] = {&un_format_png, &un_format_tiff, &un_format_npy};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define WANTED "PNG, TIFF or .npy wanted"

/* How the files that we refuse begin. */
static const struct {
    const char *what;
    size_t offset, size;
    const char *bytes;
} foreign[] = {
    {"a JPEG image", 0, 3, "\xff\xd8\xff"},
    {"a BMP image", 0, 2, "BM"},
    {"a GIF image", 0, 4, "GIF8"},
    {"a WebP image", 8, 4, "WEBP"},
    {"a JPEG 2000 image", 4, 4, "jP  "},
    {"a HEIF or AVIF image", 4, 4, "ftyp"},
    {"a Photoshop image", 0, 4, "8BPS"},
    {"a JPEG XL image", 0, 2, "\xff\x0a"},
    {"a Netpbm image", 0, 2, "P5"},
    {"a Netpbm image", 0, 2, "P6"},
    {"an HDF5 file", 0, 4, "\x89HDF"},
    {"a PDF file", 0, 4, "%PDF"},
    {"gzip-compressed", 0, 2, "\x1f\x8b"},
    {"a ZIP archive (.npz, .pt or other)", 0, 4, "PK\3\4"},
    {"a DICOM image", 128, 4, "DICM"},
    {"a PNG damaged by a conversion of its line ends", 0, 4, "\x89PNG"},
};

static const char *const foreign_endings[] = {
    ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".jp2", ".jxl", ".heic", ".avif", ".psd",
    ".pgm", ".ppm",  ".pnm", ".npz", ".dcm",  ".nii", ".czi", ".lif",  ".nd2",  ".svs"};

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && !strcasecmp(name + n - m, ending);
}

const struct un_format *un_format_of_name(const char *path)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        for (const char *const *ending = formats[i]->endings; *ending; ending++)
            if (ends_with(path, *ending))
                return formats[i];
    return NULL;
}

bool un_image_name(const char *name)
{
    return un_format_of_name(name) != NULL;
}

bool un_image_name_foreign(const char *name)
{
    for (size_t i = 0; i < COUNT(foreign_endings); i++)
        if (ends_with(name, foreign_endings[i]))
            return true;
    return false;
}

size_t un_sample_bytes(unet_sample sample)
{
    return sample == UNET_U8 ? 1 : sample == UNET_U16 ? 2 : 4;
}

size_t un_image_bytes(const unet_image *image)
{
    if (image->height < 1 || image->width < 1 || image->channels < 1 ||
        image->height > UN_IMAGE_SIDE || image->width > UN_IMAGE_SIDE ||
        image->channels > UN_IMAGE_CHANNELS)
        return 0;
    /* at most 2^17 * 2^17 * 2^10 * 4 */
    uint64_t bytes = (uint64_t)image->height * (uint64_t)image->width * (uint64_t)image->channels *
                     un_sample_bytes(image->sample);
    return bytes <= UN_IMAGE_BYTES && bytes <= SIZE_MAX / 2 ? (size_t)bytes : 0;
}

unet_code un_image_check(const char *name, const unet_image *image, size_t *bytes, unet_error *err)
{
    size_t found = un_image_bytes(image);
    if (!found)
        return un_fail(err, UNET_EFORMAT,
                       "%s: %d x %d pixels with %d channels; sides of 1..%d, up to %d channels and "
                       "%d GB wanted",
                       name, image->width, image->height, image->channels, UN_IMAGE_SIDE,
                       UN_IMAGE_CHANNELS, (int)(UN_IMAGE_BYTES >> 30));
    *bytes = found;
    return UNET_OK;
}

/* What to call a file that no reader takes. */
static unet_code fail_unknown(const char *path, const struct un_mapping *file, unet_error *err)
{
    if (!file->size)
        return un_fail(err, UNET_EFORMAT, "%s: the file is empty; " WANTED, path);
    for (size_t i = 0; i < COUNT(foreign); i++)
        if (file->size >= foreign[i].offset + foreign[i].size &&
            !memcmp(file->data + foreign[i].offset, foreign[i].bytes, foreign[i].size))
            return un_fail(err, UNET_EFORMAT, "%s: %s; " WANTED, path, foreign[i].what);
    return un_fail(err, UNET_EFORMAT, "%s: not an image file; " WANTED, path);
}

unet_code un_picture_read(const char *path, struct un_picture *picture, unet_error *err)
{
    struct un_mapping file;
    unet_code code = un_map_open(path, &file, err);
    if (code)
        return code;
    const struct un_format *format = NULL;
    for (size_t i = 0; i < COUNT(formats) && !format; i++)
        if (formats[i]->probe(file.data, file.size))
            format = formats[i];
    code = format ? format->read(path, &file, picture, err) : fail_unknown(path, &file, err);
    un_map_release(&file);
    return code;
}

unet_code un_image_read(const char *path, unet_image *image, unet_error *err)
{
    struct un_picture picture;
    unet_code code = un_picture_read(path, &picture, err);
    return code ? code : un_picture_to_image(&picture, path, image, err);
}

unet_code un_image_write_palette(const char *path, const unet_image *image,
                                 const uint8_t (*palette)[3], int colors, unet_error *err)
{
    const struct un_format *format = un_format_of_name(path);
    if (!format)
        return un_fail(err, UNET_EINVAL, "%s: cannot tell the format; a name in %s wanted", path,
                       palette ? ".png, .tif or .tiff" : ".png, .tif, .tiff or .npy");
    size_t bytes;
    unet_code code = un_image_check(path, image, &bytes, err);
    if (code)
        return un_fail(err, UNET_EINVAL, "%s: the image to write has no valid size", path);
    struct un_save save = {0};
    if ((code = un_save_begin(&save, path, err)))
        return code;
    if ((code = format->write(path, &save, image, palette, colors, err))) {
        un_save_abort(&save);
        return code;
    }
    return un_save_commit(&save, err);
}

unet_code un_image_write(const char *path, const unet_image *image, unet_error *err)
{
    return un_image_write_palette(path, image, NULL, 0, err);
}

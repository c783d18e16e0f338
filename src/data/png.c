/* SPDX-License-Identifier: Apache-2.0 */
/*
 * png.c - the one file that knows libpng
 *
 * Reading: the chunks are walked first, in the mapped file, to learn how many compressed bytes
 * there are.  Deflate makes at most 1032 bytes of one, so a header that claims more rows than
 * those bytes can hold is refused before memory is taken for it.  Then libpng decodes the rows in
 * place.  Samples stay as in the file (bits below 8 each get a byte); tRNS, gamma and text are
 * passed over.
 *
 * libpng reports an error by calling on_error(), which must not return: it notes the message and
 * jumps back to the setjmp() of decode() or encode().
 */
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "data/image.h"

#define INFLATE_LIMIT 1032 /* deflate: a 258-byte match costs at least two bits */

struct job {
    const struct un_mapping *file; /* reading */
    size_t at;
    bool past_end; /* libpng wanted more than the file has */
    char message[200];
};

static bool probe(const unsigned char *head, size_t size)
{
    return size >= 8 && !png_sig_cmp(head, 0, 8);
}

static void on_error(png_structp png, png_const_charp message)
{
    struct job *job = png_get_error_ptr(png);
    snprintf(job->message, sizeof job->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep data, size_t size)
{
    struct job *job = png_get_io_ptr(png);
    if (size > job->file->size - job->at) {
        job->past_end = true;
        png_error(png, "the file ends too early");
    }
    memcpy(data, job->file->data + job->at, size);
    job->at += size;
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Bytes in the IDAT chunks, and whether the file holds all of its chunks up to IEND. */
static uint64_t count_compressed(const struct un_mapping *file, bool *whole)
{
    uint64_t sum = 0;
    *whole = false;
    for (size_t at = 8; file->size - at >= 12;) {
        uint32_t size = big_endian(file->data + at);
        const unsigned char *type = file->data + at + 4;
        size_t have = file->size - at - 12;
        if (!memcmp(type, "IDAT", 4))
            sum += size < have ? size : have;
        if (size > have)
            return sum;
        if (!memcmp(type, "IEND", 4)) {
            *whole = true;
            return sum;
        }
        at += 12 + (size_t)size;
    }
    return sum;
}

/* Fills picture, but for its samples, from the header. */
static unet_code take_header(const char *name, png_structp png, png_infop info,
                             struct un_picture *picture, unet_error *err)
{
    uint32_t width, height;
    int bits, type;
    png_get_IHDR(png, info, &width, &height, &bits, &type, NULL, NULL, NULL);
    if (width > UN_IMAGE_SIDE || height > UN_IMAGE_SIDE)
        return un_fail(err, UNET_EFORMAT, "%s: %u x %u pixels; sides of up to %d wanted", name,
                       width, height, UN_IMAGE_SIDE);
    picture->bits = bits;
    picture->alpha = type & PNG_COLOR_MASK_ALPHA;
    picture->image = (unet_image){.height = (int)height,
                                  .width = (int)width,
                                  .channels = png_get_channels(png, info),
                                  .sample = bits == 16 ? UNET_U16 : UNET_U8};
    png_colorp colors;
    int count;
    if (type == PNG_COLOR_TYPE_PALETTE && png_get_PLTE(png, info, &colors, &count)) {
        picture->palette_size = count;
        for (int i = 0; i < count; i++) {
            picture->palette[i][0] = colors[i].red;
            picture->palette[i][1] = colors[i].green;
            picture->palette[i][2] = colors[i].blue;
        }
    }
    return UNET_OK;
}

/* Memory for the samples, once the compressed bytes can be as many as the header claims. */
static unet_code make_room(const char *name, const struct un_mapping *file, bool interlaced,
                           struct un_picture *picture, unet_error *err)
{
    unet_image *image = &picture->image;
    bool whole;
    uint64_t compressed = count_compressed(file, &whole);
    size_t bytes;
    unet_code code = un_image_check(name, image, &bytes, err);
    if (code)
        return code;
    uint64_t row =
        ((uint64_t)image->width * (uint64_t)image->channels * (uint64_t)picture->bits + 7) / 8;
    /* interlacing changes the padding of rows a little, so it gets no filter bytes counted */
    uint64_t packed = (row + !interlaced) * (uint64_t)image->height;
    if (interlaced)
        packed = (uint64_t)image->width * (uint64_t)image->height * (uint64_t)image->channels *
                 (uint64_t)picture->bits / 8;
    if (packed / INFLATE_LIMIT > compressed)
        return un_fail(err, UNET_EFORMAT, "%s: %s PNG (%llu compressed bytes for %d x %d pixels)",
                       name, whole ? "broken" : "truncated", (unsigned long long)compressed,
                       image->width, image->height);
    /* zeroed: libpng merges interlaced rows with what is there */
    if (!(image->data = calloc(bytes, 1)))
        return un_fail_memory(err, bytes, name);
    return UNET_OK;
}

/* Nothing but the picture is wanted; the profiles and texts of strangers are not unpacked. */
static void limit(png_structp png)
{
    static const png_byte passed_over[] = "iCCP\0iTXt\0tEXt\0zTXt\0sPLT\0eXIf\0hIST\0tRNS";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, passed_over, 8);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_crc_action(png, PNG_CRC_DEFAULT, PNG_CRC_WARN_DISCARD);
}

/* The part that libpng may leave by longjmp(): all its variables live in the caller. */
static unet_code decode(const char *name, struct job *job, png_structp png, png_infop info,
                        struct un_picture *picture, unet_error *err)
{
    if (setjmp(png_jmpbuf(png))) {
        bool whole = true;
        if (!job->past_end)
            count_compressed(job->file, &whole);
        return un_fail(err, UNET_EFORMAT, "%s: %s PNG (%s)", name,
                       job->past_end || !whole ? "truncated" : "broken", job->message);
    }
    limit(png);
    png_set_read_fn(png, job, on_read);
    png_read_info(png, info);
    unet_code code = take_header(name, png, info, picture, err);
    if (code)
        return code;
    bool interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
    if ((code = make_room(name, job->file, interlaced, picture, err)))
        return code;
    png_set_packing(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (picture->bits == 16)
        png_set_swap(png);
#endif
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = un_image_bytes(&picture->image) / (size_t)picture->image.height;
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < picture->image.height; y++)
            png_read_row(png, (png_bytep)picture->image.data + (size_t)y * stride, NULL);
    png_read_end(png, NULL);
    return UNET_OK;
}

static unet_code png_read(const char *name, const struct un_mapping *file,
                          struct un_picture *picture, unet_error *err)
{
    struct job job = {.file = file};
    struct un_picture made = {0};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    unet_code code =
        info ? decode(name, &job, png, info, &made, err) : un_fail_memory(err, 0, name);
    png_destroy_read_struct(&png, &info, NULL);
    if (code)
        free(made.image.data);
    else
        *picture = made;
    return code;
}

static void on_write(png_structp png, png_bytep data, size_t size)
{
    if (fwrite(data, 1, size, png_get_io_ptr(png)) != size)
        png_error(png, "write");
}

static void on_flush(png_structp png)
{
    (void)png; /* un_save_commit() flushes */
}

static unet_code encode(const char *path, FILE *file, png_structp png, png_infop info,
                        const unet_image *image, const uint8_t (*palette)[3], int colors,
                        unet_error *err)
{
    if (setjmp(png_jmpbuf(png)))
        return un_fail_errno(err, "%s: cannot be written", path);
    png_set_write_fn(png, file, on_write, on_flush);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    int type = palette                ? PNG_COLOR_TYPE_PALETTE
               : image->channels == 3 ? PNG_COLOR_TYPE_RGB
                                      : PNG_COLOR_TYPE_GRAY;
    png_set_IHDR(png, info, (uint32_t)image->width, (uint32_t)image->height,
                 image->sample == UNET_U16 ? 16 : 8, type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (palette) {
        png_color list[256];
        for (int i = 0; i < colors; i++)
            list[i] = (png_color){palette[i][0], palette[i][1], palette[i][2]};
        png_set_PLTE(png, info, list, colors);
    }
    png_write_info(png, info);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (image->sample == UNET_U16)
        png_set_swap(png);
#endif
    size_t stride = un_image_bytes(image) / (size_t)image->height;
    for (int y = 0; y < image->height; y++)
        png_write_row(png, (png_const_bytep)image->data + (size_t)y * stride);
    png_write_end(png, NULL);
    return UNET_OK;
}

static unet_code png_write(const char *path, struct un_save *save, const unet_image *image,
                           const uint8_t (*palette)[3], int colors, unet_error *err)
{
    if (image->sample == UNET_F32)
        return un_fail(err, UNET_EINVAL, "%s: float samples; .tif or .npy wanted for them", path);
    if (image->channels != 1 && image->channels != 3)
        return un_fail(err, UNET_EINVAL, "%s: %d channels; a PNG takes 1 or 3", path,
                       image->channels);
    struct job job = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    unet_code code = info ? encode(path, save->file, png, info, image, palette, colors, err)
                          : un_fail_memory(err, 0, path);
    png_destroy_write_struct(&png, &info);
    return code;
}

static const char *const endings[] = {".png", NULL};
const struct un_format un_format_png = {"PNG", endings, probe, png_read, png_write};

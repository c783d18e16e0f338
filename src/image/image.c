/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - whole images: from a file into memory and back */
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

#include "image/sink.h"

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
    /* at most 2^20 * 2^20 * 2^10 * 4 */
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

unet_code un_image_of_source(struct unet_source *source, int i, unet_image *image, unet_error *err)
{
    struct un_page page;
    size_t bytes = 0;
    unet_code code = un_source_page(source, i, &page, err);
    if (code)
        return code;
    unet_image made = un_page_image(&page);
    if ((code = un_image_check(source->name, &made, &bytes, err)))
        return code;
    if (!(made.data = malloc(bytes)))
        return un_fail_memory(err, bytes, source->name);
    const struct un_rect all = {0, 0, made.height, made.width};
    if ((code = un_source_read(source, i, &page, all, made.data, err)))
        free(made.data);
    else
        *image = made;
    return code;
}

unet_code un_image_read(const char *path, unet_image *image, unet_error *err)
{
    struct unet_source *source;
    unet_code code = un_source_open(path, &source, err);
    if (code)
        return code;
    code = un_image_of_source(source, 0, image, err);
    un_source_close(source);
    return code;
}

unet_code un_image_write_palette(const char *path, const unet_image *image,
                                 const uint8_t (*palette)[3], int colors, unet_error *err)
{
    size_t bytes = 0;
    if (un_image_check(path, image, &bytes, NULL))
        return un_fail(err, UNET_EINVAL, "%s: the image to write has no valid size", path);
    const struct un_sink_page page = {.height = image->height,
                                      .width = image->width,
                                      .channels = image->channels,
                                      .kind = image->sample == UNET_F32 ? UN_FLOAT : UN_UINT,
                                      .bytes = (int)un_sample_bytes(image->sample),
                                      .palette = palette,
                                      .colors = colors};
    struct unet_writer *sink;
    unet_code code = un_sink_open(path, bytes, &sink, err);
    if (code)
        return code;
    if ((code = un_sink_page(sink, &page, err)) ||
        (code = un_sink_rows(sink, image->data, image->height, err))) {
        un_sink_abort(sink);
        return code;
    }
    return un_sink_commit(sink, err);
}

unet_code un_image_write(const char *path, const unet_image *image, unet_error *err)
{
    return un_image_write_palette(path, image, NULL, 0, err);
}

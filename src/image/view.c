/* SPDX-License-Identifier: Apache-2.0 */
/* view.c - samples where a program has them: any strides, any address */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

unet_view un_view_of(const unet_image *image)
{
    const ptrdiff_t sample = (ptrdiff_t)un_sample_bytes(image->sample);
    return (unet_view){.data = image->data,
                       .height = image->height,
                       .width = image->width,
                       .channels = image->channels,
                       .row = sample * image->channels * image->width,
                       .column = sample * image->channels,
                       .channel = sample,
                       .sample = image->sample,
                       .prepared = image->prepared};
}

/* Sides, sample type and preparation, without data. */
static unet_image image_like(unet_view view)
{
    return (unet_image){.height = view.height,
                        .width = view.width,
                        .channels = view.channels,
                        .sample = view.sample,
                        .prepared = view.prepared != 0};
}

static unet_code check_strides(unet_view view, const char *name, const char *gap, unet_error *err)
{
    const struct {
        const char *what;
        int count;
        ptrdiff_t stride;
    } axes[] = {{"rows", view.height, view.row},
                {"columns", view.width, view.column},
                {"channels", view.channels, view.channel}};
    ptrdiff_t reach = 0, far;
    for (int i = 0; i < 3; i++) {
        if (axes[i].count > 1 && axes[i].stride == 0)
            return un_fail(err, UNET_EINVAL,
                           "%s%sa stride of 0 between %d %s; bytes from one to the next wanted",
                           name, gap, axes[i].count, axes[i].what);
        if (__builtin_mul_overflow((ptrdiff_t)axes[i].count - 1, axes[i].stride, &far) ||
            far == PTRDIFF_MIN || __builtin_add_overflow(reach, far < 0 ? -far : far, &reach))
            return un_fail(err, UNET_EINVAL,
                           "%s%sa stride of %td between %d %s reaches beyond what memory can be",
                           name, gap, axes[i].stride, axes[i].count, axes[i].what);
    }
    return UNET_OK;
}

unet_code un_view_check(unet_view view, const char *name, unet_sample most, unet_error *err)
{
    const char *gap = name ? ": " : "";
    const unet_image like = image_like(view);
    size_t bytes;
    name = name ? name : "";
    if (!view.data)
        return un_fail(err, UNET_EINVAL, "%s%sdata is NULL", name, gap);
    if ((unsigned)view.sample > (unsigned)most)
        return un_fail(err, UNET_EINVAL, "%s%ssample type %d; %s wanted", name, gap,
                       (int)view.sample,
                       most == UNET_F32 ? "UNET_U8, UNET_U16 or UNET_F32"
                                        : "UNET_U8, UNET_U16, UNET_U32 or UNET_F32");
    if (un_image_check(*name ? name : "image", &like, &bytes, err)) {
        if (err)
            err->code = UNET_EINVAL; /* it is no file */
        return UNET_EINVAL;
    }
    return check_strides(view, name, gap, err);
}

unet_code un_view_copy(unet_view view, const char *name, unet_image *image, unet_error *err)
{
    unet_image made = image_like(view);
    const size_t sample = un_sample_bytes(view.sample), bytes = un_image_bytes(&made);
    if (!(made.data = malloc(bytes)))
        return un_fail_memory(err, bytes, name);
    char *to = made.data;
    for (int y = 0; y < view.height; y++)
        for (int x = 0; x < view.width; x++) {
            const char *at = un_view_at(view, y, x);
            for (int c = 0; c < view.channels; c++, at += view.channel, to += sample)
                memcpy(to, at, sample);
        }
    *image = made;
    return UNET_OK;
}

bool un_view_is_grey(unet_view view)
{
    const size_t sample = un_sample_bytes(view.sample);
    if (view.channels == 1)
        return true;
    for (int y = 0; y < view.height; y++)
        for (int x = 0; x < view.width; x++) {
            const char *first = un_view_at(view, y, x);
            for (int c = 1; c < view.channels; c++)
                if (memcmp(first, first + c * view.channel, sample))
                    return false;
        }
    return true;
}

unet_code un_view_check_finite(const char *name, unet_view view, int first_row, struct un_fill fill,
                               unet_error *err)
{
    if (view.sample != UNET_F32)
        return UNET_OK;
    for (int y = 0; y < view.height; y++)
        for (int x = 0; x < view.width; x++) {
            const char *at = un_view_at(view, y, x);
            for (int c = 0; c < view.channels; c++, at += view.channel) {
                float value;
                memcpy(&value, at, sizeof value);
                if (!isfinite(value) && !un_is_fill(fill, value))
                    return un_fail_hint(err, UNET_EINVAL, isnan(value) ? UNET_HINT_FILL : 0,
                                        "%s%s%s in row %d, column %d; finite values wanted",
                                        name ? name : "", name ? ": " : "",
                                        isnan(value) ? "NaN" : "an infinite value", first_row + y,
                                        x);
            }
        }
    return UNET_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask.c - pages of mask files as codes
 *
 * A band of rows is read raw, each pixel becomes one code.  Only a whole page tells whether three
 * channels hold colours: so they are packed as colours, and where all are equal (in a lossy file:
 * nearly equal) they become grey afterwards.
 */
#include "data/masks/mask.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAND 64        /* rows that are read at once */
#define GREY_ENOUGH 24 /* largest difference of the channels of a grey pixel of a lossy file */

/* What a value that is no whole number of 0 and more mostly is, and what to do with it. */
static const char *way_on(double value)
{
    if (value != value || value < 0)
        return "; if it carries no label, say so (ignore -1, ignore nan)";
    if (value > UINT32_MAX)
        return isinf(value) ? "" : "; numbers of objects are to be counted from 1 on first";
    return "; a map of probabilities or distances is to be cut into classes first";
}

static unet_code fail_value(const struct un_mask *mask, size_t pixel, double value, unet_error *err)
{
    size_t W = (size_t)mask->width;
    return un_fail(err, UNET_EFORMAT,
                   "%s: value %.*g in row %zu, column %zu; whole numbers of 0 to %u wanted%s",
                   mask->name, value == nearbyint(value) ? 15 : 6, value, pixel / W, pixel % W,
                   UINT32_MAX, way_on(value));
}

/* A number that a slope or a resampling in floating point left a little beside the whole one that
 * it was; values of interpolated edges lie much farther off. */
static double whole_number(const struct un_page *page, double v)
{
    const double near = 1e-3;
    if (page->kind != UN_FLOAT && page->slope == 0)
        return v;
    const double whole = nearbyint(v);
    return fabs(v - whole) <= near ? whole : v;
}

/* One channel: numbers as they are. */
static unet_code take_numbers(const struct un_page *page, const void *samples, size_t first,
                              size_t count, struct un_mask *mask, unet_error *err)
{
    const uint8_t *bytes = samples;
    size_t C = (size_t)page->channels;
    if (page->bytes == 1 && page->kind == UN_UINT && C == 1 && page->slope == 0 &&
        !page->white_is_zero) {
        for (size_t i = 0; i < count; i++)
            mask->codes[first + i] = bytes[i];
        return UNET_OK;
    }
    for (size_t i = 0; i < count; i++) {
        double v = whole_number(page, un_page_value(page, samples, i * C));
        if (un_is_fill(mask->no_label, (float)v)) {
            mask->codes[first + i] = UN_MASK_TOLD;
            continue;
        }
        if (!(v >= 0 && v <= UINT32_MAX) || v != (double)(uint32_t)v)
            return fail_value(mask, first + i, v, err);
        mask->codes[first + i] = (uint32_t)v;
    }
    return UNET_OK;
}

/* Three channels: 0xrrggbb; of more than 8 bits they must be equal, and the code is their value. */
static unet_code take_colors(const struct un_page *page, const void *samples, size_t first,
                             size_t count, struct un_mask *mask, unet_error *err)
{
    size_t C = (size_t)page->channels;
    for (size_t i = 0; i < count; i++) {
        double v[3];
        for (size_t c = 0; c < 3; c++) {
            v[c] = un_page_value(page, samples, i * C + c);
            if (!(v[c] >= 0 && v[c] <= UINT32_MAX) || v[c] != (double)(uint32_t)v[c])
                return fail_value(mask, first + i, v[c], err);
        }
        bool equal = v[0] == v[1] && v[0] == v[2];
        if (page->bytes > 1) {
            if (!equal)
                return un_fail(err, UNET_EFORMAT,
                               "%s: a colour of %d bits a channel in row %zu, column %zu; grey "
                               "values, or colours of 8 bits wanted",
                               mask->name, page->bits, (first + i) / (size_t)mask->width,
                               (first + i) % (size_t)mask->width);
            mask->codes[first + i] = (uint32_t)v[0];
        } else {
            mask->codes[first + i] = (uint32_t)v[0] << 16 | (uint32_t)v[1] << 8 | (uint32_t)v[2];
        }
    }
    return UNET_OK;
}

/* Colours whose channels are equal everywhere are grey values. */
static void settle_colors(struct un_mask *mask)
{
    size_t count = (size_t)mask->height * (size_t)mask->width;
    uint32_t limit = mask->lossy ? GREY_ENOUGH : 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t c = mask->codes[i], r = c >> 16, g = c >> 8 & 255, b = c & 255;
        uint32_t most = r > g ? r : g, least = r < g ? r : g;
        most = most > b ? most : b;
        least = least < b ? least : b;
        if (most - least > limit)
            return;
    }
    for (size_t i = 0; i < count; i++)
        mask->codes[i] = mask->codes[i] >> 8 & 255;
    mask->type = UN_CODE_GREY;
}

static unet_code take(const struct un_page *page, const void *samples, size_t first, size_t count,
                      struct un_mask *mask, unet_error *err)
{
    return mask->type == UN_CODE_COLOR ? take_colors(page, samples, first, count, mask, err)
                                       : take_numbers(page, samples, first, count, mask, err);
}

static void take_alpha(const struct un_page *page, const void *samples, size_t count,
                       uint16_t *alpha)
{
    const size_t C = (size_t)page->channels;
    const double full = page->kind == UN_FLOAT ? 1 : ldexp(1, page->bits) - 1;
    for (size_t i = 0; i < count; i++) {
        double v = un_page_value(page, samples, i * C + C - 1) / full;
        alpha[i] = v > 0 ? (uint16_t)lround(fmin(v, 1) * UINT16_MAX) : 0;
    }
}

/* Whether numbers are shown inverted; those of one bit are turned round, deeper ones are not: in
 * programs that write such files the numbers are what was meant. */
static bool settle_inverted(struct un_page *page, struct un_mask *mask)
{
    const int last = mask->palette_size - 1;
    bool grey = page->palette_size > 1;
    for (int i = 0; i <= last && grey; i++) {
        const uint8_t *p = mask->palette[i];
        grey = p[0] == p[1] && p[0] == p[2] && (!i || p[0] < p[-3]);
    }
    if (!page->white_is_zero && !grey)
        return false;
    if (page->bits > 1)
        page->white_is_zero = false;
    else if (grey) {
        page->white_is_zero = true;
        page->palette_size = mask->palette_size = 0;
    }
    return page->bits > 1;
}

/* alpha: NULL where the page has none */
static unet_code read_bands(struct unet_source *source, int i, const struct un_page *page,
                            struct un_mask *mask, uint16_t *alpha, unet_error *err)
{
    struct un_rect band = {0, 0, mask->height < BAND ? mask->height : BAND, mask->width};
    size_t bytes = un_rect_bytes(page, band);
    void *samples = bytes <= UN_IMAGE_BYTES ? malloc(bytes) : NULL;
    unet_code code = samples ? UNET_OK : un_fail_memory(err, bytes, mask->name);
    for (; !code && band.top < mask->height; band.top += BAND) {
        if (band.height > mask->height - band.top)
            band.height = mask->height - band.top;
        size_t first = (size_t)band.top * (size_t)mask->width;
        size_t count = (size_t)band.height * (size_t)mask->width;
        if ((code = un_source_raw(source, i, page, band, samples, err)))
            break;
        code = take(page, samples, first, count, mask, err);
        if (alpha)
            take_alpha(page, samples, count, alpha + first);
    }
    free(samples);
    if (!code && mask->type == UN_CODE_COLOR && page->bytes > 1)
        mask->type = UN_CODE_GREY;
    else if (!code && mask->type == UN_CODE_COLOR)
        settle_colors(mask);
    if (!code && alpha)
        mask->clear = un_mask_clear(mask, alpha);
    return code;
}

unet_code un_mask_of_page(struct unet_source *source, int i, struct un_mask *mask, unet_error *err)
{
    struct un_page page;
    struct un_mask made = {0};
    unet_code code = un_source_page(source, i, &page, err);
    if (code)
        return code;
    const bool has_alpha = page.alpha && page.channels > 1;
    int colors = page.channels - has_alpha;
    if (colors != 1 && colors != 3)
        return un_fail(err, UNET_EFORMAT,
                       "%s: a mask with %d channels; 1 (grey, palette) or 3 (colours) wanted",
                       source->name, colors);
    made.height = un_page_upright_height(&page);
    made.width = un_page_upright_width(&page);
    made.bits = page.bits;
    made.no_label = source->manner.no_label;
    made.lossy = page.lossy;
    made.palette_size = page.palette_size;
    memcpy(made.palette, page.palette, sizeof made.palette);
    made.inverted = settle_inverted(&page, &made);
    made.turned = page.white_is_zero;
    made.type = page.palette_size > 0 ? UN_CODE_INDEX
                : colors == 3         ? UN_CODE_COLOR
                : page.bits == 1      ? UN_CODE_BIT
                                      : UN_CODE_GREY;
    uint64_t bytes = (uint64_t)made.height * (uint64_t)made.width * sizeof *made.codes;
    made.codes = bytes <= UN_IMAGE_BYTES ? malloc((size_t)bytes) : NULL;
    uint16_t *alpha = made.codes && has_alpha ? malloc((size_t)bytes / 2) : NULL;
    if (!made.codes || (has_alpha && !alpha) ||
        (source->pages > 1 ? asprintf(&made.name, "%s: page %d", source->name, i) < 0
                           : !(made.name = strdup(source->name))))
        code = un_fail_memory(err, (size_t)bytes, source->name);
    else
        code = read_bands(source, i, &page, &made, alpha, err);
    free(alpha);
    if (code)
        un_mask_release(&made);
    else
        *mask = made;
    return code;
}

unet_code un_mask_of_view(unet_view view, const char *name, struct un_fill no_label,
                          struct un_mask *mask, unet_error *err)
{
    const int bytes = (int)un_sample_bytes(view.sample);
    const struct un_page page = {.height = view.height,
                                 .width = view.width,
                                 .channels = view.channels,
                                 .kind = view.sample == UNET_F32 ? UN_FLOAT : UN_UINT,
                                 .bits = 8 * bytes,
                                 .bytes = bytes};
    struct un_mask made = {
        .height = view.height, .width = view.width, .bits = page.bits, .no_label = no_label};
    const size_t count = (size_t)view.height * (size_t)view.width;
    unet_image dense;
    if (view.channels != 1 && (view.channels != 3 || bytes > 1))
        return un_fail(err, UNET_EINVAL,
                       "%s has %d channels of %d bits; 1, or 3 of 8 bits (colours) wanted", name,
                       view.channels, page.bits);
    made.type = view.channels == 3 ? UN_CODE_COLOR : UN_CODE_GREY;
    unet_code code = un_view_copy(view, name, &dense, err);
    if (code)
        return code;
    if (!(made.name = strdup(name)) || !(made.codes = malloc(count * sizeof *made.codes)))
        code = un_fail_memory(err, count * sizeof *made.codes, name);
    else
        code = take(&page, dense.data, 0, count, &made, err);
    free(dense.data);
    if (code) {
        un_mask_release(&made);
        return code;
    }
    if (made.type == UN_CODE_COLOR)
        settle_colors(&made);
    *mask = made;
    return UNET_OK;
}

void un_mask_release(struct un_mask *mask)
{
    free(mask->name);
    free(mask->codes);
    *mask = (struct un_mask){0};
}

unet_code un_mask_read_for(const char *path, struct unet_source *image, struct un_fits *fits,
                           struct un_mask *mask, unet_error *err)
{
    const struct un_manner manner = {.as_stored = image && image->manner.as_stored};
    struct unet_source *source;
    unet_code code = un_source_open_as(path, &manner, &source, err);
    if (code)
        return code;
    code = image ? un_source_fit(image, source, fits, err) : UNET_OK;
    if (!code)
        code = un_mask_of_page(source, 0, mask, err);
    un_source_close(source);
    return code;
}

void un_code_text(enum un_code_type type, uint32_t code, char *text, size_t size)
{
    if (type == UN_CODE_COLOR)
        snprintf(text, size, "colour #%06x", code);
    else
        snprintf(text, size, "%s %u", type == UN_CODE_INDEX ? "index" : "value", code);
}

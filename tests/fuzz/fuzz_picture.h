/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_picture.h - bytes -> pages -> samples as they are stored, and as an image, and in bands
 *
 *     cmake -S . -B build-fuzz -DCMAKE_C_COMPILER=clang -DUNET_FUZZ=ON -DUNET_SANITIZE=...
 *     build-fuzz/fuzz_png corpus -max_total_time=120 -rss_limit_mb=2048
 */
#ifndef FUZZ_PICTURE_H
#define FUZZ_PICTURE_H

#include <stdlib.h>
#include <string.h>

#include "image/image.h"

#define FUZZ_PAGES 16                  /* looked at of each file */
#define FUZZ_BYTES ((size_t)256 << 20) /* larger pages are not read */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text of an error must be there when, and only when, a function failed. */
static void check(unet_code code, const unet_error *err)
{
    if (code && (err->code != code || !err->text[0]))
        abort();
}

/* Bands from top to bottom, and one from the middle, must be what the whole is. */
static void fuzz_bands(struct unet_source *source, int i, const struct un_page *page,
                       const uint8_t *whole, uint8_t *part)
{
    int H = un_page_upright_height(page), W = un_page_upright_width(page);
    unet_error err = {0};
    int step = H / 3 + 1;
    for (int top = 0; top <= H; top += step) {
        struct un_rect rect = {top, 0, H - top < step ? H - top : step, W};
        if (top + step > H) /* the last round: a rectangle from the middle */
            rect = (struct un_rect){H / 2, W / 3, H - H / 2, W - W / 3};
        size_t pixel = un_rect_bytes(page, (struct un_rect){0, 0, 1, 1});
        size_t row = (size_t)rect.width * pixel;
        if (rect.height < 1 || un_source_raw(source, i, page, rect, part, &err))
            abort(); /* the whole went well a moment ago */
        for (int y = 0; y < rect.height; y++)
            if (memcmp(part + (size_t)y * row,
                       whole + ((size_t)(rect.top + y) * (size_t)W + (size_t)rect.left) * pixel,
                       row))
                abort();
    }
}

static void fuzz_page(struct unet_source *source, int i)
{
    struct un_page page;
    unet_image image;
    unet_error err = {0};
    unet_code code = un_source_page(source, i, &page, &err);
    check(code, &err);
    if (code)
        return;
    struct un_rect all = {0, 0, un_page_upright_height(&page), un_page_upright_width(&page)};
    size_t bytes = un_rect_bytes(&page, all);
    if (bytes > FUZZ_BYTES)
        return;
    uint8_t *whole = malloc(bytes), *part = malloc(bytes);
    code = un_source_raw(source, i, &page, all, whole, &err);
    check(code, &err);
    if (!code) {
        fuzz_bands(source, i, &page, whole, part);
        code = un_image_of_source(source, i, &image, &err);
        check(code, &err);
        if (!code &&
            !un_view_check_finite("fuzz", un_view_of(&image), 0, (struct un_fill){false, 0},
                                  &err) &&
            image.channels == 1 && !un_view_is_grey(un_view_of(&image)))
            abort();
        if (!code)
            free(image.data);
    }
    free(whole);
    free(part);
}

static inline int fuzz_picture(const struct un_format *format, const uint8_t *data, size_t size)
{
    struct unet_source *source;
    unet_error err = {0};
    if (!format->probe(data, size))
        return -1; /* libFuzzer: of no use in the corpus */
    unet_code code = un_source_open_bytes("fuzz", data, size, &source, &err);
    check(code, &err);
    if (code)
        return 0;
    for (int i = 0; i < source->pages && i < FUZZ_PAGES; i++)
        fuzz_page(source, i);
    un_source_close(source);
    return 0;
}

#endif

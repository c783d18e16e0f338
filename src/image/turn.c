/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn.c - from the orientation in which a picture is stored to upright
 *
 * TIFF 6.0 (tag Orientation) and EXIF count eight: where the stored row 0 and column 0 lie.  Stored
 * pixel (r, c) of an R x C picture is upright pixel
 *
 *     1 (r, c)      2 (r, C-1-c)      3 (R-1-r, C-1-c)      4 (R-1-r, c)
 *     5 (c, r)      6 (c, R-1-r)      7 (C-1-c, R-1-r)      8 (C-1-c, r)
 *
 * so each is: exchange the axes (5..8), then reverse rows (3, 4, 7, 8) or columns (2, 3, 6, 7).
 */
#include <string.h>

#include "image/source.h"

static bool swaps(const struct un_page *page)
{
    return page->orientation >= 5 && page->orientation <= 8;
}

static bool reverses_rows(const struct un_page *page)
{
    return page->orientation > 1 && page->orientation <= 8 && (page->orientation - 1) % 4 >= 2;
}

static bool reverses_columns(const struct un_page *page)
{
    int kind = page->orientation > 1 && page->orientation <= 8 ? (page->orientation - 1) % 4 : 0;
    return kind == 1 || kind == 2;
}

int un_page_upright_height(const struct un_page *page)
{
    return swaps(page) ? page->width : page->height;
}

int un_page_upright_width(const struct un_page *page)
{
    return swaps(page) ? page->height : page->width;
}

struct un_rect un_turn_back(const struct un_page *page, struct un_rect upright)
{
    struct un_rect r = upright;
    if (reverses_rows(page))
        r.top = un_page_upright_height(page) - upright.top - upright.height;
    if (reverses_columns(page))
        r.left = un_page_upright_width(page) - upright.left - upright.width;
    if (swaps(page))
        r = (struct un_rect){r.left, r.top, r.width, r.height};
    return r;
}

void un_turn(const struct un_page *page, struct un_rect stored, const void *src, void *dst)
{
    size_t pixel = (size_t)page->channels * (size_t)page->bytes;
    bool swap = swaps(page), rows = reverses_rows(page), columns = reverses_columns(page);
    size_t H = (size_t)(swap ? stored.width : stored.height);
    size_t W = (size_t)(swap ? stored.height : stored.width);
    const uint8_t *from = src;
    for (size_t r = 0; r < (size_t)stored.height; r++)
        for (size_t c = 0; c < (size_t)stored.width; c++, from += pixel) {
            size_t y = swap ? c : r, x = swap ? r : c;
            y = rows ? H - 1 - y : y;
            x = columns ? W - 1 - x : x;
            memcpy((uint8_t *)dst + (y * W + x) * pixel, from, pixel);
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * focus.c - pixels drawn by weight
 *
 * Sums over rows find the row by bisection; a walk along it finds the pixel.
 */
#include <stdlib.h>

#include "data/draw/draw.h"

static double weight_of(const struct un_focus *focus, uint8_t label)
{
    return (double)(label == UNET_IGNORE ? focus->at_ignored
                    : label              ? focus->at_foreground
                                         : focus->at_background);
}

unet_code un_focus_make(const unet_augment *augment, const uint8_t *mask, int height, int width,
                        struct un_focus *focus, unet_error *err)
{
    double sum = 0;
    *focus = (struct un_focus){NULL, augment->at_foreground, augment->at_background,
                               augment->at_ignored};
    if (!(augment->at_foreground > 0 || augment->at_background > 0 || augment->at_ignored > 0))
        return UNET_OK;
    focus->rows = malloc((size_t)height * sizeof *focus->rows);
    if (!focus->rows)
        return un_fail_memory(err, (size_t)height * sizeof *focus->rows, "places of tiles");
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++)
            sum += weight_of(focus, mask[(size_t)y * width + x]);
        focus->rows[y] = sum;
    }
    if (sum <= 0) {
        free(focus->rows);
        focus->rows = NULL;
    }
    return UNET_OK;
}

void un_focus_draw(const struct un_focus *focus, const uint8_t *mask, int height, int width,
                   uint32_t a, uint32_t b, int *y, int *x)
{
    /* 53 bits, so that every pixel of a large image can be met */
    const double u = (double)((uint64_t)a << 21 | b >> 11) / 9007199254740992.0;
    double left = u * focus->rows[height - 1];
    int low = 0, high = height - 1, last = 0;
    while (low < high) { /* the first row whose sum is above */
        int middle = (low + high) / 2;
        if (focus->rows[middle] > left)
            high = middle;
        else
            low = middle + 1;
    }
    left -= low ? focus->rows[low - 1] : 0;
    for (int i = 0; i < width; i++) {
        const double weight = weight_of(focus, mask[(size_t)low * width + i]);
        if (weight <= 0)
            continue;
        last = i; /* rounding may leave a little at the end of the row */
        if (left < weight)
            break;
        left -= weight;
    }
    *y = low;
    *x = last;
}

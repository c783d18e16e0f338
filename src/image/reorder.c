/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reorder.c - a stack whose axes are put into another order, such as that of its image
 *
 * A file may have several stacks, one behind the other (the times of NIfTI); each is put into order
 * by itself.  What was page z, row y, column x is found by strides: of the pixel in the new order
 * that each axis of the file advances by.
 */
#include <stdlib.h>
#include <string.h>

#include "image/source.h"

struct un_ordered {
    struct un_page page; /* of each */
    uint8_t *samples;    /* [pages][height][width][pixel] */
    size_t page_bytes;
};

void un_ordered_free(struct un_ordered *ordered)
{
    if (ordered)
        free(ordered->samples);
    free(ordered);
}

unet_code un_ordered_page(const struct unet_source *source, int i, struct un_page *page,
                          unet_error *err)
{
    (void)i;
    (void)err;
    *page = source->ordered->page;
    return UNET_OK;
}

void un_ordered_read(const struct unet_source *source, int i, const struct un_page *page,
                     struct un_rect rect, void *samples)
{
    const struct un_ordered *o = source->ordered;
    un_rect_copy(page, o->samples + (size_t)i * o->page_bytes, rect, samples);
}

/* Where the pixels of a stack go, in pixels: from the first one, and for each axis of the file. */
struct strides {
    size_t first;
    ptrdiff_t by[3];
};

static struct strides find_strides(const int count[3], const struct un_order *order, int made[3])
{
    struct strides s = {0};
    for (int k = 0; k < 3; k++)
        made[order->axis[k]] = count[k];
    const ptrdiff_t step[3] = {1, made[0], (ptrdiff_t)made[0] * made[1]};
    for (int k = 0; k < 3; k++) {
        s.by[k] = step[order->axis[k]];
        if (!order->reversed[k])
            continue;
        s.first += (size_t)(count[k] - 1) * (size_t)s.by[k];
        s.by[k] = -s.by[k];
    }
    return s;
}

static unet_code read_stack(struct unet_source *source, const struct un_page *page, int first,
                            const int count[3], const struct strides *s, uint8_t *raw,
                            uint8_t *samples, unet_error *err)
{
    const size_t pixel = (size_t)page->channels * (size_t)page->bytes;
    for (int z = 0; z < count[2]; z++) {
        unet_code code = un_source_raw(source, first + z, page,
                                       (struct un_rect){0, 0, count[1], count[0]}, raw, err);
        if (code)
            return code;
        const uint8_t *from = raw;
        for (int y = 0; y < count[1]; y++)
            for (int x = 0; x < count[0]; x++, from += pixel) {
                ptrdiff_t at = (ptrdiff_t)s->first + x * s->by[0] + y * s->by[1] + z * s->by[2];
                memcpy(samples + (size_t)at * pixel, from, pixel);
            }
    }
    return UNET_OK;
}

unet_code un_source_reorder(struct unet_source *source, const struct un_order *order,
                            unet_error *err)
{
    struct un_page page;
    struct un_place place;
    unet_code code = un_source_page(source, 0, &page, err);
    if (code || (code = un_source_place(source, &place, err)))
        return code;
    int made[3] = {1, 1, 1};
    const struct strides strides = find_strides(place.count, order, made);
    const struct un_rect all = {0, 0, page.height, page.width};
    const size_t one = un_rect_bytes(&page, all), stack = one * (size_t)place.count[2];
    const int stacks = source->pages / place.count[2];
    const uint64_t bytes = (uint64_t)stack * (uint64_t)stacks;
    if (bytes > UN_IMAGE_BYTES || made[0] > UN_IMAGE_SIDE || made[1] > UN_IMAGE_SIDE)
        return un_fail(err, UNET_EINVAL, "%s: %llu bytes to put into another order; up to %d GB",
                       source->name, (unsigned long long)bytes, (int)(UN_IMAGE_BYTES >> 30));
    struct un_ordered *ordered = calloc(1, sizeof *ordered);
    uint8_t *raw = malloc(one);
    if (!ordered || !raw || !(ordered->samples = malloc((size_t)bytes)))
        code = un_fail_memory(err, (size_t)bytes, source->name);
    for (int i = 0; i < stacks && !code; i++)
        code = read_stack(source, &page, i * place.count[2], place.count, &strides, raw,
                          ordered->samples + (size_t)i * stack, err);
    free(raw);
    if (code) {
        un_ordered_free(ordered);
        return code;
    }
    ordered->page = page;
    ordered->page.width = made[0];
    ordered->page.height = made[1];
    ordered->page.in_order = false;
    ordered->page.place.kind = UN_PLACE_NONE;
    ordered->page_bytes =
        (size_t)made[0] * (size_t)made[1] * (size_t)page.channels * (size_t)page.bytes;
    source->pages = made[2] * stacks;
    source->ordered = ordered;
    return UNET_OK;
}

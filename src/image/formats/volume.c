/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume.c - rectangles of a page out of rows, planes and stacks of samples
 *
 * Channels that lie side by side come row by row.  Others are gathered from a row for each; where
 * they are packed, too, all is unpacked first, since a stream cannot go back.
 */
#include "image/formats/volume.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"

#define MORE_AT_END (1 << 20) /* bytes that may follow the samples when they are packed */
#define MOST_SAMPLES ((uint64_t)1 << 48)

/* ---- sides ------------------------------------------------------------------------------- */

unet_code un_volume_lay(struct un_volume *v, const char *name, int axes, const int64_t side[],
                        int channels, unet_error *err)
{
    const struct un_volume_axis none = {1, 0};
    uint64_t pages = 1;
    int seen = 0;
    v->column = v->row = none;
    v->channel = (struct un_volume_axis){(uint64_t)v->page.channels, 1};
    v->count = channels < 0 ? v->channel.side : 1;
    v->page_axes = 0;
    for (int k = 0; k < axes; k++) {
        if (side[k] < 1 || side[k] > UN_IMAGE_SIDE || v->count > MOST_SAMPLES / (uint64_t)side[k])
            return un_fail(err, UNET_EFORMAT, "%s: dimension %d is %lld; 1..%d wanted", name, k + 1,
                           (long long)side[k], UN_IMAGE_SIDE);
        struct un_volume_axis *axis = k == channels ? &v->channel
                                      : seen == 0   ? &v->column
                                      : seen == 1   ? &v->row
                                                    : &v->page_axis[v->page_axes++];
        seen += k != channels;
        *axis = (struct un_volume_axis){(uint64_t)side[k], v->count};
        pages *= k != channels && seen > 2 ? axis->side : 1;
        if (pages > UN_SOURCE_PAGES)
            return un_fail(err, UNET_EFORMAT, "%s: more than %d planes", name, UN_SOURCE_PAGES);
        v->count *= axis->side;
    }
    v->page.width = (int)v->column.side;
    v->page.height = (int)v->row.side;
    v->page.channels = (int)v->channel.side;
    v->pages = (int)pages;
    return un_page_check(name, &v->page, err);
}

/* ---- opening ----------------------------------------------------------------------------- */

static unet_code check_claim(const struct un_volume *v, unet_error *err)
{
    const uint64_t need = v->start + v->count * (uint64_t)v->page.bytes, have = v->samples->size;
    if (v->gunzip ? need / UN_GUNZIP_LIMIT <= have : need <= have)
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT,
                   "%s: truncated%s (%llu bytes for %d x %d pixels in %d planes of %d bits)",
                   v->name, v->gunzip ? " or broken" : "", (unsigned long long)have, v->page.width,
                   v->page.height, v->pages, v->page.bits);
}

static bool side_by_side(const struct un_volume *v)
{
    return v->channel.step == 1 || v->channel.side == 1;
}

unet_code un_volume_open(struct un_volume *v, const char *name, const struct un_mapping *samples,
                         const struct un_volume_start *start, unet_error *err)
{
    const uint64_t bytes = v->count * (uint64_t)v->page.bytes;
    unet_code code;
    v->name = name;
    v->samples = samples;
    v->start = start->skip;
    if (start->at_end && samples->size > bytes && samples->size - bytes > v->start)
        v->start = samples->size - bytes;
    if (start->packed) {
        if ((code = un_gunzip_open(name, samples, start->packing, &v->gunzip, err)))
            return code;
        v->page.in_order = side_by_side(v);
        v->page.working = v->page.in_order ? UN_GUNZIP_WORKING : (size_t)bytes;
        if (!v->page.in_order && bytes > UN_IMAGE_BYTES)
            return un_fail(err, UNET_EFORMAT,
                           "%s: %llu bytes of packed planes for each channel; up to %d GB, or not "
                           "packed wanted",
                           name, (unsigned long long)bytes, (int)(UN_IMAGE_BYTES >> 30));
    }
    return check_claim(v, err);
}

void un_volume_close(struct un_volume *v)
{
    un_gunzip_close(v->gunzip);
    free(v->unpacked);
}

/* ---- samples ----------------------------------------------------------------------------- */

/* `count` samples from sample `at` on. */
static unet_code fetch(struct un_volume *v, uint64_t at, size_t count, void *dst, unet_error *err)
{
    const size_t size = (size_t)v->page.bytes;
    const uint64_t from = v->start + at * size;
    if (v->unpacked) {
        memcpy(dst, v->unpacked + at * size, count * size);
        return UNET_OK;
    }
    if (!v->gunzip)
        return un_map_read(v->samples, v->name, (size_t)from, dst, count * size, err);
    unet_code code = un_gunzip_read(v->gunzip, from, dst, count * size, err);
    return code || at + count < v->count ? code : un_gunzip_end(v->gunzip, MORE_AT_END, err);
}

static unet_code unpack_all(struct un_volume *v, unet_error *err)
{
    const size_t bytes = (size_t)v->count * (size_t)v->page.bytes;
    uint8_t *all = malloc(bytes);
    if (!all)
        return un_fail_memory(err, bytes, v->name);
    unet_code code = fetch(v, 0, (size_t)v->count, all, err);
    if (code)
        free(all);
    else
        v->unpacked = all;
    return code;
}

/* The first sample of a page. */
static uint64_t page_begin(const struct un_volume *v, int index)
{
    uint64_t left = (uint64_t)index, at = 0;
    for (int k = 0; k < v->page_axes; k++) {
        at += left % v->page_axis[k].side * v->page_axis[k].step;
        left /= v->page_axis[k].side;
    }
    return at;
}

/* Rows of pixels whose channels are side by side, one after the other. */
static unet_code read_rows(struct un_volume *v, uint64_t at, struct un_rect rect, uint8_t *dst,
                           unet_error *err)
{
    const size_t count = (size_t)rect.width * (size_t)v->page.channels;
    const size_t row = count * (size_t)v->page.bytes;
    unet_code code = UNET_OK;
    for (int y = rect.top; y < rect.top + rect.height && !code; y++, dst += row)
        code = fetch(v, at + (uint64_t)y * v->row.step + (uint64_t)rect.left * v->column.step,
                     count, dst, err);
    return code;
}

static void scatter(const uint8_t *src, size_t count, int bytes, size_t step, uint8_t *dst)
{
    for (size_t i = 0; i < count; i++, src += bytes, dst += step)
        memcpy(dst, src, (size_t)bytes);
}

/* A row of each channel, and their samples put side by side. */
static unet_code gather(struct un_volume *v, uint64_t at, struct un_rect rect, uint8_t *dst,
                        unet_error *err)
{
    const size_t bytes = (size_t)v->page.bytes, pixel = (size_t)v->page.channels * bytes;
    uint8_t *part = malloc((size_t)rect.width * bytes);
    unet_code code = part ? UNET_OK : un_fail_memory(err, (size_t)rect.width * bytes, v->name);
    for (int y = rect.top; y < rect.top + rect.height && !code; y++)
        for (int c = 0; c < v->page.channels && !code; c++) {
            code = fetch(v,
                         at + (uint64_t)y * v->row.step + (uint64_t)c * v->channel.step +
                             (uint64_t)rect.left,
                         (size_t)rect.width, part, err);
            if (!code)
                scatter(part, (size_t)rect.width, v->page.bytes, pixel,
                        dst + (size_t)(y - rect.top) * (size_t)rect.width * pixel +
                            (size_t)c * bytes);
        }
    free(part);
    return code;
}

unet_code un_volume_read(struct un_volume *v, int index, struct un_rect rect, void *samples,
                         unet_error *err)
{
    const uint64_t at = page_begin(v, index);
    unet_code code = v->gunzip ? un_map_check(v->samples, v->name, err) : UNET_OK;
    if (!code && v->gunzip && !v->unpacked && !side_by_side(v))
        code = unpack_all(v, err);
    if (code)
        return code;
    if (!side_by_side(v))
        code = gather(v, at, rect, samples, err);
    else if (v->gunzip)
        code = read_rows(v, at, rect, samples, err);
    else
        code = un_rect_read(v->samples, v->name, v->start + at * (uint64_t)v->page.bytes, &v->page,
                            rect, samples, err);
    if (!code && un_other_order(v->big_endian))
        un_swap(samples, un_rect_bytes(&v->page, rect) / (size_t)v->page.bytes, v->page.bytes);
    return code;
}

/* ---- as a format ------------------------------------------------------------------------- */

unet_code un_volume_file_page(struct unet_source *source, int index, struct un_page *page,
                              unet_error *err)
{
    const struct un_volume_file *file = source->state;
    (void)index;
    (void)err;
    *page = file->volume.page;
    return UNET_OK;
}

unet_code un_volume_file_read(struct unet_source *source, int index, const struct un_page *page,
                              struct un_rect rect, void *samples, unet_error *err)
{
    struct un_volume_file *file = source->state;
    (void)page;
    return un_volume_read(&file->volume, index, rect, samples, err);
}

void un_volume_file_close(struct unet_source *source)
{
    struct un_volume_file *file = source->state;
    if (!file)
        return;
    un_volume_close(&file->volume);
    un_map_release(&file->beside);
    free(file->beside_name);
    free(file);
}

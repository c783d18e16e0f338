/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libtiff writes one directory after the other, and a level's stands behind the page's; so rows of
 * levels wait on disk.  Every second row of a level makes one of the next.
 */
#include "image/tiff/tiff_pyramid.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"

int un_pyramid_count(const struct un_sink_page *page)
{
    int count = 0, side = page->height > page->width ? page->height : page->width;
    for (; side > UN_PYRAMID_LAST && count < UN_PYRAMID_LEVELS; side = (side + 1) / 2)
        count++;
    return count;
}

static bool same(const uint8_t *const pixel[4], int i, int k, size_t bytes)
{
    return !memcmp(pixel[i], pixel[k], bytes);
}

/* The first of those that occur most among four pixels.  If the first has its like, only three
 * others that are the same would be more, and then it has none. */
static const uint8_t *most_frequent(const uint8_t *const pixel[4], size_t bytes)
{
    if (same(pixel, 0, 1, bytes) || same(pixel, 0, 2, bytes) || same(pixel, 0, 3, bytes))
        return pixel[0];
    if (same(pixel, 1, 2, bytes) || same(pixel, 1, 3, bytes))
        return pixel[1];
    return pixel[same(pixel, 2, 3, bytes) ? 2 : 0];
}

/* A whole number of 1, 2 or 4 bytes, there and back. */
static uint32_t whole_at(const uint8_t *at, int bytes)
{
    return (uint32_t)un_number(at, bytes, UN_HOST_BIG);
}

static void put_whole(uint32_t value, int bytes, uint8_t *to)
{
    const uint8_t *first = (const uint8_t *)&value + (UN_HOST_BIG ? (int)sizeof value - bytes : 0);
    memcpy(to, first, (size_t)bytes);
}

static void put_mean(const uint8_t *const pixel[4], const struct un_sink_page *page, uint8_t *to)
{
    for (int c = 0; c < page->channels; c++) {
        const size_t at = (size_t)c * (size_t)page->bytes;
        float real = 0, one;
        uint64_t whole = 2; /* so that halves are rounded up */
        for (int i = 0; i < 4; i++) {
            memcpy(&one, pixel[i] + at, page->kind == UN_FLOAT ? sizeof one : 0);
            real += page->kind == UN_FLOAT ? one / 4 : 0;
            whole += page->kind == UN_FLOAT ? 0 : whole_at(pixel[i] + at, page->bytes);
        }
        if (page->kind == UN_FLOAT)
            memcpy(to + at, &real, sizeof real);
        else
            put_whole((uint32_t)(whole / 4), page->bytes, to + at);
    }
}

/* A row of a level from two of `width` pixels. */
static void halve(const struct un_sink_page *page, const uint8_t *upper, const uint8_t *lower,
                  int width, uint8_t *to)
{
    const size_t bytes = (size_t)page->channels * (size_t)page->bytes;
    for (int x = 0; x < width; x += 2, to += bytes) {
        const size_t left = (size_t)x * bytes, right = x + 1 < width ? left + bytes : left;
        const uint8_t *const pixel[4] = {upper + left, upper + right, lower + left, lower + right};
        if (page->picture || page->kind == UN_FLOAT)
            put_mean(pixel, page, to);
        else
            memcpy(to, most_frequent(pixel, bytes), bytes);
    }
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash          ? strdup(".")
           : slash == path ? strdup("/")
                           : strndup(path, (size_t)(slash - path));
}

unet_code un_pyramid_begin(struct un_pyramid *pyramid, const struct un_sink_page *page,
                           const char *path, unet_error *err)
{
    char *folder = folder_of(path);
    unet_code code = folder ? UNET_OK : un_fail_memory(err, strlen(path), path);
    *pyramid = (struct un_pyramid){.page = *page, .count = un_pyramid_count(page)};
    const struct un_sink_page *above = page;
    for (int i = 0; i < pyramid->count && !code; i++) {
        struct un_level *level = &pyramid->level[i];
        level->page = *page;
        level->page.height = (above->height + 1) / 2;
        level->page.width = (above->width + 1) / 2;
        level->waiting = malloc(un_sink_stride(above));
        level->row = malloc(un_sink_stride(&level->page));
        code = level->waiting && level->row ? un_scratch_open(&level->file, folder, err)
                                            : un_fail_memory(err, 2 * un_sink_stride(above), path);
        above = &level->page;
    }
    free(folder);
    return code;
}

unet_code un_pyramid_row(struct un_pyramid *pyramid, const void *row, unet_error *err)
{
    const uint8_t *from = row;
    const struct un_sink_page *above = &pyramid->page;
    unet_code code = UNET_OK;
    for (int i = 0; i < pyramid->count && !code; i++) {
        struct un_level *level = &pyramid->level[i];
        const bool second = level->taken++ & 1;
        if (!second && level->taken < above->height) {
            memcpy(level->waiting, from, un_sink_stride(above));
            break;
        }
        halve(above, second ? level->waiting : from, from, above->width, level->row);
        code = un_scratch_append(&level->file, level->row, un_sink_stride(&level->page), err);
        from = level->row;
        above = &level->page;
    }
    return code;
}

unet_code un_pyramid_read(struct un_pyramid *pyramid, int level, int y, void *row, unet_error *err)
{
    const size_t stride = un_sink_stride(&pyramid->level[level].page);
    return un_scratch_read(&pyramid->level[level].file, (uint64_t)y * stride, row, stride, err);
}

void un_pyramid_release(struct un_pyramid *pyramid)
{
    for (int i = 0; i < pyramid->count; i++) {
        un_scratch_close(&pyramid->level[i].file);
        free(pyramid->level[i].waiting);
        free(pyramid->level[i].row);
    }
    *pyramid = (struct un_pyramid){0};
}

size_t un_pyramid_working(const struct un_sink_page *page)
{
    return (size_t)un_pyramid_count(page) * UN_SCRATCH_BYTES + 3 * un_sink_stride(page);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zarr.c - a folder of Zarr as an image of any size: page z + Z * t with all its channels
 *
 * A page is cut as the chunks cut rows and columns.  What is kept is such tiles with their channels
 * side by side, one row of them or 4 MB, whatever of other slices and times the chunks have; so
 * bands from top to bottom unpack each chunk once, and chunks of many slices cost time, not memory.
 */
#include <stdlib.h>
#include <string.h>

#include "image/tile_cache.h"
#include "image/zarr/zarr_image.h"

struct reader {
    struct un_zarr_image image;
    struct un_zarr_reader chunks;
    struct un_tile_cache cache;
    int slices; /* Z */
};

static bool probe(const unsigned char *head, size_t size)
{
    (void)head;
    (void)size;
    return false;
}

/* ---- opening ----------------------------------------------------------------------------- */

static uint64_t side(const struct un_zarr_image *image, enum un_zarr_axis role)
{
    return image->axis[role] < 0 ? 1 : image->array.shape[image->axis[role]];
}

static uint64_t chunk_side(const struct un_zarr_image *image, enum un_zarr_axis role)
{
    return image->axis[role] < 0 ? 1 : image->array.chunk[image->axis[role]];
}

static int least(uint64_t a, uint64_t b)
{
    return (int)(a < b ? a : b);
}

static unet_code take_page(struct unet_source *source, struct reader *r, unet_error *err)
{
    const struct un_zarr_image *image = &r->image;
    const uint64_t height = side(image, UN_ZARR_Y), width = side(image, UN_ZARR_X);
    const uint64_t channels = side(image, UN_ZARR_C);
    const uint64_t slices = side(image, UN_ZARR_Z), times = side(image, UN_ZARR_T);
    struct un_page *page = &r->cache.page;
    *page = (struct un_page){.height = (int)height,
                             .width = (int)width,
                             .channels = (int)channels,
                             .kind = image->array.kind,
                             .bits = image->array.bits,
                             .bytes = image->array.bytes,
                             .pixel_height = image->pixel[0],
                             .pixel_width = image->pixel[1]};
    memcpy(page->unit, image->unit, sizeof page->unit);
    if (slices > UN_SOURCE_PAGES || times > UN_SOURCE_PAGES / slices)
        return un_fail(err, UNET_EFORMAT, "%s: more than %d planes", source->name, UN_SOURCE_PAGES);
    source->file_pages = (int)(slices * times);
    r->slices = (int)slices;
    return un_page_check(source->name, page, err);
}

static unet_code fill_tile(void *context, struct un_tile *tile, unet_error *err);

static unet_code make_tiles(struct reader *r, unet_error *err)
{
    struct un_tile_cache *cache = &r->cache;
    cache->name = r->image.root;
    cache->height = least(chunk_side(&r->image, UN_ZARR_Y), (uint64_t)cache->page.height);
    cache->width = least(chunk_side(&r->image, UN_ZARR_X), (uint64_t)cache->page.width);
    cache->fill = fill_tile;
    cache->context = r;
    unet_code code = un_tile_cache_make(cache, err);
    if (!code)
        cache->page.working = un_tile_cache_bytes(cache) + un_zarr_reader_working(&r->chunks);
    return code;
}

static unet_code zarr_open(struct unet_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    unet_code code = un_zarr_image_find(source, &r->image, err);
    if (code || (code = take_page(source, r, err)))
        return code;
    r->chunks.root = r->image.root;
    r->chunks.path = r->image.path;
    r->chunks.array = r->image.array;
    return make_tiles(r, err);
}

static unet_code zarr_page(struct unet_source *source, int index, struct un_page *page,
                           unet_error *err)
{
    (void)index;
    (void)err;
    *page = ((struct reader *)source->state)->cache.page;
    return UNET_OK;
}

/* ---- tiles ------------------------------------------------------------------------------- */

/* bytes is a constant where this is called. */
static inline __attribute__((always_inline)) void spread(const uint8_t *src, const uint64_t step[3],
                                                         const int count[3], size_t bytes,
                                                         const size_t to[3], uint8_t *dst)
{
    for (int y = 0; y < count[0]; y++)
        for (int c = 0; c < count[2]; c++) {
            const uint8_t *from = src + ((size_t)y * step[0] + (size_t)c * step[2]) * bytes;
            uint8_t *at = dst + ((size_t)y * to[0] + (size_t)c * to[2]) * bytes;
            for (int x = 0; x < count[1]; x++, from += step[1] * bytes, at += to[1] * bytes)
                memcpy(at, from, bytes);
        }
}

/* A chunk's part of a tile: rows, columns and channels from one order to the other. */
static void put(const struct reader *r, const uint8_t *src, const uint64_t step[3],
                const int count[3], uint8_t *dst)
{
    const size_t channels = (size_t)r->cache.page.channels;
    const size_t to[3] = {(size_t)r->cache.width * channels, channels, 1};
    if (r->cache.page.bytes == 1)
        spread(src, step, count, 1, to, dst);
    else if (r->cache.page.bytes == 2)
        spread(src, step, count, 2, to, dst);
    else
        spread(src, step, count, (size_t)r->cache.page.bytes, to, dst);
}

/* The samples of one chunk, or of none, that is the fill. */
static unet_code fill_part(struct reader *r, struct un_tile *tile,
                           const uint64_t place[UN_ZARR_ROLES], const int count[3], unet_error *err)
{
    const struct un_zarr_array *a = &r->chunks.array;
    const uint64_t none[3] = {0, 0, 0};
    uint64_t at[UN_ZARR_AXES] = {0}, from = 0, step[3] = {0, 0, 0};
    const uint8_t *chunk;
    for (int role = 0; role < UN_ZARR_ROLES; role++) {
        const int k = r->image.axis[role];
        if (k < 0)
            continue;
        at[k] = place[role] / a->chunk[k];
        from += place[role] % a->chunk[k] * a->step[k];
        if (role == UN_ZARR_Y || role == UN_ZARR_X || role == UN_ZARR_C)
            step[role == UN_ZARR_Y ? 0 : role == UN_ZARR_X ? 1 : 2] = a->step[k];
    }
    uint8_t *dst = tile->samples + place[UN_ZARR_C] * (uint64_t)r->cache.page.bytes;
    unet_code code = un_zarr_chunk_read(&r->chunks, at, &chunk, err);
    if (!code)
        put(r, chunk ? chunk + from * (uint64_t)r->cache.page.bytes : a->fill, chunk ? step : none,
            count, dst);
    return code;
}

static unet_code fill_tile(void *context, struct un_tile *tile, unet_error *err)
{
    struct reader *r = context;
    const struct un_tile_cache *cache = &r->cache;
    const int channels = cache->page.channels;
    const int step = least(chunk_side(&r->image, UN_ZARR_C), (uint64_t)channels);
    const int top = tile->row * cache->height, left = tile->column * cache->width;
    int count[3] = {least((uint64_t)cache->height, (uint64_t)(cache->page.height - top)),
                    least((uint64_t)cache->width, (uint64_t)(cache->page.width - left)), step};
    uint64_t place[UN_ZARR_ROLES] = {(uint64_t)(tile->index / r->slices), 0,
                                     (uint64_t)(tile->index % r->slices), (uint64_t)top,
                                     (uint64_t)left};
    unet_code code = UNET_OK;
    for (int c = 0; c < channels && !code; c += step) {
        place[UN_ZARR_C] = (uint64_t)c;
        count[2] = channels - c < step ? channels - c : step;
        code = fill_part(r, tile, place, count, err);
    }
    return code;
}

static unet_code zarr_read(struct unet_source *source, int index, const struct un_page *page,
                           struct un_rect rect, void *samples, unet_error *err)
{
    (void)page;
    return un_tile_cache_read(&((struct reader *)source->state)->cache, index, rect, samples, err);
}

static void zarr_close(struct unet_source *source)
{
    struct reader *r = source->state;
    if (!r)
        return;
    un_tile_cache_release(&r->cache);
    un_zarr_reader_release(&r->chunks);
    free(r->image.root);
    free(r);
}

static const char *const endings[] = {".zarr", NULL};
const struct un_format un_format_zarr = {"Zarr",    endings,   probe,     zarr_open,
                                         zarr_page, zarr_read, zarr_close};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_pages.c - which IFDs a TIFF has, and which page each is
 *
 *     classic:  u16 count, count x 12 bytes, u32 next        BigTIFF:  u64, 20 bytes, u64
 *
 * The chain is walked once, in the bytes of the file, and offsets are remembered: libtiff would
 * walk it from its start to find a page.  Thumbnails and pyramids are no pages.
 */
#include <stdlib.h>
#include <string.h>

#include "image/tiff/tiff_read.h"

/* ---- the chain --------------------------------------------------------------------------- */

/* A file's bytes as numbers; what lies beyond the end reads as 0 and is noted. */
struct bytes {
    const struct un_mapping *file;
    bool big_endian, beyond;
};

static uint64_t number(struct bytes *bytes, uint64_t at, int size)
{
    uint64_t v = 0;
    if (at > bytes->file->size || (uint64_t)size > bytes->file->size - at) {
        bytes->beyond = true;
        return 0;
    }
    for (int i = 0; i < size; i++)
        v = v << 8 | bytes->file->data[at + (uint64_t)(bytes->big_endian ? i : size - 1 - i)];
    return v;
}

/* Whether an entry says that the IFD is a thumbnail, a level of a pyramid, or a mask. */
static bool is_lesser(struct bytes *bytes, uint64_t entry, bool big)
{
    uint64_t tag = number(bytes, entry, 2), type = number(bytes, entry + 2, 2);
    uint64_t value = number(bytes, entry + (big ? 12 : 8), type == TIFF_SHORT ? 2 : 4);
    return (tag == TIFFTAG_SUBFILETYPE && value & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) ||
           (tag == TIFFTAG_OSUBFILETYPE && value == OFILETYPE_REDUCEDIMAGE);
}

static bool add_ifd(struct un_tiff_table *table, uint64_t at, bool lesser)
{
    uint32_t n = table->ifd_count;
    if (!(n & (n - 1))) { /* room for the next power of two */
        uint32_t room = n ? 2 * n : 1;
        uint64_t *ifds = realloc(table->ifds, room * sizeof *ifds);
        table->ifds = ifds ? ifds : table->ifds;
        uint8_t *reduced = ifds ? realloc(table->reduced, room) : NULL;
        table->reduced = reduced ? reduced : table->reduced;
        if (!reduced)
            return false;
    }
    table->ifds[n] = at;
    table->reduced[n] = lesser;
    table->ifd_count = n + 1;
    return true;
}

unet_code un_tiff_walk(struct unet_source *source, struct un_tiff_table *table, unet_error *err)
{
    const struct un_mapping *file = &source->file;
    struct bytes bytes = {file, file->size && file->data[0] == 'M', false};
    bool big = number(&bytes, 2, 2) == 43;
    int count_bytes = big ? 8 : 2, entry_bytes = big ? 20 : 12, next_bytes = big ? 8 : 4;
    /* IFDs that do not overlap take some bytes each: more of them than that are a loop */
    uint64_t most = file->size / (uint64_t)(count_bytes + entry_bytes + next_bytes);
    most = most < UN_SOURCE_PAGES ? most : UN_SOURCE_PAGES;
    uint64_t at = number(&bytes, big ? 8 : 4, next_bytes);
    while (at && !bytes.beyond) {
        uint64_t entries = number(&bytes, at, count_bytes);
        uint64_t first = at + (uint64_t)count_bytes;
        if (bytes.beyond || entries > (file->size - first) / (uint64_t)entry_bytes)
            break;
        bool lesser = false;
        for (uint64_t i = 0; i < entries && i < 4; i++) /* sorted: these tags come first */
            lesser = lesser || is_lesser(&bytes, first + i * (uint64_t)entry_bytes, big);
        if (table->ifd_count >= most)
            return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (its chain of pages is a loop%s)",
                           source->name, most == UN_SOURCE_PAGES ? ", or too long" : "");
        if (!add_ifd(table, at, lesser))
            return un_fail_memory(err, table->ifd_count * sizeof *table->ifds, source->name);
        at = number(&bytes, first + entries * (uint64_t)entry_bytes, next_bytes);
    }
    if (!table->ifd_count && !at)
        return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (no image in it)", source->name);
    if (at)
        return un_fail(err, UNET_EFORMAT,
                       "%s: truncated or broken TIFF (page %u begins at byte %llu, the file has "
                       "%zu)",
                       source->name, table->ifd_count, (unsigned long long)at, file->size);
    return bytes.beyond ? un_fail(err, UNET_EFORMAT,
                                  "%s: truncated or broken TIFF (page %u ends "
                                  "beyond the file's %zu bytes)",
                                  source->name, table->ifd_count - 1, file->size)
                        : UNET_OK;
}

/* ---- pages ------------------------------------------------------------------------------- */

static bool has_room(void **array, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return true;
    uint32_t more = *room ? *room * 2 : 16;
    void *made = count < 4 * UN_SOURCE_PAGES ? realloc(*array, more * size) : NULL;
    if (!made)
        return false;
    *array = made;
    *room = more;
    return true;
}

bool un_tiff_add_plane(struct un_tiff_table *table, uint32_t plane)
{
    void *planes = table->planes;
    bool ok = has_room(&planes, table->plane_count, &table->plane_room, sizeof *table->planes);
    table->planes = planes;
    if (ok)
        table->planes[table->plane_count++] = plane;
    return ok;
}

bool un_tiff_add_page(struct un_tiff_table *table, uint32_t first, uint32_t scale)
{
    void *pages = table->pages;
    bool ok = has_room(&pages, table->page_count, &table->page_room, sizeof *table->pages);
    table->pages = pages;
    if (ok)
        table->pages[table->page_count++] =
            (struct un_tiff_page){first, table->plane_count - first, scale};
    return ok;
}

bool un_tiff_add_scale(struct un_tiff_table *table, const struct un_tiff_scale *scale)
{
    struct un_tiff_scale *made =
        realloc(table->scales, ((size_t)table->scale_count + 1) * sizeof *made);
    if (!made)
        return false;
    table->scales = made;
    made[table->scale_count++] = *scale;
    return true;
}

/* Each IFD a page. */
static bool number_plainly(struct un_tiff_table *table)
{
    const struct un_tiff_scale unknown = {0};
    bool all = true;
    for (uint32_t i = 0; i < table->ifd_count; i++)
        all = all && table->reduced[i];
    if (!un_tiff_add_scale(table, &unknown))
        return false;
    for (uint32_t i = 0; i < table->ifd_count; i++) {
        uint32_t first = table->plane_count;
        if (table->reduced[i] && !all)
            continue;
        if (!un_tiff_add_plane(table, i) || !un_tiff_add_page(table, first, table->scale_count - 1))
            return false;
    }
    return true;
}

unet_code un_tiff_number_pages(struct unet_source *source, struct un_tiff_table *table,
                               const char *description, unet_error *err)
{
    bool ok = true;
    if (description)
        ok = un_tiff_ome(source, description, table) &&
             (table->page_count || un_tiff_imagej(source, description, table));
    if (ok && !table->page_count)
        ok = number_plainly(table);
    if (!ok)
        return un_fail_memory(err, table->ifd_count * sizeof *table->pages, source->name);
    if (table->page_count > UN_SOURCE_PAGES)
        return un_fail(err, UNET_EFORMAT, "%s: %u pages; up to %d wanted", source->name,
                       table->page_count, UN_SOURCE_PAGES);
    return UNET_OK;
}

void un_tiff_table_release(struct un_tiff_table *table)
{
    free(table->ifds);
    free(table->reduced);
    free(table->planes);
    free(table->pages);
    free(table->scales);
    *table = (struct un_tiff_table){0};
}

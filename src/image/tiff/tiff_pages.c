/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_pages.c - which page each IFD of a TIFF is, or is a part of
 *
 * Metadata go first (tiff_ome.c, tiff_imagej.c, tiff_shaped.c); without them each IFD is a page
 * that is not found to be a level, a thumbnail or the like (tiff_levels.c).
 */
#include <stdlib.h>
#include <string.h>

#include "image/tiff/tiff_read.h"

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

bool un_tiff_number_plainly(struct un_tiff_table *table)
{
    const struct un_tiff_scale unknown = {0};
    bool all = true;
    table->plane_count = table->page_count = table->scale_count = 0;
    for (uint32_t i = 0; i < table->ifd_count; i++)
        all = all && table->ifds[i].what != UN_TIFF_PAGE;
    if (!un_tiff_add_scale(table, &unknown))
        return false;
    for (uint32_t i = 0; i < table->ifd_count; i++) {
        uint32_t first = table->plane_count;
        if (all)
            table->ifds[i].what = UN_TIFF_PAGE;
        if (table->ifds[i].what != UN_TIFF_PAGE)
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
             (table->page_count || un_tiff_imagej(source, description, table)) &&
             (table->page_count || un_tiff_shaped(source, description, table));
    if (ok && !table->page_count)
        ok = source->pages_are_rows ? un_tiff_number_plainly(table) : un_tiff_levels(source, table);
    ok = ok && un_tiff_list_unread(source, table);
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
    free(table->planes);
    free(table->pages);
    free(table->scales);
    *table = (struct un_tiff_table){0};
}

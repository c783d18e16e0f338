/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_levels.c - which IFDs are no pages: levels of a pyramid, thumbnails, labels
 *
 * Files mark them (NewSubfileType), or come from a program whose ways are known (tiff_slides.c), or
 * show it by themselves: an IFD whose sides are those of one before it divided by one number,
 * and whose pixels are those of that one seen from afar (tiff_alike.c).  Pages of equal sides are a
 * stack, and so are pages that show something else.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/tiff/tiff_read.h"

#define MOST_LEVELS 64 /* of all pyramids of a file: bounds what a hostile one costs */
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- by sides and content ---------------------------------------------------------------- */

/* Whether the sides of `small` are those of `large` divided by one number. */
static bool is_reduced(const struct un_tiff_ifd *large, const struct un_tiff_ifd *small)
{
    if (!small->width || !small->height || small->samples != large->samples ||
        small->bits != large->bits)
        return false;
    double across = (double)large->width / small->width, down = small->height * across;
    double exact = 1 + (double)large->height / small->height; /* a pixel of either */
    return across > 1.8 && fabs(down - large->height) <= exact + down / small->width;
}

/* Which are levels, for all IFDs; each is a page in the table.  false: they are a stack. */
static bool find_levels(struct unet_source *source, const struct un_tiff_table *table,
                        uint8_t *level)
{
    const struct un_tiff_ifd *base = NULL, *last = NULL; /* last: the level before */
    int last_page = 0, page = 0;
    bool sure = false, tiled = true;
    uint32_t found = 0, tries = 0;
    for (uint32_t i = 0; i < table->ifd_count; i++) {
        const struct un_tiff_ifd *ifd = &table->ifds[i];
        if (ifd->what != UN_TIFF_PAGE)
            continue;
        const bool reduced = base && ifd->width < last->width && is_reduced(base, ifd);
        if (reduced && ++tries > MOST_LEVELS)
            return false;
        const int alike = reduced ? un_tiff_alike(source, last_page, page) : -1;
        if (reduced && alike < 0 && ifd->tiled == base->tiled)
            return false;
        if (alike >= 0) {
            level[i] = true;
            found++;
            sure = sure || alike > 0;
            tiled = tiled && ifd->tiled;
        }
        if (alike >= 0 || !base || !base->tiled || ifd->tiled) {
            base = alike >= 0 ? base : ifd;
            last = ifd;
            last_page = page;
        }
        page++;
    }
    return found && (sure || tiled);
}

/* Beside a pyramid of tiles, smaller pictures without tiles are not what was scanned. */
static void set_levels(struct un_tiff_table *table, const uint8_t *level)
{
    const struct un_tiff_ifd *base = NULL;
    for (uint32_t i = 0; i < table->ifd_count; i++) {
        struct un_tiff_ifd *ifd = &table->ifds[i];
        if (ifd->what != UN_TIFF_PAGE)
            continue;
        if (level[i])
            ifd->what = UN_TIFF_LEVEL;
        else if (base && base->tiled && !ifd->tiled && ifd->width < base->width &&
                 ifd->height < base->height)
            ifd->what = UN_TIFF_THUMBNAIL;
        else
            base = ifd;
    }
}

static void tell(struct unet_source *source, const struct un_tiff_table *table)
{
    static const char *const words[][2] = {[UN_TIFF_LEVEL] = {"smaller level", "smaller levels"},
                                           [UN_TIFF_THUMBNAIL] = {"thumbnail", "thumbnails"},
                                           [UN_TIFF_LABEL] = {"label", "labels"},
                                           [UN_TIFF_MACRO] = {"macro image", "macro images"},
                                           [UN_TIFF_MASK] = {"mask", "masks"}};
    unsigned count[COUNT(words)] = {0};
    size_t room = sizeof source->note, used = 0;
    const struct un_tiff_ifd *page = NULL;
    for (uint32_t i = 0; i < table->ifd_count; i++) {
        count[table->ifds[i].what]++;
        if (!page && table->ifds[i].what == UN_TIFF_PAGE)
            page = &table->ifds[i];
    }
    used = (size_t)snprintf(source->note, room, "read in full resolution, %u x %u pixels, without",
                            page->width, page->height);
    for (size_t k = 1; k < COUNT(words); k++)
        if (count[k] && used < room)
            used += (size_t)snprintf(source->note + used, room - used, "%s %u %s",
                                     source->note[used - 1] == 't' ? "" : ",", count[k],
                                     words[k][count[k] > 1]);
}

static bool sort_by_content(struct unet_source *source, struct un_tiff_table *table)
{
    bool smaller = false; /* most stacks are done with here */
    for (uint32_t i = 1; i < table->ifd_count && !smaller; i++)
        smaller = table->ifds[i].what == UN_TIFF_PAGE &&
                  (is_reduced(&table->ifds[i - 1], &table->ifds[i]) ||
                   is_reduced(&table->ifds[0], &table->ifds[i]));
    if (!smaller)
        return true;
    uint8_t *level = calloc(table->ifd_count, 1);
    if (!level)
        return false;
    bool found = find_levels(source, table, level);
    if (found)
        set_levels(table, level);
    free(level);
    if (found && !un_tiff_number_plainly(table))
        return false;
    if (found)
        tell(source, table);
    return true;
}

/* ---- all --------------------------------------------------------------------------------- */

/* What is marked as reduced has a description that tells more, or sides that are no level's. */
static void name_marked(struct unet_source *source, struct un_tiff_table *table)
{
    const struct un_tiff_ifd *page = NULL;
    char text[64];
    for (uint32_t i = 0; i < table->ifd_count; i++) {
        struct un_tiff_ifd *ifd = &table->ifds[i];
        enum un_tiff_what what;
        page = ifd->what == UN_TIFF_PAGE ? ifd : page;
        if (!ifd->marked || ifd->what != UN_TIFF_LEVEL)
            continue;
        un_tiff_text(source, ifd, text, sizeof text);
        if (un_tiff_word(text, &what))
            ifd->what = (uint8_t)what;
        else if (page && !is_reduced(page, ifd))
            ifd->what = UN_TIFF_THUMBNAIL;
    }
}

/* Full-resolution IFDs of one channel each, as fluorescence comes in a qptiff, are one page. */
static void join_channels(struct un_tiff_table *table)
{
    for (uint32_t i = 0; i < table->plane_count; i++) {
        const struct un_tiff_ifd *ifd = &table->ifds[table->planes[i]];
        const struct un_tiff_ifd *first = &table->ifds[table->planes[0]];
        if (ifd->samples != 1 || ifd->width != first->width || ifd->height != first->height)
            return;
    }
    table->pages[0].count = table->plane_count;
    table->page_count = 1;
}

bool un_tiff_levels(struct unet_source *source, struct un_tiff_table *table)
{
    bool slide = false, channels = false;
    if (table->ifd_count < 2)
        return un_tiff_number_plainly(table);
    if (!un_tiff_slide(source, table, &slide, &channels))
        return false;
    name_marked(source, table);
    if (!un_tiff_number_plainly(table))
        return false;
    if (channels && table->page_count)
        join_channels(table);
    if (slide && table->plane_count < table->ifd_count)
        tell(source, table);
    return slide || table->page_count < 2 || sort_by_content(source, table);
}

static bool add_unread(struct unet_source *source, const struct un_tiff_ifd *ifd)
{
    static const char *const names[] = {[UN_TIFF_LEVEL] = "level",
                                        [UN_TIFF_THUMBNAIL] = "thumbnail",
                                        [UN_TIFF_LABEL] = "label",
                                        [UN_TIFF_MACRO] = "macro",
                                        [UN_TIFF_MASK] = "mask"};
    int n = source->unread_count;
    struct un_unread *more = realloc(source->unread, ((size_t)n + 1) * sizeof *more);
    if (!more)
        return false;
    source->unread = more;
    more[n] = (struct un_unread){names[ifd->what], (int)(ifd->height & INT32_MAX),
                                 (int)(ifd->width & INT32_MAX)};
    source->unread_count = n + 1;
    return true;
}

bool un_tiff_list_unread(struct unet_source *source, const struct un_tiff_table *table)
{
    const struct un_tiff_ifd *page = NULL;
    bool ok = true;
    for (uint32_t i = 0; i < table->ifd_count && ok; i++) {
        const struct un_tiff_ifd *ifd = &table->ifds[i];
        if (ifd->what != UN_TIFF_PAGE)
            ok = add_unread(source, ifd);
        else if (!page || !page->sub_count)
            page = ifd;
    }
    struct un_tiff_ifd sub;
    for (int i = 0; ok && page && un_tiff_sub(source, page, i, &sub); i++) {
        sub.what = sub.what == UN_TIFF_MASK ? UN_TIFF_MASK : UN_TIFF_LEVEL;
        ok = add_unread(source, &sub);
    }
    return ok;
}

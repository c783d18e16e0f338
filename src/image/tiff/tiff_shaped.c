/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_shaped.c - arrays as tifffile writes them, told by a description such as
 *
 *     {"shape": [5, 2, 96, 112], "axes": "ZCYX"}
 *
 * The last axes are those of an IFD, [row][column] or [row][column][sample]; the others count IFDs,
 * the last of them fastest.  Planes along C are the channels of a page; three or four slices that
 * were written as the planes of a colour (photometric was not said) are slices if the axes say so.
 * Where rows are said to be IFDs ([row][column][channel], or one whose IFDs are only some pixels
 * wide) all are one image.  Pages are in the order of the file, and where that is another than all
 * slices of a moment, then those of the next, it is said.  A file that was cut short in its IFDs
 * ("truncated") has one, and the planes follow its samples.
 */
#include <string.h>

#include "base/json.h"
#include "image/tiff/tiff_read.h"

enum {
    MOST_AXES = 8,
    FEW_SAMPLES = 8, /* an IFD so narrow holds channels if image and IFD are not small: */
    NOT_SMALL = 16
};

struct shape {
    uint32_t size[MOST_AXES];
    char axes[MOST_AXES + 1]; /* "" where they are not told */
    int count, leading;       /* leading: axes that count IFDs */
    uint64_t planes;
    bool apart; /* the planes of an IFD count as IFDs do */
};

static bool take_shape(const json_t *root, struct shape *shape)
{
    const json_t *sizes = json_object_get(root, "shape"), *size;
    const char *axes = json_string_value(json_object_get(root, "axes"));
    size_t i;
    if (!json_is_array(sizes) || json_array_size(sizes) < 2 || json_array_size(sizes) > MOST_AXES)
        return false;
    shape->count = (int)json_array_size(sizes);
    json_array_foreach((json_t *)sizes, i, size)
    {
        json_int_t n = json_integer_value(size);
        if (n < 1 || n > UN_SOURCE_PAGES)
            return false;
        shape->size[i] = (uint32_t)n;
    }
    if (axes && strlen(axes) == (size_t)shape->count)
        memcpy(shape->axes, axes, (size_t)shape->count + 1);
    return true;
}

/* Which axes count IFDs; false: the shape is not that of the file. */
static bool fit(const struct un_tiff_table *table, uint16_t planar, struct shape *shape)
{
    const struct un_tiff_ifd *ifd = &table->ifds[0];
    const uint32_t *last = shape->size + shape->count - 1;
    const bool apart = planar == PLANARCONFIG_SEPARATE;
    const int inside = ifd->samples > 1 ? 3 : 2;
    if (shape->count < inside)
        return false;
    const char of_planes = shape->axes[shape->count - 3]; /* where the axes are told */
    shape->apart = apart && inside == 3 && *shape->axes && of_planes != 'C' && of_planes != 'S';
    shape->leading = shape->count - (shape->apart ? 2 : inside);
    const uint32_t *height = inside == 2 || apart ? last - 1 : last - 2;
    const uint32_t *samples = apart ? last - 2 : last;
    if (height[0] != ifd->height || height[1] != ifd->width ||
        (inside == 3 && *samples != ifd->samples))
        return false;
    shape->planes = 1;
    for (int i = 0; i < shape->leading; i++)
        shape->planes *= shape->planes <= UN_SOURCE_PAGES ? shape->size[i] : 1;
    for (uint32_t i = 0; i < table->ifd_count; i++)
        if (table->ifds[i].what != UN_TIFF_PAGE)
            return false;
    if (shape->apart)
        return shape->planes == (uint64_t)table->ifd_count * ifd->samples;
    return shape->planes == table->ifd_count ||
           (table->ifd_count == 1 && shape->planes <= UN_SOURCE_PAGES);
}

static bool rows_are_ifds(const struct un_tiff_table *table, const struct shape *shape)
{
    const struct un_tiff_ifd *ifd = &table->ifds[0];
    if (shape->leading != 1 || shape->count != 3 || ifd->samples != 1 || table->ifd_count < 2)
        return false;
    if (*shape->axes)
        return !strcmp(shape->axes, "YXC") || !strcmp(shape->axes, "YXS");
    return ifd->width <= FEW_SAMPLES && ifd->height >= NOT_SMALL && table->ifd_count >= NOT_SMALL;
}

/* A page for each place on the axes that count IFDs but for axis `c`, -1: none. */
static bool add_pages(struct un_tiff_table *table, const struct shape *shape, int c)
{
    const struct un_tiff_scale unknown = {0};
    const uint32_t channels = c < 0 ? 1 : shape->size[c];
    uint32_t apart = 1; /* planes from one channel to the next */
    for (int i = c + 1; c >= 0 && i < shape->leading; i++)
        apart *= shape->size[i];
    bool ok = un_tiff_add_scale(table, &unknown);
    for (uint32_t plane = 0; plane < shape->planes && ok; plane++) {
        uint32_t first = table->plane_count;
        if (plane / apart % channels)
            continue;
        for (uint32_t k = 0; k < channels && ok; k++)
            ok = un_tiff_add_plane(table, plane + k * apart);
        ok = ok && un_tiff_add_page(table, first, table->scale_count - 1);
    }
    return ok;
}

/* Of pages along several axes: which of them is the fastest, unless it is as everywhere, TZ. */
static void tell_order(struct unet_source *source, const struct shape *shape, int c)
{
    char slow[MOST_AXES + 1] = "";
    size_t count = 0;
    for (int i = 0; i < shape->leading; i++)
        if (i != c && shape->size[i] > 1)
            slow[count++] = shape->axes[i];
    slow[count] = 0;
    if (!*shape->axes || count < 2 || !strcmp(slow, "TZ") || *source->note)
        return;
    snprintf(source->note, sizeof source->note,
             "its axes are %s: pages are in the file's order, %c fastest, then %c", shape->axes,
             slow[count - 1], slow[count - 2]);
}

bool un_tiff_shaped(struct unet_source *source, const char *text, struct un_tiff_table *table)
{
    const struct un_tiff *r = source->state;
    struct shape shape = {0};
    uint16_t planar = PLANARCONFIG_CONTIG;
    json_t *root = NULL;
    if (strncmp(text, "{\"shape\"", 8) ||
        un_json_parse(source->name, text, strlen(text), &root, NULL))
        return true;
    bool known = take_shape(root, &shape);
    json_decref(root);
    TIFFGetField(r->tif, TIFFTAG_PLANARCONFIG, &planar);
    if (!known || !fit(table, planar, &shape))
        return true;
    if (rows_are_ifds(table, &shape)) {
        source->pages_are_rows = true;
        snprintf(source->note, sizeof source->note,
                 "read as one image of %u x %u pixels and %u channels, whose rows are its pages",
                 table->ifds[0].height, table->ifd_count, table->ifds[0].width);
        return true;
    }
    const char *found = shape.leading ? memchr(shape.axes, 'C', (size_t)shape.leading) : NULL;
    const bool grey = table->ifds[0].samples == 1 || shape.apart;
    const int c = found && grey ? (int)(found - shape.axes) : -1;
    tell_order(source, &shape, c);
    table->apart = shape.apart ? table->ifds[0].samples : 0;
    table->contiguous = !shape.apart && table->ifd_count == 1 && shape.planes > 1;
    return (c < 0 && !table->contiguous && !shape.apart) || add_pages(table, &shape, c);
}

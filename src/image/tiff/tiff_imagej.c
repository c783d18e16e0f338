/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_imagej.c - stacks as ImageJ writes them, told by lines such as
 *
 *     ImageJ=1.53c   images=30   channels=2   slices=5   frames=3   unit=micron
 *
 * Channels run fastest, then slices, then frames.  Each plane has an IFD, or, beyond 4 GB and in
 * files by ImageJ's quick writers, there is one IFD and the planes follow its samples.
 */
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "image/pixel_size.h"
#include "image/tiff/tiff_read.h"

/* The value of a line `key=value`, cut at its end; false: there is none. */
static bool find_line(const char *text, const char *key, char *value, size_t room)
{
    size_t size = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, size) || line[size] != '=')
            continue;
        const char *from = line + size + 1;
        size_t length = strcspn(from, "\r\n");
        if (length >= room)
            return false;
        memcpy(value, from, length);
        value[length] = 0;
        return true;
    }
    return false;
}

static uint32_t find_count(const char *text, const char *key)
{
    char value[32], *end;
    if (!find_line(text, key, value, sizeof value))
        return 1;
    long n = strtol(value, &end, 10);
    return end == value || *end || n < 1 || n > UN_SOURCE_PAGES ? 1 : (uint32_t)n;
}

/* "spacing", which is in the text's unit, or in one of its own, in that of the scale; 0: not known.
 */
static double find_depth(const char *text, const char *unit, const char *wanted)
{
    char value[32], own[32];
    double spacing;
    if (!find_line(text, "spacing", value, sizeof value) ||
        un_decimal_read(value, &spacing) == value)
        return 0;
    if (find_line(text, "zunit", own, sizeof own))
        unit = own;
    return spacing > 1e-12 && spacing < 1e12 ? spacing * un_length_in(unit, wanted) : 0;
}

bool un_tiff_imagej(struct unet_source *source, const char *text, struct un_tiff_table *table)
{
    const struct un_tiff *r = source->state;
    struct un_tiff_scale scale = {0};
    char unit[32] = "", down[32];
    if (strncmp(text, "ImageJ=", 7))
        return true;
    uint32_t images = find_count(text, "images"), channels = find_count(text, "channels");
    uint64_t told = (uint64_t)channels * find_count(text, "slices") * find_count(text, "frames");
    uint16_t samples = 1;
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_SAMPLESPERPIXEL, &samples);
    if (told != images || samples > 1) /* planes in colour are pictures, not channels of one */
        channels = 1;
    bool contiguous = table->ifd_count == 1 && images > 1;
    if (!contiguous && images != table->ifd_count) {
        snprintf(source->note, sizeof source->note,
                 "ImageJ's description tells of %u planes, the file has %u: read page by page",
                 images, table->ifd_count);
        return true;
    }
    find_line(text, "unit", unit, sizeof unit);
    un_tiff_resolution(r->tif, unit, &scale);
    if (find_line(text, "yunit", down, sizeof down) && strcmp(down, unit)) {
        scale.height *= un_length_in(down, unit);
        if (!(scale.height > 0))
            scale = (struct un_tiff_scale){0};
    }
    scale.depth = find_depth(text, unit, scale.unit);
    if (!un_tiff_add_scale(table, &scale))
        return false;
    table->contiguous = contiguous;
    table->depth = told == images ? find_count(text, "slices") : 0;
    for (uint32_t i = 0; i < images; i++) {
        uint32_t first = i / channels * channels;
        if (!un_tiff_add_plane(table, i) ||
            (i + 1 - first == channels && !un_tiff_add_page(table, first, 0)))
            return false;
    }
    return true;
}

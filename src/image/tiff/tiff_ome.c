/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_ome.c - OME-TIFF: which IFD holds which plane, by the XML in the first IFD
 *
 *     <Image><Pixels DimensionOrder="XYZCT" SizeC= SizeZ= SizeT= PhysicalSizeX= ...>
 *         <Channel SamplesPerPixel=/> <TiffData IFD= FirstC= FirstZ= FirstT= PlaneCount=>
 *             <UUID FileName="other.ome.tif">urn:...</UUID> </TiffData> </Pixels></Image>
 *
 * https://docs.openmicroscopy.org/ome-model/ (OME-TIFF specification).  Pages are Z x T of each
 * image in turn, with those channels that are in this file.  Numbers only choose among IFDs that
 * there are; a text that does not fit the file is not used, and source->note says so, as it does
 * where the file has more than the text tells of, or images of other sides.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "image/pixel_size.h"
#include "image/tiff/tiff_read.h"
#include "image/tiff/xml.h"

#define NAME_BYTES 256

/* One <Pixels> and what its TiffData tell. */
struct ome {
    struct unet_source *source;
    struct un_tiff_table *table;
    uint32_t size[3];      /* of the dimensions below, C in IFDs */
    char order[3];         /* of them, fastest first: 'Z', 'C', 'T' */
    int64_t width, height; /* of all planes; 0: not told */
    uint32_t strange;      /* 1 + the first IFD that has others */
    int64_t told[2];       /* instead of its */
    uint32_t samples;      /* of a pixel in an IFD; 0: not told */
    uint32_t *ifds;        /* [size] in the order of `order`: IFD + 1; 0: not here */
    bool open;             /* between <Pixels> and its end */
    bool any_data;         /* a TiffData was there */
    struct un_tiff_scale scale;
    bool has_block; /* a TiffData whose UUID may still come */
    int64_t ifd, count;
    uint32_t first[3];
    bool elsewhere;           /* it is in another file */
    bool all_here;            /* names of files are not to be trusted: this one was renamed */
    uint64_t work;            /* planes gone through: bounds what a hostile text costs */
    uint64_t claimed, absent; /* planes of all images, and those in other files */
    char uuid[NAME_BYTES], other[NAME_BYTES];
    const char *wrong; /* why the text is not used */
};

static const char dimensions[3] = {'Z', 'C', 'T'};

static int64_t find_number(const struct un_xml *xml, const char *key, int64_t missing)
{
    char text[32], *end;
    if (!un_xml_attribute(xml, key, text, sizeof text))
        return missing;
    long long v = strtoll(text, &end, 10);
    return end == text || *end || v < 0 || v > INT32_MAX ? -1 : v;
}

static double find_length(const struct un_xml *xml, const char *key, const char *unit_key,
                          char unit[8])
{
    char text[64], name[32] = "um";
    double factor, v = 0;
    if (un_xml_attribute(xml, key, text, sizeof text))
        un_decimal_read(text, &v);
    un_xml_attribute(xml, unit_key, name, sizeof name);
    return un_length_unit(name, &factor, unit) && isfinite(v) && v > 1e-12 && v < 1e12 ? v * factor
                                                                                       : 0;
}

/* ---- what the elements tell -------------------------------------------------------------- */

static int dimension(const struct ome *ome, char name)
{
    return ome->order[0] == name ? 0 : ome->order[1] == name ? 1 : 2;
}

static void take_scale(struct ome *ome, const struct un_xml *xml)
{
    char across[8] = "", down[8] = "", deep[8] = "";
    struct un_tiff_scale scale = {0};
    scale.width = find_length(xml, "PhysicalSizeX", "PhysicalSizeXUnit", across);
    scale.height = find_length(xml, "PhysicalSizeY", "PhysicalSizeYUnit", down);
    ome->scale = (struct un_tiff_scale){0};
    if (!(scale.width > 0) || !(scale.height > 0))
        return;
    memcpy(scale.unit, across, sizeof across);
    scale.height *= un_length_in(down, across);
    scale.depth = find_length(xml, "PhysicalSizeZ", "PhysicalSizeZUnit", deep);
    scale.depth *= un_length_in(deep, across);
    ome->scale = scale;
}

static void begin_pixels(struct ome *ome, const struct un_xml *xml)
{
    char order[8] = "";
    un_xml_attribute(xml, "DimensionOrder", order, sizeof order);
    bool known = !strncmp(order, "XY", 2) && strlen(order) == 5;
    memcpy(ome->order, known ? order + 2 : dimensions, 3);
    uint64_t planes = 1;
    for (int i = 0; i < 3; i++) {
        if (!strchr(known ? order + 2 : "ZCT", dimensions[i]))
            ome->wrong = "has an unknown order of dimensions";
        const char key[6] = {'S', 'i', 'z', 'e', ome->order[i], 0};
        int64_t size = find_number(xml, key, 1);
        ome->size[i] = size > 0 && size <= UN_SOURCE_PAGES ? (uint32_t)size : 0;
        planes *= ome->size[i];
    }
    if (!planes || planes > UN_SOURCE_PAGES)
        ome->wrong = "has sizes that cannot be";
    take_scale(ome, xml);
    ome->width = find_number(xml, "SizeX", 0);
    ome->height = find_number(xml, "SizeY", 0);
    ome->samples = 0;
    ome->open = true;
    ome->any_data = ome->has_block = false;
}

/* Once channels are known and before the first plane is placed. */
static bool make_map(struct ome *ome)
{
    uint32_t *channels = &ome->size[dimension(ome, 'C')];
    if (ome->ifds)
        return true;
    if (ome->samples > 1 && *channels % ome->samples == 0)
        *channels /= ome->samples;
    size_t planes = (size_t)ome->size[0] * ome->size[1] * ome->size[2];
    ome->work += planes;
    ome->claimed += planes;
    if (ome->work > 4 * UN_SOURCE_PAGES)
        ome->wrong = "tells of too many planes";
    if (ome->wrong)
        return true;
    ome->ifds = calloc(planes, sizeof *ome->ifds);
    return ome->ifds != NULL;
}

static void begin_block(struct ome *ome, const struct un_xml *xml)
{
    ome->any_data = ome->has_block = true;
    ome->elsewhere = false;
    ome->ifd = find_number(xml, "IFD", -2);
    ome->count = find_number(xml, "PlaneCount", ome->ifd == -2 ? INT32_MAX : 1);
    ome->ifd = ome->ifd == -2 ? 0 : ome->ifd;
    for (int i = 0; i < 3; i++) {
        const char key[7] = {'F', 'i', 'r', 's', 't', ome->order[i], 0};
        int64_t first = find_number(xml, key, 0);
        if (first < 0 || first >= ome->size[i])
            ome->wrong = "places planes outside of its sizes";
        else
            ome->first[i] = (uint32_t)first;
    }
    if (ome->ifd < 0 || ome->count < 0)
        ome->wrong = "has numbers of IFDs that cannot be";
}

/* Puts the planes of the last TiffData onto IFDs. */
static bool end_block(struct ome *ome)
{
    if (!ome->has_block || ome->wrong)
        return true;
    ome->has_block = false;
    if (!make_map(ome) || ome->wrong)
        return !ome->wrong ? false : true;
    const uint32_t *size = ome->size, *first = ome->first;
    uint64_t planes = (uint64_t)size[0] * size[1] * size[2];
    uint64_t at = first[0] + size[0] * (first[1] + (uint64_t)size[1] * first[2]);
    uint64_t left = planes > at ? planes - at : 0;
    uint64_t count = (uint64_t)ome->count < left ? (uint64_t)ome->count : left;
    if (ome->elsewhere && !ome->all_here)
        return true;
    if (ome->count == INT32_MAX && count > ome->table->ifd_count)
        count = ome->table->ifd_count;
    ome->work += count;
    if (ome->work > 4 * UN_SOURCE_PAGES)
        ome->wrong = "tells of too many planes";
    else if ((uint64_t)ome->ifd + count > ome->table->ifd_count)
        ome->wrong = "tells of more planes than the file has";
    for (uint64_t i = 0; i < count && !ome->wrong; i++)
        ome->ifds[at + i] = (uint32_t)((uint64_t)ome->ifd + i + 1);
    return true;
}

/* ---- pages ------------------------------------------------------------------------------- */

/* Notes sides that are not those told. */
static void check_sides(struct ome *ome, uint32_t ifd)
{
    const struct un_tiff_ifd *found = &ome->table->ifds[ifd];
    const bool same = (!ome->width || ome->width == found->width) &&
                      (!ome->height || ome->height == found->height);
    if (same || ome->strange)
        return;
    ome->strange = ifd + 1;
    ome->told[0] = ome->width;
    ome->told[1] = ome->height;
}

static bool add_page(struct ome *ome, uint32_t z, uint32_t t)
{
    struct un_tiff_table *table = ome->table;
    uint32_t first = table->plane_count, at[3];
    int C = dimension(ome, 'C');
    at[dimension(ome, 'Z')] = z;
    at[dimension(ome, 'T')] = t;
    for (at[C] = 0; at[C] < ome->size[C]; at[C]++) {
        uint32_t ifd = ome->ifds[at[0] + ome->size[0] * (at[1] + (size_t)ome->size[1] * at[2])];
        ome->absent += !ifd;
        if (ifd)
            check_sides(ome, ifd - 1);
        if (ifd && !un_tiff_add_plane(table, ifd - 1))
            return false;
    }
    return table->plane_count == first || un_tiff_add_page(table, first, table->scale_count - 1);
}

/* What was <Pixels> becomes pages. */
static bool end_pixels(struct ome *ome)
{
    if (!ome->open)
        return true;
    ome->open = false;
    if (!ome->any_data && !ome->wrong) { /* all IFDs in order */
        *ome->first = ome->first[1] = ome->first[2] = 0;
        ome->has_block = true;
        ome->elsewhere = false;
        ome->ifd = 0;
        ome->count = INT32_MAX;
    }
    bool ok = end_block(ome);
    if (ok && !ome->wrong)
        ok = un_tiff_add_scale(ome->table, &ome->scale);
    uint32_t depth = ome->size[dimension(ome, 'Z')], frames = ome->size[dimension(ome, 'T')];
    ome->table->depth = ome->table->page_count ? 0 : depth; /* of one image */
    for (uint32_t t = 0; ok && !ome->wrong && t < frames; t++)
        for (uint32_t z = 0; ok && z < depth; z++)
            ok = add_page(ome, z, t);
    free(ome->ifds);
    ome->ifds = NULL;
    return ok;
}

/* The last part of a path. */
static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/'), *back = strrchr(path, '\\');
    const char *last = slash > back ? slash : back;
    return last ? last + 1 : path;
}

/* Whether a TiffData is in another file than this. */
static void take_uuid(struct ome *ome, const struct un_xml *xml)
{
    char file[NAME_BYTES] = "", uuid[NAME_BYTES] = "";
    un_xml_attribute(xml, "FileName", file, sizeof file);
    un_xml_text(xml, uuid, sizeof uuid);
    const char *told = base(file), *own = base(ome->source->name);
    size_t size = strlen(told);
    bool same_name = !strncmp(told, own, size) && (!own[size] || own[size] == '[');
    ome->elsewhere = *file && !same_name && (!*ome->uuid || strcmp(uuid, ome->uuid));
    if (ome->elsewhere && !*ome->other)
        strcpy(ome->other, told);
}

static bool take_element(struct ome *ome, const struct un_xml *xml)
{
    bool ok = true;
    if (un_xml_is(xml, "OME"))
        un_xml_attribute(xml, "UUID", ome->uuid, sizeof ome->uuid);
    else if (un_xml_is(xml, "BinaryOnly")) {
        un_xml_attribute(xml, "MetadataFile", ome->other, sizeof ome->other);
        snprintf(ome->source->note, sizeof ome->source->note,
                 "the OME metadata is in %.60s, which is not read: pages as they come",
                 *ome->other ? ome->other : "another file");
    } else if (un_xml_is(xml, "Pixels")) {
        ok = end_pixels(ome);
        begin_pixels(ome, xml);
    } else if (ome->open && un_xml_is(xml, "Channel") && !ome->samples) {
        int64_t samples = find_number(xml, "SamplesPerPixel", 1);
        ome->samples = samples > 0 && samples <= UN_IMAGE_CHANNELS ? (uint32_t)samples : 1;
    } else if (ome->open && un_xml_is(xml, "TiffData")) {
        ok = end_block(ome);
        begin_block(ome, xml);
    } else if (ome->has_block && un_xml_is(xml, "UUID"))
        take_uuid(ome, xml);
    return ok;
}

static bool read_text(struct ome *ome, const char *text)
{
    struct un_xml xml = {.at = text, .end = text + strlen(text)};
    bool ok = true;
    while (ok && !ome->wrong && un_xml_next(&xml) && !un_xml_is(&xml, "StructuredAnnotations"))
        ok = take_element(ome, &xml);
    ok = ok && end_pixels(ome);
    free(ome->ifds);
    return ok;
}

static void forget_pages(struct un_tiff_table *table)
{
    table->page_count = table->plane_count = table->scale_count = 0;
}

/* Full-size IFDs that no image of the text has. */
static uint32_t count_left(const struct un_tiff_table *table, bool *memory)
{
    uint32_t left = 0;
    bool *used = calloc(table->ifd_count, sizeof *used);
    *memory = used != NULL;
    for (uint32_t i = 0; used && i < table->plane_count; i++)
        used[table->planes[i]] = true;
    for (uint32_t i = 0; used && i < table->ifd_count; i++)
        left += !used[i] && table->ifds[i].what == UN_TIFF_PAGE;
    free(used);
    return left;
}

/* What of a text that is used is not what the file has. */
static bool note_differences(const struct ome *ome)
{
    struct unet_source *source = ome->source;
    const struct un_tiff_table *table = ome->table;
    const size_t room = sizeof source->note;
    bool memory;
    const uint32_t left = count_left(table, &memory);
    if (ome->absent)
        snprintf(source->note, room, "%llu of the image's %llu planes are not in this file%s%.60s",
                 (unsigned long long)ome->absent, (unsigned long long)ome->claimed,
                 *ome->other ? " but in others, such as " : "", ome->other);
    else if (left)
        snprintf(source->note, room,
                 "its OME metadata tell of %u planes, the file has %u more, which are not read",
                 table->plane_count, left);
    else if (ome->strange)
        snprintf(source->note, room,
                 "its OME metadata say %lld x %lld pixels, and what they place there has %u x %u",
                 (long long)ome->told[0], (long long)ome->told[1],
                 table->ifds[ome->strange - 1].width, table->ifds[ome->strange - 1].height);
    return memory;
}

bool un_tiff_ome(struct unet_source *source, const char *text, struct un_tiff_table *table)
{
    struct ome ome = {.source = source, .table = table};
    if (!strstr(text, "<OME") && !strstr(text, ":OME"))
        return true;
    bool ok = read_text(&ome, text);
    if (ok && !ome.wrong && !table->page_count && *ome.other && !*source->note) {
        forget_pages(table); /* all of it is elsewhere: this file had that name once */
        ome = (struct ome){.source = source, .table = table, .all_here = true};
        ok = read_text(&ome, text);
    }
    if (ok && ome.wrong) {
        forget_pages(table);
        snprintf(source->note, sizeof source->note, "its OME metadata %s: read page by page",
                 ome.wrong);
    } else if (ok && table->page_count)
        ok = note_differences(&ome);
    return ok;
}

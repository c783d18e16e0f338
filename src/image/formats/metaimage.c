/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metaimage.c - MetaImage, as ITK, SimpleITK and elastix write it
 *
 *     scan.mha            a header of lines "Name = value", the last of them
 *                         "ElementDataFile = LOCAL", and the samples
 *     scan.mhd, scan.raw  the header, which names the file of samples
 *
 * Samples may be packed by zlib.  Positions and directions are those of ITK: to the left, posterior
 * and superior, in mm unless DistanceUnits names another unit.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "image/formats/header_text.h"

enum field {
    OBJECT,
    DIMS,
    SIDES,
    TYPE,
    CHANNELS,
    BINARY,
    BIG_ENDIAN_FIRST,
    PACKED,
    SPACING,
    SIZE,
    OFFSET,
    MATRIX,
    UNITS,
    SKIP,
    DATA_FILE,
    FIELDS
};
static const char *const names[FIELDS] = {[OBJECT] = "ObjectType",
                                          [DIMS] = "NDims",
                                          [SIDES] = "DimSize",
                                          [TYPE] = "ElementType",
                                          [CHANNELS] = "ElementNumberOfChannels",
                                          [BINARY] = "BinaryData",
                                          [BIG_ENDIAN_FIRST] =
                                              "BinaryDataByteOrderMSB|ElementByteOrderMSB",
                                          [PACKED] = "CompressedData",
                                          [SPACING] = "ElementSpacing",
                                          [SIZE] = "ElementSize",
                                          [OFFSET] = "Offset|Origin|Position",
                                          [MATRIX] = "TransformMatrix|Rotation|Orientation",
                                          [UNITS] = "DistanceUnits",
                                          [SKIP] = "HeaderSize",
                                          [DATA_FILE] = "ElementDataFile"};

static const struct un_header_type types[] = {{"MET_CHAR", UN_INT, 1},
                                              {"MET_UCHAR", UN_UINT, 1},
                                              {"MET_SHORT", UN_INT, 2},
                                              {"MET_USHORT", UN_UINT, 2},
                                              {"MET_INT", UN_INT, 4},
                                              {"MET_UINT", UN_UINT, 4},
                                              {"MET_LONG", UN_INT, 4},
                                              {"MET_ULONG", UN_UINT, 4},
                                              {"MET_LONG_LONG", UN_INT, 8},
                                              {"MET_ULONG_LONG", UN_UINT, 8},
                                              {"MET_FLOAT", UN_FLOAT, 4},
                                              {"MET_DOUBLE", UN_FLOAT, 8},
                                              {NULL, UN_UINT, 0}};

struct reader {
    struct un_volume_file file;          /* first: volume.h closes it */
    char value[FIELDS][UN_HEADER_VALUE]; /* "": it is not there */
    size_t header;                       /* bytes of it */
};

/* Other lines may come first only if they are Comment's. */
static bool probe(const unsigned char *head, size_t size)
{
    static const char *const first[] = {"ObjectType", "NDims", "Comment"};
    struct un_header_text text = {head, head + size};
    char line[64];
    const char *value;
    return un_header_line(&text, line, sizeof line) &&
           un_header_field(line, '=', first, 3, &value) >= 0;
}

static bool is_true(const char *value)
{
    return *value == 'T' || *value == 't' || *value == '1';
}

/* ---- opening ----------------------------------------------------------------------------- */

static unet_code read_header(const struct unet_source *source, struct reader *r, unet_error *err)
{
    const unsigned char *begin = source->file.data;
    struct un_header_text text = {begin, begin + source->file.size};
    char line[UN_HEADER_VALUE + 64];
    const char *value;
    while (!*r->value[DATA_FILE] && un_header_line(&text, line, sizeof line)) {
        const int field = un_header_field(line, '=', names, FIELDS, &value);
        if (field >= 0)
            snprintf(r->value[field], UN_HEADER_VALUE, "%s", value);
    }
    r->header = (size_t)(text.at - begin);
    if (!*r->value[DATA_FILE])
        return un_fail(err, UNET_EFORMAT,
                       "%s: truncated MetaImage header; no ElementDataFile in it", source->name);
    const char *object = r->value[OBJECT];
    if (*object && strcasecmp(object, "Image"))
        return un_fail(err, UNET_EFORMAT, "%s: a %.40s of MetaIO; an Image wanted", source->name,
                       object);
    if (*r->value[BINARY] && !is_true(r->value[BINARY]))
        return un_fail(err, UNET_EFORMAT,
                       "%s: samples as text; BinaryData = True, plain or packed, wanted",
                       source->name);
    return UNET_OK;
}

static unet_code take_type(const char *name, struct reader *r, unet_error *err)
{
    char *type = r->value[TYPE];
    int64_t channels = 1;
    const size_t n = strlen(type);
    if (n > 6 && !strcasecmp(type + n - 6, "_ARRAY"))
        type[n - 6] = 0;
    if (!un_header_sample(types, type, &r->file.volume.page))
        return un_fail(err, UNET_EFORMAT,
                       "%s: samples of MetaImage's type %.40s; integers of 8 to 64 bits, float or "
                       "double wanted",
                       name, *type ? type : "\"\"");
    if (*r->value[CHANNELS] && (un_header_integers(r->value[CHANNELS], &channels, 1) != 1 ||
                                channels < 1 || channels > UN_IMAGE_CHANNELS))
        return un_fail(err, UNET_EFORMAT, "%s: %.40s channels; 1 to %d wanted", name,
                       r->value[CHANNELS], UN_IMAGE_CHANNELS);
    r->file.volume.page.channels = (int)channels;
    r->file.volume.big_endian = is_true(r->value[BIG_ENDIAN_FIRST]);
    return UNET_OK;
}

static unet_code take_sides(const char *name, struct reader *r, int *dims, unet_error *err)
{
    int64_t side[UN_VOLUME_AXES], count = 0;
    if (un_header_integers(r->value[DIMS], &count, 1) != 1 || count < 1 || count > 10)
        return un_fail(err, UNET_EFORMAT, "%s: %.40s dimensions; 1 to 10 wanted", name,
                       *r->value[DIMS] ? r->value[DIMS] : "no");
    if (un_header_integers(r->value[SIDES], side, UN_VOLUME_AXES) != (int)count)
        return un_fail(err, UNET_EFORMAT, "%s: DimSize is \"%.80s\"; %d whole numbers wanted", name,
                       r->value[SIDES], (int)count);
    *dims = (int)count;
    return un_volume_lay(&r->file.volume, name, *dims, side, -1, err);
}

/* ITK's writers give steps of 1 where they know nothing. */
static void take_place(struct reader *r, int dims)
{
    double spacing[UN_VOLUME_AXES], offset[UN_VOLUME_AXES] = {0};
    double matrix[UN_VOLUME_AXES * UN_VOLUME_AXES], step[3][3] = {{0}}, origin[3] = {0};
    static const double to_nifti[3] = {-1, -1, 1}; /* left, posterior -> right, anterior */
    const char *sizes = *r->value[SPACING] ? r->value[SPACING] : r->value[SIZE];
    const char *unit = r->value[UNITS];
    const int n = dims < 3 ? dims : 3;
    bool known = false;
    if (dims < 2 || un_header_numbers(sizes, spacing, UN_VOLUME_AXES) != dims)
        return;
    const bool turned = un_header_numbers(r->value[MATRIX], matrix, dims * dims) == dims * dims;
    un_header_numbers(r->value[OFFSET], offset, dims);
    for (int k = 0; k < n; k++) {
        known = known || spacing[k] != 1;
        origin[k] = offset[k] * to_nifti[k];
        for (int c = 0; c < n; c++)
            step[k][c] = spacing[k] * (turned ? matrix[k * dims + c] : k == c) * to_nifti[c];
    }
    step[2][2] = dims < 3 ? 1 : step[2][2];
    un_header_place(&r->file.volume, (const double(*)[3])step, origin,
                    *unit && *unit != '?' ? unit
                    : known               ? "mm"
                                          : "",
                    dims > 2);
}

static unet_code find_samples(struct unet_source *source, struct reader *r, unet_error *err)
{
    const char *file = r->value[DATA_FILE];
    const bool local = !strcasecmp(file, "LOCAL");
    struct un_volume_start start = {.packed = is_true(r->value[PACKED])};
    int64_t skip = 0;
    unet_code code = UNET_OK;
    if (!strncasecmp(file, "LIST", 4) || strchr(file, '%'))
        return un_fail(err, UNET_EFORMAT,
                       "%s: its samples are in a list of files, %.80s; in one file wanted "
                       "(SimpleITK's WriteImage makes one)",
                       source->name, file);
    if (*r->value[SKIP] && (un_header_integers(r->value[SKIP], &skip, 1) != 1 || skip < -1))
        return un_fail(err, UNET_EFORMAT, "%s: HeaderSize is %.40s; -1 or more wanted",
                       source->name, r->value[SKIP]);
    if (!local && (code = un_header_beside(source, file, &r->file.beside, err)))
        return code;
    start.at_end = skip < 0;
    start.packing = local ? r->header : skip > 0 ? (uint64_t)skip : 0;
    start.skip = start.packed ? 0 : start.packing;
    return un_volume_open(&r->file.volume, local ? source->name : file,
                          local ? &source->file : &r->file.beside, &start, err);
}

static unet_code metaimage_open(struct unet_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    int dims = 0;
    unet_code code;
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    if ((code = read_header(source, r, err)) || (code = take_type(source->name, r, err)) ||
        (code = take_sides(source->name, r, &dims, err)))
        return code;
    take_place(r, dims);
    source->file_pages = r->file.volume.pages;
    return find_samples(source, r, err);
}

static const char *const endings[] = {".mha", ".mhd", NULL};
const struct un_format un_format_metaimage = {
    "MetaImage",         endings, probe, metaimage_open, un_volume_file_page, un_volume_file_read,
    un_volume_file_close};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nifti_header.c - the headers of NIfTI-1, NIfTI-2 and Analyze 7.5
 *
 * They say the same at different places, in numbers of different sizes and in either byte order,
 * which the first of them, the size of the header, gives away.
 */
#include "image/formats/nifti_header.h"

#include <math.h>
#include <string.h>

#include "base/number.h"

#define CIFTI_FIRST 3000 /* intents of matrices over brain models */
#define CIFTI_LAST 3099

/* Where things stand in a header, and how many bytes they have. */
struct place {
    int at, bytes;
};
enum {
    DIMS,
    DATATYPE,
    PIXDIM,
    OFFSET,
    SLOPE,
    INTERCEPT,
    UNITS,
    INTENT,
    QFORM,
    SFORM,
    QUATERN,
    QOFFSET,
    SROWS,
    PLACES
};
static const struct place places[2][PLACES] = {
    {{40, 2},
     {70, 2},
     {76, 4},
     {108, 4},
     {112, 4},
     {116, 4},
     {123, 1},
     {68, 2},
     {252, 2},
     {254, 2},
     {256, 4},
     {268, 4},
     {280, 4}},
    {{16, 8},
     {12, 2},
     {104, 8},
     {168, 8},
     {176, 8},
     {184, 8},
     {500, 4},
     {504, 4},
     {344, 4},
     {348, 4},
     {352, 8},
     {376, 8},
     {400, 8}},
};

static int64_t integer(const struct un_nifti_header *h, int what, int i)
{
    const struct place p = places[h->version == UN_NIFTI_2][what];
    uint64_t v = un_number(h->bytes + p.at + i * p.bytes, p.bytes, h->big_endian);
    int shift = 64 - 8 * p.bytes;
    return (int64_t)(v << shift) >> shift;
}

static double real(const struct un_nifti_header *h, int what, int i)
{
    const struct place p = places[h->version == UN_NIFTI_2][what];
    uint64_t v = un_number(h->bytes + p.at + i * p.bytes, p.bytes, h->big_endian);
    double f64;
    float f32;
    uint32_t low = (uint32_t)v;
    memcpy(&f64, &v, sizeof v);
    memcpy(&f32, &low, sizeof low);
    return p.bytes == 8 ? f64 : (double)f32;
}

/* What a header of `size` bytes is of a file of `file_size`; Analyze's has no mark of its own. */
struct un_nifti_header un_nifti_recognise(const unsigned char *p, size_t size, size_t file_size)
{
    struct un_nifti_header h = {.bytes = p};
    if (size < UN_NIFTI_SIZE_1)
        return h;
    h.big_endian = p[0] == 0;
    uint64_t claimed = un_number(p, 4, h.big_endian);
    if (claimed == UN_NIFTI_SIZE_2 && size >= UN_NIFTI_SIZE_2 &&
        !memcmp(p + 6, "2\0\r\n\x1a\n", 6)) {
        h.pair = !memcmp(p + 4, "ni", 2);
        h.version = h.pair || !memcmp(p + 4, "n+", 2) ? UN_NIFTI_2 : UN_NOT_NIFTI;
    } else if (claimed == UN_NIFTI_SIZE_1) {
        h.pair = memcmp(p + 344, "n+1", 4) != 0;
        h.version = !h.pair || !memcmp(p + 344, "ni1", 4) ? UN_NIFTI_1
                    : file_size == UN_NIFTI_SIZE_1        ? UN_ANALYZE
                                                          : UN_NOT_NIFTI;
    }
    return h;
}

static unet_code take_type(const char *name, const struct un_nifti_header *h, struct un_page *page,
                           unet_error *err)
{
    static const struct {
        int code;
        enum un_kind kind;
        int bytes, channels;
    } types[] = {{2, UN_UINT, 1, 1},   {4, UN_INT, 2, 1},     {8, UN_INT, 4, 1},
                 {16, UN_FLOAT, 4, 1}, {64, UN_FLOAT, 8, 1},  {128, UN_UINT, 1, 3},
                 {256, UN_INT, 1, 1},  {512, UN_UINT, 2, 1},  {768, UN_UINT, 4, 1},
                 {1024, UN_INT, 8, 1}, {1280, UN_UINT, 8, 1}, {2304, UN_UINT, 1, 4}};
    int64_t code = integer(h, DATATYPE, 0);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].code == code) {
            page->kind = types[i].kind;
            page->bytes = types[i].bytes;
            page->bits = 8 * types[i].bytes;
            page->channels = types[i].channels;
            page->alpha = types[i].channels == 4;
            return UNET_OK;
        }
    return un_fail(err, UNET_EFORMAT,
                   "%s: samples of NIfTI's type %lld; integers of 8 to 64 bits, float, double, RGB "
                   "or RGBA wanted",
                   name, (long long)code);
}

static unet_code take_sides(const char *name, const struct un_nifti_header *h,
                            struct un_volume *volume, unet_error *err)
{
    int64_t dims = integer(h, DIMS, 0), side[7];
    if (dims < 1 || dims > 7)
        return un_fail(err, UNET_EFORMAT, "%s: %lld dimensions; 1 to 7 wanted", name,
                       (long long)dims);
    for (int i = 0; i < (int)dims; i++)
        side[i] = integer(h, DIMS, i + 1);
    return un_volume_lay(volume, name, (int)dims, side, -1, err);
}

static void take_meaning(const struct un_nifti_header *h, struct un_page *page)
{
    static const struct {
        int code;
        double scale;
        char unit[4];
    } units[] = {{1, 1000, "mm"}, {2, 1, "mm"}, {3, 1, "um"}};
    double slope = real(h, SLOPE, 0), offset = real(h, INTERCEPT, 0);
    if (h->version == UN_ANALYZE)
        return;
    if (isfinite(slope) && isfinite(offset) && slope != 0 && (slope != 1 || offset != 0)) {
        page->slope = slope;
        page->offset = offset;
    }
    double width = fabs(real(h, PIXDIM, 1)), height = fabs(real(h, PIXDIM, 2));
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if ((integer(h, UNITS, 0) & 7) == units[i].code && isfinite(width) && isfinite(height) &&
            width > 0 && height > 0) {
            page->pixel_width = width * units[i].scale;
            page->pixel_height = height * units[i].scale;
            strcpy(page->unit, units[i].unit);
        }
}

/* ---- place ------------------------------------------------------------------------------- */

static void place_by_rows(const struct un_nifti_header *h, struct un_place *place)
{
    for (int r = 0; r < 3; r++) {
        for (int k = 0; k < 3; k++)
            place->step[k][r] = real(h, SROWS, 4 * r + k);
        place->origin[r] = real(h, SROWS, 4 * r + 3);
    }
}

/* A rotation by the quaternion a, b, c, d of length 1, sizes of pixels, and a mirror. */
static void place_by_quaternion(const struct un_nifti_header *h, struct un_place *place)
{
    double b = real(h, QUATERN, 0), c = real(h, QUATERN, 1), d = real(h, QUATERN, 2);
    double rest = 1 - b * b - c * c - d * d, a = rest > 0 ? sqrt(rest) : 0;
    double n = a > 0 ? 1 : 1 / sqrt(b * b + c * c + d * d);
    b *= n;
    c *= n;
    d *= n;
    const double turn[3][3] = {
        {a * a + b * b - c * c - d * d, 2 * (b * c + a * d), 2 * (b * d - a * c)},
        {2 * (b * c - a * d), a * a + c * c - b * b - d * d, 2 * (c * d + a * b)},
        {2 * (b * d + a * c), 2 * (c * d - a * b), a * a + d * d - b * b - c * c}};
    for (int k = 0; k < 3; k++) {
        double side = real(h, PIXDIM, k + 1) * (k == 2 && real(h, PIXDIM, 0) < 0 ? -1 : 1);
        for (int r = 0; r < 3; r++)
            place->step[k][r] = turn[k][r] * side;
        place->origin[k] = real(h, QOFFSET, k);
    }
}

/* By the matrix, else the quaternion, else the sizes of pixels alone. */
static void take_place(const struct un_nifti_header *h, struct un_page *page)
{
    struct un_place place = {.kind = UN_PLACE_BODY, .count = {page->width, page->height, 1}};
    static const double units[] = {0, 1000, 1, 0.001}; /* not known, m, mm, um */
    const int unit = (int)integer(h, UNITS, 0) & 7;
    bool finite = true;
    if (h->version == UN_ANALYZE)
        return;
    place.unit = unit < 4 ? units[unit] : 0;
    if (integer(h, DIMS, 0) > 2)
        place.count[2] = (int)integer(h, DIMS, 3);
    if (integer(h, SFORM, 0) > 0) {
        place_by_rows(h, &place);
        place.space = (int)integer(h, SFORM, 0);
    } else if (integer(h, QFORM, 0) > 0) {
        place_by_quaternion(h, &place);
        place.space = (int)integer(h, QFORM, 0);
    } else {
        place.kind = UN_PLACE_SIZES;
        for (int k = 0; k < 3; k++)
            place.step[k][k] = fabs(real(h, PIXDIM, k + 1));
    }
    for (int k = 0; k < 3; k++) {
        finite = finite && isfinite(place.origin[k]);
        for (int r = 0; r < 3; r++)
            finite = finite && isfinite(place.step[k][r]);
    }
    if (finite)
        page->place = place;
}

/* Where the samples begin. */
static unet_code take_start(const char *name, const struct un_nifti_header *h, uint64_t *start,
                            unet_error *err)
{
    const bool long_one = h->version == UN_NIFTI_2;
    const double least = h->pair ? 0 : long_one ? UN_NIFTI_SIZE_2 + 4 : UN_NIFTI_SIZE_1 + 4;
    double at = long_one ? (double)integer(h, OFFSET, 0) : real(h, OFFSET, 0);
    if (at == 0)
        at = least;
    if (!(at >= least && at < 1e15))
        return un_fail(err, UNET_EFORMAT, "%s: samples from byte %g on; %g or more wanted", name,
                       at, least);
    *start = (uint64_t)at;
    return UNET_OK;
}

unet_code un_nifti_take(const char *name, const struct un_nifti_header *h, struct un_volume *volume,
                        uint64_t *start, unet_error *err)
{
    struct un_page *page = &volume->page;
    int64_t intent = h->version == UN_ANALYZE ? 0 : integer(h, INTENT, 0);
    unet_code code;
    if (intent >= CIFTI_FIRST && intent <= CIFTI_LAST)
        return un_fail(err, UNET_EFORMAT,
                       "%s: a CIFTI matrix (intent %d), which is no picture; NIfTI images wanted",
                       name, (int)intent);
    if ((code = take_type(name, h, page, err)) || (code = take_sides(name, h, volume, err)) ||
        (code = take_start(name, h, start, err)))
        return code;
    volume->big_endian = h->big_endian;
    take_meaning(h, page);
    take_place(h, page);
    return UNET_OK;
}

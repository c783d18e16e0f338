/* SPDX-License-Identifier: Apache-2.0 */
/* nrrd_header.c - the fields of NRRD (teem.sourceforge.net/nrrd/format.html) */
#include "image/formats/nrrd_header.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "image/pixel_size.h"

static const char *const names[UN_NRRD_FIELDS] = {[UN_NRRD_TYPE] = "type",
                                                  [UN_NRRD_DIMENSION] = "dimension",
                                                  [UN_NRRD_SIZES] = "sizes",
                                                  [UN_NRRD_ENCODING] = "encoding",
                                                  [UN_NRRD_ENDIAN] = "endian",
                                                  [UN_NRRD_KINDS] = "kinds",
                                                  [UN_NRRD_SPACINGS] = "spacings",
                                                  [UN_NRRD_UNITS] = "units",
                                                  [UN_NRRD_SPACE] = "space",
                                                  [UN_NRRD_DIRECTIONS] = "space directions",
                                                  [UN_NRRD_ORIGIN] = "space origin",
                                                  [UN_NRRD_SPACE_UNITS] = "space units",
                                                  [UN_NRRD_DATA_FILE] = "data file|datafile",
                                                  [UN_NRRD_LINE_SKIP] = "line skip|lineskip",
                                                  [UN_NRRD_BYTE_SKIP] = "byte skip|byteskip"};

static const struct un_header_type types[] = {
    {"signed char", UN_INT, 1},
    {"int8", UN_INT, 1},
    {"int8_t", UN_INT, 1},
    {"uchar", UN_UINT, 1},
    {"unsigned char", UN_UINT, 1},
    {"uint8", UN_UINT, 1},
    {"uint8_t", UN_UINT, 1},
    {"short", UN_INT, 2},
    {"short int", UN_INT, 2},
    {"signed short", UN_INT, 2},
    {"signed short int", UN_INT, 2},
    {"int16", UN_INT, 2},
    {"int16_t", UN_INT, 2},
    {"ushort", UN_UINT, 2},
    {"unsigned short", UN_UINT, 2},
    {"unsigned short int", UN_UINT, 2},
    {"uint16", UN_UINT, 2},
    {"uint16_t", UN_UINT, 2},
    {"int", UN_INT, 4},
    {"signed int", UN_INT, 4},
    {"int32", UN_INT, 4},
    {"int32_t", UN_INT, 4},
    {"uint", UN_UINT, 4},
    {"unsigned int", UN_UINT, 4},
    {"uint32", UN_UINT, 4},
    {"uint32_t", UN_UINT, 4},
    {"longlong", UN_INT, 8},
    {"long long", UN_INT, 8},
    {"long long int", UN_INT, 8},
    {"signed long long", UN_INT, 8},
    {"signed long long int", UN_INT, 8},
    {"int64", UN_INT, 8},
    {"int64_t", UN_INT, 8},
    {"ulonglong", UN_UINT, 8},
    {"unsigned long long", UN_UINT, 8},
    {"unsigned long long int", UN_UINT, 8},
    {"uint64", UN_UINT, 8},
    {"uint64_t", UN_UINT, 8},
    {"float", UN_FLOAT, 4},
    {"double", UN_FLOAT, 8},
    {NULL, UN_UINT, 0},
};

unet_code un_nrrd_read(const char *name, const struct un_mapping *file, struct un_nrrd *h,
                       unet_error *err)
{
    struct un_header_text text = {file->data, file->data + file->size};
    char line[UN_HEADER_VALUE + 64];
    const char *value;
    bool ended = false;
    while (!ended && un_header_line(&text, line, sizeof line)) {
        const int field = un_header_field(line, ':', names, UN_NRRD_FIELDS, &value);
        ended = !*line;
        if (field >= 0)
            snprintf(h->value[field], UN_HEADER_VALUE, "%s", value);
    }
    h->size = (size_t)(text.at - file->data);
    if (ended || *h->value[UN_NRRD_DATA_FILE])
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT, "%s: truncated NRRD header; an empty line ends one", name);
}

/* ---- samples ----------------------------------------------------------------------------- */

static unet_code take_samples(const char *name, struct un_nrrd *h, struct un_volume *v,
                              unet_error *err)
{
    const char *encoding = h->value[UN_NRRD_ENCODING], *endian = h->value[UN_NRRD_ENDIAN];
    if (!un_header_sample(types, h->value[UN_NRRD_TYPE], &v->page))
        return un_fail(err, UNET_EFORMAT,
                       "%s: samples of NRRD's type \"%.40s\"; integers of 8 to 64 bits, float or "
                       "double wanted",
                       name, h->value[UN_NRRD_TYPE]);
    h->packed = !strcasecmp(encoding, "gzip") || !strcasecmp(encoding, "gz");
    if (!h->packed && strcasecmp(encoding, "raw"))
        return un_fail(err, UNET_EFORMAT,
                       "%s: encoding \"%.40s\"; raw or gzip wanted (unu save -e gzip makes it)",
                       name, encoding);
    v->big_endian = !strcasecmp(endian, "big");
    if (v->page.bytes > 1 && !v->big_endian && strcasecmp(endian, "little"))
        return un_fail(err, UNET_EFORMAT, "%s: endian is \"%.40s\"; little or big wanted", name,
                       endian);
    h->line_skip = h->byte_skip = 0;
    if ((*h->value[UN_NRRD_LINE_SKIP] &&
         (un_header_integers(h->value[UN_NRRD_LINE_SKIP], &h->line_skip, 1) != 1 ||
          h->line_skip < 0)) ||
        (*h->value[UN_NRRD_BYTE_SKIP] &&
         (un_header_integers(h->value[UN_NRRD_BYTE_SKIP], &h->byte_skip, 1) != 1 ||
          h->byte_skip < (h->packed ? 0 : -1))))
        return un_fail(err, UNET_EFORMAT,
                       "%s: line skip \"%.40s\", byte skip \"%.40s\"; 0 and more wanted", name,
                       h->value[UN_NRRD_LINE_SKIP], h->value[UN_NRRD_BYTE_SKIP]);
    return UNET_OK;
}

/* ---- axes -------------------------------------------------------------------------------- */

/* What kinds other than colours, vectors and the like are. */
enum role { CHANNELS, SPACE, LIST, COMPLEX, UNKNOWN };
static const struct {
    const char *kind;
    enum role role;
} roles[] = {{"domain", SPACE}, {"space", SPACE}, {"time", SPACE}, {"list", LIST},
             {"none", UNKNOWN}, {"???", UNKNOWN}, {"", UNKNOWN},   {"complex", COMPLEX}};

static enum role role_of(const char *kind)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (!strcasecmp(roles[i].kind, kind))
            return roles[i].role;
    return CHANNELS;
}

/* Word number i, without quotes. */
static void word_of(const char *text, int i, char *word, size_t size)
{
    size_t n = strcspn(text, " \t");
    while (i-- > 0) {
        text += n;
        text += strspn(text, " \t");
        n = strcspn(text, " \t");
    }
    if (n > 1 && *text == '"' && text[n - 1] == '"') {
        text++;
        n -= 2;
    }
    snprintf(word, size, "%.*s", (int)n, text);
}

/* A first axis of 3 or 4 places that is said to be nothing, before a whole picture: colours. */
static bool looks_like_colours(const int64_t side[], int axes)
{
    return axes > 2 && (side[0] == 3 || side[0] == 4) && side[1] > 4 && side[2] > 4;
}

/* Which axis is the channels; -1: none. */
static unet_code find_channels(const char *name, struct un_nrrd *h, const int64_t side[], int axes,
                               int *channels, unet_error *err)
{
    char kind[64];
    bool told = false;
    *channels = -1;
    for (int k = 0; k < axes; k++) {
        word_of(h->value[UN_NRRD_KINDS], k, kind, sizeof kind);
        const enum role role = role_of(kind);
        if (role == COMPLEX)
            return un_fail(err, UNET_EFORMAT, "%s: complex numbers; real ones wanted", name);
        if (role == CHANNELS && *channels >= 0)
            return un_fail(err, UNET_EFORMAT,
                           "%s: axes %d and %d are both channels (%.40s); one such axis wanted",
                           name, *channels + 1, k + 1, kind);
        if (role == CHANNELS || (role == LIST && k == 0))
            *channels = k;
        told = told || (k == 0 && role != UNKNOWN);
    }
    h->guessed =
        !told && *channels < 0 && !*h->value[UN_NRRD_DIRECTIONS] && looks_like_colours(side, axes);
    *channels = h->guessed ? 0 : *channels;
    return UNET_OK;
}

/* ---- place ------------------------------------------------------------------------------- */

/* Spaces whose directions are those of a body, and how they become NIfTI's: right, anterior. */
static const struct {
    const char *name, *also;
    double sign[3];
} bodies[] = {{"right-anterior-superior", "RAS", {1, 1, 1}},
              {"left-anterior-superior", "LAS", {-1, 1, 1}},
              {"left-posterior-superior", "LPS", {-1, -1, 1}},
              {"right-anterior-superior-time", "RAST", {1, 1, 1}},
              {"left-anterior-superior-time", "LAST", {-1, 1, 1}},
              {"left-posterior-superior-time", "LPST", {-1, -1, 1}}};

static const double *find_body(const char *space)
{
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (!strcasecmp(space, bodies[i].name) || !strcasecmp(space, bodies[i].also))
            return bodies[i].sign;
    return NULL;
}

/* The step of an axis: "none (1,0,0) (0,1,0)"; false: it has none. */
static bool direction_of(const char *text, int axis, double step[3])
{
    char one[128];
    for (; *text; axis--) {
        const bool vector = *text == '(';
        const size_t n = vector ? strcspn(text, ")") : strcspn(text, " \t");
        if (axis == 0) {
            snprintf(one, sizeof one, "%.*s", (int)n, text);
            return vector && un_header_numbers(one, step, 3) > 0;
        }
        text += n;
        text += strspn(text, ") \t");
    }
    return false;
}

static bool spacing_of(const char *text, int axis, double *spacing)
{
    double all[UN_VOLUME_AXES];
    const int count = un_header_numbers(text, all, UN_VOLUME_AXES);
    *spacing = axis < count ? fabs(all[axis]) : 0;
    return axis < count && isfinite(all[axis]) && all[axis] != 0;
}

/* By directions, else by spacings; a body is measured in mm unless its unit is said. */
static void take_place(const struct un_nrrd *h, int axes, int channels, struct un_volume *v)
{
    const char *directions = h->value[UN_NRRD_DIRECTIONS];
    const double *sign = find_body(h->value[UN_NRRD_SPACE]);
    double step[3][3] = {{0}}, origin[3] = {0};
    const char *units = h->value[*directions ? UN_NRRD_SPACE_UNITS : UN_NRRD_UNITS];
    char unit[64];
    double factor[3] = {1, 1, 1};
    bool ones = true, mixed = false;
    int seen = 0;
    word_of(units, *directions || channels != 0 ? 0 : 1, unit, sizeof unit);
    for (int c = 1; c < 3; c++) {
        char other[64];
        word_of(units, *directions || channels < 0 || channels > c ? c : c + 1, other,
                sizeof other);
        if (!*other || !strcmp(other, unit))
            continue;
        factor[c] = un_length_in(other, unit);
        mixed = mixed || (!(factor[c] > 0) && c < 2);
        factor[c] = factor[c] > 0 ? factor[c] : 1;
    }
    for (int k = 0; k < axes && seen < 3; k++) {
        if (k == channels)
            continue;
        if (*directions ? !direction_of(directions, k, step[seen])
                        : !spacing_of(h->value[UN_NRRD_SPACINGS], k, &step[seen][seen]))
            break;
        for (int c = 0; c < 3; c++) {
            ones = ones && fabs(step[seen][c]) == (c == seen);
            step[seen][c] *= (*directions && sign ? sign[c] : 1) * factor[c];
        }
        seen++;
    }
    if (seen < 2)
        return;
    if (un_header_numbers(h->value[UN_NRRD_ORIGIN], origin, 3) < 0)
        origin[0] = origin[1] = origin[2] = 0;
    for (int c = 0; c < 3; c++)
        origin[c] *= (sign ? sign[c] : 1) * factor[c];
    const bool body = seen == 3 && *directions && sign;
    step[2][2] = seen < 3 ? 1 : step[2][2];
    un_header_place(v, (const double(*)[3])step, origin,
                    mixed                     ? ""
                    : !*unit && sign && !ones ? "mm"
                                              : unit,
                    body);
}

unet_code un_nrrd_take(const char *name, struct un_nrrd *h, struct un_volume *v, unet_error *err)
{
    int64_t side[UN_VOLUME_AXES], axes = 0;
    int channels;
    unet_code code = take_samples(name, h, v, err);
    if (code)
        return code;
    if (un_header_integers(h->value[UN_NRRD_DIMENSION], &axes, 1) != 1 || axes < 1 ||
        axes > UN_VOLUME_AXES)
        return un_fail(err, UNET_EFORMAT, "%s: dimension \"%.40s\"; 1 to %d wanted", name,
                       h->value[UN_NRRD_DIMENSION], UN_VOLUME_AXES);
    if (un_header_integers(h->value[UN_NRRD_SIZES], side, UN_VOLUME_AXES) != (int)axes)
        return un_fail(err, UNET_EFORMAT, "%s: sizes are \"%.80s\"; %d whole numbers wanted", name,
                       h->value[UN_NRRD_SIZES], (int)axes);
    if ((code = find_channels(name, h, side, (int)axes, &channels, err)))
        return code;
    v->page.channels = 1;
    if ((code = un_volume_lay(v, name, (int)axes, side, channels, err)))
        return code;
    char kind[64] = "";
    word_of(h->value[UN_NRRD_KINDS], channels < 0 ? 0 : channels, kind, sizeof kind);
    v->page.alpha = channels >= 0 && v->page.channels == 4 && !strcasecmp(kind, "RGBA-color");
    take_place(h, (int)axes, channels, v);
    return UNET_OK;
}

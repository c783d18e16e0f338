/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pixel_size.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"

static const struct {
    const char *name, *unit;
    double factor;
} units[] = {
    {"um", "um", 1},          {"\xc2\xb5m", "um", 1},
    {"\xce\xbcm", "um", 1},   {"\xb5m", "um", 1},
    {"\\u00B5m", "um", 1},    {"micron", "um", 1},
    {"microns", "um", 1},     {"micrometer", "um", 1},
    {"micrometre", "um", 1},  {"nm", "nm", 1},
    {"nanometer", "nm", 1},   {"mm", "mm", 1},
    {"millimeter", "mm", 1},  {"cm", "mm", 10},
    {"centimeter", "mm", 10}, {"m", "mm", 1000},
    {"meter", "mm", 1000},    {"pm", "nm", 1e-3},
    {"\xc3\x85", "nm", 0.1},  {"\xe2\x84\xab", "nm", 0.1},
    {"angstrom", "nm", 0.1},  {"inch", "mm", 25.4},
    {"in", "mm", 25.4},
};

bool un_length_unit(const char *name, double *factor, char unit[8])
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcasecmp(name, units[i].name)) {
            *factor = units[i].factor;
            strcpy(unit, units[i].unit);
            return true;
        }
    return false;
}

static double in_um(const char *name)
{
    char unit[8];
    double factor;
    if (!un_length_unit(name, &factor, unit))
        return 0;
    return !strcmp(unit, "mm") ? factor * 1e3 : !strcmp(unit, "nm") ? factor / 1e3 : factor;
}

double un_length_in(const char *name, const char *wanted)
{
    const double one = in_um(name), other = in_um(wanted);
    if (!(other > 0) || !(one > 0))
        return 0;
    return one == other ? 1 : one > other ? one / other : 1 / (other / one);
}

static double step_length(const double step[3])
{
    return sqrt(step[0] * step[0] + step[1] * step[1] + step[2] * step[2]);
}

struct un_size un_page_size(const struct un_page *page)
{
    static const struct {
        const char *name;
        double um;
    } ours[] = {{"um", 1}, {"mm", 1000}, {"nm", 0.001}};
    const double side = sqrt(page->pixel_height * page->pixel_width);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (side > 0 && isfinite(side) && !strcmp(page->unit, ours[i].name))
            return (struct un_size){UN_SIZE_LENGTH, (float)(side * ours[i].um)};
    if (page->place.kind != UN_PLACE_MAP)
        return (struct un_size){UN_SIZE_NONE, 0};
    const double map = sqrt(step_length(page->place.step[0]) * step_length(page->place.step[1]));
    return (struct un_size){map > 0 && isfinite(map) ? UN_SIZE_MAP : UN_SIZE_NONE, (float)map};
}

void un_sizes_add(struct un_sizes *sizes, struct un_size size, const char *name)
{
    if (!size.kind || !(size.side > 0) || (sizes->kind && sizes->kind != size.kind))
        return;
    for (int k = 0; k < 2; k++) {
        float *end = k ? &sizes->most : &sizes->least;
        if (sizes->kind && (k ? size.side <= *end : size.side >= *end))
            continue;
        *end = size.side;
        snprintf(sizes->first[k], sizeof sizes->first[k], "%s", name ? name : "");
    }
    sizes->kind = size.kind;
}

double un_size_ratio(enum un_size_kind a, float side, enum un_size_kind b, float other)
{
    if (!a || a != b || !(side > 0) || !(other > 0))
        return 1;
    return (double)(side > other ? side / other : other / side);
}

void un_size_text(enum un_size_kind kind, float side, char *text, size_t size)
{
    un_decimal_format(text, size, kind == UN_SIZE_MAP ? "%.4g units of the map" : "%.4g um",
                      (double)side);
}

void un_sizes_text(const struct un_sizes *sizes, char *text, size_t size)
{
    char least[40], most[40];
    *text = 0;
    if (un_size_ratio(sizes->kind, sizes->least, sizes->kind, sizes->most) < UN_SIZE_APART)
        return;
    un_size_text(sizes->kind, sizes->least, least, sizeof least);
    un_size_text(sizes->kind, sizes->most, most, sizeof most);
    snprintf(text, size,
             "pixels are not of one size by the headers: %s in %s, %s in %s; a network does not "
             "look at sizes, so bring all images and masks to one",
             least, sizes->first[0], most, sizes->first[1]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* tiff_scale.c - how large a pixel is, by ImageJ's unit or the resolution tags */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "image/tiff/tiff_read.h"

static const struct {
    const char *name, *unit;
    double factor;
} units[] = {
    {"um", "um", 1},
    {"\xc2\xb5m", "um", 1},
    {"\xce\xbcm", "um", 1},
    {"\xb5m", "um", 1},
    {"\\u00B5m", "um", 1},
    {"micron", "um", 1},
    {"microns", "um", 1},
    {"micrometer", "um", 1},
    {"nm", "nm", 1},
    {"nanometer", "nm", 1},
    {"mm", "mm", 1},
    {"millimeter", "mm", 1},
    {"cm", "mm", 10},
    {"m", "mm", 1000},
    {"pm", "nm", 1e-3},
    {"\xc3\x85", "nm", 0.1},
    {"\xe2\x84\xab", "nm", 0.1},
    {"angstrom", "nm", 0.1},
    {"inch", "mm", 25.4},
    {"in", "mm", 25.4},
};

bool un_tiff_unit(const char *name, double *factor, char unit[8])
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcasecmp(name, units[i].name)) {
            *factor = units[i].factor;
            strcpy(unit, units[i].unit);
            return true;
        }
    return false;
}

/* What programs write when they know nothing: 72 or 96 dots per inch. */
static bool is_default(double per_cm)
{
    double dpi = per_cm * 2.54;
    return fabs(dpi - 72) < 0.1 || fabs(dpi - 96) < 0.1;
}

static bool is_length(double size)
{
    return isfinite(size) && size > 1e-9 && size < 1e9;
}

void un_tiff_resolution(TIFF *tif, const char *unit, struct un_tiff_scale *scale)
{
    float across = 0, down = 0;
    uint16_t kind = RESUNIT_INCH;
    double factor = 0;
    char known[8] = "";
    TIFFGetField(tif, TIFFTAG_XRESOLUTION, &across);
    TIFFGetField(tif, TIFFTAG_YRESOLUTION, &down);
    TIFFGetFieldDefaulted(tif, TIFFTAG_RESOLUTIONUNIT, &kind);
    if (!(across > 0) || !(down > 0))
        return;
    if (!un_tiff_unit(unit, &factor, known)) {
        double cm = kind == RESUNIT_CENTIMETER ? 1 : kind == RESUNIT_INCH ? 1 / 2.54 : 0;
        if (cm <= 0 || is_default((double)across * cm) || is_default((double)down * cm))
            return;
        factor = 1e4 / cm;
        strcpy(known, "um");
    }
    double height = factor / (double)down, width = factor / (double)across;
    if (!is_length(height) || !is_length(width))
        return;
    scale->height = height;
    scale->width = width;
    strcpy(scale->unit, known);
}

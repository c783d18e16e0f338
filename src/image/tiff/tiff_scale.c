/* SPDX-License-Identifier: Apache-2.0 */
/* tiff_scale.c - how large a pixel is, by ImageJ's unit or the resolution tags */
#include <math.h>
#include <string.h>

#include "image/pixel_size.h"
#include "image/tiff/tiff_read.h"

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
    if (!un_length_unit(unit, &factor, known)) {
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

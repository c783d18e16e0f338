/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_strokes.c - masks that are scribbles: strokes of several classes, and 0 where nobody drew
 *
 * Strokes are long and thin, cover little, and follow no edge of the image, by which vessels and
 * fibres are told from them.  How thin: the shorter of the runs across and down of a class's pixel.
 * Length in widths is then pixels / width^2, for each piece.
 */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "data/survey/survey.h"

enum { PIXELS = 256, TRIES = 64 * PIXELS };

#define LONG 4.0    /* length of a stroke in widths */
#define COVERED 0.2 /* share of pixels that are drawn on, at most */
#define FIT 6.0     /* a fit of outlines on edges by which they follow these */

/* Pixels of one class in a row from here on, in steps. */
static int run(const uint8_t *mask, ptrdiff_t at, ptrdiff_t step, int most)
{
    int n = 0;
    while (n < most && mask[at + (n + 1) * step] == mask[at])
        n++;
    return n;
}

static double width_at(const unet_image *image, const uint8_t *mask, int y, int x)
{
    const ptrdiff_t W = image->width, at = y * W + x;
    const int across = 1 + run(mask, at, -1, x) + run(mask, at, 1, image->width - 1 - x);
    const int down = 1 + run(mask, at, -W, y) + run(mask, at, W, image->height - 1 - y);
    return across < down ? across : down;
}

double un_survey_strokes(const struct un_survey_item *item, const unet_image *image,
                         const uint8_t *mask)
{
    const uint64_t key = un_rng_key(0, 0x7374726f6b65 /* "stroke" */, 0, 0);
    double width[PIXELS], drawn = 0, pieces = 0, classes = 0, all = 0;
    int count = 0;
    for (int k = 0; k < UNET_MAX_CLASSES; k++) {
        all += (double)item->pixels[k];
        if (!k || !item->pixels[k])
            continue;
        classes++;
        drawn += (double)item->pixels[k];
        pieces += fmax(1, sinh((double)item->looks[k][UN_LOOK_CORNERS]));
    }
    if (classes < 2 || item->seen.ignored || drawn > COVERED * all)
        return 0;
    for (uint64_t i = 0; i < TRIES && count < PIXELS; i++) {
        const int y = (int)un_rng_below(key, 2 * i, (uint32_t)image->height);
        const int x = (int)un_rng_below(key, 2 * i + 1, (uint32_t)image->width);
        if (mask[(size_t)y * (size_t)image->width + (size_t)x])
            width[count++] = width_at(image, mask, y, x);
    }
    const double middle = un_median(width, count);
    return count ? drawn / (middle * middle * pieces) : 0;
}

unet_code un_judge_strokes(unet_survey *survey, unet_error *err)
{
    double pixels[2] = {0};
    int masks = 0, strokes = 0;
    for (int i = 0; i < survey->finding_count; i++)
        if (survey->findings[i].shown.kind == UNET_FOUND_MASK_TURNED ||
            survey->findings[i].shown.kind == UNET_FOUND_MASK_OF_OTHER)
            return UNET_OK; /* which is why they follow no edges */
    for (int i = 0; i < survey->files.count; i++) {
        const struct un_survey_item *item = &survey->items[i];
        if (!item->pixels || un_survey_only_class(item) >= 0)
            continue;
        masks++;
        strokes += item->strokes >= LONG && !(item->align.known && item->align.here >= FIT);
        for (int k = 0; k < UNET_MAX_CLASSES; k++)
            pixels[k > 0] += (double)item->pixels[k];
    }
    if (!survey->coded || survey->coding.kind == UN_CODING_OBJECTS || 4 * strokes < 3 * masks ||
        !strokes)
        return UNET_OK;
    return un_survey_report(survey, UNET_WARNING, UNET_FOUND_SCRIBBLES, -1, -1,
                            (double[4]){strokes, pixels[0] / (pixels[0] + pixels[1])}, NULL, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_looks.c - what a class of a mask is like: six numbers of it against all that is not it
 *
 *     share     log(pixels of it / other pixels)
 *     border    the same of the pixels at the image's border
 *     corners   asinh(its pieces less its holes)
 *     bright    (its mean grey value - that of the rest) / standard deviation of all
 *     texture   log(its standard deviation / that of the rest)
 *     edges     log(its mean step from pixel to pixel / that of the rest)
 *
 * Each changes its sign when the class and all that is not it are exchanged, so for two classes the
 * looks of one are those of the other, negative.  Pieces less holes are counted without finding
 * them: (convex corners - concave corners) / 4 (Gray 1971), by quads of 2 x 2 pixels.
 */
#include <math.h>
#include <stdlib.h>

#include "data/survey/survey.h"

struct sums {
    double count, border, corners, grey, squares, steps;
};

static void add_step(struct sums *sums, const uint8_t *mask, const double *grey,
                     const double *above, int width)
{
    for (int x = 0; x < width; x++) {
        struct sums *of = &sums[mask[x]];
        of->count++;
        of->grey += grey[x];
        of->squares += grey[x] * grey[x];
        of->steps += x > 0 ? fabs(grey[x] - grey[x - 1]) : 0;
        of->steps += above ? fabs(grey[x] - above[x]) : 0;
    }
}

/* A class that has one pixel of a quad turns around it, one that has three around the fourth. */
static void add_corners(struct sums *sums, const uint8_t *mask, int width)
{
    for (int x = 1; x < width; x++) {
        const uint8_t quad[4] = {mask[x - 1], mask[x], mask[x + width - 1], mask[x + width]};
        if (quad[0] == quad[1] && quad[2] == quad[3] && quad[0] == quad[2])
            continue;
        for (int i = 0; i < 4; i++) {
            int same = 0;
            for (int j = 0; j < 4; j++)
                same += quad[i] == quad[j];
            sums[quad[i]].corners += same == 1 ? 1 : same == 3 ? -1. / 3 : 0;
        }
    }
}

static void add_border(struct sums *sums, const uint8_t *mask, int height, int width)
{
    for (int x = 0; x < width; x++) {
        sums[mask[x]].border++;
        sums[mask[(size_t)(height - 1) * (size_t)width + (size_t)x]].border++;
    }
    for (int y = 0; y < height; y++) {
        sums[mask[(size_t)y * (size_t)width]].border++;
        sums[mask[(size_t)y * (size_t)width + (size_t)width - 1]].border++;
    }
}

static unet_code add_all(struct sums *sums, const unet_image *image, const uint8_t *mask,
                         unet_error *err)
{
    size_t W = (size_t)image->width;
    double *rows = malloc(2 * W * sizeof *rows);
    if (!rows)
        return un_fail_memory(err, 2 * W * sizeof *rows, "looks of classes");
    for (int y = 0; y < image->height; y++) {
        size_t at = (size_t)y * W;
        double *grey = rows + (y & 1 ? W : 0), *above = rows + (y & 1 ? 0 : W);
        for (size_t x = 0; x < W; x++)
            grey[x] = un_grey_at(image, at + x);
        add_step(sums, mask + at, grey, y ? above : NULL, image->width);
        if (y + 1 < image->height)
            add_corners(sums, mask + at, image->width);
    }
    add_border(sums, mask, image->height, image->width);
    free(rows);
    return UNET_OK;
}

static double spread_of(const struct sums *of)
{
    double mean = of->grey / of->count;
    return sqrt(fmax(of->squares / of->count - mean * mean, 0));
}

/* of: a class of some pixels but not of all.  Steps and spreads of nearly 0 are held from below. */
static void make_looks(const struct sums *of, const struct sums *all, float *looks)
{
    const struct sums rest = {.count = all->count - of->count,
                              .border = all->border - of->border,
                              .grey = all->grey - of->grey,
                              .squares = all->squares - of->squares,
                              .steps = all->steps - of->steps};
    double spread = spread_of(all), least = 0.001 * spread;
    looks[UN_LOOK_SHARE] = (float)log((of->count + 1) / (rest.count + 1));
    looks[UN_LOOK_BORDER] = (float)log((of->border + 1) / (rest.border + 1));
    looks[UN_LOOK_CORNERS] = (float)asinh(of->corners / 4);
    if (!(spread > 0))
        return;
    looks[UN_LOOK_BRIGHT] = (float)((of->grey / of->count - rest.grey / rest.count) / spread);
    looks[UN_LOOK_TEXTURE] =
        (float)log((spread_of(of) + 20 * least) / (spread_of(&rest) + 20 * least));
    looks[UN_LOOK_EDGES] =
        (float)log((of->steps / of->count + least) / (rest.steps / rest.count + least));
}

unet_code un_survey_look(struct un_survey_item *item, const unet_image *image, const uint8_t *mask,
                         unet_error *err)
{
    struct sums sums[256] = {{0}}, all = {0};
    item->pixels = calloc(UNET_MAX_CLASSES, sizeof *item->pixels);
    item->looks = calloc(UNET_MAX_CLASSES, sizeof *item->looks);
    if (!item->pixels || !item->looks)
        return un_fail_memory(err, UNET_MAX_CLASSES * sizeof *item->looks, "looks of classes");
    unet_code code = add_all(sums, image, mask, err);
    for (int k = 0; k < UNET_MAX_CLASSES; k++) {
        item->pixels[k] = (uint64_t)sums[k].count;
        all.count += sums[k].count;
        all.border += sums[k].border;
        all.grey += sums[k].grey;
        all.squares += sums[k].squares;
        all.steps += sums[k].steps;
    }
    for (int k = 0; !code && k < UNET_MAX_CLASSES; k++)
        if (item->pixels[k] && sums[k].count < all.count)
            make_looks(&sums[k], &all, item->looks[k]);
    item->seen.pixels = item->pixels;
    item->seen.ignored = (uint64_t)sums[UNET_IGNORE].count;
    return code;
}

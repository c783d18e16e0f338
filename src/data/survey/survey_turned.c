/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_turned.c - masks that fit their image when they are mirrored, turned or transposed
 *
 * Where sides change places, the format tells (survey.c).  Else outlines have to: in the kept maps
 * (survey_align.c), a mask that fits badly as it is is laid on its image in the seven other ways,
 * three where the sides differ.  The best is then moved about, which gives a chance of its own, and
 * has to fit best where it is.
 */
#include <math.h>
#include <stdlib.h>

#include "data/survey/survey.h"

#define SURE 7.0  /* as of shifts (survey_misplaced.c) */
#define LEAST 3.8 /* where most of at least MANY pairs say the same */
#define FITS 2.0  /* how much better than as it is */

enum { UPSIDE_DOWN = 1, MIRRORED = 2, TRANSPOSED = 4, TURNS = 8, MANY = 6, NEAR = 4 };

struct turned {
    int turn;   /* of UPSIDE_DOWN and so on, the transposition last; 0: none fits better */
    double fit; /* above chance */
};

/* Correlation of the outlines turned so with the edges down and right of them, by their middle. */
static double correlate(const struct un_edge_maps *maps, int turn, int down, int right)
{
    int H = maps->height, W = maps->width, top = H / 6, left = W / 6;
    uint64_t x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    int along = turn & TRANSPOSED ? W : 1; /* from a pixel to the next in a row, before mirroring */
    along = turn & (turn & TRANSPOSED ? UPSIDE_DOWN : MIRRORED) ? -along : along;
    for (int i = top; i < H - top; i++) {
        int v = turn & TRANSPOSED ? left : i, u = turn & TRANSPOSED ? i : left;
        v = turn & UPSIDE_DOWN ? H - 1 - v : v;
        u = turn & MIRRORED ? W - 1 - u : u;
        const uint8_t *mask = maps->mask + v * W + u;
        const uint8_t *image = maps->image + (i + down) * W + left + right;
        for (int j = 0; j < W - 2 * left; j++) {
            uint32_t a = image[j], b = mask[j * along];
            x += a;
            y += b;
            xx += a * a;
            yy += b * b;
            xy += a * b;
        }
    }
    double n = (double)(H - 2 * top) * (W - 2 * left), X = (double)x, Y = (double)y;
    double length = sqrt(fmax((double)xx - X * X / n, 0)) * sqrt(fmax((double)yy - Y * Y / n, 0));
    return length > 0 ? ((double)xy - X * Y / n) / length : 0;
}

/* Fit of outlines turned so, by chance as moving them about shows it; 0: they fit better moved. */
static double fit_of(const struct un_edge_maps *maps, int turn)
{
    int down = maps->height / 6 / 2 * 2, right = maps->width / 6 / 2 * 2;
    double here = correlate(maps, turn, 0, 0), sum = 0, squares = 0, count = 0;
    for (int y = -down; y <= down; y += 2)
        for (int x = -right; x <= right; x += 2) {
            if (abs(y) <= NEAR && abs(x) <= NEAR)
                continue;
            double found = correlate(maps, turn, y, x);
            if (found >= here)
                return 0;
            sum += found;
            squares += found * found;
            count++;
        }
    double mean = count > 0 ? sum / count : 0;
    double spread = count > 0 ? sqrt(fmax(squares / count - mean * mean, 0)) : 0;
    return spread > 1e-6 ? (here - mean) / spread : 0;
}

static struct turned find_turn(const struct un_survey_item *item)
{
    const struct un_alignment *align = &item->align;
    struct turned found = {0};
    if (!align->known || align->here >= SURE)
        return found;
    double own = correlate(&item->maps, 0, 0, 0), best = own;
    for (int turn = 1; turn < (item->seen.height == item->seen.width ? TURNS : TRANSPOSED);
         turn++) {
        double way = correlate(&item->maps, turn, 0, 0);
        if (way > best) {
            best = way;
            found.turn = turn;
        }
    }
    double least = fmax(LEAST, FITS * (own - align->mean) / align->spread);
    if (found.turn && (best - align->mean) / align->spread >= least)
        found.fit = fit_of(&item->maps, found.turn);
    if (found.fit < LEAST || found.fit < FITS * align->here || found.fit <= align->best)
        found = (struct turned){0};
    return found;
}

/* The turn by which most masks fit, if there is one. */
static int find_common(const struct turned *turned, int count, int known, double *fit, double *work)
{
    for (int turn = 1; turn < TURNS; turn++) {
        int same = 0;
        for (int i = 0; i < count; i++)
            if (turned[i].turn == turn)
                work[same++] = turned[i].fit;
        if (same < 2 || 10 * same < 7 * known)
            continue;
        *fit = un_median(work, same);
        return *fit >= (same >= MANY ? LEAST : SURE) ? turn : 0;
    }
    return 0;
}

static unet_code judge(unet_survey *survey, struct turned *turned, double *work, bool *explained,
                       unet_error *err)
{
    unet_code code = UNET_OK;
    int count = survey->files.count, known = 0, same = 0;
    double fit = 0;
    for (int i = 0; i < count; i++) {
        turned[i] = find_turn(&survey->items[i]);
        known += survey->items[i].align.known;
    }
    int common = find_common(turned, count, known, &fit, work);
    for (int i = 0; !code && i < count; i++) {
        explained[i] = turned[i].turn && (turned[i].turn == common || turned[i].fit >= SURE);
        if (common && turned[i].turn == common)
            work[same++] = survey->items[i].align.here;
        else if (explained[i])
            code = un_survey_report(
                survey, UNET_WARNING, UNET_FOUND_MASK_TURNED, i, -1,
                (double[4]){turned[i].turn, survey->items[i].align.here, turned[i].fit}, NULL, err);
    }
    if (!code && common) {
        double here = un_median(work, same);
        code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_MASK_TURNED, -1, -1,
                                (double[4]){common, here, fit, same}, NULL, err);
    }
    return code;
}

unet_code un_judge_turned(unet_survey *survey, bool *explained, unet_error *err)
{
    size_t count = (size_t)survey->files.count + 1;
    struct turned *turned = malloc(count * sizeof *turned);
    double *work = malloc(count * sizeof *work);
    unet_code code = turned && work
                         ? judge(survey, turned, work, explained, err)
                         : un_fail_memory(err, count * (sizeof *turned + sizeof *work), "fits");
    free(turned);
    free(work);
    return code;
}

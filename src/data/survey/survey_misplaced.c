/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_misplaced.c - masks that lie beside their image, and masks of another
 * image
 *
 * Both rest on the fit of outlines to edges (survey_align.c).  A fit of SURE
 * has not been met by chance.  Where nearly all pairs of a set fit best as they
 * are, their median says what a mask in its place reaches: three fifths of it
 * are wanted, be that more or less than SURE.
 */
#include <math.h>
#include <stdlib.h>

#include "data/survey/survey.h"

#define SURE 7.0
#define LEAST 3.8
#define TRIED 16
#define FAR_PIXELS 4 /* shifts below are within the care of whoever drew the mask */

static bool is_moved(const struct un_alignment *align)
{
    double away = fmax(fabs((double)align->right), fabs((double)align->down));
    return away >= FAR_PIXELS && away > 2 * align->step;
}

/* The fit from which on a shift is believed. */
static double sure_fit(const unet_survey *survey, double *work)
{
    int count = 0, still = 0;
    for (int i = 0; i < survey->files.count; i++) {
        const struct un_alignment *align = &survey->items[i].align;
        if (!align->known)
            continue;
        work[count++] = align->best;
        still += !is_moved(align);
    }
    double median = un_median(work, count);
    if (count < 6 || 10 * still < 8 * count)
        return SURE;
    return fmax(LEAST, 0.6 * median);
}

static bool is_shifted(const struct un_alignment *align, double sure)
{
    return align->known && is_moved(align) && align->best >= sure &&
           (align->best >= SURE || align->best >= 1.6 * align->second) &&
           align->here < 0.55 * align->best;
}

static unet_code judge_shifts(unet_survey *survey, double sure, const bool *turned, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; !code && i < survey->files.count; i++) {
        const struct un_alignment *align = &survey->items[i].align;
        if (!turned[i] && is_shifted(align, sure))
            code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_MASK_SHIFTED, i, -1,
                                    (double[4]){align->right, align->down}, NULL, err);
    }
    return code;
}

/* Fit of the mask of one pair on the image of another, of the same sides, as
 * they are. */
static double fit_across(const struct un_survey_item *image, const struct un_survey_item *mask)
{
    const struct un_edge_maps *a = &image->maps, *b = &mask->maps;
    double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    int top = a->height / 6, left = a->width / 6;
    for (int i = top; i < a->height - top; i++)
        for (int j = left; j < a->width - left; j++) {
            double u = a->image[i * a->width + j], v = b->mask[i * a->width + j];
            n++;
            x += u;
            y += v;
            xx += u * u;
            yy += v * v;
            xy += u * v;
        }
    double length = sqrt(fmax(xx - x * x / n, 0)) * sqrt(fmax(yy - y * y / n, 0));
    double correlation = length > 0 ? (xy - x * y / n) / length : 0;
    return (correlation - image->align.mean) / image->align.spread;
}

static bool same_sides(const struct un_survey_item *a, const struct un_survey_item *b)
{
    return a->seen.height == b->seen.height && a->seen.width == b->seen.width && a->maps.image &&
           b->maps.image;
}

/* The other mask that fits this image best; -1: none fits surely and far better than its own. */
static int find_stranger(const unet_survey *survey, int i, double wanted)
{
    const struct un_survey_item *item = &survey->items[i];
    double own = fit_across(item, item), best = -INFINITY;
    int other = -1;
    for (int j = 0; j < survey->files.count; j++)
        if (j != i && same_sides(item, &survey->items[j])) {
            double fit = fit_across(item, &survey->items[j]);
            other = fit > best ? j : other;
            best = fmax(best, fit);
        }
    if (other < 0 || best < SURE || best < wanted || best < 2 * own ||
        survey->items[other].hash[1] == item->hash[1])
        return -1;
    return other;
}

/*
 * A pair that fits badly where the others fit well, and whose image another mask fits far better
 * and as well as is usual.  Where none fits, as in a set paired off by one, some are tried, and all
 * but a quarter of these must have another mask.
 */
static unet_code judge_strangers(unet_survey *survey, double sure, const bool *turned, double *work,
                                 unet_error *err)
{
    int count = 0, tried = 0, found = 0, which[TRIED], others[TRIED];
    unet_code code = UNET_OK;
    for (int i = 0; i < survey->files.count; i++)
        if (survey->items[i].align.known)
            work[count++] = survey->items[i].align.here;
    double usual = un_median(work, count);
    bool none = count >= 4 && usual < LEAST;
    if (count < 3 || (usual < SURE && !none))
        return UNET_OK;
    for (int i = 0; !code && i < survey->files.count && (!none || tried < TRIED); i++) {
        const struct un_survey_item *item = &survey->items[i];
        if (turned[i] || !item->align.known || item->align.here > (none ? LEAST : 0.5 * usual) ||
            is_shifted(&item->align, sure))
            continue;
        int other = find_stranger(survey, i, none ? SURE : 0.6 * usual);
        tried++;
        if (other >= 0 && none)
            which[found] = i, others[found++] = other;
        else if (other >= 0)
            code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_MASK_OF_OTHER, i, other, NULL,
                                    NULL, err);
    }
    for (int k = 0; !code && k < found && tried >= 4 && 4 * found >= 3 * tried; k++)
        code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_MASK_OF_OTHER, which[k], others[k],
                                NULL, NULL, err);
    return code;
}

unet_code un_judge_misplaced(unet_survey *survey, unet_error *err)
{
    size_t count = (size_t)survey->files.count + 1;
    double *work = malloc(count * sizeof *work);
    bool *turned = malloc(count * sizeof *turned);
    unet_code code = UNET_OK;
    if (!work || !turned) {
        code = un_fail_memory(err, count * (sizeof *work + sizeof *turned), "fits");
        goto done;
    }
    if ((code = un_judge_turned(survey, turned, err)))
        goto done;
    double sure = sure_fit(survey, work);
    code = judge_shifts(survey, sure, turned, err);
    if (!code)
        code = judge_strangers(survey, sure, turned, work, err);
done:
    free(work);
    free(turned);
    return code;
}

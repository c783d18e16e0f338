/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_kinds.c - a set of two kinds: values on two scales, foregrounds that are brighter than
 * their background in some images and darker in others
 *
 * If the masks of one kind were inverted, all looks of the background (survey_looks.c) change
 * their sign from one kind to the other, and the images are as bright as before.  If the images
 * were, only the brightness does, and dark and bright of one kind are bright and dark of the other
 * taken from one number.  Else a set may well be of two kinds, which is no more than good to know.
 */
#include <math.h>
#include <stdlib.h>

#include "data/survey/survey.h"

static double mean_of(const unet_survey_pair *seen)
{
    const int channels = seen->channels < 3 ? seen->channels : 3;
    double sum = 0;
    for (int c = 0; c < channels; c++)
        sum += seen->mean[c];
    return sum / channels;
}

/* Whether one image against so many others is told by its name. */
static bool is_lone(int few, int many)
{
    enum { OTHERS = 4 };
    return few == 1 && many >= OTHERS;
}

/* Whether a judge before has said so, of one image; pair -1: of any, or of the set. */
static bool is_said(const unet_survey *survey, unet_finding_kind kind, int pair)
{
    for (int i = 0; i < survey->finding_count; i++) {
        const unet_finding *shown = &survey->findings[i].shown;
        if (shown->kind == kind && (pair < 0 || shown->pair == pair))
            return true;
    }
    return false;
}

/* ---- scales ---- */

#define LONE 2.5 /* what one image's values lie beyond those of all others, at least: a factor */

struct reach {
    int pair;
    double bright, mean;
};

/* The widest gap between images in order of their brightest values: before reach[at]. */
struct gap {
    int at;
    double factor, within; /* of the gap, of the group that is spread most */
};

static int by_bright(const void *a, const void *b)
{
    const double x = ((const struct reach *)a)->bright, y = ((const struct reach *)b)->bright;
    return (x > y) - (x < y);
}

static int find_reaches(const unet_survey *survey, unet_sample sample, struct reach *reach)
{
    int count = 0;
    for (int i = 0; i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (seen->readable && seen->sample == sample && seen->low < seen->high && seen->bright > 0)
            reach[count++] = (struct reach){i, seen->bright, mean_of(seen)};
    }
    qsort(reach, (size_t)count, sizeof *reach, by_bright);
    return count;
}

static struct gap find_gap(const struct reach *reach, int count)
{
    struct gap gap = {.factor = 1};
    for (int i = 1; i < count; i++)
        if (reach[i].bright / reach[i - 1].bright > gap.factor)
            gap = (struct gap){i, reach[i].bright / reach[i - 1].bright, 1};
    if (gap.at)
        gap.within = fmax(reach[gap.at - 1].bright / reach[0].bright,
                          reach[count - 1].bright / reach[gap.at].bright);
    return gap;
}

/* Whether the means of two groups lie apart as their brightest values do, nearly: other exposures
 * of one scene differ in one of the two, and so do pictures with nothing bright in them. */
static bool means_follow(const struct reach *reach, int cut, int count)
{
    double low = 0, high = 0;
    for (int i = 0; i < count; i++)
        *(i < cut ? &low : &high) += log(fmax(reach[i].mean, 1e-6));
    const double mean = high / (count - cut) - low / cut;
    const double bright = log(reach[(cut + count) / 2].bright / reach[cut / 2].bright);
    return fabs(mean - bright) <= 0.3 * bright;
}

/* Two groups of images of one sample type whose brightest values lie apart by a factor, and farther
 * than those of a group from each other: 12 and 16 bits, 0..1 and 0..255.  Less is enough if their
 * means lie apart as well: of 8 bits, as no camera makes it so, and where it is one image against
 * all others. */
static unet_code judge_scales(unet_survey *survey, unet_sample sample, unet_error *err)
{
    struct reach *reach = malloc(((size_t)survey->files.count + 1) * sizeof *reach);
    unet_code code = UNET_OK;
    if (!reach)
        return un_fail_memory(err, (size_t)survey->files.count * sizeof *reach, "scales");
    const int count = find_reaches(survey, sample, reach);
    const struct gap gap = find_gap(reach, count);
    const int cut = gap.at, few = cut < count - cut ? cut : count - cut;
    const bool lone = is_lone(few, count - few), plain = sample != UNET_U8 && gap.factor >= 8;
    const double least = lone ? LONE : sample == UNET_U8 ? 3 : 8;
    const int one = cut == 1 ? 0 : count - 1, next = cut == 1 ? 1 : count - 2;
    if ((!lone && few < 2) || gap.factor < least || gap.within >= gap.factor ||
        (!plain && !means_follow(reach, cut, count)))
        code = UNET_OK;
    else if (!lone)
        code = un_survey_report(
            survey, UNET_WARNING, UNET_FOUND_SCALES, -1, -1,
            (double[4]){cut, reach[cut - 1].bright, count - cut, reach[count - 1].bright}, NULL,
            err);
    else if (!is_said(survey, UNET_FOUND_BITS, reach[one].pair) &&
             !is_said(survey, UNET_FOUND_BITS_SPREAD, reach[one].pair))
        code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_SCALES, reach[one].pair, -1,
                                (double[4]){reach[one].bright, reach[next].bright}, NULL, err);
    free(reach);
    return code;
}

/* ---- contrast ---- */

enum { LEVEL_DARK, LEVEL_BRIGHT, LEVEL_MEAN, LEVELS };

#define APART 0.5     /* standard deviations between foreground and background that are clear */
#define NEAR 0.1      /* of the range of values: levels that are the same */
#define LONE_NEAR 2.5 /* how far the looks of one image may be from those of the others */
#define MORE 4        /* by how much one explanation must be nearer than the other */

/* What looks of two kinds may differ by; 0: they are what the kinds are told by. */
static const double near_looks[UN_LOOKS] = {
    [UN_LOOK_SHARE] = 1,     [UN_LOOK_BORDER] = 1.5, [UN_LOOK_CORNERS] = 1.5,
    [UN_LOOK_TEXTURE] = 0.5, [UN_LOOK_EDGES] = 0.5,
};

/* Images whose background is brighter than what is not background, or those where it is darker. */
struct kind {
    int count;
    struct un_middle look[UN_LOOKS], level[LEVELS];
};

static bool is_told(const struct un_survey_item *item)
{
    return item->pixels && item->pixels[0] && un_survey_only_class(item) < 0;
}

static bool is_of(const struct un_survey_item *item, int sign)
{
    return is_told(item) && sign * (double)item->looks[0][UN_LOOK_BRIGHT] >= APART;
}

static double number_of(const struct un_survey_item *item, int k)
{
    if (k < UN_LOOKS)
        return (double)item->looks[0][k];
    k -= UN_LOOKS;
    return k == LEVEL_DARK     ? item->seen.dark
           : k == LEVEL_BRIGHT ? item->seen.bright
                               : mean_of(&item->seen);
}

static struct kind kind_of(const unet_survey *survey, int sign, double *work)
{
    struct kind kind = {0};
    for (int k = 0; k < UN_LOOKS + LEVELS; k++) {
        kind.count = 0;
        for (int i = 0; i < survey->files.count; i++)
            if (is_of(&survey->items[i], sign))
                work[kind.count++] = number_of(&survey->items[i], k);
        *(k < UN_LOOKS ? &kind.look[k] : &kind.level[k - UN_LOOKS]) = un_middle(work, kind.count);
    }
    return kind;
}

/* Nearly all images are of one or the other, and there is a gap between the two. */
static bool are_two(const unet_survey *survey, const struct kind kinds[2])
{
    const struct un_middle *a = &kinds[0].look[UN_LOOK_BRIGHT], *b = &kinds[1].look[UN_LOOK_BRIGHT];
    int all = 0;
    for (int i = 0; i < survey->files.count; i++)
        all += is_told(&survey->items[i]);
    const int few = kinds[0].count < kinds[1].count ? kinds[0].count : kinds[1].count;
    return (few >= 2 || is_lone(few, kinds[0].count + kinds[1].count - few)) &&
           10 * (kinds[0].count + kinds[1].count) >= 9 * all &&
           a->median - b->median > 2 * (a->spread + b->spread);
}

/* How far the looks of two kinds are from being the same (sign 1) or each other's negative (-1):
 * together, and the farthest of them; 1 is near. */
static double looks_away(const struct kind kinds[2], int sign, double *farthest)
{
    double sum = 0;
    *farthest = 0;
    for (int k = 0; k < UN_LOOKS; k++) {
        const struct un_middle *a = &kinds[0].look[k], *b = &kinds[1].look[k];
        if (!(near_looks[k] > 0))
            continue;
        double away =
            fabs(a->median - sign * b->median) / (near_looks[k] + (a->spread + b->spread) / 2);
        *farthest = fmax(*farthest, away);
        sum += away;
    }
    return sum;
}

/* Whether dark, bright and mean are as far apart as wanted: nearly. */
static bool levels_fit(const struct kind kinds[2], bool negative)
{
    const struct un_middle *a = kinds[0].level, *b = kinds[1].level;
    const double low = fmin(a[LEVEL_DARK].median, b[LEVEL_DARK].median);
    const double high = fmax(a[LEVEL_BRIGHT].median, b[LEVEL_BRIGHT].median);
    double away[LEVELS], least = INFINITY, most = -INFINITY, spread = 0;
    for (int k = 0; k < LEVELS; k++) {
        const int mirror = k == LEVEL_MEAN ? k : k == LEVEL_DARK ? LEVEL_BRIGHT : LEVEL_DARK;
        away[k] = negative ? a[k].median + b[mirror].median : a[k].median - b[k].median;
        least = fmin(least, away[k]);
        most = fmax(most, away[k]);
        spread = fmax(spread, fmax(a[k].spread, b[k].spread));
    }
    const double near = NEAR * (high - low) + fmin(spread, NEAR * (high - low));
    return negative ? most - least <= near : fabs(away[LEVEL_MEAN]) <= near;
}

/* The only image whose background is brighter (sign 1) or darker than the rest of it. */
static int only_of(const unet_survey *survey, int sign)
{
    for (int i = 0; i < survey->files.count; i++)
        if (is_of(&survey->items[i], sign))
            return i;
    return -1;
}

static unet_code report_contrast(unet_survey *survey, const struct kind kinds[2],
                                 unet_severity severity, unet_error *err)
{
    for (int k = 0; k < 2; k++)
        if (kinds[k].count == 1)
            return un_survey_report(survey, severity, UNET_FOUND_CONTRAST,
                                    only_of(survey, k ? -1 : 1), -1, (double[4]){k}, NULL, err);
    return un_survey_report(survey, severity, UNET_FOUND_CONTRAST, -1, -1,
                            (double[4]){kinds[1].count, kinds[0].count}, NULL, err);
}

static unet_code judge_contrast(unet_survey *survey, unet_error *err)
{
    double *work = malloc(((size_t)survey->files.count + 1) * sizeof *work), far_same, far_inverted;
    if (!work)
        return un_fail_memory(err, (size_t)survey->files.count * sizeof *work, "contrasts");
    const struct kind kinds[2] = {kind_of(survey, 1, work), kind_of(survey, -1, work)};
    free(work);
    if (!are_two(survey, kinds) || is_said(survey, UNET_FOUND_INVERTED, -1) ||
        is_said(survey, UNET_FOUND_CLASSES_SWAPPED, -1))
        return UNET_OK;
    const double same = looks_away(kinds, 1, &far_same);
    const double inverted = looks_away(kinds, -1, &far_inverted);
    const int few = kinds[0].count > kinds[1].count;
    if (survey->coding.labels == 2 && kinds[few].count > 1 && far_inverted <= 1 &&
        same - inverted >= MORE && levels_fit(kinds, false))
        return un_survey_report(survey, UNET_WARNING, UNET_FOUND_INVERTED, -1, -1,
                                (double[4]){kinds[few].count, kinds[!few].count}, NULL, err);
    const double near = kinds[few].count > 1 ? 1 : LONE_NEAR;
    const bool negative = far_same <= near && inverted - same >= MORE && levels_fit(kinds, true);
    return report_contrast(survey, kinds, negative ? UNET_WARNING : UNET_NOTE, err);
}

unet_code un_judge_kinds(unet_survey *survey, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int sample = UNET_U8; !code && sample <= UNET_F32; sample++)
        code = judge_scales(survey, (unet_sample)sample, err);
    return code || !survey->coded ? code : judge_contrast(survey, err);
}

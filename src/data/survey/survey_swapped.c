/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_swapped.c - masks in which two classes are exchanged; of two classes, inverted ones
 *
 * A pair is held against the looks of the others (survey_looks.c): for each look of a class, the
 * others give a density, a kernel at the value of each.  It has as many humps as the set has kinds
 * of pictures, so a set of bright and of dark cells hides nothing.  If classes a and b are
 * exchanged, a's looks are likely as those of b:
 *
 *     gain = 1/2 sum over looks of log p_b(a's) + log p_a(b's) - log p_a(a's) - log p_b(b's)
 *
 * The half is there because of two classes each tells what the other does.  Mask and image both
 * have to speak for it: a mask with much of a class is another picture, not an inverted one.  And
 * nothing is said where the others do not agree among themselves: held against the rest, nearly
 * each of them must lose by the same exchange.
 */
#include <math.h>
#include <stdlib.h>

#include "base/logits.h"
#include "data/survey/survey.h"

#define ENOUGH 8.0    /* gain from which it is believed */
#define FEW_MORE 10.0 /* more of it, divided by the number of others */
#define EACH 1.5      /* of the looks of the mask alone, and of those of the image */
#define AGREE 0.8     /* share of the others that must lose by the exchange */
#define WIDER 0.6     /* share of the others' spread in the kernel's width */

/* What a kernel is wide at least: differences that drawing by hand makes. */
static const double least_width[UN_LOOKS] = {
    [UN_LOOK_SHARE] = 0.4,  [UN_LOOK_BORDER] = 0.7,  [UN_LOOK_CORNERS] = 0.7,
    [UN_LOOK_BRIGHT] = 0.3, [UN_LOOK_TEXTURE] = 0.3, [UN_LOOK_EDGES] = 0.3};

/* Looks of one class in the others. */
struct others {
    int count;
    float value[UN_LOOKS][UN_SURVEY_FEW];
    double width[UN_LOOKS];
};

/* Of many pairs, every so many'th is looked at, so that they lie evenly among all. */
static int step_of(const unet_survey *survey)
{
    return (survey->files.count + UN_SURVEY_FEW - 1) / UN_SURVEY_FEW;
}

static bool has(const struct un_survey_item *item, int label)
{
    return item->pixels && item->pixels[label] && un_survey_only_class(item) < 0;
}

/* The others of pair i but one more, or but none: -1. */
static void find_others(const unet_survey *survey, int i, int but, int label, struct others *others)
{
    double work[UN_SURVEY_FEW];
    others->count = 0;
    for (int j = i % step_of(survey); j < survey->files.count; j += step_of(survey)) {
        const struct un_survey_item *item = &survey->items[j];
        if (j == i || j == but || !has(item, label))
            continue;
        for (int look = 0; look < UN_LOOKS; look++)
            others->value[look][others->count] = item->looks[label][look];
        others->count++;
    }
    for (int look = 0; others->count && look < UN_LOOKS; look++) {
        for (int k = 0; k < others->count; k++)
            work[k] = (double)others->value[look][k];
        others->width[look] =
            least_width[look] * (1 + 1. / others->count) +
            WIDER * un_middle(work, others->count).spread * pow(others->count, -0.2);
    }
}

/* Student's kernel of three degrees of freedom: one number that is far off settles nothing. */
static double log_density(const struct others *others, int look, double value)
{
    double sum = 0;
    for (int i = 0; i < others->count; i++) {
        double away = (value - (double)others->value[look][i]) / others->width[look];
        double fall = 1 + away * away / 3;
        sum += 1 / (fall * fall);
    }
    return log(sum / others->count);
}

/* What exchanging two classes of a pair would gain. */
struct gain {
    double mask, image; /* by the looks of either */
    int count;          /* of others that it rests on */
};

static struct gain gain_of(const struct un_survey_item *item, int a, int b,
                           const struct others *as_a, const struct others *as_b)
{
    struct gain gain = {.count = as_a->count < as_b->count ? as_a->count : as_b->count};
    for (int look = 0; gain.count && look < UN_LOOKS; look++) {
        double x = (double)item->looks[a][look], y = (double)item->looks[b][look];
        double *part = look < UN_LOOK_BRIGHT ? &gain.mask : &gain.image;
        *part += 0.5 * (log_density(as_b, look, x) + log_density(as_a, look, y) -
                        log_density(as_a, look, x) - log_density(as_b, look, y));
    }
    return gain;
}

static bool is_enough(const struct gain *gain)
{
    return gain->count >= 2 && gain->mask >= EACH && gain->image >= EACH &&
           gain->mask + gain->image >= ENOUGH + FEW_MORE / gain->count;
}

/* Whether nearly all of the others of pair i would lose by the exchange: they tell the two apart.
 */
static bool others_agree(const unet_survey *survey, int i, int a, int b, struct others as[2])
{
    int count = 0, lose = 0;
    for (int j = i % step_of(survey); j < survey->files.count; j += step_of(survey)) {
        const struct un_survey_item *item = &survey->items[j];
        if (j == i || !has(item, a) || !has(item, b))
            continue;
        find_others(survey, i, j, a, &as[0]);
        find_others(survey, i, j, b, &as[1]);
        struct gain gain = gain_of(item, a, b, &as[0], &as[1]);
        count++;
        lose += gain.mask + gain.image <= -ENOUGH / 2;
    }
    return AGREE * count <= lose;
}

static unet_code report(unet_survey *survey, int i, int a, int b, const struct others *others,
                        unet_error *err)
{
    if (survey->coding.labels > 2)
        return un_survey_report(survey, UNET_WARNING, UNET_FOUND_CLASSES_SWAPPED, i, -1,
                                (double[4]){a, b}, NULL, err);
    double work[UN_SURVEY_FEW];
    for (int k = 0; k < others[1].count; k++)
        work[k] = (double)others[1].value[UN_LOOK_SHARE][k];
    double now = un_sigmoid((double)survey->items[i].looks[1][UN_LOOK_SHARE]);
    double usual = un_sigmoid(un_median(work, others[1].count));
    return un_survey_report(survey, UNET_WARNING, UNET_FOUND_INVERTED, i, -1,
                            (double[4]){now, usual}, NULL, err);
}

static unet_code judge_one(unet_survey *survey, int i, struct others *others, unet_error *err)
{
    const struct un_survey_item *item = &survey->items[i];
    double most = 0;
    int a = -1, b = -1, labels = survey->coding.labels;
    for (int x = 0; x < labels; x++)
        if (item->pixels[x])
            find_others(survey, i, -1, x, &others[x]);
    for (int x = 0; x < labels; x++)
        for (int y = x + 1; item->pixels[x] && y < labels; y++) {
            if (!item->pixels[y])
                continue;
            struct gain gain = gain_of(item, x, y, &others[x], &others[y]);
            if (!is_enough(&gain) || gain.mask + gain.image <= most)
                continue;
            most = gain.mask + gain.image;
            a = x;
            b = y;
        }
    if (a < 0 || !others_agree(survey, i, a, b, others + labels))
        return UNET_OK;
    return report(survey, i, a, b, others, err);
}

unet_code un_judge_swapped(unet_survey *survey, unet_error *err)
{
    if (!survey->coded)
        return UNET_OK;
    size_t labels = (size_t)survey->coding.labels;
    struct others *others = malloc((labels + 2) * sizeof *others); /* and two to work with */
    unet_code code = UNET_OK;
    if (!others)
        return un_fail_memory(err, labels * sizeof *others, "classes");
    for (int i = 0; !code && i < survey->files.count; i++) {
        const struct un_survey_item *item = &survey->items[i];
        if (item->pixels && un_survey_only_class(item) < 0)
            code = judge_one(survey, i, others, err);
    }
    free(others);
    return code;
}

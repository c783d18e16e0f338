/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_format.c - images that are not made like the others
 *
 * An image is an odd one out when more than half of all agree on something, and
 * at most a fifth do not agree with them.  Otherwise the set is mixed, which
 * the facts show.
 */
#include <math.h>
#include <stdlib.h>

#include "data/survey/survey.h"

/* What is asked of each image; a number that equal images share. */
typedef double (*question)(const unet_survey_pair *seen);

static double ask_channels(const unet_survey_pair *seen)
{
    return seen->channels;
}

static double ask_color(const unet_survey_pair *seen)
{
    return seen->grey ? 1 : seen->channels;
}

static double ask_sample(const unet_survey_pair *seen)
{
    return (double)seen->sample;
}

static double ask_size(const unet_survey_pair *seen)
{
    return (double)seen->height * 4294967296.0 + seen->width;
}

/* The answer of most, and how many give another; false: there is none of more
 * than half. */
static bool ask_all(const unet_survey *survey, question ask, double *most, int *others)
{
    /* the majority vote of Boyer and Moore: what is left can only be the majority, if there is
     * one */
    int votes = 0, agree = 0, count = 0;
    *most = 0;
    for (int i = 0; i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (!seen->readable)
            continue;
        double answer = ask(seen);
        if (!votes)
            *most = answer;
        votes += answer == *most ? 1 : -1;
    }
    for (int i = 0; i < survey->files.count; i++) {
        count += survey->items[i].seen.readable;
        agree += survey->items[i].seen.readable && ask(&survey->items[i].seen) == *most;
    }
    *others = count - agree;
    return 2 * agree > count;
}

static bool is_few(const unet_survey *survey, int others)
{
    int few = survey->facts.readable / 5;
    return survey->facts.readable >= 3 && others > 0 && others <= (few > 1 ? few : 1);
}

static unet_code judge_channels(unet_survey *survey, unet_error *err)
{
    double most;
    int others;
    unet_code code = UNET_OK;
    bool few = ask_all(survey, ask_channels, &most, &others) && is_few(survey, others);
    bool simple = true;
    for (int i = 0; i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        simple &= !seen->readable || seen->channels == 1 || seen->channels == 3;
    }
    question ask = ask_channels;
    if (!others) {
        /* all have as many, but some may be grey in truth */
        ask = ask_color;
        few = ask_all(survey, ask, &most, &others) && is_few(survey, others);
        if (survey->facts.readable < 5)
            return UNET_OK;
    }
    for (int i = 0; !code && (few || !simple) && i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (!seen->readable || ask(seen) == most)
            continue;
        code =
            un_survey_report(survey, simple || ask == ask_color ? UNET_WARNING : UNET_ERROR,
                             UNET_FOUND_CHANNELS, i, -1, (double[4]){ask(seen), most}, NULL, err);
    }
    return code;
}

/* Without a minority, one warning for the set. */
static unet_code report_samples(unet_survey *survey, unet_error *err)
{
    double counts[4] = {0};
    for (int i = 0; i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (seen->readable)
            counts[seen->sample] += 1;
    }
    const int kinds = (counts[UNET_U8] > 0) + (counts[UNET_U16] > 0) + (counts[UNET_F32] > 0);
    return kinds < 2 ? UNET_OK
                     : un_survey_report(survey, UNET_WARNING, UNET_FOUND_SAMPLE, -1, -1, counts,
                                        NULL, err);
}

static unet_code judge_sample(unet_survey *survey, unet_error *err)
{
    double most;
    int others;
    unet_code code = UNET_OK;
    if (!ask_all(survey, ask_sample, &most, &others) || !is_few(survey, others))
        return report_samples(survey, err);
    for (int i = 0; !code && i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (seen->readable && ask_sample(seen) != most)
            code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_SAMPLE, i, -1,
                                    (double[4]){(double)seen->sample, most}, NULL, err);
    }
    return code;
}

static unet_code judge_size(unet_survey *survey, unet_error *err)
{
    double most;
    int others;
    unet_code code = UNET_OK;
    if (!ask_all(survey, ask_size, &most, &others) || !is_few(survey, others))
        return UNET_OK;
    double height = floor(most / 4294967296.0), width = most - height * 4294967296.0;
    for (int i = 0; !code && i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (seen->readable && ask_size(seen) != most)
            code =
                un_survey_report(survey, UNET_NOTE, UNET_FOUND_SIZE, i, -1,
                                 (double[4]){seen->width, seen->height, width, height}, NULL, err);
    }
    return code;
}

/* Bits that a 16-bit image uses: 8, 10, 12, 14 or 16. */
static int bits_used(const unet_survey_pair *seen)
{
    int bits = 8;
    while (bits < 16 && seen->high > (1 << bits) - 1)
        bits += 2;
    return bits;
}

static bool is_deep(const struct un_survey_item *item)
{
    return item->seen.readable && item->seen.sample == UNET_U16 && !item->seen.prepared &&
           item->seen.low < item->seen.high;
}

/* The step between samples that more than half of the deep images have; 0: none is. */
static unsigned most_step(const struct unet_survey *survey)
{
    unsigned most = 0;
    int votes = 0, agree = 0, count = 0;
    for (int i = 0; i < survey->files.count; i++) {
        const struct un_survey_item *item = &survey->items[i];
        if (!is_deep(item))
            continue;
        most = votes ? most : item->step;
        votes += item->step == most ? 1 : -1;
        count++;
    }
    for (int i = 0; i < survey->files.count; i++)
        agree += is_deep(&survey->items[i]) && survey->items[i].step == most;
    return 2 * agree > count ? most : 0;
}

/* Whether an image was multiplied by another number than most: its samples are no multiples of the
 * others' step, or of one so coarse that it is no chance. */
static bool is_other_step(const struct un_survey_item *item, unsigned most)
{
    enum { STEPS = 64 }; /* an image of few values can have a large step */
    if (!is_deep(item) || !most || item->step == most)
        return false;
    return item->step % most != 0 || (item->seen.high - item->seen.low) / item->step >= STEPS;
}

struct depths {
    int count, shallow, spread, stepped; /* images; of 8 bits, 8 bits times 257, another step */
    int most;                            /* bits */
    unsigned step;
    double high;
};

static struct depths look_at_depths(const unet_survey *survey)
{
    struct depths found = {.step = most_step(survey)};
    for (int i = 0; i < survey->files.count; i++) {
        const struct un_survey_item *item = &survey->items[i];
        if (!item->seen.readable || item->seen.sample != UNET_U16 || item->seen.prepared)
            continue;
        int bits = bits_used(&item->seen);
        found.count++;
        found.shallow += bits == 8;
        found.spread += item->step % 257 == 0;
        found.stepped += is_other_step(item, found.step);
        found.most = bits > found.most ? bits : found.most;
        found.high = fmax(found.high, item->seen.high);
    }
    return found;
}

/* One note when the whole set has less than 16 bits; a warning for an image of 8 among deeper, and
 * for one whose samples were multiplied by something else. */
static unet_code judge_bits(unet_survey *survey, unet_error *err)
{
    const struct depths all = look_at_depths(survey);
    unet_code code = UNET_OK;
    if (all.count && all.spread == all.count)
        return un_survey_report(survey, UNET_NOTE, UNET_FOUND_BITS_SPREAD, -1, -1, NULL, NULL, err);
    if (all.count && all.most < 16)
        code = un_survey_report(survey, UNET_NOTE, UNET_FOUND_BITS, -1, -1,
                                (double[4]){all.most, all.high}, NULL, err);
    for (int i = 0; !code && i < survey->files.count; i++) {
        const struct un_survey_item *item = &survey->items[i];
        if (!is_deep(item))
            continue;
        if (is_few(survey, all.shallow) && all.shallow < all.count && bits_used(&item->seen) == 8)
            code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_BITS, i, -1,
                                    (double[4]){8, item->seen.high}, NULL, err);
        else if (is_few(survey, all.stepped) && is_other_step(item, all.step))
            code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_BITS_SPREAD, i, -1,
                                    (double[4]){item->step, all.step}, NULL, err);
    }
    return code;
}

static unet_code judge_constant(unet_survey *survey, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; !code && i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (seen->readable && seen->low == seen->high)
            code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_CONSTANT, i, -1,
                                    (double[4]){seen->low}, NULL, err);
    }
    return code;
}

static unet_code judge_saturation(unet_survey *survey, unet_error *err)
{
    double *shares = malloc(((size_t)survey->files.count + 1) * sizeof *shares);
    int count = 0;
    unet_code code = UNET_OK;
    if (!shares)
        return un_fail_memory(err, (size_t)survey->files.count * sizeof *shares, "saturation");
    for (int i = 0; i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (seen->readable && seen->low < seen->high)
            shares[count++] = seen->saturated;
    }
    double median = un_median(shares, count);
    free(shares);
    if (median > 0.25)
        return un_survey_report(survey, UNET_NOTE, UNET_FOUND_SATURATED, -1, -1,
                                (double[4]){median}, NULL, err);
    for (int i = 0; !code && i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        if (seen->readable && seen->low < seen->high && seen->saturated > 0.2 &&
            seen->saturated > 0.1 + 4 * median)
            code = un_survey_report(survey, UNET_NOTE, UNET_FOUND_SATURATED, i, -1,
                                    (double[4]){seen->saturated}, NULL, err);
    }
    return code;
}

/* A note on the value that is no data, of the images that have the first one's. */
static unet_code judge_fill(unet_survey *survey, unet_error *err)
{
    struct un_fill fill = {0};
    double share = 0;
    int count = 0;
    for (int i = 0; i < survey->files.count; i++) {
        const struct un_survey_item *item = &survey->items[i];
        const unet_survey_pair *seen = &item->seen;
        if (!seen->readable || !item->filled || (fill.set && !un_is_fill(fill, item->fill.value)))
            continue;
        fill = item->fill;
        share += (double)item->filled / ((double)seen->height * seen->width * seen->channels);
        count++;
    }
    if (!count || (!survey->fill.set && count < 2 && survey->facts.readable > 2))
        return UNET_OK;
    return un_survey_report(survey, UNET_NOTE, UNET_FOUND_FILL, -1, -1,
                            (double[4]){(double)fill.value, count, share / count}, NULL, err);
}

unet_code un_judge_format(unet_survey *survey, unet_error *err)
{
    unet_code code;
    if ((code = judge_channels(survey, err)) || (code = judge_sample(survey, err)) ||
        (code = judge_size(survey, err)) || (code = judge_bits(survey, err)) ||
        (code = judge_constant(survey, err)) || (code = judge_fill(survey, err)))
        return code;
    return judge_saturation(survey, err);
}

/* ---- order of channels ---- */

static void chroma(const unet_survey_pair *seen, const int order[3], double share[3])
{
    double sum = seen->mean[0] + seen->mean[1] + seen->mean[2];
    for (int c = 0; c < 3; c++)
        share[c] = sum > 0 ? seen->mean[order[c]] / sum : 1.0 / 3;
}

static double distance(const double share[3], const struct un_middle middle[3])
{
    double most = 0;
    for (int c = 0; c < 3; c++)
        most = fmax(most, fabs(share[c] - middle[c].median) / (middle[c].spread + 0.01));
    return most;
}

static bool has_color(const unet_survey_pair *seen)
{
    return seen->readable && seen->channels == 3 && !seen->grey && !seen->prepared;
}

/* Shares of the channels of all but image `without`. */
static int middle_of_others(const unet_survey *survey, int without, double *work,
                            struct un_middle middle[3])
{
    static const int same[3] = {0, 1, 2};
    int count = 0;
    for (int c = 0; c < 3; c++) {
        count = 0;
        for (int i = 0; i < survey->files.count; i++) {
            double share[3];
            if (i == without || !has_color(&survey->items[i].seen))
                continue;
            chroma(&survey->items[i].seen, same, share);
            work[count++] = share[c];
        }
        middle[c] = un_middle(work, count);
    }
    return count;
}

/* Whether the others agree so well that the channels which trade places cannot be taken for each
 * other. */
static bool is_apart(const struct un_middle middle[3], const int order[3])
{
    for (int c = 0; c < 3; c++) {
        const struct un_middle *a = &middle[c], *b = &middle[order[c]];
        if (order[c] != c && fabs(a->median - b->median) < 3 * (a->spread + b->spread) + 0.02)
            return false;
    }
    return true;
}

unet_code un_judge_colors(unet_survey *survey, unet_error *err)
{
    static const int orders[6][3] = {{0, 1, 2}, {2, 1, 0}, {0, 2, 1},
                                     {1, 0, 2}, {1, 2, 0}, {2, 0, 1}};
    double *work = malloc(((size_t)survey->files.count + 1) * sizeof *work);
    struct un_middle middle[3];
    int others = 0;
    unet_code code = UNET_OK;
    if (!work)
        return un_fail_memory(err, (size_t)survey->files.count * sizeof *work, "channels");
    for (int i = 0; !code && i < survey->files.count; i++) {
        const unet_survey_pair *seen = &survey->items[i].seen;
        double here = 0, best = INFINITY;
        int order = 0;
        if (!has_color(seen))
            continue;
        if (!others || survey->files.count <= UN_SURVEY_FEW)
            others = middle_of_others(survey, i, work, middle);
        if (others < 4)
            continue;
        for (int k = 0; k < 6; k++) {
            double share[3], away;
            chroma(seen, orders[k], share);
            away = distance(share, middle);
            here = k ? here : away;
            order = away < best ? k : order;
            best = fmin(best, away);
        }
        if (order && here > 6 && best < 2.5 && is_apart(middle, orders[order]))
            code = un_survey_report(
                survey, UNET_WARNING, UNET_FOUND_CHANNEL_ORDER, i, -1,
                (double[4]){orders[order][0] + 1, orders[order][1] + 1, orders[order][2] + 1}, NULL,
                err);
    }
    free(work);
    return code;
}

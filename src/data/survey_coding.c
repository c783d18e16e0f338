/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_coding.c - what the values of all masks mean, and which masks do not fit in
 *
 * Where all masks together have no meaning, those with values that hardly any other mask has are
 * put aside.  When the rest has one then, these masks are the trouble; else the set is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/survey.h"

/* What one mask holds. */
struct census {
    uint32_t count[256]; /* pixels of each value, at most 2^32 - 1 */
    double pixels;
    int bits;
    bool out; /* put aside */
};

static unet_code take_census(unet_survey *survey, int i, struct census *census, unet_error *err)
{
    struct un_survey_item *item = &survey->items[i];
    int height, width;
    uint8_t *values;
    unet_error why;
    unet_code code = un_survey_read_mask(item->seen.mask, &height, &width, &values, &census->bits,
                                         item->palette, &why);
    if (code == UNET_ENOMEM)
        return un_fail(err, code, "%s", why.text);
    if (code) {
        census->out = item->mask_refused = true;
        return un_survey_report_file(survey, UNET_ERROR, UNET_FOUND_UNREADABLE, i, item->seen.mask,
                                     why.text, err);
    }
    census->pixels = (double)height * width;
    for (size_t p = 0; p < (size_t)height * (size_t)width; p++)
        census->count[values[p]] += census->count[values[p]] < UINT32_MAX;
    free(values);
    return UNET_OK;
}

/* A mask of object numbers, as data sets see it. */
static bool is_deep(const struct census *census)
{
    int most = 0, kinds = 0;
    for (int v = 1; v < 256; v++)
        if (census->count[v]) {
            most = v;
            kinds++;
        }
    return census->bits > 8 && census->bits <= 16 && most > 1 && !(kinds == 1 && most == 255);
}

static unet_code find(const unet_survey *survey, const struct census *census,
                      const unet_dataset_options *options, struct un_coding *coding,
                      unet_error *err)
{
    bool seen[256] = {false};
    const char *example[256] = {NULL};
    int ignore = options ? options->ignore : -1, classes = options ? options->classes : 0;
    for (int i = 0; i < survey->files.count; i++) {
        if (census[i].out)
            continue;
        if (classes == 0 && is_deep(&census[i]))
            return un_fail(err, UNET_EINVAL,
                           "%s: a 16-bit mask looks like object numbers; class indices wanted (if "
                           "they are, say how many classes)",
                           survey->items[i].seen.mask);
        for (int v = 0; v < 256; v++)
            if (census[i].count[v] && !seen[v]) {
                seen[v] = true;
                example[v] = survey->items[i].seen.mask;
            }
    }
    return un_coding_find(seen, example, ignore, classes, coding, err);
}

static int usable(const unet_survey *survey, const struct census *census)
{
    int count = 0;
    for (int i = 0; i < survey->files.count; i++)
        count += !census[i].out;
    return count;
}

/* Puts masks aside that have a value which less than a quarter of all have; how many. */
static int put_aside(const unet_survey *survey, struct census *census, bool odd[256])
{
    int masks[256] = {0}, count = usable(survey, census), out = 0;
    for (int v = 0; v < 256; v++) {
        for (int i = 0; i < survey->files.count; i++)
            masks[v] += !census[i].out && census[i].count[v];
        odd[v] = masks[v] && 4 * masks[v] < count;
    }
    for (int i = 0; i < survey->files.count; i++)
        for (int v = 0; v < 256 && !census[i].out; v++)
            if (odd[v] && census[i].count[v]) {
                census[i].out = true;
                out++;
            }
    return out;
}

static unet_code report_odd(unet_survey *survey, int i, const struct census *census,
                            const bool odd[256], unet_error *err)
{
    int kinds = 0, first = -1;
    double pixels = 0;
    for (int v = 0; v < 256; v++)
        if (odd[v] && census->count[v]) {
            kinds++;
            first = first < 0 ? v : first;
            pixels += census->count[v];
        }
    bool soft = kinds >= 4;
    const double number[4] = {soft ? kinds : first, pixels / census->pixels};
    survey->items[i].mask_refused = true;
    return un_survey_report(survey, UNET_ERROR,
                            soft ? UNET_FOUND_MASK_SOFT : UNET_FOUND_MASK_STRANGE, i, -1, number,
                            NULL, err);
}

/* The masks that keep the others from having a meaning; none: all of them together do. */
static unet_code blame(unet_survey *survey, struct census *census,
                       const unet_dataset_options *options, const unet_error *why, unet_error *err)
{
    bool odd[256];
    int count = usable(survey, census), out = put_aside(survey, census, odd);
    unet_code code = UNET_OK;
    if (!out || 3 * out > count || find(survey, census, options, &survey->coding, NULL))
        return un_survey_report_file(survey, UNET_ERROR, UNET_FOUND_MASK_VALUES, -1, NULL,
                                     why->text, err);
    survey->coded = true;
    for (int i = 0; !code && i < survey->files.count; i++)
        if (census[i].out && !survey->items[i].mask_refused)
            code = report_odd(survey, i, &census[i], odd, err);
    return code;
}

/* Masks for a model: values that it does not know. */
static unet_code use_given(unet_survey *survey, const struct census *census,
                           const unet_dataset_options *options, const struct un_coding *given,
                           unet_error *err)
{
    bool odd[256];
    unet_code code = UNET_OK;
    survey->coding = *given;
    survey->coded = true;
    if (options && options->ignore >= 0 && options->ignore < 256) {
        survey->coding.map[options->ignore] = UNET_IGNORE;
        survey->coding.known[options->ignore] = true;
    }
    for (int v = 0; v < 256; v++)
        odd[v] = !survey->coding.known[v];
    for (int i = 0; !code && i < survey->files.count; i++)
        for (int v = 0; !code && !survey->items[i].mask_refused && v < 256; v++)
            if (odd[v] && census[i].count[v])
                code = report_odd(survey, i, &census[i], odd, err);
    return code;
}

unet_code un_survey_find_coding(unet_survey *survey, const unet_dataset_options *options,
                                const struct un_coding *given, unet_error *err)
{
    size_t count = (size_t)survey->files.count;
    struct census *census = calloc(count + 1, sizeof *census);
    unet_error why;
    unet_code code = UNET_OK;
    if (!census)
        return un_fail_memory(err, count * sizeof *census, "mask values");
    for (int i = 0; !code && i < survey->files.count; i++)
        code = take_census(survey, i, &census[i], err);
    if (code)
        goto done;
    if (given)
        code = use_given(survey, census, options, given, err);
    else if (!usable(survey, census))
        code = UNET_OK; /* each mask has a finding already */
    else if (!find(survey, census, options, &survey->coding, &why))
        survey->coded = true;
    else
        code = blame(survey, census, options, &why, err);
done:
    free(census);
    return code;
}

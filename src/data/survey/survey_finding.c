/* SPDX-License-Identifier: Apache-2.0 */
/* survey_finding.c - the list of findings, and what judges reckon with */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/survey/survey.h"

static unet_code append(unet_survey *survey, const unet_finding *shown, const char *text,
                        unet_error *err)
{
    if (survey->finding_count == survey->finding_room) {
        int room = survey->finding_room ? 2 * survey->finding_room : 16;
        struct un_finding *more = realloc(survey->findings, (size_t)room * sizeof *more);
        if (!more)
            return un_fail_memory(err, (size_t)room * sizeof *more, "findings");
        survey->findings = more;
        survey->finding_room = room;
    }
    struct un_finding *made = &survey->findings[survey->finding_count];
    *made = (struct un_finding){.shown = *shown, .order = survey->finding_count};
    if (!(made->text = strdup(text ? text : "")))
        return un_fail_memory(err, 0, "findings");
    made->shown.text = made->text;
    survey->finding_count++;
    int *counts[] = {&survey->facts.notes, &survey->facts.warnings, &survey->facts.errors};
    ++*counts[shown->severity];
    return UNET_OK;
}

/* Pairs are measured on several threads. */
static unet_code add(unet_survey *survey, const unet_finding *shown, const char *text,
                     unet_error *err)
{
    pthread_mutex_lock(&survey->lock);
    unet_code code = append(survey, shown, text, err);
    pthread_mutex_unlock(&survey->lock);
    return code;
}

unet_code un_survey_report(unet_survey *survey, unet_severity severity, unet_finding_kind kind,
                           int pair, int other, const double number[4], const char *text,
                           unet_error *err)
{
    unet_finding shown = {.kind = kind,
                          .severity = severity,
                          .pair = pair,
                          .file = pair < 0 ? NULL : survey->items[pair].seen.image,
                          .other = other < 0 ? NULL : survey->items[other].seen.image};
    for (int i = 0; number && i < 4; i++)
        shown.number[i] = number[i];
    return add(survey, &shown, text, err);
}

unet_code un_survey_report_file(unet_survey *survey, unet_severity severity, unet_finding_kind kind,
                                int pair, const char *file, const unet_error *why, unet_error *err)
{
    return add(survey,
               &(unet_finding){.kind = kind,
                               .severity = severity,
                               .pair = pair,
                               .file = file,
                               .hints = why ? why->hints : 0},
               why ? why->text : NULL, err);
}

unet_code un_survey_report_mask(unet_survey *survey, unet_finding_kind kind, int pair,
                                const unet_error *why, unet_error *err)
{
    if (why->hints & UNET_HINT_AS_STORED) {
        if (survey->files.pages[pair].number)
            return UNET_OK; /* the file's first page has told */
        kind = UNET_FOUND_MASK_PLACE;
    }
    return un_survey_report_file(survey, UNET_ERROR, kind, pair, survey->items[pair].seen.mask, why,
                                 err);
}

static int compare(const void *a, const void *b)
{
    const struct un_finding *x = a, *y = b;
    if (x->shown.severity != y->shown.severity)
        return (int)y->shown.severity - (int)x->shown.severity;
    if (x->shown.kind != y->shown.kind)
        return (int)x->shown.kind - (int)y->shown.kind;
    if (x->shown.pair != y->shown.pair)
        return x->shown.pair - y->shown.pair;
    return x->order - y->order;
}

void un_survey_sort(unet_survey *survey)
{
    if (survey->finding_count)
        qsort(survey->findings, (size_t)survey->finding_count, sizeof *survey->findings, compare);
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double un_survey_apart(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)((a[i] - b[i]) * (a[i] - b[i]));
    return sum;
}

double un_median(double *values, int count)
{
    if (count < 1)
        return NAN;
    qsort(values, (size_t)count, sizeof *values, compare_numbers);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

struct un_middle un_middle(double *values, int count)
{
    struct un_middle middle = {.median = un_median(values, count)};
    for (int i = 0; i < count; i++)
        values[i] = fabs(values[i] - middle.median);
    middle.spread = 1.4826 * un_median(values, count);
    return middle;
}

const char *un_finding_name(unet_finding_kind kind)
{
    static const char *const names[UNET_FINDING_KINDS] = {
        [UNET_FOUND_NO_MASK] = "no-mask",
        [UNET_FOUND_NO_IMAGE] = "no-image",
        [UNET_FOUND_NO_CLASS_FILE] = "no-class-file",
        [UNET_FOUND_UNREADABLE] = "unreadable",
        [UNET_FOUND_NOT_FINITE] = "not-finite",
        [UNET_FOUND_MASK_SIZE] = "mask-size",
        [UNET_FOUND_MASK_TURNED] = "mask-turned",
        [UNET_FOUND_MASK_VALUES] = "mask-values",
        [UNET_FOUND_MASK_SOFT] = "mask-soft",
        [UNET_FOUND_MASK_STRANGE] = "mask-strange",
        [UNET_FOUND_CHANNELS] = "channels",
        [UNET_FOUND_SAMPLE] = "sample",
        [UNET_FOUND_SIZE] = "size",
        [UNET_FOUND_BITS] = "bits",
        [UNET_FOUND_BITS_SPREAD] = "bits-spread",
        [UNET_FOUND_CONSTANT] = "constant",
        [UNET_FOUND_SATURATED] = "saturated",
        [UNET_FOUND_CHANNEL_ORDER] = "channel-order",
        [UNET_FOUND_MASK_EMPTY] = "mask-empty",
        [UNET_FOUND_MASK_FULL] = "mask-full",
        [UNET_FOUND_INVERTED] = "mask-inverted",
        [UNET_FOUND_CLASSES_SWAPPED] = "classes-swapped",
        [UNET_FOUND_PALETTE_ORDER] = "palette-order",
        [UNET_FOUND_CLASS_OFFSET] = "class-offset",
        [UNET_FOUND_BACKGROUND_SMALL] = "background-small",
        [UNET_FOUND_CLASS_ABSENT] = "class-absent",
        [UNET_FOUND_MASK_SHIFTED] = "mask-shifted",
        [UNET_FOUND_MASK_OF_OTHER] = "mask-of-other",
        [UNET_FOUND_SAME_PAIR] = "same-pair",
        [UNET_FOUND_SAME_IMAGE] = "same-image",
        [UNET_FOUND_SAME_MASK] = "same-mask",
        [UNET_FOUND_NEAR_IMAGE] = "near-image",
        [UNET_FOUND_READING] = "reading",
        [UNET_FOUND_FILL] = "fill",
        [UNET_FOUND_SCALES] = "scales",
        [UNET_FOUND_MASK_PLACE] = "mask-place",
        [UNET_FOUND_DIRECTIONS] = "directions",
        [UNET_FOUND_ALPHA] = "alpha",
        [UNET_FOUND_CONTRAST] = "contrast",
        [UNET_FOUND_SCRIBBLES] = "scribbles",
        [UNET_FOUND_PIXEL_SIZE] = "pixel-size",
        [UNET_FOUND_OBJECTS_APART] = "objects-apart",
        [UNET_FOUND_CLASSES_ALIKE] = "classes-alike",
    };
    return (unsigned)kind < UNET_FINDING_KINDS ? names[kind] : "";
}

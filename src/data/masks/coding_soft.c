/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding_soft.c - masks that came through JPEG, or whose edges were smoothed
 *
 * What was meant makes areas: pixels among neighbours that are (nearly) the same.  So the codes are
 * the most frequent values that make areas, and all within CLUSTER of one of them is its noise.
 * What makes no area must lie between two codes; whether it does so along an edge of these two is
 * seen pixel by pixel when the mask is read (mask_classes.c).
 */
#include <stdlib.h>

#include "data/masks/census_view.h"

enum {
    CLUSTER = 40, /* values this near a code are no code */
    MOST_CODES = 8,
    TOLERANCE = 24 /* most that a value may be off and need no edge */
};
#define LEAST_SHARE 1e-4 /* of all pixels, for a code */
#define COVERED 0.9      /* of all pixels are within tolerance of a code */

static uint32_t nearest(const struct un_coding *coding, uint32_t code)
{
    uint32_t best = UINT32_MAX;
    for (int i = 0; i < coding->count; i++) {
        const struct un_code *c = &coding->codes[i];
        uint32_t near = code < c->first ? c->first : code > c->last ? c->last : code;
        uint32_t d =
            un_code_distance(coding->kind, code, coding->kind == UN_CODING_COLOR ? c->first : near);
        best = d < best ? d : best;
    }
    return best;
}

/* A quarter of the way to the next code. */
static int tolerance(const struct un_coding *coding)
{
    uint32_t least = UINT32_MAX;
    for (int i = 0; i < coding->count; i++)
        for (int j = i + 1; j < coding->count; j++) {
            uint32_t d =
                coding->kind == UN_CODING_COLOR
                    ? un_code_distance(coding->kind, coding->codes[i].first, coding->codes[j].first)
                    : coding->codes[j].first - coding->codes[i].last;
            least = d < least ? d : least;
        }
    return least / 4 < TOLERANCE ? (int)(least / 4) : TOLERANCE;
}

static int by_pixels(const void *a, const void *b)
{
    const struct un_census_entry *x = *(const struct un_census_entry *const *)a;
    const struct un_census_entry *y = *(const struct un_census_entry *const *)b;
    if (x->pixels != y->pixels)
        return x->pixels > y->pixels ? -1 : 1;
    return x->code < y->code ? -1 : x->code > y->code;
}

static double covered(const struct un_view *view, const struct un_coding *coding)
{
    uint64_t near = 0;
    for (size_t i = 0; i < view->count; i++)
        if (nearest(coding, view->entries[i].code) <= (uint32_t)coding->tolerance)
            near += view->entries[i].pixels;
    return (double)near / (double)view->census->pixels;
}

/* Whether a value is off from no code, or makes no area and lies between two. */
static bool is_soft(const struct un_view *view, const struct un_coding *coding,
                    const struct un_census_entry *entry)
{
    if (un_coding_class(coding, entry->code) >= 0)
        return true;
    if (nearest(coding, entry->code) <= (uint32_t)coding->tolerance)
        return view->lossy || entry->flat * 20 <= entry->pixels;
    if (view->lossy ? entry->smooth * 20 > entry->pixels : entry->flat * 20 > entry->pixels)
        return false;
    for (int i = 0; i < coding->count; i++)
        for (int j = i + 1; j < coding->count; j++)
            if (un_code_between(coding->kind, entry->code, coding->codes[i].first,
                                coding->codes[j].first))
                return true;
    return false;
}

int un_view_slopes(const struct un_view *view, const struct un_census_entry **first)
{
    int count = 0;
    for (size_t i = 0; i < view->count; i++) {
        const struct un_census_entry *e = &view->entries[i];
        if (e->flat * 20 <= e->pixels && e->slope * 2 > e->pixels && !count++)
            *first = e;
    }
    return count;
}

/* Codes in use, and how many values are not known. */
static void count_known(const struct un_view *view, const struct un_coding *coding, int *used,
                        size_t *unknown)
{
    bool seen[UNET_IGNORE + 1] = {false};
    *unknown = 0;
    *used = 0;
    for (size_t i = 0; i < view->count; i++) {
        int label = un_coding_class(coding, view->entries[i].code);
        *unknown += label < 0;
        if (label >= 0 && !seen[label]) {
            seen[label] = true;
            ++*used;
        }
    }
}

bool un_coding_softens(const struct un_view *view, struct un_coding *coding,
                       const struct un_census_entry **odd)
{
    int used;
    size_t unknown;
    count_known(view, coding, &used, &unknown);
    *odd = NULL;
    if (!unknown)
        return true;
    coding->tolerance = tolerance(coding);
    /* a soft edge takes many values; one or two beside a single code are another coding */
    bool likely = coding->tolerance > 1 && covered(view, coding) >= COVERED &&
                  (view->lossy || (used > 1 && unknown > 2));
    for (size_t i = 0; i < view->count && !*odd; i++)
        if (un_coding_class(coding, view->entries[i].code) < 0 &&
            (!likely || !is_soft(view, coding, &view->entries[i])))
            *odd = &view->entries[i];
    if (*odd)
        coding->tolerance = 0;
    return !*odd;
}

bool un_coding_soft(const struct un_view *view, uint32_t ignore, bool has_ignore,
                    struct un_coding *coding)
{
    const struct un_census_entry **order = malloc((view->count + 1) * sizeof *order), *odd;
    struct un_coding made = {.kind = view->kind, .white = view->white};
    if (!order)
        return false;
    for (size_t i = 0; i < view->count; i++)
        order[i] = &view->entries[i];
    qsort(order, view->count, sizeof *order, by_pixels);
    if (has_ignore)
        un_coding_add(&made, ignore, ignore, UNET_IGNORE);
    for (size_t i = 0; i < view->count && made.count <= MOST_CODES; i++) {
        uint64_t area = view->lossy ? order[i]->smooth : order[i]->flat;
        if (area * 20 > order[i]->pixels &&
            (double)order[i]->pixels >= LEAST_SHARE * (double)view->census->pixels &&
            nearest(&made, order[i]->code) > CLUSTER)
            un_coding_add(&made, order[i]->code, order[i]->code, 0);
    }
    free(order);
    for (int i = 0; i < made.count; i++)
        if (made.codes[i].label != UNET_IGNORE)
            made.codes[i].label = made.labels++;
    if (made.labels < 2 || made.labels > MOST_CODES || !un_coding_softens(view, &made, &odd))
        return false;
    *coding = made;
    return true;
}

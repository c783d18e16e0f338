/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_coding.c - what the values of all masks mean, and which masks do not
 * fit in
 *
 * Where all masks together have no meaning, those with values that hardly any
 * other mask has are put aside.  When the rest has one then, these masks are
 * the trouble; else the set is.
 */
#include <stdlib.h>
#include <string.h>

#include "data/survey/survey.h"

/* Reads the mask of a pair and shows it to a census.  why: of a mask that is
 * refused. */
static unet_code take(unet_survey *survey, int i, struct un_census *census, unet_error *why)
{
    struct un_mask mask;
    unet_code code = un_survey_read_mask(&survey->files, i, &mask, why);
    if (code)
        return code;
    un_survey_hash_palette(&mask, survey->items[i].palette);
    /* a photograph among the masks must not fill the census for the others */
    if (mask.bits > 8 || mask.type == UN_CODE_COLOR) {
        struct un_census alone = {0};
        code = un_census_take(&alone, &mask, why);
        un_census_release(&alone);
    }
    if (!code)
        code = un_census_take(census, &mask, why);
    un_mask_release(&mask);
    return code;
}

static unet_code take_all(unet_survey *survey, struct un_census *census, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; i < survey->files.count && !code; i++) {
        struct un_survey_item *item = &survey->items[i];
        unet_error why;
        if (!survey->files.pages[i].mask || item->mask_refused)
            continue;
        if ((code = un_check_cancel(survey->cancel, err)))
            break;
        code = take(survey, i, census, &why);
        if (code == UNET_ENOMEM)
            return un_fail_again(err, &why);
        item->mask_refused = code != UNET_OK;
        if (code)
            code = un_survey_report_mask(survey, UNET_FOUND_UNREADABLE, i, &why, err);
    }
    return code;
}

/* ---- masks that keep the others from having a meaning ---- */

/* Codes that less than a quarter of the masks have, and where they are looked
 * up. */
static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

struct odd {
    uint64_t *codes; /* type << 32 | code, ascending */
    size_t count;
};

static unet_code find_odd(const struct un_census *census, struct odd *odd, unet_error *err)
{
    odd->count = 0;
    odd->codes = malloc((census->count + 1) * sizeof *odd->codes);
    if (!odd->codes)
        return un_fail_memory(err, census->count * sizeof *odd->codes, "mask values");
    for (size_t i = 0; i < census->room; i++) {
        const struct un_census_entry *entry = &census->entries[i];
        if (entry->pixels && 4 * (uint64_t)entry->files < (uint64_t)census->file_count)
            odd->codes[odd->count++] = (uint64_t)entry->type << 32 | entry->code;
    }
    qsort(odd->codes, odd->count, sizeof *odd->codes, compare);
    return UNET_OK;
}

/* What is odd in one mask. */
struct oddity {
    int kinds;
    double first, share;
};

static struct oddity look_for(const struct odd *odd, const struct un_mask *mask)
{
    size_t count = (size_t)mask->height * (size_t)mask->width, pixels = 0;
    bool *seen = calloc(odd->count + 1, sizeof *seen);
    struct oddity found = {.first = -1};
    for (size_t i = 0; i < count; i++) {
        uint64_t key = (uint64_t)mask->type << 32 | mask->codes[i];
        const uint64_t *at = bsearch(&key, odd->codes, odd->count, sizeof key, compare);
        if (!at)
            continue;
        pixels++;
        found.first = found.first < 0 ? (double)mask->codes[i] : found.first;
        found.kinds += seen && !seen[at - odd->codes];
        if (seen)
            seen[at - odd->codes] = true;
    }
    free(seen);
    found.share = (double)pixels / (double)count;
    return found;
}

/* A census of the masks without anything odd; oddities [count] of the others.
 */
static unet_code take_rest(unet_survey *survey, const struct odd *odd, struct oddity *oddities,
                           struct un_census *rest, int *out, unet_error *err)
{
    *out = 0;
    for (int i = 0; i < survey->files.count; i++) {
        struct un_mask mask;
        if (!survey->files.pages[i].mask || survey->items[i].mask_refused)
            continue;
        unet_code code = un_survey_read_mask(&survey->files, i, &mask, err);
        if (code)
            return code;
        oddities[i] = look_for(odd, &mask);
        *out += oddities[i].kinds > 0;
        if (!oddities[i].kinds)
            code = un_census_take(rest, &mask, err);
        un_mask_release(&mask);
        if (code)
            return code;
    }
    return UNET_OK;
}

static unet_code report_odd(unet_survey *survey, const struct oddity *oddities, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; i < survey->files.count && !code; i++) {
        const struct oddity *found = &oddities[i];
        if (!found->kinds)
            continue;
        bool soft = found->kinds >= 4;
        survey->items[i].mask_refused = true;
        code = un_survey_report(
            survey, UNET_ERROR, soft ? UNET_FOUND_MASK_SOFT : UNET_FOUND_MASK_STRANGE, i, -1,
            (double[4]){soft ? found->kinds : found->first, found->share}, NULL, err);
    }
    return code;
}

static unet_code blame(unet_survey *survey, const struct un_census *census,
                       const struct un_wish *wish, const struct un_coding *given,
                       const unet_error *why, unet_error *err)
{
    struct un_census rest = {0};
    struct odd odd = {0};
    int out = 0;
    struct oddity *oddities = calloc((size_t)survey->files.count + 1, sizeof *oddities);
    unet_code code = oddities ? find_odd(census, &odd, err) : un_fail_memory(err, 0, "mask values");
    if (code || (code = take_rest(survey, &odd, oddities, &rest, &out, err)))
        goto done;
    if (out && 3 * out <= census->file_count &&
        !un_coding_find(&rest, wish, given, &survey->coding, NULL)) {
        survey->coded = true;
        code = report_odd(survey, oddities, err);
    } else {
        code =
            un_survey_report_file(survey, UNET_ERROR, UNET_FOUND_MASK_VALUES, -1, NULL, why, err);
    }
done:
    free(odd.codes);
    free(oddities);
    un_census_release(&rest);
    return code;
}

/* ---- values that one mask alone has ---- */

#define ENOUGH 8 /* masks, before one that differs is odd */

/* Whether codes are numbers that somebody chose, not class indices, of which some are just rare. */
static bool are_chosen(const struct un_coding *coding)
{
    if (coding->labels < 3 || coding->tolerance > 0)
        return false;
    for (int i = 0; i < coding->count && coding->kind == UN_CODING_GREY; i++)
        if (coding->codes[i].label != UNET_IGNORE &&
            coding->codes[i].first != (uint32_t)coding->codes[i].label)
            return true;
    return coding->kind == UN_CODING_COLOR;
}

/* The pair of the mask that a census saw as number `file`. */
static int pair_of(const unet_survey *survey, int file)
{
    for (int i = 0; i < survey->files.count; i++)
        if (survey->files.pages[i].mask && !survey->items[i].mask_refused && file-- == 0)
            return i;
    return -1;
}

static unet_code report_lonely(unet_survey *survey, const struct un_census *census, unet_error *err)
{
    unet_code code = UNET_OK;
    if (census->file_count < ENOUGH || !are_chosen(&survey->coding))
        return UNET_OK;
    for (size_t i = 0; i < census->room && !code; i++) {
        const struct un_census_entry *entry = &census->entries[i];
        int pair = entry->pixels && entry->files == 1 ? pair_of(survey, entry->file) : -1;
        if (pair < 0 || un_coding_class(&survey->coding, entry->code) < 0)
            continue;
        double share = (double)entry->pixels * (double)census->file_count / (double)census->pixels;
        code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_MASK_STRANGE, pair, -1,
                                (double[4]){entry->code, share}, NULL, err);
    }
    return code;
}

/* ---- the set ---- */

static unet_code find(unet_survey *survey, const char *masks, const struct un_wish *wish,
                      const struct un_coding *given, unet_error *err)
{
    const struct un_pairs *pairs = &survey->files.pairs;
    struct un_census census = {0};
    unet_error why;
    if (pairs->class_count) {
        unet_code code = un_coding_of_files((const char *const *)pairs->classes, pairs->class_count,
                                            wish, given, &survey->coding, &why);
        survey->coded = !code;
        return code ? un_survey_report_file(survey, UNET_ERROR, UNET_FOUND_MASK_VALUES, -1, NULL,
                                            &why, err)
                    : UNET_OK;
    }
    unet_code code = take_all(survey, &census, err);
    if (!code && census.file_count) {
        code = un_coding_find(&census, wish, given, &survey->coding, &why);
        survey->coded = !code;
        if (code)
            code = blame(survey, &census, wish, given, &why, err);
        else if (!given && wish->what == UN_WISH_NONE)
            code = report_lonely(survey, &census, err);
        if (!code && survey->coded &&
            un_pairs_folders_settled(pairs, masks, wish, given, &survey->coding, &why))
            code = un_survey_report_file(survey, UNET_ERROR, UNET_FOUND_MASK_VALUES, -1, NULL, &why,
                                         err);
    }
    un_census_release(&census);
    return code;
}

unet_code un_survey_find_coding(unet_survey *survey, const char *masks,
                                const unet_dataset_options *options, const struct un_coding *given,
                                unet_error *err)
{
    struct un_wish *wish = malloc(sizeof *wish);
    if (!wish)
        return un_fail_memory(err, sizeof *wish, "labels");
    unet_code code = un_wish_of_options(options, wish, err);
    if (!code && survey->files.pairs.objects)
        code = un_wish_join(wish, &given, err);
    else if (!code && !survey->files.pairs.class_count && !survey->files.pairs.outlines)
        code = un_wish_of_folder(masks, given != NULL, wish, err);
    if (!code && survey->files.pairs.outlines)
        code = un_outlines_settle(survey->files.pairs.outlines, wish, &given, err);
    if (!code)
        code = find(survey, masks, wish, given, err);
    if (!code && survey->coded && survey->files.pairs.outlines)
        un_outlines_name_coding(survey->files.pairs.outlines, &survey->coding);
    free(wish);
    return code;
}

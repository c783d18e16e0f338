/* SPDX-License-Identifier: Apache-2.0 */
/* survey_classes.c - masks whose classes are not those of the other masks: which they have, how
 * many of them, in which palette */
#include "data/survey/survey.h"

/* ---- empty and full masks, palettes ---- */

int un_survey_only_class(const struct un_survey_item *item)
{
    int only = 0, kinds = 0;
    for (int k = 0; k < UNET_MAX_CLASSES; k++)
        if (item->pixels[k]) {
            only = k;
            kinds++;
        }
    return kinds > 1 ? -1 : only;
}

static unet_code judge_flat(unet_survey *survey, bool empty, unet_error *err)
{
    unet_finding_kind kind = empty ? UNET_FOUND_MASK_EMPTY : UNET_FOUND_MASK_FULL;
    int count = 0, flat = 0;
    unet_code code = UNET_OK;
    for (int i = 0; i < survey->files.count; i++) {
        const struct un_survey_item *item = &survey->items[i];
        int only = item->pixels ? un_survey_only_class(item) : -1;
        count += item->pixels != NULL;
        flat += only >= 0 && (only == 0) == empty;
    }
    if (flat > (count / 10 > 1 ? count / 10 : 1))
        return un_survey_report(survey, flat == count ? UNET_WARNING : UNET_NOTE, kind, -1, -1,
                                (double[4]){flat}, NULL, err);
    for (int i = 0; !code && i < survey->files.count; i++) {
        const struct un_survey_item *item = &survey->items[i];
        int only = item->pixels ? un_survey_only_class(item) : -1;
        if (only >= 0 && (only == 0) == empty)
            code =
                un_survey_report(survey, UNET_WARNING, kind, i, -1, (double[4]){only}, NULL, err);
    }
    return code;
}

/* Masks with soft edges that could be understood: a few are odd, many are the way of the set. */
static unet_code judge_soft(unet_survey *survey, unet_error *err)
{
    int count = 0, soft = 0;
    unet_code code = UNET_OK;
    for (int i = 0; i < survey->files.count; i++) {
        count += survey->items[i].pixels != NULL;
        soft += survey->items[i].soft > 0;
    }
    if (soft > (count / 5 > 1 ? count / 5 : 1))
        return un_survey_report(survey, UNET_NOTE, UNET_FOUND_MASK_SOFT, -1, -1, (double[4]){soft},
                                NULL, err);
    for (int i = 0; !code && i < survey->files.count; i++)
        if (survey->items[i].soft > 0)
            code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_MASK_SOFT, i, -1,
                                    (double[4]){0, survey->items[i].soft}, NULL, err);
    return code;
}

/* The colours of most masks in another order. */
static unet_code judge_palettes(unet_survey *survey, unet_error *err)
{
    const uint32_t *most = NULL;
    int votes = 0, agree = 0;
    unet_code code = UNET_OK;
    for (int i = 0; i < survey->files.count; i++) {
        const uint32_t *palette = survey->items[i].palette;
        most = votes ? most : palette;
        votes += palette[0] == most[0] ? 1 : -1;
    }
    for (int i = 0; i < survey->files.count; i++)
        agree += survey->items[i].palette[0] == most[0];
    if (!most || !most[0] || 3 * agree < 2 * survey->files.count)
        return UNET_OK;
    for (int i = 0; !code && i < survey->files.count; i++) {
        const uint32_t *palette = survey->items[i].palette;
        if (palette[0] != most[0] && palette[1] == most[1])
            code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_PALETTE_ORDER, i, -1, NULL,
                                    NULL, err);
    }
    return code;
}

/* ---- numbers of classes ---- */

static bool in_others(const unet_survey *survey, int without, int label)
{
    for (int i = 0; i < survey->files.count; i++)
        if (i != without && survey->items[i].pixels && survey->items[i].pixels[label])
            return true;
    return false;
}

/* One mask lacks class 0, which all others have, and has one that no other has; less one, all of
 * its classes are known. */
static unet_code judge_offset(unet_survey *survey, unet_error *err)
{
    int with_0 = 0, count = 0;
    unet_code code = UNET_OK;
    for (int i = 0; i < survey->files.count; i++) {
        count += survey->items[i].pixels != NULL;
        with_0 += survey->items[i].pixels && survey->items[i].pixels[0];
    }
    if (count < 3 || count - with_0 != 1)
        return UNET_OK;
    for (int i = 0; !code && i < survey->files.count; i++) {
        const struct un_survey_item *item = &survey->items[i];
        bool news = false, known = true;
        if (!item->pixels || item->pixels[0])
            continue;
        for (int k = 1; k < UNET_MAX_CLASSES; k++) {
            news |= item->pixels[k] && !in_others(survey, i, k);
            known &= !item->pixels[k] || in_others(survey, i, k - 1);
        }
        if (news && known && un_survey_only_class(item) < 0)
            code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_CLASS_OFFSET, i, -1,
                                    (double[4]){1}, NULL, err);
    }
    return code;
}

static unet_code judge_shares(unet_survey *survey, unet_error *err)
{
    const unet_survey_facts *facts = &survey->facts;
    unet_code code = UNET_OK;
    uint64_t all = 0;
    for (int k = 0; k < facts->labels; k++)
        all += facts->pixels[k];
    for (int k = 0; !code && all && k < facts->labels; k++)
        if (!facts->pixels[k])
            code = un_survey_report(survey, UNET_NOTE, UNET_FOUND_CLASS_ABSENT, -1, -1,
                                    (double[4]){k}, NULL, err);
    if (!code && facts->labels == 2 && all && facts->pixels[1] && 2 * facts->pixels[0] < all)
        code = un_survey_report(survey, UNET_NOTE, UNET_FOUND_BACKGROUND_SMALL, -1, -1,
                                (double[4]){(double)facts->pixels[0] / (double)all}, NULL, err);
    return code;
}

unet_code un_judge_classes(unet_survey *survey, unet_error *err)
{
    unet_code code;
    if (!survey->coded)
        return UNET_OK;
    if ((code = judge_flat(survey, true, err)) || (code = judge_flat(survey, false, err)) ||
        (code = judge_soft(survey, err)) || (code = judge_palettes(survey, err)) ||
        (code = judge_offset(survey, err)))
        return code;
    return judge_shares(survey, err);
}

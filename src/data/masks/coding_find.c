/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding_find.c - what the codes of a set of masks mean
 *
 * Readings are tried in this order, each with its own conditions; what fits none, or two that
 * differ, is refused with what to say:
 *
 *     given by a person or a model      coding_given.c
 *     0 and 255                         two classes (coding_hard.c)
 *     object numbers                    many, each one area in its mask (coding_objects.c)
 *     0, 1, 2 ...                       class indices; 255 beside them: no label (coding_hard.c)
 *     few values, well apart            grey codes, colours, palette indices (coding_hard.c)
 *     the same but for noise and edges  coding_soft.c
 */
#include <stdlib.h>

#include "data/masks/census_view.h"

/* Most masks have a reading of more classes than all together: it is that of all. */
static unet_code find_of_most(const struct un_view *view, const struct un_wish *wish,
                              const struct un_coding *start, struct un_coding *coding,
                              unet_error *err)
{
    const struct un_census_entry *odd;
    struct un_coding made = *start;
    struct un_view most;
    if (!un_view_of_most(view, &most))
        return UNET_OK;
    unet_code code = un_coding_find_hard(&most, wish, &made, err);
    un_view_release(&most);
    if (code || made.labels < 2 || made.labels <= coding->labels)
        return code;
    if (!un_coding_softens(view, &made, &odd))
        return un_coding_fail_few(view, &made, odd, err);
    *coding = made;
    return UNET_OK;
}

/* One colour on a transparent layer: that is class 1, and where nothing was painted class 0. */
static void find_shape(const struct un_view *view, struct un_coding *coding)
{
    const uint32_t painted = view->entries[0].code;
    const uint32_t other = painted ? 0 : view->kind == UN_CODING_COLOR ? 0xffffff : 255;
    *coding = (struct un_coding){.kind = view->kind, .white = view->white, .labels = 2, .clear = 1};
    un_coding_add(coding, other, other, 0);
    un_coding_add(coding, painted, painted, 1);
}

static unet_code find_reading(const struct un_view *view, const struct un_wish *wish,
                              struct un_coding *coding, unet_error *err)
{
    const struct un_coding start = *coding;
    const bool numbers = view->kind != UN_CODING_COLOR;
    unet_code code;
    if (view->clear && view->count == 1) {
        find_shape(view, coding);
        return UNET_OK;
    }
    if (numbers && view->count == 2 && wish->what == UN_WISH_NONE && !wish->classes &&
        view->entries[0].code == 1 && view->entries[1].code == UNET_IGNORE && wish->ignore < 0)
        return un_coding_fail_unclear(view, wish, err);
    if (!un_coding_is_black_and_white(view, wish->ignore) && wish->what == UN_WISH_NONE &&
        wish->classes == 0 &&
        ((code = un_coding_find_objects(view, wish->ignore, coding, err)) || coding->labels))
        return code;
    if ((code = un_coding_find_hard(view, wish, coding, err)) || coding->labels) {
        coding->single = wish->what == UN_WISH_NONE && !wish->classes &&
                         un_coding_may_be_objects(view, wish->ignore);
        return code;
    }
    un_coding_soft(view, (uint32_t)wish->ignore, numbers && wish->ignore >= 0, coding);
    code = find_of_most(view, wish, &start, coding, err);
    return code || coding->labels ? code : un_coding_fail_unclear(view, wish, err);
}

/* ---- colours of classes ------------------------------------------------------------------ */

static void find_colors(const struct un_view *view, struct un_coding *coding)
{
    for (int i = 0; i < coding->count; i++) {
        const struct un_code *code = &coding->codes[i];
        const struct un_census_entry *entry = un_view_find(view, code->first);
        uint32_t rgb = code->first;
        if (code->label == UNET_IGNORE)
            continue;
        if (view->kind == UN_CODING_PALETTE && entry)
            rgb = entry->color;
        else if (view->kind != UN_CODING_COLOR)
            return;
        for (int c = 0; c < 3; c++)
            coding->colors[code->label][c] = (uint8_t)(rgb >> (16 - 8 * c));
        coding->colored = true;
    }
}

unet_code un_coding_find(const struct un_census *census, const struct un_wish *wish,
                         const struct un_coding *given, struct un_coding *coding, unet_error *err)
{
    struct un_view view;
    struct un_coding *colors = NULL;
    if (wish->classes < 0 || wish->classes > UNET_MAX_CLASSES || wish->ignore < -1)
        return un_fail(err, UNET_EINVAL, "ignore %d, classes %d; -1 or more, and 0..%d wanted",
                       wish->ignore, wish->classes, UNET_MAX_CLASSES);
    if (wish->what != UN_WISH_NONE)
        given = NULL; /* what a person says goes first */
    unet_code code = un_coding_palettes(census, &given, &colors, err);
    if (code || (code = un_view_make(census, wish, given, &view, err))) {
        free(colors);
        return code;
    }
    struct un_coding made = {.kind = view.kind, .white = view.white};
    if (wish->ignore >= 0 && wish->ignore != UN_MASK_TOLD && view.kind == UN_CODING_COLOR)
        code = un_fail_hint(
            err, UNET_EINVAL, UNET_HINT_LABELS,
            "ignore %d is a number, but %s has colours; say ignore=#rrggbb among the labels",
            wish->ignore, census->files[0].name);
    else if (wish->ignore >= 0)
        un_coding_add(&made, (uint32_t)wish->ignore, (uint32_t)wish->ignore, UNET_IGNORE);
    if (code)
        goto done;
    if (wish->what == UN_WISH_CODES)
        code = un_coding_use_given(&view, &wish->coding, wish->ignore, false, &made, err);
    else if (given)
        code = un_coding_use_given(&view, given, wish->ignore, true, &made, err);
    else if (wish->what == UN_WISH_OBJECTS)
        un_coding_set_objects(wish->coding.border, &made);
    else
        code = find_reading(&view, wish, &made, err);
    if (!code && view.clear && !made.clear)
        made.clear = un_view_find(&view, 0) || un_coding_class(&made, 0) < 0
                         ? UNET_IGNORE + 1
                         : un_coding_class(&made, 0) + 1;
    made.inverted = view.inverted;
    made.turned = view.turned;
    made.meant = wish->what == UN_WISH_CODES && !wish->coding.by_file;
    made.by_file = wish->coding.by_file;
    made.told = wish->told;
    if (!code)
        code = un_coding_check_background(&view, &made, err);
    if (!code && !made.colored && made.kind != UN_CODING_OBJECTS)
        find_colors(&view, &made);
done:
    un_view_release(&view);
    free(colors);
    if (!code)
        *coding = made;
    return code;
}

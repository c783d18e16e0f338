/* SPDX-License-Identifier: Apache-2.0 */
/* coding_given.c - masks whose codes a person or a model told: what they add to it, what refuses */
#include "data/masks/census_view.h"

static unet_code fail_odd(const struct un_view *view, const struct un_coding *coding,
                          const struct un_census_entry *odd, bool model, unet_error *err)
{
    char text[40], wanted[160];
    uint32_t unused;
    un_code_text(view->kind == UN_CODING_COLOR ? UN_CODE_COLOR : UN_CODE_GREY, odd->code, text,
                 sizeof text);
    un_coding_text(coding, wanted, sizeof wanted);
    if (model && odd->code == 255 && !un_coding_code(coding, UNET_IGNORE, &unused))
        return un_fail_hint(err, UNET_EINVAL, UNET_HINT_IGNORE,
                            "%s: mask %s in row %d, column %d; wanted are %s; if 255 "
                            "carries no label, ignore it",
                            un_view_file(view, odd), text, odd->row, odd->column, wanted);
    return un_fail_hint(err, UNET_EINVAL, model ? 0 : UNET_HINT_LABELS,
                        "%s: mask %s in row %d, column %d; %s are %s", un_view_file(view, odd),
                        text, odd->row, odd->column,
                        model ? "the model's (or the other set's)" : "the given labels", wanted);
}

/* Masks of 0 and 255 where 255 would carry no label and all the rest be class 0. */
static unet_code check_ignored_white(const struct un_view *view, const struct un_coding *coding,
                                     int ignore, unet_error *err)
{
    if (un_coding_class(coding, 255) != UNET_IGNORE || !un_coding_is_black_and_white(view, ignore))
        return UNET_OK;
    return un_fail(err, UNET_EINVAL,
                   "%s: mask values 0 and 255; the other masks have class indices: say labels "
                   "'a=0,b=255' if 255 is what 1 is there, ignore 255 if it carries no label%s",
                   un_view_file(view, un_view_find(view, 255)),
                   coding->turned ? "; those have one bit, whose 1 (True) is read as 0: if 1 was "
                                    "meant, say labels 'a=1,b=0' of them"
                                  : "");
}

/* Classes that a person named, of which an ignored value leaves nothing. */
static unet_code check_ignored(const struct un_coding *named, const struct un_coding *made,
                               int ignore, unet_error *err)
{
    uint32_t code;
    for (int k = 0; k < named->labels; k++)
        if (un_coding_code(named, k, &code) && !un_coding_code(made, k, &code))
            return un_fail(
                err, UNET_EINVAL,
                "ignore %d: the only value of class %d \"%s\", which would have no pixels", ignore,
                k, named->names[k]);
    return UNET_OK;
}

unet_code un_coding_use_given(const struct un_view *view, const struct un_coding *given, int ignore,
                              bool model, struct un_coding *coding, unet_error *err)
{
    const struct un_census_entry *odd;
    struct un_coding made = *given;
    unet_code code = UNET_OK;
    if (ignore >= 0 && !un_coding_add(&made, (uint32_t)ignore, (uint32_t)ignore, UNET_IGNORE))
        for (int i = 0; i < made.count; i++)
            if (made.codes[i].first <= (uint32_t)ignore && (uint32_t)ignore <= made.codes[i].last) {
                if (made.codes[i].first != made.codes[i].last)
                    return un_fail(err, UNET_EINVAL,
                                   "ignore %d: lies in the range %u-%u of a class", ignore,
                                   made.codes[i].first, made.codes[i].last);
                made.codes[i].label = UNET_IGNORE;
            }
    made.white = view->white;
    if (!model && (code = check_ignored(given, &made, ignore, err)))
        return code;
    if (model && (code = check_ignored_white(view, given, ignore, err)))
        return code;
    if (model && made.kind == UN_CODING_OBJECTS &&
        (code = un_coding_fit_objects(view, ignore, &made, err)))
        return code;
    if (made.kind != UN_CODING_OBJECTS && !un_coding_softens(view, &made, &odd))
        return fail_odd(view, &made, odd, model, err);
    *coding = made;
    return UNET_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding_palettes.c - masks with other palettes than those of the set whose coding is given
 *
 * Where the colours are those of its classes at other indices, a colour is what it is there, as
 * within a set; where they are others, an index and its colour may each be meant.
 */
#include <stdlib.h>

#include "data/masks/census_view.h"

static uint32_t color_of(const struct un_coding *coding, int label)
{
    const uint8_t *rgb = coding->colors[label];
    return (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
}

/* The class that has one index alone, whose colour is then known; -1: none, or no label. */
static int single_class(const struct un_coding *given, uint32_t code)
{
    const int label = un_coding_class(given, code);
    int codes = 0;
    if (label < 0 || label >= given->labels)
        return -1;
    for (int i = 0; i < given->count; i++)
        if (given->codes[i].label == label)
            codes += given->codes[i].first == given->codes[i].last ? 1 : 2;
    return codes == 1 ? label : -1;
}

/* The first index whose colour is another than that of its class. */
static const struct un_census_entry *find_other(const struct un_census *census,
                                                const struct un_coding *given)
{
    const struct un_census_entry *found = NULL;
    for (size_t i = 0; i < census->room; i++) {
        const struct un_census_entry *e = &census->entries[i];
        const int label = e->pixels && e->type == UN_CODE_INDEX ? single_class(given, e->code) : -1;
        if (label >= 0 && e->color != color_of(given, label) && (!found || e->code < found->code))
            found = e;
    }
    return found;
}

/* Takes the colours of all classes, which must differ, and of what carries no label here. */
static bool take_colors(const struct un_census *census, const struct un_coding *given,
                        struct un_coding *colors)
{
    *colors = *given;
    colors->kind = UN_CODING_COLOR;
    colors->count = 0;
    for (int i = 0; i < given->count; i++) {
        const int label = given->codes[i].label;
        if (label == UNET_IGNORE)
            continue;
        if (single_class(given, given->codes[i].first) < 0 ||
            !un_coding_add(colors, color_of(given, label), color_of(given, label), label))
            return false;
    }
    for (size_t i = 0; i < census->room; i++) {
        const struct un_census_entry *e = &census->entries[i];
        if (!e->pixels || e->type == UN_CODE_CLEAR || e->type == UN_CODE_COLOR)
            continue;
        if (e->type != UN_CODE_INDEX)
            return false;
        if (un_coding_class(colors, e->color) >= 0)
            continue;
        if (un_coding_class(given, e->code) != UNET_IGNORE ||
            !un_coding_add(colors, e->color, e->color, UNET_IGNORE))
            return false;
    }
    return true;
}

unet_code un_coding_palettes(const struct un_census *census, const struct un_coding **given,
                             struct un_coding **colors, unet_error *err)
{
    const struct un_coding *told = *given;
    const struct un_census_entry *other = NULL;
    *colors = NULL;
    if (told && told->kind == UN_CODING_PALETTE && told->colored)
        other = find_other(census, told);
    if (!other)
        return UNET_OK;
    struct un_coding *made = malloc(sizeof *made);
    if (!made)
        return un_fail_memory(err, sizeof *made, "colours of classes");
    if (take_colors(census, told, made)) {
        *given = *colors = made;
        return UNET_OK;
    }
    free(made);
    return un_fail(err, UNET_EINVAL,
                   "%s: index %u of its palette is #%06x, which is class %d in the other masks as "
                   "#%06x; labels wanted that say what its values mean: numbers are indices, "
                   "colours, as in 'a=#000000,b=#ff0000', those of the palette",
                   census->files[other->file].name, other->code, other->color,
                   un_coding_class(told, other->code),
                   color_of(told, un_coding_class(told, other->code)));
}

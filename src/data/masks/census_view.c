/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census_view.c - masks of several types read in one way
 *
 *     all with palettes that agree on the indices in use        -> palette indices
 *     with palettes that differ, or beside colours              -> colours
 *     a palette in which every index is its own grey, beside grey masks  -> grey values
 *     any other palette beside grey masks                       -> refused
 *     1-bit masks beside deeper ones: their 1 is 255 when those have 255 and not 1, and the reverse
 */
#include "data/masks/census_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool un_code_convert(enum un_coding_kind kind, uint32_t white, enum un_code_type type,
                     uint32_t color, uint32_t *code)
{
    if (kind == UN_CODING_COLOR) {
        if (type == UN_CODE_INDEX)
            *code = color;
        else if (type == UN_CODE_BIT)
            *code = *code ? 0xffffff : 0;
        else if (type == UN_CODE_GREY && *code > 255)
            return false;
        else if (type == UN_CODE_GREY)
            *code *= 0x010101;
        return true;
    }
    if (type == UN_CODE_BIT)
        *code = *code ? white : 0;
    return type != UN_CODE_COLOR;
}

const char *un_view_file(const struct un_view *view, const struct un_census_entry *entry)
{
    return view->census->files[entry->file].name;
}

static int by_code(const void *a, const void *b)
{
    const struct un_census_entry *x = a, *y = b;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    return x->file != y->file ? (x->file < y->file ? -1 : 1) : 0;
}

const struct un_census_entry *un_view_find(const struct un_view *view, uint32_t code)
{
    size_t low = 0, high = view->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (view->entries[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < view->count && view->entries[low].code == code ? &view->entries[low] : NULL;
}

void un_view_list(const struct un_view *view, char *text, size_t size)
{
    const char *form = view->kind == UN_CODING_COLOR ? "%s#%06x" : "%s%u";
    size_t n = 0, last = view->count - 1;
    text[0] = 0;
    for (size_t i = 0; i < view->count && n < size; i++) {
        if (view->count > 8 && i >= 6 && i != last)
            continue;
        const char *gap = !i ? "" : view->count > 8 && i == last ? " ... " : ", ";
        n += (size_t)snprintf(text + n, size - n, form, gap, view->entries[i].code);
    }
    if (view->count > 8 && n < size)
        snprintf(text + n, size - n, " (%zu values)", view->count);
}

/* ---- choosing the kind ------------------------------------------------------------------- */

/* The first file of each type, or -1. */
static void first_files(const struct un_census *census, int first[4])
{
    for (int t = 0; t < 4; t++)
        first[t] = -1;
    for (int i = census->file_count - 1; i >= 0; i--)
        first[census->files[i].type] = i;
}

/* Whether palettes agree on the colours of all indices in use, and whether index = grey. */
static void compare_palettes(const struct un_census *census, bool *agree, bool *grey)
{
    int64_t seen[256];
    memset(seen, -1, sizeof seen);
    *agree = *grey = true;
    for (size_t i = 0; i < census->room; i++) {
        const struct un_census_entry *e = &census->entries[i];
        if (!e->pixels || e->type != UN_CODE_INDEX || e->code > 255)
            continue;
        *agree = *agree && (seen[e->code] < 0 || seen[e->code] == (int64_t)e->color);
        *grey = *grey && e->color == e->code * 0x010101;
        seen[e->code] = e->color;
    }
}

static unet_code choose_kind(const struct un_census *census, const struct un_wish *wish,
                             const struct un_coding *given, enum un_coding_kind *kind,
                             unet_error *err)
{
    int first[4];
    bool agree, grey;
    first_files(census, first);
    compare_palettes(census, &agree, &grey);
    bool has_grey = first[UN_CODE_GREY] >= 0 || first[UN_CODE_BIT] >= 0;
    *kind = UN_CODING_GREY;
    if (given && given->kind == UN_CODING_OBJECTS) /* numbers, whatever carries them */
        *kind = first[UN_CODE_COLOR] >= 0 ? UN_CODING_COLOR : UN_CODING_GREY;
    else if (given && given->kind != UN_CODING_FILES)
        *kind = given->kind;
    else if (wish->what == UN_WISH_CODES)
        *kind = wish->coding.kind;
    else if (first[UN_CODE_COLOR] >= 0)
        *kind = UN_CODING_COLOR;
    else if (first[UN_CODE_INDEX] >= 0 && wish->what != UN_WISH_INDICES && has_grey && !grey)
        return un_fail_hint(
            err, UNET_EINVAL, UNET_HINT_LABELS,
            "%s has a palette, but %s grey values; say which codes mean what: numbers are palette "
            "indices, colours as in 'a=#000000,b=#ff0000' those of the palette",
            census->files[first[UN_CODE_INDEX]].name,
            census->files[first[first[UN_CODE_GREY] >= 0 ? UN_CODE_GREY : UN_CODE_BIT]].name);
    else if (first[UN_CODE_INDEX] >= 0 && !has_grey)
        *kind = agree || wish->what == UN_WISH_INDICES ? UN_CODING_PALETTE : UN_CODING_COLOR;
    return UNET_OK;
}

/* What the 1 of 1-bit masks is among the values of deeper ones. */
static unet_code choose_white(const struct un_census *census, const struct un_wish *wish,
                              const struct un_coding *given, uint32_t *white, unet_error *err)
{
    const struct un_coding *known = given                         ? given
                                    : wish->what == UN_WISH_CODES ? &wish->coding
                                                                  : NULL;
    const struct un_census_entry *one = NULL, *full = NULL, *bit = NULL;
    for (size_t i = 0; i < census->room; i++) {
        const struct un_census_entry *e = &census->entries[i];
        if (!e->pixels || !e->code || e->type == UN_CODE_CLEAR)
            continue;
        if (e->type == UN_CODE_BIT)
            bit = e;
        else if (e->code == 1)
            one = e;
        else if (e->code == 255)
            full = e;
    }
    *white = 1;
    if (known) {
        *white = un_coding_class(known, 1) < 0 && un_coding_class(known, 255) >= 0 ? 255 : 1;
    } else if (bit && one && full && one->pixels > full->pixels / 1000) {
        return un_fail_hint(
            err, UNET_EINVAL, UNET_HINT_LABELS,
            "%s has one bit a pixel, and %s both 1 and 255; say which of them is its "
            "white, as 'a=0,b=1|255'",
            census->files[bit->file].name, census->files[full->file].name);
    } else if (bit && full) {
        *white = 255;
    }
    return UNET_OK;
}

/* ---- the view ---------------------------------------------------------------------------- */

static void merge(struct un_census_entry *to, const struct un_census_entry *from)
{
    to->pixels += from->pixels;
    to->flat += from->flat;
    to->smooth += from->smooth;
    to->slope += from->slope;
    to->depths |= from->depths;
    to->files += from->files;
    to->pieces += from->pieces;
    to->last_file = from->last_file > to->last_file ? from->last_file : to->last_file;
}

static unet_code take(const struct un_census *census, struct un_view *view, unet_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < census->room; i++) {
        struct un_census_entry e = census->entries[i];
        if (!e.pixels)
            continue;
        if (e.type == UN_CODE_CLEAR) {
            view->clear += e.pixels;
            continue;
        }
        if (!un_code_convert(view->kind, view->white, e.type, e.color, &e.code)) {
            char text[40];
            un_code_text(e.type, e.code, text, sizeof text);
            return un_fail(err, UNET_EINVAL, "%s: %s in row %d, column %d; %s wanted",
                           census->files[e.file].name, text, e.row, e.column,
                           view->kind == UN_CODING_COLOR ? "colours, or grey values to 255,"
                                                         : "grey values");
        }
        view->entries[n++] = e;
    }
    if (!n)
        return un_fail(err, UNET_EINVAL, "%s: every pixel of the masks is transparent",
                       census->files[0].name);
    qsort(view->entries, n, sizeof *view->entries, by_code);
    for (size_t i = 0; i < n; i++)
        if (view->count && view->entries[view->count - 1].code == view->entries[i].code)
            merge(&view->entries[view->count - 1], &view->entries[i]);
        else
            view->entries[view->count++] = view->entries[i];
    return UNET_OK;
}

unet_code un_view_make(const struct un_census *census, const struct un_wish *wish,
                       const struct un_coding *given, struct un_view *view, unet_error *err)
{
    struct un_view made = {.census = census};
    unet_code code = choose_kind(census, wish, given, &made.kind, err);
    if (code || (code = choose_white(census, wish, given, &made.white, err)))
        return code;
    for (int i = 0; i < census->file_count; i++) {
        made.lossy |= census->files[i].lossy;
        made.inverted |= census->files[i].inverted;
        made.turned |= census->files[i].turned;
        made.bits = census->files[i].bits > made.bits ? census->files[i].bits : made.bits;
    }
    made.entries = malloc((census->count + 1) * sizeof *made.entries);
    if (!made.entries)
        return un_fail_memory(err, census->count * sizeof *made.entries, "mask values");
    if ((code = take(census, &made, err)))
        un_view_release(&made);
    else
        *view = made;
    return code;
}

void un_view_release(struct un_view *view)
{
    free(view->entries);
    *view = (struct un_view){0};
}

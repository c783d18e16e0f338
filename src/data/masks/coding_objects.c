/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding_objects.c - telling object numbers from class indices
 *
 * An object is one connected area, or nearly so; a class of several masks rarely is.  Object
 * numbers are as many as there are objects, and these differ between masks; class indices are few,
 * and the same ones come back.  How many bits a value has says nothing of it.
 */
#include "data/masks/census_view.h"

#include <stdio.h>
#include <string.h>

enum {
    SURE = 20, /* so many numbers, each of one area, are no classes */
    LIKELY = 4 /* so few may be, if every mask has all of them */
};

struct evidence {
    uint64_t numbers;     /* values but 0 */
    uint64_t occurrences; /* of a number in a mask */
    uint64_t pieces;
    const struct un_census_entry *last;
    bool one_each; /* nearly every number is one area where it occurs */
    bool differ;   /* masks have different ones */
    bool named;    /* folders or files are named after objects */
};

/* Whether the name of a mask, or of its folder, says that it numbers objects. */
static bool is_named(const char *path)
{
    static const char *const names[] = {"instance", "cp_masks", "_inst.",
                                        "objectid", "cellid",   "man_seg"};
    const char *at = path + strlen(path);
    for (int slashes = 0; at > path && slashes < 2; at--)
        slashes += at[-1] == '/';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasestr(at, names[i]))
            return true;
    return false;
}

/* 1 .. n and 255: that is no object, but pixels without a label. */
static bool has_unlabelled(const struct un_view *view)
{
    uint32_t next = 1;
    for (size_t i = 0; i < view->count; i++)
        next += view->entries[i].code == next;
    return view->bits <= 8 && next < UNET_IGNORE && un_view_find(view, UNET_IGNORE) &&
           view->count == next - 1 + (un_view_find(view, 0) != NULL) + 1;
}

static struct evidence gather(const struct un_view *view, int ignore)
{
    struct evidence found = {0};
    const bool unlabelled = has_unlabelled(view);
    for (size_t i = 0; i < view->count; i++) {
        const struct un_census_entry *e = &view->entries[i];
        if (!e->code || (unlabelled && e->code == UNET_IGNORE) || (int64_t)e->code == ignore)
            continue;
        found.numbers++;
        found.occurrences += e->files;
        found.pieces += e->pieces;
        found.last = e;
    }
    found.one_each = found.pieces <= found.occurrences + found.occurrences / 6;
    const int files = view->census->file_count;
    found.differ = found.occurrences < found.numbers * (uint64_t)files;
    found.named = files > 0;
    for (int i = 0; i < files; i++)
        found.named = found.named && is_named(view->census->files[i].name);
    return found;
}

bool un_coding_may_be_objects(const struct un_view *view, int ignore)
{
    const struct evidence found = gather(view, ignore);
    return !view->lossy && found.one_each && found.numbers > 1 && view->census->file_count > 1 &&
           found.last->code == found.numbers; /* 1, 2, ... */
}

void un_coding_set_objects(bool border, struct un_coding *coding)
{
    *coding = (struct un_coding){
        .kind = UN_CODING_OBJECTS, .labels = border ? 3 : 2, .white = 1, .border = border};
    strcpy(coding->names[0], "background");
    strcpy(coding->names[1], "object");
    if (border)
        strcpy(coding->names[2], "border");
}

unet_code un_coding_find_objects(const struct un_view *view, int ignore, struct un_coding *coding,
                                 unet_error *err)
{
    const struct evidence found = gather(view, ignore);
    const uint64_t least = found.differ || view->bits > 8 ? LIKELY - 1 : LIKELY;
    const bool color = view->kind == UN_CODING_COLOR;
    char value[40];
    if (view->lossy || !found.one_each)
        return UNET_OK;
    if (found.numbers >= SURE || (found.named && found.numbers > 1)) {
        un_coding_set_objects(false, coding);
        if (has_unlabelled(view))
            un_coding_add(coding, UNET_IGNORE, UNET_IGNORE, UNET_IGNORE);
        return UNET_OK;
    }
    if (found.numbers < least)
        return UNET_OK;
    un_code_text(color ? UN_CODE_COLOR : UN_CODE_GREY, found.last->code, value, sizeof value);
    return un_fail_hint(
        err, UNET_EINVAL, UNET_HINT_LABELS,
        "%s: %llu %s, up to %s, each in one piece, look like object numbers; say labels "
        "\"instances\" if they are, labels \"indices\" if they are classes",
        un_view_file(view, found.last), (unsigned long long)found.numbers,
        color ? "colours" : "mask values", value);
}

unet_code un_coding_fit_objects(const struct un_view *view, int ignore, struct un_coding *coding,
                                unet_error *err)
{
    const struct evidence found = gather(view, ignore);
    const struct un_census_entry *one = un_view_find(view, UNET_IGNORE);
    uint64_t pieces = found.pieces;
    if (!found.numbers && one && ignore != UNET_IGNORE) /* 0 and 255 */
        pieces = one->pieces;
    else if (found.numbers)
        one = found.last;
    if (found.numbers > 1) {
        if (found.numbers >= SURE || found.pieces <= 2 * found.occurrences)
            return UNET_OK;
        return un_fail_hint(
            err, UNET_EINVAL, UNET_HINT_LABELS,
            "%s: mask values up to %u, %llu of them in %llu pieces, are no object "
            "numbers as those of the model (or of the other set); say what they mean, or "
            "labels \"instances\" if they are",
            un_view_file(view, one), one->code, (unsigned long long)found.numbers,
            (unsigned long long)pieces);
    }
    if (!one || pieces <= one->files)
        return UNET_OK;
    coding->kind = view->kind;
    coding->border = false;
    un_coding_add(coding, 0, 0, 0);
    un_coding_add(coding, one->code, one->code, 1);
    return UNET_OK;
}

unet_code un_coding_check_background(const struct un_view *view, const struct un_coding *coding,
                                     unet_error *err)
{
    if (coding->kind != UN_CODING_OBJECTS || coding->border || un_view_find(view, 0))
        return UNET_OK;
    return un_fail(err, UNET_EINVAL,
                   "%s: no pixel of these masks is %s, which is the background of object numbers%s",
                   view->census->files[0].name, view->kind == UN_CODING_COLOR ? "black" : "0",
                   view->turned ? "; a bit of 1 is black in them, as tifffile writes booleans, so "
                                  "that all but the objects is read: values of 0 and 255 wanted"
                                : "");
}

bool un_view_is_grain(const struct un_view *view)
{
    uint64_t pieces = 0;
    for (size_t i = 0; i < view->count; i++)
        pieces += view->entries[i].pieces;
    return view->census->pixels < 20 * pieces;
}

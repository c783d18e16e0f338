/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding_objects.c - telling object numbers from class indices
 *
 * An object is one connected area, or nearly so; a class of several masks rarely is.  Object
 * numbers are as many as there are objects, and these differ between masks; class indices are few,
 * and the same ones come back.
 */
#include "data/masks/coding_objects.h"

#include <stdio.h>
#include <string.h>

enum { SURE = 20 /* so many numbers, each of one area, are no classes */ };

struct evidence {
    uint64_t numbers;     /* values but 0 */
    uint64_t occurrences; /* of a number in a mask */
    uint64_t pieces;
    const struct un_census_entry *last;
    bool one_each; /* nearly every number is one area where it occurs */
    bool counts;   /* masks have 1 .. n with an n of their own */
};

static struct evidence gather(const struct un_view *view, int ignore)
{
    struct evidence found = {0};
    for (size_t i = 0; i < view->count; i++) {
        const struct un_census_entry *e = &view->entries[i];
        if (!e->code || (int64_t)e->code == ignore)
            continue;
        found.numbers++;
        found.occurrences += e->files;
        found.pieces += e->pieces;
        found.last = e;
    }
    found.one_each = found.pieces <= found.occurrences + found.occurrences / 6;
    uint32_t least = UINT32_MAX, most = 0;
    bool counted = true;
    for (int i = 0; i < view->census->file_count; i++) {
        const struct un_census_file *file = &view->census->files[i];
        counted = counted && file->most == file->kinds;
        least = file->kinds < least ? file->kinds : least;
        most = file->kinds > most ? file->kinds : most;
    }
    found.counts = counted && most > least;
    return found;
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
    struct evidence found = gather(view, ignore);
    if (view->lossy || found.numbers < 3 || !found.one_each)
        return UNET_OK;
    if (found.numbers >= SURE) {
        un_coding_set_objects(false, coding);
        return UNET_OK;
    }
    if (view->bits <= 8 && !(found.counts && found.numbers > 3))
        return UNET_OK;
    return un_fail(err, UNET_EINVAL,
                   "%s: %s with values up to %u, each in one piece, looks like object numbers; "
                   "say --labels instances if it has them, --labels indices if these are classes",
                   un_view_file(view, found.last),
                   view->bits > 8 ? "a mask of more than 8 bits" : "a mask", found.last->code);
}

bool un_view_is_grain(const struct un_view *view)
{
    uint64_t pieces = 0;
    for (size_t i = 0; i < view->count; i++)
        pieces += view->entries[i].pieces;
    return view->census->pixels < 20 * pieces;
}

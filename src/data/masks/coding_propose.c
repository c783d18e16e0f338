/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding_propose.c - what a person could say of values that nobody can be sure of
 *
 *     1, 2, 3         a=1,b=2,c=3
 *     1, 2, 255       a=1,b=2,ignore=255
 *     254, 255        a=254,b=255
 *     many            a=0,b=1-255
 */
#include <stdio.h>

#include "data/masks/census_view.h"

#define FEW 8 /* values that are listed one by one */

/* Numbers from 0 or 1 without gaps, at least two, and 255: that has no label. */
static bool ends_in_unlabelled(const struct un_view *view)
{
    const size_t last = view->count - 1;
    if (view->count < 3 || view->entries[0].code > 1 || view->entries[last].code != UNET_IGNORE)
        return false;
    for (size_t i = 1; i < last; i++)
        if (view->entries[i].code != view->entries[i - 1].code + 1)
            return false;
    return true;
}

void un_coding_propose(const struct un_view *view, char *text, size_t size)
{
    const bool unlabelled = ends_in_unlabelled(view);
    size_t used = 0;
    if (view->count < 2 || view->count > FEW) {
        snprintf(text, size, "a=0,b=1-255");
        return;
    }
    for (size_t i = 0; i < view->count && used < size; i++) {
        const char name[2] = {(char)('a' + i), 0};
        used += (size_t)snprintf(text + used, size - used, "%s%s=%u", i ? "," : "",
                                 unlabelled && i + 1 == view->count ? "ignore" : name,
                                 view->entries[i].code);
    }
}

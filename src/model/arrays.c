/* SPDX-License-Identifier: Apache-2.0 */
#include "model/arrays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct un_hints un_hints_none(void)
{
    return (struct un_hints){.padding = -1,
                             .norm_order = -1,
                             .single_act = -1,
                             .act = -1,
                             .leaky_slope = NAN,
                             .norm_epsilon = NAN,
                             .instance_groups = -1,
                             .up = -1,
                             .align_corners = -1,
                             .up_act = -1,
                             .concat = -1};
}

void un_arrays_release(struct un_arrays *arrays)
{
    if (arrays->release)
        arrays->release(arrays->owner);
    *arrays = (struct un_arrays){0};
}

const struct un_array *un_arrays_find(const struct un_arrays *arrays, const char *name)
{
    for (int i = 0; i < arrays->count; i++)
        if (!strcmp(arrays->items[i].name, name))
            return &arrays->items[i];
    return NULL;
}

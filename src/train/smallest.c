/* SPDX-License-Identifier: Apache-2.0 */
/* smallest.c - how small the objects of a training are, so that what is smaller is told from them
 */
#include <stdlib.h>
#include <string.h>

#include "data/masks/rims.h"
#include "train/trainer.h"

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

unet_code un_smallest_object(const unet_dataset *dataset, int *smallest, unet_error *err)
{
    uint32_t *all = NULL;
    size_t count = 0;
    unet_code code = UNET_OK;
    for (int i = 0; i < dataset->count && !code; i++) {
        const struct un_sample_pair *pair = &dataset->pairs[i];
        uint32_t *areas, *grown;
        size_t more;
        if ((code = un_object_areas(pair->mask, pair->objects, pair->image.height,
                                    pair->image.width, &areas, &more, err)))
            break;
        if (more && (grown = realloc(all, (count + more) * sizeof *all))) {
            memcpy(grown + count, areas, more * sizeof *areas);
            all = grown;
            count += more;
        } else if (more) {
            code = un_fail_memory(err, (count + more) * sizeof *all, "the areas of objects");
        }
        free(areas);
    }
    if (!code && count) {
        qsort(all, count, sizeof *all, compare);
        *smallest = all[count / 100] < INT32_MAX ? (int)all[count / 100] : INT32_MAX;
    }
    free(all);
    return code;
}

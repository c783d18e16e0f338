/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tree.h"

#include <stdint.h>

void un_tree_push(struct un_tree *t, struct un_block block)
{
    t->block[t->count++] = block;
}

bool un_tree_fold(struct un_tree *t)
{
    if (t->count < 2)
        return false;
    struct un_block *top = &t->block[t->count - 1];
    const struct un_block *below = top - 1;
    int first = top->first, level = top->level;
    /* a first half whose second has no sample is the whole */
    while (!(first >> level & 1) && first + (1L << level) >= t->total && 1L << level < t->total)
        level++;
    if (!(first >> level & 1) || below->level != level || below->first != first - (1 << level))
        return false;
    t->count--;
    t->block[t->count - 1].level++;
    return true;
}

struct un_tree un_tree_of(int first, int end, int total, int *rooms)
{
    struct un_tree t = {.total = total};
    *rooms = 0;
    for (int i = first; i < end; i++) {
        un_tree_push(&t, (struct un_block){i, 0});
        *rooms = t.count > *rooms ? t.count : *rooms;
        while (un_tree_fold(&t))
            ;
    }
    return t;
}

void un_tree_sum(double *values, int count, size_t width)
{
    for (int step = 1; step < count; step *= 2)
        for (int i = 0; i + step < count; i += 2 * step)
            for (size_t k = 0; k < width; k++)
                values[(size_t)i * width + k] += values[(size_t)(i + step) * width + k];
}

int un_tree_first(int total, int ranks, int rank)
{
    return (int)((int64_t)total * rank / ranks);
}

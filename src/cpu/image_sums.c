/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/image_sums.h"

int un_image_rooms(int images)
{
    int rooms;
    un_tree_of(0, images, images, &rooms);
    return rooms;
}

void un_image_fold(struct un_tree *tree, int image, float *slots, size_t slot_floats)
{
    un_tree_push(tree, (struct un_block){image, 0});
    while (un_tree_fold(tree)) {
        float *to = slots + (size_t)(tree->count - 1) * slot_floats;
        const float *from = to + slot_floats;
        for (size_t i = 0; i < slot_floats; i++)
            to[i] += from[i];
    }
}

void un_image_push(struct un_tree *tree, int image)
{
    un_tree_push(tree, (struct un_block){image, 0});
    while (un_tree_fold(tree))
        ;
}

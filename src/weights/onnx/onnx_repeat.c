/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A doubling that is spelled out: each row, and each column, is repeated.  TensorFlow's
 * UpSampling2D comes so from Keras 3:
 *
 *   [n c h w]  Unsqueeze 3  [n c h 1 w]  Tile  [n c h 2 w]  Transpose  [n h 2 w c]
 *              Reshape  [n h w c]  Unsqueeze 3  [n h w 1 c]  Tile  [n h w 2 c]
 *              Reshape  [n h w c]  Transpose  [n c h w]
 *
 * Which dimension is which is followed by these letters.  A new one has to come right behind that
 * which it repeats; a reshape then takes the two together.
 */
#include "weights/onnx/onnx_walk.h"

#include <string.h>

/* Where a letter is; -1: nowhere. */
static int place_of(const struct un_onnx_map *map, char letter)
{
    const char *found = memchr(map->axes, letter, (size_t)map->axis_count);
    return found ? (int)(found - map->axes) : -1;
}

unet_code un_onnx_unsqueeze(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    int64_t axes[8];
    if (map->maker == UN_ONNX_IMAGE || map->maker == UN_ONNX_ANSWER ||
        map->maker == UN_ONNX_PROBABLE || map->maker == UN_ONNX_CONV1)
        return un_onnx_reshape_end(walk);
    const bool starts = un_onnx_is_finished(map);
    if (starts) {
        memcpy(map->axes, "nchw", 4);
        map->axis_count = 4;
        map->doubled = 0;
    }
    const int count = un_onnx_parameter(walk, "axes", 1, axes), end = map->axis_count;
    if ((!starts && (map->step != UN_ONNX_REPEATED || end != 4)) || count != 1 || axes[0] < 1 ||
        axes[0] > end || !strchr("hw", map->axes[axes[0] - 1]))
        return un_onnx_refuse(walk,
                              "a new dimension of %s, wanted one behind height or width, to "
                              "double what a block has made",
                              un_onnx_maker_name(map));
    const size_t at = (size_t)axes[0];
    memmove(map->axes + at + 1, map->axes + at, (size_t)end - at);
    map->axes[at] = '1';
    map->axis_count++;
    map->step = UN_ONNX_REPEATED;
    return UNET_OK;
}

unet_code un_onnx_tile(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    int64_t repeats[8];
    const int count =
        un_onnx_stored_ints(walk->table, un_onnx_input(walk->table, walk->node, 1), 8, repeats);
    const int at = map->step == UN_ONNX_REPEATED ? place_of(map, '1') : -1;
    bool twice = at >= 0 && count == map->axis_count;
    for (int i = 0; twice && i < count; i++)
        twice = repeats[i] == (i == at ? 2 : 1);
    if (!twice)
        return un_onnx_refuse(walk, "repeats %s, wanted each row and each column twice",
                              un_onnx_maker_name(map));
    map->axes[at] = '2';
    return UNET_OK;
}

unet_code un_onnx_repeat_reshape(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    const int at = place_of(map, '2');
    const char of = at > 0 ? map->axes[at - 1] : 0;
    const int bit = of == 'h' ? 1 : 2;
    if ((of != 'h' && of != 'w') || map->doubled & bit)
        return un_onnx_refuse(walk,
                              "a new shape for a part of a doubling, wanted each row and each "
                              "column twice");
    memmove(map->axes + at, map->axes + at + 1, (size_t)(map->axis_count - at - 1));
    map->axis_count--;
    map->doubled |= bit;
    return UNET_OK;
}

unet_code un_onnx_repeat_transpose(struct un_onnx_walk *walk, const int64_t *order, int count)
{
    struct un_onnx_map *map = &walk->in;
    char moved[UN_ONNX_AXES] = {0};
    bool fits = count == map->axis_count;
    for (int i = 0; fits && i < count; i++) {
        fits = order[i] >= 0 && order[i] < count && !memchr(moved, map->axes[order[i]], (size_t)i);
        if (fits)
            moved[i] = map->axes[order[i]];
    }
    if (!fits)
        return un_onnx_refuse(walk, "moves %d dimensions of a part of a doubling that has %d",
                              count, map->axis_count);
    memcpy(map->axes, moved, sizeof moved);
    if (map->doubled != 3 || map->axis_count != 4 || memcmp(map->axes, "nchw", 4))
        return UNET_OK;
    if (walk->transposes)
        return un_onnx_refuse(walk, "doubles a map, wanted a transposed convolution as before");
    *map =
        (struct un_onnx_map){.maker = UN_ONNX_DOUBLE, .level = map->level - 1, .ups = map->ups + 1};
    return un_onnx_hint(walk, &walk->arrays->hints.up, UNET_UP_NEAREST, "doubling (2: nearest)");
}

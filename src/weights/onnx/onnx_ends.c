/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beginning, where the image is scaled and its channels come first, and the end, where scores
 * become answers.
 *
 *   image / 255, image * 2 - 1    one number for all channels: how samples become the input
 *   sigmoid > 0.5, argmax         what prediction does with scores anyhow
 */
#include "weights/onnx/onnx_walk.h"

#include <string.h>

/* ---- the image ---- */

unet_code un_onnx_scale_image(struct un_onnx_walk *walk)
{
    enum { MOST = 64 };
    struct un_onnx_map *map = &walk->in;
    const struct un_slice op = walk->node->op;
    const int other = un_onnx_input(walk->table, walk->node, 0) == walk->in_value ? 1 : 0;
    float values[MOST];
    const int count = un_onnx_stored_floats(
        walk->table, un_onnx_input(walk->table, walk->node, other), MOST, values);
    for (int i = 1; i < count; i++)
        if (values[i] != values[0])
            return un_onnx_refuse(walk,
                                  "scales or shifts the channels of the image by numbers that "
                                  "differ, wanted the same for all");
    if (count < 1)
        return un_onnx_refuse(walk, "scales or shifts the image by what is calculated, wanted a "
                                    "stored number");
    if (un_slice_is(op, "Mul") || un_slice_is(op, "Div")) {
        const float factor = un_slice_is(op, "Mul") ? values[0] : 1 / values[0];
        map->scale *= factor;
        map->shift *= factor;
    } else {
        map->shift += un_slice_is(op, "Add") ? values[0] : -values[0];
    }
    return UNET_OK;
}

/* ---- new shapes ---- */

unet_code un_onnx_reshape_end(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    if (map->maker == UN_ONNX_IMAGE) { /* the first convolution says how many channels it has */
        map->reshaped = true;
        return UNET_OK;
    }
    if (map->maker == UN_ONNX_ANSWER || map->outs == 1)
        return UNET_OK;
    return un_onnx_refuse(walk, "a new shape for the scores of %d classes, wanted that only with 1",
                          map->outs);
}

unet_code un_onnx_squeeze(struct un_onnx_walk *walk)
{
    const enum un_onnx_maker maker = walk->in.maker;
    if (maker != UN_ONNX_IMAGE && maker != UN_ONNX_CONV1 && maker != UN_ONNX_PROBABLE &&
        maker != UN_ONNX_ANSWER)
        return un_onnx_refuse(walk, "a new shape for %s, wanted one only at the ends",
                              un_onnx_maker_name(&walk->in));
    return un_onnx_reshape_end(walk);
}

/* Images as [N][H][W][C], at the beginning or the end. */
unet_code un_onnx_transpose(struct un_onnx_walk *walk)
{
    static const int64_t first[] = {0, 3, 1, 2}, last[] = {0, 2, 3, 1};
    int64_t order[8];
    const enum un_onnx_maker maker = walk->in.maker;
    const bool begins = maker == UN_ONNX_IMAGE;
    const int count = un_onnx_ints(walk->node, "perm", 8, order);
    if (walk->in.step == UN_ONNX_REPEATED)
        return un_onnx_repeat_transpose(walk, order, count);
    if (count != 4 || memcmp(order, begins ? first : last, sizeof first) ||
        (!begins && maker != UN_ONNX_CONV1 && maker != UN_ONNX_PROBABLE && maker != UN_ONNX_ANSWER))
        return un_onnx_refuse(walk,
                              "moves dimensions of %s, wanted that only at the input "
                              "(0, 3, 1, 2) and the output (0, 2, 3, 1)",
                              un_onnx_maker_name(&walk->in));
    return UNET_OK;
}

/* ---- answers ---- */

unet_code un_onnx_probability(struct un_onnx_walk *walk)
{
    if (walk->in.maker != UN_ONNX_CONV1)
        return un_onnx_refuse(walk, "takes %s, wanted the last convolution",
                              un_onnx_maker_name(&walk->in));
    walk->in.maker = UN_ONNX_PROBABLE;
    walk->arrays->hints.sigmoid |= un_slice_is(walk->node->op, "Sigmoid");
    return UNET_OK;
}

unet_code un_onnx_classes(struct un_onnx_walk *walk)
{
    const int64_t axis = un_onnx_int(walk->node, "axis", 0);
    if (walk->in.maker != UN_ONNX_CONV1 && walk->in.maker != UN_ONNX_PROBABLE)
        return un_onnx_refuse(walk, "the largest of %s, wanted that of the scores",
                              un_onnx_maker_name(&walk->in));
    if (axis != 1 && axis != -3 && axis != 3 && axis != -1)
        return un_onnx_refuse(walk, "the largest along axis %lld, wanted that of the classes",
                              (long long)axis);
    walk->in.maker = UN_ONNX_ANSWER;
    return UNET_OK;
}

/* Greater than the middle, which is 0.5 of a sigmoid and 0 of a score; or rounded. */
unet_code un_onnx_threshold(struct un_onnx_walk *walk)
{
    const enum un_onnx_maker maker = walk->in.maker;
    const bool rounds = un_slice_is(walk->node->op, "Round");
    const float middle = maker == UN_ONNX_PROBABLE ? 0.5f : 0;
    float value = 0.5f;
    if (walk->in.outs != 1 || (maker != UN_ONNX_PROBABLE && (maker != UN_ONNX_CONV1 || rounds)))
        return un_onnx_refuse(walk, "a threshold of %s, wanted one of the scores of 1 class",
                              un_onnx_maker_name(&walk->in));
    if (!rounds && un_onnx_stored_floats(walk->table, un_onnx_input(walk->table, walk->node, 1), 1,
                                         &value) != 1)
        return un_onnx_refuse(walk, "a threshold that is calculated, wanted a stored number");
    if (value != middle)
        return un_onnx_refuse(walk, "a threshold of %g, wanted %g", (double)value, (double)middle);
    walk->in.maker = UN_ONNX_ANSWER;
    return UNET_OK;
}

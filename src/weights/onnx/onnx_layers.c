/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes with weights: convolutions and norms. */
#include "weights/onnx/onnx_walk.h"

#include <math.h>
#include <string.h>

#include "base/number.h"

/* ---- convolutions ---- */

/* An attribute of `count` whole numbers that are all `want`; left out it is `otherwise`. */
static unet_code check_all(struct un_onnx_walk *walk, const char *name, int count, int64_t want,
                           int64_t otherwise)
{
    int64_t values[8];
    int found = un_onnx_ints(walk->node, name, 8, values);
    if (found < 0)
        for (found = 0; found < count; found++)
            values[found] = otherwise;
    for (int i = 0; i < found; i++)
        if (values[i] != want)
            return un_onnx_refuse(walk, "%s has %lld, wanted %lld", name, (long long)values[i],
                                  (long long)want);
    return found == count
               ? UNET_OK
               : un_onnx_refuse(walk, "%s has %d numbers, wanted %d", name, found, count);
}

/* A bias that is a zero, repeated. */
static bool is_no_bias(struct un_onnx_walk *walk, int value)
{
    const struct un_onnx_value *found = &walk->table->values[value];
    struct un_array array;
    float number;
    if (!found->spread || un_onnx_tensor_load(walk->table, found->tensor, &array, NULL) ||
        !array.dtype->to_float)
        return false;
    array.dtype->to_float(array.data, 1, &number);
    return number == 0;
}

/*
 * A 2x2 kernel as a 3x3 one with zeros: of TensorFlow's convolutions with padding, which see the
 * pixel and those below and to the right of it (pads 0, 0, 1, 1), or above and to the left.
 */
static unet_code widen_kernel(struct un_onnx_walk *walk, struct un_array *array)
{
    int64_t pads[8] = {0};
    const bool named = !un_onnx_word(walk->node, "auto_pad", "NOTSET", "NOTSET");
    const int count = un_onnx_ints(walk->node, "pads", 8, pads);
    const bool after = named ? un_onnx_word(walk->node, "auto_pad", "NOTSET", "SAME_UPPER")
                             : count == 4 && !pads[0] && !pads[1] && pads[2] == 1 && pads[3] == 1;
    const bool before = named ? un_onnx_word(walk->node, "auto_pad", "NOTSET", "SAME_LOWER")
                              : count == 4 && pads[0] == 1 && pads[1] == 1 && !pads[2] && !pads[3];
    const size_t pairs = array->shape[0] * array->shape[1];
    const size_t shape[4] = {array->shape[0], array->shape[1], 3, 3};
    if (!after && !before)
        return un_onnx_refuse(walk, "a 2x2 convolution, wanted one with padding, after a doubling");
    float *narrow = un_arena_alloc(&walk->table->arena, array->count * sizeof *narrow);
    float *wide = un_arena_alloc(&walk->table->arena, 9 * pairs * sizeof *wide);
    if (!narrow || !wide)
        return un_fail_memory(walk->err, 9 * pairs * sizeof *wide, walk->table->path);
    array->dtype->to_float(array->data, array->count, narrow);
    for (size_t k = 0; k < pairs; k++)
        for (size_t t = 0; t < 4; t++)
            wide[9 * k + (t / 2 + after) * 3 + t % 2 + after] = narrow[4 * k + t];
    if (UN_HOST_BIG) /* as in a file */
        un_swap(wide, 9 * pairs, sizeof *wide);
    array->dtype = un_dtype_find("F32");
    array->data = (const unsigned char *)wide;
    un_array_set_shape(array, 4, shape);
    return UNET_OK;
}

/* Lists weight and bias, and checks the weight's kernel; *side is that of the kernel.  widens: one
 * of 2x2 becomes 3x3. */
static unet_code list_kernel(struct un_onnx_walk *walk, bool widens, size_t *side)
{
    struct un_array *array;
    unet_code code = un_onnx_list(walk, 1, walk->node, "weight", &array);
    if (code)
        return code;
    if (array->dims != 4 || array->shape[2] != array->shape[3])
        return un_onnx_refuse(walk, "its kernel is not square, or not of 2 dimensions");
    *side = array->shape[2];
    int64_t kernel[2] = {0};
    if (un_onnx_ints(walk->node, "kernel_shape", 2, kernel) == 2 &&
        ((size_t)kernel[0] != *side || (size_t)kernel[1] != *side))
        return un_onnx_refuse(walk, "kernel_shape is %lld x %lld, its weight has %zu x %zu",
                              (long long)kernel[0], (long long)kernel[1], *side, *side);
    if (walk->in.reshaped && array->shape[1] != 1)
        return un_onnx_refuse(walk,
                              "reads an image of %zu channels that was given a new shape, wanted "
                              "that only with 1",
                              array->shape[1]);
    walk->in.outs = array->shape[0] > 65536 ? 65536 : (int)array->shape[0];
    if (*side == 2 && widens && (code = widen_kernel(walk, array)))
        return code;
    const int bias = un_onnx_input(walk->table, walk->node, 2);
    if (bias >= 0 && !is_no_bias(walk, bias))
        code = un_onnx_list(walk, 2, walk->node, "bias", &array);
    return code;
}

/* Pads of a 3x3 convolution: 0, or 1 on each side. */
static unet_code find_padding(struct un_onnx_walk *walk, int *padding)
{
    const struct un_onnx_node *node = walk->node;
    int64_t pads[8] = {0};
    if (!un_onnx_word(node, "auto_pad", "NOTSET", "NOTSET")) {
        *padding = !un_onnx_word(node, "auto_pad", "NOTSET", "VALID");
        return UNET_OK;
    }
    *padding = un_onnx_ints(node, "pads", 8, pads) > 0 && pads[0] == 1;
    return check_all(walk, "pads", 4, *padding, 0);
}

/* A 3x3 convolution of stride 2: the first of a level, in the place of a pooling. */
static unet_code halve(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    unet_code code =
        un_onnx_hint(walk, &walk->arrays->hints.down, UNET_DOWN_CONV, "down (1: by stride 2)");
    if (!code && (walk->arrays->hints.padding != UNET_PADDING_SAME ||
                  !un_onnx_word(walk->node, "auto_pad", "NOTSET", "NOTSET")))
        return un_onnx_refuse(walk, "stride 2 without pads of 1 on each side");
    if (!code && !un_onnx_is_finished(map))
        return un_onnx_refuse(walk, "stride 2 after %s%s, wanted it after a block",
                              un_onnx_maker_name(map), map->act ? "" : " without an activation");
    map->maker = UN_ONNX_CONV3;
    map->level++;
    return code;
}

static unet_code conv3(struct un_onnx_walk *walk, bool halves)
{
    struct un_onnx_map *map = &walk->in;
    struct un_hints *hints = &walk->arrays->hints;
    int padding;
    unet_code code = find_padding(walk, &padding);
    if (!code)
        code = un_onnx_hint(walk, &hints->padding, padding, "padding (1: zeros around the map)");
    if (code)
        return code;
    if (halves)
        return halve(walk);
    enum un_onnx_maker maker = UN_ONNX_CONV3;
    if (map->maker == UN_ONNX_CONV3)
        code = un_onnx_hint(walk, &hints->single_act, !map->act,
                            "whether blocks have an activation at their end only");
    else if (map->maker == UN_ONNX_DOUBLE && !map->early)
        maker = UN_ONNX_UP_CONV;
    else if (map->maker != UN_ONNX_IMAGE && map->maker != UN_ONNX_POOL &&
             map->maker != UN_ONNX_JOIN)
        return un_onnx_refuse(walk,
                              "a 3x3 convolution after %s, wanted one at the start or the "
                              "second of a block, or after a doubling",
                              un_onnx_maker_name(map));
    map->maker = maker;
    return code;
}

/* Of 2x2, which has become 3x3. */
static unet_code conv2(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    if (map->maker != UN_ONNX_DOUBLE || map->early)
        return un_onnx_refuse(walk, "a 2x2 convolution after %s, wanted one after a doubling",
                              un_onnx_maker_name(map));
    map->maker = UN_ONNX_UP_CONV;
    return un_onnx_hint(walk, &walk->arrays->hints.padding, UNET_PADDING_SAME,
                        "padding (1: zeros around the map)");
}

/* What has been done with the samples of the image that the first convolution reads. */
static unet_code note_scale(struct un_onnx_walk *walk)
{
    struct un_hints *hints = &walk->arrays->hints;
    const struct un_onnx_map *map = &walk->in;
    if (map->scale == 1 && map->shift == 0)
        return UNET_OK;
    if (!(map->scale > 0) || !isfinite(map->scale) || !isfinite(map->shift))
        return un_onnx_refuse(walk, "reads the image times %g plus %g, wanted a factor above 0",
                              (double)map->scale, (double)map->shift);
    hints->scale = map->scale;
    hints->shift = map->shift;
    return UNET_OK;
}

static unet_code conv1(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    unet_code code = UNET_OK;
    if (un_onnx_word(walk->node, "auto_pad", "NOTSET", "NOTSET"))
        code = check_all(walk, "pads", 4, 0, 0);
    if (code)
        return code;
    if (un_onnx_is_finished(map))
        map->maker = UN_ONNX_CONV1;
    else if (map->maker == UN_ONNX_DOUBLE && !map->early)
        map->maker = UN_ONNX_UP_CONV;
    else
        return un_onnx_refuse(walk,
                              "a 1x1 convolution after %s, wanted one after the activation "
                              "of a block or after a doubling",
                              un_onnx_maker_name(map));
    return UNET_OK;
}

/* What a map made by a convolution has been through since. */
static void start_layer(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    map->norm = map->act = map->cut = map->early = map->reshaped = false;
    map->trimmed = 0;
}

unet_code un_onnx_conv(struct un_onnx_walk *walk)
{
    size_t side = 0;
    int64_t strides[8] = {1};
    unet_code code;
    if (walk->in.step)
        return un_onnx_refuse(walk, "a convolution after %s", un_onnx_maker_name(&walk->in));
    if (walk->in.cut && walk->in.maker != UN_ONNX_DOUBLE)
        return un_onnx_refuse(walk, "a convolution after a crop or padding, wanted padding with "
                                    "zeros in the convolution itself");
    if ((code = un_onnx_check_trim(walk, &walk->in)) || (code = list_kernel(walk, true, &side)))
        return code;
    if (side == 7)
        return un_onnx_refuse(walk,
                              "a kernel of 7x7, as a ResNet begins with; such encoders are read "
                              "from a state_dict or TorchScript, and from ONNX that unet wrote");
    const bool halves =
        side == 3 && un_onnx_ints(walk->node, "strides", 8, strides) > 0 && strides[0] == 2;
    if ((code = check_all(walk, "strides", 2, halves ? 2 : 1, 1)) ||
        (code = check_all(walk, "dilations", 2, 1, 1)))
        return code;
    if (un_onnx_int(walk->node, "group", 1) != 1)
        return un_onnx_refuse(walk, "a convolution in %lld groups, wanted 1",
                              (long long)un_onnx_int(walk->node, "group", 1));
    if (walk->in.maker == UN_ONNX_IMAGE && (code = note_scale(walk)))
        return code;
    if (side == 2)
        code = conv2(walk);
    else if (side == 3)
        code = conv3(walk, halves);
    else if (side == 1)
        code = conv1(walk);
    else
        return un_onnx_refuse(walk, "a %zux%zu convolution, wanted 3x3 or 1x1", side, side);
    start_layer(walk);
    return code;
}

unet_code un_onnx_conv_transpose(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    size_t side = 0;
    int64_t sides[8];
    unet_code code;
    if (!un_onnx_is_finished(map))
        return un_onnx_refuse(walk,
                              "a transposed convolution after %s without an activation, "
                              "wanted one after a block",
                              un_onnx_maker_name(map));
    if ((code = list_kernel(walk, false, &side)) || (code = check_all(walk, "strides", 2, 2, 1)) ||
        (code = check_all(walk, "dilations", 2, 1, 1)) ||
        (code = check_all(walk, "pads", 4, 0, 0)) ||
        (code = check_all(walk, "output_padding", 2, 0, 0)))
        return code;
    if (side != 2 || un_onnx_int(walk->node, "group", 1) != 1 ||
        un_onnx_ints(walk->node, "output_shape", 8, sides) >= 0)
        return un_onnx_refuse(walk,
                              "a %zux%zu transposed convolution in %lld groups, wanted 2x2 "
                              "in 1 without output_shape",
                              side, side, (long long)un_onnx_int(walk->node, "group", 1));
    if (walk->arrays->hints.up >= 0)
        return un_onnx_refuse(walk, "a transposed convolution, wanted a doubling as before");
    walk->transposes = true;
    map->maker = UN_ONNX_TRANSPOSE;
    map->level--;
    map->ups++;
    start_layer(walk);
    return UNET_OK;
}

/* ---- norms ---- */

static bool takes_tail(const struct un_onnx_map *map)
{
    return map->maker == UN_ONNX_CONV3 || map->maker == UN_ONNX_TRANSPOSE ||
           map->maker == UN_ONNX_UP_CONV || (map->maker == UN_ONNX_DOUBLE && map->early);
}

static unet_code note_norm(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    struct un_hints *hints = &walk->arrays->hints;
    unet_code code = UNET_OK;
    if (!takes_tail(map) || map->norm || map->cut || map->step)
        return un_onnx_refuse(walk,
                              "a norm after %s, wanted one after a convolution (networks with "
                              "norms before convolutions are read from .pt, .pth and .safetensors)",
                              map->norm ? "a norm" : un_onnx_maker_name(map));
    if (map->act)
        code = un_onnx_hint(walk, &hints->norm_order, UNET_ACT_FIRST,
                            "order (1: activations before norms)");
    map->norm = true;
    return code ? code
                : un_onnx_hint_float(walk, &hints->norm_epsilon,
                                     un_onnx_float(walk->node, "epsilon", 1e-5f), "epsilon");
}

static unet_code list_norm(struct un_onnx_walk *walk, int count)
{
    static const char *const suffixes[] = {"weight", "bias", "running_mean", "running_var"};
    struct un_array *array;
    unet_code code = UNET_OK;
    for (int i = 0; i < count && !code; i++) {
        code = un_onnx_list(walk, i + 1, walk->node, suffixes[i], &array);
        if (!code && array->dims != 1)
            return un_onnx_refuse(walk, "its %s has %d dimensions, wanted 1", suffixes[i],
                                  array->dims);
    }
    return code;
}

unet_code un_onnx_batch_norm(struct un_onnx_walk *walk)
{
    unet_code code = note_norm(walk);
    if (!code && (un_onnx_int(walk->node, "training_mode", 0) ||
                  un_onnx_output(walk->table, walk->node, 1) >= 0))
        return un_onnx_refuse(walk, "a batch norm in training, wanted a network that was exported "
                                    "for evaluation");
    return code ? code : list_norm(walk, 4);
}

/* Stored numbers that are all the same; how many; -1: they are not. */
static int stored_same(struct un_onnx_walk *walk, int i, float want)
{
    enum { MOST = 4096 };
    float values[MOST];
    int count =
        un_onnx_stored_floats(walk->table, un_onnx_input(walk->table, walk->node, i), MOST, values);
    for (int k = 0; k < count; k++)
        if (values[k] != want)
            return -1;
    return count;
}

unet_code un_onnx_instance_norm(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    if (map->step != UN_ONNX_GROUPED) {
        unet_code code = note_norm(walk);
        if (!code)
            code = un_onnx_hint(walk, &walk->arrays->hints.instance_groups, 0,
                                "groups of a norm (0: each channel)");
        return code ? code : list_norm(walk, 2);
    }
    /* its channels are the groups; their weights come later, by channel */
    const int groups = stored_same(walk, 1, 1);
    if (groups < 1 || stored_same(walk, 2, 0) != groups)
        return un_onnx_refuse(walk, "a norm of groups that scales or shifts, wanted 1 and 0");
    map->step = UN_ONNX_NO_STEP;
    unet_code code = note_norm(walk);
    if (!code)
        code = un_onnx_hint(walk, &walk->arrays->hints.instance_groups, groups,
                            "groups of a norm (0: each channel)");
    map->step = UN_ONNX_NORMED;
    map->norm_node = (int)(walk->node - walk->table->nodes);
    return code;
}

unet_code un_onnx_group_norm(struct un_onnx_walk *walk)
{
    const int64_t groups = un_onnx_int(walk->node, "num_groups", 0);
    unet_code code = note_norm(walk);
    if (code)
        return code;
    if (groups < 1 || groups > 65536 || walk->table->opset < 21)
        return un_onnx_refuse(walk,
                              "%lld groups in version %d of the operators, wanted 1 to 65536 "
                              "in version 21 or later, where each channel has a scale",
                              (long long)groups, walk->table->opset);
    code = un_onnx_hint(walk, &walk->arrays->hints.instance_groups, (int)groups,
                        "groups of a norm (0: each channel)");
    return code ? code : list_norm(walk, 2);
}

unet_code un_onnx_reshape(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    if (map->maker == UN_ONNX_IMAGE || map->maker == UN_ONNX_CONV1 ||
        map->maker == UN_ONNX_PROBABLE || map->maker == UN_ONNX_ANSWER)
        return un_onnx_reshape_end(walk);
    if (map->step == UN_ONNX_REPEATED)
        return un_onnx_repeat_reshape(walk);
    if (map->step == UN_ONNX_NORMED)
        map->step = UN_ONNX_RESTORED;
    else if (map->step == UN_ONNX_NO_STEP && takes_tail(map) && !map->cut)
        map->step = UN_ONNX_GROUPED;
    else
        return un_onnx_refuse(walk, "a new shape for %s, wanted one only in a group norm",
                              un_onnx_maker_name(map));
    return UNET_OK;
}

/* The last two parts of a group norm, or the scaling of the image in a file of our own. */
unet_code un_onnx_scale(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    const bool multiplies = un_slice_is(walk->node->op, "Mul");
    const int other = un_onnx_input(walk->table, walk->node, 0) == walk->in_value ? 1 : 0;
    struct un_array *array;
    if (map->maker == UN_ONNX_IMAGE && walk->table->metadata.at)
        return UNET_OK;
    if (map->maker == UN_ONNX_IMAGE)
        return un_onnx_scale_image(walk);
    if ((!multiplies && !un_slice_is(walk->node->op, "Add")) ||
        map->step != (multiplies ? UN_ONNX_RESTORED : UN_ONNX_SCALED))
        return un_onnx_refuse(walk, "calculates with a map, wanted that only in a group norm");
    map->step = multiplies ? UN_ONNX_SCALED : UN_ONNX_NO_STEP;
    unet_code code = un_onnx_list(walk, other, &walk->table->nodes[map->norm_node],
                                  multiplies ? "weight" : "bias", &array);
    if (code)
        return code;
    for (int i = 0, lead = array->dims == 4; i < array->dims; i++) /* [C, 1, 1], [1, C, 1, 1] */
        if (i != lead && array->shape[i] != 1)
            return un_onnx_refuse(walk, "calculates with values that differ from pixel to pixel");
    const size_t channels = array->count;
    un_array_set_shape(array, 1, &channels);
    return UNET_OK;
}

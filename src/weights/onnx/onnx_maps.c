/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes without weights: activations, poolings, doublings, skip connections. */
#include "weights/onnx/onnx_walk.h"

#include <string.h>

unet_code un_onnx_activation(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    struct un_hints *hints = &walk->arrays->hints;
    const bool leaky = un_slice_is(walk->node->op, "LeakyRelu");
    const bool early = map->maker == UN_ONNX_DOUBLE && map->early;
    if ((map->maker != UN_ONNX_CONV3 && map->maker != UN_ONNX_TRANSPOSE &&
         map->maker != UN_ONNX_UP_CONV && !early) ||
        map->act || map->cut || map->step)
        return un_onnx_refuse(walk, "an activation after %s, wanted one after a convolution",
                              map->act ? "an activation" : un_onnx_maker_name(map));
    unet_code code = un_onnx_hint(walk, &hints->act, leaky ? UNET_ACT_LEAKY_RELU : UNET_ACT_RELU,
                                  "kind of activation (1: leaky)");
    if (!code && leaky)
        code = un_onnx_hint_float(walk, &hints->leaky_slope,
                                  un_onnx_float(walk->node, "alpha", 0.01f), "alpha");
    if (!code && map->norm)
        code = un_onnx_hint(walk, &hints->norm_order, UNET_NORM_FIRST,
                            "order (1: activations before norms)");
    map->act = true;
    return code;
}

unet_code un_onnx_pool(struct un_onnx_walk *walk)
{
    static const struct {
        const char *name;
        int count, otherwise, want;
    } rows[] = {{"kernel_shape", 2, 0, 2},
                {"strides", 2, 1, 2},
                {"dilations", 2, 1, 1},
                {"pads", 4, 0, 0},
                {"ceil_mode", 1, 0, 0}};
    struct un_onnx_map *map = &walk->in;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        int64_t values[8] = {0};
        int count = un_onnx_ints(walk->node, rows[r].name, 8, values);
        for (int i = 0; i < rows[r].count; i++) {
            const int64_t value = count < 0 ? rows[r].otherwise : values[i];
            if (value != rows[r].want || count > rows[r].count)
                return un_onnx_refuse(walk,
                                      "%s has %lld, wanted %d: a pooling of 2x2 with stride 2",
                                      rows[r].name, (long long)value, rows[r].want);
        }
    }
    if (!un_onnx_word(walk->node, "auto_pad", "NOTSET", "NOTSET") &&
        !un_onnx_word(walk->node, "auto_pad", "NOTSET", "VALID"))
        return un_onnx_refuse(walk, "pads by itself, wanted a pooling without padding");
    if (!un_onnx_is_finished(map))
        return un_onnx_refuse(walk, "a pooling after %s%s, wanted one after a block",
                              un_onnx_maker_name(map), map->act ? "" : " without an activation");
    map->maker = UN_ONNX_POOL;
    map->level++;
    return un_onnx_hint(walk, &walk->arrays->hints.down, UNET_DOWN_POOL, "down (1: by stride 2)");
}

/* ---- doubling ---- */

/* Rows of (how the position in the source is found, how it is rounded) that make four of a pixel.
 */
static bool doubles_nearest(const struct un_onnx_node *node, const char *positions)
{
    static const char *const good[][2] = {
        {"asymmetric", "floor"},
        {"asymmetric", "round_prefer_floor"},
        {"half_pixel", "round_prefer_floor"},
        {"half_pixel", "round_prefer_ceil"},
        {"pytorch_half_pixel", "round_prefer_floor"},
        {"pytorch_half_pixel", "round_prefer_ceil"},
        {"tf_half_pixel_for_nn", "floor"},
    };
    const char *usual = strcmp(positions, "asymmetric") ? "round_prefer_floor" : "floor";
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (un_onnx_word(node, "coordinate_transformation_mode", positions, good[i][0]) &&
            un_onnx_word(node, "nearest_mode", usual, good[i][1]))
            return true;
    return false;
}

static unet_code find_mode(struct un_onnx_walk *walk)
{
    const struct un_onnx_node *node = walk->node;
    struct un_hints *hints = &walk->arrays->hints;
    /* before version 11 there was one rule, which has since been called asymmetric */
    const char *positions = walk->table->opset < 11 ? "asymmetric" : "half_pixel";
    const char *attribute = "coordinate_transformation_mode";
    if (un_onnx_word(node, "mode", "nearest", "nearest")) {
        if (!doubles_nearest(node, positions))
            return un_onnx_refuse(walk, "takes neighbours so that a pixel does not become four");
        return un_onnx_hint(walk, &hints->up, UNET_UP_NEAREST, "doubling (2: nearest)");
    }
    if (!un_onnx_word(node, "mode", "nearest", "linear") &&
        !un_onnx_word(node, "mode", "nearest", "bilinear"))
        return un_onnx_refuse(walk, "another mode, wanted linear or nearest");
    const bool corners = un_onnx_word(node, attribute, positions, "align_corners");
    if (!corners && !un_onnx_word(node, attribute, positions, "half_pixel") &&
        !un_onnx_word(node, attribute, positions, "pytorch_half_pixel"))
        return un_onnx_refuse(walk, "another %s, wanted half_pixel or align_corners", attribute);
    unet_code code = un_onnx_hint(walk, &hints->up, UNET_UP_BILINEAR, "doubling (1: bilinear)");
    return code ? code
                : un_onnx_hint(walk, &hints->align_corners, corners,
                               "whether corners lie on each other");
}

/*
 * The scale must be 2.  Exporters write the size of the skip connection instead when the network
 * asks for it; in a padded network that is the same for sides that are multiples of 2^depth.
 */
static unet_code check_scale(struct un_onnx_walk *walk)
{
    struct un_onnx_table *table = walk->table;
    const struct un_onnx_node *node = walk->node;
    const bool is_new = un_slice_is(node->op, "Resize") && table->opset >= 11;
    const int scales = un_onnx_input(table, node, is_new ? 2 : 1);
    const int sizes = is_new ? un_onnx_input(table, node, 3) : -1;
    float values[4];
    int count = un_onnx_stored_floats(table, scales, 4, values);
    if (sizes >= 0 && count < 1) {
        if (walk->arrays->hints.padding == UNET_PADDING_SAME)
            return UNET_OK;
        return un_onnx_refuse(walk, "a size instead of a scale, wanted a scale of 2");
    }
    if (count == 2 && (un_onnx_ints(node, "axes", 2, (int64_t[2]){0}) == 2))
        return values[0] == 2 && values[1] == 2
                   ? UNET_OK
                   : un_onnx_refuse(walk, "scales by %g and %g, wanted 2", (double)values[0],
                                    (double)values[1]);
    if (count != 4)
        return un_onnx_refuse(walk, "its scale is not stored, wanted a scale of 2");
    if (values[0] != 1 || values[1] != 1 || values[2] != 2 || values[3] != 2)
        return un_onnx_refuse(walk, "scales by %g and %g, wanted 2", (double)values[2],
                              (double)values[3]);
    return UNET_OK;
}

unet_code un_onnx_resize(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    const bool early = map->maker == UN_ONNX_CONV1;
    unet_code code = check_scale(walk);
    if (!code)
        code = find_mode(walk);
    if (code)
        return code;
    if (walk->transposes)
        return un_onnx_refuse(walk, "doubles a map, wanted a transposed convolution as before");
    if (!early && !un_onnx_is_finished(map))
        return un_onnx_refuse(walk, "doubles %s, wanted what a block has made",
                              un_onnx_maker_name(map));
    *map = (struct un_onnx_map){
        .maker = UN_ONNX_DOUBLE, .early = early, .level = map->level - 1, .ups = map->ups + 1};
    return UNET_OK;
}

/* ---- crops and padding ---- */

static bool comes_up(const struct un_onnx_map *map)
{
    return map->maker == UN_ONNX_TRANSPOSE || map->maker == UN_ONNX_DOUBLE ||
           map->maker == UN_ONNX_UP_CONV;
}

/* Whole numbers of an attribute (in old versions) or an input; -1: not stored. */
static int parameter(struct un_onnx_walk *walk, const char *name, int input, int64_t values[8])
{
    int count = un_onnx_ints(walk->node, name, 8, values);
    return count >= 0 ? count
                      : un_onnx_stored_ints(
                            walk->table, un_onnx_input(walk->table, walk->node, input), 8, values);
}

/* Whether a crop is stored as one of the batch or the channels. */
static bool crops_channels(struct un_onnx_walk *walk)
{
    int64_t axes[8] = {0};
    const int count = parameter(walk, "axes", 3, axes);
    bool found = false;
    for (int i = 0; i < count; i++)
        found |= axes[i] == 0 || axes[i] == 1 || axes[i] == -4 || axes[i] == -3;
    return found;
}

/* [1:-1] along height or width: 1 or 2, both: 3; 0: something else. */
static int find_trim(struct un_onnx_walk *walk)
{
    int64_t starts[8], ends[8], axes[8] = {0, 1, 2, 3};
    int count = parameter(walk, "starts", 1, starts), trimmed = 0;
    if (parameter(walk, "ends", 2, ends) != count || count < 1 || count > 2 ||
        parameter(walk, "axes", 3, axes) != count)
        return 0;
    for (int i = 0; i < count; i++) {
        const int64_t axis = axes[i] < 0 ? axes[i] + 4 : axes[i];
        if (starts[i] != 1 || ends[i] != -1 || (axis != 2 && axis != 3))
            return 0;
        trimmed |= axis == 2 ? 1 : 2;
    }
    return trimmed;
}

unet_code un_onnx_check_trim(struct un_onnx_walk *walk, const struct un_onnx_map *map)
{
    const struct un_hints *hints = &walk->arrays->hints;
    const bool inner = hints->padding == UNET_PADDING_VALID && hints->up == UNET_UP_BILINEAR &&
                       hints->align_corners != 1;
    if (map->maker != UN_ONNX_DOUBLE || map->trimmed == (inner ? 3 : 0))
        return UNET_OK;
    return un_onnx_refuse(walk,
                          inner ? "reads a bilinear doubling with its outermost ring, wanted that "
                                  "cut off in a network without padding"
                                : "reads a doubling that is cropped, wanted it whole");
}

unet_code un_onnx_slice(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    int64_t steps[8];
    const int count = parameter(walk, "steps", 4, steps);
    for (int i = 0; i < count; i++)
        if (steps[i] != 1)
            return un_onnx_refuse(walk, "takes one of %lld, wanted a crop", (long long)steps[i]);
    if (crops_channels(walk))
        return un_onnx_refuse(walk, "takes some of the channels, wanted a crop");
    const bool doubled = map->maker == UN_ONNX_DOUBLE && !map->norm && !map->act;
    if (comes_up(map)) {
        const int trimmed = find_trim(walk);
        if (!doubled || !trimmed || map->trimmed & trimmed)
            return un_onnx_refuse(walk, "crops what comes from below, wanted one ring of a "
                                        "bilinear doubling cut off, or nothing");
        map->trimmed |= trimmed;
    } else if (!un_onnx_is_finished(map) && !(map->cut && map->maker == UN_ONNX_CONV3)) {
        return un_onnx_refuse(walk, "crops %s, wanted a skip connection", un_onnx_maker_name(map));
    }
    map->cut = true;
    return UNET_OK;
}

unet_code un_onnx_pad(struct un_onnx_walk *walk)
{
    struct un_onnx_map *map = &walk->in;
    int64_t pads[8];
    const int count = parameter(walk, "pads", 1, pads);
    const bool up = comes_up(map), valid = walk->arrays->hints.padding == UNET_PADDING_VALID;
    bool grows = false, shrinks = false;
    for (int i = 0; i < count; i++) {
        grows |= pads[i] > 0;
        shrinks |= pads[i] < 0;
        if (count != 8 || (pads[i] && i % 4 < 2))
            return un_onnx_refuse(walk, "pads other dimensions than height and width");
    }
    if (!un_onnx_word(walk->node, "mode", "constant", "constant"))
        return un_onnx_refuse(walk, "pads by another mode, wanted zeros");
    float zero = 0;
    const int value = un_onnx_input(walk->table, walk->node, 2);
    if (value >= 0 && (un_onnx_stored_floats(walk->table, value, 1, &zero) != 1 || zero != 0))
        return un_onnx_refuse(walk, "pads with %g, wanted zeros", (double)zero);
    /* without padding a skip connection is larger than what it is joined with: that is a crop */
    const bool crops = count >= 0 ? !grows : valid;
    const bool fills = count >= 0 ? !shrinks && !(grows && valid) : !valid;
    if (map->trimmed || (up ? !fills : !crops || !un_onnx_is_finished(map)))
        return un_onnx_refuse(walk,
                              "pads %s, wanted the map that comes from below, or a crop of a "
                              "skip connection",
                              un_onnx_maker_name(map));
    map->cut |= grows || shrinks || count < 0;
    return UNET_OK;
}

/* ---- skip connections ---- */

static unet_code check_joined(struct un_onnx_walk *walk, const struct un_onnx_map *up,
                              const struct un_onnx_map *skip)
{
    if (skip->maker != UN_ONNX_CONV3 || !skip->act || skip->step || skip->ups)
        return un_onnx_refuse(walk,
                              "joins %s with what comes from below, wanted what a block of "
                              "the encoder has made",
                              un_onnx_maker_name(skip));
    if (up->level != skip->level)
        return un_onnx_refuse(walk, "joins maps of levels %d and %d, wanted the same", up->level,
                              skip->level);
    if (up->step)
        return un_onnx_refuse(walk, "joins a part of a group norm");
    return un_onnx_check_trim(walk, up);
}

unet_code un_onnx_concat(struct un_onnx_walk *walk)
{
    struct un_onnx_table *table = walk->table;
    struct un_hints *hints = &walk->arrays->hints;
    const struct un_onnx_map *maps[2] = {0};
    const int64_t axis = un_onnx_int(walk->node, "axis", 0);
    for (int i = 0; i < 2; i++) {
        const int value = un_onnx_input(table, walk->node, i);
        if (value >= 0 && walk->maps[value].maker != UN_ONNX_NO_MAP)
            maps[i] = &walk->maps[value];
    }
    if (walk->node->inputs != 2 || !maps[0] || !maps[1] || (axis != 1 && axis != -3))
        return un_onnx_refuse(walk,
                              "joins %d values along axis %lld, wanted the channels of 2 maps",
                              walk->node->inputs, (long long)axis);
    const int up = comes_up(maps[1]);
    if (!comes_up(maps[up]) || comes_up(maps[!up]))
        return un_onnx_refuse(walk,
                              "joins %s and %s, wanted a skip connection and what comes from "
                              "below",
                              un_onnx_maker_name(maps[0]), un_onnx_maker_name(maps[1]));
    unet_code code = check_joined(walk, maps[up], maps[!up]);
    if (!code)
        code = un_onnx_hint(walk, &hints->concat, up ? UNET_CONCAT_SKIP_UP : UNET_CONCAT_UP_SKIP,
                            "order of the channels (1: the skip connection first)");
    if (!code)
        code = un_onnx_hint(walk, &hints->up_act, maps[up]->act,
                            "whether up-convolutions have an activation");
    walk->in =
        (struct un_onnx_map){.maker = UN_ONNX_JOIN, .level = maps[up]->level, .ups = maps[up]->ups};
    return code;
}

/* ---- the ends ---- */

unet_code un_onnx_probability(struct un_onnx_walk *walk)
{
    if (walk->in.maker != UN_ONNX_CONV1)
        return un_onnx_refuse(walk, "takes %s, wanted the last convolution",
                              un_onnx_maker_name(&walk->in));
    walk->in.maker = UN_ONNX_PROBABLE;
    return UNET_OK;
}

/* Images as [N][H][W][C], at the beginning or the end. */
unet_code un_onnx_transpose(struct un_onnx_walk *walk)
{
    static const int64_t first[] = {0, 3, 1, 2}, last[] = {0, 2, 3, 1};
    int64_t order[8];
    const enum un_onnx_maker maker = walk->in.maker;
    const bool begins = maker == UN_ONNX_IMAGE;
    if (un_onnx_ints(walk->node, "perm", 8, order) != 4 ||
        memcmp(order, begins ? first : last, sizeof first) ||
        (!begins && maker != UN_ONNX_CONV1 && maker != UN_ONNX_PROBABLE))
        return un_onnx_refuse(walk,
                              "moves dimensions of %s, wanted that only at the input "
                              "(0, 3, 1, 2) and the output (0, 2, 3, 1)",
                              un_onnx_maker_name(&walk->in));
    return UNET_OK;
}

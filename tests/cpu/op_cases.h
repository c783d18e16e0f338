/* SPDX-License-Identifier: Apache-2.0 */
/* op_cases.h - the table of what test_ops tries: operations crossed with shapes and variants,
 * layers of convolutions, and random ones */
#ifndef TEST_OP_CASES_H
#define TEST_OP_CASES_H

#include "op_conv.h"
#include "op_loss.h"
#include "op_map.h"
#include "op_norm.h"
#include "op_prelu.h"

#define MAX_CASES 4000

static const struct un_shape map_shapes[] = {
    {1, 1, 1, 1},  {1, 2, 2, 1},   {2, 3, 2, 3},   {1, 2, 5, 2},    {3, 5, 7, 8},   {1, 7, 4, 15},
    {2, 4, 6, 16}, {1, 9, 5, 17},  {1, 6, 11, 31}, {2, 5, 6, 32},   {1, 3, 8, 33},  {1, 13, 4, 48},
    {2, 7, 9, 64}, {1, 31, 17, 3}, {3, 2, 33, 16}, {1, 64, 47, 16}, {1, 1, 37, 20}, {2, 53, 1, 5},
};
static const struct un_shape logit_shapes[] = {
    {1, 1, 1, 1},   {1, 1, 1, 2},    {2, 3, 5, 1},    {1, 15, 1, 1}, {1, 1, 16, 1},
    {1, 1, 17, 1},  {3, 7, 11, 1},   {1, 37, 41, 1},  {1, 3, 5, 2},  {2, 4, 4, 2},
    {1, 17, 1, 2},  {3, 31, 33, 2},  {1, 3, 5, 3},    {2, 7, 9, 3},  {1, 29, 31, 3},
    {1, 1, 16, 21}, {2, 5, 7, 21},   {1, 23, 13, 21}, {1, 2, 3, 33}, {1, 3, 2, 254},
    {1, 97, 89, 2}, {1, 101, 83, 1}, {1, 67, 71, 19},
};
static const struct un_shape flat_shapes[] = {
    {1, 1, 1, 1},     {1, 1, 2, 1},      {1, 1, 7, 1},  {1, 1, 8, 1},  {1, 1, 9, 1},
    {1, 1, 15, 1},    {1, 1, 16, 1},     {1, 1, 17, 1}, {1, 1, 31, 1}, {1, 1, 33, 1},
    {1, 1, 63, 1},    {1, 1, 64, 1},     {1, 1, 65, 1}, {1, 1, 97, 1}, {1, 1, 997, 1},
    {1, 1, 40009, 1}, {1, 1, 200003, 1},
};

#define SHAPES(list) (list), (int)(sizeof(list) / sizeof *(list))

static const struct family {
    const char *op;
    void (*run)(struct op_run *r, const struct op_case *k);
    const struct un_shape *shapes;
    int shape_count;
    int variants[6], variant_count;
} families[] = {
    {"transfer", run_transfer, SHAPES(map_shapes), {0, 1}, 2},
    {"maxpool", run_maxpool, SHAPES(map_shapes), {0, 1}, 2},
    {"maxpool3", run_maxpool3, SHAPES(map_shapes), {0, 1}, 2},
    {"meanpool", run_meanpool, SHAPES(map_shapes), {0}, 1},
    {"add", run_add, SHAPES(map_shapes), {0, 1, 2, 3, 4}, 5},
    {"add_pixels", run_add_pixels, SHAPES(map_shapes), {0, 1}, 2},
    {"prelu", run_prelu, SHAPES(map_shapes), {0}, 1},
    {"upsample", run_upsample, SHAPES(map_shapes), {0, 1, 2, 3}, 4},
    {"dropout", run_dropout, SHAPES(map_shapes), {0, 1, 4, 7, 8}, 5},
    {"norm_statistics", run_norm_statistics, SHAPES(map_shapes), {0, 1, 2, 3}, 4},
    {"norm_forward", run_norm_forward, SHAPES(map_shapes), {0, 1, 2, 3}, 4},
    {"norm_backward", run_norm_backward, SHAPES(map_shapes), {0, 1, 2, 3}, 4},
    {"norm_channels", run_norm_channels, SHAPES(map_shapes), {0, 1}, 2},
    {"loss", run_loss, SHAPES(logit_shapes), {0, 1, 2, 3, 4}, 5},
    {"focal", run_focal, SHAPES(logit_shapes), {0, 1, 2, 3, 4}, 5},
    {"overlap", run_overlap, SHAPES(logit_shapes), {0, 1, 2, 3, 4}, 5},
    {"mixed", run_mixed, SHAPES(logit_shapes), {0, 1, 2, 3, 4}, 5},
    {"answers", run_answers, SHAPES(logit_shapes), {LOSS_PLAIN, LOSS_EXTREME, LOSS_TIES}, 3},
    {"optimizer",
     run_optimizer,
     SHAPES(flat_shapes),
     {SGD, ADAM, ADAMW, NESTEROV, RMSPROP, RMSPROP_MOMENTUM},
     6},
    {"blend", run_blend, SHAPES(flat_shapes), {0, 1}, 2},
    {"sum_squares", run_sum_squares, SHAPES(flat_shapes), {0, 1}, 2},
    {"count_nonfinite", run_count_nonfinite, SHAPES(flat_shapes), {0, 1, 5, 1000}, 4},
};

#define NONE                                                                                       \
    {                                                                                              \
        UN_ACT_NONE, 0                                                                             \
    }
#define RELU                                                                                       \
    {                                                                                              \
        UN_ACT_RELU, 0                                                                             \
    }
#define CONV3(n, h, w, k, layout, act, ...)                                                        \
    {                                                                                              \
        "conv3x3", run_conv, {n, h, w, k}, 0, UN_CONV3X3, layout, UN_FEATURES, {__VA_ARGS__}, act  \
    }
#define CONV1(n, h, w, c, k, layout)                                                               \
    {                                                                                              \
        "conv1x1", run_conv, {n, h, w, k}, 0, UN_CONV1X1, UN_FEATURES, layout, {{h, w, c, 0, 0}},  \
            NONE                                                                                   \
    }
#define UPCONV(n, h, w, c, k)                                                                      \
    {                                                                                              \
        "upconv2x2", run_conv, {n, 2 * (h), 2 * (w), k}, 0, UN_UPCONV2X2, UN_FEATURES,             \
            UN_FEATURES, {{h, w, c, 0, 0}}, RELU                                                   \
    }

/* h x w: of the source */
#define HALF_OF(op, kind, top, n, h, w, c, k, layout, ...)                                         \
    {                                                                                              \
        op, run_conv, {n, (h + 1) / 2, (w + 1) / 2, k}, 0, kind, layout, UN_FEATURES,              \
            {{h, w, c, top, top}}, __VA_ARGS__                                                     \
    }
#define HALF(n, h, w, c, k, act)                                                                   \
    HALF_OF("conv3x3_half", UN_CONV3X3_HALF, -1, n, h, w, c, k, UN_FEATURES, act)
#define HALF7(n, h, w, c, k, layout)                                                               \
    HALF_OF("conv7x7_half", UN_CONV7X7_HALF, -3, n, h, w, c, k, layout, RELU)
#define HALF1(n, h, w, c, k)                                                                       \
    HALF_OF("conv1x1_half", UN_CONV1X1_HALF, 0, n, h, w, c, k, UN_FEATURES, NONE)
/* a head */
#define HEAD3(n, h, w, c, k)                                                                       \
    {                                                                                              \
        "conv3x3", run_conv, {n, h, w, k}, 0, UN_CONV3X3, UN_FEATURES, UN_PIXELS,                  \
            {{h, w, c, -1, -1}}, NONE                                                              \
    }

/* h x w, of c0 and c1 channels: the sources */
#define UPCONV3(n, h, w, c0, c1, k, act)                                                           \
    {                                                                                              \
        "upconv3x3", run_conv, {n, 2 * (h), 2 * (w), k}, 0, UN_UPCONV3X3, UN_FEATURES,             \
            UN_FEATURES, {{h, w, c0, 0, 0}, {h, w, c1, 0, 0}}, act                                 \
    }

/* What networks are made of, and the corners; random cases follow. */
static const struct op_case conv_cases[] = {
    /* first layers: images of 1..4 and more channels, unpadded and padded */
    CONV3(1, 1, 1, 1, UN_PIXELS, NONE, {3, 3, 1, 0, 0}),
    CONV3(2, 5, 9, 16, UN_PIXELS, RELU, {7, 11, 1, 0, 0}),
    CONV3(1, 30, 33, 16, UN_PIXELS, RELU, {30, 33, 2, -1, -1}),
    CONV3(1, 9, 16, 64, UN_PIXELS, RELU, {9, 16, 3, -1, -1}),
    CONV3(3, 7, 17, 8, UN_PIXELS, RELU, {9, 19, 3, 0, 0}),
    CONV3(1, 11, 15, 17, UN_PIXELS, RELU, {11, 15, 4, -1, -1}),
    CONV3(1, 6, 5, 33, UN_PIXELS, RELU, {8, 7, 17, 0, 0}),
    /* many channels on a small map: one band of rows, cut by groups of channels */
    CONV3(1, 2, 2, 768, UN_FEATURES, RELU, {4, 4, 512, 0, 0}),
    /* one source: unpadded, padded, one pixel, one row, one column */
    CONV3(1, 1, 1, 1, UN_FEATURES, NONE, {3, 3, 1, 0, 0}),
    CONV3(1, 1, 1, 16, UN_FEATURES, RELU, {1, 1, 16, -1, -1}),
    CONV3(2, 1, 19, 16, UN_FEATURES, RELU, {3, 21, 16, 0, 0}),
    CONV3(2, 19, 1, 16, UN_FEATURES, RELU, {21, 3, 16, 0, 0}),
    CONV3(1, 28, 33, 16, UN_FEATURES, RELU, {30, 35, 16, 0, 0}),
    CONV3(1, 13, 12, 32, UN_FEATURES, RELU, {13, 12, 32, -1, -1}),
    CONV3(1, 5, 7, 64, UN_FEATURES, RELU, {7, 9, 64, 0, 0}),
    CONV3(1, 4, 6, 33, UN_FEATURES, RELU, {6, 8, 31, 0, 0}),
    CONV3(1, 4, 3, 128, UN_FEATURES, RELU, {6, 5, 48, 0, 0}),
    CONV3(1, 2, 3, 48, UN_FEATURES, RELU, {4, 5, 160, 0, 0}),
    /* two sources: the paper's crop, padding, a second one smaller than the frame */
    CONV3(1, 8, 10, 16, UN_FEATURES, RELU, {18, 20, 16, 4, 4}, {10, 12, 16, 0, 0}),
    CONV3(2, 3, 5, 32, UN_FEATURES, RELU, {9, 15, 32, 2, 4}, {5, 7, 32, 0, 0}),
    CONV3(1, 9, 14, 16, UN_FEATURES, RELU, {9, 14, 16, -1, -1}, {9, 14, 16, -1, -1}),
    CONV3(1, 9, 15, 16, UN_FEATURES, RELU, {9, 15, 16, -1, -1}, {8, 14, 16, -1, -1}),
    CONV3(2, 9, 15, 8, UN_FEATURES, RELU, {9, 15, 3, -1, -1}, {2, 3, 17, -4, -6}),
    CONV3(1, 7, 7, 15, UN_FEATURES, RELU, {9, 9, 33, 0, 0}, {9, 9, 15, 0, 0}),
    CONV3(1, 3, 3, 2, UN_FEATURES, NONE, {5, 5, 1, 0, 0}, {5, 5, 1, 0, 0}),
    /* several images: of one run of tiles, of several, in bands */
    CONV3(7, 6, 9, 48, UN_FEATURES, RELU, {6, 9, 33, -1, -1}),
    CONV3(5, 8, 7, 80, UN_FEATURES, RELU, {8, 7, 65, -1, -1}),
    CONV3(5, 28, 29, 16, UN_FEATURES, RELU, {28, 29, 16, -1, -1}),
    CONV3(3, 57, 58, 8, UN_FEATURES, RELU, {57, 58, 16, -1, -1}),
    CONV3(5, 9, 11, 16, UN_PIXELS, RELU, {9, 11, 3, -1, -1}),
    CONV3(5, 1, 11, 16, UN_PIXELS, RELU, {1, 11, 1, -1, -1}),
    CONV1(5, 7, 5, 16, 3, UN_PIXELS),
    CONV1(6, 1, 5, 32, 2, UN_PIXELS),
    UPCONV(5, 1, 5, 32, 16),
    UPCONV(7, 3, 5, 16, 33),
    HALF(5, 7, 9, 16, 33, RELU),
    /* heads */
    CONV1(1, 1, 1, 1, 1, UN_PIXELS),
    CONV1(2, 7, 5, 64, 1, UN_PIXELS),
    CONV1(1, 17, 31, 64, 2, UN_PIXELS),
    CONV1(3, 5, 3, 16, 3, UN_PIXELS),
    CONV1(1, 13, 11, 33, 21, UN_PIXELS),
    CONV1(1, 61, 67, 16, 2, UN_PIXELS),
    CONV1(1, 3, 4, 8, 254, UN_PIXELS),
    /* between maps */
    CONV1(1, 9, 8, 32, 16, UN_FEATURES),
    CONV1(2, 3, 7, 64, 31, UN_FEATURES),
    UPCONV(1, 1, 1, 1, 1),
    UPCONV(2, 3, 5, 32, 16),
    UPCONV(1, 7, 4, 64, 32),
    UPCONV(3, 2, 3, 17, 15),
    UPCONV(1, 17, 16, 16, 8),
    /* one pixel, one row, one column, sides of every parity, more channels than a block */
    HALF(1, 1, 1, 1, 1, NONE),
    HALF(1, 1, 17, 16, 16, RELU),
    HALF(2, 19, 1, 16, 8, RELU),
    HALF(1, 2, 2, 32, 16, NONE),
    HALF(2, 8, 10, 16, 32, RELU),
    HALF(1, 9, 15, 33, 17, RELU),
    HALF(1, 14, 11, 31, 48, NONE),
    HALF(1, 33, 70, 16, 16, RELU),
    HALF(1, 4, 4, 320, 512, RELU),
    /* the first layer of a ResNet, also of a map; kernels larger than the map */
    HALF7(1, 1, 1, 1, 1, UN_PIXELS),
    HALF7(1, 2, 2, 3, 16, UN_PIXELS),
    HALF7(2, 32, 34, 3, 64, UN_PIXELS),
    HALF7(5, 13, 19, 1, 17, UN_PIXELS),
    HALF7(1, 9, 15, 17, 33, UN_PIXELS),
    HALF7(1, 70, 67, 4, 32, UN_PIXELS),
    HALF7(1, 1, 5, 16, 16, UN_FEATURES),
    HALF7(3, 7, 8, 33, 17, UN_FEATURES),
    HALF7(1, 18, 33, 16, 48, UN_FEATURES),
    /* its shortcuts */
    HALF1(1, 1, 1, 1, 1),
    HALF1(2, 1, 18, 16, 33),
    HALF1(5, 13, 1, 48, 16),
    HALF1(1, 8, 10, 64, 128),
    HALF1(3, 17, 15, 31, 47),
    HALF1(1, 4, 4, 320, 512),
    HEAD3(1, 1, 1, 1, 1),
    HEAD3(2, 7, 5, 16, 1),
    HEAD3(5, 31, 17, 16, 2),
    HEAD3(1, 13, 11, 33, 21),
    HEAD3(1, 61, 67, 16, 3),
    HEAD3(1, 3, 4, 8, 254),
    UPCONV3(1, 1, 1, 1, 0, 1, NONE),
    UPCONV3(1, 1, 17, 16, 0, 16, RELU),
    UPCONV3(2, 19, 1, 16, 8, 8, RELU),
    UPCONV3(1, 2, 3, 32, 16, 16, NONE),
    UPCONV3(2, 8, 10, 16, 16, 2, RELU),
    UPCONV3(5, 9, 15, 33, 17, 31, RELU),
    UPCONV3(1, 33, 70, 16, 16, 3, NONE),
    UPCONV3(1, 4, 4, 320, 128, 64, RELU),
};

static struct op_case cases[MAX_CASES];
static int case_count;

static void add_case(struct op_case k)
{
    struct un_shape s = k.shape;
    const bool pools = k.run == run_maxpool || k.run == run_meanpool;
    bool empty = (pools && (s.h < 2 || s.w < 2)) ||
                 (k.run == run_upsample && k.variant == 1 && (s.h < 2 || s.w < 2));
    assert_true(case_count < MAX_CASES);
    if (!empty)
        cases[case_count++] = k;
}

/* A convolution that may go by tiles is also tried directly. */
static void add_conv(struct op_case k)
{
    add_case(k);
    k.variant = 1;
    if (k.kind == UN_CONV3X3 && k.src_layout == UN_FEATURES && k.dst_layout == UN_FEATURES)
        add_case(k);
}

static void build_table(void)
{
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const struct family *f = &families[i];
        for (int s = 0; s < f->shape_count; s++)
            for (int v = 0; v < f->variant_count; v++)
                add_case((struct op_case){
                    f->op, f->run, f->shapes[s], f->variants[v], 0, 0, 0, {{0}}, {UN_ACT_NONE, 0}});
    }
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++)
        add_conv(conv_cases[i]);
    for (int i = 0; i < 300; i++)
        add_conv(conv_random_case(&state, i % 10 ? 2e5 : 1e6));
    for (int i = 0; i < 60; i++)
        add_case(conv_random_half(&state, i % 10 ? 2e5 : 1e6, "conv3x3_half", UN_CONV3X3_HALF));
    for (int i = 0; i < 60; i++)
        add_case(conv_random_up(&state, i % 10 ? 2e5 : 1e6));
    for (int i = 0; i < 40; i++) {
        add_case(conv_random_half(&state, i % 10 ? 4e5 : 1e6, "conv7x7_half", UN_CONV7X7_HALF));
        add_case(conv_random_half(&state, i % 10 ? 2e5 : 1e6, "conv1x1_half", UN_CONV1X1_HALF));
    }
}

#endif

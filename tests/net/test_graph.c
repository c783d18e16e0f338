/* SPDX-License-Identifier: Apache-2.0 */
/* What the graph of a spec says: where nodes stand, and which sides fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/graph.h"

/* ---- what nodes say ---- */

static const unet_spec told[] = {
    {.in_channels = 1, .classes = 2, .width = 4, .depth = 2},
    {.in_channels = 1,
     .classes = 2,
     .width = 4,
     .depth = 2,
     .norm = UNET_NORM_BATCH,
     .up = UNET_UP_BILINEAR,
     .up_conv = UNET_UP_CONV3X3,
     .up_norm = 1,
     .up_act = 1},
    {.in_channels = 1,
     .classes = 2,
     .width = 4,
     .depth = 1,
     .norm = UNET_NORM_BATCH,
     .norm_order = UNET_ACT_FIRST,
     .convs = 1,
     .up = UNET_UP_NEAREST,
     .up_conv = UNET_UP_NO_CONV},
    {.in_channels = 1,
     .classes = 2,
     .width = 4,
     .depth = 6,
     .norm = UNET_NORM_BATCH,
     .single_act = 1},
    /* as many nodes as there can be, and as many parameters */
    {.in_channels = 1,
     .classes = 2,
     .width = 1,
     .depth = UNET_MAX_DEPTH,
     .norm = UNET_NORM_BATCH,
     .bias = UNET_BIAS_ALWAYS,
     .up = UNET_UP_NEAREST,
     .up_norm = 1,
     .up_conv = UNET_UP_CONV3X3},
    /* the same where norms stand before the convolutions */
    {.in_channels = 1,
     .classes = 2,
     .width = 1,
     .depth = UNET_MAX_DEPTH,
     .padding = UNET_PADDING_SAME,
     .norm = UNET_NORM_BATCH,
     .norm_order = UNET_BEFORE_CONV,
     .bias = UNET_BIAS_ALWAYS,
     .up = UNET_UP_NEAREST,
     .concat = UNET_CONCAT_SKIP_UP},
    {.in_channels = 3,
     .classes = 2,
     .width = 4,
     .depth = 2,
     .padding = UNET_PADDING_SAME,
     .norm = UNET_NORM_INSTANCE,
     .norm_plain = 1,
     .norm_order = UNET_BEFORE_CONV,
     .up = UNET_UP_BILINEAR},
    {.in_channels = 1,
     .classes = 2,
     .width = 2,
     .depth = 7,
     .widest = 20,
     .padding = UNET_PADDING_SAME,
     .down = UNET_DOWN_CONV,
     .norm = UNET_NORM_INSTANCE},
};

/* What a name would have to be: names are in files, so neither may change. */
static void spell(const struct un_graph *graph, const struct un_node *node, char name[40])
{
    static const char *const roles[] = {"enc", "up", "dec"};
    const struct un_where w = node->where;
    const bool bottom = w.role == UN_ROLE_ENC && w.level == graph->spec.depth;
    char block[20];
    snprintf(block, sizeof block, bottom ? "bottleneck" : "%s_%d",
             roles[w.role == UN_ROLE_HEAD ? 0 : w.role], w.level);
    if (node->kind == UN_NODE_MAXPOOL || node->kind == UN_NODE_UPSAMPLE)
        snprintf(name, 40, "%s_%d", node->kind == UN_NODE_MAXPOOL ? "pool" : "upsample", w.level);
    else if (w.role == UN_ROLE_UP)
        snprintf(name, 40, "up%s_%d", node->kind == UN_NODE_NORM ? "norm" : "conv", w.level);
    else if (w.role == UN_ROLE_HEAD)
        strcpy(name, "out_conv");
    else
        snprintf(name, 40, "%s.conv_block.%d", block, w.number);
}

static void test_where(void **state)
{
    static const char *const suffixes[] = {"weight", "bias", "running_mean", "running_var"};
    struct un_graph graph;
    (void)state;
    for (size_t k = 0; k < sizeof told / sizeof *told; k++) {
        un_graph_build(&graph, &told[k]);
        int index = -1;
        for (int i = 0; i < graph.node_count; i++) {
            const struct un_node *node = &graph.nodes[i];
            const struct un_where w = node->where;
            char name[40];
            spell(&graph, node, name);
            /* a norm of two maps has a part of each */
            const bool part = node->kind == UN_NODE_NORM && w.role == UN_ROLE_DEC && w.index == 0 &&
                              graph.spec.norm_order == UNET_BEFORE_CONV;
            if (part)
                strcat(name,
                       graph.nodes[node->src[0] - 1].where.role == UN_ROLE_UP ? ".up" : ".skip");
            if (strcmp(name, node->name))
                fail_msg("spec %zu: %s says that it is %s", k, node->name, name);
            if (graph.spec.norm_order == UNET_BEFORE_CONV)
                index = w.index;                 /* a block does not begin with a convolution */
            else if (node->kind == UN_NODE_CONV) /* counted within the block */
                index = i && graph.nodes[i - 1].where.role == w.role &&
                                graph.nodes[i - 1].where.level == w.level
                            ? index + 1
                            : 0;
            if (node->kind <= UN_NODE_NORM && w.role != UN_ROLE_UP && w.index != index)
                fail_msg("spec %zu: %s is number %d of its block, says %d", k, node->name, index,
                         w.index);
        }
        for (int i = 0; i < graph.param_count; i++) {
            const struct un_param *p = &graph.params[i];
            char name[60];
            snprintf(name, sizeof name, "%s.%s", graph.nodes[p->node].name, suffixes[p->kind]);
            if (strcmp(name, p->name))
                fail_msg("spec %zu: %s says that it is %s", k, p->name, name);
        }
        assert_true(graph.node_count <= UN_MAX_NODES && graph.param_count <= UN_MAX_PARAMS);
        int up = un_graph_decoder(&graph);
        assert_true(graph.nodes[up].where.role == UN_ROLE_UP);
        assert_true(!strncmp(graph.nodes[up - 1].name, "bottleneck.", 11));
    }
}

/* ---- sides ---- */

static const struct {
    unet_spec spec;
    int border, least, fit; /* the smallest input, and the one that at least 500 becomes */
} sides[] = {
    {{.in_channels = 1, .classes = 2, .width = 4, .depth = 4}, 92, 188, 508},
    {{.in_channels = 1, .classes = 2, .width = 4, .depth = 4, .padding = UNET_PADDING_SAME},
     96,
     16,
     500},
    {{.in_channels = 1, .classes = 2, .width = 4, .depth = 1, .padding = UNET_PADDING_SAME},
     8,
     2,
     500},
    {{.in_channels = 1, .classes = 2, .width = 4, .depth = 2, .convs = 1}, 10, 22, 502},
    {{.in_channels = 1, .classes = 2, .width = 4, .depth = 2, .up = UNET_UP_BILINEAR}, 23, 48, 500},
    {{.in_channels = 1,
      .classes = 2,
      .width = 4,
      .depth = 2,
      .up = UNET_UP_BILINEAR,
      .up_conv = UNET_UP_CONV3X3},
     26,
     56,
     500},
    {{.in_channels = 1,
      .classes = 2,
      .width = 4,
      .depth = 3,
      .up = UNET_UP_BILINEAR,
      .padding = UNET_PADDING_SAME,
      .up_conv = UNET_UP_CONV3X3},
     64,
     8,
     500},
    /* to the left: 2 in level 0, 1 + 2 in level 1, 2 + 1 in level 2; down again 7, 8; 17, 19 */
    {{.in_channels = 1,
      .classes = 2,
      .width = 4,
      .depth = 2,
      .padding = UNET_PADDING_SAME,
      .down = UNET_DOWN_CONV},
     20,
     4,
     500},
};

/* Sides of networks with strided convolutions are multiples of 2^depth; the usual number of
 * channels ends to double. */
static void test_strided(void **state)
{
    const unet_spec spec = {.in_channels = 1,
                            .classes = 2,
                            .width = 3,
                            .depth = 7,
                            .widest = 20,
                            .padding = UNET_PADDING_SAME,
                            .down = UNET_DOWN_CONV};
    static const int widths[] = {3, 6, 12, 20, 20, 20, 20, 20};
    struct un_graph graph;
    unet_error err;
    int halved = 0, height = 384, width = 128;
    (void)state;
    un_graph_build(&graph, &spec);
    if (un_graph_size(&graph, 1, height, width, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < graph.node_count; i++) {
        const struct un_node *node = &graph.nodes[i];
        const struct un_where w = node->where;
        assert_true(node->kind == UN_NODE_CONV);
        if (w.role != UN_ROLE_HEAD)
            assert_int_equal(node->channels, widths[w.level]);
        if (node->conv != UN_CONV3X3_HALF)
            continue;
        assert_true(w.role == UN_ROLE_ENC && w.level == ++halved && w.index == 0);
        height /= 2;
        width /= 2;
        assert_true(node->shape.h == height && node->shape.w == width && node->top[0] == -1);
    }
    assert_int_equal(halved, 7);
    struct un_shape out = un_graph_value(&graph, graph.outputs[0]);
    assert_true(out.h == 384 && out.w == 128);
    assert_int_equal(un_graph_size(&graph, 1, 384, 130, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "the next larger side that does is 256"));
    assert_true(graph.geometry.even && graph.geometry.grid == 128);
    unet_spec wrong = spec;
    wrong.padding = UNET_PADDING_VALID;
    assert_int_equal(un_spec_check(&wrong, &err), UNET_EINVAL);
    assert_string_equal(err.text, "down is conv, wanted only with same padding");
    wrong = spec;
    wrong.depth = UNET_MAX_DEPTH + 1;
    assert_int_equal(un_spec_check(&wrong, &err), UNET_EINVAL);
}

/* What a norm before a convolution cannot go with. */
static void test_before_conv(void **state)
{
    static const unet_spec good = {.in_channels = 3,
                                   .classes = 2,
                                   .width = 8,
                                   .depth = 2,
                                   .padding = UNET_PADDING_SAME,
                                   .norm = UNET_NORM_GROUP,
                                   .groups = 8,
                                   .norm_order = UNET_BEFORE_CONV};
    static const struct {
        const char *field, *value, *message;
    } rows[] = {
        {"groups", "32", NULL}, /* 3 of the image, 16 of 8 and 8 channels, one each */
        {"groups", "5",
         "groups is 5, which does not divide the 8 channels that a block of level 0 "
         "reads"},
        {"norm", "none", "norm_order is before_conv, wanted only with a norm"},
        {"padding", "valid", "norm_order is before_conv, wanted only with same padding"},
        {"down", "conv", "norm_order is before_conv, wanted only with poolings (down pool)"},
        {"up_norm", "1", "norm_order is before_conv, wanted only with up_norm 0"},
        {"single_act", "1", "norm_order is before_conv, wanted only with single_act 0"},
        {"norm_plain", "1", "norm_plain is 1, wanted only with instance norm"},
    };
    unet_error err = {0};
    (void)state;
    assert_int_equal(un_spec_check(&good, &err), UNET_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unet_spec spec = good;
        err.text[0] = 0;
        assert_int_equal(
            un_field_set(&spec, sizeof spec, &un_spec_fields, rows[i].field, rows[i].value, &err),
            UNET_OK);
        un_spec_check(&spec, &err);
        if (strcmp(err.text, rows[i].message ? rows[i].message : ""))
            fail_msg("%s %s: \"%s\"", rows[i].field, rows[i].value, err.text);
    }
    unet_spec uneven = good; /* 6 + 10 channels in 2 groups of 8 */
    uneven.groups = 2;
    uneven.in_channels = 2;
    uneven.channels = (unet_channels){.up = {6, 0}, .enc = {{8, 10}}};
    assert_int_equal(un_spec_check(&uneven, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "channels of the skip connection and others in one group"));
}

static void test_sides(void **state)
{
    struct un_graph graph;
    (void)state;
    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++) {
        un_graph_build(&graph, &sides[k].spec);
        int least = un_fit_input(&graph, 1), fit = un_fit_input(&graph, 500), in;
        if (graph.geometry.border != sides[k].border || least != sides[k].least ||
            fit != sides[k].fit)
            fail_msg("spec %zu: border %d, the smallest side %d, then %d; wanted %d, %d, %d", k,
                     graph.geometry.border, least, fit, sides[k].border, sides[k].least,
                     sides[k].fit);
        int out = un_fit_output(&graph, 300, &in);
        assert_int_equal(un_graph_size(&graph, 1, in, least, NULL), UNET_OK);
        struct un_shape shape = un_graph_value(&graph, graph.outputs[0]);
        if (shape.h != out || out < 300 ||
            (graph.geometry.valid && in - out != 2 * sides[k].border))
            fail_msg("spec %zu: %d gives %d, the graph %d", k, in, out, shape.h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_sides),
        cmocka_unit_test(test_before_conv),
        cmocka_unit_test(test_strided),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}

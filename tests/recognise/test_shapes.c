/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks told by shapes alone: tables of arrays of our own graphs under names that say little or
 * nothing, in several orders, are mapped as they were; and tables that are none say why.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/model.h"
#include "recognise/recognise.h"
#include "support/known.h"

enum { MOST = 200 };

struct table {
    char names[MOST][96];
    struct un_array items[MOST];
    struct un_arrays arrays;
    int param[MOST]; /* which parameter of the graph an array is */
};

static struct table table;
static struct un_graph graph;

static void clear(bool ordered)
{
    memset(&table, 0, sizeof table);
    table.arrays = (struct un_arrays){
        .format = "test", .items = table.items, .ordered = ordered, .hints = un_hints_none()};
}

static void add(const char *name, int dims, const int *shape, int param)
{
    int i = table.arrays.count++;
    struct un_array *a = &table.items[i];
    snprintf(table.names[i], sizeof table.names[i], "%s", name);
    *a = (struct un_array){
        .name = table.names[i], .dtype = un_dtype_find("F32"), .dims = dims, .count = 1};
    for (int d = 0; d < dims; d++)
        a->count *= a->shape[d] = (size_t)shape[d];
    table.param[i] = param;
}

/* How the layers of a graph are called. */
enum naming { NUMBERS, LETTERS, FLAT, NAMINGS };

static void rename_layer(enum naming naming, const char *name, int node, char *to, size_t size)
{
    const char *dot = strrchr(name, '.'); /* before weight, bias... */
    const int layer = (int)(dot - name);
    switch (naming) {
    case NUMBERS: /* one long list: the order is all there is */
        snprintf(to, size, "net.%d%s", node, dot);
        break;
    case LETTERS: /* blocks of their own names */
        if (!strncmp(name, "enc_", 4))
            snprintf(to, size, "gauche%s", name + 4);
        else if (!strncmp(name, "dec_", 4))
            snprintf(to, size, "droite%s", name + 4);
        else if (!strncmp(name, "up", 2))
            snprintf(to, size, "monte_%.*s%s", layer, name, dot);
        else
            snprintf(to, size, "%s", name);
        break;
    default: /* w_enc_0_conv_block_0 */
        snprintf(to, size, "%.*s_%s", layer, name, dot + 1);
        for (char *at = to; *at; at++)
            *at = *at == '.' ? '_' : *at;
    }
}

static void fill(const unet_spec *spec, enum naming naming, bool ordered)
{
    clear(ordered);
    un_graph_build(&graph, spec);
    for (int i = 0; i < graph.node_count; i++) {
        const struct un_node *node = &graph.nodes[i];
        const int params[] = {node->weight, node->bias, node->running_mean, node->running_var};
        if (node->kind != UN_NODE_CONV && node->kind != UN_NODE_NORM)
            continue;
        for (int k = 0; k < 4; k++) {
            char name[96];
            if (params[k] < 0)
                continue;
            const struct un_param *p = &graph.params[params[k]];
            rename_layer(naming, p->name, i, name, sizeof name);
            add(name, p->dims, p->shape, params[k]);
        }
    }
}

/* The decoder's layers before those of the encoder, as a class may list them. */
static void decoder_first(void)
{
    struct un_array items[MOST];
    int param[MOST], count = 0, encoder = 0;
    while (encoder < table.arrays.count &&
           (!strncmp(graph.params[table.param[encoder]].name, "enc_", 4) ||
            !strncmp(graph.params[table.param[encoder]].name, "bott", 4)))
        encoder++;
    for (int i = 0; i < table.arrays.count; i++) {
        int from = (i + encoder) % table.arrays.count;
        items[count] = table.items[from];
        param[count++] = table.param[from];
    }
    memcpy(table.items, items, sizeof items);
    memcpy(table.param, param, sizeof param);
}

static void expect_same(const unet_spec *spec, const char *what)
{
    struct un_recognised found;
    unet_error err;
    const unet_known known = known_of_spec(spec);
    if (un_recognise("t", &table.arrays, &known, &found, &err))
        fail_msg("%s: %s", what, err.text);
    unet_spec want = *spec;
    want.convs = un_spec_convs(&want) == 2 ? 0 : 1;
    want.leaky_slope = found.spec.leaky_slope;
    if (memcmp(&found.spec, &want, sizeof want))
        fail_msg("%s: another spec: width %d depth %d convs %d up_conv %d bias %d up_norm %d", what,
                 found.spec.width, found.spec.depth, found.spec.convs, (int)found.spec.up_conv,
                 (int)found.spec.bias, found.spec.up_norm);
    for (int i = 0; i < graph.param_count; i++)
        if (found.source[i] < 0 || table.param[found.source[i]] != i)
            fail_msg("%s: %s comes from %s", what, graph.params[i].name,
                     found.source[i] < 0 ? "nowhere" : table.items[found.source[i]].name);
}

#define BASE .in_channels = 2, .classes = 3

static const unet_spec specs[] = {
    {BASE, .width = 8, .depth = 1},
    {BASE, .width = 8, .depth = 3},
    {BASE, .width = 4, .depth = 6},
    {BASE, .width = 8, .depth = 2, .convs = 1},
    {BASE, .width = 8, .depth = 3, .norm = UNET_NORM_BATCH, .padding = UNET_PADDING_SAME},
    {BASE, .width = 8, .depth = 3, .norm = UNET_NORM_BATCH, .bias = UNET_BIAS_ALWAYS},
    {BASE, .width = 8, .depth = 2, .norm = UNET_NORM_GROUP, .groups = 4, .up_norm = 1, .up_act = 1},
    {BASE, .width = 8, .depth = 2, .norm = UNET_NORM_INSTANCE, .norm_order = UNET_ACT_FIRST},
    {BASE, .width = 8, .depth = 3, .bias = UNET_BIAS_NEVER, .concat = UNET_CONCAT_SKIP_UP},
    {BASE, .width = 8, .depth = 3, .up = UNET_UP_BILINEAR},
    {BASE, .width = 8, .depth = 2, .up = UNET_UP_NEAREST, .up_conv = UNET_UP_CONV3X3},
    {BASE, .width = 8, .depth = 2, .padding = UNET_PADDING_SAME, .up = UNET_UP_BILINEAR,
     .up_conv = UNET_UP_NO_CONV, .align_corners = 1,
     .channels = {{{0}, {0}, {16, 16}}, {{0}, {0, 8}}, {0}}},
    {BASE, .width = 5, .depth = 3,
     .channels = {{{0, 7}, {11, 13}, {17, 19}, {23, 29}},
                  {{31, 37}, {41, 43}, {47, 53}},
                  {3, 6, 9}}},
};

static void test_by_shapes(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++)
        for (int naming = 0; naming < NAMINGS; naming++)
            for (int order = 0; order < 3; order++) {
                char what[64];
                if (naming == NUMBERS && order > 0)
                    continue; /* without names and order there is nothing */
                snprintf(what, sizeof what, "spec %zu, naming %d, order %d", s, naming, order);
                fill(&specs[s], (enum naming)naming, order < 2);
                if (order == 1)
                    decoder_first();
                expect_same(&specs[s], what);
            }
}

/* One width on all levels: the decoder's numbers may run either way, which somebody has to say. */
static void test_decoder(void **state)
{
    const unet_spec spec = {BASE, .width = 8, .depth = 3,
                            .channels = {.enc = {{0}, {8, 8}, {8, 8}, {8, 8}}}};
    (void)state;
    for (int decoder = -1; decoder < 2; decoder++) {
        unet_known known = un_known_nothing();
        struct un_recognised found;
        unet_error err = {0};
        fill(&spec, LETTERS, false); /* droite0 is level 0: listed from the top */
        known.decoder = decoder;
        unet_code code = un_recognise("t", &table.arrays, &known, &found, &err);
        if (decoder < 0) {
            assert_int_equal(code, UNET_EFORMAT);
            assert_non_null(
                strstr(err.text, "whether the decoder is listed from its deepest level"));
            continue;
        }
        if (code)
            fail_msg("%s", err.text);
        for (int i = 0; i < graph.param_count; i++) {
            const char *name = graph.params[i].name;
            const char *from = graph.params[table.param[found.source[i]]].name;
            char want[64];
            snprintf(want, sizeof want, "%s", name);
            char *level = !strncmp(name, "dec_", 4)      ? want + 4
                          : !strncmp(name, "upconv_", 7) ? want + 7
                                                         : NULL;
            if (level && decoder == 0)
                *level = (char)('0' + 2 - (*level - '0'));
            if (strcmp(from, want))
                fail_msg("decoder %d: %s comes from %s", decoder, name, from);
        }
    }
}

/* ---- who is asked first ---- */

static const char *source_of(const struct un_recognised *found, const char *field)
{
    for (int i = 0; i < found->guesses; i++)
        if (!strcmp(found->guess[i].field, field))
            return found->guess[i].from;
    return "told";
}

static void test_sources(void **state)
{
    unet_spec spec = {BASE, .width = 8, .depth = 2};
    unet_known known = un_known_nothing();
    struct un_recognised found;
    unet_error err;
    (void)state;
    fill(&spec, LETTERS, true);
    assert_int_equal(un_recognise("t", &table.arrays, &known, &found, &err), UNET_OK);
    assert_string_equal(source_of(&found, "padding"), "default");
    assert_string_equal(source_of(&found, "single_act"), "numbers"); /* conv_block.0 and .2 */
    assert_int_equal(found.spec.padding, UNET_PADDING_SAME);
    table.arrays.hints.padding = UNET_PADDING_VALID;
    table.arrays.hints.single_act = 1;
    assert_int_equal(un_recognise("t", &table.arrays, &known, &found, &err), UNET_OK);
    assert_string_equal(source_of(&found, "padding"), "told");
    assert_int_equal(found.spec.padding, UNET_PADDING_VALID);
    assert_int_equal(found.spec.single_act, 1);
    known.padding = UNET_PADDING_SAME;
    known.leaky_slope = 0.3f;
    assert_int_equal(un_recognise("t", &table.arrays, &known, &found, &err), UNET_OK);
    assert_int_equal(found.spec.padding, UNET_PADDING_SAME);
    assert_int_equal(found.spec.act, UNET_ACT_LEAKY_RELU);
    assert_true(found.spec.leaky_slope == 0.3f);
}

/* What the numbers of an nn.Sequential tell, and what they do not. */
static void test_numbers(void **state)
{
    static const struct {
        int norm, second; /* behind a convolution 0 */
        const char *order_from;
        unet_norm_order order;
        int single_act;
    } rows[] = {
        {1, 3, "numbers", UNET_NORM_FIRST, 0}, {2, 3, "numbers", UNET_ACT_FIRST, 0},
        {2, 4, "default", UNET_NORM_FIRST, 0}, /* dropout stands before the norm or behind it */
        {1, 2, "default", UNET_NORM_FIRST, 1}, {1, 4, "numbers", UNET_NORM_FIRST, 0},
    };
    const unet_spec spec = {BASE, .width = 4, .depth = 2, .norm = UNET_NORM_BATCH};
    const unet_known known = un_known_nothing();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct un_recognised found;
        unet_error err;
        fill(&spec, LETTERS, true);
        for (int a = 0; a < table.arrays.count; a++) { /* numbers 0, 1, 3, 4 become those */
            char *number = strstr(table.names[a], "conv_block.");
            if (!number)
                continue;
            number += strlen("conv_block.");
            const int old = *number - '0';
            const int new = old == 0   ? 0
                            : old == 1 ? rows[i].norm
                            : old == 3 ? rows[i].second
                                       : rows[i].second + rows[i].norm;
            *number = (char)('0' + new);
        }
        if (un_recognise("t", &table.arrays, &known, &found, &err))
            fail_msg("row %zu: %s", i, err.text);
        if (strcmp(source_of(&found, "norm_order"), rows[i].order_from) ||
            found.spec.norm_order != rows[i].order || found.spec.single_act != rows[i].single_act)
            fail_msg("row %zu: order %d from %s, single_act %d", i, (int)found.spec.norm_order,
                     source_of(&found, "norm_order"), found.spec.single_act);
    }
}

/* ---- tables that are none ---- */

static int index_of(const char *name)
{
    for (int i = 0; i < table.arrays.count; i++)
        if (!strcmp(table.items[i].name, name))
            return i;
    fail_msg("no %s", name);
    return -1;
}

static void expect_refused(const char *want)
{
    const unet_known known = un_known_nothing();
    struct un_recognised found;
    unet_error err = {0};
    unet_code code = un_recognise("t.pth", &table.arrays, &known, &found, &err);
    if (code != UNET_EFORMAT || strncmp(err.text, "t.pth: ", 7) || !strstr(err.text, want))
        fail_msg("code %d, \"%s\", wanted \"%s\"", code, err.text, want);
}

static void test_refused(void **state)
{
    static const struct {
        const char *name; /* the array that is changed; NULL: one more, of this shape */
        const char *more;
        int dims, shape[5];
        const char *want;
    } rows[] = {
        {"gauche0.conv_block.0.weight",
         NULL,
         4,
         {4, 2, 7, 7},
         "has shape [4, 2, 7, 7]; a plain U-Net has 3x3, 2x2 (up) and 1x1 convolutions"},
        {"gauche0.conv_block.0.weight",
         NULL,
         5,
         {4, 2, 3, 3, 3},
         "a convolution in three dimensions"},
        {"gauche0.conv_block.0.weight",
         NULL,
         2,
         {4, 2},
         "a linear layer, and a plain U-Net has none"},
        {"gauche0.conv_block.0.bias",
         NULL,
         1,
         {5},
         "gauche0.conv_block.0.bias: has shape [5]; its layer needs [4]"},
        {"bottleneck.conv_block.2.weight",
         NULL,
         4,
         {16, 5, 3, 3},
         "bottleneck.conv_block.2.weight: has shape [16, 5, 3, 3]; no layer before it, and no "
         "two together, make 5 outputs"},
        {"droite1.conv_block.0.weight",
         NULL,
         4,
         {8, 15, 3, 3},
         "it would need 8 + 8 inputs, from below and of the skip connection"},
        {"out_conv.weight",
         NULL,
         4,
         {3, 9, 1, 1},
         "as the last convolution of level 0 it would need 4 inputs"},
        {"out_conv.weight", NULL, 4, {0, 4, 1, 1}, "wanted 1 to 65536 channels"},
        {NULL, "fc.weight", 2, {10, 4}, "fc.weight: has shape [10, 4]; a linear layer"},
        {NULL, "extra.weight", 4, {4, 4, 3, 3}, "tensor "},
        {NULL, "second_head.weight", 4, {3, 4, 1, 1}, "1x1 convolution"},
        {NULL, "norm.weight", 1, {4}, "norm"},
        {NULL, "alpha", 1, {4}, "alpha: has shape [4]; it belongs to no layer of a plain U-Net"},
        {NULL, "lost.bias", 1, {4}, "lost.bias: has shape [4]; its layer has no weight"},
        {NULL, "out_conv.weight", 4, {3, 4, 1, 1}, "the name occurs twice"},
        {NULL, "conv_blocks_context.0.weight", 4, {4, 4, 3, 3}, "names of nnU-Net's first"},
    };
    const unet_spec spec = {BASE, .width = 4, .depth = 2};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fill(&spec, LETTERS, true);
        if (rows[i].name) {
            struct un_array *a = &table.items[index_of(rows[i].name)];
            a->dims = rows[i].dims;
            for (int d = 0; d < a->dims; d++)
                a->shape[d] = (size_t)rows[i].shape[d];
        } else {
            add(rows[i].more, rows[i].dims, rows[i].shape, -1);
        }
        expect_refused(rows[i].want);
    }
    clear(true);
    expect_refused("has no weights of a network");
    fill(&spec, LETTERS, true);
    table.arrays.count -= 2; /* without a head */
    expect_refused("has no 1x1 convolution, with which a plain U-Net ends");
    fill(&spec, LETTERS, true);
    table.items[0].shape[0] = SIZE_MAX;
    expect_refused("wanted 1 to 65536 channels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_shapes), cmocka_unit_test(test_decoder),
        cmocka_unit_test(test_sources),   cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("recognise", tests, NULL, NULL);
}

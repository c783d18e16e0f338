/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers without arrays, told by the numbers of the others: what a network of ours has there is
 * accounted for; what may be a norm stops the import until somebody says what it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "table_maker.h"

static struct un_graph graph;
static struct table table;

enum { NAMES = 16, TOLD_NOTHING = -1 };

/* A network of depth 1 under these names; norms: batch norms behind its 3x3 convolutions. */
static void make(const char *const *names, bool norms, unet_up up)
{
    struct layer layers[LAYERS_MOST];
    const unet_spec spec = {.in_channels = 1,
                            .classes = 2,
                            .width = 4,
                            .depth = 1,
                            .norm = norms ? UNET_NORM_BATCH : UNET_NORM_NONE,
                            .up = up,
                            .padding = UNET_PADDING_SAME};
    un_graph_build(&graph, &spec);
    const int count = list_layers(&graph, layers);
    table_begin(&table, true);
    for (int i = 0; i < count; i++)
        table_add_layer(&table, &graph, &layers[i], names[i]);
    assert_null(names[count]);
}

#define BEFORE                                                                                     \
    "its number says that a layer without arrays comes before it, maybe a norm, and a plain "      \
    "U-Net has none there"
#define BETWEEN                                                                                    \
    "its number says that layers without arrays come before it: an activation, and dropout or a "  \
    "norm"

static const struct {
    const char *what;
    const char *names[NAMES];
    bool norms;
    unet_up up;
    int norm;            /* what the caller tells of it */
    const char *message; /* NULL: it is a network */
} rows[] = {
    {"an activation between",
     {"a.0", "a.2", "b.0", "b.2", "up", "c.0", "c.2", "last"},
     false,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     NULL},
    {"a norm and an activation, or dropout",
     {"a.0", "a.3", "b.0", "b.3", "up", "c.0", "c.3", "last"},
     false,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     "x: tensor a.3.weight: has shape [4, 4, 3, 3]; " BETWEEN},
    {"dropout, as is told",
     {"a.0", "a.3", "b.0", "b.3", "up", "c.0", "c.3", "last"},
     false,
     UNET_UP_TRANSPOSE,
     UNET_NORM_NONE,
     NULL},
    {"norms, as is told",
     {"a.0", "a.3", "b.0", "b.3", "up", "c.0", "c.3", "last"},
     false,
     UNET_UP_TRANSPOSE,
     UNET_NORM_INSTANCE,
     NULL},
    {"room in one block alone",
     {"a.0", "a.2", "b.0", "b.3", "up", "c.0", "c.2", "last"},
     false,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     "x: tensor b.3.weight: has shape [8, 8, 3, 3]; " BETWEEN},
    {"room in one long list",
     {"n.0", "n.3", "n.5", "n.8", "n.10", "n.11", "n.14", "n.16"},
     false,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     "x: tensor n.3.weight: has shape [4, 4, 3, 3]; " BETWEEN},
    {"norms before convolutions",
     {"enc.0.block.1", "enc.0.block.4", "base.block.1", "base.block.4", "decoder.samplers.0.conv",
      "dec.0.block.1", "dec.0.block.4", "out_conv"},
     false,
     UNET_UP_BILINEAR,
     TOLD_NOTHING,
     "x: tensor enc.0.block.1.weight: has shape [4, 1, 3, 3]; " BEFORE},
    {"norms before convolutions are no norms behind them",
     {"enc.0.block.1", "enc.0.block.4", "base.block.1", "base.block.4", "up", "dec.0.block.1",
      "dec.0.block.4", "out_conv"},
     false,
     UNET_UP_TRANSPOSE,
     UNET_NORM_INSTANCE,
     "x: tensor enc.0.block.1.weight: has shape [4, 1, 3, 3]; " BEFORE},
    {"a sequence for each convolution, norms in front",
     {"a.c1.1", "a.c2.1", "b.c1.1", "b.c2.1", "up", "c.c1.1", "c.c2.1", "last"},
     false,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     "x: tensor a.c1.1.weight: has shape [4, 1, 3, 3]; " BEFORE},
    {"a norm in front of the decoder alone",
     {"a.0", "a.2", "b.0", "b.2", "up", "c.1", "c.3", "last"},
     false,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     "x: tensor c.1.weight: has shape [4, 8, 3, 3]; " BEFORE},
    {"pooling, doubling, and dropout before the head",
     {"a.0", "a.2", "b.1", "b.3", "up.1", "c.0", "c.2", "last.1"},
     false,
     UNET_UP_BILINEAR,
     TOLD_NOTHING,
     NULL},
    {"numbers from 1",
     {"a.1", "a.2", "b.1", "b.2", "up", "c.1", "c.2", "last"},
     false,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     NULL},
    {"blocks numbered from 1",
     {"enc.1", "enc.2", "enc.3", "enc.4", "up", "dec.1", "dec.2", "last"},
     false,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     NULL},
    {"an activation in one block alone",
     {"a.0", "a.2", "b.0", "b.1", "up", "c.0", "c.2", "last"},
     false,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     "x: tensor b.1.weight: has shape [8, 8, 3, 3]; its number says that no activation comes "
     "before it, and blocks before this one have one there"},
    {"norms, activations and dropout",
     {"a.0", "a.1", "a.4", "a.5", "b.0", "b.1", "b.4", "b.5", "up", "c.0", "c.1", "c.4", "c.5",
      "last"},
     true,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     NULL},
    {"more than those",
     {"a.0", "a.1", "a.5", "a.6", "b.0", "b.1", "b.5", "b.6", "up", "c.0", "c.1", "c.5", "c.6",
      "last"},
     true,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     "x: tensor a.5.weight: has shape [4, 4, 3, 3]; its number says that more layers without "
     "arrays come before it than an activation and dropout"},
    {"norms of the right sizes in front",
     {"a.0", "b.0", "a.2", "a.1", "b.2", "b.1", "b.4", "b.3", "up", "c.2", "c.1", "c.4", "c.3",
      "last"},
     true,
     UNET_UP_TRANSPOSE,
     TOLD_NOTHING,
     "x: tensor b.0.weight: has shape [4]; its number says that the norm stands before a "
     "convolution, and in a plain U-Net each follows one"},
    {"a transposed 3x3 convolution",
     {"a.0", "a.2", "b.0", "b.2", "deconv", "c.0", "c.2", "last"},
     false,
     UNET_UP_NEAREST,
     TOLD_NOTHING,
     "x: tensor deconv.weight: has shape [4, 8, 1, 1]; a transposed convolution by its name, and a "
     "plain U-Net's are 2x2"},
};

static void test_gaps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct un_recognised found;
        unet_known known = un_known_nothing();
        unet_error err = {0};
        make(rows[i].names, rows[i].norms, rows[i].up);
        known.norm = rows[i].norm;
        const unet_code code = un_recognise("x", &table.arrays, &known, &found, &err);
        if (code != (rows[i].message ? UNET_EFORMAT : UNET_OK) ||
            strcmp(err.text, rows[i].message ? rows[i].message : ""))
            fail_msg("%s: code %d, \"%s\"", rows[i].what, (int)code, err.text);
        if (!code && rows[i].norm >= 0)
            assert_int_equal(found.spec.norm, rows[i].norm);
    }
}

/* Norms that the file lists before their convolutions, whose names tell no order. */
static void test_order(void **state)
{
    static const char *const names[] = {"a.conv1", "a.norm1", "a.conv2", "a.norm2", "b.conv1",
                                        "b.norm1", "b.conv2", "b.norm2", "up",      "c.conv1",
                                        "c.norm1", "c.conv2", "c.norm2", "last",    NULL};
    struct un_recognised found;
    unet_known known = un_known_nothing();
    unet_error err = {0};
    (void)state;
    make(names, true, UNET_UP_TRANSPOSE);
    assert_int_equal(un_recognise("x", &table.arrays, &known, &found, &err), UNET_OK);
    for (int i = 0; i + 4 < table.arrays.count; i++) { /* four of a norm before one weight */
        if (!strstr(table.items[i].name, ".conv") || !strstr(table.items[i + 1].name, ".norm"))
            continue;
        const struct un_array weight = table.items[i];
        memmove(&table.items[i], &table.items[i + 1], 4 * sizeof weight);
        table.items[i + 4] = weight;
    }
    assert_int_equal(un_recognise("x", &table.arrays, &known, &found, &err), UNET_EFORMAT);
    if (!strstr(err.text, "the file has every norm before its convolution"))
        fail_msg("%s", err.text);
    known.norm_order = UNET_NORM_FIRST; /* who knows that says that they follow */
    if (un_recognise("x", &table.arrays, &known, &found, &err))
        fail_msg("%s", err.text);
}

/* A file that says how the network runs needs no numbers. */
static void test_told_by_file(void **state)
{
    static const char *const names[] = {"a.1", "a.4", "b.1",  "b.4", "up",
                                        "c.1", "c.4", "last", NULL};
    struct un_recognised found;
    const unet_known known = un_known_nothing();
    unet_error err = {0};
    (void)state;
    make(names, false, UNET_UP_TRANSPOSE);
    assert_int_equal(un_recognise("x", &table.arrays, &known, &found, &err), UNET_EFORMAT);
    assert_int_equal(err.hints, UNET_HINT_NORM);
    table.arrays.hints.padding = UNET_PADDING_SAME;
    if (un_recognise("x", &table.arrays, &known, &found, &err))
        fail_msg("%s", err.text);
    assert_int_equal(found.spec.norm, UNET_NORM_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_told_by_file),
    };
    return cmocka_run_group_tests_name("gaps", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of every shape, under names that say little, in several orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "table_maker.h"

static struct un_graph graph;
static struct table table;

enum naming {
    LAYER_NUMBERS, /* layers.17 */
    ONE_DICT,      /* a.b.c17 */
    PREFIXED,      /* module.net.op_17 */
    BY_PLACE,      /* enc2.conv1, enc2.norm1 */
    NESTED,        /* decoder.blocks.1.conv.0 */
    NAMINGS
};

static void name_layer(enum naming naming, const struct layer *layer, int index, char name[80])
{
    static const char *const short_roles[] = {"enc", "up", "dec", "head"};
    static const char *const long_roles[] = {"encoder", "upsample", "decoder", "logits"};
    const int role = (int)(strchr("eudh", layer->role) - "eudh");
    switch (naming) {
    case LAYER_NUMBERS:
        snprintf(name, 80, "layers.%d", index);
        break;
    case ONE_DICT:
        snprintf(name, 80, "a.b.c%d", index);
        break;
    case PREFIXED:
        snprintf(name, 80, "module.net.op_%d", index);
        break;
    case BY_PLACE:
        snprintf(name, 80, "%s%d.%s%d", short_roles[role], layer->level,
                 layer->norm ? "norm" : "conv", layer->conv);
        break;
    default:
        snprintf(name, 80, "%s.blocks.%d.%s.%d", long_roles[role], layer->level,
                 layer->norm ? "bn" : "conv", layer->conv);
    }
}

enum order { AS_IT_RUNS, DECODER_FIRST, SORTED };

static bool is_way_up(const struct layer *layer)
{
    return layer->role == 'u' || layer->role == 'd';
}

static void make_table(const unet_spec *spec, enum naming naming, enum order order)
{
    struct layer layers[LAYERS_MOST];
    char name[80];
    un_graph_build(&graph, spec);
    int count = list_layers(&graph, layers), index = 0;
    table_begin(&table, true);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < count; i++) {
            const bool first = order == DECODER_FIRST ? is_way_up(&layers[i]) : true;
            if (first != (pass == 0))
                continue;
            name_layer(naming, &layers[i], index++, name);
            table_add_layer(&table, &graph, &layers[i], name);
        }
    if (order == SORTED)
        table_sort(&table);
}

/* Without an order, numbers may rise or fall along a decoder of one width; and nothing tells a 3x3
 * convolution after a doubling from one that is a whole block. */
static bool is_open(const unet_spec *spec)
{
    return spec->channels.enc[1][0] == spec->channels.enc[0][0] * (spec->channels.enc[0][0] > 0) &&
           (spec->channels.enc[0][0] > 0 || (spec->convs == 1 && spec->up_conv == UNET_UP_CONV3X3));
}

static void check_any(const unet_spec *spec, enum naming naming, enum order order)
{
    static const char *const orders[] = {"as it runs", "decoder first", "sorted"};
    const unet_known known = known_of_spec(spec);
    struct un_recognised found;
    unet_error err;
    const char *differs;
    make_table(spec, naming, order);
    if (un_recognise("x", &table.arrays, &known, &found, &err))
        differs = err.text;
    else
        differs = table_differs(&table, spec, &found);
    if (differs && order == SORTED && is_open(spec) && strstr(differs, "neither their names nor"))
        differs = NULL;
    if (differs)
        fail_msg("names %d, %s; depth %d width %d convs %d norm %d bias %d up %d up_conv %d "
                 "up_norm %d enc[1] %d: %s",
                 (int)naming, orders[order], spec->depth, spec->width, spec->convs, (int)spec->norm,
                 (int)spec->bias, (int)spec->up, (int)spec->up_conv, spec->up_norm,
                 spec->channels.enc[1][0], differs);
}

/* Orders that mean something settle it whatever the names are; else names have to. */
static void check_all_names(const unet_spec *spec)
{
    for (int naming = 0; naming < NAMINGS; naming++) {
        check_any(spec, (enum naming)naming, AS_IT_RUNS);
        check_any(spec, (enum naming)naming, DECODER_FIRST);
    }
    check_any(spec, BY_PLACE, SORTED);
    check_any(spec, NESTED, SORTED);
}

static const struct {
    unet_up up;
    unet_up_conv conv;
} ups[] = {
    {UNET_UP_TRANSPOSE, UNET_UP_CONV1X1}, {UNET_UP_BILINEAR, UNET_UP_CONV1X1},
    {UNET_UP_BILINEAR, UNET_UP_CONV3X3},  {UNET_UP_BILINEAR, UNET_UP_NO_CONV},
    {UNET_UP_NEAREST, UNET_UP_CONV3X3},
};

enum { UPS = sizeof ups / sizeof *ups };

static unet_spec spec_of(int depth, int convs, int up)
{
    return (unet_spec){.in_channels = 3,
                       .classes = 2,
                       .width = 4,
                       .depth = depth,
                       .convs = convs == 2 ? 0 : convs,
                       .padding = UNET_PADDING_SAME,
                       .leaky_slope = 0.1f,
                       .up = ups[up].up,
                       .up_conv = ups[up].conv};
}

static void test_depths(void **state)
{
    (void)state;
    for (int depth = 1; depth <= UNET_MAX_DEPTH; depth++)
        for (int convs = 1; convs <= 2; convs++)
            for (int up = 0; up < UPS; up++)
                for (int norm = 0; norm <= UNET_NORM_INSTANCE; norm++) {
                    unet_spec spec = spec_of(depth, convs, up);
                    spec.norm = (unet_norm)norm;
                    check_all_names(&spec);
                }
}

static void test_biases(void **state)
{
    (void)state;
    for (int bias = 0; bias <= UNET_BIAS_NEVER; bias++)
        for (int norm = 0; norm <= UNET_NORM_GROUP; norm++)
            for (int up_norm = 0; up_norm < 2; up_norm++)
                for (int up = 0; up < UPS; up++) {
                    unet_spec spec = spec_of(2, 2, up);
                    spec.bias = (unet_bias)bias;
                    spec.norm = (unet_norm)norm;
                    spec.groups = norm == UNET_NORM_GROUP ? 2 : 0;
                    spec.up_norm = spec.up_act = up_norm;
                    if (un_spec_check(&spec, NULL) == UNET_OK)
                        check_all_names(&spec);
                }
}

/* The same number of channels everywhere; and odd numbers without a rule. */
static void test_widths(void **state)
{
    (void)state;
    for (int depth = 1; depth <= UNET_SET_DEPTH; depth++)
        for (int up = 0; up < UPS; up++)
            for (int odd = 0; odd < 2; odd++) {
                unet_spec spec = spec_of(depth, 2, up);
                spec.width = 5;
                for (int d = 0; d <= depth; d++)
                    for (int i = 0; i < 2; i++) {
                        spec.channels.enc[d][i] = odd ? 3 + 2 * d + 4 * i : 5;
                        if (d < depth)
                            spec.channels.dec[d][i] = odd ? 7 + 2 * d + 2 * i : 5;
                        if (d < depth)
                            spec.channels.up[d] = odd ? 9 + 4 * d : 5;
                    }
                check_all_names(&spec);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depths),
        cmocka_unit_test(test_biases),
        cmocka_unit_test(test_widths),
    };
    return cmocka_run_group_tests_name("recognise", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables that are no plain U-Net, with what is said about them; and who is asked first about what
 * shapes do not tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "table_maker.h"

static struct un_graph graph;
static struct table table;

/* enc0.0, enc0.1 (norm), enc0.3, enc0.4, ..., up0, dec0.0, ..., head; widths 4, 8, 16 */
static void make_plain(int depth, bool norms)
{
    struct layer layers[LAYERS_MOST];
    unet_spec spec = {.in_channels = 1,
                      .classes = 2,
                      .width = 4,
                      .depth = depth,
                      .norm = norms ? UNET_NORM_BATCH : UNET_NORM_NONE};
    un_graph_build(&graph, &spec);
    int count = list_layers(&graph, layers);
    table_begin(&table, true);
    for (int i = 0; i < count; i++) {
        static const char *const roles[] = {"enc", "up", "dec", "head"};
        const struct layer *l = &layers[i];
        const int role = (int)(strchr("eudh", l->role) - "eudh");
        const char *block = strstr(l->node->name, ".conv_block");
        char name[80];
        if (role == 3)
            snprintf(name, sizeof name, "head");
        else
            snprintf(name, sizeof name, "%s%d%s", roles[role], l->level,
                     block ? strrchr(block, '.') : "");
        table_add_layer(&table, &graph, l, name);
    }
}

static void set_shape(const char *name, int dims, size_t a, size_t b, size_t c, size_t d, size_t e)
{
    struct un_array *array = table_get(&table, name);
    const size_t shape[] = {a, b, c, d, e};
    array->dims = dims;
    memcpy(array->shape, shape, sizeof shape);
}

static void add(const char *name, int dims, size_t a, size_t b, size_t c, size_t d)
{
    const size_t shape[] = {a, b, c, d};
    table_add(&table, name, dims, shape);
}

/* ---- the changes ---- */

static void wide_kernel(void)
{
    set_shape("enc0.0.weight", 4, 4, 1, 7, 7, 0);
}
static void three_dimensions(void)
{
    set_shape("enc0.0.weight", 5, 4, 1, 3, 3, 3);
}
static void linear(void)
{
    add("fc.weight", 2, 10, 16, 0, 0);
}
static void two_sides(void)
{
    set_shape("enc0.2.weight", 4, 4, 4, 3, 1, 0);
}
static void short_norm(void)
{
    set_shape("enc0.1.running_mean", 1, 3, 0, 0, 0, 0);
}
static void short_bias(void)
{
    set_shape("head.bias", 1, 3, 0, 0, 0, 0);
}
static void narrow_norm(void)
{
    static const char *const names[] = {"enc0.1.weight", "enc0.1.bias", "enc0.1.running_mean",
                                        "enc0.1.running_var"};
    for (int i = 0; i < 4; i++)
        set_shape(names[i], 1, 5, 0, 0, 0, 0);
}
static void no_head(void)
{
    table_drop(&table, "head.weight");
    table_drop(&table, "head.bias");
}
static void extra_conv(void)
{
    add("enc0.6.weight", 4, 4, 4, 3, 3);
}
static void second_head(void)
{
    add("head2.weight", 4, 3, 4, 1, 1);
}
static void mixed_norms(void)
{
    table_drop(&table, "dec0.4.weight");
    table_drop(&table, "dec0.4.bias");
    table_drop(&table, "dec0.4.running_mean");
    table_drop(&table, "dec0.4.running_var");
}
static void mixed_statistics(void)
{
    table_drop(&table, "dec0.4.running_mean");
    table_drop(&table, "dec0.4.running_var");
}
static void one_statistic(void)
{
    table_drop(&table, "dec0.4.running_var");
}
static void norm_without_bias(void)
{
    table_drop(&table, "dec0.4.bias");
}
static void lost_bias(void)
{
    table_drop(&table, "dec0.2.bias");
}
static void misfit(void)
{
    set_shape("dec0.0.weight", 4, 4, 9, 3, 3, 0);
}
static void twice(void)
{
    add("enc0.0.weight", 4, 4, 1, 3, 3);
}
static void twice_in_words(void)
{
    add("enc0.0.kernel", 4, 4, 1, 3, 3);
}
static void only_bias(void)
{
    table_drop(&table, "enc0.0.weight");
}
static void no_layer(void)
{
    add("pos_embed", 1, 4, 0, 0, 0);
}
static void huge(void)
{
    set_shape("enc0.0.weight", 4, (size_t)1 << 63, 1, 3, 3, 0);
}
static void huge_norm(void)
{
    add("n.weight", 1, SIZE_MAX, 0, 0, 0);
}
static void none_out(void)
{
    set_shape("head.weight", 4, 0, 4, 1, 1, 0);
}
static void too_wide(void)
{
    set_shape("enc0.0.weight", 4, 65537, 1, 3, 3, 0);
}
static void empty(void)
{
    table.arrays.count = 0;
}
static void only_counters(void)
{
    table.arrays.count = 0;
    add("bn.num_batches_tracked", 0, 0, 0, 0, 0);
}
static void too_deep(void)
{
    for (int i = 0; i < UNET_MAX_DEPTH; i++) {
        char name[32];
        snprintf(name, sizeof name, "more%d.weight", i);
        add(name, 4, 4, 4, 2, 2);
    }
}
static void head_norm(void)
{
    add("head_bn.weight", 1, 2, 0, 0, 0);
    add("head_bn.bias", 1, 2, 0, 0, 0);
}
static void nnunet(void)
{
    add("conv_blocks_context.0.x.weight", 4, 4, 1, 3, 3);
}

static const struct {
    void (*change)(void);
    bool norms;
    const char *message;
} wrong[] = {
    {wide_kernel, false,
     "x: tensor enc0.0.weight: has shape [4, 1, 7, 7]; a plain U-Net has 3x3, 2x2 (up) and 1x1 "
     "convolutions"},
    {three_dimensions, false,
     "x: tensor enc0.0.weight: has shape [4, 1, 3, 3, 3]; a convolution in three dimensions, and "
     "unet's have two"},
    {linear, false,
     "x: tensor fc.weight: has shape [10, 16]; a linear layer, and a plain U-Net has none"},
    {two_sides, false,
     "x: tensor enc0.2.weight: has shape [4, 4, 3, 1]; a kernel of 3x1, which treats rows and "
     "columns differently (as a plan of nnU-Net does whose patches or pixels are not square); "
     "unet's are square"},
    {short_norm, true, "x: tensor enc0.1.running_mean: has shape [3]; its layer needs [4]"},
    {short_bias, false, "x: tensor head.bias: has shape [3]; its layer needs [2]"},
    {narrow_norm, true,
     "x: tensor enc0.1.weight: has shape [5]; a norm for which no convolution of 5 outputs is "
     "left; in a plain U-Net each follows a convolution"},
    {no_head, false, "x: has no 1x1 convolution, with which a plain U-Net ends"},
    {extra_conv, false,
     "x: tensor enc0.6.weight: has shape [4, 4, 3, 3]; it belongs to no layer of the U-Net with 2 "
     "poolings that the others make"},
    {second_head, false,
     "x: tensor head.weight: has shape [2, 4, 1, 1]; it is one of 2 1x1 convolutions, and a plain "
     "U-Net with up-convolutions has one, its last"},
    {mixed_norms, true,
     "x: tensor dec0.3.weight: has shape [4, 4, 3, 3]; it has no norm behind it, and the layers "
     "before it have one"},
    {mixed_statistics, true, "x: some norms have running statistics and some have none"},
    {one_statistic, true,
     "x: tensor dec0.4.running_mean: has shape [4]; a norm has both running_mean and running_var"},
    {norm_without_bias, true,
     "x: tensor dec0.4.weight: has shape [4]; a norm without a bias, or a PReLU, and a plain U-Net "
     "has neither"},
    {lost_bias, false,
     "x: tensor dec0.2.weight: has shape [4, 4, 3, 3]; it has no bias, and the layers before it "
     "have one"},
    {misfit, false,
     "x: tensor dec0.0.weight: has shape [4, 9, 3, 3]; as the decoder of level 0 it would need 4 + "
     "4 inputs, from below and of the skip connection"},
    {twice, false, "x: tensor enc0.0.weight: has shape [4, 1, 3, 3]; the name occurs twice"},
    {twice_in_words, false,
     "x: tensor enc0.0.kernel: has shape [4, 1, 3, 3]; the name occurs twice"},
    {only_bias, false, "x: tensor enc0.0.bias: has shape [4]; its layer has no weight"},
    {no_layer, false,
     "x: tensor pos_embed: has shape [4]; it belongs to no layer of a plain U-Net (those have "
     "weight, bias, running_mean and running_var)"},
    {huge, false,
     "x: tensor enc0.0.weight: has shape [9223372036854775808, 1, 3, 3]; wanted 1 to 65536 "
     "channels"},
    {huge_norm, false,
     "x: tensor n.weight: has shape [18446744073709551615]; wanted 1 to 65536 channels"},
    {none_out, false, "x: tensor head.weight: has shape [0, 4, 1, 1]; wanted 1 to 65536 channels"},
    {too_wide, false,
     "x: tensor enc0.0.weight: has shape [65537, 1, 3, 3]; wanted 1 to 65536 channels"},
    {empty, false, "x: has no weights of a network"},
    {only_counters, false, "x: has no weights of a network"},
    {too_deep, false,
     "x: tensor up1.weight: has shape [16, 8, 2, 2]; it is one of 10 of its kind, and unet's "
     "networks have at most 8 poolings"},
    {head_norm, true,
     "x: tensor head_bn.weight: has shape [2]; a norm behind the last convolution, and a plain "
     "U-Net has none there"},
    {nnunet, false,
     "x: tensor conv_blocks_context.0.x.weight: is of a network with the names of nnU-Net's first "
     "version; that of its second is read"},
};

static void test_wrong(void **state)
{
    const unet_known nothing = un_known_nothing();
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct un_recognised found = {.guesses = -7};
        unet_error err = {0};
        make_plain(2, wrong[i].norms);
        wrong[i].change();
        unet_code code = un_recognise("x", &table.arrays, &nothing, &found, &err);
        if (code != UNET_EFORMAT || strcmp(err.text, wrong[i].message))
            fail_msg("row %zu: code %d, \"%s\", wanted \"%s\"", i, (int)code, err.text,
                     wrong[i].message);
        assert_int_equal(found.guesses, -7); /* set only on success */
    }
}

/* ---- who is asked first ---- */

static void recognise(const unet_known *known, struct un_recognised *found)
{
    const unet_known nothing = un_known_nothing();
    unet_error err;
    if (un_recognise("x", &table.arrays, known ? known : &nothing, found, &err))
        fail_msg("%s", err.text);
}

/* From what a field was guessed, "told": it was not. */
static const char *origin(const struct un_recognised *found, const char *field)
{
    for (int i = 0; i < found->guesses; i++)
        if (!strcmp(found->guess[i].field, field))
            return found->guess[i].from;
    return "told";
}

static void test_defaults(void **state)
{
    struct un_recognised found;
    (void)state;
    make_plain(2, true);
    recognise(NULL, &found);
    assert_null(found.layout);
    assert_int_equal(found.guesses, 6);
    assert_string_equal(origin(&found, "padding"), "default");
    assert_string_equal(origin(&found, "act"), "default");
    assert_string_equal(origin(&found, "single_act"), "numbers");
    assert_string_equal(origin(&found, "norm_order"), "numbers");
    assert_string_equal(origin(&found, "concat"), "default");
    assert_string_equal(origin(&found, "up_act"), "default");
    assert_string_equal(origin(&found, "norm"), "told"); /* by running statistics */
    assert_int_equal(found.spec.padding, UNET_PADDING_SAME);
    assert_int_equal(found.spec.norm, UNET_NORM_BATCH);
}

static void test_sources(void **state)
{
    struct un_recognised found;
    unet_known known = un_known_nothing();
    (void)state;
    make_plain(2, true);
    table.arrays.hints.concat = UNET_CONCAT_SKIP_UP; /* hints before defaults and numbers */
    table.arrays.hints.norm_order = UNET_ACT_FIRST;
    table.arrays.hints.act = UNET_ACT_LEAKY_RELU;
    table.arrays.hints.leaky_slope = 0.3f;
    table.arrays.hints.norm_epsilon = 1e-3f;
    recognise(NULL, &found);
    assert_int_equal(found.spec.concat, UNET_CONCAT_SKIP_UP);
    assert_int_equal(found.spec.norm_order, UNET_ACT_FIRST);
    assert_int_equal(found.spec.act, UNET_ACT_LEAKY_RELU);
    assert_true(found.spec.leaky_slope == 0.3f && found.spec.norm_epsilon == 1e-3f);
    assert_string_equal(origin(&found, "concat"), "told");
    assert_string_equal(origin(&found, "norm_order"), "told");
    known.concat = UNET_CONCAT_UP_SKIP; /* who calls before hints */
    known.norm_order = UNET_NORM_FIRST;
    known.act = UNET_ACT_RELU;
    known.single_act = 1; /* and before numbers */
    known.padding = UNET_PADDING_VALID;
    known.norm_epsilon = 1e-4f;
    known.up_act = 1;
    recognise(&known, &found);
    assert_int_equal(found.guesses, 0);
    assert_int_equal(found.spec.concat, UNET_CONCAT_UP_SKIP);
    assert_int_equal(found.spec.norm_order, UNET_NORM_FIRST);
    assert_int_equal(found.spec.act, UNET_ACT_RELU);
    assert_int_equal(found.spec.single_act, 1);
    assert_int_equal(found.spec.padding, UNET_PADDING_VALID);
    assert_int_equal(found.spec.up_act, 1);
    assert_true(found.spec.norm_epsilon == 1e-4f);
}

/* What settings beside the arrays say; who calls knows better. */
static void test_settings(void **state)
{
    static const struct {
        const char *key, *text;
        const char *stranger; /* NULL: act and slope are taken */
        unet_act act;
        float slope;
    } rows[] = {
        {"act", "elu", "ELU", 0, 0},
        {"nonlin", "torch.nn.GELU()", "GELU", 0, 0},
        {"activation", "swish", "SiLU (swish)", 0, 0},
        {"act_layer", "<class 'torch.nn.modules.activation.SiLU'>", "SiLU", 0, 0},
        {"Activation", "ReLU", NULL, UNET_ACT_RELU, 0},
        {"act", "leaky_relu", NULL, UNET_ACT_LEAKY_RELU, 0.01f},
        {"act", "nn.LeakyReLU(negative_slope=0.2, inplace=True)", NULL, UNET_ACT_LEAKY_RELU, 0.2f},
        {"nonlinearity", "LeakyReLU(0.3)", NULL, UNET_ACT_LEAKY_RELU, 0.3f},
        {"activation", "sigmoid", NULL, UNET_ACT_RELU, 0}, /* of what follows the network */
        {"name", "elu", NULL, UNET_ACT_RELU, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct un_recognised found;
        unet_known known = un_known_nothing();
        unet_error err;
        char want[128];
        make_plain(2, true);
        un_hints_take_text(&table.arrays.hints, rows[i].key, rows[i].text);
        unet_code code = un_recognise("x", &table.arrays, &known, &found, &err);
        snprintf(want, sizeof want,
                 "x: its settings name the activation %s, which none of unet's networks has",
                 rows[i].stranger ? rows[i].stranger : "");
        if (rows[i].stranger ? code != UNET_EFORMAT || strcmp(err.text, want) : code)
            fail_msg("%s: code %d, \"%s\"", rows[i].text, (int)code, code ? err.text : "");
        if (code) {
            known.act = UNET_ACT_RELU;
            recognise(&known, &found);
        }
        if (found.spec.act != rows[i].act ||
            (rows[i].slope > 0 && found.spec.leaky_slope != rows[i].slope))
            fail_msg("%s: activation %d, slope %g", rows[i].text, (int)found.spec.act,
                     (double)found.spec.leaky_slope);
    }
}

/* The names of stemseg's class, whose padding is the other one for this caller. */
static void test_layout(void **state)
{
    static const char *const names[] = {"enc1.0", "enc1.2", "bottom.0", "bottom.2",
                                        "up1",    "dec1.0", "dec1.2",   "head"};
    struct layer layers[LAYERS_MOST];
    struct un_recognised found;
    unet_known known = un_known_nothing();
    unet_spec spec = {.in_channels = 1, .classes = 2, .width = 4, .depth = 1};
    (void)state;
    un_graph_build(&graph, &spec);
    int count = list_layers(&graph, layers);
    table_begin(&table, true);
    for (int i = 0; i < count; i++)
        table_add_layer(&table, &graph, &layers[i], names[i]);
    recognise(NULL, &found);
    assert_string_equal(found.layout->name, "stemseg");
    assert_string_equal(origin(&found, "padding"), "layout");
    assert_string_equal(origin(&found, "concat"), "layout");
    assert_string_equal(origin(&found, "single_act"), "numbers"); /* before the layout */
    known.padding = UNET_PADDING_VALID;
    recognise(&known, &found);
    assert_int_equal(found.spec.padding, UNET_PADDING_VALID);
    assert_string_equal(origin(&found, "padding"), "told");
    assert_string_equal(found.layout->name, "stemseg");
}

/* What a caller claims although the arrays say otherwise. */
static void test_claims(void **state)
{
    static const struct {
        bool norms, bare; /* norms with running statistics; norms without */
        int norm, up;
        const char *message;
    } claims[] = {
        {false, false, UNET_NORM_BATCH, -1,
         "x: norm is batch, but the file has no running statistics"},
        {true, true, UNET_NORM_BATCH, -1,
         "x: norm is batch, but the file has no running statistics"},
        {true, false, UNET_NORM_NONE, -1, "x: norm is none, but the file has norms"},
        {true, false, UNET_NORM_GROUP, -1,
         "x: norm is group, but the file has running statistics, which only batch norm uses"},
        {true, true, UNET_NORM_GROUP, -1,
         "x: norm is group, and neither the file nor the caller tells how many groups"},
        {true, false, -1, UNET_UP_BILINEAR,
         "x: up is not transposed, but the file has transposed convolutions"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        struct un_recognised found;
        unet_known known = un_known_nothing();
        unet_error err = {0};
        make_plain(2, claims[i].norms);
        for (int a = table.arrays.count - 1; a >= 0 && claims[i].bare; a--)
            if (strstr(table.names[a], ".running_"))
                table_drop(&table, table.names[a]);
        known.norm = claims[i].norm;
        known.up = claims[i].up;
        unet_code code = un_recognise("x", &table.arrays, &known, &found, &err);
        if (code != UNET_EINVAL || strcmp(err.text, claims[i].message))
            fail_msg("row %zu: code %d, \"%s\"", i, (int)code, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong),   cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_sources), cmocka_unit_test(test_layout),
        cmocka_unit_test(test_claims),  cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests_name("recognise_wrong", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Every layout whose names are known: the spec, and each array in its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "table_maker.h"

static struct un_graph graph;
static struct table table;

enum { NAMES_MOST = 40 };

/* Networks of depth 2; names in the order in which layers run. */
static const struct {
    const char *layout;
    unet_spec spec;
    const char *names[NAMES_MOST];
} layouts[] = {
    {"unet",
     {.padding = UNET_PADDING_VALID, .bias = UNET_BIAS_ALWAYS, .norm = UNET_NORM_NONE},
     {"enc_0.conv_block.0", "enc_0.conv_block.2", "enc_1.conv_block.0", "enc_1.conv_block.2",
      "bottleneck.conv_block.0", "bottleneck.conv_block.2", "upconv_1", "dec_1.conv_block.0",
      "dec_1.conv_block.2", "upconv_0", "dec_0.conv_block.0", "dec_0.conv_block.2", "out_conv"}},
    {"milesial",
     {.padding = UNET_PADDING_SAME, .norm = UNET_NORM_BATCH, .concat = UNET_CONCAT_SKIP_UP},
     {"inc.double_conv.0",
      "inc.double_conv.1",
      "inc.double_conv.3",
      "inc.double_conv.4",
      "down1.maxpool_conv.1.double_conv.0",
      "down1.maxpool_conv.1.double_conv.1",
      "down1.maxpool_conv.1.double_conv.3",
      "down1.maxpool_conv.1.double_conv.4",
      "down2.maxpool_conv.1.double_conv.0",
      "down2.maxpool_conv.1.double_conv.1",
      "down2.maxpool_conv.1.double_conv.3",
      "down2.maxpool_conv.1.double_conv.4",
      "up1.up",
      "up1.conv.double_conv.0",
      "up1.conv.double_conv.1",
      "up1.conv.double_conv.3",
      "up1.conv.double_conv.4",
      "up2.up",
      "up2.conv.double_conv.0",
      "up2.conv.double_conv.1",
      "up2.conv.double_conv.3",
      "up2.conv.double_conv.4",
      "outc.conv"}},
    {"milesial 2019",
     {.padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_BATCH,
      .up = UNET_UP_BILINEAR,
      .up_conv = UNET_UP_NO_CONV,
      .align_corners = 1,
      .bias = UNET_BIAS_ALWAYS,
      .concat = UNET_CONCAT_SKIP_UP},
     {"inc.conv.conv.0",       "inc.conv.conv.1",       "inc.conv.conv.3",
      "inc.conv.conv.4",       "down1.mpconv.1.conv.0", "down1.mpconv.1.conv.1",
      "down1.mpconv.1.conv.3", "down1.mpconv.1.conv.4", "down2.mpconv.1.conv.0",
      "down2.mpconv.1.conv.1", "down2.mpconv.1.conv.3", "down2.mpconv.1.conv.4",
      "up1.conv.conv.0",       "up1.conv.conv.1",       "up1.conv.conv.3",
      "up1.conv.conv.4",       "up2.conv.conv.0",       "up2.conv.conv.1",
      "up2.conv.conv.3",       "up2.conv.conv.4",       "outc.conv"}},
    {"mateuszbuda",
     {.padding = UNET_PADDING_SAME, .norm = UNET_NORM_BATCH},
     {"encoder1.enc1conv1",
      "encoder1.enc1norm1",
      "encoder1.enc1conv2",
      "encoder1.enc1norm2",
      "encoder2.enc2conv1",
      "encoder2.enc2norm1",
      "encoder2.enc2conv2",
      "encoder2.enc2norm2",
      "bottleneck.bottleneckconv1",
      "bottleneck.bottlenecknorm1",
      "bottleneck.bottleneckconv2",
      "bottleneck.bottlenecknorm2",
      "upconv2",
      "decoder2.dec2conv1",
      "decoder2.dec2norm1",
      "decoder2.dec2conv2",
      "decoder2.dec2norm2",
      "upconv1",
      "decoder1.dec1conv1",
      "decoder1.dec1norm1",
      "decoder1.dec1conv2",
      "decoder1.dec1norm2",
      "conv"}},
    {"stemseg",
     {.padding = UNET_PADDING_SAME, .norm = UNET_NORM_BATCH, .bias = UNET_BIAS_ALWAYS},
     {"enc1.0",   "enc1.1",   "enc1.3",   "enc1.4",   "enc2.0", "enc2.1", "enc2.3", "enc2.4",
      "bottom.0", "bottom.1", "bottom.3", "bottom.4", "up2",    "dec2.0", "dec2.1", "dec2.3",
      "dec2.4",   "up1",      "dec1.0",   "dec1.1",   "dec1.3", "dec1.4", "head"}},
    {"bioimage.io",
     {.padding = UNET_PADDING_SAME,
      .single_act = 1,
      .up = UNET_UP_BILINEAR,
      .concat = UNET_CONCAT_SKIP_UP},
     {"encoders.0.0", "encoders.0.1", "encoders.1.0", "encoders.1.1", "base.0", "base.1",
      "upsamplers.0.1", "decoders.0.0", "decoders.0.1", "upsamplers.1.1", "decoders.1.0",
      "decoders.1.1", "output"}},
    {"jvanvugt",
     {.padding = UNET_PADDING_VALID,
      .norm = UNET_NORM_BATCH,
      .norm_order = UNET_ACT_FIRST,
      .bias = UNET_BIAS_ALWAYS},
     {"down_path.0.block.0",
      "down_path.0.block.2",
      "down_path.0.block.3",
      "down_path.0.block.5",
      "down_path.1.block.0",
      "down_path.1.block.2",
      "down_path.1.block.3",
      "down_path.1.block.5",
      "down_path.2.block.0",
      "down_path.2.block.2",
      "down_path.2.block.3",
      "down_path.2.block.5",
      "up_path.0.up",
      "up_path.0.conv_block.block.0",
      "up_path.0.conv_block.block.2",
      "up_path.0.conv_block.block.3",
      "up_path.0.conv_block.block.5",
      "up_path.1.up",
      "up_path.1.conv_block.block.0",
      "up_path.1.conv_block.block.2",
      "up_path.1.conv_block.block.3",
      "up_path.1.conv_block.block.5",
      "last"}},
    {"leejunhyun",
     {.padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_BATCH,
      .bias = UNET_BIAS_ALWAYS,
      .concat = UNET_CONCAT_SKIP_UP,
      .up = UNET_UP_NEAREST,
      .up_conv = UNET_UP_CONV3X3,
      .up_norm = 1,
      .up_act = 1},
     {"Conv1.conv.0",    "Conv1.conv.1",    "Conv1.conv.3",    "Conv1.conv.4",    "Conv2.conv.0",
      "Conv2.conv.1",    "Conv2.conv.3",    "Conv2.conv.4",    "Conv3.conv.0",    "Conv3.conv.1",
      "Conv3.conv.3",    "Conv3.conv.4",    "Up3.up.1",        "Up3.up.2",        "Up_conv3.conv.0",
      "Up_conv3.conv.1", "Up_conv3.conv.3", "Up_conv3.conv.4", "Up2.up.1",        "Up2.up.2",
      "Up_conv2.conv.0", "Up_conv2.conv.1", "Up_conv2.conv.3", "Up_conv2.conv.4", "Conv_1x1"}},
    {"aladdinpersson",
     {.padding = UNET_PADDING_SAME, .norm = UNET_NORM_BATCH, .concat = UNET_CONCAT_SKIP_UP},
     {"downs.0.conv.0",
      "downs.0.conv.1",
      "downs.0.conv.3",
      "downs.0.conv.4",
      "downs.1.conv.0",
      "downs.1.conv.1",
      "downs.1.conv.3",
      "downs.1.conv.4",
      "bottleneck.conv.0",
      "bottleneck.conv.1",
      "bottleneck.conv.3",
      "bottleneck.conv.4",
      "ups.0",
      "ups.1.conv.0",
      "ups.1.conv.1",
      "ups.1.conv.3",
      "ups.1.conv.4",
      "ups.2",
      "ups.3.conv.0",
      "ups.3.conv.1",
      "ups.3.conv.3",
      "ups.3.conv.4",
      "final_conv"}},
    {"usuyama",
     {.padding = UNET_PADDING_SAME,
      .up = UNET_UP_BILINEAR,
      .up_conv = UNET_UP_NO_CONV,
      .align_corners = 1},
     {"dconv_down1.0", "dconv_down1.2", "dconv_down2.0", "dconv_down2.2", "dconv_down3.0",
      "dconv_down3.2", "dconv_up2.0", "dconv_up2.2", "dconv_up1.0", "dconv_up1.2", "conv_last"}},
    {"torch_em",
     {.padding = UNET_PADDING_SAME, .up = UNET_UP_BILINEAR},
     {"encoder.blocks.0.block.0", "encoder.blocks.0.block.2", "encoder.blocks.1.block.0",
      "encoder.blocks.1.block.2", "base.block.0", "base.block.2", "decoder.samplers.0.conv",
      "decoder.blocks.0.block.0", "decoder.blocks.0.block.2", "decoder.samplers.1.conv",
      "decoder.blocks.1.block.0", "decoder.blocks.1.block.2", "out_conv"}},
    {"nnunet",
     {.padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_INSTANCE,
      .act = UNET_ACT_LEAKY_RELU,
      .leaky_slope = 0.01f,
      .bias = UNET_BIAS_ALWAYS,
      .down = UNET_DOWN_CONV},
     {"encoder.stages.0.0.convs.0.conv",
      "encoder.stages.0.0.convs.0.norm",
      "encoder.stages.0.0.convs.1.conv",
      "encoder.stages.0.0.convs.1.norm",
      "encoder.stages.1.0.convs.0.conv",
      "encoder.stages.1.0.convs.0.norm",
      "encoder.stages.1.0.convs.1.conv",
      "encoder.stages.1.0.convs.1.norm",
      "encoder.stages.2.0.convs.0.conv",
      "encoder.stages.2.0.convs.0.norm",
      "encoder.stages.2.0.convs.1.conv",
      "encoder.stages.2.0.convs.1.norm",
      "decoder.transpconvs.0",
      "decoder.stages.0.convs.0.conv",
      "decoder.stages.0.convs.0.norm",
      "decoder.stages.0.convs.1.conv",
      "decoder.stages.0.convs.1.norm",
      "decoder.transpconvs.1",
      "decoder.stages.1.convs.0.conv",
      "decoder.stages.1.convs.0.norm",
      "decoder.stages.1.convs.1.conv",
      "decoder.stages.1.convs.1.norm",
      "decoder.seg_layers.1"}},
    {"nnunet_resenc",
     {.padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_INSTANCE,
      .act = UNET_ACT_LEAKY_RELU,
      .leaky_slope = 0.01f,
      .bias = UNET_BIAS_ALWAYS,
      .down = UNET_DOWN_CONV,
      .convs = 1,
      .residual = UNET_RESIDUAL_NNUNET,
      .blocks = {0, 1, 1}},
     {"encoder.stem.convs.0.conv",
      "encoder.stem.convs.0.norm",
      "encoder.stages.0.blocks.0.conv1.conv",
      "encoder.stages.0.blocks.0.conv1.norm",
      "encoder.stages.0.blocks.0.conv2.conv",
      "encoder.stages.0.blocks.0.conv2.norm",
      "encoder.stages.1.blocks.0.skip.1.conv",
      "encoder.stages.1.blocks.0.skip.1.norm",
      "encoder.stages.1.blocks.0.conv1.conv",
      "encoder.stages.1.blocks.0.conv1.norm",
      "encoder.stages.1.blocks.0.conv2.conv",
      "encoder.stages.1.blocks.0.conv2.norm",
      "encoder.stages.2.blocks.0.skip.1.conv",
      "encoder.stages.2.blocks.0.skip.1.norm",
      "encoder.stages.2.blocks.0.conv1.conv",
      "encoder.stages.2.blocks.0.conv1.norm",
      "encoder.stages.2.blocks.0.conv2.conv",
      "encoder.stages.2.blocks.0.conv2.norm",
      "decoder.transpconvs.0",
      "decoder.stages.0.convs.0.conv",
      "decoder.stages.0.convs.0.norm",
      "decoder.transpconvs.1",
      "decoder.stages.1.convs.0.conv",
      "decoder.stages.1.convs.0.norm",
      "decoder.seg_layers.1"}},
    /* layer3 and layer4 are not there: deeper than the decoder, they need not be */
    {"smp",
     {.padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_BATCH,
      .up = UNET_UP_NEAREST,
      .up_conv = UNET_UP_NO_CONV,
      .down = UNET_DOWN_CONV,
      .residual = UNET_RESIDUAL_RESNET_BOTTLENECK,
      .blocks = {0, 0, 1}},
     {"encoder.conv1", "encoder.bn1", "encoder.layer1.0.downsample.0",
      "encoder.layer1.0.downsample.1", "encoder.layer1.0.conv1", "encoder.layer1.0.bn1",
      "encoder.layer1.0.conv2", "encoder.layer1.0.bn2", "encoder.layer1.0.conv3",
      "encoder.layer1.0.bn3", "decoder.blocks.0.conv1.0", "decoder.blocks.0.conv1.1",
      "decoder.blocks.0.conv2.0", "decoder.blocks.0.conv2.1", "decoder.blocks.1.conv1.0",
      "decoder.blocks.1.conv1.1", "decoder.blocks.1.conv2.0", "decoder.blocks.1.conv2.1",
      "segmentation_head.0"}},
    {"monai",
     {.padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_INSTANCE,
      .act = UNET_ACT_LEAKY_RELU,
      .bias = UNET_BIAS_ALWAYS,
      .concat = UNET_CONCAT_SKIP_UP},
     {"conv_0.conv_0.conv",
      "conv_0.conv_0.adn.N",
      "conv_0.conv_1.conv",
      "conv_0.conv_1.adn.N",
      "down_1.convs.conv_0.conv",
      "down_1.convs.conv_0.adn.N",
      "down_1.convs.conv_1.conv",
      "down_1.convs.conv_1.adn.N",
      "down_2.convs.conv_0.conv",
      "down_2.convs.conv_0.adn.N",
      "down_2.convs.conv_1.conv",
      "down_2.convs.conv_1.adn.N",
      "upcat_2.upsample.deconv",
      "upcat_2.convs.conv_0.conv",
      "upcat_2.convs.conv_0.adn.N",
      "upcat_2.convs.conv_1.conv",
      "upcat_2.convs.conv_1.adn.N",
      "upcat_1.upsample.deconv",
      "upcat_1.convs.conv_0.conv",
      "upcat_1.convs.conv_0.adn.N",
      "upcat_1.convs.conv_1.conv",
      "upcat_1.convs.conv_1.adn.N",
      "final_conv"}},
    {"monai_unet",
     {.padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_INSTANCE,
      .bias = UNET_BIAS_ALWAYS,
      .concat = UNET_CONCAT_SKIP_UP,
      .down = UNET_DOWN_CONV,
      .family = UNET_FAMILY_MONAI},
     {"model.0.conv", "model.0.adn.N", "model.1.submodule.0.conv", "model.1.submodule.0.adn.N",
      "model.1.submodule.1.submodule.conv", "model.1.submodule.1.submodule.adn.N",
      "model.1.submodule.2.conv", "model.1.submodule.2.adn.N", "model.2.conv"}},
};

enum { LAYOUTS = sizeof layouts / sizeof *layouts };

/* With or without a prefix; in the order in which the layers run, or sorted by name. */
static void check_layout(int row, const char *prefix, bool sorted)
{
    struct layer layers[LAYERS_MOST];
    struct un_recognised found;
    const unet_known nothing = un_known_nothing();
    unet_error err;
    unet_spec spec = layouts[row].spec;
    spec.in_channels = 3;
    spec.classes = 2;
    spec.width = 4;
    spec.depth = 2;
    if (!(spec.leaky_slope > 0))
        spec.leaky_slope = 0.1f;
    un_graph_build(&graph, &spec);
    int count = list_layers(&graph, layers);
    table_begin(&table, true);
    for (int i = 0; i < count; i++) {
        char name[80];
        assert_non_null(layouts[row].names[i]);
        snprintf(name, sizeof name, "%s%s", prefix, layouts[row].names[i]);
        table_add_layer(&table, &graph, &layers[i], name);
    }
    assert_null(layouts[row].names[count]);
    if (sorted)
        table_sort(&table);
    if (un_recognise("x", &table.arrays, &nothing, &found, &err))
        fail_msg("%s, %s: %s", layouts[row].layout, sorted ? "sorted" : "in order", err.text);
    const char *name = found.layout ? found.layout->name : "none", *differs;
    if (strcmp(name, layouts[row].layout))
        fail_msg("%s: has layout %s", layouts[row].layout, name);
    if ((differs = table_differs(&table, &spec, &found)) != NULL)
        fail_msg("%s, %s: %s", name, sorted ? "sorted" : "in order", differs);
    if (found.spec.padding != spec.padding || found.spec.concat != spec.concat ||
        found.spec.up != spec.up || found.spec.act != spec.act || found.spec.down != spec.down)
        fail_msg("%s: padding, concat, up or act is not the layout's", name);
}

static void test_layouts(void **state)
{
    (void)state;
    for (int i = 0; i < LAYOUTS; i++)
        for (int sorted = 0; sorted < 2; sorted++) {
            check_layout(i, "", sorted);
            check_layout(i, "module.net.", sorted);
        }
    assert_null(un_layout_at(LAYOUTS)); /* each layout of layouts.c has a row */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_layouts)};
    return cmocka_run_group_tests_name("layouts", tests, NULL, NULL);
}

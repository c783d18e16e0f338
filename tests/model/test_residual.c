/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Residual networks of nnU-Net's and of segmentation_models_pytorch: trained on from a checkpoint
 * of theirs, stopped and gone on, and written back under their names; and files that are nearly of
 * them.  What they compute is in test_foreign.c, and with all gradients in net/test_network.c.
 */
#include <limits.h>

#include "foreign_training.h"
#include "predict/predict_scene.h"

static void test_training(void **state)
{
    (void)state;
    check_training(FILE_OF("nnunet_resenc.pth"), "nnunet_resenc", 3);
    check_training(FILE_OF("smp.ckpt"), "smp", 2);
    check_training(FILE_OF("smp_bottleneck.safetensors"), "smp", 2);
}

static void test_names(void **state)
{
    (void)state;
    check_names(FILE_OF("nnunet_resenc.pth"), "nnunet_resenc");
    check_names(FILE_OF("nnunet_resenc_plain.pth"), "nnunet_resenc");
    check_names(FILE_OF("nnunet.pth"), "nnunet");
    check_names(FILE_OF("smp.pth"), "smp");
    check_names(FILE_OF("smp_bottleneck.safetensors"), "smp");
}

static void test_wrong_names(void **state)
{
    static const struct wrong_names rows[] = {
        {FILE_OF("nnunet_resenc.pth"), "nnunet",
         "layout nnunet: residual is nnunet, networks of this class have none"},
        {FILE_OF("nnunet.pth"), "nnunet_resenc",
         "layout nnunet_resenc: residual is none, networks of this class have nnunet"},
        {FILE_OF("nnunet_resenc.pth"), "milesial", "layout milesial: "},
        {FILE_OF("smp.pth"), "nnunet_resenc",
         "layout nnunet_resenc: residual is resnet, networks of this class have nnunet"},
        {FILE_OF("nnunet_resenc.pth"), "smp",
         "layout smp: residual is nnunet, networks of this class have resnet"},
    };
    (void)state;
    check_wrong_names(rows, sizeof rows / sizeof *rows);
}

static void test_wrong_arrays(void **state)
{
    static const struct wrong_array nnunet[] = {
        {"encoder.stages.1.blocks.1.conv2.conv.weight", NULL, "its layer has no weight"},
        {"encoder.stages.1.blocks.0.skip.1.norm.weight",
         "encoder.stages.1.blocks.0.skip.0.norm.weight", "a norm without a bias"},
        {"encoder.stages.1.blocks.0.conv1.conv.weight", "encoder.stages.1.blocks.0.squeeze.weight",
         "squeeze and excitation"},
        {"encoder.stages.1.blocks.0.conv2.conv.weight",
         "encoder.stages.1.blocks.0.conv3.conv.weight", "three convolutions"},
        {"encoder.stages.1.blocks.0.skip.1.conv.weight", "encoder.stages.1.blocks.0.other.weight",
         "other arrays than nnU-Net's ResidualEncoderUNet has"},
    };
    static const struct wrong_array smp[] = {
        {"encoder.layer1.0.conv2.weight", NULL, "tensor encoder.layer1.0.conv2.weight is missing"},
        {"encoder.layer4.0.conv1.weight", "encoder.layer4.0.conv4.weight",
         "tensor encoder.layer4.0.conv1.weight is missing"},
        {"encoder.layer2.0.downsample.0.weight", NULL,
         "tensor encoder.layer2.0.downsample.0.weight is missing"},
        {"encoder.layer2.1.bn2.weight", "encoder.layer2.1.se_module.fc1.weight",
         "squeeze and excitation"},
        {"decoder.blocks.2.conv1.0.weight", "decoder.blocks.2.attention1.attention.cSE.1.weight",
         "attention in its decoder"},
        {"decoder.blocks.2.conv1.0.weight", "decoder.blocks.x_0_2.conv1.0.weight", "UnetPlusPlus"},
        {"decoder.blocks.0.conv1.1.running_mean", NULL,
         "decoder.blocks.0.conv1.1.running_var: has shape [16]; a norm has both"},
        {"encoder.layer1.0.conv1.weight", "encoder.layer1.0.spatial.weight",
         "of its encoders resnet18, resnet34, resnet50, resnet101 and resnet152 are read"},
        {"encoder.conv1.weight", "encoder.conv2.weight", "a plain U-Net has 3x3, 2x2 (up) and 1x1"},
        {"encoder.layer2.0.bn1.weight", "encoder.layer2.0.norm1.weight",
         "a norm without a bias, or a PReLU"},
    };
    (void)state;
    check_wrong_arrays(FILE_OF("nnunet_resenc.pth"), nnunet, sizeof nnunet / sizeof *nnunet);
    check_wrong_arrays(FILE_OF("smp.pth"), smp, sizeof smp / sizeof *smp);
}

/* ---- specs ---- */

static void test_specs(void **state)
{
    static const struct {
        int depth, down, norm, blocks, convs, enc;
        const char *want; /* NULL: is one */
    } rows[] = {
        {3, UNET_DOWN_CONV, UNET_NORM_INSTANCE, 0, 1, 0, NULL},
        {8, UNET_DOWN_CONV, UNET_NORM_INSTANCE, 3, 1, 0, NULL},
        {8, UNET_DOWN_CONV, UNET_NORM_BATCH, 7, 2, 0, NULL},
        {8, UNET_DOWN_CONV, UNET_NORM_BATCH, 8, 2, 0, "50 at most in all"},
        {3, UNET_DOWN_CONV, UNET_NORM_INSTANCE, -1, 2, 0, "blocks of level 1 are -1"},
        {3, UNET_DOWN_CONV, UNET_NORM_INSTANCE, INT_MAX, 2, 0, "50 at most in all"},
        {8, UNET_DOWN_CONV, UNET_NORM_INSTANCE, INT_MAX - 8, 2, 0, "50 at most in all"},
        {3, UNET_DOWN_POOL, UNET_NORM_INSTANCE, 0, 2, 0, "wanted only with down conv"},
        {3, UNET_DOWN_CONV, UNET_NORM_NONE, 0, 2, 0, "wanted only with norms"},
        {3, UNET_DOWN_CONV, UNET_NORM_INSTANCE, 0, 2, 5, "wanted the same of all"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct un_graph graph;
        unet_error err = {0};
        unet_spec spec = {.in_channels = 1, .classes = 2, .width = 4, .widest = 4};
        spec.depth = rows[i].depth;
        spec.padding = UNET_PADDING_SAME;
        spec.norm = (unet_norm)rows[i].norm;
        spec.down = (unet_down)rows[i].down;
        spec.convs = rows[i].convs;
        spec.residual = UNET_RESIDUAL_NNUNET;
        spec.blocks[1] = rows[i].blocks;
        spec.channels.enc[1][0] = rows[i].enc;
        if (rows[i].depth == 8)
            for (int d = 2; d <= 8; d++)
                spec.blocks[d] = 6;
        const unet_code code = un_spec_check(&spec, &err);
        if (!expect_spec(&spec, code, &err, i, rows[i].want, &graph))
            continue;
        /* an image of 512 pixels must not want the memory of one of 12000 */
        if (spec.norm == UNET_NORM_INSTANCE && graph.geometry.border > 256)
            fail_msg("row %zu: a border of %d", i, graph.geometry.border);
    }
    unet_spec plain = un_spec_default();
    unet_error err;
    plain.blocks[2] = 1;
    assert_int_equal(un_spec_check(&plain, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "blocks of level 2 are 1, wanted 0 where residual is none"));
}

static void test_resnet_specs(void **state)
{
    static const struct {
        int residual, depth, width, blocks[6], enc[2], widest, down; /* enc: level and channels */
        int groups;                                                  /* 0: norm over the batch */
        const char *want;                                            /* NULL: is one */
    } rows[] = {
        {UNET_RESIDUAL_RESNET, 5, 64, {0}, {0}, 0, UNET_DOWN_CONV, 0, NULL},
        {UNET_RESIDUAL_RESNET_BOTTLENECK,
         5,
         64,
         {0, 0, 3, 8, 36, 3},
         {0},
         0,
         UNET_DOWN_CONV,
         0,
         NULL},
        {UNET_RESIDUAL_RESNET, 2, 1, {0}, {2, 7}, 0, UNET_DOWN_CONV, 0, NULL},
        {UNET_RESIDUAL_RESNET_BOTTLENECK,
         5,
         64,
         {0, 0, 3, 8, 37, 3},
         {0},
         0,
         UNET_DOWN_CONV,
         0,
         "blocks of level 5 are 3, wanted 1 or more, and 50 at most in all"},
        {UNET_RESIDUAL_RESNET, 6, 4, {0}, {0}, 0, UNET_DOWN_CONV, 0, "depth is 6, wanted 2 to 5"},
        {UNET_RESIDUAL_RESNET, 1, 4, {0}, {0}, 0, UNET_DOWN_CONV, 0, "depth is 1, wanted 2 to 5"},
        {UNET_RESIDUAL_RESNET,
         3,
         4,
         {0, 1},
         {0},
         0,
         UNET_DOWN_CONV,
         0,
         "blocks of level 1 are 1, wanted 0"},
        {UNET_RESIDUAL_RESNET,
         3,
         4,
         {0},
         {0, 4},
         0,
         UNET_DOWN_CONV,
         0,
         "channels.enc of level 0 are set, wanted 0 with residual resnet"},
        {UNET_RESIDUAL_RESNET_BOTTLENECK,
         3,
         4,
         {0},
         {3, 18},
         0,
         UNET_DOWN_CONV,
         0,
         "channels.enc of level 3 are 18, wanted a multiple of 4 with residual resnet_bottleneck"},
        {UNET_RESIDUAL_RESNET, 3, 4, {0}, {0}, 8, UNET_DOWN_CONV, 0, "widest is set, wanted 0"},
        {UNET_RESIDUAL_RESNET,
         3,
         4,
         {0},
         {0},
         0,
         UNET_DOWN_POOL,
         0,
         "residual is resnet, wanted only with down conv"},
        /* the norms between have a quarter of a bottleneck's channels */
        {UNET_RESIDUAL_RESNET_BOTTLENECK, 3, 32, {0}, {2, 32}, 0, UNET_DOWN_CONV, 8, NULL},
        {UNET_RESIDUAL_RESNET_BOTTLENECK,
         3,
         32,
         {0},
         {2, 16},
         0,
         UNET_DOWN_CONV,
         8,
         "groups is 8, which does not divide the 4 channels of level 2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct un_graph graph;
        unet_error err = {0};
        unet_spec spec = {.in_channels = 3, .classes = 2, .padding = UNET_PADDING_SAME};
        spec.width = rows[i].width;
        spec.depth = rows[i].depth;
        spec.norm = rows[i].groups ? UNET_NORM_GROUP : UNET_NORM_BATCH;
        spec.groups = rows[i].groups;
        spec.down = (unet_down)rows[i].down;
        spec.widest = rows[i].widest;
        spec.up = UNET_UP_NEAREST;
        spec.up_conv = UNET_UP_NO_CONV;
        spec.residual = (unet_residual)rows[i].residual;
        memcpy(spec.blocks, rows[i].blocks, sizeof rows[i].blocks);
        for (int k = 0; k < 2; k++)
            spec.channels.enc[rows[i].enc[0]][k] = rows[i].enc[1];
        const unet_code code = un_spec_check(&spec, &err);
        if (!expect_spec(&spec, code, &err, i, rows[i].want, &graph))
            continue;
        assert_int_equal(graph.geometry.grid, 1 << spec.depth);
        assert_int_equal(graph.geometry.border % graph.geometry.grid, 0);
    }
}

/* ---- tiles ---- */

enum { HEIGHT = 96, WIDTH = 830 }; /* wider than a tile and what it sees */

/* A ResNet's border has to be whole grids of 32 pixels, else its tiles would pool others. */
static void test_tiles(void **state)
{
    const unet_session_options whole = {
        .size = sizeof whole, .threads = 2, .tile = WIDTH, .exact = 1};
    unet_session_options tiles = whole;
    unet_image image = make_image(HEIGHT, WIDTH, 3);
    unet_model *model = import(FILE_OF("smp.pth"), "smp");
    (void)state;
    tiles.tile = 32;
    assert_true(model->graph.geometry.border < WIDTH / 3);
    float *want = logits_of(model, &image, whole), *got = logits_of(model, &image, tiles);
    compare_logits("smp", tiles, got, want, (size_t)2 * HEIGHT * WIDTH, 0);
    free(want);
    free(got);
    unet_image_release(&image);
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training),    cmocka_unit_test(test_names),
        cmocka_unit_test(test_wrong_names), cmocka_unit_test(test_wrong_arrays),
        cmocka_unit_test(test_specs),       cmocka_unit_test(test_resnet_specs),
        cmocka_unit_test(test_tiles),
    };
    return cmocka_run_group_tests_name("residual", tests, name_file, remove_file);
}

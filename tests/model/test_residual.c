/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nnU-Net's residual networks: trained on from a checkpoint of theirs, stopped and gone on, and
 * written back under their names; and files that are nearly of them.  What they compute is in
 * test_foreign.c, and with all gradients in net/test_network.c.
 */
#include <limits.h>

#include "foreign_training.h"

static void test_training(void **state)
{
    (void)state;
    check_training(FILE_OF("nnunet_resenc.pth"), "nnunet_resenc");
}

static void test_names(void **state)
{
    (void)state;
    check_names(FILE_OF("nnunet_resenc.pth"), "nnunet_resenc");
    check_names(FILE_OF("nnunet_resenc_plain.pth"), "nnunet_resenc");
    check_names(FILE_OF("nnunet.pth"), "nnunet");
}

static void test_wrong_names(void **state)
{
    static const struct {
        const char *file, *layout, *want;
    } rows[] = {
        {FILE_OF("nnunet_resenc.pth"), "nnunet",
         "layout nnunet: residual is nnunet, networks of this class have none"},
        {FILE_OF("nnunet.pth"), "nnunet_resenc",
         "layout nnunet_resenc: residual is none, networks of this class have nnunet"},
        {FILE_OF("nnunet_resenc.pth"), "milesial", "layout milesial: "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const unet_export_options options = {.names = rows[i].layout};
        unet_model *model = import(rows[i].file, i == 1 ? "nnunet" : "nnunet_resenc");
        unet_error err = {0};
        if (un_model_export(model, made, &options, &err) != UNET_EINVAL ||
            !strstr(err.text, rows[i].want))
            fail_msg("row %zu: \"%s\", wanted \"%s\"", i, err.text, rows[i].want);
        unet_model_free(model);
    }
}

static void test_wrong_arrays(void **state)
{
    static const struct wrong_array rows[] = {
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
    (void)state;
    check_wrong_arrays(FILE_OF("nnunet_resenc.pth"), rows, sizeof rows / sizeof *rows);
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
        if (rows[i].want && (!code || !strstr(err.text, rows[i].want)))
            fail_msg("row %zu: \"%s\", wanted \"%s\"", i, err.text, rows[i].want);
        if (!rows[i].want && code)
            fail_msg("row %zu: %s", i, err.text);
        if (code)
            continue;
        un_graph_build(&graph, &spec);
        assert_true(graph.node_count <= UN_MAX_NODES && graph.param_count <= UN_MAX_PARAMS);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training),    cmocka_unit_test(test_names),
        cmocka_unit_test(test_wrong_names), cmocka_unit_test(test_wrong_arrays),
        cmocka_unit_test(test_specs),
    };
    return cmocka_run_group_tests_name("residual", tests, name_file, remove_file);
}

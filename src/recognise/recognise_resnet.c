/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unet of segmentation_models_pytorch with a ResNet as its encoder: its names say where each layer
 * stands (recognise_residual.c), and the decoder has as many blocks as the encoder halvings.  The
 * encoder is always a whole ResNet, though a network of encoder_depth 4 never looks at layer4.
 */
#include <stdio.h>
#include <string.h>

#include "recognise/recognise_work.h"

enum { FIRST = 2 }; /* the level of layer1 */

static int unusual(int found, int usual)
{
    return found == usual ? 0 : found;
}

/* ---- the spec ---- */

/* What bottlenecks of other networks differ in. */
static unet_code check_bottleneck(const struct un_work *w, int layer, unet_error *err)
{
    const struct un_module *first = un_work_numbered(w, "encoder.layer%d.%d.conv1", layer, 0);
    const struct un_module *second = un_work_numbered(w, "encoder.layer%d.%d.conv2", layer, 0);
    const struct un_module *third = un_work_numbered(w, "encoder.layer%d.%d.conv3", layer, 0);
    if (second && second->in != first->out)
        return un_module_fail(
            &w->modules, (int)(second - w->modules.items), err,
            "a grouped convolution, as ResNeXt has, and unet's ResNets have none");
    if (third && third->out != 4 * first->out)
        return un_module_fail(&w->modules, (int)(third - w->modules.items), err,
                              "its block works on %d channels, as a wide ResNet's, and unet's on a "
                              "quarter of what it makes",
                              first->out);
    return UNET_OK;
}

static unet_code measure_layer(struct un_work *w, int layer, unet_error *err)
{
    static const char conv[] = "encoder.layer%d.%d.conv1";
    unet_spec *spec = &w->out->spec;
    const bool bottleneck = spec->residual == UNET_RESIDUAL_RESNET_BOTTLENECK;
    const int level = layer + FIRST - 1;
    const struct un_module *first = un_work_numbered(w, conv, layer, 0);
    const struct un_module *last = un_work_numbered(
        w, bottleneck ? "encoder.layer%d.%d.conv3" : "encoder.layer%d.%d.conv2", layer, 0);
    char name[UN_LAYOUT_NAME];
    int blocks = 1;
    if (!first || !last) {
        snprintf(name, sizeof name, "encoder.layer%d.0.conv%d.weight", layer,
                 !first       ? 1
                 : bottleneck ? 3
                              : 2);
        return un_work_fail_missing(w, name, err);
    }
    while (un_work_numbered(w, conv, layer, blocks))
        blocks++;
    spec->blocks[level] = unusual(blocks, un_spec_blocks(spec, level));
    spec->channels.enc[level][0] = spec->channels.enc[level][1] =
        unusual(last->out, un_spec_enc(spec, level, 0));
    return bottleneck ? check_bottleneck(w, layer, err) : UNET_OK;
}

/* The blocks of the decoder, from the deepest on. */
static unet_code measure_decoder(struct un_work *w, unet_error *err)
{
    static const char *const convs[] = {"decoder.blocks.%d.conv1.0", "decoder.blocks.%d.conv2.0"};
    unet_spec *spec = &w->out->spec;
    char name[UN_LAYOUT_NAME];
    for (int block = 0; block < spec->depth; block++) {
        const int level = spec->depth - 1 - block;
        for (int i = 0; i < 2; i++) {
            const struct un_module *conv = un_work_numbered(w, convs[i], block, 0);
            if (!conv) {
                snprintf(name, sizeof name, "decoder.blocks.%d.conv%d.0.weight", block, i + 1);
                return un_work_fail_missing(w, name, err);
            }
            spec->channels.dec[level][i] = unusual(conv->out, un_spec_dec(spec, level, i));
        }
    }
    const struct un_module *norm = un_work_named(w, "decoder.blocks.0.conv1.1");
    if (!norm || norm->mean < 0)
        return un_fail(
            err, UNET_EFORMAT,
            "%s: its decoder has no batch norms (decoder_use_norm), and its encoder has; "
            "unet's have the same norm everywhere",
            w->modules.path);
    return UNET_OK;
}

unet_code un_work_measure_resnet(struct un_work *w, unet_error *err)
{
    unet_spec *spec = &w->out->spec;
    const struct un_module *stem = un_work_named(w, "encoder.conv1");
    const struct un_module *head = un_work_named(w, "segmentation_head.0");
    unet_code code = UNET_OK;
    if (!stem || stem->kind != UN_MODULE_CONV7X7)
        return un_work_fail_missing(w, "encoder.conv1.weight, of 7x7,", err);
    if (!head)
        return un_work_fail_missing(w, "segmentation_head.0.weight", err);
    while (un_work_numbered(w, "decoder.blocks.%d.conv1.0", spec->depth, 0))
        spec->depth++;
    if (spec->depth < 2 || spec->depth > 5)
        return un_fail(err, UNET_EFORMAT,
                       "%s: its decoder has %d block%s, wanted 2 to 5 (encoder_depth)",
                       w->modules.path, spec->depth, spec->depth == 1 ? "" : "s");
    spec->residual = un_work_named(w, "encoder.layer1.0.conv3") ? UNET_RESIDUAL_RESNET_BOTTLENECK
                                                                : UNET_RESIDUAL_RESNET;
    spec->leaky_slope = 0.1f;
    spec->in_channels = stem->in;
    spec->classes = head->out;
    spec->width = stem->out;
    spec->up_conv = UNET_UP_NO_CONV;
    w->chain.up = UN_NO_UP;
    for (int layer = 1; layer < spec->depth && !code; layer++)
        code = measure_layer(w, layer, err);
    return code ? code : measure_decoder(w, err);
}

bool un_work_is_idle(const struct un_work *w, const struct un_module *module)
{
    char name[UN_LAYOUT_NAME];
    bool idle = false;
    for (int layer = w->out->spec.depth; un_spec_is_resnet(&w->out->spec) && layer <= 4; layer++) {
        snprintf(name, sizeof name, "encoder.layer%d.", layer);
        for (int at = 0; at + (int)strlen(name) < module->length && !idle; at++)
            idle = !memcmp(module->name + at, name, strlen(name));
    }
    return idle;
}

/* ---- others of the same library ---- */

/* The first array of whose name a part, from its beginning or a dot on, is of this pattern; -1. */
static int array_like(const struct un_arrays *arrays, const char *pattern)
{
    for (int i = 0; i < arrays->count; i++)
        if (un_layout_matches_within(pattern, arrays->items[i].name))
            return i;
    return -1;
}

unet_code un_work_refuse_encoder(const struct un_work *w, const char *path, unet_error *err)
{
    const struct un_arrays *arrays = w->arrays;
    if (array_like(arrays, "segmentation_head.0.weight") < 0)
        return UNET_OK;
    const bool resnet = array_like(arrays, "encoder.layer1.0.conv1.weight") >= 0 &&
                        array_like(arrays, "encoder.model.*") < 0;
    const bool decoder = array_like(arrays, "decoder.blocks.#.conv1.0.weight") >= 0;
    const int first = array_like(arrays, resnet ? "decoder.*" : "encoder.*");
    if ((resnet && decoder) || first < 0)
        return UNET_OK;
    return un_fail(
        err, UNET_EFORMAT,
        "%s: tensor %.100s: is of a network of segmentation_models_pytorch's that unet has "
        "not: %s",
        path, arrays->items[first].name,
        resnet ? "of its decoders Unet's is read"
               : "of its encoders resnet18, resnet34, resnet50, resnet101 and resnet152 "
                 "are read");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any table of arrays as a network: no crash, an end, and what is recognised is in the table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recognise/recognise.h"

static const char *const tokens[] = {
    "enc", "dec", "up", "down", "conv", "norm", "out", "0", "1", "2", "3", ".", "_", "weight",
    "bias", "running_mean", "running_var", "bottleneck", "layers", "10",
    /* torch_em */
    "encoder.blocks.", ".block.", "base.block.", "decoder.blocks.", "decoder.samplers.", "out_conv",
    /* nnU-Net, plain and residual */
    "encoder.stem.convs.0.", "encoder.stages.", ".blocks.", ".conv1.conv", ".conv2.norm",
    ".skip.1.", ".convs.", "decoder.stages.", "decoder.transpconvs.", "decoder.seg_layers.",
    ".all_modules.",
    /* segmentation_models_pytorch */
    "encoder.conv1.", "encoder.bn1.", "encoder.layer", ".downsample.", "segmentation_head.",
    ".conv3.", ".bn2.", "layer4.", ".conv2.0.", ".conv1.1.", "mean", "std",
    /* MONAI */
    "model.", "submodule.", ".unit0.", ".adn.N.", ".adn.A.", "residual.", "upcat_", ".convs.conv_"};
enum { TOKENS = sizeof tokens / sizeof *tokens, MOST = 200 };

struct reader {
    const uint8_t *at, *end;
};

static unsigned take(struct reader *r)
{
    return r->at < r->end ? *r->at++ : 0;
}

static void take_name(struct reader *r, char name[128])
{
    *name = 0;
    for (unsigned i = take(r) % 7; i + 1 > 0 && strlen(name) < 90; i--) {
        unsigned token = take(r);
        strcat(name, token < 240 ? tokens[token % TOKENS] : "\xc3\xa4");
        if (!i)
            break;
    }
}

static size_t take_side(struct reader *r)
{
    static const size_t sides[] = {0, 1, 2, 3, 4, 8, 16, 32, 65536, SIZE_MAX / 2, SIZE_MAX};
    unsigned byte = take(r);
    return byte < 200 ? byte % 9 : sides[byte % 11];
}

/* The arrays of a small network under the names of some layout: how many, 0: that cannot be. */
static int take_network(struct reader *r, char (*names)[128], struct un_array *items)
{
    static struct un_graph graph;
    const struct un_names *layout = un_layout_at((int)(take(r) % 20));
    unet_spec spec = {.in_channels = 1, .classes = 2, .leaky_slope = 0.01f};
    spec.width = 1 + (int)(take(r) % 3);
    spec.depth = 1 + (int)(take(r) % 3);
    spec.norm = (unet_norm)(take(r) % 4);
    spec.groups = spec.norm == UNET_NORM_GROUP ? 32 : 0;
    spec.norm_order = (unet_norm_order)(take(r) % 3);
    spec.norm_plain = (int)(take(r) % 2);
    spec.padding = UNET_PADDING_SAME;
    spec.act = (unet_act)(take(r) % 2);
    spec.up = (unet_up)(take(r) % 3);
    spec.bias = (unet_bias)(take(r) % 3);
    spec.down = (unet_down)(take(r) % 2);
    spec.convs = (int)(take(r) % 3);
    spec.residual = (unet_residual)(take(r) % 4);
    if (un_spec_is_resnet(&spec)) {
        spec.depth++;
        spec.up_conv = UNET_UP_NO_CONV;
    }
    for (int d = un_spec_is_resnet(&spec) ? 2 : 0; spec.residual && d <= spec.depth; d++)
        spec.blocks[d] = 1 + (int)(take(r) % 2);
    if (!layout || un_spec_check(&spec, NULL) || un_layout_check(layout, &spec, NULL))
        return 0;
    un_graph_build(&graph, &spec);
    if (graph.param_count > MOST)
        return 0;
    for (int i = 0; i < graph.param_count; i++) {
        const struct un_param *p = &graph.params[i];
        char name[UN_LAYOUT_NAME];
        if (!un_layout_name(layout, &graph, i, name))
            return 0;
        snprintf(names[i], sizeof names[i], "%s", name);
        items[i] = (struct un_array){
            .name = names[i], .dtype = un_dtype_find("F32"), .dims = p->dims, .count = p->count};
        for (int d = 0; d < p->dims; d++)
            items[i].shape[d] = (size_t)p->shape[d];
    }
    return graph.param_count;
}

static void check(const struct un_recognised *found, const struct un_arrays *arrays)
{
    static struct un_graph graph;
    unet_error err;
    if (un_spec_check(&found->spec, &err) || found->guesses > 16)
        abort();
    un_graph_build(&graph, &found->spec);
    for (int i = 0; i < graph.param_count; i++) {
        const int source = found->source[i];
        if (source < 0)
            continue;
        if (source >= arrays->count || !un_array_fits(&arrays->items[source], &graph, i))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char names[MOST][128];
    static struct un_array items[MOST];
    static const char *const types[] = {"F32", "F16", "I64"};
    struct reader r = {bytes, bytes + size};
    struct un_arrays arrays = {.format = "x", .items = items, .hints = un_hints_none()};
    unet_known known = {.padding = -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, -1, -1};
    struct un_recognised found;
    unet_error err;
    arrays.ordered = take(&r) % 2;
    known.padding = (int)(take(&r) % 3) - 1;
    known.norm = (int)(take(&r) % 5) - 1;
    known.groups = (int)(take(&r) % 4) - 1;
    known.up = (int)(take(&r) % 4) - 1;
    if (take(&r) % 2)
        arrays.count = take_network(&r, names, items);
    const int whole = arrays.count;
    while (r.at < r.end && arrays.count < MOST) {
        /* of a network, mostly arrays that are there are changed */
        const unsigned which = take(&r);
        const int i = whole && which < 200 ? (int)which % whole : arrays.count++;
        take_name(&r, names[i]);
        const unsigned kind = take(&r);
        struct un_array *a = &items[i];
        *a = (struct un_array){.name = names[i], .dtype = un_dtype_find(types[kind / 64 % 3])};
        a->dims = kind % 8 < 4 ? 4 : kind % 8 < 7 ? 1 : (int)(kind / 8 % 6);
        a->count = 2;
        for (int d = 0; d < a->dims; d++)
            a->shape[d] = take_side(&r);
        if (a->dims == 4 && kind % 4 < 3) /* mostly sides that there are */
            a->shape[2] = a->shape[3] = kind % 4 == 0 ? 3 : kind % 4;
    }
    if (!un_recognise("x", &arrays, &known, &found, &err))
        check(&found, &arrays);
    return 0;
}

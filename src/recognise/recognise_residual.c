/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of residual blocks, as nnU-Net's: what recognise_named.c needs to know of them. */
#include <stdio.h>

#include "recognise/recognise_work.h"

/* ---- the spec of nnU-Net's ---- */

/* The channels of the levels, and how many blocks each has. */
static unet_code measure_levels(struct un_work *w, unet_error *err)
{
    static const char conv[] = "encoder.stages.%d.blocks.%d.conv1.conv";
    unet_spec *spec = &w->out->spec;
    int blocks[UNET_MAX_DEPTH + 1], channels[UNET_MAX_DEPTH + 1], levels = 0;
    const struct un_module *first;
    for (; (first = un_work_numbered(w, conv, levels, 0)); levels++) {
        if (levels > UNET_MAX_DEPTH)
            return un_fail(err, UNET_EFORMAT, "%s: has more levels than %d", w->modules.path,
                           UNET_MAX_DEPTH + 1);
        channels[levels] = first->out;
        blocks[levels] = 1;
        while (un_work_numbered(w, conv, levels, blocks[levels]))
            blocks[levels]++;
    }
    if (levels < 2)
        return un_work_fail_missing(w, "encoder.stages.1.blocks.0.conv1.conv.weight", err);
    for (int d = 0; d < levels; d++)
        spec->blocks[d] = blocks[d] == un_spec_blocks(spec, d) ? 0 : blocks[d];
    return un_work_measure_levels(w, channels, levels, err);
}

static unet_code measure_nnunet(struct un_work *w, unet_error *err)
{
    unet_spec *spec = &w->out->spec;
    const struct un_module *stem = un_work_named(w, "encoder.stem.convs.0.conv");
    char name[UN_LAYOUT_NAME];
    spec->residual = (unet_residual)w->out->layout->residual;
    spec->leaky_slope = 0.1f;
    if (!stem)
        return un_work_fail_missing(w, "encoder.stem.convs.0.conv.weight", err);
    unet_code code = measure_levels(w, err);
    if (code)
        return code;
    const struct un_module *head = un_work_numbered(w, "decoder.seg_layers.%d", spec->depth - 1, 0);
    if (!head) {
        snprintf(name, sizeof name, "decoder.seg_layers.%d.weight", spec->depth - 1);
        return un_work_fail_missing(w, name, err);
    }
    spec->in_channels = stem->in;
    spec->classes = head->out;
    const struct un_module *up = un_work_named(w, "decoder.transpconvs.0");
    spec->bias = stem->bias >= 0       ? UNET_BIAS_ALWAYS
                 : up && up->bias >= 0 ? UNET_BIAS_UNLESS_NORM
                                       : UNET_BIAS_NEVER;
    spec->convs = un_work_numbered(w, "decoder.stages.%d.convs.%d.conv", 0, 1) ? 0 : 1;
    w->chain.up = UN_MODULE_UP2X2;
    return UNET_OK;
}

unet_code un_work_residual(struct un_work *w, unet_error *err)
{
    unet_error why;
    unet_code code;
    un_work_find_prefix(w, w->out->layout->residual == UNET_RESIDUAL_NNUNET ? "encoder.stem."
                                                                            : "encoder.layer1.");
    /* nothing is left to the search, and all that follows it wants to know is this */
    w->chain.convs = 1;
    code = w->out->layout->residual == UNET_RESIDUAL_NNUNET ? measure_nnunet(w, err)
                                                            : un_work_measure_resnet(w, err);
    if (code || (code = un_work_check_known(w, true, un_work_has_statistics(w), err)))
        return code;
    un_work_choose(w, true, un_work_has_statistics(w));
    if (un_spec_check(&w->out->spec, &why))
        return un_fail(err, UNET_EFORMAT, "%s: is no network that unet has: %s", w->modules.path,
                       why.text);
    return un_work_map_named(w, err);
}

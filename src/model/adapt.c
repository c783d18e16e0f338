/* SPDX-License-Identifier: Apache-2.0 */
/* adapt.c - a model of another's weights: a copy, or one that sees other channels or tells other
 * classes apart */
#include <string.h>

#include "model/model.h"

static bool same_shape(const struct un_param *a, const struct un_param *b)
{
    return a->dims == b->dims && !memcmp(a->shape, b->shape, (size_t)a->dims * sizeof *a->shape);
}

unet_code un_model_adapt(const unet_model *from, int in_channels, int classes, uint64_t seed,
                         unet_model **model, int *taken, unet_error *err)
{
    unet_spec spec = from->graph.spec;
    unet_model *made;
    spec.in_channels = in_channels;
    spec.classes = classes;
    if (classes < 2 || classes > UNET_MAX_CLASSES || un_spec_outputs(&spec) > UNET_MAX_CLASSES)
        spec.rims = 0; /* there are none for so few classes, or so many */
    unet_code code = un_model_fetch(from, err);
    if (code || (code = un_model_new(&spec, &made, err)))
        return code;
    un_model_init(made, seed);
    /* the spec has the same layers, so the parameters are the same but for their shapes */
    for (int i = 0; i < made->graph.param_count; i++) {
        const struct un_param *p = &made->graph.params[i], *old = &from->graph.params[i];
        bool same = same_shape(p, old);
        if (same)
            memcpy(made->values + p->offset, from->values + old->offset,
                   p->count * sizeof *made->values);
        if (taken)
            taken[i] = same;
    }
    if (in_channels == from->graph.spec.in_channels) {
        made->scaling = from->scaling;
        made->seen = from->seen;
    }
    *model = made;
    return UNET_OK;
}

unet_code un_model_copy(const unet_model *from, unet_model **model, unet_error *err)
{
    unet_model *made;
    unet_code code = un_model_fetch(from, err);
    if (code || (code = un_model_new(&from->graph.spec, &made, err)))
        return code;
    /* all that it knows, but for what it owns */
    float *values = made->values;
    const struct un_keeper keeper = made->keeper;
    *made = *from;
    made->values = values;
    made->settings = NULL;
    made->keeper = keeper;
    memcpy(made->values, from->values, from->graph.values * sizeof *made->values);
    if ((code = un_model_set_settings(made, from->settings, err)))
        un_model_free(made);
    else
        *model = made;
    return code;
}

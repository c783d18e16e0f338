/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model file: safetensors with the parameters of the network's graph under their names there,
 * and everything else as JSON under the metadata key "unet".
 */
#include <math.h>
#include <stdlib.h>

#include "model/model.h"
#include "weights/safetensors.h"

unet_code un_model_check_finite(const unet_model *model, const char *path, unet_error *err)
{
    if (!isfinite(model->scaling.offset) || !isfinite(model->scaling.scale))
        return un_fail(err, UNET_EINVAL, "%s: not written: scaling of samples is not finite", path);
    for (int p = 0; p < model->graph.param_count; p++) {
        const struct un_param *param = &model->graph.params[p];
        const float *values = model->values + param->offset;
        for (size_t i = 0; i < param->count; i++)
            if (!isfinite(values[i]))
                return un_fail(err, UNET_EINVAL,
                               "%s: not written: tensor %s: value %zu is %f, not finite", path,
                               param->name, i, (double)values[i]);
    }
    return UNET_OK;
}

unet_code un_model_write(const unet_model *model, const char *path, unet_error *err)
{
    struct un_safetensors_entry entries[UN_MAX_PARAMS];
    const struct un_graph *graph = &model->graph;
    unet_code code = un_model_fetch(model, err);
    if (code || (code = un_model_check_finite(model, path, err)))
        return code;
    for (int i = 0; i < graph->param_count; i++)
        entries[i] = (struct un_safetensors_entry){graph->params[i].name, graph->params[i].dims,
                                                   graph->params[i].shape,
                                                   model->values + graph->params[i].offset};
    char *text = un_metadata_text(model);
    if (!text)
        return un_fail(err, UNET_ENOMEM, "%s: no memory for the metadata", path);
    const char *const metadata[][2] = {{"format", "pt"}, {"unet", text}};
    code = un_safetensors_write(path, entries, graph->param_count, metadata, 2, err);
    free(text);
    return code;
}

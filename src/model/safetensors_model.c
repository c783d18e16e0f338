/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model file: safetensors with the parameters of the network's graph under their names there,
 * and everything else as JSON under the metadata key "unet".
 *
 * The network's shape comes from a text that anybody may have edited.  So all tensors are compared
 * with it before memory for the weights is taken: they take no more than twice the file's size (of
 * F16 values), whatever the text claims.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/metadata.h"
#include "model/safetensors.h"

static const char *const metadata_key = "unet";

/* ---- reading ---- */

static bool same_shape(const struct un_param *param, const struct un_array *tensor)
{
    bool same = param->dims == tensor->dims;
    for (int i = 0; same && i < param->dims; i++)
        same = (size_t)param->shape[i] == tensor->shape[i];
    return same;
}

static unet_code check_param(const char *path, const struct un_param *param,
                             const struct un_array *tensor, unet_error *err)
{
    if (!tensor)
        return un_fail(err, UNET_EFORMAT, "%s: tensor %s is missing", path, param->name);
    if (same_shape(param, tensor))
        return UNET_OK;
    char found[UN_SHAPE_TEXT], wanted[UN_SHAPE_TEXT];
    size_t shape[4];
    for (int i = 0; i < param->dims; i++)
        shape[i] = (size_t)param->shape[i];
    return un_fail(err, UNET_EFORMAT, "%s: tensor %s: has shape %s, the network needs %s", path,
                   param->name, un_shape_text(tensor->dims, tensor->shape, found),
                   un_shape_text(param->dims, shape, wanted));
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && !strcmp(text + length - tail, end);
}

/* PyTorch counts the batches of each norm; with a fixed momentum nothing depends on it. */
static bool is_ignored(const char *name)
{
    return ends_with(name, ".num_batches_tracked");
}

static bool is_param(const struct un_graph *graph, const char *name)
{
    for (int i = 0; i < graph->param_count; i++)
        if (!strcmp(graph->params[i].name, name))
            return true;
    return false;
}

/* Every parameter is there with its shape, and nothing else is. */
static unet_code check_tensors(const char *path, const struct un_graph *graph,
                               const struct un_safetensors *file, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; i < graph->param_count && !code; i++)
        code = check_param(path, &graph->params[i],
                           un_safetensors_find(file, graph->params[i].name), err);
    for (int i = 0; i < file->count && !code; i++) {
        const char *name = file->tensors[i].name;
        if (!is_param(graph, name) && !is_ignored(name))
            code = un_fail(err, UNET_EFORMAT,
                           "%s: tensor %.100s: the network has none of this name", path, name);
    }
    return code;
}

static unet_code read_values(const char *path, const struct un_safetensors *file, unet_model *model,
                             unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; i < model->graph.param_count && !code; i++) {
        const struct un_param *param = &model->graph.params[i];
        const struct un_array *tensor = un_safetensors_find(file, param->name);
        code = un_array_to_float(path, tensor, model->values + param->offset, err);
        un_map_forget(&file->mapping, tensor->data, tensor->count * tensor->dtype->bytes);
    }
    return code;
}

unet_code un_model_from_safetensors(const char *path, const struct un_safetensors *file,
                                    unet_model **model, unet_error *err)
{
    const char *text = un_safetensors_metadata(file, metadata_key);
    if (!text)
        return un_fail(err, UNET_EFORMAT,
                       "%s: has no unet metadata; wanted a model that unet has written", path);
    unet_model *made = calloc(1, sizeof *made);
    if (!made)
        return un_fail_memory(err, sizeof *made, path);
    unet_code code;
    if ((code = un_metadata_parse(path, text, made, err)) ||
        (code = check_tensors(path, &made->graph, file, err)) ||
        (code = un_model_allocate(made, err)) || (code = read_values(path, file, made, err)))
        un_model_free(made);
    else
        *model = made;
    return code;
}

unet_code un_model_read(const char *path, unet_model **model, unet_error *err)
{
    struct un_safetensors file;
    unet_code code = un_safetensors_open(path, &file, err);
    if (code)
        return code;
    code = un_model_from_safetensors(path, &file, model, err);
    un_safetensors_release(&file);
    return code;
}

/* ---- writing ---- */

static unet_code check_finite(const unet_model *model, const char *path, unet_error *err)
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
    unet_code code = check_finite(model, path, err);
    if (code)
        return code;
    for (int i = 0; i < graph->param_count; i++)
        entries[i] = (struct un_safetensors_entry){graph->params[i].name, graph->params[i].dims,
                                                   graph->params[i].shape,
                                                   model->values + graph->params[i].offset};
    char *text = un_metadata_text(model);
    if (!text)
        return un_fail(err, UNET_ENOMEM, "%s: no memory for the metadata", path);
    const char *const metadata[][2] = {{"format", "pt"}, {metadata_key, text}};
    code = un_safetensors_write(path, entries, graph->param_count, metadata, 2, err);
    free(text);
    return code;
}

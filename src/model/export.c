/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.c - a model for other programs
 *
 * Every format keeps this project's own JSON about the model where other programs do not look, so
 * that what leaves comes back whole.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hooks.h"
#include "model/bioimage/package.h"
#include "model/model.h"
#include "recognise/layouts.h"
#include "weights/onnx/onnx.h"
#include "weights/safetensors.h"
#include "weights/torch/torch.h"

/* A model with its arrays and the JSON that it is to have in a file. */
struct leaving {
    const unet_model *model;
    const char *path;
    const unet_export_options *options;
    char names[UN_MAX_PARAMS][UN_LAYOUT_NAME];
    int count; /* arrays; fewer than parameters where two are joined to one */
    struct {
        const char *name;
        int dims, shape[4];
        const float *values;
        float *joined; /* NULL, or values that are the file's own */
    } arrays[UN_MAX_PARAMS];
    char *metadata;
};

static unet_code write_safetensors(const struct leaving *l, unet_error *err)
{
    const char *const metadata[][2] = {{"format", "pt"}, {"unet", l->metadata}};
    struct un_safetensors_entry entries[UN_MAX_PARAMS];
    for (int i = 0; i < l->count; i++)
        entries[i] = (struct un_safetensors_entry){l->arrays[i].name, l->arrays[i].dims,
                                                   l->arrays[i].shape, l->arrays[i].values};
    return un_safetensors_write(l->path, entries, l->count, metadata, 2, err);
}

static unet_code write_torch(const struct leaving *l, unet_error *err)
{
    struct un_torch_entry entries[UN_MAX_PARAMS];
    for (int i = 0; i < l->count; i++)
        entries[i] = (struct un_torch_entry){l->arrays[i].name, l->arrays[i].dims,
                                             l->arrays[i].shape, l->arrays[i].values};
    return un_torch_write(l->path, entries, l->count, l->metadata, err);
}

/* An image whose samples tell of which type they are. */
static bool has_example(const unet_export_options *options)
{
    return options->example && !options->example->prepared;
}

/* Of samples of a type, before they are centred. */
static void scale_of(const unet_model *model, unet_sample type, float *offset, float *scale)
{
    struct un_scaling scaling = model->scaling;
    scaling.per_image = false;
    scaling.centred = 0;
    const struct un_reading reading = un_reading_of((unet_view){.sample = type}, 1, &scaling);
    *offset = reading.offset;
    *scale = reading.scale;
}

void un_model_tell_scale(const unet_model *model, const char *path,
                         const unet_export_options *options)
{
    static const char *const names[] = {
        [UNET_U8] = "8 bits", [UNET_U16] = "16 bits", [UNET_F32] = "type float"};
    float offset, scale, other_offset, other_scale;
    un_model_scale(model, options, &offset, &scale);
    for (int type = UNET_U8; type <= UNET_F32 && !model->scaling.per_image; type++) {
        scale_of(model, (unet_sample)type, &other_offset, &other_scale);
        if (!(model->scaling.trained_on & 1u << type) ||
            (offset == other_offset && scale == other_scale))
            continue;
        un_note(options->log, UNET_WARNING,
                "%s: it scales samples by (x - %g) * %g; unet scales those of %s, which the model "
                "was trained on, too, otherwise (an example says of which type it is to be)",
                path, (double)offset, (double)scale, names[type]);
    }
}

void un_model_scale(const unet_model *model, const unet_export_options *options, float *offset,
                    float *scale)
{
    const struct un_scaling *scaling = &model->scaling;
    if (has_example(options)) {
        scale_of(model, options->example->sample, offset, scale);
        return;
    }
    const bool dim = !scaling->set && scaling->dim_scale > 0;
    *offset = dim ? scaling->dim_offset : scaling->set ? scaling->offset : 0;
    *scale = dim ? scaling->dim_scale : scaling->set ? scaling->scale : 1.0f / 255;
}

/* An image's sample x goes into the network as (x - offset) * scale. */
static unet_code write_onnx(const struct leaving *l, unet_error *err)
{
    const struct un_scaling *scaling = &l->model->scaling;
    if (l->options->normalize && scaling->per_image)
        return un_fail(err, UNET_EINVAL,
                       "%s: normalisation cannot be in the graph: this model brings each image to "
                       "mean 0 and variance 1",
                       l->path);
    if (l->options->normalize && scaling->centred)
        return un_fail(err, UNET_EINVAL,
                       "%s: normalisation cannot be in the graph: this model has a mean and a "
                       "deviation for each channel",
                       l->path);
    if (l->options->normalize && scaling->clips)
        return un_fail(
            err, UNET_EINVAL,
            "%s: normalisation cannot be in the graph: this model holds samples to %g to "
            "%g",
            l->path, (double)scaling->low, (double)scaling->high);
    struct un_onnx_options options = {.metadata = l->metadata, .scaled = l->options->normalize};
    float offset;
    un_model_scale(l->model, l->options, &offset, &options.scale);
    if (l->options->normalize)
        un_model_tell_scale(l->model, l->path, l->options);
    options.shift = offset != 0 ? -offset * options.scale : 0;
    return un_onnx_write(l->path, &l->model->graph, l->model->values, &options, err);
}

static unet_code write_package(const struct leaving *l, unet_error *err)
{
    return un_package_write(l->model, l->path, l->metadata, l->options, err);
}

static const struct {
    const char *ending;
    bool names; /* its arrays can have any names */
    unet_code (*write)(const struct leaving *l, unet_error *err);
} formats[] = {
    {".safetensors", true, write_safetensors},
    {".pth", true, write_torch},
    {".pt", true, write_torch},
    {".onnx", false, write_onnx},
    {".zip", false, write_package},
};

enum { FORMATS = sizeof formats / sizeof *formats };

static int format_of(const char *path)
{
    const size_t length = strlen(path);
    for (int i = 0; i < FORMATS; i++) {
        size_t ending = strlen(formats[i].ending);
        if (length > ending && !strcasecmp(path + length - ending, formats[i].ending))
            return i;
    }
    return -1;
}

static unet_code name_arrays(struct leaving *l, const char *name, unet_error *err)
{
    const struct un_graph *graph = &l->model->graph;
    const struct un_names *layout = un_layout_find(name);
    if (!layout)
        return un_fail(err, UNET_EINVAL, "layout %s is none that is known", name);
    unet_code code = un_layout_check(layout, &graph->spec, err);
    for (int i = 0; i < graph->param_count && !code; i++)
        if (!un_layout_name(layout, graph, i, l->names[i]))
            code = un_fail(err, UNET_EINVAL, "layout %s has no name for %s", name,
                           graph->params[i].name);
    return code;
}

/* The array of this name, -1: there is none yet. */
static int array_named(const struct leaving *l, const char *name)
{
    for (int i = l->count - 1; i >= 0; i--)
        if (!strcmp(l->arrays[i].name, name))
            return i;
    return -1;
}

/* Parameter i is a part of array k, or all of it. */
static unet_code put_part(struct leaving *l, int i, int k, unet_error *err)
{
    const struct un_graph *graph = &l->model->graph;
    const struct un_param *p = &graph->params[i];
    const float *values = l->model->values + p->offset;
    size_t first;
    const size_t count = un_graph_joined(graph, i, &first);
    if (k == l->count) {
        l->count++;
        l->arrays[k].name = l->names[i];
        l->arrays[k].dims = p->dims;
        memcpy(l->arrays[k].shape, p->shape, sizeof p->shape);
        l->arrays[k].values = values;
        return UNET_OK;
    }
    if (!l->arrays[k].joined) { /* its first part is there */
        size_t there;
        float *joined = malloc(count * sizeof *joined);
        if (!joined)
            return un_fail_memory(err, count * sizeof *joined, l->path);
        un_graph_joined(graph, (int)((l->arrays[k].name - l->names[0]) / UN_LAYOUT_NAME), &there);
        memcpy(joined + there, l->arrays[k].values, (count - p->count) * sizeof *joined);
        l->arrays[k].values = l->arrays[k].joined = joined;
        l->arrays[k].shape[0] = (int)count;
    }
    memcpy(l->arrays[k].joined + first, values, p->count * sizeof *values);
    return UNET_OK;
}

static unet_code list_arrays(struct leaving *l, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; i < l->model->graph.param_count && !code; i++) {
        const int k = array_named(l, l->names[i]);
        code = put_part(l, i, k < 0 ? l->count : k, err);
    }
    return code;
}

unet_code un_model_export(const unet_model *model, const char *path,
                          const unet_export_options *options, unet_error *err)
{
    static const unet_export_options nothing = {0};
    options = options ? options : &nothing;
    const char *names = options->names ? options->names : "unet";
    const int format = format_of(path);
    if (format < 0)
        return un_fail(err, UNET_EINVAL,
                       "%s: not a name that ends in .safetensors, .pth, .pt, .onnx or .zip", path);
    if (!formats[format].names && strcmp(names, "unet"))
        return un_fail(err, UNET_EINVAL, "%s: layout %s is for .safetensors, .pth and .pt", path,
                       names);
    unet_code code = un_model_fetch(model, err);
    if (code || (code = un_model_check_finite(model, path, err)))
        return code;
    struct leaving *l = calloc(1, sizeof *l);
    if (!l)
        return un_fail_memory(err, sizeof *l, path);
    *l = (struct leaving){.model = model, .path = path, .options = options};
    l->metadata = un_metadata_text(model);
    code = l->metadata ? name_arrays(l, names, err) : un_fail_memory(err, 4096, path);
    if (!code && formats[format].names)
        code = list_arrays(l, err);
    if (!code)
        code = formats[format].write(l, err);
    for (int i = 0; i < l->count; i++)
        free(l->arrays[i].joined);
    free(l->metadata);
    free(l);
    return code;
}

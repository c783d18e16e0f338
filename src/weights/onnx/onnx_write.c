/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message carries its length in front.  So everything but the weights is put together in memory,
 * each weight's tensor up to where its values begin; then all lengths are known, and the file is
 * written from its beginning to its end, the values from where the model has them.
 *
 *   model  1 version of the format, 2 and 3 producer, 7 graph, 8 operator set, 14 metadata
 *   graph  1 nodes, 5 tensors, 2 name, 11 input, 12 output
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "weights/onnx/onnx_emit.h"

enum { FORMAT_VERSION = 8, OPERATOR_VERSION = 17 };

struct parts {
    struct un_builder model;           /* what stands before the graph */
    struct un_builder ends;            /* of the graph: its name, input and output */
    struct un_builder tensors;         /* of all parameters, without values */
    size_t tensor_ends[UN_MAX_PARAMS]; /* where each one's values belong */
};

/* An input or output: 1 name, 2 type {1 tensor {1 kind of values, 2 shape}}, a side of which is
 * 1 {1 number} or 1 {2 name}. */
static void put_end(struct un_builder *out, uint32_t field, const char *name, int channels,
                    const char *height, const char *width)
{
    struct un_builder end = {0}, shape = {0}, tensor = {0}, type = {0}, side = {0};
    const char *const names[4] = {"batch", NULL, height, width};
    for (int i = 0; i < 4; i++) {
        if (names[i])
            un_put_text(&side, 2, names[i]);
        else
            un_put_int(&side, 1, channels);
        un_put_message(&shape, 1, &side);
    }
    un_put_int(&tensor, 1, 1);
    un_put_message(&tensor, 2, &shape);
    un_put_message(&type, 1, &tensor);
    un_put_text(&end, 1, name);
    un_put_message(&end, 2, &type);
    un_put_message(out, field, &end);
}

static void put_ends(struct parts *parts, const struct un_graph *graph,
                     const struct un_onnx_options *options)
{
    const unet_spec *spec = &graph->spec;
    const bool same = spec->padding == UNET_PADDING_SAME;
    un_put_text(&parts->ends, 2, "unet");
    put_end(&parts->ends, 11, un_onnx_image, spec->in_channels, "height", "width");
    put_end(&parts->ends, 12, un_onnx_result(options), un_spec_outputs(spec),
            same ? "height" : "output_height", same ? "width" : "output_width");
}

static void put_model(struct parts *parts, const struct un_onnx_options *options)
{
    struct un_builder operators = {0}, pair = {0};
    un_put_int(&parts->model, 1, FORMAT_VERSION);
    un_put_text(&parts->model, 2, "unet");
    un_put_text(&parts->model, 3, UNET_VERSION);
    un_put_text(&operators, 1, "");
    un_put_int(&operators, 2, OPERATOR_VERSION);
    un_put_message(&parts->model, 8, &operators);
    if (!options->metadata)
        return;
    un_put_text(&pair, 1, "unet");
    un_put_text(&pair, 2, options->metadata);
    un_put_message(&parts->model, 14, &pair);
}

static void put_tensors(struct parts *parts, const struct un_graph *graph, const bool *spread)
{
    struct un_builder head = {0};
    for (int i = 0; i < graph->param_count; i++) {
        const struct un_param *param = &graph->params[i];
        const size_t bytes = param->count * sizeof(float);
        for (int d = 0; d < param->dims; d++)
            un_put_int(&head, 1, param->shape[d]);
        for (int d = 0; spread[i] && d < 2; d++)
            un_put_int(&head, 1, 1);
        un_put_int(&head, 2, 1);
        un_put_text(&head, 8, param->name);
        un_put_head(&head, 9, bytes);
        un_put_head(&parts->tensors, 5, head.size + bytes);
        un_put_raw(&parts->tensors, head.bytes, head.size);
        parts->tensors.failed |= head.failed;
        parts->tensor_ends[i] = parts->tensors.size;
        head.size = 0;
    }
    free(head.bytes);
}

/* Whoever closes the file sees what fails here. */
static void write_all(FILE *file, const struct parts *parts, const struct un_builder *nodes,
                      const struct un_graph *graph, const float *values)
{
    size_t done = 0;
    fwrite(parts->model.bytes, 1, parts->model.size, file);
    fwrite(nodes->bytes, 1, nodes->size, file);
    for (int i = 0; i < graph->param_count; i++) {
        fwrite(parts->tensors.bytes + done, 1, parts->tensor_ends[i] - done, file);
        un_little_write(values + graph->params[i].offset, sizeof *values, graph->params[i].count,
                        file);
        done = parts->tensor_ends[i];
    }
    fwrite(parts->ends.bytes, 1, parts->ends.size, file);
}

unet_code un_onnx_put(const char *path, FILE *file, const struct un_graph *graph,
                      const float *values, const struct un_onnx_options *options, unet_error *err)
{
    struct un_onnx_emit emit = {.graph = graph, .options = options};
    struct parts parts = {0};
    unet_code code = UNET_OK;
    un_onnx_emit_graph(&emit);
    put_model(&parts, options);
    put_ends(&parts, graph, options);
    put_tensors(&parts, graph, emit.spread);
    const struct un_builder *nodes = &emit.graph_fields;
    const size_t size =
        nodes->size + parts.tensors.size + graph->values * sizeof *values + parts.ends.size;
    un_put_head(&parts.model, 7, size);
    if (nodes->failed || parts.model.failed || parts.ends.failed || parts.tensors.failed)
        code = un_fail(err, UNET_ENOMEM, "%s: no memory for the network's nodes", path);
    else if (size + parts.model.size > INT32_MAX)
        code = un_fail(err, UNET_EINVAL, "%s: not written: it would have %zu bytes, ONNX allows %d",
                       path, size + parts.model.size, INT32_MAX);
    else
        write_all(file, &parts, nodes, graph, values);
    free(emit.graph_fields.bytes);
    free(emit.node.bytes);
    free(parts.model.bytes);
    free(parts.ends.bytes);
    free(parts.tensors.bytes);
    return code;
}

unet_code un_onnx_write(const char *path, const struct un_graph *graph, const float *values,
                        const struct un_onnx_options *options, unet_error *err)
{
    struct un_save save = {0};
    unet_code code = un_save_begin(&save, path, err);
    if (code)
        return code;
    code = un_onnx_put(path, save.file, graph, values, options, err);
    if (!code)
        return un_save_commit(&save, err);
    un_save_abort(&save);
    return code;
}

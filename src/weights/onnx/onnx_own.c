/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of our own whose networks the walk over the nodes does not know: those with norms before
 * their convolutions, residual ones, and MONAI's.  Their metadata have the whole spec, so nothing
 * has to be found out; the weights are listed by the names that unet gives them, and the operators
 * must be those that it writes for that spec, one after the other: a file that somebody has changed
 * in between is another network.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "net/spec_json.h"
#include "weights/onnx/onnx_emit.h"
#include "weights/onnx/onnx_walk.h"

/* The spec that the metadata have; false: none that can be read, which others will complain of. */
static bool read_spec(const struct un_onnx_walk *walk, unet_spec *spec)
{
    const char *text = walk->arrays->metadata;
    json_t *root = NULL;
    if (!text || un_json_parse(walk->table->path, text, strlen(text), &root, NULL))
        return false;
    const json_t *object = json_object_get(root, "spec");
    const bool read =
        json_is_object(object) && !un_spec_from_json(walk->table->path, object, spec, NULL);
    json_decref(root);
    return read;
}

bool un_onnx_is_own(struct un_onnx_walk *walk)
{
    unet_spec spec;
    return read_spec(walk, &spec) &&
           (spec.norm_order == UNET_BEFORE_CONV || spec.residual || spec.family);
}

static bool is_op(const struct un_onnx_table *table, int node, const char *op)
{
    return node >= 0 && node < table->node_count && un_slice_is(table->nodes[node].op, op);
}

/* The operator of the next node (field 1 of a graph, of which it is field 4); false: no more. */
static bool next_operator(struct un_slice *graph, struct un_slice *op)
{
    struct un_message_field field, inner;
    while (un_message_next(graph, &field) > 0) {
        if (field.number != 1 || field.wire != UN_WIRE_BYTES)
            continue;
        struct un_slice node = field.bytes;
        while (un_message_next(&node, &inner) > 0)
            if (inner.number == 4 && inner.wire == UN_WIRE_BYTES)
                *op = inner.bytes;
        return true;
    }
    return false;
}

static unet_code check_nodes(struct un_onnx_walk *walk, const struct un_onnx_emit *emit)
{
    const struct un_onnx_table *table = walk->table;
    const unsigned char *bytes = emit->graph_fields.bytes;
    struct un_slice graph = {bytes, bytes + emit->graph_fields.size}, op = {0};
    int n = 0;
    while (next_operator(&graph, &op) && n < table->node_count &&
           !un_slice_compare(op, table->nodes[n].op))
        n++;
    if (n == table->node_count && !next_operator(&graph, &op))
        return UNET_OK;
    return un_fail(walk->err, UNET_EFORMAT,
                   "%s: its nodes are not those that unet writes for the network that its metadata "
                   "say it is, from node %d on",
                   table->path, n);
}

/* Of a value with this name, -1: there is none. */
static int tensor_named(const struct un_onnx_table *table, const char *name)
{
    for (int v = 0; v < table->value_count; v++)
        if (table->values[v].tensor >= 0 && un_slice_is(table->values[v].name, name))
            return table->values[v].tensor;
    return -1;
}

/* What is not there is told by whoever compares the arrays with the network. */
static unet_code list_weights(struct un_onnx_walk *walk, const struct un_onnx_emit *emit)
{
    for (int i = 0; i < emit->graph->param_count; i++) {
        const struct un_param *p = &emit->graph->params[i];
        const int tensor = tensor_named(walk->table, p->name);
        struct un_array *array;
        if (tensor < 0)
            continue;
        unet_code code = un_onnx_put_array(walk, tensor, p->name, &array);
        if (code)
            return code;
        if (!array->dtype->to_float)
            return un_fail(walk->err, UNET_EFORMAT, "%s: tensor %s: is of type %s, wanted floats",
                           walk->table->path, p->name, array->dtype->name);
        const size_t count = array->count;
        if (emit->spread[i] && array->dims == 3 && array->shape[0] == count)
            un_array_set_shape(array, 1, &count);
        walk->arrays->count++;
    }
    return UNET_OK;
}

unet_code un_onnx_own(struct un_onnx_walk *walk)
{
    const struct un_onnx_table *table = walk->table;
    const int last = table->node_count - 1;
    struct un_onnx_options options = {.scaled = is_op(table, 0, "Mul"),
                                      .probabilities = is_op(table, last, "Softmax") ||
                                                       is_op(table, last, "Sigmoid")};
    struct un_graph *graph = calloc(1, sizeof *graph);
    struct un_onnx_emit *emit = calloc(1, sizeof *emit);
    unet_spec spec;
    unet_code code = UNET_ENOMEM;
    if (graph && emit && read_spec(walk, &spec)) {
        un_graph_build(graph, &spec);
        emit->graph = graph;
        emit->options = &options;
        un_onnx_emit_graph(emit);
        code = emit->graph_fields.failed ? UNET_ENOMEM : check_nodes(walk, emit);
        free(emit->graph_fields.bytes);
        free(emit->node.bytes);
        if (!code)
            code = list_weights(walk, emit);
    }
    if (code == UNET_ENOMEM)
        un_fail_memory(walk->err, sizeof *graph, table->path);
    free(graph);
    free(emit);
    return code;
}

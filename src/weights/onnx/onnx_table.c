/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages and the numbers of their fields that are read:
 *
 *   model       7 graph, 8 operator set {1 domain, 2 version}, 14 metadata {1 key, 2 value}
 *   graph       1 node, 5 tensor, 11 input {1 name}, 12 output {1 name}, 15 sparse tensor
 *   node        1 input, 2 output, 3 name, 4 operator, 5 attribute, 7 domain
 *
 * Reading goes over the graph twice: to count, and to fill arrays of that size.  Then all names are
 * sorted, which brings together those of one value; sorting takes n log n steps for any names,
 * where a hash table would have to trust them.
 */
#include "weights/onnx/onnx_table.h"

#include <stdlib.h>

static unet_code broken(const char *path, const char *what, unet_error *err)
{
    return un_fail(err, UNET_EFORMAT,
                   "%s: %s is broken at its end or in the middle (is the file cut short?)", path,
                   what);
}

/* ---- names ---- */

enum use { STORED, FED, MADE, READ, GIVEN }; /* tensor, graph input, by a node, of a node, output */

struct name {
    struct un_slice text;
    enum use use;
    int index; /* of the tensor; MADE, READ: of refs */
    int node;  /* of MADE and READ */
};

static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = un_slice_compare(x->text, y->text);
    if (order)
        return order;
    return x->use != y->use ? (x->use > y->use) - (x->use < y->use) : x->index - y->index;
}

/* What is being read. */
struct reader {
    struct un_onnx_table *table;
    struct un_slice graph;
    struct name *names;
    int name_count;
    int input_count, output_count; /* of the graph */
    unet_error *err;
};

static void add_name(struct reader *r, struct un_slice text, enum use use, int index, int node)
{
    r->names[r->name_count++] = (struct name){text, use, index, node};
}

static int text_bytes(struct un_slice text)
{
    size_t size = un_slice_size(text);
    return size > 100 ? 100 : (int)size;
}

/* All uses of one name, sorted: the tensor or the graph input, the node that makes it, its readers.
 */
static unet_code bind_value(struct reader *r, const struct name *names, int count)
{
    struct un_onnx_table *table = r->table;
    const char *text = (const char *)names[0].text.at;
    const int size = text_bytes(names[0].text), value = table->value_count++;
    struct un_onnx_value *made = &table->values[value];
    *made = (struct un_onnx_value){names[0].text, -1, -1, false};
    bool fed = false;
    for (int i = 0; i < count; i++) {
        const struct name *name = &names[i];
        const bool known = fed || made->maker >= 0 || made->tensor >= 0;
        if (name->use == STORED || name->use == MADE) {
            if (known)
                return un_fail(r->err, UNET_EFORMAT, "%s: the value %.*s is made twice",
                               table->path, size, text);
            made->tensor = name->use == STORED ? name->index : -1;
            made->maker = name->use == MADE ? name->node : -1;
        } else if (name->use == FED) {
            fed |= made->tensor < 0; /* old files list the stored tensors among the inputs, too */
            r->input_count += made->tensor < 0;
            table->input = made->tensor < 0 ? value : table->input;
        } else if (!known) {
            return un_fail(r->err, UNET_EFORMAT, "%s: the value %.*s is read, but nothing makes it",
                           table->path, size, text);
        } else if (name->use == READ && made->maker >= name->node) {
            return un_fail(r->err, UNET_EFORMAT,
                           "%s: the value %.*s is read before it is made: the nodes are in a "
                           "circle, or not in the order in which they run",
                           table->path, size, text);
        } else if (name->use == GIVEN) {
            r->output_count++;
            table->output = value;
        }
        if (name->use == MADE || name->use == READ)
            table->refs[name->index] = value;
    }
    return UNET_OK;
}

static unet_code bind_names(struct reader *r)
{
    struct un_onnx_table *table = r->table;
    qsort(r->names, (size_t)r->name_count, sizeof *r->names, compare_names);
    for (int i = 0, end; i < r->name_count; i = end) {
        for (end = i + 1; end < r->name_count; end++)
            if (un_slice_compare(r->names[i].text, r->names[end].text))
                break;
        unet_code code = bind_value(r, &r->names[i], end - i);
        if (code)
            return code;
    }
    if (r->input_count != 1 || r->output_count != 1)
        return un_fail(r->err, UNET_EFORMAT, "%s: a network of %d inputs and %d outputs, wanted 1",
                       table->path, r->input_count, r->output_count);
    return UNET_OK;
}

/* ---- nodes ---- */

/* Takes a node's fields; counts its inputs and outputs.  Its attributes are looked through, so that
 * whoever reads them finds whole ones. */
static unet_code read_node(struct reader *r, struct un_slice message, struct un_onnx_node *node)
{
    struct un_message_field field, inner;
    int more, deeper;
    *node = (struct un_onnx_node){.message = message};
    while ((more = un_message_next(&message, &field)) > 0) {
        if (field.wire != UN_WIRE_BYTES)
            continue;
        node->inputs += field.number == 1;
        node->outputs += field.number == 2;
        if (field.number == 3)
            node->name = field.bytes;
        else if (field.number == 4)
            node->op = field.bytes;
        else if (field.number == 7)
            node->domain = field.bytes;
        else if (field.number == 5) {
            while ((deeper = un_message_next(&field.bytes, &inner)) > 0) {
            }
            if (deeper < 0)
                return broken(r->table->path, "an attribute", r->err);
        }
    }
    return more < 0 ? broken(r->table->path, "a node", r->err) : UNET_OK;
}

/* The tensor of a Constant node counts as one that is stored under the name of its output. */
static unet_code add_constant(struct reader *r, struct un_onnx_node *node, struct un_slice name)
{
    struct un_onnx_table *table = r->table;
    struct un_slice message;
    if (!un_slice_is(node->op, "Constant") || !un_onnx_bytes(node, "value", 5, &message))
        return UNET_OK;
    struct un_onnx_tensor *tensor = &table->tensors[table->tensor_count++];
    unet_code code = un_onnx_tensor_read(table->path, message, tensor, r->err);
    tensor->name = name;
    return code;
}

static unet_code fill_node(struct reader *r, struct un_slice message)
{
    struct un_onnx_table *table = r->table;
    const int index = table->node_count++;
    struct un_onnx_node *node = &table->nodes[index];
    unet_code code = read_node(r, message, node);
    struct un_message_field field;
    int in = node->first_input = table->ref_count;
    int out = node->first_output = table->ref_count += node->inputs;
    table->ref_count += node->outputs;
    while (!code && un_message_next(&message, &field) > 0) {
        if (field.wire != UN_WIRE_BYTES || (field.number != 1 && field.number != 2))
            continue;
        const bool made = field.number == 2;
        const int ref = made ? out++ : in++;
        table->refs[ref] = -1;
        if (un_slice_size(field.bytes) == 0)
            continue; /* an optional one that is left out */
        const int tensors = table->tensor_count;
        if (made && ref == node->first_output)
            code = add_constant(r, node, field.bytes);
        if (table->tensor_count > tensors)
            add_name(r, field.bytes, STORED, tensors, index);
        else
            add_name(r, field.bytes, made ? MADE : READ, ref, index);
    }
    return code;
}

/* ---- the graph ---- */

static unet_code count_graph(struct reader *r, int *nodes, int *tensors, int *refs, int *names)
{
    struct un_slice graph = r->graph;
    struct un_onnx_node node;
    struct un_message_field field;
    unet_code code = UNET_OK;
    int more;
    while (!code && (more = un_message_next(&graph, &field)) > 0) {
        if (field.wire != UN_WIRE_BYTES)
            continue;
        if (field.number == 1) {
            code = read_node(r, field.bytes, &node);
            *nodes += 1;
            *refs += node.inputs + node.outputs;
        }
        *tensors += field.number == 5;
        *names += field.number == 5 || field.number == 11 || field.number == 12;
        if (*nodes > UN_ONNX_MAX_NODES || *refs + *names > UN_ONNX_MAX_NAMES)
            return un_fail(r->err, UNET_EFORMAT,
                           "%s: more than %d nodes or %d names, which no U-Net has", r->table->path,
                           UN_ONNX_MAX_NODES, UN_ONNX_MAX_NAMES);
        if (field.number == 15)
            return un_fail(r->err, UNET_EFORMAT, "%s: has sparse tensors, wanted dense ones",
                           r->table->path);
    }
    *names += *refs;
    return !code && more < 0 ? broken(r->table->path, "the graph", r->err) : code;
}

/* An input or output of the graph. */
static unet_code fill_end(struct reader *r, struct un_slice message, enum use use)
{
    struct un_message_field field;
    int more;
    while ((more = un_message_next(&message, &field)) > 0)
        if (field.number == 1 && field.wire == UN_WIRE_BYTES) {
            add_name(r, field.bytes, use, 0, 0);
            return UNET_OK;
        }
    return broken(r->table->path, "an input or output of the graph", r->err);
}

static unet_code fill_graph(struct reader *r)
{
    struct un_onnx_table *table = r->table;
    struct un_slice graph = r->graph;
    struct un_message_field field;
    unet_code code = UNET_OK;
    while (!code && un_message_next(&graph, &field) > 0) {
        if (field.wire != UN_WIRE_BYTES)
            continue;
        if (field.number == 1) {
            code = fill_node(r, field.bytes);
        } else if (field.number == 5) {
            const int index = table->tensor_count++;
            code = un_onnx_tensor_read(table->path, field.bytes, &table->tensors[index], r->err);
            add_name(r, table->tensors[index].name, STORED, index, 0);
        } else if (field.number == 11 || field.number == 12) {
            code = fill_end(r, field.bytes, field.number == 11 ? FED : GIVEN);
        }
    }
    return code;
}

static void *allocate(struct reader *r, int count, size_t size)
{
    return un_arena_alloc(&r->table->arena, (size_t)(count + 1) * size);
}

/* From the output backwards. */
static void mark_needed(struct un_onnx_table *table)
{
    const int last = table->values[table->output].maker;
    if (last >= 0)
        table->nodes[last].needed = true;
    for (int n = last; n >= 0; n--) {
        const struct un_onnx_node *node = &table->nodes[n];
        for (int i = 0; node->needed && i < node->inputs; i++) {
            const int value = table->refs[node->first_input + i];
            if (value >= 0 && table->values[value].maker >= 0)
                table->nodes[table->values[value].maker].needed = true;
        }
    }
}

static unet_code read_graph(struct reader *r)
{
    struct un_onnx_table *table = r->table;
    int nodes = 0, tensors = 0, refs = 0, names = 0;
    unet_code code = count_graph(r, &nodes, &tensors, &refs, &names);
    if (code)
        return code;
    table->nodes = allocate(r, nodes, sizeof *table->nodes);
    table->tensors = allocate(r, nodes + tensors, sizeof *table->tensors);
    table->refs = allocate(r, refs, sizeof *table->refs);
    table->values = allocate(r, names, sizeof *table->values);
    r->names = malloc((size_t)(names + 1) * sizeof *r->names);
    if (!table->nodes || !table->tensors || !table->refs || !table->values || !r->names)
        code = un_fail_memory(r->err, (size_t)names * sizeof *table->values, table->path);
    if (!code)
        code = fill_graph(r);
    if (!code)
        code = bind_names(r);
    if (!code)
        mark_needed(table);
    free(r->names);
    return code;
}

/* ---- the model ---- */

/* The value of a {1: key, 2: value} message, when its key is this. */
static bool find_pair(struct un_slice message, const char *key, struct un_message_field *value)
{
    struct un_message_field field;
    bool found = !*key; /* an empty key may be left out */
    *value = (struct un_message_field){0};
    while (un_message_next(&message, &field) > 0) {
        if (field.number == 1)
            found = field.wire == UN_WIRE_BYTES && un_slice_is(field.bytes, key);
        else if (field.number == 2)
            *value = field;
    }
    return found && value->number;
}

unet_code un_onnx_table_read(const char *path, const unsigned char *bytes, size_t size,
                             struct un_onnx_table *table, unet_error *err)
{
    struct un_slice message = {bytes, size ? bytes + size : bytes}; /* an empty file: NULL */
    struct un_message_field field, value;
    int more;
    *table = (struct un_onnx_table){.path = path};
    struct reader reader = {.table = table, .err = err};
    while ((more = un_message_next(&message, &field)) > 0) {
        if (field.wire != UN_WIRE_BYTES)
            continue;
        if (field.number == 7)
            reader.graph = field.bytes;
        else if (field.number == 8 &&
                 (find_pair(field.bytes, "", &value) || find_pair(field.bytes, "ai.onnx", &value)))
            table->opset = value.value > 1000 ? 1000 : (int)value.value;
        else if (field.number == 14 && find_pair(field.bytes, "unet", &value))
            table->metadata = value.bytes;
    }
    if (more < 0)
        return broken(path, "the model", err);
    if (!reader.graph.at)
        return un_fail(err, UNET_EFORMAT, "%s: has no graph, wanted an ONNX model", path);
    if (table->opset < 7)
        return un_fail(err, UNET_EFORMAT, "%s: version %d of the operators, wanted 7 or later",
                       path, table->opset);
    return read_graph(&reader);
}

static int find_ref(const struct un_onnx_table *table, int first, int count, int i)
{
    return i < count ? table->refs[first + i] : -1;
}

int un_onnx_input(const struct un_onnx_table *table, const struct un_onnx_node *node, int i)
{
    return find_ref(table, node->first_input, node->inputs, i);
}

int un_onnx_output(const struct un_onnx_table *table, const struct un_onnx_node *node, int i)
{
    return find_ref(table, node->first_output, node->outputs, i);
}

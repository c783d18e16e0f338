/* SPDX-License-Identifier: Apache-2.0 */
/* table_maker.h - tables of arrays for the tests of un_recognise(), of a network or by hand */
#ifndef TABLE_MAKER_H
#define TABLE_MAKER_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "recognise/recognise.h"
#include "support/known.h"

enum { TABLE_MOST = 400 };

struct table {
    struct un_arrays arrays;
    struct un_array items[TABLE_MOST];
    char names[TABLE_MOST][96];
    int param[TABLE_MOST]; /* of the graph; -1: added by hand */
};

static inline void table_begin(struct table *table, bool ordered)
{
    memset(table, 0, sizeof *table);
    table->arrays = (struct un_arrays){
        .format = "test", .items = table->items, .ordered = ordered, .hints = un_hints_none()};
}

static inline struct un_array *table_add(struct table *table, const char *name, int dims,
                                         const size_t *shape)
{
    static const unsigned char zeros[8];
    int i = table->arrays.count++;
    struct un_array *a = &table->items[i];
    snprintf(table->names[i], sizeof table->names[i], "%s", name);
    a->name = a->key = table->names[i];
    a->dtype = un_dtype_find("F32");
    a->data = zeros; /* nobody looks */
    a->dims = dims;
    a->count = 1;
    for (int d = 0; d < dims; d++) {
        a->shape[d] = shape[d];
        a->count *= shape[d];
    }
    table->param[i] = -1;
    return a;
}

static inline struct un_array *table_get(struct table *table, const char *name)
{
    for (int i = 0; i < table->arrays.count; i++)
        if (!strcmp(table->names[i], name))
            return &table->items[i];
    fprintf(stderr, "no %s\n", name);
    abort();
}

static inline void table_drop(struct table *table, const char *name)
{
    int at = (int)(table_get(table, name) - table->items), last = --table->arrays.count;
    for (int i = at; i < last; i++) {
        table->items[i] = table->items[i + 1];
        memcpy(table->names[i], table->names[i + 1], sizeof table->names[i]);
        table->items[i].name = table->items[i].key = table->names[i];
        table->param[i] = table->param[i + 1];
    }
}

/* ---- of a network ---- */

/* A convolution or norm of a graph. */
struct layer {
    const struct un_node *node;
    int level;      /* of what is at the bottom: the depth */
    char role;      /* e: encoder and bottom, u: up, d: decoder, h: head */
    int conv, norm; /* which of its block; 1: it is a norm */
};

enum { LAYERS_MOST = 80 };

static inline int list_layers(const struct un_graph *graph, struct layer *layers)
{
    int count = 0;
    for (int i = 0; i < graph->node_count; i++) {
        const struct un_node *node = &graph->nodes[i];
        if (node->kind != UN_NODE_CONV && node->kind != UN_NODE_NORM)
            continue;
        struct layer l = {.node = node, .norm = node->kind == UN_NODE_NORM, .role = 'e'};
        const char *under = strchr(node->name, '_');
        l.level = node->name[0] == 'b' ? graph->spec.depth : atoi(under + 1);
        l.role = node->name[0] == 'd'   ? 'd'
                 : node->name[0] == 'u' ? 'u'
                 : node->name[0] == 'o' ? 'h'
                                        : 'e';
        const struct layer *before = count ? &layers[count - 1] : NULL;
        if (before && before->role == l.role && before->level == l.level)
            l.conv = before->conv + (l.norm ? 0 : 1);
        layers[count++] = l;
    }
    return count;
}

static inline void table_add_layer(struct table *table, const struct un_graph *graph,
                                   const struct layer *layer, const char *name)
{
    const int params[] = {layer->node->weight, layer->node->bias, layer->node->running_mean,
                          layer->node->running_var};
    for (int p = 0; p < 4; p++) {
        if (params[p] < 0)
            continue;
        const struct un_param *param = &graph->params[params[p]];
        size_t shape[4];
        char full[96];
        for (int d = 0; d < param->dims; d++)
            shape[d] = (size_t)param->shape[d];
        snprintf(full, sizeof full, "%s%s", name, strrchr(param->name, '.'));
        table_add(table, full, param->dims, shape);
        table->param[table->arrays.count - 1] = params[p];
    }
}

static const struct table *table_sorted;
static inline int table_compare(const void *a, const void *b)
{
    return strcmp(table_sorted->names[*(const int *)a], table_sorted->names[*(const int *)b]);
}

/* Orders the arrays by their names, as safetensors has them. */
static inline void table_sort(struct table *table)
{
    static struct table old;
    int order[TABLE_MOST];
    old = *table;
    table_sorted = &old;
    for (int i = 0; i < old.arrays.count; i++)
        order[i] = i;
    qsort(order, (size_t)old.arrays.count, sizeof *order, table_compare);
    for (int i = 0; i < old.arrays.count; i++) {
        table->items[i] = old.items[order[i]];
        memcpy(table->names[i], old.names[order[i]], sizeof old.names[i]);
        table->items[i].name = table->items[i].key = table->names[i];
        table->param[i] = old.param[order[i]];
    }
    table->arrays.ordered = false;
}

/* NULL: found is this network with the arrays that the table was made from; else what differs, in
 * one of few buffers. */
static inline const char *table_differs(const struct table *table, const unet_spec *spec,
                                        const struct un_recognised *found)
{
    static struct un_graph want, got;
    static char text[256];
    un_graph_build(&want, spec);
    un_graph_build(&got, &found->spec);
    if (want.node_count != got.node_count || want.param_count != got.param_count) {
        snprintf(text, sizeof text, "%d nodes and %d parameters, wanted %d and %d", got.node_count,
                 got.param_count, want.node_count, want.param_count);
        return text;
    }
    for (int i = 0; i < want.node_count; i++)
        if (memcmp(&want.nodes[i], &got.nodes[i], sizeof want.nodes[i])) {
            snprintf(text, sizeof text, "node %s is another", want.nodes[i].name);
            return text;
        }
    for (int i = 0; i < want.param_count; i++) {
        int a = found->source[i];
        if (a >= 0 && table->param[a] == i)
            continue;
        snprintf(text, sizeof text, "%s is taken from %s", want.params[i].name,
                 a < 0 ? "no array" : table->names[a]);
        return text;
    }
    return NULL;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnx_text.h - small ONNX models written down in lines, for tests
 *
 *   tensor w 4,1,3,3                       zeros of this shape
 *   floats h 0.5,1                         these numbers
 *   whole t 1,1,2                          the same of whole ones
 *   external w 4,1,3,3 location=x offset=8 the same with values in another file
 *   Conv x w b > y | pads=1,1,1,1 name:c0  operator, inputs ("_": left out), output, attributes:
 *                                          whole numbers after =, text after :, a float after ~
 */
#ifndef ONNX_TEXT_H
#define ONNX_TEXT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/onnx/protobuf.h"

static inline void text_tensor(struct un_builder *graph, const char *name, char *shape)
{
    struct un_builder tensor = {0};
    size_t count = 1;
    char *rest = NULL;
    for (char *side = strtok_r(shape, ",", &rest); side; side = strtok_r(NULL, ",", &rest)) {
        un_put_int(&tensor, 1, atoll(side));
        count *= (size_t)atoll(side);
    }
    float *zeros = calloc(count, sizeof *zeros);
    un_put_int(&tensor, 2, 1);
    un_put_text(&tensor, 8, name);
    un_put_bytes(&tensor, 9, zeros, count * sizeof *zeros);
    un_put_message(graph, 5, &tensor);
    free(zeros);
}

static inline void text_numbers(struct un_builder *graph, const char *name, char *values,
                                bool whole)
{
    struct un_builder tensor = {0}, bytes = {0};
    int64_t count = 0;
    char *rest = NULL;
    for (char *v = strtok_r(values, ",", &rest); v; v = strtok_r(NULL, ",", &rest), count++) {
        const float real = strtof(v, NULL);
        const int64_t integer = atoll(v);
        if (whole)
            un_put_raw(&bytes, &integer, sizeof integer);
        else
            un_put_raw(&bytes, &real, sizeof real);
    }
    un_put_int(&tensor, 1, count);
    un_put_int(&tensor, 2, whole ? 7 : 1);
    un_put_text(&tensor, 8, name);
    un_put_message(&tensor, 9, &bytes);
    un_put_message(graph, 5, &tensor);
}

static inline void text_external(struct un_builder *graph, char **rest)
{
    struct un_builder tensor = {0};
    const char *name = strtok_r(NULL, " ", rest);
    char *shape = strtok_r(NULL, " ", rest), *sides = NULL;
    for (char *s = strtok_r(shape, ",", &sides); s; s = strtok_r(NULL, ",", &sides))
        un_put_int(&tensor, 1, atoll(s));
    un_put_int(&tensor, 2, 1);
    un_put_text(&tensor, 8, name);
    for (char *word = strtok_r(NULL, " ", rest); word; word = strtok_r(NULL, " ", rest)) {
        struct un_builder entry = {0};
        char *value = strchr(word, '=');
        *value++ = 0;
        un_put_text(&entry, 1, word);
        un_put_text(&entry, 2, value);
        un_put_message(&tensor, 13, &entry);
    }
    un_put_int(&tensor, 14, 1);
    un_put_message(graph, 5, &tensor);
}

static inline void text_attribute(struct un_builder *node, char *word)
{
    struct un_builder attribute = {0};
    const size_t length = strcspn(word, "=:~");
    const char kind = word[length];
    char *value = word + length + 1, *rest = NULL;
    word[length] = '\0';
    un_put_text(&attribute, 1, word);
    if (kind == ':')
        un_put_text(&attribute, 4, value);
    else if (kind == '~')
        un_put_float(&attribute, 2, strtof(value, NULL));
    else
        for (char *n = strtok_r(value, ",", &rest); n; n = strtok_r(NULL, ",", &rest))
            un_put_int(&attribute, strchr(value, ',') ? 8 : 3, atoll(n));
    un_put_message(node, 5, &attribute);
}

static inline void text_node(struct un_builder *graph, const char *op, char **rest)
{
    struct un_builder node = {0};
    uint32_t field = 1;
    un_put_text(&node, 4, op);
    for (char *word = strtok_r(NULL, " ", rest); word; word = strtok_r(NULL, " ", rest)) {
        if (!strcmp(word, ">"))
            field = 2;
        else if (!strcmp(word, "|"))
            field = 5;
        else if (field == 5)
            text_attribute(&node, word);
        else
            un_put_text(&node, field, strcmp(word, "_") ? word : "");
    }
    un_put_message(graph, 1, &node);
}

static inline void text_line(struct un_builder *graph, const char *line)
{
    char copy[300], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", line);
    char *op = strtok_r(copy, " ", &rest);
    if (op && !strcmp(op, "tensor")) {
        char *name = strtok_r(NULL, " ", &rest);
        text_tensor(graph, name, strtok_r(NULL, " ", &rest));
    } else if (op && (!strcmp(op, "floats") || !strcmp(op, "whole"))) {
        char *name = strtok_r(NULL, " ", &rest);
        text_numbers(graph, name, strtok_r(NULL, " ", &rest), *op == 'w');
    } else if (op && !strcmp(op, "external")) {
        text_external(graph, &rest);
    } else if (op) {
        text_node(graph, op, &rest);
    }
}

/* Of the graph's input or output. */
static inline void text_end(struct un_builder *graph, uint32_t field, const char *name)
{
    struct un_builder end = {0};
    un_put_text(&end, 1, name);
    un_put_message(graph, field, &end);
}

/* The model around a graph, whose input is x and whose output is y. */
static inline void text_model(struct un_builder *graph, int opset, struct un_builder *model)
{
    struct un_builder operators = {0};
    text_end(graph, 11, "x");
    text_end(graph, 12, "y");
    un_put_int(model, 1, 8);
    un_put_int(&operators, 2, opset);
    un_put_message(model, 8, &operators);
    un_put_message(model, 7, graph);
}

#endif

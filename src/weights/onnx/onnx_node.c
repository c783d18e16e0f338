/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages and the numbers of their fields:
 *
 *   node        1 input, 2 output, 3 name, 4 operator, 5 attribute
 *   attribute   1 name, 20 type, and by that: 2 float, 3 whole number, 4 text, 8 whole numbers
 *   tensor      1 side, 2 type, 8 name, 9 values
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/decimal.h"
#include "weights/onnx/onnx_emit.h"

enum { ROOM = 80 }; /* of a value's name: a node's with an ending */

void un_emit_input(struct un_onnx_emit *emit, const char *format, ...)
{
    char name[ROOM];
    va_list arguments;
    va_start(arguments, format);
    un_decimal_vformat(name, sizeof name, format, arguments);
    va_end(arguments);
    un_put_text(&emit->node, 1, name);
}

/* An attribute: its name, its type, and a value that the caller puts. */
static struct un_builder attribute(const char *name, int type)
{
    struct un_builder made = {0};
    un_put_text(&made, 1, name);
    un_put_int(&made, 20, type);
    return made;
}

void un_emit_float(struct un_onnx_emit *emit, const char *name, float value)
{
    struct un_builder made = attribute(name, 1);
    un_put_float(&made, 2, value);
    un_put_message(&emit->node, 5, &made);
}

void un_emit_int(struct un_onnx_emit *emit, const char *name, int value)
{
    struct un_builder made = attribute(name, 2);
    un_put_int(&made, 3, value);
    un_put_message(&emit->node, 5, &made);
}

void un_emit_text(struct un_onnx_emit *emit, const char *name, const char *text)
{
    struct un_builder made = attribute(name, 3);
    un_put_text(&made, 4, text);
    un_put_message(&emit->node, 5, &made);
}

void un_emit_ints(struct un_onnx_emit *emit, const char *name, int count, int value)
{
    struct un_builder made = attribute(name, 7);
    for (int i = 0; i < count; i++)
        un_put_int(&made, 8, value);
    un_put_message(&emit->node, 5, &made);
}

void un_emit_end(struct un_onnx_emit *emit, const char *op, const char *format, ...)
{
    char name[ROOM];
    va_list arguments;
    va_start(arguments, format);
    un_decimal_vformat(name, sizeof name, format, arguments);
    va_end(arguments);
    un_put_text(&emit->node, 2, name);
    un_put_text(&emit->node, 3, name);
    un_put_text(&emit->node, 4, op);
    un_put_message(&emit->graph_fields, 1, &emit->node);
}

void un_emit_numbers(struct un_onnx_emit *emit, const char *name, int type, int count,
                     const void *values)
{
    struct un_builder made = {0};
    const int bytes = type == UN_EMIT_FLOATS ? sizeof(float) : sizeof(int64_t);
    if (count >= 0)
        un_put_int(&made, 1, count);
    un_put_int(&made, 2, type);
    un_put_text(&made, 8, name);
    un_put_values(&made, 9, values, count < 0 ? 1 : (size_t)count, bytes);
    un_put_message(&emit->graph_fields, 5, &made);
}

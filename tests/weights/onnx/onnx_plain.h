/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_plain.h - a small network in lines, and what becomes of it when some of them change */
#ifndef ONNX_PLAIN_H
#define ONNX_PLAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx_text.h"
#include "weights/onnx/onnx.h"

/* A padded network of depth 1. */
static const char *const plain[] = {
    "tensor w0 2,1,3,3",
    "tensor w1 2,2,3,3",
    "tensor w2 4,2,3,3",
    "tensor w3 4,4,3,3",
    "tensor wu 4,2,2,2",
    "tensor w4 2,4,3,3",
    "tensor w5 2,2,3,3",
    "tensor wo 1,2,1,1",
    "Conv x w0 > c0 | pads=1,1,1,1",
    "Relu c0 > r0",
    "Conv r0 w1 > c1 | pads=1,1,1,1",
    "Relu c1 > r1",
    "MaxPool r1 > p | kernel_shape=2,2 strides=2,2",
    "Conv p w2 > c2 | pads=1,1,1,1",
    "Relu c2 > r2",
    "Conv r2 w3 > c3 | pads=1,1,1,1",
    "Relu c3 > r3",
    "ConvTranspose r3 wu > u | strides=2,2",
    "Concat u r1 > j | axis=1",
    "Conv j w4 > c4 | pads=1,1,1,1",
    "Relu c4 > r4",
    "Conv r4 w5 > c5 | pads=1,1,1,1",
    "Relu c5 > r5",
    "Conv r5 wo > y",
};

enum { LINES = sizeof plain / sizeof *plain, OPSET = 17 };

/* The plain network, with the lines that begin like `old` replaced by `new`, several split at ';'.
 */
static inline unet_code parse_changed(const char *old, const char *changed, int opset,
                                      struct un_arrays *arrays, struct un_builder *model,
                                      unet_error *err)
{
    struct un_builder graph = {0};
    int found = 0;
    for (int i = 0; i < LINES; i++) {
        if (!*old || strncmp(plain[i], old, strlen(old))) {
            text_line(&graph, plain[i]);
            continue;
        }
        found++;
        char copy[1000], *rest = NULL;
        snprintf(copy, sizeof copy, "%s", changed);
        for (char *line = strtok_r(copy, ";", &rest); line; line = strtok_r(NULL, ";", &rest))
            text_line(&graph, line);
    }
    if (*old && !found)
        fail_msg("no line begins with \"%s\"", old);
    text_model(&graph, opset, model);
    return un_onnx_parse("x.onnx", model->bytes, model->size, arrays, err);
}

static inline void expect(const char *old, const char *changed, int opset, const char *want)
{
    struct un_builder model = {0};
    struct un_arrays arrays = {0};
    unet_error err = {0};
    unet_code code = parse_changed(old, changed, opset, &arrays, &model, &err);
    if (!want && code)
        fail_msg("\"%s\" -> \"%s\": %s", old, changed, err.text);
    if (want &&
        (code != UNET_EFORMAT || strncmp(err.text, "x.onnx: ", 8) || !strstr(err.text, want)))
        fail_msg("\"%s\" -> \"%s\": code %d, \"%s\", wanted \"%s\"", old, changed, code, err.text,
                 want);
    un_arrays_release(&arrays);
    free(model.bytes);
}

struct row {
    const char *old, *changed, *want; /* want NULL: taken */
};

#endif

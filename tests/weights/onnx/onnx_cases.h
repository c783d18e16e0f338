/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_cases.h - networks that together have every field of unet_spec, for the tests of ONNX */
#ifndef ONNX_CASES_H
#define ONNX_CASES_H

#include "unet.h"

#define SAME .padding = UNET_PADDING_SAME

static const struct onnx_case {
    const char *name;
    unet_spec spec;
} onnx_cases[] = {
    {"paper", {1, 2, 4, 3, .padding = UNET_PADDING_VALID}},
    {"padded", {3, 1, 4, 3, SAME}},
    {"batch", {1, 2, 4, 2, SAME, .norm = UNET_NORM_BATCH, .norm_epsilon = 1e-3f}},
    {"batch-after",
     {1, 3, 4, 2, SAME, .norm = UNET_NORM_BATCH, .norm_order = UNET_ACT_FIRST, .up_norm = 1,
      .up_act = 1, .act = UNET_ACT_LEAKY_RELU, .leaky_slope = 0.2f, .concat = UNET_CONCAT_SKIP_UP}},
    {"instance", {1, 2, 5, 2, SAME, .norm = UNET_NORM_INSTANCE, .bias = UNET_BIAS_ALWAYS}},
    {"group",
     {2, 2, 6, 2, .norm = UNET_NORM_GROUP, .groups = 3, .up_norm = 1, .up_act = 1,
      .act = UNET_ACT_LEAKY_RELU, .leaky_slope = 0.01f}},
    {"bilinear", {1, 2, 4, 2, SAME, .up = UNET_UP_BILINEAR, .concat = UNET_CONCAT_SKIP_UP}},
    {"bilinear-valid", {1, 2, 4, 3, .up = UNET_UP_BILINEAR}},
    {"bilinear-valid-wide",
     {1, 2, 4, 2, .up = UNET_UP_BILINEAR, .up_conv = UNET_UP_CONV3X3, .up_act = 1}},
    {"corners",
     {1, 2, 4, 2, SAME, .up = UNET_UP_BILINEAR, .align_corners = 1, .up_conv = UNET_UP_NO_CONV,
      .norm = UNET_NORM_BATCH, .concat = UNET_CONCAT_SKIP_UP}},
    {"corners-early",
     {1, 4, 3, 3, SAME, .up = UNET_UP_BILINEAR, .align_corners = 1, .bias = UNET_BIAS_NEVER}},
    {"nearest",
     {1, 2, 4, 2, SAME, .up = UNET_UP_NEAREST, .up_conv = UNET_UP_CONV3X3, .norm = UNET_NORM_BATCH,
      .up_norm = 1, .up_act = 1}},
    {"nearest-valid", {1, 2, 4, 2, .up = UNET_UP_NEAREST, .concat = UNET_CONCAT_SKIP_UP}},
    {"single", {1, 1, 4, 2, SAME, .convs = 1, .norm = UNET_NORM_INSTANCE}},
    {"single-act",
     {1, 1, 4, 3, SAME, .single_act = 1, .up = UNET_UP_BILINEAR, .concat = UNET_CONCAT_SKIP_UP}},
    {"single-act-group",
     {1, 1, 4, 2, SAME, .single_act = 1, .norm = UNET_NORM_GROUP, .groups = 2, .convs = 2}},
    {"channels",
     {1, 2, 4, 2, SAME, .norm = UNET_NORM_BATCH,
      .channels = {{{3, 5}, {7, 8}, {9, 10}}, {{5, 6}, {4, 11}}, {7, 12}}}},
};

enum { ONNX_CASES = sizeof onnx_cases / sizeof *onnx_cases };

#endif

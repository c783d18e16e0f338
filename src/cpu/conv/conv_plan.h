/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_plan.h - a pass of a convolution as a sum over a window, and its weights in that order
 *
 * All passes but the gradient of weights are "each pixel of a frame = sum over a small window of
 * source pixels":
 *
 *   conv3x3 forward     window 3x3 of src; weights as they are
 *   conv3x3 backward    window 3x3 of ddst that begins 2 pixels earlier; taps mirrored, in <-> out
 *   conv1x1 both ways   window 1x1
 *   upconv forward      window 1x1, four times, once for each pixel of the 2x2 it makes
 *   upconv backward     window 2x2 of ddst, 2 pixels further for each pixel
 *   half forward        window 3x3 of src, 2 pixels further for each pixel
 *   half backward       window 2x2 of ddst, four times, once for each pixel of a 2x2 of the result,
 *                       of which the four have 1, 2, 2 and 4 taps in it; the others are left out
 *   upconv 3x3 forward  as half backward, of src
 *   upconv 3x3 backward as half forward, of ddst
 *
 * Halves of 7x7 are the same with windows 7x7 and 4x4, and those of 1x1 with 1x1 and 1x1, where
 * three of the four pixels have no tap at all.
 */
#ifndef UN_CONV_PLAN_H
#define UN_CONV_PLAN_H

#include "cpu/engine_cpu.h"

enum { UN_NO_TAP = -1, UN_MAX_TAPS = 49 };

struct un_conv_plan {
    struct un_operand src[2];
    int sources;
    int taps, step;        /* window taps x taps; source pixels from one frame pixel to the next */
    int copies;            /* 4: the frame is made four times, for the 2x2 pixels of the result */
    struct un_shape frame; /* .c: output channels */
    /* weight of (out, in, tap, copy) = weight[base + out * by_out + in * by_in + at[copy][tap]];
     * there is none where at is UN_NO_TAP */
    ptrdiff_t base, by_out, by_in;
    signed char at[4][UN_MAX_TAPS];
    /* derived */
    int segments, depth; /* of the whole window */
    int used[4];         /* segments that have weights, by copy */
    size_t packed;       /* floats of the packed weights without the biases */
};

/* Floats of the packed weights before those of a block of output channels of a copy. */
size_t un_plan_packed_at(const struct un_conv_plan *p, int copy, int block);

/* Tensors are those of c; the source of a backward plan is c->dst, for ddst's data to be set. */
struct un_conv_plan un_plan_forward(const struct un_conv *c);
struct un_conv_plan un_plan_backward(const struct un_conv *c, int source);

/* conv_plan.c */
size_t un_direct_pack_bytes(const struct un_conv *c, enum un_pass pass);
void un_direct_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass);

/* conv_gather.c: the result and the gradient of the source */
size_t un_direct_workspace(struct un_engine *e, const struct un_conv *c, enum un_pass pass);
void un_direct_forward(struct un_engine *e, const struct un_conv *c);
void un_direct_backward_data(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                             const struct un_gradient dsrc[2]);

/* conv_weights.c: the gradient of the weights */
size_t un_direct_weights_workspace(struct un_engine *e, const struct un_conv *c);
void un_direct_backward_weights(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                                float *dweight, float *dbias);

#endif

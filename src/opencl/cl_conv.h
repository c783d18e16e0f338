/* SPDX-License-Identifier: Apache-2.0 */
/* cl_conv.h - what the passes of a convolution have in common */
#ifndef UN_CL_CONV_H
#define UN_CL_CONV_H

#include "opencl/cl_engine.h"
#include "opencl/kernels/arguments.h"

static inline int un_cl_in(const struct un_conv *c)
{
    return c->src[0].tensor.shape.c + c->src[1].tensor.shape.c;
}

static inline size_t un_cl_weights(const struct un_conv *c)
{
    const int side = un_conv_side(c->kind);
    return (size_t)(side * side) * (size_t)un_cl_in(c) * (size_t)c->dst.shape.c;
}

static inline struct un_cl_map un_cl_map_of(const struct un_tensor *t)
{
    return (struct un_cl_map){.h = t->shape.h,
                              .w = t->shape.w,
                              .channels = t->shape.c,
                              .blocks = un_cl_blocks(t->shape.c),
                              .plain = t->layout == UN_PIXELS};
}

static inline int un_cl_source_blocks(const struct un_conv *c, int s)
{
    return un_cl_blocks(c->src[s].tensor.shape.c);
}

/* What is gathered from, and where it goes. */
struct un_cl_places {
    const void *src[2], *packed, *bias, *y;
    void *dst, *pooled, *window;
};

/* Packs shift or bias of a forward pass. */
void un_cl_pack_bias(struct un_engine *e, const struct un_conv *c, void *to);

size_t un_cl_outer_workspace(const struct un_engine *e, const struct un_conv *c);

#endif

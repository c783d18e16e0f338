/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_winograd.h - 3x3 convolutions by Winograd's F(4x4, 3x3): kernels/winograd.cl, product.cl
 *
 * A pass goes over the tiles in chunks, so that what lies between its three steps (transform,
 * product, transform back) stays in the caches of a large device.
 */
#ifndef UN_CL_WINOGRAD_H
#define UN_CL_WINOGRAD_H

#include "opencl/cl_conv.h"

enum { UN_CL_FREQUENCIES = 36 };

/* Whether a convolution goes this way in all its passes; kind, layout and channels decide. */
bool un_cl_winograd_takes(const struct un_engine *e, const struct un_conv *c);

size_t un_cl_winograd_pack_bytes(const struct un_conv *c, enum un_pass pass);
size_t un_cl_winograd_workspace(const struct un_conv *c, enum un_pass pass);
void un_cl_winograd_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass);

/* What lies behind packed weights of so many blocks on both sides: the bias, or the next source's.
 */
const void *un_cl_winograd_after(const void *packed, int blocks_in, int blocks_out);

/* From the source of g (one, or two) to its map g->dst, with where these and the result lie. */
void un_cl_winograd_run(struct un_engine *e, const struct un_cl_gather *g,
                        const struct un_cl_places *p, int images);

/* A frame in tiles, none of which is there yet. */
struct un_cl_tiles un_cl_tiles_of(struct un_cl_map map, int h, int w, int top, int left);

/* The gradient of weights of image n goes to slot, in PyTorch's order. */
size_t un_cl_winograd_weights_floats(const struct un_conv *c);
void un_cl_winograd_weights(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                            int n, float *workspace, float *slot);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_weights.h - the gradient of weights by tiles: what its two ways have in common
 *
 *   winograd_weights.c  units of channels, each with V and D of its own: many tiles or channels
 *   winograd_shared.c   V and D of an image are made once, for all: small networks, deep levels
 */
#ifndef UN_WINOGRAD_WEIGHTS_H
#define UN_WINOGRAD_WEIGHTS_H

#include "cpu/image_sums.h"
#include "cpu/winograd/winograd.h"

enum { UN_RUN_TILES = 48 /* whose products are summed before they are added to others */ };

struct un_weights {
    const struct un_kernels *k;
    struct un_operand src[2];
    struct un_tensor ddst;
    struct un_tiles tiles;
    int images, image_tiles; /* tiles of an image */
    int in[2], in_blocks, out_blocks;
    int rooms; /* sums of images on their way to one */
};

struct un_weights un_weights_of(const struct un_engine *e, const struct un_conv *c);

/* G' dU G for 16 inputs and a group of `blocks` blocks of outputs: [16][9][group]. */
void un_weights_back(const struct un_weights *p, const float *sum, ptrdiff_t by_frequency,
                     int blocks, float *dg);

/* Puts these to where the model has its weights. */
void un_weights_write(const struct un_weights *p, const float *dg, int in_block, int out_block,
                      int blocks, float *dweight);

/* ---- winograd_shared.c ---- */

/* An image with no more tiles than these goes this way; units: into how many the other cuts. */
int un_weights_shared_tiles(int units);
/* The workspace that it takes. */
size_t un_weights_shared_floats(const struct un_engine *e, const struct un_weights *p);
int un_weights_shared_tasks(const struct un_weights *p);
void un_weights_shared(struct un_engine *e, const struct un_weights *p, float *dweight,
                       float *dbias);

#endif

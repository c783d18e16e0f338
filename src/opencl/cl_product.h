/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_product.h - matrix products of kernels/product.cl, and how large ones are cut
 *
 * A product of frequencies by itself each, or of one alone, whose columns are tiles or pixels.
 */
#ifndef UN_CL_PRODUCT_H
#define UN_CL_PRODUCT_H

#include "opencl/cl_engine.h"

enum { UN_CL_ROOM = 256 }; /* a room for columns is a multiple of this */

static inline int un_cl_room(int columns)
{
    return (columns + UN_CL_ROOM - 1) / UN_CL_ROOM * UN_CL_ROOM;
}

/* How many columns are made at once, of so many; each has that many blocks of both factors. */
int un_cl_chunk(size_t columns, int blocks, int frequencies);

/* Bytes of one factor, or of what lies between two steps. */
size_t un_cl_room_bytes(int columns, int blocks, int frequencies);

/* m[K / 4][room] = v[C / 4][room] u[C][K / 4], four k in each place, for each frequency */
void un_cl_product(struct un_engine *e, const void *v, const void *u, void *m, int room,
                   int blocks_in, int blocks_out, int frequencies);

/*
 * The sums over columns of g[K] v[C]': columns go by in chunks, k in parts and the columns of a
 * chunk in pieces, so that neither factors nor sums [pieces][frequencies][K of a part][C] grow
 * beyond a bound: many channels mean few columns.
 */
struct un_cl_cut {
    int blocks_k, blocks_c, frequencies;
    int part, pieces, chunk; /* blocks of k in a part; pieces of a chunk; columns of a chunk */
    int side;                /* of a group's tile, in blocks, halved */
};
struct un_cl_cut un_cl_cut_of(int blocks_k, int blocks_c, int frequencies, size_t columns);

/* Where they lie: v, g and the sums, one behind the other. */
size_t un_cl_cut_floats(const struct un_cl_cut *u);
float *un_cl_cut_g(const struct un_cl_cut *u, float *v);
float *un_cl_cut_sums(const struct un_cl_cut *u, float *v);

/* The sums of blocks_k blocks of k, added to those that are there, or not. */
void un_cl_product_outer(struct un_engine *e, const struct un_cl_cut *u, const void *g,
                         const void *v, void *sums, int room, int blocks_k, bool adds);

#endif

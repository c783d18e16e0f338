/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd.h - 3x3 convolutions with a quarter of the multiplications
 *
 * Lavin & Gray 2015, "Fast algorithms for convolutional neural networks" (arXiv 1509.09308): cut
 * the result into tiles of 4x4 pixels.  A tile depends on 6x6 pixels of the source, and directly
 * takes 16 x 9 = 144 products for each pair of an input and an output channel.  Winograd's F(4x4,
 * 3x3) takes 36, one for each "frequency", between three linear maps, much as a convolution becomes
 * a product between Fourier transforms:
 *
 *     V = B' d B       36 frequencies of the 6x6 source pixels d, for each tile and input channel
 *     U = G g G'       36 frequencies of the 3x3 weights g, for each pair of channels
 *     M = V U          for each frequency a matrix product [tiles x inputs] [inputs x outputs]
 *     y = A' M A       4x4 pixels of the result, for each tile and output channel
 *
 * The maps are small matrices of small numbers (winograd_kernel.h), so they cost additions; and as
 * V is made once for all output channels, and y once for all inputs, what remains are the products.
 *
 * All three passes of training are this:
 *
 *     the result              as above
 *     gradient of the source  the same, on the gradient of the result with a border of 2, with the
 *                             weights mirrored and inputs and outputs exchanged
 *     gradient of weights     the adjoint: dU = sum over tiles of V (A dy A'), dg = G' dU G
 *
 * The rounding error of a layer is about five times that of the direct sum, 8e-7 against 2e-7
 * relative (bench_kernels, with and without --exact).
 *
 *   winograd_plan.c     how a pass is cut into tasks, and U
 *   winograd.c          the result and the gradient of the source
 *   winograd_weights.c  the gradient of the weights
 *   winograd_shared.c   the same where channels are few
 *   winograd_tiles.c    tiles, and their pixels wherever a map ends
 *   winograd_result.c   tiles of a result, to wherever they are wanted
 *   winograd_moments.c  mean and variance of a result
 */
#ifndef UN_WINOGRAD_H
#define UN_WINOGRAD_H

#include "cpu/engine_cpu.h"

enum { UN_FREQUENCIES = 36 };

/* A frame cut into tiles: rows x columns of them in each image, numbered row by row. */
struct un_tiles {
    struct un_shape frame; /* its c is not looked at */
    int rows, columns, count;
};

/* Memory of one thread for windows that leave a map; un_patch_at() readies UN_PATCH_FLOATS. */
struct un_patch {
    float *zeros, *copy;
};
enum { UN_PATCH_FLOATS = (6 + 6 * 6) * UN_BLOCK };

/* The real channels of block b when two tensors (the second may have none) stand side by side:
 * first counts from the first channel of the first tensor. */
struct un_channels {
    int source, block; /* which tensor, and the block there */
    int first, count;
};

/* Where a frame goes: pixel (y, x) of the frame is pixel (y + top, x + left) of dst; what lies
 * beyond dst is not wanted. */
struct un_target {
    struct un_tensor dst, y;
    struct un_finish finish;
    int top, left;
};

/* What a pass writes: one or two targets, whose channels stand side by side. */
struct un_output {
    struct un_target target[2]; /* dst.shape.c == 0: none */
    const float *bias;          /* [blocks * 16]: forward, act is applied; NULL: finish is */
    struct un_activation act;
    struct un_tensor pooled; /* forward: 2x2 maxima of the frame; shape.c == 0: not wanted */
};

/* Whether a convolution goes this way in all its passes; this depends on kinds and channels alone,
 * so that packed weights serve every size. */
bool un_winograd_takes(const struct un_engine *e, const struct un_conv *c);

struct un_tiles un_tiles_of(struct un_shape frame);
struct un_channels un_channels_of(int channels0, int channels1, int block);
struct un_patch un_patch_at(float *memory);

/* Frequencies of tiles first .. first + count - 1 for a block of src: 6x6 pixels each. */
void un_tiles_source(const struct un_kernels *k, const struct un_tiles *tiles,
                     const struct un_operand *src, int block, int first, int count,
                     const struct un_patch *patch, float *v, ptrdiff_t by_frequency);

/* The same for a gradient, which lies in the frame: 4x4 pixels each.  sum[16] += these, or NULL. */
void un_tiles_gradient(const struct un_kernels *k, const struct un_tiles *tiles,
                       const struct un_tensor *d, int block, int first, int count,
                       const struct un_patch *patch, float *v, ptrdiff_t by_frequency, float *sum);

/* The other way: writes block `block` of the output, from m as the two above write v.  sums: those
 * of a task (un_output), or NULL. */
void un_tiles_result(const struct un_kernels *k, const struct un_tiles *tiles,
                     const struct un_output *to, int block, int first, int count, const float *m,
                     ptrdiff_t by_frequency, un_moments *sums);

/* The pixels of the targets that the frame does not reach: nothing is added to them. */
void un_finish_beside(struct un_engine *e, const struct un_tiles *tiles,
                      const struct un_output *to);

size_t un_winograd_pack_bytes(struct un_engine *e, const struct un_conv *c, enum un_pass pass);
size_t un_winograd_workspace(struct un_engine *e, const struct un_conv *c, enum un_pass pass);
void un_winograd_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass);
void un_winograd_forward(struct un_engine *e, const struct un_conv *c);
void un_winograd_backward_data(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                               const struct un_gradient dsrc[2]);
/* Into how many tasks a pass is cut, for who wonders how many threads can help. */
int un_winograd_tasks(const struct un_engine *e, const struct un_conv *c, enum un_pass pass);
int un_winograd_weights_tasks(const struct un_engine *e, const struct un_conv *c);
size_t un_winograd_weights_workspace(struct un_engine *e, const struct un_conv *c);
void un_winograd_backward_weights(struct un_engine *e, const struct un_conv *c,
                                  struct un_tensor ddst, float *dweight, float *dbias);

#endif

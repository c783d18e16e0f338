/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.c - the kernels for one instruction set; the build compiles it once for each */
#include "cpu/kernels/kernels.h"

#include "cpu/kernels/gather_kernel.h"
#include "cpu/kernels/loss_kernel.h"
#include "cpu/kernels/map_kernel.h"
#include "cpu/kernels/norm_kernel.h"
#include "cpu/kernels/outer_kernel.h"
#include "cpu/kernels/prelu_kernel.h"
#include "cpu/kernels/step_kernel.h"
#include "cpu/kernels/transpose_kernel.h"
#include "cpu/kernels/vec.h"
#include "cpu/winograd/winograd_kernel.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

const struct un_kernels JOIN(un_kernels_, UN_ISA) = {
    .isa = TEXT(UN_ISA),
    .lanes = VEC,
    .tile = TILE_PIXELS,
    .blocks = GROUP / UN_BLOCK,
    .peak_fmas = TILE_PIXELS * TILE_VECS * VEC,
    .gather = gather,
    .outer = outer,
    .winograd_source = winograd_source,
    .winograd_gradient = winograd_gradient,
    .winograd_result = winograd_result,
    .winograd_weights = winograd_weights,
    .winograd_weights_back = winograd_weights_back,
    .transpose = transpose,
    .sum_row = sum_row,
    .maxpool_row = maxpool_row,
    .maxpool_back_row = maxpool_back_row,
    .meanpool_row = meanpool_row,
    .meanpool_back_row = meanpool_back_row,
    .maxpool3_row = maxpool3_row,
    .maxpool3_back_row = maxpool3_back_row,
    .finish_row = finish_row,
    .add_row = add_row,
    .add_back_row = add_back_row,
    .upsample_row = upsample_row,
    .upsample_back_row = upsample_back_row,
    .blend_row = blend_row,
    .blend_back_row = blend_back_row,
    .affine_row = affine_row,
    .norm_back_row = norm_back_row,
    .moments_row = moments_row,
    .norm_sums_row = norm_sums_row,
    .prelu_row = prelu_row,
    .prelu_back_row = prelu_back_row,
    .loss_sums = loss_sums,
    .loss_overlap = loss_overlap,
    .sgd = sgd,
    .adam = adam,
    .rmsprop = rmsprop,
    .blend = blend,
    .sum_squares = sum_squares,
    .nonfinite = nonfinite,
    .peak = peak,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_program.h - the kernels
 *
 * A file of kernels/ is a program.  It is compiled when the first of its kernels is wanted, or
 * taken from the user's cache folder (cl_cache.h).
 */
#ifndef UN_CL_PROGRAM_H
#define UN_CL_PROGRAM_H

#include <stddef.h>

#include "opencl/cl_api.h"

/* Rows: program, kernel, its name here. */
#define UN_CL_KERNEL_LIST(X)                                                                       \
    X(transfer, transfer_in, TRANSFER_IN)                                                          \
    X(transfer, transfer_out, TRANSFER_OUT)                                                        \
    X(maps, maxpool_forward, MAXPOOL_FORWARD)                                                      \
    X(maps, maxpool_backward, MAXPOOL_BACKWARD)                                                    \
    X(maps, maxpool3_forward, MAXPOOL3_FORWARD)                                                    \
    X(maps, maxpool3_backward, MAXPOOL3_BACKWARD)                                                  \
    X(maps, meanpool_forward, MEANPOOL_FORWARD)                                                    \
    X(maps, meanpool_backward, MEANPOOL_BACKWARD)                                                  \
    X(maps, add_forward, ADD_FORWARD)                                                              \
    X(maps, add_backward, ADD_BACKWARD)                                                            \
    X(maps, upsample_forward, UPSAMPLE_FORWARD)                                                    \
    X(maps, upsample_backward, UPSAMPLE_BACKWARD)                                                  \
    X(maps, dropout, DROPOUT)                                                                      \
    X(conv, conv_gather, CONV_GATHER)                                                              \
    X(conv, conv_pack, CONV_PACK)                                                                  \
    X(conv, conv_pack_bias, CONV_PACK_BIAS)                                                        \
    X(outer, outer_taps, OUTER_TAPS)                                                               \
    X(outer, outer_back, OUTER_BACK)                                                               \
    X(outer, outer_bias, OUTER_BIAS)                                                               \
    X(winograd, winograd_source, WINOGRAD_SOURCE)                                                  \
    X(winograd, winograd_gradient, WINOGRAD_GRADIENT)                                              \
    X(winograd, winograd_result, WINOGRAD_RESULT)                                                  \
    X(winograd, winograd_weights, WINOGRAD_WEIGHTS)                                                \
    X(winograd, winograd_back, WINOGRAD_BACK)                                                      \
    X(product, product_64, PRODUCT_64)                                                             \
    X(product, product_32, PRODUCT_32)                                                             \
    X(product, product_16, PRODUCT_16)                                                             \
    X(product, product_outer_64, PRODUCT_OUTER_64)                                                 \
    X(product, product_outer_32, PRODUCT_OUTER_32)                                                 \
    X(product, product_outer_16, PRODUCT_OUTER_16)                                                 \
    X(norms, norm_bands, NORM_BANDS)                                                               \
    X(norms, norm_images, NORM_IMAGES)                                                             \
    X(norms, norm_tree, NORM_TREE)                                                                 \
    X(norms, norm_measure, NORM_MEASURE)                                                           \
    X(norms, norm_parameters, NORM_PARAMETERS)                                                     \
    X(norms, norm_factors, NORM_FACTORS)                                                           \
    X(norms, norm_forward, NORM_FORWARD)                                                           \
    X(norms, norm_backward, NORM_BACKWARD)                                                         \
    X(norms, norm_running, NORM_RUNNING)                                                           \
    X(norms, norm_fold, NORM_FOLD)                                                                 \
    X(slopes, prelu_forward, PRELU_FORWARD)                                                        \
    X(slopes, prelu_backward, PRELU_BACKWARD)                                                      \
    X(slopes, prelu_bands, PRELU_BANDS)                                                            \
    X(slopes, prelu_sums, PRELU_SUMS)                                                              \
    X(losses, loss_scores, LOSS_SCORES)                                                            \
    X(losses, loss_bands, LOSS_BANDS)                                                              \
    X(losses, loss_images, LOSS_IMAGES)                                                            \
    X(losses, loss_factors, LOSS_FACTORS)                                                          \
    X(losses, loss_gradient, LOSS_GRADIENT)                                                        \
    X(losses, probabilities, PROBABILITIES)                                                        \
    X(losses, argmax, ARGMAX)                                                                      \
    X(steps, sgd, SGD)                                                                             \
    X(steps, adam, ADAM)                                                                           \
    X(steps, rmsprop, RMSPROP)                                                                     \
    X(steps, blend, BLEND)                                                                         \
    X(steps, fold, FOLD)                                                                           \
    X(steps, square_groups, SQUARE_GROUPS)                                                         \
    X(steps, square_all, SQUARE_ALL)                                                               \
    X(steps, nonfinite_groups, NONFINITE_GROUPS)                                                   \
    X(steps, nonfinite_all, NONFINITE_ALL)

enum un_cl_kernel {
#define UN_CL_NAME(program, kernel, name) UN_CL_##name,
    UN_CL_KERNEL_LIST(UN_CL_NAME)
#undef UN_CL_NAME
        UN_CL_KERNELS
};

enum { UN_CL_PROGRAMS = 12 }; /* at most */

struct un_cl_engine;

/* A file of kernels/, from the build; the list ends with a NULL name. */
struct un_cl_source {
    const char *name; /* "maps.cl" */
    const unsigned char *text;
    size_t size;
};
extern const struct un_cl_source un_cl_sources[];

const char *un_cl_kernel_name(enum un_cl_kernel kernel);

/* NULL: the engine is lost */
cl_kernel un_cl_kernel_of(struct un_cl_engine *e, enum un_cl_kernel kernel);

/* Compiles the program of a kernel; false: the engine is lost */
bool un_cl_program_ready(struct un_cl_engine *e, enum un_cl_kernel kernel);

void un_cl_programs_free(struct un_cl_engine *e);

#endif

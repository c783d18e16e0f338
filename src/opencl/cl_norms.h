/* SPDX-License-Identifier: Apache-2.0 */
/* cl_norms.h - what convolutions and losses take from the norms */
#ifndef UN_CL_NORMS_H
#define UN_CL_NORMS_H

#include "opencl/cl_engine.h"

size_t un_cl_norm_workspace(struct un_engine *e, struct un_shape shape, int groups);

/* As norm_statistics(), with that many bytes of one's own. */
void un_cl_norm_statistics(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                           void *workspace);

/* The sums of rows [images][width], as un_tree_sum() makes them, in the place of the first. */
void un_cl_tree(struct un_engine *e, double *rows, int images, int width);

#endif

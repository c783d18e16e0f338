/* SPDX-License-Identifier: Apache-2.0 */
/* cl_slopes.c - activations whose slope is learnt: kernels/slopes.cl.  The workspace: sums of bands
 * [blocks of all images][bands][4], double. */
#include "opencl/cl_call.h"

/* of pixels, no fewer than 1024 each */
static int bands_of(struct un_shape s)
{
    const int most = 64, bands = (un_cl_plane(s) + 1023) / 1024;
    return bands < most ? bands : most;
}

/* of all images */
static size_t blocks_of(struct un_shape s)
{
    return (size_t)s.n * (size_t)un_cl_blocks(s.c);
}

static size_t prelu_workspace(struct un_engine *e, struct un_shape s)
{
    (void)e;
    return blocks_of(s) * (size_t)bands_of(s) * 4 * sizeof(double);
}

static void run_over(struct un_cl_call *c, struct un_shape s)
{
    un_cl_int(c, un_cl_plane(s));
    un_cl_run(c, (size_t)un_cl_plane(s), blocks_of(s), 1);
}

static void prelu_forward(struct un_engine *e, struct un_tensor x, const float *slope,
                          struct un_tensor y)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_PRELU_FORWARD);
    un_cl_address(&c, x.data);
    un_cl_address(&c, slope);
    un_cl_address(&c, y.data);
    run_over(&c, x.shape);
}

static void prelu_backward(struct un_engine *e, struct un_tensor x, const float *slope,
                           struct un_tensor dy, float *dslope, struct un_tensor dx)
{
    const struct un_shape s = x.shape;
    const int bands = bands_of(s);
    struct un_cl_call c = un_cl_begin(e, UN_CL_PRELU_BANDS);
    un_cl_address(&c, x.data);
    un_cl_address(&c, dy.data);
    un_cl_address(&c, e->workspace);
    un_cl_int(&c, un_cl_plane(s));
    un_cl_int(&c, bands);
    un_cl_run(&c, (size_t)bands * UN_CL_GROUP, blocks_of(s), 1);
    c = un_cl_begin(e, UN_CL_PRELU_SUMS);
    un_cl_address(&c, e->workspace);
    un_cl_address(&c, dslope);
    un_cl_ulong(&c, blocks_of(s) * (size_t)bands * 4);
    un_cl_run(&c, UN_CL_GROUP, 1, 1);
    c = un_cl_begin(e, UN_CL_PRELU_BACKWARD);
    un_cl_address(&c, x.data);
    un_cl_address(&c, slope);
    un_cl_address(&c, dy.data);
    un_cl_address(&c, dx.data);
    run_over(&c, s);
}

void un_cl_slope_operations(struct un_engine_ops *ops)
{
    ops->prelu_workspace = prelu_workspace;
    ops->prelu_forward = prelu_forward;
    ops->prelu_backward = prelu_backward;
}

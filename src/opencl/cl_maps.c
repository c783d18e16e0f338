/* SPDX-License-Identifier: Apache-2.0 */
/* cl_maps.c - pooling, sums, doubling, dropout: kernels/maps.cl */
#include "opencl/cl_call.h"

static void sides(struct un_cl_call *c, struct un_shape s)
{
    un_cl_int(c, s.h);
    un_cl_int(c, s.w);
}

static void run_over(struct un_cl_call *c, struct un_shape s)
{
    un_cl_run(c, (size_t)un_cl_plane(s), (size_t)s.n * (size_t)un_cl_blocks(s.c), 1);
}

/* d and y of a gradient; the rest of it comes after the sides. */
static void gradient(struct un_cl_call *c, const struct un_gradient *g)
{
    un_cl_address(c, g->d.data);
    un_cl_address(c, g->act.kind != UN_ACT_NONE ? g->y.data : NULL);
}

static void way(struct un_cl_call *c, const struct un_gradient *g)
{
    un_cl_int(c, g->accumulate);
    un_cl_act(c, g->act);
}

static void pool_forward(struct un_engine *e, enum un_cl_kernel kernel, struct un_tensor src,
                         struct un_tensor dst)
{
    struct un_cl_call c = un_cl_begin(e, kernel);
    un_cl_address(&c, src.data);
    un_cl_address(&c, dst.data);
    sides(&c, src.shape);
    sides(&c, dst.shape);
    run_over(&c, dst.shape);
}

static void maxpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    pool_forward(e, UN_CL_MAXPOOL_FORWARD, src, dst);
}

static void meanpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    pool_forward(e, UN_CL_MEANPOOL_FORWARD, src, dst);
}

static void maxpool3_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    pool_forward(e, UN_CL_MAXPOOL3_FORWARD, src, dst);
}

static void largest_backward(struct un_engine *e, enum un_cl_kernel kernel, struct un_tensor src,
                             struct un_tensor ddst, const struct un_gradient *dsrc)
{
    struct un_cl_call c = un_cl_begin(e, kernel);
    un_cl_address(&c, src.data);
    un_cl_address(&c, ddst.data);
    gradient(&c, dsrc);
    sides(&c, src.shape);
    sides(&c, ddst.shape);
    way(&c, dsrc);
    run_over(&c, src.shape);
}

static void maxpool_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                             const struct un_gradient *dsrc)
{
    largest_backward(e, UN_CL_MAXPOOL_BACKWARD, src, ddst, dsrc);
}

static void maxpool3_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                              const struct un_gradient *dsrc)
{
    largest_backward(e, UN_CL_MAXPOOL3_BACKWARD, src, ddst, dsrc);
}

static void meanpool_backward(struct un_engine *e, struct un_tensor ddst,
                              const struct un_gradient *dsrc)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_MEANPOOL_BACKWARD);
    un_cl_address(&c, ddst.data);
    gradient(&c, dsrc);
    sides(&c, dsrc->d.shape);
    sides(&c, ddst.shape);
    way(&c, dsrc);
    run_over(&c, dsrc->d.shape);
}

/* Channels of a pixel of a tensor, 0: of features; and blocks. */
static void plain(struct un_cl_call *c, struct un_tensor t)
{
    un_cl_int(c, t.layout == UN_PIXELS ? t.shape.c : 0);
    un_cl_int(c, un_cl_blocks(t.shape.c));
}

static void add_forward(struct un_engine *e, const struct un_operand src[2],
                        struct un_activation act, struct un_tensor dst)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_ADD_FORWARD);
    un_cl_address(&c, src[0].tensor.data);
    un_cl_address(&c, src[1].tensor.data);
    un_cl_address(&c, dst.data);
    for (int s = 0; s < 2; s++) {
        sides(&c, src[s].tensor.shape);
        un_cl_int(&c, src[s].top);
        un_cl_int(&c, src[s].left);
    }
    sides(&c, dst.shape);
    un_cl_act(&c, act);
    plain(&c, dst);
    run_over(&c, dst.shape);
}

static void add_backward(struct un_engine *e, struct un_tensor ddst, int top, int left,
                         const struct un_gradient *dsrc)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_ADD_BACKWARD);
    un_cl_address(&c, ddst.data);
    gradient(&c, dsrc);
    sides(&c, ddst.shape);
    un_cl_int(&c, top);
    un_cl_int(&c, left);
    sides(&c, dsrc->d.shape);
    way(&c, dsrc);
    plain(&c, ddst);
    run_over(&c, dsrc->d.shape);
}

static void upsample_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst,
                             enum un_doubling how, int trim)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_UPSAMPLE_FORWARD);
    un_cl_address(&c, src.data);
    un_cl_address(&c, dst.data);
    sides(&c, src.shape);
    sides(&c, dst.shape);
    un_cl_int(&c, (int)how);
    un_cl_int(&c, trim);
    run_over(&c, dst.shape);
}

static void upsample_backward(struct un_engine *e, struct un_tensor ddst, enum un_doubling how,
                              int trim, const struct un_gradient *dsrc)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_UPSAMPLE_BACKWARD);
    un_cl_address(&c, ddst.data);
    gradient(&c, dsrc);
    sides(&c, dsrc->d.shape);
    un_cl_int(&c, (int)how);
    un_cl_int(&c, trim);
    way(&c, dsrc);
    run_over(&c, dsrc->d.shape);
}

static void dropout(struct un_engine *e, struct un_tensor x, float rate, uint64_t key,
                    uint64_t first)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_DROPOUT);
    un_cl_address(&c, x.data);
    un_cl_int(&c, un_cl_plane(x.shape));
    un_cl_int(&c, x.shape.c);
    un_cl_int(&c, un_cl_blocks(x.shape.c));
    un_cl_float(&c, rate);
    un_cl_float(&c, (float)(1 / (1 - (double)rate)));
    un_cl_ulong(&c, key);
    un_cl_ulong(&c, first);
    run_over(&c, x.shape);
}

void un_cl_map_operations(struct un_engine_ops *ops)
{
    ops->maxpool_forward = maxpool_forward;
    ops->maxpool_backward = maxpool_backward;
    ops->maxpool3_forward = maxpool3_forward;
    ops->maxpool3_backward = maxpool3_backward;
    ops->meanpool_forward = meanpool_forward;
    ops->meanpool_backward = meanpool_backward;
    ops->add_forward = add_forward;
    ops->add_backward = add_backward;
    ops->upsample_forward = upsample_forward;
    ops->upsample_backward = upsample_backward;
    ops->dropout = dropout;
}

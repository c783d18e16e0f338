/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_outer.c - gradients of weights and of the bias, directly: kernels/outer.cl
 *
 * The workspace: what the pieces of an image give [pieces][weights], then the slots of images that
 * the tree of base/tree.h has open at once, [rooms][weights + K].  The sum of all is folded into
 * the first slot, which is copied to where it is wanted.
 */
#include "base/tree.h"
#include "opencl/cl_call.h"
#include "opencl/cl_winograd.h"

/* Work items that a large device is busy with. */
enum { ITEMS = 1 << 15 };

/* Which map is a and which b (kernels/arguments.h); both as c has them, or ddst. */
static bool by_source(const struct un_conv *c)
{
    return un_conv_is_up(c->kind);
}

static int row_count(const struct un_conv *c)
{
    return by_source(c) ? c->src[0].tensor.shape.h : c->dst.shape.h;
}

/* of rows; the more channels, the fewer */
static int pieces_of(const struct un_conv *c)
{
    const int in = un_cl_blocks(un_cl_in(c)), out = un_cl_blocks(c->dst.shape.c);
    const long items = (long)in * out * un_cl_side(c->kind), want = (ITEMS + items - 1) / items;
    return want < row_count(c) ? (int)want : row_count(c);
}

static int rooms_of(int images)
{
    int rooms;
    un_tree_of(0, images, images, &rooms);
    return rooms;
}

static size_t slot_floats(const struct un_conv *c)
{
    return un_cl_weights(c) + (size_t)c->dst.shape.c;
}

/* Floats that the sums of an image need. */
static size_t image_floats(const struct un_engine *e, const struct un_conv *c)
{
    return un_cl_winograd_takes(e, c) ? un_cl_winograd_weights_floats(c)
                                      : (size_t)pieces_of(c) * un_cl_weights(c);
}

size_t un_cl_outer_workspace(const struct un_engine *e, const struct un_conv *c)
{
    return (image_floats(e, c) + (size_t)rooms_of(c->dst.shape.n) * slot_floats(c)) * sizeof(float);
}

static void add_source(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst, int s,
                       int first, int n, float *sums)
{
    const struct un_tensor *src = &c->src[s].tensor;
    const bool swap = by_source(c), apart = swap || c->kind == UN_CONV3X3_HALF;
    const int inside = c->kind == UN_UPCONV3X3;
    const struct un_cl_outer o = {.a = un_cl_map_of(swap ? src : &ddst),
                                  .b = un_cl_map_of(swap ? &ddst : src),
                                  .n = n,
                                  .pieces = pieces_of(c),
                                  .side = un_cl_side(c->kind),
                                  .mul = apart ? 2 : 1,
                                  .top = c->src[s].top - inside,
                                  .left = c->src[s].left - inside,
                                  .first = swap ? 0 : first,
                                  .all = swap ? ddst.shape.c : un_cl_in(c),
                                  .first_row = swap ? first : 0,
                                  .rows = swap ? un_cl_in(c) : ddst.shape.c};
    struct un_cl_call call = un_cl_begin(e, UN_CL_OUTER_SUMS);
    un_cl_address(&call, swap ? src->data : ddst.data);
    un_cl_address(&call, swap ? ddst.data : src->data);
    un_cl_address(&call, sums);
    un_cl_value(&call, &o, sizeof o);
    un_cl_run(&call, (size_t)o.a.blocks * (size_t)o.b.blocks * (size_t)o.side, (size_t)o.pieces, 1);
}

static void sum_weights(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst, int n,
                        float *pieces, float *slot)
{
    const size_t count = un_cl_weights(c);
    int first = 0;
    for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
        add_source(e, c, ddst, s, first, n, pieces);
        first += c->src[s].tensor.shape.c;
    }
    struct un_cl_call call = un_cl_begin(e, UN_CL_OUTER_FOLD);
    un_cl_address(&call, pieces);
    un_cl_address(&call, slot);
    un_cl_ulong(&call, count);
    un_cl_int(&call, pieces_of(c));
    un_cl_run(&call, count, 1, 1);
}

static void sum_bias(struct un_engine *e, struct un_tensor ddst, int n, float *to)
{
    const struct un_cl_map m = un_cl_map_of(&ddst);
    struct un_cl_call call = un_cl_begin(e, UN_CL_OUTER_BIAS);
    un_cl_address(&call, ddst.data);
    un_cl_address(&call, to);
    un_cl_value(&call, &m, sizeof m);
    un_cl_int(&call, n);
    un_cl_run(&call, (size_t)m.blocks * UN_CL_GROUP, 1, 1);
}

static void fold(struct un_engine *e, float *to, const float *from, size_t count)
{
    struct un_cl_call call = un_cl_begin(e, UN_CL_FOLD);
    un_cl_address(&call, to);
    un_cl_address(&call, from);
    un_cl_ulong(&call, count);
    un_cl_run(&call, count < 65536 ? count : 65536, 1, 1);
}

static void conv_backward_weights(struct un_engine *e, const struct un_conv *c,
                                  struct un_tensor ddst, float *dweight, float *dbias)
{
    const size_t count = un_cl_weights(c), step = slot_floats(c);
    float *pieces = e->workspace, *slots = pieces + image_floats(e, c);
    struct un_tree tree = {.total = ddst.shape.n};
    for (int n = 0; n < ddst.shape.n; n++) {
        float *slot = slots + (size_t)tree.count * step;
        if (un_cl_winograd_takes(e, c))
            un_cl_winograd_weights(e, c, ddst, n, pieces, slot);
        else
            sum_weights(e, c, ddst, n, pieces, slot);
        sum_bias(e, ddst, n, slot + count);
        un_tree_push(&tree, (struct un_block){n, 0});
        while (un_tree_fold(&tree)) {
            float *to = slots + (size_t)(tree.count - 1) * step;
            fold(e, to, to + step, step);
        }
    }
    e->ops->copy(e, dweight, slots, count * sizeof *slots);
    if (dbias)
        e->ops->copy(e, dbias, slots + count, (size_t)ddst.shape.c * sizeof *slots);
}

void un_cl_outer_operations(struct un_engine_ops *ops)
{
    ops->conv_backward_weights = conv_backward_weights;
}

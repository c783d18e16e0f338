/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_outer.c - gradients of weights and of the bias, directly: kernels/outer.cl, product.cl
 *
 * The workspace: what an image needs (un_cl_cut_floats), then the slots of images that the tree of
 * base/tree.h has open at once, [rooms][weights + K].  The sum of all is folded into the first
 * slot, which is copied to where it is wanted.
 */
#include "base/tree.h"
#include "opencl/cl_call.h"
#include "opencl/cl_product.h"
#include "opencl/cl_winograd.h"

/* A convolution's source s and its result as what is multiplied: each pixel of a, as it is, by the
 * taps of b there (struct un_cl_taps). */
struct pair {
    struct un_tensor a, b;
    struct un_cl_taps taps; /* of b */
    int rows_a, rows_b;     /* blocks of rows */
    int first, all;         /* the source's channels among all of b's */
    int first_row;          /* or, where it is a, among a's */
    struct un_cl_cut cut;
};

/* An up-convolution's result has the taps. */
static bool by_source(const struct un_conv *c)
{
    return un_conv_is_up(c->kind);
}

static struct pair pair_of(const struct un_conv *c, struct un_tensor ddst, int s, int first)
{
    const struct un_tensor *src = &c->src[s].tensor;
    const bool swap = by_source(c), apart = swap || un_conv_halves(c->kind);
    const int inside = c->kind == UN_UPCONV3X3;
    struct pair p = {.a = swap ? *src : ddst, .b = swap ? ddst : *src};
    p.first = swap ? 0 : first;
    p.first_row = swap ? first : 0;
    p.taps = (struct un_cl_taps){.map = un_cl_map_of(&p.b),
                                 .columns = p.a.shape.w,
                                 .side = un_conv_side(c->kind),
                                 .mul = apart ? 2 : 1,
                                 .top = c->src[s].top - inside,
                                 .left = c->src[s].left - inside};
    p.rows_a = un_cl_blocks(p.a.shape.c);
    p.rows_b = UN_CL_TAP_BLOCKS(p.taps.map, p.taps.side * p.taps.side);
    p.all = swap ? ddst.shape.c : un_cl_in(c);
    p.cut = un_cl_cut_of(p.rows_a, p.rows_b, 1, (size_t)un_cl_plane(p.a.shape));
    return p;
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

/* Floats that an image needs. */
static size_t image_floats(const struct un_engine *e, const struct un_conv *c)
{
    size_t most = 0;
    if (un_cl_winograd_takes(e, c))
        return un_cl_winograd_weights_floats(c);
    for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
        const struct pair p = pair_of(c, c->dst, s, 0);
        most = un_cl_cut_floats(&p.cut) > most ? un_cl_cut_floats(&p.cut) : most;
    }
    return most;
}

size_t un_cl_outer_workspace(const struct un_engine *e, const struct un_conv *c)
{
    return (image_floats(e, c) + (size_t)rooms_of(c->dst.shape.n) * slot_floats(c)) * sizeof(float);
}

static void make_matrix(struct un_engine *e, const void *map, void *to, const struct un_cl_taps *t,
                        int blocks)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_OUTER_TAPS);
    un_cl_address(&c, map);
    un_cl_address(&c, to);
    un_cl_value(&c, t, sizeof *t);
    un_cl_run(&c, (size_t)t->room, (size_t)blocks, 1);
}

/* The weights of blocks_a blocks of a's channels, from block first_a on. */
static void make_weights(struct un_engine *e, const struct pair *p, const float *sums, int first_a,
                         int blocks_a, float *slot)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_OUTER_BACK);
    un_cl_address(&c, sums);
    un_cl_address(&c, slot);
    un_cl_value(&c, &p->taps, sizeof p->taps);
    un_cl_int(&c, p->cut.pieces);
    un_cl_int(&c, 4 * blocks_a);
    un_cl_int(&c, 4 * first_a);
    un_cl_int(&c, p->a.shape.c);
    un_cl_int(&c, p->first);
    un_cl_int(&c, p->all);
    un_cl_run(&c, (size_t)p->rows_b, 4 * (size_t)blocks_a, 1);
}

static void add_part(struct un_engine *e, const struct pair *p, int first_a, float *v, float *slot)
{
    const struct un_cl_cut *u = &p->cut;
    const int left = p->rows_a - first_a, blocks_a = left < u->part ? left : u->part;
    const int pixels = un_cl_plane(p->a.shape);
    float *g = un_cl_cut_g(u, v), *sums = un_cl_cut_sums(u, v);
    struct un_cl_taps b = p->taps, a = {.map = un_cl_map_of(&p->a), .n = b.n, .side = 1, .mul = 1};
    a.columns = b.columns;
    for (int first = 0; first < pixels; first += u->chunk) {
        a.first = b.first = first;
        a.count = b.count = pixels - first < u->chunk ? pixels - first : u->chunk;
        a.room = b.room = un_cl_room(a.count);
        if (first_a == 0 || pixels > u->chunk) { /* else they are there from the part before */
            make_matrix(e, p->a.data, g, &a, p->rows_a);
            make_matrix(e, p->b.data, v, &b, p->rows_b);
        }
        un_cl_product_outer(e, u, g + (size_t)first_a * 4 * (size_t)a.room, v, sums, a.room,
                            blocks_a, first > 0);
    }
    make_weights(e, p, sums, first_a, blocks_a, slot);
}

static void sum_weights(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst, int n,
                        float *workspace, float *slot)
{
    for (int s = 0, first = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
        struct pair p = pair_of(c, ddst, s, first);
        const size_t row = (size_t)p.all * (size_t)(p.taps.side * p.taps.side);
        p.taps.n = n;
        for (int block = 0; block < p.rows_a; block += p.cut.part)
            add_part(e, &p, block, workspace, slot + (size_t)p.first_row * row);
        first += c->src[s].tensor.shape.c;
    }
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

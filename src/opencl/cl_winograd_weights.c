/* SPDX-License-Identifier: Apache-2.0 */
/* cl_winograd_weights.c - the gradient of the weights: dg = G' (sum over tiles: (A dy A') V) G */
#include "opencl/cl_call.h"
#include "opencl/cl_product.h"
#include "opencl/cl_winograd.h"

static int min(int a, int b)
{
    return a < b ? a : b;
}

static struct un_cl_cut cut_of(const struct un_conv *c, int s)
{
    const struct un_shape d = c->dst.shape;
    const size_t tiles = (size_t)((d.h + 3) / 4) * (size_t)((d.w + 3) / 4);
    return un_cl_cut_of(un_cl_blocks(d.c), un_cl_source_blocks(c, s), UN_CL_FREQUENCIES, tiles);
}

size_t un_cl_winograd_weights_floats(const struct un_conv *c)
{
    size_t most = 0;
    for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
        const struct un_cl_cut u = cut_of(c, s);
        most = un_cl_cut_floats(&u) > most ? un_cl_cut_floats(&u) : most;
    }
    return most;
}

static void transform(struct un_engine *e, enum un_cl_kernel kernel, const void *map, void *to,
                      const struct un_cl_tiles *t, int from_block)
{
    struct un_cl_call c = un_cl_begin(e, kernel);
    un_cl_address(&c, map);
    un_cl_address(&c, to);
    un_cl_value(&c, t, sizeof *t);
    if (kernel == UN_CL_WINOGRAD_GRADIENT)
        un_cl_int(&c, from_block);
    un_cl_run(&c, (size_t)t->room, (size_t)t->all_blocks, 1);
}

/* What one source and a part of the output channels give. */
struct job {
    const struct un_conv *conv;
    struct un_tensor ddst;
    const struct un_operand *src;
    int n, first_c; /* the image; of the source's channels among all */
    struct un_cl_cut cut;
    float *v, *g, *sums, *slot;
};

static void back(struct un_engine *e, const struct job *j, int first_block, int blocks_k)
{
    const int blocks_c = j->cut.blocks_c, out = j->conv->dst.shape.c;
    struct un_cl_call c = un_cl_begin(e, UN_CL_WINOGRAD_BACK);
    un_cl_address(&c, j->sums);
    un_cl_address(&c, j->slot);
    un_cl_int(&c, j->cut.pieces);
    un_cl_int(&c, 4 * blocks_k);
    un_cl_int(&c, j->src->tensor.shape.c);
    un_cl_int(&c, 4 * first_block);
    un_cl_int(&c, out);
    un_cl_int(&c, j->first_c);
    un_cl_int(&c, un_cl_in(j->conv));
    un_cl_run(&c, (size_t)blocks_c, 4 * (size_t)blocks_k, 1);
}

static void add_part(struct un_engine *e, const struct job *j, int first_block)
{
    const struct un_shape d = j->ddst.shape;
    const int blocks_k = min(j->cut.part, j->cut.blocks_k - first_block);
    struct un_cl_tiles from =
        un_cl_tiles_of(un_cl_map_of(&j->src->tensor), d.h, d.w, j->src->top, j->src->left);
    struct un_cl_tiles to = un_cl_tiles_of(un_cl_map_of(&j->ddst), d.h, d.w, 0, 0);
    const int tiles = to.per_image;
    from.all_blocks = j->cut.blocks_c;
    to.all_blocks = blocks_k;
    for (int first = 0; first < tiles; first += j->cut.chunk) {
        from.first = to.first = j->n * tiles + first;
        from.count = to.count = min(tiles - first, j->cut.chunk);
        from.room = to.room = un_cl_room(to.count);
        if (first_block == 0 || tiles > j->cut.chunk) /* else it lies there from the part before */
            transform(e, UN_CL_WINOGRAD_SOURCE, j->src->tensor.data, j->v, &from, 0);
        transform(e, UN_CL_WINOGRAD_GRADIENT, j->ddst.data, j->g, &to, first_block);
        un_cl_product_outer(e, &j->cut, j->g, j->v, j->sums, to.room, blocks_k, first > 0);
    }
    back(e, j, first_block, blocks_k);
}

void un_cl_winograd_weights(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                            int n, float *workspace, float *slot)
{
    struct job j = {.conv = c, .ddst = ddst, .n = n, .slot = slot};
    for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
        j.cut = cut_of(c, s);
        j.src = &c->src[s];
        j.v = workspace;
        j.g = un_cl_cut_g(&j.cut, j.v);
        j.sums = un_cl_cut_sums(&j.cut, j.v);
        for (int block = 0; block < j.cut.blocks_k; block += j.cut.part)
            add_part(e, &j, block);
        j.first_c += c->src[s].tensor.shape.c;
    }
}

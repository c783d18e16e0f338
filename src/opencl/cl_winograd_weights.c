/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_winograd_weights.c - the gradient of the weights: dg = G' (sum over tiles: (A dy A') V) G
 *
 * Tiles go by in chunks, and output channels in parts, so that neither the transformed maps nor the
 * sums [pieces][36][K of a part][C] grow beyond a bound: many channels mean few tiles.
 */
#include "opencl/cl_call.h"
#include "opencl/cl_winograd.h"

enum {
    SUMS = 64 << 20,  /* bytes of the sums of a part, and more where a block of them is larger */
    GROUPS = 2048,    /* that a large device is busy with */
    PIECE_TILES = 128 /* of a piece, at least */
};

/* How the sums of one source are cut. */
struct cut {
    int blocks_k, blocks_c; /* of all; of this source */
    int part, pieces,
        chunk; /* blocks of k in a part; pieces of a chunk's tiles; tiles of a chunk */
    int side;  /* of a group's tile, in blocks, halved */
};

static int min(int a, int b)
{
    return a < b ? a : b;
}

static size_t sum_floats(const struct cut *u)
{
    return (size_t)u->pieces * UN_CL_FREQUENCIES * 16 * (size_t)u->part * (size_t)u->blocks_c;
}

static struct cut cut_of(const struct un_conv *c, int s)
{
    const struct un_shape d = c->dst.shape;
    struct cut u = {.blocks_k = un_cl_blocks(d.c), .blocks_c = un_cl_source_blocks(c, s)};
    const size_t tiles = (size_t)((d.h + 3) / 4) * (size_t)((d.w + 3) / 4);
    const size_t each = (size_t)UN_CL_FREQUENCIES * 16 * (size_t)u.blocks_c * sizeof(float);
    const int narrow = min(u.blocks_k, u.blocks_c);
    u.side = narrow <= 4 ? 2 : narrow <= 8 ? 4 : 8;
    u.chunk = un_cl_chunk(tiles, u.blocks_k + u.blocks_c);
    const size_t most = SUMS / each / 16 * 16;
    u.part = min(u.blocks_k, most > 16 ? (int)most : 16);
    const int wide = 2 * u.side;
    const int groups =
        UN_CL_FREQUENCIES * ((u.part + wide - 1) / wide) * ((u.blocks_c + wide - 1) / wide);
    const size_t room = SUMS / (each * (size_t)u.part);
    u.pieces = min((GROUPS + groups - 1) / groups, (u.chunk + PIECE_TILES - 1) / PIECE_TILES);
    u.pieces = min(u.pieces, room > 1 ? (int)room : 1);
    return u;
}

/* V, the gradient's, and the sums */
static size_t floats_of(const struct cut *u)
{
    return (size_t)UN_CL_FREQUENCIES * 4 * (size_t)(u->blocks_k + u->blocks_c) * (size_t)u->chunk +
           sum_floats(u);
}

size_t un_cl_winograd_weights_floats(const struct un_conv *c)
{
    size_t most = 0;
    for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
        const struct cut u = cut_of(c, s);
        most = floats_of(&u) > most ? floats_of(&u) : most;
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

static void multiply(struct un_engine *e, const struct cut *u, const void *g, const void *v,
                     void *sums, int room, int blocks_k, bool adds)
{
    static const enum un_cl_kernel kernels[] = {
        [2] = UN_CL_PRODUCT_OUTER_16, [4] = UN_CL_PRODUCT_OUTER_32, [8] = UN_CL_PRODUCT_OUTER_64};
    const struct un_cl_sizes sizes = {room, blocks_k, u->blocks_c, u->pieces, adds};
    const int wide = 2 * u->side;
    struct un_cl_call c = un_cl_begin(e, kernels[u->side]);
    un_cl_address(&c, g);
    un_cl_address(&c, v);
    un_cl_address(&c, sums);
    un_cl_value(&c, &sizes, sizeof sizes);
    un_cl_run(&c,
              (size_t)((blocks_k + wide - 1) / wide) * (size_t)((u->blocks_c + wide - 1) / wide) *
                  UN_CL_GROUP,
              (size_t)u->pieces, UN_CL_FREQUENCIES);
}

/* What one source and a part of the output channels give. */
struct job {
    const struct un_conv *conv;
    struct un_tensor ddst;
    const struct un_operand *src;
    int n, first_c; /* the image; of the source's channels among all */
    struct cut cut;
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
        from.room = to.room = (to.count + UN_CL_ROOM - 1) / UN_CL_ROOM * UN_CL_ROOM;
        if (first_block == 0 || tiles > j->cut.chunk) /* else it lies there from the part before */
            transform(e, UN_CL_WINOGRAD_SOURCE, j->src->tensor.data, j->v, &from, 0);
        transform(e, UN_CL_WINOGRAD_GRADIENT, j->ddst.data, j->g, &to, first_block);
        multiply(e, &j->cut, j->g, j->v, j->sums, to.room, blocks_k, first > 0);
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
        j.g = j.v + (size_t)UN_CL_FREQUENCIES * 4 * (size_t)j.cut.blocks_c * (size_t)j.cut.chunk;
        j.sums = j.g + (size_t)UN_CL_FREQUENCIES * 4 * (size_t)j.cut.blocks_k * (size_t)j.cut.chunk;
        for (int block = 0; block < j.cut.blocks_k; block += j.cut.part)
            add_part(e, &j, block);
        j.first_c += c->src[s].tensor.shape.c;
    }
}

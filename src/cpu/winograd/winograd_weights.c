/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_weights.c - the gradient of a 3x3 convolution's weights; read winograd.h first
 *
 *     dU[f][c][k] = sum over tiles t: V[f][t][c] D[f][t][k]        D = A dy A',  dg = G' dU G
 *
 * A unit is up to 64 input by 64 output channels: its dU has 36 x 64 x 64 floats, 576 kB, which
 * stay in the second-level cache while the tiles go by, RUN_TILES at a time.  V and D of a unit are
 * made for it alone; they cost about 8 % of its products.  When there are fewer units than could
 * keep many threads busy, the tiles are cut into bands as well, each with sums of its own, which
 * are then added in the order of the bands.  So neither the number of threads nor the size of a
 * cache has a say in any sum.
 *
 * The gradient of the biases comes for nothing: row 1 of A is (1 1 1 1), so frequency (1, 1) of D
 * is the sum of a tile.
 */
#include <string.h>

#include "cpu/winograd/winograd.h"

enum {
    UNIT_BLOCKS = 4,           /* of 16 channels */
    RUN_TILES = 48,            /* V and D of a unit: 0.9 MB */
    TASKS = 64,                /* wanted */
    BAND_BYTES = 24 << 20,     /* of the sums of all bands, at most */
    BAND_TILES = 2 * RUN_TILES /* of a band, at least */
};

struct pass {
    const struct un_kernels *k;
    struct un_operand src[2];
    struct un_tensor ddst;
    struct un_tiles tiles;
    int in[2], in_blocks, out_blocks;
    int in_units, out_units, bands;
    size_t sum_floats; /* of a unit, biases included */
    size_t v_floats;   /* of V and of D */
};

/* A unit: blocks [first, end) of inputs and of outputs, and its sums. */
struct unit {
    struct un_range in, out;
    float *sum;  /* [frequency][group of outputs][block of inputs][16][group] */
    float *bias; /* [output block][16] */
};

/* A thread's own memory. */
struct scratch {
    struct un_patch patch;
    float *v, *d, *sum;
};

static ptrdiff_t apart(int blocks)
{
    return (ptrdiff_t)((blocks * RUN_TILES) | 1) * UN_BLOCK;
}

static struct pass make_pass(const struct un_engine *e, const struct un_conv *c)
{
    struct pass p = {.k = un_cpu_kernels(e),
                     .src = {c->src[0], c->src[1]},
                     .ddst = c->dst,
                     .tiles = un_tiles_of(c->dst.shape),
                     .in = {c->src[0].tensor.shape.c, c->src[1].tensor.shape.c}};
    p.in_blocks = un_blocks(p.in[0]) + un_blocks(p.in[1]);
    p.out_blocks = un_blocks(c->dst.shape.c);
    p.in_units = un_ceil_div(p.in_blocks, UNIT_BLOCKS);
    p.out_units = un_ceil_div(p.out_blocks, UNIT_BLOCKS);
    size_t in = (size_t)un_ceil_div(p.in_blocks, p.in_units) * UN_BLOCK;
    size_t out = (size_t)un_ceil_div(p.out_blocks, p.out_units) * UN_BLOCK;
    const int units = p.in_units * p.out_units;
    p.sum_floats = UN_FREQUENCIES * in * out + out;
    p.v_floats = (size_t)(UN_FREQUENCIES * apart(UNIT_BLOCKS));
    int fit = (int)(BAND_BYTES / (p.sum_floats * sizeof(float) * (size_t)units));
    p.bands = un_min(un_ceil_div(TASKS, units), un_min(fit, p.tiles.count / BAND_TILES));
    p.bands = un_max(p.bands, 1);
    return p;
}

static size_t scratch_floats(const struct pass *p)
{
    return UN_PATCH_FLOATS + 2 * p->v_floats + p->sum_floats;
}

static struct scratch scratch_at(const struct pass *p, float *memory, int thread)
{
    float *at = memory + scratch_floats(p) * (size_t)thread;
    struct scratch s = {.patch = un_patch_at(at)};
    s.v = at + UN_PATCH_FLOATS;
    s.d = s.v + p->v_floats;
    s.sum = s.d + p->v_floats;
    return s;
}

static size_t band_floats(const struct pass *p)
{
    return p->bands > 1 ? (size_t)(p->in_units * p->out_units * p->bands) * p->sum_floats : 0;
}

/* A thread's own sums are only used with one band, but counted always: so more tiles never take
 * less memory, for any number of threads. */
size_t un_winograd_weights_workspace(struct un_engine *e, const struct un_conv *c)
{
    struct pass p = make_pass(e, c);
    return (band_floats(&p) + (size_t)e->threads * scratch_floats(&p)) * sizeof(float);
}

int un_winograd_weights_tasks(const struct un_engine *e, const struct un_conv *c)
{
    struct pass p = make_pass(e, c);
    return p.in_units * p.out_units * p.bands;
}

static struct unit make_unit(const struct pass *p, int index, float *sum)
{
    int i = index / p->out_units, o = index % p->out_units;
    struct unit u = {
        .in = {un_piece(p->in_blocks, p->in_units, i), un_piece(p->in_blocks, p->in_units, i + 1)},
        .out = {un_piece(p->out_blocks, p->out_units, o),
                un_piece(p->out_blocks, p->out_units, o + 1)},
        .sum = sum};
    u.bias = sum + UN_FREQUENCIES * (ptrdiff_t)(u.in.end - u.in.first) * (u.out.end - u.out.first) *
                       UN_BLOCK * UN_BLOCK;
    return u;
}

/* floats of the sums of one frequency */
static ptrdiff_t frequency_floats(const struct unit *u)
{
    return (ptrdiff_t)(u->in.end - u->in.first) * (u->out.end - u->out.first) * UN_BLOCK * UN_BLOCK;
}

/* Adds the products of some tiles to the sums. */
static void add_products(const struct pass *p, const struct scratch *s, const struct unit *u,
                         int tiles)
{
    const int ins = u->in.end - u->in.first, outs = u->out.end - u->out.first;
    struct un_outer o = {.a_step = UN_BLOCK,
                         .b_step = UN_BLOCK,
                         .b_block = RUN_TILES * UN_BLOCK,
                         .pixels = tiles,
                         .rows = UN_BLOCK,
                         .taps = 1,
                         .sum = u->sum};
    for (int f = 0; f < UN_FREQUENCIES; f++)
        for (int k = 0; k < outs; k += p->k->blocks) {
            int blocks = un_min(p->k->blocks, outs - k);
            o.b = s->d + f * apart(UNIT_BLOCKS) + (ptrdiff_t)k * RUN_TILES * UN_BLOCK;
            for (int c = 0; c < ins; c++) {
                o.a = s->v + f * apart(UNIT_BLOCKS) + (ptrdiff_t)c * RUN_TILES * UN_BLOCK;
                p->k->outer(&o, blocks);
                o.sum += blocks * UN_BLOCK * UN_BLOCK;
            }
        }
}

/* The sums of one unit over tiles first .. end - 1. */
static void sum_tiles(const struct pass *p, const struct scratch *s, const struct unit *u,
                      int first, int end)
{
    const int runs = un_ceil_div(end - first, RUN_TILES);
    const ptrdiff_t step = RUN_TILES * UN_BLOCK;
    memset(u->sum, 0, p->sum_floats * sizeof(float));
    for (int r = 0; r < runs; r++) {
        int t = first + un_piece(end - first, runs, r);
        int tiles = first + un_piece(end - first, runs, r + 1) - t;
        for (int b = u->in.first; b < u->in.end; b++) {
            struct un_channels in = un_channels_of(p->in[0], p->in[1], b);
            un_tiles_source(p->k, &p->tiles, &p->src[in.source], in.block, t, tiles, &s->patch,
                            s->v + (b - u->in.first) * step, apart(UNIT_BLOCKS));
        }
        for (int b = u->out.first; b < u->out.end; b++) {
            float *d = s->d + (b - u->out.first) * step;
            un_tiles_gradient(p->k, &p->tiles, &p->ddst, b, t, tiles, &s->patch, d,
                              apart(UNIT_BLOCKS));
            if (u->in.first == 0)
                p->k->sum_row(d + 7 * apart(UNIT_BLOCKS), tiles,
                              u->bias + (b - u->out.first) * UN_BLOCK);
        }
        add_products(p, s, u, tiles);
    }
}

/* G' dU G for 16 inputs and a group of outputs, to where the model has these weights. */
static void write_block(const struct pass *p, const float *sum, ptrdiff_t by_frequency,
                        int in_block, int out_block, int blocks, float *dweight)
{
    _Alignas(UN_ALIGN) float g[UN_BLOCK][9][2 * UN_BLOCK];
    const struct un_channels in = un_channels_of(p->in[0], p->in[1], in_block);
    const int lanes = blocks * UN_BLOCK, first = out_block * UN_BLOCK;
    const int outs = un_min(lanes, p->ddst.shape.c - first);
    float *packed = g[0][0];
    for (int c = 0; c < in.count; c++)
        p->k->winograd_weights_back(sum + c * lanes, by_frequency, lanes, packed + c * 9 * lanes);
    for (int k = 0; k < outs; k++) {
        float *to = dweight + ((ptrdiff_t)(first + k) * (p->in[0] + p->in[1]) + in.first) * 9;
        for (int i = 0; i < in.count * 9; i++)
            to[i] = packed[i * lanes + k];
    }
}

static void write_unit(const struct pass *p, const struct unit *u, float *dweight, float *dbias)
{
    const int ins = u->in.end - u->in.first;
    const float *sum = u->sum;
    for (int k = u->out.first; k < u->out.end; k += p->k->blocks) {
        int blocks = un_min(p->k->blocks, u->out.end - k);
        for (int c = 0; c < ins; c++, sum += blocks * UN_BLOCK * UN_BLOCK)
            write_block(p, sum, frequency_floats(u), u->in.first + c, k, blocks, dweight);
    }
    if (dbias && u->in.first == 0) {
        int first = u->out.first * UN_BLOCK;
        int count = un_min(u->out.end * UN_BLOCK, p->ddst.shape.c) - first;
        memcpy(dbias + first, u->bias, (size_t)count * sizeof *dbias);
    }
}

static void add_bands(const struct pass *p, float *first)
{
    for (int band = 1; band < p->bands; band++) {
        const float *other = first + (size_t)band * p->sum_floats;
        for (size_t i = 0; i < p->sum_floats; i++)
            first[i] += other[i];
    }
}

/* What the tasks share. */
struct job {
    struct pass pass;
    float *bands, *memory; /* the sums of all bands; the scratch of all threads */
    float *dweight, *dbias;
};

/* A band of a unit. */
static void sum_task(void *context, int task, int thread)
{
    const struct job *job = context;
    const struct pass *p = &job->pass;
    const struct scratch s = scratch_at(p, job->memory, thread);
    const int band = task % p->bands, count = p->tiles.count;
    float *sum = p->bands > 1 ? job->bands + (size_t)task * p->sum_floats : s.sum;
    const struct unit u = make_unit(p, task / p->bands, sum);
    sum_tiles(p, &s, &u, un_piece(count, p->bands, band), un_piece(count, p->bands, band + 1));
    if (p->bands == 1)
        write_unit(p, &u, job->dweight, job->dbias);
}

/* A unit whose bands are there. */
static void add_task(void *context, int i, int thread)
{
    const struct job *job = context;
    const struct pass *p = &job->pass;
    const struct unit u = make_unit(p, i, job->bands + (size_t)(i * p->bands) * p->sum_floats);
    (void)thread;
    add_bands(p, u.sum);
    write_unit(p, &u, job->dweight, job->dbias);
}

void un_winograd_backward_weights(struct un_engine *e, const struct un_conv *c,
                                  struct un_tensor ddst, float *dweight, float *dbias)
{
    struct job job = {
        .pass = make_pass(e, c), .bands = e->workspace, .dweight = dweight, .dbias = dbias};
    struct pass *p = &job.pass;
    const int units = p->in_units * p->out_units;
    job.memory = job.bands + band_floats(p);
    p->ddst = ddst;
    un_pool_run(e->pool, units * p->bands, sum_task, &job);
    if (p->bands > 1)
        un_pool_run(e->pool, units, add_task, &job);
}

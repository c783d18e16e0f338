/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_weights.c - the gradient of a 3x3 convolution's weights; read winograd.h first
 *
 *     dU[f][c][k] = sum over tiles t: V[f][t][c] D[f][t][k]        D = A dy A',  dg = G' dU G
 *
 * A unit is up to 64 input by 64 output channels: its dU has 36 x 64 x 64 floats, 576 kB, which
 * stay in the second-level cache while the tiles of an image go by, RUN_TILES at a time.  V and D
 * of a unit are made for it alone; they cost about 8 % of its products.  Where an image has no more
 * tiles than that, nothing is added to a dU later: 16 inputs by one group of outputs are made and
 * transformed at a time, which takes an eighth of the memory.  When there are fewer units than
 * could keep many threads busy, the tiles are cut into bands as well, each with sums of its own,
 * which are then added in the order of the bands; where there are too few tiles for that, too,
 * winograd_shared.c does it.  The dg of images are added in the tree of
 * tree.h, unit by unit, and written once.  So neither the number of threads, nor the size of a
 * cache, nor which other images are here has a say in any sum.
 *
 * The gradient of the biases is summed where D is made, tile by tile.
 */
#include <string.h>

#include "cpu/winograd/winograd_weights.h"

enum {
    UNIT_BLOCKS = 4,            /* of 16 channels */
    RUN_TILES = UN_RUN_TILES,   /* V and D of a unit: 0.9 MB */
    TASKS = 64,                 /* wanted */
    BAND_BYTES = 24 << 20,      /* of the sums of all bands, at most */
    BAND_TILES = 2 * RUN_TILES, /* of a band, at least */
    ADD_PARTS = 16,             /* of a unit whose bands are added up */
};

struct pass {
    struct un_weights all;
    int in_units, out_units, bands;
    size_t sum_floats; /* dU of a unit, biases behind it */
    size_t dg_floats;  /* dg of a unit, biases behind it, at most */
    size_t v_floats;   /* of V and of D */
};

/* A unit: blocks [first, end) of inputs and of outputs, and its sums over tiles. */
struct unit {
    struct un_range in, out;
    float *sum;  /* [frequency][group of outputs][block of inputs][16][group] */
    float *bias; /* [output block][16] */
};

/* A thread's own memory. */
struct scratch {
    struct un_patch patch;
    float *v, *d, *sum, *dg;
};

static ptrdiff_t apart(int blocks)
{
    return (ptrdiff_t)((blocks * RUN_TILES) | 1) * UN_BLOCK;
}

struct un_weights un_weights_of(const struct un_engine *e, const struct un_conv *c)
{
    struct un_weights p = {.k = un_cpu_kernels(e),
                           .src = {c->src[0], c->src[1]},
                           .ddst = c->dst,
                           .tiles = un_tiles_of(c->dst.shape),
                           .images = c->dst.shape.n,
                           .in = {c->src[0].tensor.shape.c, c->src[1].tensor.shape.c}};
    p.image_tiles = p.tiles.count / p.images;
    p.in_blocks = un_blocks(p.in[0]) + un_blocks(p.in[1]);
    p.out_blocks = un_blocks(c->dst.shape.c);
    p.rooms = un_image_rooms(p.images);
    return p;
}

static struct pass make_pass(const struct un_engine *e, const struct un_conv *c)
{
    struct pass p = {.all = un_weights_of(e, c)};
    p.in_units = un_ceil_div(p.all.in_blocks, UNIT_BLOCKS);
    p.out_units = un_ceil_div(p.all.out_blocks, UNIT_BLOCKS);
    size_t in = (size_t)un_ceil_div(p.all.in_blocks, p.in_units) * UN_BLOCK;
    size_t out = (size_t)un_ceil_div(p.all.out_blocks, p.out_units) * UN_BLOCK;
    const int units = p.in_units * p.out_units;
    p.sum_floats = UN_FREQUENCIES * in * out + out;
    p.dg_floats = 9 * in * out + out;
    p.v_floats = (size_t)(UN_FREQUENCIES * apart(UNIT_BLOCKS));
    int fit = (int)(BAND_BYTES / (p.sum_floats * sizeof(float) * (size_t)units));
    p.bands = un_min(un_ceil_div(TASKS, units), un_min(fit, p.all.image_tiles / BAND_TILES));
    p.bands = un_max(p.bands, 1);
    return p;
}

static size_t scratch_floats(const struct pass *p)
{
    return UN_PATCH_FLOATS + 2 * p->v_floats + p->sum_floats + (size_t)p->all.rooms * p->dg_floats;
}

static struct scratch scratch_at(const struct pass *p, float *memory, int thread)
{
    float *at = memory + scratch_floats(p) * (size_t)thread;
    struct scratch s = {.patch = un_patch_at(at)};
    s.v = at + UN_PATCH_FLOATS;
    s.d = s.v + p->v_floats;
    s.sum = s.d + p->v_floats;
    s.dg = s.sum + p->sum_floats;
    return s;
}

/* The sums of all bands, and those of images of all units. */
static size_t band_floats(const struct pass *p)
{
    const size_t units = (size_t)(p->in_units * p->out_units);
    return p->bands > 1 ? units * (size_t)p->bands * p->sum_floats : 0;
}

static size_t image_floats(const struct pass *p)
{
    const size_t units = (size_t)(p->in_units * p->out_units);
    return p->bands > 1 ? units * (size_t)p->all.rooms * p->dg_floats : 0;
}

/* An image with no more tiles goes the other way. */
static int shared_tiles(const struct pass *p)
{
    return un_weights_shared_tiles(p->in_units * p->out_units);
}

/* A thread's own sums are only used with one band, but counted always: so more tiles never take
 * less memory, for any number of threads. */
size_t un_winograd_weights_workspace(struct un_engine *e, const struct un_conv *c)
{
    struct pass p = make_pass(e, c);
    const size_t floats =
        band_floats(&p) + image_floats(&p) + (size_t)e->threads * scratch_floats(&p);
    p.all.image_tiles = un_min(p.all.image_tiles, shared_tiles(&p));
    const size_t shared = p.all.image_tiles ? un_weights_shared_floats(e, &p.all) : 0;
    return (shared > floats ? shared : floats) * sizeof(float);
}

int un_winograd_weights_tasks(const struct un_engine *e, const struct un_conv *c)
{
    struct pass p = make_pass(e, c);
    if (p.all.image_tiles <= shared_tiles(&p))
        return un_weights_shared_tasks(&p.all);
    return p.in_units * p.out_units * p.bands;
}

/* floats of a unit at one frequency */
static ptrdiff_t frequency_floats(const struct unit *u)
{
    return (ptrdiff_t)(u->in.end - u->in.first) * (u->out.end - u->out.first) * UN_BLOCK * UN_BLOCK;
}

static struct unit make_unit(const struct pass *p, int index, float *sum)
{
    int i = index / p->out_units, o = index % p->out_units;
    struct unit u = {.in = {un_piece(p->all.in_blocks, p->in_units, i),
                            un_piece(p->all.in_blocks, p->in_units, i + 1)},
                     .out = {un_piece(p->all.out_blocks, p->out_units, o),
                             un_piece(p->all.out_blocks, p->out_units, o + 1)},
                     .sum = sum};
    u.bias = sum + UN_FREQUENCIES * frequency_floats(&u);
    return u;
}

static size_t bias_bytes(const struct unit *u)
{
    return (size_t)(u->out.end - u->out.first) * UN_BLOCK * sizeof(float);
}

/* floats of its dg and biases, and of a slot of them */
static size_t dg_floats(const struct unit *u)
{
    return 9 * (size_t)frequency_floats(u) + (size_t)(u->out.end - u->out.first) * UN_BLOCK;
}

/* V and D of a unit for some tiles; adds them up for the biases. */
static void transform(const struct pass *p, const struct scratch *s, const struct unit *u, int t,
                      int tiles, float *bias)
{
    const ptrdiff_t step = RUN_TILES * UN_BLOCK;
    for (int b = u->in.first; b < u->in.end; b++) {
        struct un_channels in = un_channels_of(p->all.in[0], p->all.in[1], b);
        un_tiles_source(p->all.k, &p->all.tiles, &p->all.src[in.source], in.block, t, tiles,
                        &s->patch, s->v + (b - u->in.first) * step, apart(UNIT_BLOCKS));
    }
    for (int b = u->out.first; b < u->out.end; b++) {
        float *d = s->d + (b - u->out.first) * step;
        un_tiles_gradient(p->all.k, &p->all.tiles, &p->all.ddst, b, t, tiles, &s->patch, d,
                          apart(UNIT_BLOCKS),
                          u->in.first == 0 ? bias + (b - u->out.first) * UN_BLOCK : NULL);
    }
}

/* One frequency of block c of the inputs by the outputs from block k on. */
static void multiply(const struct pass *p, const struct scratch *s, int f, int c, int k, int blocks,
                     int tiles, bool fresh, float *sum)
{
    const ptrdiff_t at = f * apart(UNIT_BLOCKS), step = RUN_TILES * UN_BLOCK;
    const struct un_outer o = {.a = s->v + at + c * step,
                               .a_step = UN_BLOCK,
                               .b = s->d + at + k * step,
                               .b_step = UN_BLOCK,
                               .b_block = step,
                               .pixels = tiles,
                               .rows = UN_BLOCK,
                               .taps = 1,
                               .fresh = fresh,
                               .sum = sum};
    p->all.k->outer(&o, blocks);
}

/* The sums of a unit over tiles first .. end - 1. */
static void sum_tiles(const struct pass *p, const struct scratch *s, const struct unit *u,
                      int first, int end)
{
    const int runs = un_ceil_div(end - first, RUN_TILES);
    const int ins = u->in.end - u->in.first, outs = u->out.end - u->out.first;
    memset(u->bias, 0, bias_bytes(u));
    for (int r = 0; r < runs; r++) {
        int t = first + un_piece(end - first, runs, r);
        int tiles = first + un_piece(end - first, runs, r + 1) - t;
        transform(p, s, u, t, tiles, u->bias);
        float *sum = u->sum;
        for (int f = 0; f < UN_FREQUENCIES; f++)
            for (int k = 0; k < outs; k += p->all.k->blocks) {
                const int blocks = un_min(p->all.k->blocks, outs - k);
                for (int c = 0; c < ins; c++, sum += blocks * UN_BLOCK * UN_BLOCK)
                    multiply(p, s, f, c, k, blocks, tiles, r == 0, sum);
            }
    }
}

void un_weights_back(const struct un_weights *p, const float *sum, ptrdiff_t by_frequency,
                     int blocks, float *dg)
{
    const int lanes = blocks * UN_BLOCK;
    for (int c = 0; c < UN_BLOCK; c++)
        p->k->winograd_weights_back(sum + c * lanes, by_frequency, lanes, dg + c * 9 * lanes);
}

/* The dg of a unit for one image of few tiles: [group of outputs][block of inputs][16][9][group],
 * and the biases. */
static void make_dg(const struct pass *p, const struct scratch *s, const struct unit *u, int image,
                    float *dg)
{
    const int ins = u->in.end - u->in.first, outs = u->out.end - u->out.first;
    float *bias = dg + 9 * frequency_floats(u);
    memset(bias, 0, bias_bytes(u));
    transform(p, s, u, image * p->all.image_tiles, p->all.image_tiles, bias);
    for (int k = 0; k < outs; k += p->all.k->blocks) {
        const int blocks = un_min(p->all.k->blocks, outs - k),
                  floats = blocks * UN_BLOCK * UN_BLOCK;
        for (int c = 0; c < ins; c++, dg += 9 * floats) {
            for (int f = 0; f < UN_FREQUENCIES; f++)
                multiply(p, s, f, c, k, blocks, p->all.image_tiles, true, s->sum + f * floats);
            un_weights_back(&p->all, s->sum, floats, blocks, dg);
        }
    }
}

/* The same from a unit's sums over all tiles. */
static void take_dg(const struct pass *p, const struct unit *u, float *dg)
{
    const int ins = u->in.end - u->in.first, outs = u->out.end - u->out.first;
    const float *sum = u->sum;
    memcpy(dg + 9 * frequency_floats(u), u->bias, bias_bytes(u));
    for (int k = 0; k < outs; k += p->all.k->blocks) {
        const int blocks = un_min(p->all.k->blocks, outs - k),
                  floats = blocks * UN_BLOCK * UN_BLOCK;
        for (int c = 0; c < ins; c++, sum += floats, dg += 9 * floats)
            un_weights_back(&p->all, sum, frequency_floats(u), blocks, dg);
    }
}

void un_weights_write(const struct un_weights *p, const float *dg, int in_block, int out_block,
                      int blocks, float *dweight)
{
    const struct un_channels in = un_channels_of(p->in[0], p->in[1], in_block);
    const int lanes = blocks * UN_BLOCK, first = out_block * UN_BLOCK;
    const int outs = un_min(lanes, p->ddst.shape.c - first);
    const ptrdiff_t by_out = (ptrdiff_t)(p->in[0] + p->in[1]) * 9;
    p->k->transpose(dg, lanes, in.count * 9, outs, dweight + first * by_out + in.first * 9, by_out);
}

static void write_unit(const struct pass *p, const struct unit *u, const float *dg, float *dweight,
                       float *dbias)
{
    const int ins = u->in.end - u->in.first;
    const float *bias = dg + 9 * frequency_floats(u);
    for (int k = u->out.first; k < u->out.end; k += p->all.k->blocks) {
        int blocks = un_min(p->all.k->blocks, u->out.end - k);
        for (int c = 0; c < ins; c++, dg += blocks * UN_BLOCK * UN_BLOCK * 9)
            un_weights_write(&p->all, dg, u->in.first + c, k, blocks, dweight);
    }
    if (dbias && u->in.first == 0) {
        int first = u->out.first * UN_BLOCK;
        int count = un_min(u->out.end * UN_BLOCK, p->all.ddst.shape.c) - first;
        memcpy(dbias + first, bias, (size_t)count * sizeof *dbias);
    }
}

/* Adds up a part of the sums of all bands of a unit, in order. */
static void add_bands(const struct pass *p, float *first, int part)
{
    const size_t from = p->sum_floats * (size_t)part / ADD_PARTS;
    const size_t end = p->sum_floats * (size_t)(part + 1) / ADD_PARTS;
    for (int band = 1; band < p->bands; band++) {
        const float *other = first + (size_t)band * p->sum_floats;
        for (size_t i = from; i < end; i++)
            first[i] += other[i];
    }
}

/* What the tasks share. */
struct job {
    struct pass pass;
    /* the sums of all bands of an image, and of images; the scratch of all threads */
    float *bands, *images, *memory;
    float *dweight, *dbias;
    struct un_tree tree; /* of the images before this one */
    int image;
};

/* A unit for all images. */
static void unit_task(void *context, int task, int thread)
{
    const struct job *job = context;
    const struct pass *p = &job->pass;
    const struct scratch s = scratch_at(p, job->memory, thread);
    const struct unit u = make_unit(p, task, s.sum);
    struct un_tree tree = job->tree;
    for (int i = 0; i < p->all.images; i++) {
        float *dg = s.dg + (size_t)tree.count * dg_floats(&u);
        if (p->all.image_tiles <= RUN_TILES) {
            make_dg(p, &s, &u, i, dg);
        } else {
            sum_tiles(p, &s, &u, i * p->all.image_tiles, (i + 1) * p->all.image_tiles);
            take_dg(p, &u, dg);
        }
        un_image_fold(&tree, i, s.dg, dg_floats(&u));
    }
    write_unit(p, &u, s.dg, job->dweight, job->dbias);
}

/* A band of a unit for one image. */
static void band_task(void *context, int task, int thread)
{
    const struct job *job = context;
    const struct pass *p = &job->pass;
    const struct scratch s = scratch_at(p, job->memory, thread);
    const int band = task % p->bands, count = p->all.image_tiles, before = job->image * count;
    const struct unit u = make_unit(p, task / p->bands, job->bands + (size_t)task * p->sum_floats);
    sum_tiles(p, &s, &u, before + un_piece(count, p->bands, band),
              before + un_piece(count, p->bands, band + 1));
}

/* Adds up a part of a unit's bands. */
static void add_task(void *context, int task, int thread)
{
    const struct job *job = context;
    const struct pass *p = &job->pass;
    (void)thread;
    add_bands(p, job->bands + (size_t)(task / ADD_PARTS * p->bands) * p->sum_floats,
              task % ADD_PARTS);
}

/* A unit whose sums over one image are there. */
static void fold_task(void *context, int i, int thread)
{
    const struct job *job = context;
    const struct pass *p = &job->pass;
    const struct unit u = make_unit(p, i, job->bands + (size_t)(i * p->bands) * p->sum_floats);
    float *dg = job->images + (size_t)(i * p->all.rooms) * p->dg_floats;
    struct un_tree tree = job->tree;
    (void)thread;
    take_dg(p, &u, dg + (size_t)tree.count * dg_floats(&u));
    un_image_fold(&tree, job->image, dg, dg_floats(&u));
    if (job->image == p->all.images - 1)
        write_unit(p, &u, dg, job->dweight, job->dbias);
}

void un_winograd_backward_weights(struct un_engine *e, const struct un_conv *c,
                                  struct un_tensor ddst, float *dweight, float *dbias)
{
    struct job job = {
        .pass = make_pass(e, c), .bands = e->workspace, .dweight = dweight, .dbias = dbias};
    struct pass *p = &job.pass;
    const int units = p->in_units * p->out_units;
    p->all.ddst = ddst;
    if (p->all.image_tiles <= shared_tiles(p)) {
        un_weights_shared(e, &p->all, dweight, dbias);
        return;
    }
    job.tree.total = p->all.images;
    job.images = job.bands + band_floats(p);
    job.memory = job.images + image_floats(p);
    if (p->bands == 1)
        un_pool_run(e->pool, units, unit_task, &job);
    for (; p->bands > 1 && job.image < p->all.images; job.image++) {
        un_pool_run(e->pool, units * p->bands, band_task, &job);
        un_pool_run(e->pool, units * ADD_PARTS, add_task, &job);
        un_pool_run(e->pool, units, fold_task, &job);
        un_image_push(&job.tree, job.image);
    }
}

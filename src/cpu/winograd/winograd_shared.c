/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_shared.c - the gradient of weights where units of channels are few
 *
 * A level of a small network has one unit, or four, and too few tiles for bands: one thread would
 * do all of it.  Here all threads first make V and D of an image, or of as many of its tiles as fit
 * (a wave), and then share the products:
 *
 *     V, D  [frequency][block][tile][16]        a task is one block for some tiles
 *     dU    [pair][frequency][16][group]        a pair is a block of inputs and a group of outputs,
 *                                               a task a pair for some frequencies
 *     dg    [pair][16][9][group], biases        a task is a pair
 *
 * Each sum is one task's, in the order of the tiles, so the cut has no say in it.
 */
#include <string.h>

#include "cpu/winograd/winograd_weights.h"

enum {
    TASKS = 64,           /* wanted */
    MANY_UNITS = 32,      /* are tasks enough */
    MANY_BANDS = 16,      /* of all units, too */
    BAND_TILES = 96,      /* of a band of the other way */
    WAVE_BYTES = 4 << 20, /* of V and D */
    TRANSFORM_TILES = 24, /* of a task, at most */
};

/* How the work is cut. */
struct cut {
    int groups, pairs; /* of outputs; of a block of inputs and a group */
    int chunks;        /* of the frequencies of a pair */
    int runs, waves;   /* of the tiles whose V or D a task makes; of these */
    int room;          /* tiles of a wave, at most */
};

/* Bytes of V and D for one tile. */
static int tile_bytes(const struct un_weights *p)
{
    return UN_FREQUENCIES * (p->in_blocks + p->out_blocks) * UN_BLOCK * (int)sizeof(float);
}

static struct cut cut_of(const struct un_weights *p)
{
    static const int chunks[] = {1, 2, 3, 4, 6, 9, 12, 18, 36};
    struct cut c = {.groups = un_ceil_div(p->out_blocks, p->k->blocks),
                    .runs = un_ceil_div(p->image_tiles, TRANSFORM_TILES)};
    int i = 0;
    c.pairs = p->in_blocks * c.groups;
    while (chunks[i] < UN_FREQUENCIES && chunks[i] * c.pairs < TASKS)
        i++;
    c.chunks = chunks[i];
    c.room = un_min(p->image_tiles, un_max(WAVE_BYTES / tile_bytes(p), TRANSFORM_TILES));
    c.waves = 1;
    if (c.room < p->image_tiles)
        c.waves = un_ceil_div(c.runs, c.room / un_ceil_div(p->image_tiles, c.runs));
    return c;
}

/* Where a run begins; that behind the last: how many tiles there are. */
static int run_first(const struct un_weights *p, const struct cut *c, int run)
{
    return un_piece(p->image_tiles, c->runs, run);
}

/* What the tasks share. */
struct job {
    const struct un_weights *pass;
    struct cut cut;
    float *v, *d;
    float *sums;   /* dU of all pairs; when a task makes all of it: of a thread's pair */
    float *biases; /* [run][block of outputs][16] */
    float *dg;     /* [pair][rooms] */
    float *patches;
    float *dweight, *dbias;
    struct un_tree tree; /* of the images before this one */
    int image, wave;
};

static ptrdiff_t apart(const struct cut *c, int blocks)
{
    return (ptrdiff_t)((blocks * c->room) | 1) * UN_BLOCK;
}

/* Whether dU of a pair is made by one task, which goes on with it. */
static bool at_once(const struct cut *c)
{
    return c->chunks == 1 && c->waves == 1;
}

static int lanes(const struct un_weights *p)
{
    return p->k->blocks * UN_BLOCK;
}

static size_t sum_floats(const struct un_weights *p)
{
    return (size_t)(UN_FREQUENCIES * UN_BLOCK * lanes(p));
}

static size_t dg_floats(const struct un_weights *p)
{
    return (size_t)((9 * UN_BLOCK + 1) * lanes(p));
}

/* Where the arrays begin, in floats, and where the last one ends, for so many threads. */
struct places {
    size_t d, sums, biases, dg, patches, end;
};

static struct places places_of(const struct un_weights *p, const struct cut *c, int threads)
{
    const size_t pairs = (size_t)c->pairs;
    /* more tiles never take less memory */
    const int sums = at_once(c) ? threads : un_max(c->pairs, threads);
    struct places at = {.d = (size_t)(UN_FREQUENCIES * apart(c, p->in_blocks))};
    at.sums = at.d + (size_t)(UN_FREQUENCIES * apart(c, p->out_blocks));
    at.biases = at.sums + (size_t)sums * sum_floats(p);
    at.dg = at.biases + (size_t)(c->runs * p->out_blocks * UN_BLOCK);
    at.patches = at.dg + pairs * (size_t)p->rooms * dg_floats(p);
    at.end = at.patches + (size_t)threads * UN_PATCH_FLOATS;
    return at;
}

int un_weights_shared_tiles(int units)
{
    return units < MANY_UNITS ? BAND_TILES * un_ceil_div(MANY_BANDS, units) - 1 : 0;
}

size_t un_weights_shared_floats(const struct un_engine *e, const struct un_weights *p)
{
    const struct cut c = cut_of(p);
    return places_of(p, &c, e->threads).end;
}

int un_weights_shared_tasks(const struct un_weights *p)
{
    const struct cut c = cut_of(p);
    return c.pairs * c.chunks;
}

/* V of a block of inputs, or D of one of outputs, for a run of the wave's tiles. */
static void transform_task(void *context, int task, int thread)
{
    const struct job *job = context;
    const struct un_weights *p = job->pass;
    const struct cut *c = &job->cut;
    const struct un_patch patch = un_patch_at(job->patches + (ptrdiff_t)thread * UN_PATCH_FLOATS);
    const int blocks = p->in_blocks + p->out_blocks, first = un_piece(c->runs, c->waves, job->wave);
    const int run = first + task / blocks, tile = run_first(p, c, run);
    const int count = run_first(p, c, run + 1) - tile, at = tile - run_first(p, c, first);
    const int number = job->image * p->image_tiles + tile;
    int block = task % blocks;
    if (block < p->in_blocks) {
        const struct un_channels in = un_channels_of(p->in[0], p->in[1], block);
        un_tiles_source(p->k, &p->tiles, &p->src[in.source], in.block, number, count, &patch,
                        job->v + (ptrdiff_t)(block * c->room + at) * UN_BLOCK,
                        apart(c, p->in_blocks));
        return;
    }
    block -= p->in_blocks;
    float *bias = job->biases + (ptrdiff_t)(run * p->out_blocks + block) * UN_BLOCK;
    memset(bias, 0, UN_BLOCK * sizeof *bias);
    un_tiles_gradient(p->k, &p->tiles, &p->ddst, block, number, count, &patch,
                      job->d + (ptrdiff_t)(block * c->room + at) * UN_BLOCK,
                      apart(c, p->out_blocks), bias);
}

/* Adds the wave's tiles to dU of a pair, for frequencies first .. end - 1. */
static void multiply(const struct job *job, int pair, int first, int end, float *sum)
{
    const struct un_weights *p = job->pass;
    const struct cut *c = &job->cut;
    const int k = pair % c->groups * p->k->blocks, in = pair / c->groups;
    const int blocks = un_min(p->k->blocks, p->out_blocks - k);
    const int tiles = run_first(p, c, un_piece(c->runs, c->waves, job->wave + 1)) -
                      run_first(p, c, un_piece(c->runs, c->waves, job->wave));
    const int runs = un_ceil_div(tiles, UN_RUN_TILES);
    for (int f = first; f < end; f++)
        for (int r = 0; r < runs; r++) {
            const int t = un_piece(tiles, runs, r);
            const struct un_outer o = {
                .a = job->v + f * apart(c, p->in_blocks) + (ptrdiff_t)(in * c->room + t) * UN_BLOCK,
                .a_step = UN_BLOCK,
                .b = job->d + f * apart(c, p->out_blocks) + (ptrdiff_t)(k * c->room + t) * UN_BLOCK,
                .b_step = UN_BLOCK,
                .b_block = (ptrdiff_t)c->room * UN_BLOCK,
                .pixels = un_piece(tiles, runs, r + 1) - t,
                .rows = UN_BLOCK,
                .taps = 1,
                .fresh = job->wave == 0 && r == 0,
                .sum = sum + f * blocks * UN_BLOCK * UN_BLOCK};
            p->k->outer(&o, blocks);
        }
}

static void multiply_task(void *context, int task, int thread)
{
    const struct job *job = context;
    const int pair = task / job->cut.chunks, chunk = task % job->cut.chunks;
    (void)thread;
    multiply(job, pair, un_piece(UN_FREQUENCIES, job->cut.chunks, chunk),
             un_piece(UN_FREQUENCIES, job->cut.chunks, chunk + 1),
             job->sums + (size_t)pair * sum_floats(job->pass));
}

/* The biases of a group of outputs, for this image. */
static void sum_biases(const struct job *job, int out_block, int blocks, float *bias)
{
    const struct un_weights *p = job->pass;
    memset(bias, 0, (size_t)(blocks * UN_BLOCK) * sizeof *bias);
    for (int run = 0; run < job->cut.runs; run++) {
        const float *from = job->biases + (ptrdiff_t)(run * p->out_blocks + out_block) * UN_BLOCK;
        for (int i = 0; i < blocks * UN_BLOCK; i++)
            bias[i] += from[i];
    }
}

/* A pair whose dU of this image is there, or is made here. */
static void pair_task(void *context, int pair, int thread)
{
    const struct job *job = context;
    const struct un_weights *p = job->pass;
    const int k = pair % job->cut.groups * p->k->blocks, c = pair / job->cut.groups;
    const int blocks = un_min(p->k->blocks, p->out_blocks - k),
              floats = blocks * UN_BLOCK * UN_BLOCK;
    const bool made = !at_once(&job->cut);
    float *sum = job->sums + (size_t)(made ? pair : thread) * sum_floats(p);
    float *slots = job->dg + (size_t)(pair * p->rooms) * dg_floats(p);
    struct un_tree tree = job->tree;
    float *dg = slots + (size_t)tree.count * dg_floats(p);
    if (!made)
        multiply(job, pair, 0, UN_FREQUENCIES, sum);
    un_weights_back(p, sum, floats, blocks, dg);
    sum_biases(job, k, blocks, dg + 9 * floats);
    un_image_fold(&tree, job->image, slots, dg_floats(p));
    if (job->image < p->images - 1)
        return;
    un_weights_write(p, slots, c, k, blocks, job->dweight);
    if (job->dbias && c == 0) {
        const int first = k * UN_BLOCK, count = un_min(blocks * UN_BLOCK, p->ddst.shape.c - first);
        memcpy(job->dbias + first, slots + 9 * floats, (size_t)count * sizeof(float));
    }
}

void un_weights_shared(struct un_engine *e, const struct un_weights *p, float *dweight,
                       float *dbias)
{
    const struct cut cut = cut_of(p);
    const struct places at = places_of(p, &cut, e->threads);
    float *memory = e->workspace;
    struct job job = {.pass = p,
                      .cut = cut,
                      .v = memory,
                      .d = memory + at.d,
                      .sums = memory + at.sums,
                      .biases = memory + at.biases,
                      .dg = memory + at.dg,
                      .patches = memory + at.patches,
                      .dweight = dweight,
                      .dbias = dbias,
                      .tree = {.total = p->images}};
    for (; job.image < p->images; job.image++) {
        for (job.wave = 0; job.wave < cut.waves; job.wave++) {
            const int runs = un_piece(cut.runs, cut.waves, job.wave + 1) -
                             un_piece(cut.runs, cut.waves, job.wave);
            un_pool_run(e->pool, runs * (p->in_blocks + p->out_blocks), transform_task, &job);
            if (!at_once(&cut))
                un_pool_run(e->pool, cut.pairs * cut.chunks, multiply_task, &job);
        }
        job.wave = 0;
        un_pool_run(e->pool, cut.pairs, pair_task, &job);
        un_image_push(&job.tree, job.image);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_gather.c - runs a plan: every convolution, forward and back to its data
 *
 * A row of the frame is cut into tiles of nearly equal size.  For each tile list_segments() writes
 * down where each (source, block, tap) begins: in place where the window lies inside the map, else
 * in a small copy with zeros around it.
 *
 * Tasks are (chunk of groups whose weights fit the second-level cache, or fewer, where there are
 * few rows) x (band of rows).
 */
#include <string.h>

#include "cpu/conv/conv_plan.h"

enum { CHUNK_BYTES = 512 << 10, TASKS = 256, FEW_TASKS = 24, BAND_ROWS = 4 };

/* What a task needs to know; the same for all tasks of a pass. */
struct job {
    const struct un_conv_plan *plan;
    const struct un_kernels *k;
    const float *weight, *bias; /* packed; bias NULL: backward */
    struct un_activation act;
    struct un_finish finish;
    struct un_tensor dst, y;
    int groups, chunks, bands;
    struct un_range rows, columns; /* of the frame that the window reaches */
    char *memory;                  /* the scratch of all threads */
};

/* A thread's own memory. */
struct scratch {
    const float **segment; /* [segments] */
    const float **chosen;  /* [segments]: those that a copy has weights for */
    float *zeros;          /* a window row of zeros */
    float *out;            /* [blocks][tile][16] for a result in UN_PIXELS */
    float *patch;          /* [source][block][tap row][span][pixel] */
};

/* source pixels that a row of a tile's window spans */
static int span(const struct un_conv_plan *p, int pixels)
{
    return (pixels - 1) * p->step + p->taps;
}

static size_t scratch_bytes(const struct un_conv_plan *p, const struct un_kernels *k)
{
    size_t pixel = (size_t)un_max(un_pixel(&p->src[0].tensor), UN_BLOCK);
    size_t row = un_round_up((size_t)span(p, k->tile) * pixel * sizeof(float), UN_ALIGN);
    size_t rows = (size_t)(p->src[0].tensor.layout == UN_PIXELS ? p->taps : p->segments / p->taps);
    size_t list = un_round_up((size_t)p->segments * sizeof(float *), UN_ALIGN);
    size_t out = (size_t)(k->tile * k->blocks * UN_BLOCK) * sizeof(float);
    return 2 * list + row + out + rows * row;
}

static struct scratch scratch_at(const struct un_conv_plan *p, const struct un_kernels *k, char *at)
{
    size_t pixel = (size_t)un_max(un_pixel(&p->src[0].tensor), UN_BLOCK);
    size_t row = un_round_up((size_t)span(p, k->tile) * pixel * sizeof(float), UN_ALIGN);
    const size_t list = un_round_up((size_t)p->segments * sizeof(float *), UN_ALIGN);
    struct scratch s = {.segment = (const float **)at, .chosen = (const float **)(at + list)};
    at += 2 * list;
    s.zeros = (float *)at;
    memset(s.zeros, 0, row);
    at += row;
    s.out = (float *)at;
    s.patch = s.out + k->tile * k->blocks * UN_BLOCK;
    return s;
}

/* The pixels x .. x + count - 1 of a row; *patch is used when they are not all in the map. */
static const float *window_row(const struct un_tensor *t, int n, int b, int row, int x, int count,
                               const struct scratch *s, float **patch)
{
    if (row < 0 || row >= t->shape.h)
        return s->zeros;
    if (x >= 0 && x + count <= t->shape.w)
        return un_row(t, n, b, row) + (ptrdiff_t)x * un_pixel(t);
    float *copy = *patch;
    un_copy_padded(t, n, b, row, x, count, copy);
    *patch += (ptrdiff_t)count * un_pixel(t);
    return copy;
}

static void list_segments(const struct un_conv_plan *p, int n, int y, int x, int pixels,
                          struct scratch *s)
{
    const float **segment = s->segment;
    float *patch = s->patch;
    for (int i = 0; i < p->sources; i++) {
        const struct un_operand *src = &p->src[i];
        const struct un_tensor *t = &src->tensor;
        int blocks = t->layout == UN_PIXELS ? 1 : un_blocks(t->shape.c);
        int row = y * p->step + src->top, column = x * p->step + src->left;
        for (int b = 0; b < blocks; b++)
            for (int tap = 0; tap < p->taps; tap++) {
                const float *at =
                    window_row(t, n, b, row + tap, column, span(p, pixels), s, &patch);
                if (t->layout == UN_PIXELS) /* the taps of a row are neighbours: one segment */
                    *segment++ = at;
                else
                    for (int j = 0; j < p->taps; j++)
                        *segment++ = at + j * UN_BLOCK;
            }
    }
}

/* The segments of a copy. */
static const float *const *choose(const struct un_conv_plan *p, const struct scratch *s, int copy)
{
    const int taps = p->taps * p->taps;
    int count = 0;
    if (p->used[copy] == p->segments)
        return s->segment;
    for (int i = 0; i < p->segments; i++)
        if (p->at[copy][i % taps] != UN_NO_TAP)
            s->chosen[count++] = s->segment[i];
    return s->chosen;
}

/* A tile that was made in s->out goes to its place in a tensor of pixels. */
static void spread(const struct job *job, const struct scratch *s, int n, int y, int x, int pixels,
                   int channel, int channels)
{
    const ptrdiff_t pixel = job->dst.shape.c, block = job->k->tile * UN_BLOCK;
    const float *values = job->y.data && !job->bias ? un_row(&job->y, n, 0, y) : NULL;
    for (int i = 0; i < pixels; i++)
        for (int c = 0; c < channels; c++) {
            float v = s->out[c / UN_BLOCK * block + i * UN_BLOCK + c % UN_BLOCK];
            ptrdiff_t at = (x + i) * pixel + channel + c;
            float *to = un_row(&job->dst, n, 0, y) + at;
            *to = job->bias ? v : un_finish_one(v, *to, values ? values + at : NULL, job->finish);
        }
}

/* One tile for the output groups of units first .. end - 1 (unit = copy * groups + group). */
static void run_tile(const struct job *job, struct scratch *s, int n, int y, int x, int pixels,
                     int first, int end)
{
    const struct un_conv_plan *p = job->plan;
    const int all = un_blocks(p->frame.c), scale = p->copies == 4 ? 2 : 1;
    const bool direct = job->dst.layout == UN_FEATURES;
    list_segments(p, n, y, x, pixels, s);
    struct un_gather g = {.depth = p->depth,
                          .src_step = (ptrdiff_t)p->step * un_pixel(&p->src[0].tensor),
                          .dst_step = direct ? scale * UN_BLOCK : UN_BLOCK,
                          .dst_block = direct ? un_plane(&job->dst) : job->k->tile * UN_BLOCK,
                          .act = job->act};
    for (int unit = first; unit < end; unit++) {
        int copy = unit / job->groups, block = unit % job->groups * job->k->blocks;
        int blocks = un_min(job->k->blocks, all - block);
        if (unit == first || block == 0)
            g.segment = choose(p, s, copy);
        g.segments = p->used[copy];
        g.weight = job->weight + un_plan_packed_at(p, copy, block);
        g.bias = job->bias ? job->bias + block * UN_BLOCK : NULL;
        if (!direct) {
            g.dst = s->out;
            job->k->gather(&g, pixels, blocks);
            spread(job, s, n, y, x, pixels, block * UN_BLOCK,
                   un_min(blocks * UN_BLOCK, p->frame.c - block * UN_BLOCK));
            continue;
        }
        const int row = y * scale + copy / 2, column = x * scale + copy % 2;
        const ptrdiff_t at = (ptrdiff_t)column * UN_BLOCK;
        /* of a gradient's 2x2 pixels the last ones may lie beyond a map of an odd side */
        const int inside =
            row < job->dst.shape.h ? un_ceil_div(job->dst.shape.w - column, scale) : 0;
        if (inside < 1)
            continue;
        g.dst = un_row(&job->dst, n, block, row) + at;
        g.finish = job->finish;
        if (!g.bias && job->finish.act.kind != UN_ACT_NONE)
            g.y = un_row(&job->y, n, block, row) + at;
        job->k->gather(&g, un_min(pixels, inside), blocks);
    }
}

/* Pixels x .. end - 1 of row y that no window reaches: there the sum is zero. */
static void run_beside(const struct job *job, int n, int y, int x, int end, int first_block,
                       int end_block)
{
    const bool values = job->finish.act.kind != UN_ACT_NONE;
    const ptrdiff_t at = (ptrdiff_t)x * UN_BLOCK;
    for (int b = first_block; b < end_block && x < end; b++)
        job->k->finish_row(un_row(&job->dst, n, b, y) + at,
                           values ? un_row(&job->y, n, b, y) + at : NULL, job->finish, end - x);
}

static void run_row(const struct job *job, struct scratch *s, int n, int y, int first, int end)
{
    const struct un_conv_plan *p = job->plan;
    const bool reached = y >= job->rows.first && y < job->rows.end;
    const int x0 = reached ? job->columns.first : 0, x1 = reached ? job->columns.end : 0;
    const int tiles = un_ceil_div(x1 - x0, job->k->tile);
    for (int t = 0; t < tiles; t++) {
        int x = x0 + un_piece(x1 - x0, tiles, t);
        run_tile(job, s, n, y, x, x0 + un_piece(x1 - x0, tiles, t + 1) - x, first, end);
    }
    int block = first * job->k->blocks,
        blocks = un_min(end * job->k->blocks, un_blocks(p->frame.c));
    if (x0 > 0 || x1 < p->frame.w) {
        run_beside(job, n, y, 0, x0, block, blocks);
        run_beside(job, n, y, x1, p->frame.w, block, blocks);
    }
}

static void run_task(void *context, int task, int thread)
{
    const struct job *job = context;
    const struct un_conv_plan *p = job->plan;
    struct scratch s =
        scratch_at(p, job->k, job->memory + scratch_bytes(p, job->k) * (size_t)thread);
    const int units = p->copies * job->groups, rows = p->frame.n * p->frame.h;
    const int chunk = task / job->bands, band = task % job->bands;
    const int first = un_piece(units, job->chunks, chunk);
    const int end = un_piece(units, job->chunks, chunk + 1);
    for (int row = un_piece(rows, job->bands, band); row < un_piece(rows, job->bands, band + 1);
         row++)
        run_row(job, &s, row / p->frame.h, row % p->frame.h, first, end);
}

/* Where along one axis of a gradient the window touches the map at all; forward it is all of it. */
static struct un_range reach(const struct job *job, int offset, int size, int frame)
{
    const struct un_conv_plan *p = job->plan;
    if (job->bias || job->dst.layout == UN_PIXELS || p->step > 1 || p->copies > 1)
        return (struct un_range){0, frame};
    int first = un_min(un_max(-offset - (p->taps - 1), 0), frame);
    return (struct un_range){first, un_max(un_min(size - offset, frame), first)};
}

static void run(struct un_engine *e, struct job *job)
{
    const struct un_conv_plan *p = job->plan;
    const int blocks = job->k->blocks, rows = p->frame.n * p->frame.h;
    size_t unit_bytes =
        (size_t)p->segments * (size_t)p->depth * (size_t)(blocks * UN_BLOCK) * sizeof(float);
    job->groups = un_ceil_div(un_blocks(p->frame.c), blocks);
    int units = p->copies * job->groups;
    int chunk = (int)(CHUNK_BYTES / unit_bytes);
    job->chunks = un_ceil_div(units, un_max(1, un_min(chunk, units)));
    job->chunks =
        un_max(job->chunks,
               un_min(units, un_ceil_div(FEW_TASKS, un_max(un_ceil_div(rows, BAND_ROWS), 1))));
    job->bands = un_min(un_ceil_div(TASKS, job->chunks),
                        un_ceil_div(rows, job->chunks < BAND_ROWS ? BAND_ROWS / job->chunks : 1));
    const struct un_operand *src = &p->src[0];
    job->rows = reach(job, src->top, src->tensor.shape.h, p->frame.h);
    job->columns = reach(job, src->left, src->tensor.shape.w, p->frame.w);
    job->memory = e->workspace;
    un_pool_run(e->pool, job->chunks * job->bands, run_task, job);
}

size_t un_direct_workspace(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    size_t most = 0;
    if (pass == UN_PASS_FORWARD) {
        struct un_conv_plan p = un_plan_forward(c);
        most = scratch_bytes(&p, un_cpu_kernels(e));
    } else {
        for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
            struct un_conv_plan p = un_plan_backward(c, s);
            size_t bytes = scratch_bytes(&p, un_cpu_kernels(e));
            most = bytes > most ? bytes : most;
        }
    }
    return most * (size_t)e->threads;
}

void un_direct_forward(struct un_engine *e, const struct un_conv *c)
{
    struct un_conv_plan p = un_plan_forward(c);
    const float *packed = c->packed[UN_PASS_FORWARD];
    struct job job = {.plan = &p,
                      .k = un_cpu_kernels(e),
                      .weight = packed,
                      .bias = packed + p.packed,
                      .act = c->act,
                      .dst = c->dst};
    run(e, &job);
}

void un_direct_backward_data(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                             const struct un_gradient dsrc[2])
{
    const float *packed = c->packed[UN_PASS_BACKWARD_DATA];
    for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
        struct un_conv_plan p = un_plan_backward(c, s);
        p.src[0].tensor.data = ddst.data;
        struct job job = {.plan = &p,
                          .k = un_cpu_kernels(e),
                          .weight = packed,
                          .finish = {dsrc[s].accumulate, dsrc[s].act},
                          .dst = dsrc[s].d,
                          .y = dsrc[s].y};
        run(e, &job);
        packed += p.packed;
    }
}

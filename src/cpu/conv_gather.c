/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_gather.c - every convolution, forward and back to its data, as one sum over a window
 *
 * Five of the six passes are "each pixel of a frame = sum over a small window of source pixels":
 *
 *   conv3x3 forward     window 3x3 of src; weights as they are
 *   conv3x3 backward    window 3x3 of ddst that begins 2 pixels earlier; taps mirrored, in <-> out
 *   conv1x1 both ways   window 1x1
 *   upconv forward      window 1x1, four times, once for each pixel of the 2x2 it makes
 *   upconv backward     window 2x2 of ddst, 2 pixels further for each pixel
 *
 * make_plan() states a pass that way.  The weights are packed in the order in which the kernel
 * reads them, [copy][group of output channels][source][block][tap][channel][group's channels].  A
 * row of the frame is cut into tiles of nearly equal size.  For each tile list_segments() writes
 * down where each (source, block, tap) begins: in place where the window lies inside the map, else
 * in a small copy with zeros around it.
 *
 * Tasks are (chunk of groups whose weights fit the second-level cache) x (band of rows).
 */
#include <string.h>

#include "cpu/engine_cpu.h"

enum { CHUNK_BYTES = 512 << 10, TASKS = 256, BAND_ROWS = 8 };

struct plan {
    struct un_source src[2];
    int sources;
    int taps, step;        /* window taps x taps; source pixels from one frame pixel to the next */
    int copies;            /* 4: the frame is made four times, for the 2x2 pixels of the result */
    struct un_shape frame; /* .c: output channels */
    /* weight of (out, in, tap, copy) = weight[base + out * by_out + in * by_in + ...] */
    ptrdiff_t base, by_out, by_in, by_tap, by_copy;
    /* derived */
    int segments, depth;
    size_t packed; /* floats of the packed weights without the biases */
};

struct range {
    int first, end;
};

/* What a task needs to know; the same for all tasks of a pass. */
struct job {
    const struct plan *plan;
    const struct un_kernels *k;
    const float *weight, *bias; /* packed; bias NULL: backward */
    struct un_activation act;
    struct un_finish finish;
    struct un_tensor dst, y;
    int groups, chunks, bands;
    struct range rows, columns; /* of the frame that the window reaches */
};

/* A thread's own memory. */
struct scratch {
    const float **segment; /* [segments] */
    float *zeros;          /* a window row of zeros */
    float *out;            /* [blocks][tile][16] for a result in UN_PIXELS */
    float *patch;          /* [source][block][tap row][span][pixel] */
};

static void set_strides(struct plan *p, const struct un_conv *c, bool forward)
{
    const ptrdiff_t in = c->src[0].tensor.shape.c + c->src[1].tensor.shape.c;
    const ptrdiff_t out = c->dst.shape.c;
    ptrdiff_t taps = c->kind == UN_CONV3X3 ? 9 : c->kind == UN_UPCONV2X2 ? 4 : 1;
    ptrdiff_t k = c->kind == UN_UPCONV2X2 ? taps : in * taps;  /* stride of the layer's outputs */
    ptrdiff_t i = c->kind == UN_UPCONV2X2 ? out * taps : taps; /* and of its inputs */
    p->by_out = forward ? k : i;
    p->by_in = forward ? i : k;
    p->by_tap = forward || c->kind == UN_UPCONV2X2 ? 1 : -1;
    p->by_copy = 1;
}

static void derive(struct plan *p)
{
    p->segments = 0;
    const struct un_tensor *first = &p->src[0].tensor;
    if (first->layout == UN_PIXELS) {
        p->segments = p->taps;
        p->depth = p->taps * first->shape.c;
    } else {
        for (int s = 0; s < p->sources; s++)
            p->segments += un_blocks(p->src[s].tensor.shape.c) * p->taps * p->taps;
        p->depth = p->sources == 1 ? un_min(first->shape.c, UN_BLOCK) : UN_BLOCK;
    }
    size_t outs = (size_t)un_blocks(p->frame.c) * UN_BLOCK;
    p->packed = (size_t)p->copies * (size_t)p->segments * (size_t)p->depth * outs;
}

static struct plan plan_forward(const struct un_conv *c)
{
    struct plan p = {.src = {c->src[0], c->src[1]},
                     .sources = c->src[1].tensor.shape.c ? 2 : 1,
                     .taps = c->kind == UN_CONV3X3 ? 3 : 1,
                     .step = 1,
                     .copies = c->kind == UN_UPCONV2X2 ? 4 : 1,
                     .frame = c->kind == UN_UPCONV2X2 ? c->src[0].tensor.shape : c->dst.shape};
    p.frame.c = c->dst.shape.c;
    set_strides(&p, c, true);
    derive(&p);
    return p;
}

static struct plan plan_backward(const struct un_conv *c, int source)
{
    const struct un_source *src = &c->src[source];
    int reach = c->kind == UN_CONV3X3 ? 2 : 0;
    struct plan p = {.src = {{c->dst, -src->top - reach, -src->left - reach}},
                     .sources = 1,
                     .taps = c->kind == UN_CONV3X3     ? 3
                             : c->kind == UN_UPCONV2X2 ? 2
                                                       : 1,
                     .step = c->kind == UN_UPCONV2X2 ? 2 : 1,
                     .copies = 1,
                     .frame = src->tensor.shape};
    set_strides(&p, c, false);
    p.base = source ? p.by_out * c->src[0].tensor.shape.c : 0;
    p.base += c->kind == UN_CONV3X3 ? 8 : 0;
    derive(&p);
    return p;
}

static size_t bias_floats(const struct plan *p)
{
    return un_round_up((size_t)p->frame.c, 2 * UN_BLOCK);
}

size_t un_cpu_pack_bytes(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    (void)e;
    size_t floats = 0;
    if (pass == UN_PASS_FORWARD) {
        struct plan p = plan_forward(c);
        floats = p.packed + bias_floats(&p);
    } else if (pass == UN_PASS_BACKWARD_DATA) {
        for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++)
            floats += plan_backward(c, s).packed;
    }
    return floats * sizeof(float);
}

/* One block of one source for one group: [tap][channel][width], read in the order of memory. */
static void pack_block(const struct plan *p, const float *weight, const float *scale, int channels,
                       int out0, int outs, int width, float *to)
{
    const int taps = p->taps * p->taps, pixels = p->src[0].tensor.layout == UN_PIXELS;
    const int tap_step = pixels ? channels : p->depth; /* rows of `to` from one tap to the next */
    const bool out_first = p->by_out > p->by_in;
    memset(to, 0, (size_t)taps * (size_t)tap_step * (size_t)width * sizeof *to);
    for (int a = 0; a < (out_first ? outs : channels); a++)
        for (int b = 0; b < (out_first ? channels : outs); b++) {
            int k = out_first ? a : b, c = out_first ? b : a;
            const float *from = weight + (out0 + k) * p->by_out + c * p->by_in;
            float factor = scale ? scale[out0 + k] : 1;
            for (int t = 0; t < taps; t++)
                to[((ptrdiff_t)t * tap_step + c) * width + k] = factor * from[t * p->by_tap];
        }
}

static void pack_group(const struct plan *p, const float *weight, const float *scale, int out0,
                       int width, float *to)
{
    int outs = un_min(width, p->frame.c - out0);
    for (int s = 0, in = 0; s < p->sources; s++) {
        const struct un_tensor *t = &p->src[s].tensor;
        int block = t->layout == UN_PIXELS ? t->shape.c : UN_BLOCK;
        for (int c = 0; c < t->shape.c; c += block) {
            int channels = un_min(block, t->shape.c - c);
            pack_block(p, weight + (in + c) * p->by_in, scale, channels, out0, outs, width, to);
            to += (ptrdiff_t)p->taps * p->taps * width *
                  (t->layout == UN_PIXELS ? channels : p->depth);
        }
        in += t->shape.c;
    }
}

static void pack(struct un_engine *e, const struct plan *p, const float *weight, const float *scale,
                 float *to)
{
    const int blocks = un_cpu_kernels(e)->blocks, all = un_blocks(p->frame.c);
    const int groups = un_ceil_div(all, blocks);
    const size_t sum = (size_t)p->segments * (size_t)p->depth;
#pragma omp parallel for schedule(dynamic) num_threads(e->threads)
    for (int unit = 0; unit < p->copies * groups; unit++) {
        int copy = unit / groups, block = unit % groups * blocks;
        int width = un_min(blocks, all - block) * UN_BLOCK;
        size_t at = sum * (size_t)(copy * all + block) * UN_BLOCK;
        pack_group(p, weight + p->base + copy * p->by_copy, scale, block * UN_BLOCK, width,
                   to + at);
    }
}

void un_cpu_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    float *to = c->packed[pass];
    if (pass == UN_PASS_BACKWARD_DATA) {
        for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
            struct plan p = plan_backward(c, s);
            pack(e, &p, c->weight, NULL, to);
            to += p.packed;
        }
        return;
    }
    struct plan p = plan_forward(c);
    pack(e, &p, c->weight, c->scale, to);
    float *bias = to + p.packed;
    const float *from = c->scale ? c->shift : c->bias;
    memset(bias, 0, bias_floats(&p) * sizeof *bias);
    if (from)
        memcpy(bias, from, (size_t)p.frame.c * sizeof *bias);
}

/* ---- running a plan ---------------------------------------------------------------------- */

/* source pixels that a row of a tile's window spans */
static int span(const struct plan *p, int pixels)
{
    return (pixels - 1) * p->step + p->taps;
}

static size_t scratch_bytes(const struct plan *p, const struct un_kernels *k)
{
    size_t pixel = (size_t)un_max(un_pixel(&p->src[0].tensor), UN_BLOCK);
    size_t row = un_round_up((size_t)span(p, k->tile) * pixel * sizeof(float), UN_ALIGN);
    size_t rows = (size_t)(p->src[0].tensor.layout == UN_PIXELS ? p->taps : p->segments / p->taps);
    size_t list = un_round_up((size_t)p->segments * sizeof(float *), UN_ALIGN);
    size_t out = (size_t)(k->tile * k->blocks * UN_BLOCK) * sizeof(float);
    return list + row + out + rows * row;
}

static struct scratch scratch_at(const struct plan *p, const struct un_kernels *k, char *at)
{
    size_t pixel = (size_t)un_max(un_pixel(&p->src[0].tensor), UN_BLOCK);
    size_t row = un_round_up((size_t)span(p, k->tile) * pixel * sizeof(float), UN_ALIGN);
    struct scratch s = {.segment = (const float **)at};
    at += un_round_up((size_t)p->segments * sizeof(float *), UN_ALIGN);
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

static void list_segments(const struct plan *p, int n, int y, int x, int pixels, struct scratch *s)
{
    const float **segment = s->segment;
    float *patch = s->patch;
    for (int i = 0; i < p->sources; i++) {
        const struct un_source *src = &p->src[i];
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
    const struct plan *p = job->plan;
    const int all = un_blocks(p->frame.c), scale = p->copies == 4 ? 2 : 1;
    const bool direct = job->dst.layout == UN_FEATURES;
    list_segments(p, n, y, x, pixels, s);
    struct un_gather g = {.segment = s->segment,
                          .segments = p->segments,
                          .depth = p->depth,
                          .src_step = (ptrdiff_t)p->step * un_pixel(&p->src[0].tensor),
                          .dst_step = direct ? scale * UN_BLOCK : UN_BLOCK,
                          .dst_block = direct ? un_plane(&job->dst) : job->k->tile * UN_BLOCK,
                          .act = job->act};
    for (int unit = first; unit < end; unit++) {
        int copy = unit / job->groups, block = unit % job->groups * job->k->blocks;
        int blocks = un_min(job->k->blocks, all - block);
        g.weight = job->weight +
                   (size_t)p->segments * (size_t)p->depth * (size_t)(copy * all + block) * UN_BLOCK;
        g.bias = job->bias ? job->bias + block * UN_BLOCK : NULL;
        if (!direct) {
            g.dst = s->out;
            job->k->gather(&g, pixels, blocks);
            spread(job, s, n, y, x, pixels, block * UN_BLOCK,
                   un_min(blocks * UN_BLOCK, p->frame.c - block * UN_BLOCK));
            continue;
        }
        ptrdiff_t at = (ptrdiff_t)(x * scale + copy % 2) * UN_BLOCK;
        g.dst = un_row(&job->dst, n, block, y * scale + copy / 2) + at;
        g.finish = job->finish;
        if (!g.bias && job->finish.act.kind != UN_ACT_NONE)
            g.y = un_row(&job->y, n, block, y) + at;
        job->k->gather(&g, pixels, blocks);
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
    const struct plan *p = job->plan;
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

static void run_task(const struct job *job, struct scratch *s, int task)
{
    const struct plan *p = job->plan;
    const int units = p->copies * job->groups, rows = p->frame.n * p->frame.h;
    const int chunk = task / job->bands, band = task % job->bands;
    const int first = un_piece(units, job->chunks, chunk);
    const int end = un_piece(units, job->chunks, chunk + 1);
    for (int row = un_piece(rows, job->bands, band); row < un_piece(rows, job->bands, band + 1);
         row++)
        run_row(job, s, row / p->frame.h, row % p->frame.h, first, end);
}

/* Where along one axis of a gradient the window touches the map at all; forward it is all of it. */
static struct range reach(const struct job *job, int offset, int size, int frame)
{
    const struct plan *p = job->plan;
    if (job->bias || job->dst.layout == UN_PIXELS || p->step > 1)
        return (struct range){0, frame};
    int first = un_min(un_max(-offset - (p->taps - 1), 0), frame);
    return (struct range){first, un_max(un_min(size - offset, frame), first)};
}

static void run(struct un_engine *e, struct job *job)
{
    const struct plan *p = job->plan;
    const int blocks = job->k->blocks, rows = p->frame.n * p->frame.h;
    const size_t bytes = scratch_bytes(p, job->k);
    size_t unit_bytes =
        (size_t)p->segments * (size_t)p->depth * (size_t)(blocks * UN_BLOCK) * sizeof(float);
    job->groups = un_ceil_div(un_blocks(p->frame.c), blocks);
    int units = p->copies * job->groups;
    int chunk = (int)(CHUNK_BYTES / unit_bytes);
    job->chunks = un_ceil_div(units, un_max(1, un_min(chunk, units)));
    job->bands = un_min(un_ceil_div(TASKS, job->chunks),
                        un_ceil_div(rows, job->chunks < BAND_ROWS ? BAND_ROWS / job->chunks : 1));
    const int tasks = job->chunks * job->bands;
    const struct un_source *src = &p->src[0];
    job->rows = reach(job, src->top, src->tensor.shape.h, p->frame.h);
    job->columns = reach(job, src->left, src->tensor.shape.w, p->frame.w);
#pragma omp parallel num_threads(e->threads)
    {
        struct scratch s = scratch_at(p, job->k, un_workspace(e, bytes));
#pragma omp for schedule(dynamic)
        for (int task = 0; task < tasks; task++)
            run_task(job, &s, task);
    }
}

size_t un_cpu_gather_workspace(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    size_t most = 0;
    if (pass == UN_PASS_FORWARD) {
        struct plan p = plan_forward(c);
        most = scratch_bytes(&p, un_cpu_kernels(e));
    } else {
        for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
            struct plan p = plan_backward(c, s);
            size_t bytes = scratch_bytes(&p, un_cpu_kernels(e));
            most = bytes > most ? bytes : most;
        }
    }
    return most * (size_t)e->threads;
}

void un_cpu_forward(struct un_engine *e, const struct un_conv *c)
{
    struct plan p = plan_forward(c);
    const float *packed = c->packed[UN_PASS_FORWARD];
    struct job job = {.plan = &p,
                      .k = un_cpu_kernels(e),
                      .weight = packed,
                      .bias = packed + p.packed,
                      .act = c->act,
                      .dst = c->dst};
    run(e, &job);
}

void un_cpu_backward_data(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                          int source, const struct un_gradient *dsrc)
{
    struct plan p = plan_backward(c, source);
    p.src[0].tensor.data = ddst.data;
    const float *packed = c->packed[UN_PASS_BACKWARD_DATA];
    struct job job = {.plan = &p,
                      .k = un_cpu_kernels(e),
                      .weight = source ? packed + plan_backward(c, 0).packed : packed,
                      .finish = {dsrc->accumulate, dsrc->act},
                      .dst = dsrc->d,
                      .y = dsrc->y};
    run(e, &job);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* maps.c - poolings, sums, doubling and dropout: each task is one row of one block of channels (of
 * dropout, one row) */
#include <string.h>

#include "base/rng.h"
#include "cpu/engine_cpu.h"

/* Task number i as image, block and row.  The blocks of a row are neighbours, as a convolution's
 * tasks go by rows, too: see base/pool.c. */
struct place {
    int n, block, y;
};

/* What the tasks of an operation share: those of its arguments that it has. */
struct maps {
    const struct un_kernels *k;
    struct un_tensor src, dst; /* dst: of a backward pass, its gradient */
    const struct un_gradient *dsrc;
    const struct un_operand *sources; /* [2], of a sum */
    struct un_activation act;
    int top, left;
    enum un_doubling how;
    int trim;
};

static struct place place_of(int i, const struct un_tensor *t, int rows)
{
    int blocks = un_blocks(t->shape.c);
    return (struct place){i / blocks / rows, i % blocks, i / blocks % rows};
}

static struct un_finish finish_of(const struct un_gradient *g)
{
    return (struct un_finish){g->accumulate, g->act};
}

/* Row y of the values that a gradient's activation made; NULL when it had none. */
static const float *value_row(const struct un_gradient *g, int n, int block, int y)
{
    return g->act.kind == UN_ACT_NONE ? NULL : un_row(&g->y, n, block, y);
}

/* How many tasks a map is, by rows of its blocks. */
static int rows_of(const struct un_tensor *t)
{
    return t->shape.n * un_blocks(t->shape.c) * t->shape.h;
}

static void maxpool_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct place at = place_of(i, &m->dst, m->dst.shape.h);
    const float *row = un_row(&m->src, at.n, at.block, 2 * at.y);
    (void)thread;
    m->k->maxpool_row(row, row + (ptrdiff_t)m->src.shape.w * UN_BLOCK,
                      un_row(&m->dst, at.n, at.block, at.y), m->dst.shape.w);
}

void un_cpu_maxpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    struct maps m = {.k = un_cpu_kernels(e), .src = src, .dst = dst};
    un_pool_run(e->pool, rows_of(&dst), maxpool_task, &m);
}

/* The windows of two rows, and what lies beside the last of them. */
static void maxpool_back_rows(const struct un_kernels *k, const struct un_tensor *src,
                              const struct un_tensor *ddst, const struct un_gradient *dsrc,
                              struct place at)
{
    const float *from[2], *y[2];
    float *d[2];
    const struct un_finish finish = finish_of(dsrc);
    const ptrdiff_t done = (ptrdiff_t)2 * ddst->shape.w * UN_BLOCK;
    for (int i = 0; i < 2; i++) {
        from[i] = un_row(src, at.n, at.block, 2 * at.y + i);
        d[i] = un_row(&dsrc->d, at.n, at.block, 2 * at.y + i);
        y[i] = value_row(dsrc, at.n, at.block, 2 * at.y + i);
    }
    k->maxpool_back_row(from, un_row(ddst, at.n, at.block, at.y), d, y, finish, ddst->shape.w);
    for (int i = 0; i < 2 && src->shape.w % 2; i++)
        k->finish_row(d[i] + done, y[i] ? y[i] + done : NULL, finish, 1);
}

static void maxpool_back_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct place at = place_of(i, &m->src, un_ceil_div(m->src.shape.h, 2));
    (void)thread;
    if (at.y < m->dst.shape.h)
        maxpool_back_rows(m->k, &m->src, &m->dst, m->dsrc, at);
    else
        m->k->finish_row(un_row(&m->dsrc->d, at.n, at.block, 2 * at.y),
                         value_row(m->dsrc, at.n, at.block, 2 * at.y), finish_of(m->dsrc),
                         m->src.shape.w);
}

void un_cpu_maxpool_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                             const struct un_gradient *dsrc)
{
    struct maps m = {.k = un_cpu_kernels(e), .src = src, .dst = ddst, .dsrc = dsrc};
    const int rows = un_ceil_div(src.shape.h, 2);
    un_pool_run(e->pool, src.shape.n * un_blocks(src.shape.c) * rows, maxpool_back_task, &m);
}

static void meanpool_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct place at = place_of(i, &m->dst, m->dst.shape.h);
    const float *row = un_row(&m->src, at.n, at.block, 2 * at.y);
    (void)thread;
    m->k->meanpool_row(row, row + (ptrdiff_t)m->src.shape.w * UN_BLOCK,
                       un_row(&m->dst, at.n, at.block, at.y), m->dst.shape.w);
}

void un_cpu_meanpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    struct maps m = {.k = un_cpu_kernels(e), .src = src, .dst = dst};
    un_pool_run(e->pool, rows_of(&dst), meanpool_task, &m);
}

static void meanpool_back_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct un_tensor *d = &m->dsrc->d;
    const struct place at = place_of(i, d, d->shape.h);
    const struct un_finish finish = finish_of(m->dsrc);
    float *row = un_row(d, at.n, at.block, at.y);
    const float *y = value_row(m->dsrc, at.n, at.block, at.y);
    const int reached = at.y / 2 < m->dst.shape.h ? m->dst.shape.w : 0;
    const ptrdiff_t done = (ptrdiff_t)2 * reached * UN_BLOCK;
    (void)thread;
    if (reached)
        m->k->meanpool_back_row(un_row(&m->dst, at.n, at.block, at.y / 2), row, y, finish, reached);
    m->k->finish_row(row + done, y ? y + done : NULL, finish, d->shape.w - 2 * reached);
}

void un_cpu_meanpool_backward(struct un_engine *e, struct un_tensor ddst,
                              const struct un_gradient *dsrc)
{
    struct maps m = {.k = un_cpu_kernels(e), .dst = ddst, .dsrc = dsrc};
    un_pool_run(e->pool, rows_of(&dsrc->d), meanpool_back_task, &m);
}

/* The rows of a map around row 2y, those of windows at y of a 3x3 pooling; NULL beyond its ends. */
static void window_rows(const struct un_tensor *t, struct place at, int y, const float *rows[3])
{
    for (int i = 0; i < 3; i++) {
        const int row = 2 * y + i - 1;
        rows[i] = row >= 0 && row < t->shape.h ? un_row(t, at.n, at.block, row) : NULL;
    }
}

static void maxpool3_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct place at = place_of(i, &m->dst, m->dst.shape.h);
    const float *rows[3];
    (void)thread;
    window_rows(&m->src, at, at.y, rows);
    m->k->maxpool3_row(rows, m->src.shape.w, un_row(&m->dst, at.n, at.block, at.y));
}

void un_cpu_maxpool3_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    struct maps m = {.k = un_cpu_kernels(e), .src = src, .dst = dst};
    un_pool_run(e->pool, rows_of(&dst), maxpool3_task, &m);
}

/* An even row of the source is the middle one of its windows, an odd one the last and the first of
 * two rows of windows. */
static void maxpool3_back_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct place at = place_of(i, &m->src, m->src.shape.h);
    struct un_pool_windows windows[2];
    int count = 0;
    (void)thread;
    for (int y = at.y / 2; y <= (at.y + 1) / 2 && y < m->dst.shape.h; y++, count++) {
        window_rows(&m->src, at, y, windows[count].src);
        windows[count].ddst = un_row(&m->dst, at.n, at.block, y);
        windows[count].row = at.y - (2 * y - 1);
    }
    m->k->maxpool3_back_row(windows, count, m->src.shape.w,
                            un_row(&m->dsrc->d, at.n, at.block, at.y),
                            value_row(m->dsrc, at.n, at.block, at.y), finish_of(m->dsrc));
}

void un_cpu_maxpool3_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                              const struct un_gradient *dsrc)
{
    struct maps m = {.k = un_cpu_kernels(e), .src = src, .dst = ddst, .dsrc = dsrc};
    un_pool_run(e->pool, rows_of(&src), maxpool3_back_task, &m);
}

/* Row y of a map, which begins at column left of what is added to; NULL beyond its ends. */
static struct un_add_source add_source(const struct un_tensor *t, struct place at, int y, int left)
{
    const bool there = y >= 0 && y < t->shape.h;
    return (struct un_add_source){there ? un_row(t, at.n, at.block, y) : NULL, left, t->shape.w};
}

static void add_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct place at = place_of(i, &m->dst, m->dst.shape.h);
    struct un_add_source source[2];
    (void)thread;
    for (int s = 0; s < 2; s++)
        source[s] =
            add_source(&m->sources[s].tensor, at, at.y + m->sources[s].top, m->sources[s].left);
    m->k->add_row(source, m->act, un_row(&m->dst, at.n, at.block, at.y), m->dst.shape.w);
}

/* A row of the network's answer, whose channels are few. */
static void add_pixels_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct un_shape d = m->dst.shape;
    struct place at = {i / d.h, 0, i % d.h};
    float *to = un_row(&m->dst, at.n, 0, at.y);
    (void)thread;
    for (int c = 0; c < d.c; c++) {
        struct un_add_source source[2] = {{0}};
        at.block = c / UN_BLOCK;
        for (int s = 0; s < 2 && m->sources[s].tensor.shape.c; s++)
            source[s] =
                add_source(&m->sources[s].tensor, at, at.y + m->sources[s].top, m->sources[s].left);
        for (int x = 0; x < d.w; x++) {
            float sum = 0;
            for (int s = 0; s < 2; s++) {
                const int from = x + source[s].left;
                if (source[s].row && from >= 0 && from < source[s].width)
                    sum += source[s].row[(ptrdiff_t)from * UN_BLOCK + c % UN_BLOCK];
            }
            const bool whole = m->act.kind == UN_ACT_NONE || sum > 0;
            to[(ptrdiff_t)x * d.c + c] = whole ? sum : m->act.slope * sum;
        }
    }
}

void un_cpu_add_forward(struct un_engine *e, const struct un_operand src[2],
                        struct un_activation act, struct un_tensor dst)
{
    struct maps m = {.k = un_cpu_kernels(e), .sources = src, .act = act, .dst = dst};
    if (dst.layout == UN_PIXELS)
        un_pool_run(e->pool, dst.shape.n * dst.shape.h, add_pixels_task, &m);
    else
        un_pool_run(e->pool, rows_of(&dst), add_task, &m);
}

static void add_back_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct un_tensor *d = &m->dsrc->d;
    const struct place at = place_of(i, d, d->shape.h);
    const struct un_add_source source = add_source(&m->dst, at, at.y - m->top, -m->left);
    (void)thread;
    m->k->add_back_row(&source, un_row(d, at.n, at.block, at.y),
                       value_row(m->dsrc, at.n, at.block, at.y), finish_of(m->dsrc), d->shape.w);
}

/* The same from a gradient in pixels. */
static void add_pixels_back_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct un_tensor *d = &m->dsrc->d;
    const struct un_shape g = m->dst.shape;
    const struct place at = place_of(i, d, d->shape.h);
    const struct un_finish finish = finish_of(m->dsrc);
    const int y = at.y - m->top, first = at.block * UN_BLOCK;
    const float *from = y >= 0 && y < g.h ? un_row(&m->dst, at.n, 0, y) : NULL;
    const float *values = value_row(m->dsrc, at.n, at.block, at.y);
    float *to = un_row(d, at.n, at.block, at.y);
    (void)thread;
    for (int x = 0; x < d->shape.w; x++) {
        const int left = x - m->left;
        const bool there = from && left >= 0 && left < g.w;
        for (int c = 0; c < UN_BLOCK; c++) {
            const ptrdiff_t here = (ptrdiff_t)x * UN_BLOCK + c;
            const float v = there && first + c < g.c ? from[(ptrdiff_t)left * g.c + first + c] : 0;
            to[here] = un_finish_one(v, to[here], values ? values + here : NULL, finish);
        }
    }
}

void un_cpu_add_backward(struct un_engine *e, struct un_tensor ddst, int top, int left,
                         const struct un_gradient *dsrc)
{
    struct maps m = {.k = un_cpu_kernels(e), .dst = ddst, .top = top, .left = left, .dsrc = dsrc};
    un_pool_run(e->pool, rows_of(&dsrc->d),
                ddst.layout == UN_PIXELS ? add_pixels_back_task : add_back_task, &m);
}

static void bilinear_row(const struct un_kernels *k, const struct un_tensor *src,
                         const struct un_tensor *dst, struct place at, int trim)
{
    int q = at.y + trim, y = q / 2, beside = q % 2 ? y + 1 : y - 1;
    if (beside < 0 || beside >= src->shape.h)
        beside = y;
    k->upsample_row(un_row(src, at.n, at.block, y), un_row(src, at.n, at.block, beside),
                    src->shape.w, trim, un_row(dst, at.n, at.block, at.y));
}

static void blended_row(const struct un_kernels *k, const struct un_tensor *src,
                        const struct un_tensor *dst, struct place at, enum un_doubling how)
{
    const struct un_taps taps = un_taps(how, at.y, src->shape.h);
    const float *row[2];
    for (int i = 0; i < 2; i++)
        row[i] = un_row(src, at.n, at.block, taps.at[i]);
    k->blend_row(row, taps.weight, how, src->shape.w, un_row(dst, at.n, at.block, at.y));
}

static void upsample_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct place at = place_of(i, &m->dst, m->dst.shape.h);
    (void)thread;
    if (m->how == UN_BILINEAR)
        bilinear_row(m->k, &m->src, &m->dst, at, m->trim);
    else
        blended_row(m->k, &m->src, &m->dst, at, m->how);
}

void un_cpu_upsample_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst,
                             enum un_doubling how, int trim)
{
    struct maps m = {.k = un_cpu_kernels(e), .src = src, .dst = dst, .how = how, .trim = trim};
    un_pool_run(e->pool, rows_of(&dst), upsample_task, &m);
}

/* A source row goes into the output rows 2y - 1 .. 2y + 2 of the untrimmed map. */
static void bilinear_back_row(const struct un_kernels *k, const struct un_tensor *ddst, int trim,
                              const struct un_gradient *dsrc, struct place at)
{
    const int rows = dsrc->d.shape.h;
    const float *row[4];
    float weight[4];
    for (int j = 0; j < 4; j++) {
        int q = 2 * at.y - 1 + j;
        bool there = q >= trim && q < 2 * rows - trim, end = q == 0 || q == 2 * rows - 1;
        row[j] = there ? un_row(ddst, at.n, at.block, q - trim) : NULL;
        weight[j] = end ? 1 : j == 1 || j == 2 ? 0.75f : 0.25f;
    }
    k->upsample_back_row(row, weight, dsrc->d.shape.w, trim, un_row(&dsrc->d, at.n, at.block, at.y),
                         value_row(dsrc, at.n, at.block, at.y), finish_of(dsrc));
}

static void blended_back_row(const struct un_kernels *k, const struct un_tensor *ddst,
                             enum un_doubling how, const struct un_gradient *dsrc, struct place at)
{
    const int rows = dsrc->d.shape.h;
    const float *row[UN_REACH];
    float weight[UN_REACH];
    for (int j = 0; j < UN_REACH; j++) {
        int q = 2 * at.y - UN_REACH_BEFORE + j;
        row[j] = NULL;
        if (q < 0 || q >= 2 * rows)
            continue;
        weight[j] = un_tap_share(un_taps(how, q, rows), at.y);
        if (weight[j] != 0)
            row[j] = un_row(ddst, at.n, at.block, q);
    }
    k->blend_back_row(row, weight, how, dsrc->d.shape.w, un_row(&dsrc->d, at.n, at.block, at.y),
                      value_row(dsrc, at.n, at.block, at.y), finish_of(dsrc));
}

static void upsample_back_task(void *context, int i, int thread)
{
    const struct maps *m = context;
    const struct place at = place_of(i, &m->dsrc->d, m->dsrc->d.shape.h);
    (void)thread;
    if (m->how == UN_BILINEAR)
        bilinear_back_row(m->k, &m->dst, m->trim, m->dsrc, at);
    else
        blended_back_row(m->k, &m->dst, m->how, m->dsrc, at);
}

void un_cpu_upsample_backward(struct un_engine *e, struct un_tensor ddst, enum un_doubling how,
                              int trim, const struct un_gradient *dsrc)
{
    struct maps m = {.k = un_cpu_kernels(e), .dst = ddst, .dsrc = dsrc, .how = how, .trim = trim};
    un_pool_run(e->pool, rows_of(&dsrc->d), upsample_back_task, &m);
}

struct dropout {
    struct un_tensor x;
    float rate, scale;
    uint64_t key, first;
};

static void drop_row(void *context, int row, int thread)
{
    const struct dropout *d = context;
    const struct un_shape s = d->x.shape;
    (void)thread;
    for (int c = 0; c < s.c; c++) {
        int block = d->x.layout == UN_FEATURES ? c / UN_BLOCK : 0;
        float *at = un_row(&d->x, row / s.h, block, row % s.h) + (c - block * UN_BLOCK);
        for (int i = 0; i < s.w; i++, at += un_pixel(&d->x)) {
            uint64_t index = ((uint64_t)row * (uint64_t)s.w + (uint64_t)i) * (uint64_t)s.c;
            bool drop = un_rng_uniform(d->key, d->first + index + (uint64_t)c) < d->rate;
            *at = drop ? 0 : *at * d->scale;
        }
    }
}

void un_cpu_dropout(struct un_engine *e, struct un_tensor x, float rate, uint64_t key,
                    uint64_t first)
{
    struct dropout d = {.x = x, .rate = rate, .scale = 1 / (1 - rate), .key = key, .first = first};
    un_pool_run(e->pool, x.shape.n * x.shape.h, drop_row, &d);
}

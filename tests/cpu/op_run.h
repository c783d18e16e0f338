/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_run.h - one operation, run on one engine
 *
 * A case is a row of the table in test_ops.c.  Its function fills inputs with numbers that depend
 * on the case's seed only, runs the operation on r->engine, and records what came out:
 *
 *   x = op_random(r, count, -1, 1);                        host values
 *   src = op_tensor(r, UN_FEATURES, shape, x);             on the engine, between guard pages
 *   dst = op_tensor(r, UN_FEATURES, other_shape, NULL);    NaN until the operation writes it
 *   ... the operation ...
 *   op_record(r, "dst", op_fetch(r, dst), op_count(dst), tolerance);
 *
 * test_ops.c runs it on the reference and on every engine under test and compares the records.
 * Properties that need no reference (<A x, y> == <x, A' y>) are checked on the spot, op_expect().
 */
#ifndef TEST_OP_RUN_H
#define TEST_OP_RUN_H

#include <float.h>
#include <math.h>

#include "engine/engine.h"
#include "support/guard.h"

#define EPS ((double)FLT_EPSILON)
#define OP_EXACT (-1.0) /* as a tolerance: every bit */
#define OP_MAX_OUTPUTS 40
#define OP_MAX_HOSTS 128
#define OP_MAX_BUFFERS 128

struct op_run;

struct op_source {
    int h, w, c, top, left;
};

struct op_case {
    const char *op;
    void (*run)(struct op_run *r, const struct op_case *k);
    struct un_shape shape; /* of the destination of a convolution, else of the operation's input */
    int variant;           /* what it means is said where run is */
    enum un_conv_kind kind;
    enum un_layout src_layout, dst_layout;
    struct op_source src[2];
    struct un_activation act;
};

struct op_output {
    const char *name;
    double *values;
    size_t count;
    double tolerance; /* |got - want| <= tolerance + 4 EPS |want| */
};

struct op_run {
    const struct op_case *test;
    struct un_engine *engine;
    const char *label; /* of the engine: "avx2, 3 threads" */
    bool at_start;     /* buffers begin at a guard page instead of ending at one */
    uint64_t seed, random;
    struct guards guards;
    void *buffers[OP_MAX_BUFFERS]; /* of an engine that takes none but its own */
    int buffer_count;
    void *hosts[OP_MAX_HOSTS];
    int host_count;
    struct op_output outputs[OP_MAX_OUTPUTS];
    int output_count;
    int failures;
};

/* ---- telling what failed ---- */

static inline void op_describe(const struct op_run *r, char *text, size_t size)
{
    const struct op_case *k = r->test;
    int n = snprintf(text, size, "%s [%s] seed %llu variant %d shape %d,%d,%d,%d", k->op, r->label,
                     (unsigned long long)r->seed, k->variant, k->shape.n, k->shape.h, k->shape.w,
                     k->shape.c);
    for (int s = 0; s < 2 && k->src[s].c && n > 0 && (size_t)n < size; s++)
        n += snprintf(text + n, size - (size_t)n, " src%d %dx%dx%d at %d,%d", s, k->src[s].h,
                      k->src[s].w, k->src[s].c, k->src[s].top, k->src[s].left);
}

static inline void op_fail(struct op_run *r, const char *name, size_t index, double got,
                           double want, double tolerance)
{
    char text[256];
    op_describe(r, text, sizeof text);
    if (r->failures++ < 3)
        fprintf(stderr, "%s: %s[%zu] got %.9g want %.9g tolerance %.2g\n", text, name, index, got,
                want, tolerance);
}

static inline void op_expect(struct op_run *r, const char *name, double got, double want,
                             double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        op_fail(r, name, 0, got, want, tolerance);
}

/* ---- host memory and numbers ---- */

static inline void *op_host(struct op_run *r, size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory || r->host_count == OP_MAX_HOSTS)
        abort();
    r->hosts[r->host_count++] = memory;
    return memory;
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static inline uint64_t op_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static inline int op_below(uint64_t *state, int n)
{
    return (int)(op_bits(state) % (uint64_t)n);
}

static inline float *op_random(struct op_run *r, size_t count, double low, double high)
{
    float *x = op_host(r, count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(low + (high - low) * (double)(op_bits(&r->random) >> 11) * 0x1p-53);
    return x;
}

/* Whole numbers in -most..most, so that equal values and zeros are frequent. */
static inline float *op_random_whole(struct op_run *r, size_t count, int most)
{
    float *x = op_host(r, count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(op_below(&r->random, 2 * most + 1) - most);
    return x;
}

static inline double op_dot(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* ---- the engine's memory ---- */

static inline size_t op_volume(struct un_shape s)
{
    return (size_t)s.n * s.h * s.w * s.c;
}

/* Between guard pages and full of NaN; a device's memory is its own, and only filled. */
static inline void *op_buffer(struct op_run *r, size_t bytes)
{
    const struct un_engine_ops *ops = r->engine->ops;
    if (ops->host_memory)
        return guard_alloc(&r->guards, bytes, r->at_start);
    void *memory = ops->alloc(r->engine, bytes), *nan = malloc(bytes ? bytes : 1);
    if (!memory || !nan || r->buffer_count == OP_MAX_BUFFERS)
        abort();
    r->buffers[r->buffer_count++] = memory;
    memset(nan, 0xff, bytes);
    ops->put(r->engine, memory, nan, bytes);
    free(nan);
    return memory;
}

static inline struct un_tensor op_tensor(struct op_run *r, enum un_layout layout,
                                         struct un_shape shape, const float *host)
{
    const struct un_engine_ops *ops = r->engine->ops;
    struct un_tensor t = {shape, layout, NULL};
    t.data = op_buffer(r, ops->tensor_bytes(r->engine, layout, shape));
    if (host)
        ops->upload(r->engine, t, host);
    return t;
}

/* An array of parameters; NaN when host is NULL. */
static inline float *op_params(struct op_run *r, const float *host, size_t count)
{
    float *p = op_buffer(r, count * sizeof *p);
    if (host)
        r->engine->ops->put(r->engine, p, host, count * sizeof *p);
    return p;
}

static inline uint8_t *op_bytes(struct op_run *r, const uint8_t *host, size_t count)
{
    uint8_t *p = op_buffer(r, count);
    if (host)
        r->engine->ops->put(r->engine, p, host, count);
    return p;
}

static inline void op_workspace(struct op_run *r, size_t bytes)
{
    r->engine->workspace = op_buffer(r, bytes);
}

static inline float *op_fetch(struct op_run *r, struct un_tensor t)
{
    float *host = op_host(r, op_volume(t.shape) * sizeof *host);
    r->engine->ops->download(r->engine, host, t);
    return host;
}

static inline float *op_fetch_params(struct op_run *r, const float *p, size_t count)
{
    float *host = op_host(r, count * sizeof *host);
    r->engine->ops->get(r->engine, host, p, count * sizeof *host);
    return host;
}

/* ---- what came out ---- */

static inline void op_record_doubles(struct op_run *r, const char *name, const double *values,
                                     size_t count, double tolerance)
{
    if (r->output_count == OP_MAX_OUTPUTS)
        abort();
    double *copy = op_host(r, count * sizeof *copy);
    memcpy(copy, values, count * sizeof *copy);
    r->outputs[r->output_count++] = (struct op_output){name, copy, count, tolerance};
}

static inline void op_record(struct op_run *r, const char *name, const float *values, size_t count,
                             double tolerance)
{
    if (r->output_count == OP_MAX_OUTPUTS)
        abort();
    double *copy = op_host(r, count * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = values[i];
    r->outputs[r->output_count++] = (struct op_output){name, copy, count, tolerance};
}

static inline void op_record_tensor(struct op_run *r, const char *name, struct un_tensor t,
                                    double tolerance)
{
    op_record(r, name, op_fetch(r, t), op_volume(t.shape), tolerance);
}

static inline void op_record_params(struct op_run *r, const char *name, const float *p,
                                    size_t count, double tolerance)
{
    op_record(r, name, op_fetch_params(r, p, count), count, tolerance);
}

static inline void op_release(struct op_run *r)
{
    r->engine->workspace = NULL;
    guard_release(&r->guards);
    for (int i = 0; i < r->buffer_count; i++)
        r->engine->ops->release(r->engine, r->buffers[i]);
    r->buffer_count = 0;
    for (int i = 0; i < r->host_count; i++)
        free(r->hosts[i]);
    r->host_count = r->output_count = 0;
}

/*
 * The error of a sum of `terms` products of numbers uniform in [-1, 1], in float.  A product has
 * variance 1/9, so a partial sum is about sqrt(terms) / 3 large; each addition rounds it by up to
 * EPS / 2 of that, and `terms` such errors of random sign add up to sqrt(terms) of one.  The factor
 * 4 makes the odds of a false alarm vanish; an index that is off by one is wrong by about 1/3.
 */
static inline double op_sum_tolerance(double terms)
{
    return 4 * EPS * sqrt(terms) * (1 + sqrt(terms) / 3);
}

/*
 * A 3x3 convolution by Winograd's F(4x4, 3x3) sums in the domain of the transforms, whose numbers
 * are larger than the result, and an edge of few terms has the error of the whole 6x6 tile.  Its
 * error is about ten times that of the direct sum in the mean (bench_kernels, with and without
 * --exact); the tolerance above has room for some of that, and the largest errors seen need 5 times
 * it.
 */
#define OP_WINOGRAD 6

/* ---- gradients that several operations write ---- */

/* The ways in which an operation may be asked to write a gradient (struct un_gradient). */
#define OP_GRADIENT_WAYS 4
static const struct {
    const char *name;
    bool accumulate;
    struct un_activation act;
} op_gradient_ways[OP_GRADIENT_WAYS] = {
    {"gradient", false, {UN_ACT_NONE, 0}},
    {"gradient * relu'", false, {UN_ACT_RELU, 0}},
    {"gradient + old", true, {UN_ACT_NONE, 0}},
    {"(gradient + old) * leaky'", true, {UN_ACT_LEAKY, 0.125f}},
};

/* d holds NaN unless the operation is to add to it; a third of y is zero. */
static inline struct un_gradient op_gradient(struct op_run *r, int way, struct un_shape shape)
{
    size_t count = op_volume(shape);
    float *old = op_random(r, count, -1, 1), *y = op_random_whole(r, count, 1);
    struct un_gradient g = {
        .accumulate = op_gradient_ways[way].accumulate,
        .act = op_gradient_ways[way].act,
    };
    g.d = op_tensor(r, UN_FEATURES, shape, g.accumulate ? old : NULL);
    g.y = (struct un_tensor){shape, UN_FEATURES, NULL};
    if (g.act.kind != UN_ACT_NONE)
        g.y = op_tensor(r, UN_FEATURES, shape, y);
    return g;
}

#endif

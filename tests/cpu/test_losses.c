/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Losses, optimisers and the norm for clipping against PyTorch (tests/fixtures/loss_*, made by
 * scripts/make_loss_fixtures.py in double precision), on the reference engine and on every
 * instruction set.
 *
 * Tolerances, relative to the largest value of an array: 1e-6 for a loss, 1e-5 for a gradient,
 * 1e-6 for weights after up to ten steps; numbers in float have errors of a few 1e-7.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "weights/safetensors.h"

enum { WEIGHTS = 97, STEPS = 10, MOST_VALUES = 2048 };

struct fixture {
    char path[512];
    struct un_safetensors file;
};

static void open_fixture(struct fixture *f, const char *name)
{
    unet_error err;
    snprintf(f->path, sizeof f->path, "%s/loss_%s.safetensors", TEST_FIXTURES, name);
    if (un_safetensors_open(f->path, &f->file, &err))
        fail_msg("%s", err.text);
}

static const struct un_array *find(const struct fixture *f, const char *name)
{
    const struct un_array *a = un_safetensors_find(&f->file, name);
    if (!a || a->count > MOST_VALUES)
        fail_msg("%s: %s has %zu values, wanted 1 to %d", f->path, name, a ? a->count : 0,
                 MOST_VALUES);
    return a;
}

/* Returns how many values there are. */
static size_t read_values(const struct fixture *f, const char *name, float *values)
{
    const struct un_array *a = find(f, name);
    unet_error err;
    if (un_array_to_float(f->path, a, values, &err))
        fail_msg("%s", err.text);
    return a->count;
}

static float option(const struct fixture *f, const char *key)
{
    const char *text = un_safetensors_metadata(&f->file, key);
    if (!text)
        fail_msg("%s: no %s in the metadata", f->path, key);
    return (float)atof(text);
}

static unet_loss read_loss(const struct fixture *f)
{
    return (unet_loss){.pixel = option(f, "pixel"),
                       .overlap = option(f, "overlap"),
                       .pos_weight = option(f, "pos_weight"),
                       .focal = option(f, "focal"),
                       .false_positive = option(f, "false_positive"),
                       .false_negative = option(f, "false_negative"),
                       .smooth = option(f, "smooth"),
                       .first_class = (int)option(f, "first_class")};
}

static void compare(const char *engine, const char *name, const char *what, const float *got,
                    const float *want, size_t count, double tolerance)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - want[i]) <= tolerance * largest))
            fail_msg("%s on %s: %s[%zu] is %.9g, PyTorch has %.9g (tolerance %g)", name, engine,
                     what, i, (double)got[i], (double)want[i], tolerance * largest);
}

/* Calls run for the reference engine and for each instruction set of this machine. */
static void on_each_engine(void (*run)(struct un_engine *e, const char *name))
{
    static const char *const isas[] = {NULL, "baseline", "neon", "avx2", "avx512"};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        struct un_engine *e;
        unet_error err;
        unet_code code = isas[i] ? un_engine_cpu_create(isas[i], 2, &e, &err)
                                 : un_engine_reference_create(&e, &err);
        if (code == UNET_EDEVICE)
            continue;
        if (code)
            fail_msg("%s", err.text);
        run(e, isas[i] ? isas[i] : "reference");
        e->ops->free(e);
    }
}

static void check_loss(struct un_engine *e, const char *engine, const char *name)
{
    static float host[MOST_VALUES], weights[MOST_VALUES], want[MOST_VALUES];
    struct fixture f;
    open_fixture(&f, name);
    const struct un_array *a = find(&f, "logits");
    const struct un_shape shape = {(int)a->shape[0], (int)a->shape[1], (int)a->shape[2],
                                   (int)a->shape[3]};
    struct un_tensor x = {shape, UN_PIXELS, NULL}, d = x;
    x.data = e->ops->alloc(e, e->ops->tensor_bytes(e, UN_PIXELS, shape));
    d.data = e->ops->alloc(e, e->ops->tensor_bytes(e, UN_PIXELS, shape));
    e->workspace = e->ops->alloc(e, e->ops->loss_workspace(e, shape) + 64);
    read_values(&f, "logits", host);
    e->ops->upload(e, x, host);
    read_values(&f, "weights", weights);
    const unet_loss loss = read_loss(&f);
    double result[2];
    e->ops->loss(e, x, find(&f, "labels")->data, weights, &loss, result, d);
    const float mean = (float)(result[0] / result[1]);
    read_values(&f, "loss", want);
    compare(engine, name, "loss", &mean, want, 1, 1e-6);
    read_values(&f, "grad", want);
    e->ops->download(e, host, d);
    compare(engine, name, "gradient", host, want, a->count, 1e-5);
    e->ops->release(e, x.data);
    e->ops->release(e, d.data);
    e->ops->release(e, e->workspace);
    un_safetensors_release(&f.file);
}

static void check_losses(struct un_engine *e, const char *engine)
{
    static const char *const names[] = {
        "ce",        "ce_weighted", "bce",           "dice",   "dice_foreground",
        "dice_one",  "ce_dice",     "bce_dice",      "focal2", "focal_half",
        "focal_one", "tversky",     "focal_tversky",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_loss(e, engine, names[i]);
}

static void test_losses(void **state)
{
    (void)state;
    on_each_engine(check_losses);
}

/* ---- optimisers ---- */

struct optimizer_state {
    float w[WEIGHTS], m[WEIGHTS], v[WEIGHTS];
};

/* The settings are those of OPTIMIZERS in the script and the defaults of torch.optim. */
static void step_by(struct un_engine *e, const char *name, struct optimizer_state *s,
                    const float *g, long step)
{
    const bool momentum = strstr(name, "momentum") || !strcmp(name, "nesterov");
    const float keep = momentum ? 0.9f : 0;
    if (!strncmp(name, "rmsprop", 7))
        e->ops->rmsprop_step(e, WEIGHTS, s->w, g, s->m, s->v, 0.01f, keep, 0.99f, 1e-8f, 1e-2f);
    else if (!strncmp(name, "adam", 4))
        e->ops->adam_step(e, WEIGHTS, s->w, g, s->m, s->v, 0.01f, 0.9f, 0.999f, 1e-8f,
                          !strcmp(name, "adam") ? 1e-2f : 0.1f, !strcmp(name, "adamw"), step);
    else
        e->ops->sgd_step(e, WEIGHTS, s->w, g, s->m, 0.05f, keep, 1e-2f, !strcmp(name, "nesterov"));
}

static void check_optimizers(struct un_engine *e, const char *engine)
{
    static const char *const names[] = {"sgd",   "momentum", "nesterov",        "adam",
                                        "adamw", "rmsprop",  "rmsprop_momentum"};
    static float g[STEPS][WEIGHTS], want[STEPS][WEIGHTS];
    struct fixture f;
    open_fixture(&f, "steps");
    read_values(&f, "g", g[0]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct optimizer_state s = {.m = {0}};
        assert_int_equal(read_values(&f, "w", s.w), WEIGHTS);
        assert_int_equal(read_values(&f, names[i], want[0]), STEPS * WEIGHTS);
        for (int step = 0; step < STEPS; step++) {
            char what[32];
            snprintf(what, sizeof what, "weights, step %d, ", step + 1);
            step_by(e, names[i], &s, g[step], step + 1);
            compare(engine, names[i], what, s.w, want[step], WEIGHTS, 1e-6);
        }
    }
    un_safetensors_release(&f.file);
}

static void test_optimizers(void **state)
{
    (void)state;
    on_each_engine(check_optimizers);
}

/* clip_grad_norm_: all gradients times limit / (norm + 1e-6) when the norm is above the limit */
static void check_clipping(struct un_engine *e, const char *engine)
{
    static float g[STEPS][WEIGHTS], want[WEIGHTS];
    struct fixture f;
    double sum;
    open_fixture(&f, "steps");
    read_values(&f, "g", g[0]);
    read_values(&f, "norms", want);
    for (int step = STEPS - 1; step >= 0; step--) {
        e->ops->sum_squares(e, g[step], WEIGHTS, &sum);
        const float norm = (float)sqrt(sum);
        compare(engine, "steps", "norm", &norm, want + step, 1, 1e-7);
    }
    read_values(&f, "clipped", want);
    e->ops->blend(e, WEIGHTS, g[0], (float)(1 / (sqrt(sum) + 1e-6)), NULL, 0);
    compare(engine, "steps", "clipped", g[0], want, WEIGHTS, 1e-6);
    un_safetensors_release(&f.file);
}

static void test_clipping(void **state)
{
    (void)state;
    on_each_engine(check_clipping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_optimizers),
        cmocka_unit_test(test_clipping),
    };
    return cmocka_run_group_tests_name("losses", tests, NULL, NULL);
}

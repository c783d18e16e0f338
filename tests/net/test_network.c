/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole networks against PyTorch (tests/fixtures, made by scripts/make_fixtures.py in double
 * precision), on the reference engine and on every instruction set: logits, loss, every gradient,
 * and ten steps of each optimiser.
 *
 * Engines that convolve by Winograd's tiles are tried that way and directly ("exact").  By tiles
 * there is about ten times as much rounding, so ten training steps are held to 1e-3 there: a
 * derivative jumps where a value is zero to rounding or a pooling has two largest pixels.  The
 * fixtures keep clear of that in their first step, whose gradients all engines must give to 1e-4,
 * and larger networks whose derivatives hardly jump (leaky, with a slope of nearly 1) are compared
 * with the reference engine.
 *
 * Tolerances, relative to the largest value of the array: logits 1e-5, gradients 1e-4, ten training
 * steps 1e-4.  A sum of n float products has an error of about sqrt(n) * 6e-8; the longest sum here
 * (the gradient of a first-layer weight, 37 * 34 * 2 pixels) and some 20 layers in a row give 1e-5.
 */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/rng.h"
#include "far/far.h"
#include "net/run.h"
#include "support/slow.h"
#include "weights/safetensors.h"

struct fixture {
    const char *name;
    struct un_safetensors file;
    unet_spec spec;
    float pos_weight;
    struct un_graph graph;
    int n, h, w; /* of the input */
};

struct subject { /* an engine under test */
    char name[48];
    struct un_engine *engine;
};

static double meta_number(const struct fixture *f, const char *key)
{
    const char *found = un_safetensors_metadata(&f->file, key);
    if (!found)
        fail_msg("%s: no %s in the metadata", f->name, key);
    return atof(found);
}

/* The values of a tensor; the caller frees them. */
static float *array(const struct fixture *f, const char *prefix, const char *name, size_t count)
{
    char full[128];
    unet_error err;
    snprintf(full, sizeof full, "%s%s", prefix, name);
    const struct un_array *t = un_safetensors_find(&f->file, full);
    if (!t || t->count != count)
        fail_msg("%s: %s has %zu values, wanted %zu", f->name, full, t ? t->count : 0, count);
    float *values = malloc(count * sizeof *values);
    if (un_array_to_float(f->name, t, values, &err))
        fail_msg("%s", err.text);
    return values;
}

/* The index of a metadata word in a list that ends with NULL; absent: 0. */
static int meta_word(const struct fixture *f, const char *key, const char *const *words)
{
    const char *found = un_safetensors_metadata(&f->file, key);
    for (int i = 0; found && words[i]; i++)
        if (!strcmp(found, words[i]))
            return i;
    if (found)
        fail_msg("%s: %s is %s", f->name, key, found);
    return 0;
}

static int meta_int(const struct fixture *f, const char *key)
{
    return un_safetensors_metadata(&f->file, key) ? (int)meta_number(f, key) : 0;
}

/* "channels" is {"enc": [[a, b], ...], "dec": ..., "up": [a, ...]} with an entry for each level. */
static void read_channels(const struct fixture *f, unet_spec *spec)
{
    const char *text = un_safetensors_metadata(&f->file, "channels");
    if (!text)
        return;
    json_t *root = json_loads(text, 0, NULL), *enc, *dec, *up;
    if (json_unpack(root, "{s:o, s:o, s:o}", "enc", &enc, "dec", &dec, "up", &up))
        fail_msg("%s: channels are %s", f->name, text);
    for (int d = 0; d <= spec->depth; d++)
        for (int i = 0; i < 2; i++) {
            spec->channels.enc[d][i] =
                (int)json_integer_value(json_array_get(json_array_get(enc, (size_t)d), (size_t)i));
            if (d == spec->depth)
                continue;
            spec->channels.dec[d][i] =
                (int)json_integer_value(json_array_get(json_array_get(dec, (size_t)d), (size_t)i));
            spec->channels.up[d] = (int)json_integer_value(json_array_get(up, (size_t)d));
        }
    json_decref(root);
}

static unet_spec fixture_spec(const struct fixture *f)
{
    static const char *const padding[] = {"valid", "same", NULL};
    static const char *const norm[] = {"none", "batch", "instance", "group", NULL};
    static const char *const up[] = {"transpose", "bilinear", "nearest", NULL};
    static const char *const act[] = {"relu", "leaky", NULL};
    static const char *const order[] = {"norm_first", "act_first", NULL};
    static const char *const bias[] = {"unless_norm", "always", "never", NULL};
    static const char *const concat[] = {"up_skip", "skip_up", NULL};
    static const char *const up_conv[] = {"conv1x1", "conv3x3", "none", NULL};
    unet_spec spec = {
        .in_channels = (int)meta_number(f, "in_channels"),
        .classes = (int)meta_number(f, "classes"),
        .width = (int)meta_number(f, "width"),
        .depth = (int)meta_number(f, "depth"),
        .padding = (unet_padding)meta_word(f, "padding", padding),
        .norm = (unet_norm)meta_word(f, "norm", norm),
        .up = (unet_up)meta_word(f, "up", up),
        .act = (unet_act)meta_word(f, "act", act),
        .leaky_slope = (float)meta_number(f, "leaky_slope"),
        .convs = meta_int(f, "convs"),
        .single_act = meta_int(f, "single_act"),
        .groups = meta_int(f, "groups"),
        .norm_order = (unet_norm_order)meta_word(f, "norm_order", order),
        .bias = (unet_bias)meta_word(f, "bias", bias),
        .concat = (unet_concat)meta_word(f, "concat", concat),
        .align_corners = meta_int(f, "align_corners"),
        .up_conv = (unet_up_conv)meta_word(f, "up_conv", up_conv),
        .up_norm = meta_int(f, "up_norm"),
        .up_act = meta_int(f, "up_act"),
    };
    if (un_safetensors_metadata(&f->file, "norm_epsilon"))
        spec.norm_epsilon = (float)meta_number(f, "norm_epsilon");
    read_channels(f, &spec);
    return spec;
}

static void open_fixture(struct fixture *f, const char *name)
{
    char path[512];
    unet_error err;
    f->name = name;
    snprintf(path, sizeof path, "%s/%s", TEST_FIXTURES, name);
    if (un_safetensors_open(path, &f->file, &err))
        fail_msg("%s", err.text);
    f->spec = fixture_spec(f);
    f->pos_weight = (float)meta_number(f, "pos_weight");
    un_graph_build(&f->graph, &f->spec);
    const struct un_array *input = un_safetensors_find(&f->file, "input");
    f->n = (int)input->shape[0];
    f->h = (int)input->shape[2];
    f->w = (int)input->shape[3];
    if (un_graph_size(&f->graph, f->n, f->h, f->w, &err))
        fail_msg("%s: %s", f->name, err.text);
}

static float *parameters(const struct fixture *f, const char *prefix)
{
    float *values = calloc(f->graph.values, sizeof *values);
    for (int i = 0; i < f->graph.param_count; i++) {
        const struct un_param *p = &f->graph.params[i];
        float *a = array(f, prefix, p->name, p->count);
        memcpy(values + p->offset, a, p->count * sizeof *a);
        free(a);
    }
    return values;
}

/* PyTorch's [N][C][H][W] to our [N][H][W][C]. */
static float *pixels(const struct fixture *f, const char *name, struct un_shape s)
{
    size_t count = (size_t)s.n * s.h * s.w * s.c, at = 0;
    float *from = array(f, name, "", count), *to = malloc(count * sizeof *to);
    for (int n = 0; n < s.n; n++)
        for (int y = 0; y < s.h; y++)
            for (int x = 0; x < s.w; x++)
                for (int c = 0; c < s.c; c++)
                    to[at++] = from[(((size_t)n * s.c + c) * s.h + y) * s.w + x];
    free(from);
    return to;
}

static void compare(const struct fixture *f, const struct subject *s, const char *what,
                    const float *got, const float *want, size_t count, double tolerance)
{
    double scale = 1e-3;
    for (size_t i = 0; i < count; i++)
        scale = fmax(scale, fabs(want[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - want[i]) <= tolerance * scale))
            fail_msg("%s on %s: %s: value %zu of %zu is %.9g, PyTorch has %.9g (tolerance %g)",
                     f->name, s->name, what, i, count, (double)got[i], (double)want[i],
                     tolerance * scale);
}

static void check_logits(struct fixture *f, const struct subject *s)
{
    unet_error err;
    struct un_network net;
    float *values = parameters(f, "param.");
    if (un_network_create(&net, s->engine, &f->graph, UN_PREDICT, values, &err))
        fail_msg("%s", err.text);
    struct un_tensor in = un_network_input(&net), out = un_network_output(&net);
    float *input = pixels(f, "input", in.shape), *want = pixels(f, "logits", out.shape);
    size_t count = (size_t)out.shape.n * out.shape.h * out.shape.w * out.shape.c;
    float *got = malloc(count * sizeof *got);
    s->engine->ops->upload(s->engine, in, input);
    un_network_forward(&net, 0);
    s->engine->ops->download(s->engine, got, out);
    compare(f, s, "logits", got, want, count, 1e-5);
    un_network_release(&net);
    free(values);
    free(input);
    free(want);
    free(got);
}

/* A network in training with its batch. */
struct bench {
    struct un_network net;
    float *values, *input, *weights;
    uint8_t *labels;
    /* the engine's */
    float *their_weights;
    uint8_t *their_labels;
    double *result;
};

static void setup_training(struct bench *b, struct fixture *f, const struct subject *s)
{
    unet_error err;
    b->values = parameters(f, "param.");
    if (un_network_create(&b->net, s->engine, &f->graph, UN_TRAIN, b->values, &err))
        fail_msg("%s", err.text);
    struct un_shape out = un_network_output(&b->net).shape;
    size_t count = (size_t)out.n * out.h * out.w;
    b->input = pixels(f, "input", un_network_input(&b->net).shape);
    b->weights = array(f, "weights", "", count);
    b->labels = malloc(count);
    memcpy(b->labels, un_safetensors_find(&f->file, "labels")->data, count);
    struct un_engine *e = s->engine;
    b->result = e->ops->alloc(e, 2 * sizeof(double));
    b->their_weights = e->ops->alloc(e, count * sizeof(float));
    b->their_labels = e->ops->alloc(e, count);
    e->ops->put(e, b->their_weights, b->weights, count * sizeof(float));
    e->ops->put(e, b->their_labels, b->labels, count);
}

/* Floats of the engine's, for the caller to free. */
static float *bring(struct un_engine *e, const float *from, size_t count)
{
    float *values = malloc(count * sizeof *values);
    e->ops->get(e, values, from, count * sizeof *values);
    return values;
}

static void release_training(struct bench *b, const struct subject *s)
{
    s->engine->ops->release(s->engine, b->result);
    s->engine->ops->release(s->engine, b->their_weights);
    s->engine->ops->release(s->engine, b->their_labels);
    un_network_release(&b->net);
    free(b->values);
    free(b->input);
    free(b->weights);
    free(b->labels);
}

static bool by_tiles(const struct subject *s)
{
    return strcmp(s->engine->ops->name, "reference") && !s->engine->exact;
}

static double run_step(struct bench *b, const struct fixture *f, const struct subject *s)
{
    const struct un_engine_ops *ops = s->engine->ops;
    struct un_tensor logits = un_network_output(&b->net);
    struct un_tensor dlogits = un_network_output_gradient(&b->net);
    ops->upload(s->engine, un_network_input(&b->net), b->input);
    un_network_forward(&b->net, 0);
    const unet_loss loss = {.pixel = 1, .pos_weight = f->pos_weight, .smooth = 1};
    ops->loss(s->engine, logits, b->their_labels, b->their_weights, &loss, b->result, dlogits);
    un_network_backward(&b->net, 0);
    double result[2];
    ops->get(s->engine, result, b->result, sizeof result);
    return result[0] / result[1];
}

static float largest(const float *x, size_t count)
{
    float most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmaxf(most, fabsf(x[i]));
    return most;
}

/*
 * want and got are gradients of all trainable parameters.  That of a bias is zero when a norm
 * behind it takes the mean away: what is there instead is rounding of sums like those of the
 * weights, and it is held to the size of those.
 */
static void compare_gradients(const struct fixture *f, const struct subject *s, const float *got,
                              const float *want)
{
    const struct un_graph *g = &f->graph;
    for (int i = 0; i < g->node_count; i++) {
        const struct un_node *node = &g->nodes[i];
        const int params[] = {node->weight, node->bias};
        /* an up-convolution's moves the whole map that the next convolution reads, where that has
         * no padding */
        bool flat = node->conv == UN_UPCONV2X2 && g->spec.padding == UNET_PADDING_VALID &&
                    g->spec.norm == UNET_NORM_BATCH;
        int last = flat ? i + 1 : i;
        bool vanishes = node->kind == UN_NODE_CONV && node->act.kind == UN_ACT_NONE &&
                        last + 1 < g->node_count && g->nodes[last].act.kind == UN_ACT_NONE &&
                        g->nodes[last + 1].kind == UN_NODE_NORM;
        for (int k = 0; k < 2; k++) {
            if (params[k] < 0)
                continue;
            const struct un_param *p = &g->params[params[k]];
            const struct un_param *w = &g->params[params[0]];
            if (k == 1 && vanishes) {
                float most =
                    largest(got + p->offset, p->count) + largest(want + p->offset, p->count);
                float least = 1e-4f * fmaxf(1e-3f, largest(want + w->offset, w->count));
                if (!(most <= 2 * least))
                    fail_msg("%s on %s: %s: %.9g, wanted nearly zero (%g)", f->name, s->name,
                             p->name, (double)most, (double)least);
            } else {
                compare(f, s, p->name, got + p->offset, want + p->offset, p->count, 1e-4);
            }
        }
    }
}

static void check_gradients(struct fixture *f, const struct subject *s)
{
    struct bench b;
    setup_training(&b, f, s);
    float loss = (float)run_step(&b, f, s), *want = array(f, "loss", "", 1);
    compare(f, s, "loss", &loss, want, 1, 1e-5);
    free(want);
    float *all = calloc(f->graph.trainable, sizeof *all);
    for (int i = 0; i < f->graph.param_count; i++) {
        const struct un_param *p = &f->graph.params[i];
        if (!p->trainable)
            continue;
        want = array(f, "grad.", p->name, p->count);
        memcpy(all + p->offset, want, p->count * sizeof *all);
        free(want);
    }
    float *got = bring(s->engine, b.net.gradients, f->graph.trainable);
    compare_gradients(f, s, got, all);
    free(got);
    free(all);
    release_training(&b, s);
}

static void check_optimizer(struct fixture *f, const struct subject *s, const char *name)
{
    struct bench b;
    struct un_engine *e = s->engine;
    size_t count = f->graph.trainable;
    double tolerance = by_tiles(s) ? 1e-3 : 1e-4;
    char prefix[16], what[96];
    snprintf(prefix, sizeof prefix, "%s.", name);
    setup_training(&b, f, s);
    float *m = e->ops->alloc(e, count * sizeof(float)),
          *v = e->ops->alloc(e, count * sizeof(float));
    float *losses = array(f, prefix, "loss", 10);
    for (int step = 1; step <= 10; step++) {
        float loss = (float)run_step(&b, f, s);
        snprintf(what, sizeof what, "%s: loss of step %d", name, step);
        compare(f, s, what, &loss, losses + step - 1, 1, tolerance);
        if (!strcmp(name, "sgd"))
            e->ops->sgd_step(e, count, b.net.values, b.net.gradients, m, 0.01f, 0.9f, 1e-3f, false);
        else
            e->ops->adam_step(e, count, b.net.values, b.net.gradients, m, v, 1e-3f, 0.9f, 0.999f,
                              1e-4f, !strcmp(name, "adam") ? 1e-3f : 1e-2f, !strcmp(name, "adamw"),
                              step);
    }
    float *got = bring(e, b.net.values, f->graph.values);
    for (int i = 0; i < f->graph.param_count; i++) {
        const struct un_param *p = &f->graph.params[i];
        float *want = array(f, prefix, p->name, p->count);
        snprintf(what, sizeof what, "%s: %s", name, p->name);
        compare(f, s, what, got + p->offset, want, p->count, tolerance);
        free(want);
    }
    free(got);
    free(losses);
    e->ops->release(e, m);
    e->ops->release(e, v);
    release_training(&b, s);
}

static int list_subjects(struct subject *list)
{
    static const char *const isas[] = {"baseline", "neon", "avx2", "avx512"};
    int count = 0;
    unet_error err;
    if (un_engine_reference_create(&list[count].engine, &err))
        fail_msg("%s", err.text);
    snprintf(list[count++].name, sizeof list->name, "reference");
    const char *wanted = getenv("UNET_ENGINE");
    if (wanted && !strcmp(wanted, un_far.name)) { /* far alone: what it works with is tested else */
        if (un_far.create(0, 2, &list[count].engine, &err))
            fail_msg("%s", err.text);
        snprintf(list[count++].name, sizeof list->name, "far");
        return count;
    }
    for (int i = 0; i < 8; i++) { /* each by tiles of Winograd's and directly */
        const char *isa = isas[i / 2];
        snprintf(list[count].name, sizeof list->name, "%s%s", isa, i % 2 ? ", exact" : "");
        if (un_engine_cpu_create(isa, 2, &list[count].engine, &err)) {
            print_message("skipped: %s\n", err.text);
            continue;
        }
        list[count++].engine->exact = i % 2;
    }
    return count;
}

static void test_against_pytorch(void **state)
{
    (void)state;
    struct subject subjects[9];
    int subject_count = list_subjects(subjects), fixtures = 0;
    DIR *folder = opendir(TEST_FIXTURES);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct fixture f;
        if (strncmp(entry->d_name, "unet_", 5))
            continue;
        fixtures++;
        open_fixture(&f, entry->d_name);
        for (int i = 0; i < subject_count; i++) {
            check_logits(&f, &subjects[i]);
            check_gradients(&f, &subjects[i]);
            check_optimizer(&f, &subjects[i], "sgd");
            check_optimizer(&f, &subjects[i], "adam");
            check_optimizer(&f, &subjects[i], "adamw");
        }
        un_safetensors_release(&f.file);
    }
    closedir(folder);
    assert_int_equal(fixtures, 11);
    for (int i = 0; i < subject_count; i++)
        subjects[i].engine->ops->free(subjects[i].engine);
}

/* The gradients of one step on random numbers. */
static float *smooth_gradients(const struct un_graph *graph, struct un_engine *engine)
{
    unet_error err;
    struct un_network net;
    float *values = malloc(graph->values * sizeof *values);
    for (int i = 0; i < graph->param_count; i++) {
        const struct un_param *p = &graph->params[i];
        double size = p->fan_in > 0 ? sqrt(1.0 / p->fan_in) : 0.1;
        for (size_t j = p->offset; j < p->offset + p->count; j++)
            values[j] = p->initial + (float)size * un_rng_normal(1, j);
    }
    if (un_network_create(&net, engine, graph, UN_TRAIN, values, &err))
        fail_msg("%s", err.text);
    struct un_tensor in = un_network_input(&net), d = un_network_output_gradient(&net);
    size_t ins = (size_t)in.shape.n * in.shape.h * in.shape.w * in.shape.c;
    size_t outs = (size_t)d.shape.n * d.shape.h * d.shape.w * d.shape.c;
    float *numbers = malloc((ins + outs) * sizeof *numbers);
    for (size_t i = 0; i < ins + outs; i++)
        numbers[i] = un_rng_normal(2, i);
    engine->ops->upload(engine, in, numbers);
    un_network_forward(&net, 0);
    engine->ops->upload(engine, d, numbers + ins);
    un_network_backward(&net, 0);
    float *gradients = bring(engine, net.gradients, graph->trainable);
    un_network_release(&net);
    free(values);
    free(numbers);
    return gradients;
}

#define SAME .padding = UNET_PADDING_SAME
#define SMOOTH .act = UNET_ACT_LEAKY_RELU, .leaky_slope = 0.999f

/* Every field of a spec, in networks too large for fixtures. */
static const struct {
    unet_spec spec;
    int n, h, w;
} smooth_cases[] = {
    {{.in_channels = 1, 2, 20, 2, SMOOTH}, 1, 60, 76},
    {{.in_channels = 3, 3, 12, 3, SAME, SMOOTH}, 2, 45, 38},
    {{.in_channels = 2, 2, 16, 2, SAME, .norm = UNET_NORM_BATCH, .up = UNET_UP_BILINEAR, SMOOTH},
     2,
     36,
     50},
    {{.in_channels = 1, 1, 40, 1, .up = UNET_UP_BILINEAR, SMOOTH}, 1, 38, 46},
    {{.in_channels = 2,
      2,
      12,
      2,
      SAME,
      .norm = UNET_NORM_INSTANCE,
      .norm_epsilon = 1e-3f,
      .bias = UNET_BIAS_ALWAYS,
      SMOOTH},
     2,
     37,
     30},
    {{.in_channels = 1,
      2,
      18,
      2,
      .norm = UNET_NORM_GROUP,
      .groups = 3,
      .concat = UNET_CONCAT_SKIP_UP,
      SMOOTH},
     2,
     60,
     68},
    {{.in_channels = 1,
      3,
      16,
      2,
      SAME,
      .norm = UNET_NORM_BATCH,
      .norm_order = UNET_ACT_FIRST,
      .up_act = 1,
      .up_norm = 1,
      .concat = UNET_CONCAT_SKIP_UP,
      SMOOTH},
     2,
     33,
     40},
    {{.in_channels = 1,
      2,
      14,
      2,
      SAME,
      .norm = UNET_NORM_GROUP,
      .groups = 7,
      .norm_order = UNET_ACT_FIRST,
      .up = UNET_UP_NEAREST,
      .up_conv = UNET_UP_CONV3X3,
      .up_norm = 1,
      .up_act = 1,
      SMOOTH},
     2,
     31,
     34},
    {{.in_channels = 2,
      1,
      17,
      3,
      SAME,
      .up = UNET_UP_BILINEAR,
      .align_corners = 1,
      .convs = 1,
      .bias = UNET_BIAS_NEVER,
      SMOOTH},
     1,
     50,
     43},
    {{.in_channels = 1,
      2,
      16,
      2,
      SAME,
      .norm = UNET_NORM_BATCH,
      .up = UNET_UP_BILINEAR,
      .align_corners = 1,
      .up_conv = UNET_UP_NO_CONV,
      .concat = UNET_CONCAT_SKIP_UP,
      .channels = {{{16, 16}, {32, 32}, {32, 32}}, {{16, 16}, {32, 16}}, {0}},
      SMOOTH},
     2,
     41,
     32},
    {{.in_channels = 1,
      2,
      12,
      2,
      .up = UNET_UP_BILINEAR,
      .up_conv = UNET_UP_CONV3X3,
      .single_act = 1,
      SMOOTH},
     1,
     64,
     72},
    {{.in_channels = 1, 2, 12, 2, .up = UNET_UP_NEAREST, .up_act = 1, SMOOTH}, 1, 60, 68},
    {{.in_channels = 1,
      2,
      10,
      3,
      SAME,
      .up_act = 1,
      .concat = UNET_CONCAT_SKIP_UP,
      .channels = {{{7, 11}, {20, 18}, {33, 16}, {30, 40}},
                   {{9, 21}, {17, 15}, {16, 35}},
                   {19, 5, 24}},
      SMOOTH},
     2,
     48,
     40},
};

static void test_smooth(void **state)
{
    (void)state;
    struct subject subjects[9];
    int count = list_subjects(subjects);
    for (size_t c = 0; c < sizeof smooth_cases / sizeof *smooth_cases; c++) {
        struct fixture f = {.spec = smooth_cases[c].spec};
        char name[24];
        snprintf(name, sizeof name, "smooth %zu", c);
        f.name = name;
        unet_error err;
        un_graph_build(&f.graph, &f.spec);
        if (un_graph_size(&f.graph, smooth_cases[c].n, smooth_cases[c].h, smooth_cases[c].w, &err))
            fail_msg("%s", err.text);
        float *want = smooth_gradients(&f.graph, subjects[0].engine);
        for (int i = 1; i < count; i++) {
            float *got = smooth_gradients(&f.graph, subjects[i].engine);
            compare_gradients(&f, &subjects[i], got, want);
            free(got);
        }
        free(want);
    }
    for (int i = 0; i < count; i++)
        subjects[i].engine->ops->free(subjects[i].engine);
}

static bool no_parts(struct un_engine *e, const struct un_conv *c)
{
    (void)e;
    (void)c;
    return false;
}

/* The logits of h x w random pixels, with memory planned for side x side; bytes of that. */
static float *random_logits(struct un_graph *graph, struct un_engine *engine, int side, int h,
                            int w, float *values, size_t *bytes)
{
    unet_error err;
    struct un_network net;
    if (un_graph_size(graph, 1, side, side, &err) ||
        un_network_create(&net, engine, graph, UN_PREDICT, values, &err) ||
        un_network_size(&net, 1, h, w, &err))
        fail_msg("%s", err.text);
    *bytes = un_network_bytes(&net.graph, &net.plan);
    struct un_tensor in = un_network_input(&net), out = un_network_output(&net);
    size_t ins = (size_t)h * w * in.shape.c;
    size_t outs = (size_t)out.shape.h * out.shape.w * out.shape.c;
    float *input = malloc(ins * sizeof *input), *got = malloc(outs * sizeof *got);
    for (size_t i = 0; i < ins; i++)
        input[i] = un_rng_normal(3, i);
    engine->ops->upload(engine, in, input);
    un_network_forward(&net, 0);
    engine->ops->download(engine, got, out);
    un_network_release(&net);
    free(input);
    return got;
}

/* One network with and without pooling and crop in the convolutions: the same bits, less memory. */
static void check_parts(const struct subject *s, struct un_graph *graph, int side, int h, int w)
{
    const struct un_engine_ops *ops = s->engine->ops;
    struct un_engine_ops whole = *ops;
    size_t less, bytes;
    float *values = malloc(graph->values * sizeof *values);
    for (size_t i = 0; i < graph->values; i++)
        values[i] = 0.5f * un_rng_normal(1, i);
    for (int i = 0; i < graph->param_count; i++)
        if (strstr(graph->params[i].name, "running_var"))
            for (size_t j = 0; j < graph->params[i].count; j++)
                values[graph->params[i].offset + j] = 1 + (float)j;
    whole.conv_parts = no_parts;
    float *got = random_logits(graph, s->engine, side, h, w, values, &less);
    s->engine->ops = &whole;
    float *want = random_logits(graph, s->engine, side, h, w, values, &bytes);
    s->engine->ops = ops;
    un_graph_size(graph, 1, h, w, NULL);
    struct un_shape out = un_graph_value(graph, graph->node_count);
    if (memcmp(got, want, (size_t)out.h * out.w * out.c * sizeof *got))
        fail_msg("%s: %d x %d: pooling in the convolution changes the logits", s->name, h, w);
    /* a padded network has no crop, and its largest moment is elsewhere */
    bool exact = !by_tiles(s) && strcmp(ops->name, "reference");
    bool crops = !exact && graph->spec.padding == UNET_PADDING_VALID;
    if (crops ? less >= bytes : less > bytes)
        fail_msg("%s: %zu bytes with pooling in the convolution, else %zu", s->name, less, bytes);
    free(values);
    free(got);
    free(want);
}

static void test_parts(void **state)
{
    static const unet_spec specs[] = {
        {.in_channels = 1,
         .classes = 2,
         .width = 16,
         .depth = 2,
         .padding = UNET_PADDING_VALID,
         .norm = UNET_NORM_NONE,
         .up = UNET_UP_TRANSPOSE,
         .act = UNET_ACT_RELU,
         .leaky_slope = 0},
        {.in_channels = 2,
         .classes = 1,
         .width = 20,
         .depth = 3,
         .padding = UNET_PADDING_VALID,
         .norm = UNET_NORM_BATCH,
         .up = UNET_UP_BILINEAR,
         .act = UNET_ACT_LEAKY_RELU,
         .leaky_slope = 0.1f,
         .dropout = 0.5f},
        {.in_channels = 3,
         .classes = 3,
         .width = 17,
         .depth = 3,
         .padding = UNET_PADDING_SAME,
         .norm = UNET_NORM_BATCH,
         .up = UNET_UP_TRANSPOSE,
         .act = UNET_ACT_RELU,
         .leaky_slope = 0},
        {.in_channels = 1,
         .classes = 2,
         .width = 8,
         .depth = 2,
         .padding = UNET_PADDING_SAME,
         .norm = UNET_NORM_NONE,
         .up = UNET_UP_BILINEAR,
         .act = UNET_ACT_RELU,
         .leaky_slope = 0},
    };
    struct subject subjects[9];
    (void)state;
    int count = list_subjects(subjects);
    for (size_t c = 0; c < sizeof specs / sizeof *specs; c++) {
        struct un_graph graph;
        un_graph_build(&graph, &specs[c]);
        int side = un_fit_input(&graph, 141), h = un_fit_input(&graph, 101);
        for (int i = slow_machine() ? 1 : 0; i < count; i++) {
            if (by_tiles(&subjects[i]))
                check_parts(&subjects[i], &graph, side, side, side);
            check_parts(&subjects[i], &graph, side, h, un_fit_input(&graph, 1));
        }
    }
    for (int i = 0; i < count; i++)
        subjects[i].engine->ops->free(subjects[i].engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_pytorch),
                                       cmocka_unit_test(test_parts), cmocka_unit_test(test_smooth)};
    return cmocka_run_group_tests_name("network against PyTorch", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_network_large.c - networks too large for fixtures, against the reference engine */
#include "network_subjects.h"

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
    {{.in_channels = 1,
      3,
      12,
      3,
      SAME,
      .norm = UNET_NORM_INSTANCE,
      .bias = UNET_BIAS_ALWAYS,
      .down = UNET_DOWN_CONV,
      .widest = 40,
      SMOOTH},
     2,
     48,
     56},
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
    {{.in_channels = 3,
      2,
      18,
      2,
      SAME,
      .norm = UNET_NORM_INSTANCE,
      .norm_plain = 1,
      .norm_order = UNET_BEFORE_CONV,
      .bias = UNET_BIAS_NEVER, /* norms all but take them away where slopes are nearly 1 */
      .up = UNET_UP_BILINEAR,
      SMOOTH},
     2,
     52,
     44},
    {{.in_channels = 3, /* the scale of one alone all but makes no difference */
      2,
      16,
      2,
      SAME,
      .norm = UNET_NORM_GROUP,
      .groups = 8,
      .norm_order = UNET_BEFORE_CONV,
      .bias = UNET_BIAS_NEVER,
      .concat = UNET_CONCAT_SKIP_UP,
      SMOOTH},
     2,
     36,
     40},
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

/* ---- values that are made twice: the same bits, in less memory ---- */

#define DEEP .in_channels = 1, .classes = 2, .width = 12, .depth = 3, SAME
static const unet_spec deep_cases[] = {
    {DEEP},
    {DEEP, .norm = UNET_NORM_BATCH, .dropout = 0.4f},
    {DEEP, .norm = UNET_NORM_INSTANCE, .dropout = 0.2f},
    {DEEP, .norm = UNET_NORM_INSTANCE, .down = UNET_DOWN_CONV, .residual = 1},
    {.in_channels = 1, .classes = 2, .width = 12, .depth = 3},
    {DEEP, .norm = UNET_NORM_INSTANCE, .down = UNET_DOWN_CONV, .family = UNET_FAMILY_MONAI,
     .units = 2, .act = UNET_ACT_PRELU},
    {.in_channels = 3,
     .classes = 2,
     .width = 8,
     .depth = 4,
     SAME,
     .norm = UNET_NORM_BATCH,
     .up = UNET_UP_NEAREST,
     .up_conv = UNET_UP_NO_CONV,
     .down = UNET_DOWN_CONV,
     .residual = UNET_RESIDUAL_RESNET},
};

/* Gradients with and without; returns the bytes of both. */
static void check_recomputed(struct un_graph *graph, const struct subject *s, const char *what,
                             size_t bytes[2])
{
    float *got[2];
    for (int k = 0; k < 2; k++) {
        struct un_plan plan;
        graph->recompute = k;
        assert_int_equal(un_plan_make(&plan, graph, s->engine, UN_TRAIN, NULL), UNET_OK);
        bytes[k] = plan.arena_bytes;
        got[k] = smooth_gradients(graph, s->engine);
    }
    graph->recompute = false;
    if (memcmp(got[0], got[1], graph->trainable * sizeof *got[0]))
        fail_msg("%s on %s: other gradients when values are made again", what, s->name);
    free(got[0]);
    free(got[1]);
}

static void test_recomputed(void **state)
{
    const size_t smooth = sizeof smooth_cases / sizeof *smooth_cases;
    const size_t deep = sizeof deep_cases / sizeof *deep_cases;
    struct subject subjects[9];
    int count = list_subjects(subjects);
    (void)state;
    for (size_t c = 0; c < smooth + deep; c++) {
        const bool large = c >= smooth;
        const unet_spec spec = large ? deep_cases[c - smooth] : smooth_cases[c].spec;
        const int h = large ? spec.padding ? 96 : 140 : smooth_cases[c].h;
        struct un_graph graph;
        char what[24];
        unet_error err;
        size_t bytes[2];
        snprintf(what, sizeof what, "%s %zu", large ? "deep" : "smooth", large ? c - smooth : c);
        un_graph_build(&graph, &spec);
        if (un_graph_size(&graph, large ? 1 : smooth_cases[c].n, h, large ? h : smooth_cases[c].w,
                          &err))
            fail_msg("%s: %s", what, err.text);
        for (int i = 1; i < count; i++) {
            check_recomputed(&graph, &subjects[i], what, bytes);
            if (large && bytes[1] > bytes[0] * (spec.norm ? 80 : 90) / 100)
                fail_msg("%s on %s: %zu bytes when values are made again, else %zu", what,
                         subjects[i].name, bytes[1], bytes[0]);
        }
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_smooth),
        cmocka_unit_test(test_recomputed),
    };
    return cmocka_run_group_tests_name("large networks", tests, NULL, NULL);
}

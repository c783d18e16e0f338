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
#include "network_subjects.h"

#include "unet_fields.h"

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

/* Fields that are not in the metadata are 0. */
static unet_spec fixture_spec(const struct fixture *f)
{
    unet_spec spec = {.size = sizeof spec};
    const unet_field *field;
    unet_error err;
    for (int i = 0; (field = unet_spec_field(i)); i++) {
        const char *text = un_safetensors_metadata(&f->file, field->name);
        if (text &&
            unet_spec_set(&spec, field->name, strcmp(text, "leaky") ? text : "leaky_relu", &err))
            fail_msg("%s: %s", f->name, err.text);
    }
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

static void test_against_pytorch(void **state)
{
    (void)state;
    struct subject subjects[9];
    int subject_count = list_subjects(subjects), fixtures = 0;
    DIR *folder = opendir(TEST_FIXTURES);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct fixture f;
        if (strncmp(entry->d_name, "unet_", 5) && strncmp(entry->d_name, "variant_", 8))
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
    assert_int_equal(fixtures, 48);
    for (int i = 0; i < subject_count; i++)
        subjects[i].engine->ops->free(subjects[i].engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_pytorch),
    };
    return cmocka_run_group_tests_name("network against PyTorch", tests, NULL, NULL);
}

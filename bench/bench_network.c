/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_network - how fast whole networks run: prediction, and steps of training
 *
 *   bench_network [--network paper|milesial|small] [--train] [--threads N] [--isa NAME]
 *                 [--repeats N]
 *   bench_network --recompute [--network NAME] [--threads N] [--isa NAME] [--repeats N]
 *   bench_network --serve --model FILE --side N --input FILE [--labels FILE] [--train] ...
 *
 * Alone, it makes random weights and an image, runs the network (without --network: each of them,
 * both ways) and prints the median of the repeats in milliseconds, GFLOP/s by the direct count of
 * multiply-adds, and the peak of its memory.  A prediction goes from an image in ordinary memory to
 * logits in ordinary memory; a step of training is forward, cross-entropy, backward, check for
 * values that are not finite, Adam.
 *
 * With --recompute, of networks of its own (all, or NAME): the arena of a step without and with
 * maps that are made twice, which needs no run, and the processor time of a step of either by
 * turns, median of the repeats in milliseconds; by one thread, where --threads says no other.
 *
 * With --serve it is the worker for bench/networks.py: weights from a model file, the image as raw
 * float32 [C][side][side], labels as raw bytes.  It says "ready", its version, its instruction set
 * and the GFLOP of a run, then answers each line of its standard input with one line:
 *
 *   run          milliseconds, and for training the loss
 *   logits FILE  writes those of the last run as raw float32 [K][h][w]; "ok"
 *   memory       the most memory the process ever held, MiB
 *   quit
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/choose.h"
#include "model/model.h"
#include "net/run.h"

struct network {
    const char *name;
    unet_spec spec;
    int side, batch;
};

static const struct network networks[] = {
    {"paper", {.in_channels = 1, .classes = 2, .width = 64, .depth = 4}, 572, 1},
    {"milesial",
     {.in_channels = 3,
      .classes = 2,
      .width = 64,
      .depth = 4,
      .padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_BATCH},
     512,
     1},
    {"small",
     {.in_channels = 1, .classes = 2, .width = 16, .depth = 4, .padding = UNET_PADDING_SAME},
     512,
     1},
};

#define NETWORKS ((int)(sizeof networks / sizeof *networks))

#define TWO .in_channels = 1, .classes = 2

/* of which the memory of training is told */
static const struct network trained[] = {
    {"paper", {TWO, .width = 64, .depth = 4}, 572, 1},
    {"paper-batch-norm", {TWO, .width = 64, .depth = 4, .norm = UNET_NORM_BATCH}, 572, 1},
    {"auto",
     {TWO, .width = 16, .depth = 4, .padding = UNET_PADDING_SAME, .norm = UNET_NORM_INSTANCE},
     192,
     1},
    {"width-32",
     {TWO, .width = 32, .depth = 4, .padding = UNET_PADDING_SAME, .norm = UNET_NORM_INSTANCE},
     512,
     2},
    {"width-64", {TWO, .width = 64, .depth = 4, .padding = UNET_PADDING_SAME}, 512, 1},
    {"nnunet-resenc",
     {TWO, .width = 32, .widest = 512, .depth = 6, .padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_INSTANCE, .act = UNET_ACT_LEAKY_RELU, .leaky_slope = 0.01f,
      .bias = UNET_BIAS_ALWAYS, .convs = 1, .down = UNET_DOWN_CONV,
      .residual = UNET_RESIDUAL_NNUNET},
     512,
     12},
};

#define TRAINED ((int)(sizeof trained / sizeof *trained))

enum {
    MOST_REPEATS = 101,
    MOST_TIMED = 2 /* batches that --recompute runs: larger ones take minutes and all memory */
};

struct options {
    const char *network, *model, *input, *labels, *isa;
    int side, batch, threads, repeats;
    bool train, predict, serve, recompute;
    float rate;
};

/* A network with all that its passes read and write. */
struct bench {
    unet_model *model;
    struct un_engine *e;
    struct un_network network;
    struct un_shape in, out;
    float *image, *logits; /* on the host: [H][W][C] */
    /* training, in engine memory */
    uint8_t *labels;
    float *weights, *moment, *square;
    double *result;
    uint64_t *bad;
    long step;
};

static void fail(const char *what)
{
    fprintf(stderr, "bench_network: %s\n", what);
    exit(1);
}

static void check(unet_code code, const unet_error *err)
{
    if (code)
        fail(err->text);
}

static void *need(void *memory)
{
    if (!memory)
        fail("not enough memory");
    return memory;
}

static void read_raw(const char *path, void *to, size_t bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file || fread(to, 1, bytes, file) != bytes || fgetc(file) != EOF) {
        fprintf(stderr, "bench_network: %s: wanted a file of %zu bytes\n", path, bytes);
        exit(1);
    }
    fclose(file);
}

static double milliseconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static double now(void)
{
    return milliseconds(CLOCK_MONOTONIC);
}

/* From here on, the peak is that of what comes. */
static void forget_peak_memory(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file && fputs("5", file) >= 0)
        fclose(file);
}

static double peak_memory(void)
{
    char line[256];
    double kib = 0;
    FILE *file = need(fopen("/proc/self/status", "r"));
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %lf", &kib) == 1)
            break;
    fclose(file);
    return kib / 1024;
}

/* The image: from a file of planes [C][H][W], or random. */
static void fill_image(struct bench *b, const char *path)
{
    size_t pixels = (size_t)b->in.n * (size_t)b->in.h * (size_t)b->in.w, c = (size_t)b->in.c;
    float *planes = need(malloc(pixels * c * sizeof *planes));
    unsigned state = 1;
    for (size_t i = 0; i < pixels * c; i++) {
        state = state * 1664525u + 1013904223u;
        planes[i] = (float)(state >> 8) * 0x1p-24f;
    }
    if (path)
        read_raw(path, planes, pixels * c * sizeof *planes);
    for (size_t i = 0; i < pixels; i++)
        for (size_t k = 0; k < c; k++)
            b->image[i * c + k] = planes[k * pixels + i];
    free(planes);
}

static void write_logits(const struct bench *b, const char *path)
{
    size_t pixels = (size_t)b->out.h * (size_t)b->out.w, c = (size_t)b->out.c;
    FILE *file = fopen(path, "wb");
    if (!file)
        fail("cannot write the logits");
    for (size_t k = 0; k < c; k++)
        for (size_t i = 0; i < pixels; i++)
            fwrite(&b->logits[i * c + k], sizeof(float), 1, file);
    if (fclose(file))
        fail("cannot write the logits");
}

static void setup_training(struct bench *b, const char *labels_path)
{
    const struct un_engine_ops *ops = b->e->ops;
    size_t pixels = (size_t)b->out.n * (size_t)b->out.h * (size_t)b->out.w;
    size_t trainable = b->network.graph.trainable * sizeof(float);
    uint8_t *labels = need(malloc(pixels));
    float *weights = need(malloc(pixels * sizeof *weights));
    for (size_t i = 0; i < pixels; i++) {
        labels[i] = (uint8_t)(i / 7 % (size_t)b->out.c);
        weights[i] = 1;
    }
    if (labels_path)
        read_raw(labels_path, labels, pixels);
    b->labels = need(ops->alloc(b->e, pixels));
    b->weights = need(ops->alloc(b->e, pixels * sizeof(float)));
    b->moment = need(ops->alloc(b->e, trainable));
    b->square = need(ops->alloc(b->e, trainable));
    b->result = need(ops->alloc(b->e, 2 * sizeof(double)));
    b->bad = need(ops->alloc(b->e, sizeof(uint64_t)));
    ops->put(b->e, b->labels, labels, pixels);
    ops->put(b->e, b->weights, weights, pixels * sizeof(float));
    free(labels);
    free(weights);
}

static struct un_engine *make_engine(const struct options *o)
{
    struct un_engine *e;
    unet_error err;
    if (o->isa)
        check(un_engine_cpu_create(o->isa, o->threads, &e, &err), &err);
    else
        check(un_engine_choose(o->threads, &e, &err), &err);
    return e;
}

/* Takes the model. */
static struct bench setup(unet_model *model, int side, const struct options *o)
{
    struct bench b = {.model = model};
    struct un_graph graph = model->graph;
    unet_error err;
    check(un_graph_size(&graph, o->batch, side, side, &err), &err);
    graph.recompute = o->train && o->recompute;
    b.e = make_engine(o);
    check(un_network_create(&b.network, b.e, &graph, o->train ? UN_TRAIN : UN_PREDICT,
                            model->values, &err),
          &err);
    b.in = un_network_input(&b.network).shape;
    b.out = un_network_output(&b.network).shape;
    b.image =
        need(malloc((size_t)b.in.n * (size_t)b.in.h * (size_t)(b.in.w * b.in.c) * sizeof(float)));
    b.logits = need(
        malloc((size_t)b.out.n * (size_t)b.out.h * (size_t)(b.out.w * b.out.c) * sizeof(float)));
    fill_image(&b, o->input);
    if (o->train)
        setup_training(&b, o->labels);
    return b;
}

static void teardown(struct bench *b)
{
    void *all[] = {b->labels, b->weights, b->moment, b->square, b->result, b->bad};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        b->e->ops->release(b->e, all[i]);
    un_network_release(&b->network);
    b->e->ops->free(b->e);
    unet_model_free(b->model);
    free(b->image);
    free(b->logits);
}

static void predict(struct bench *b)
{
    const struct un_engine_ops *ops = b->e->ops;
    unet_error err;
    ops->upload(b->e, un_network_input(&b->network), b->image);
    un_network_forward(&b->network, 0);
    ops->download(b->e, b->logits, un_network_output(&b->network));
    check(ops->finish(b->e, &err), &err);
}

static const unet_loss cross_entropy = {.pixel = 1, .pos_weight = 1, .smooth = 1};

/* Returns the loss before the update. */
static double train(struct bench *b, float rate)
{
    const struct un_engine_ops *ops = b->e->ops;
    struct un_network *n = &b->network;
    double result[2];
    uint64_t bad;
    unet_error err;
    ops->upload(b->e, un_network_input(n), b->image);
    un_network_forward(n, 0);
    ops->loss(b->e, un_network_output(n), b->labels, b->weights, &cross_entropy, b->result,
              un_network_output_gradient(n));
    un_network_backward(n, 0);
    ops->count_nonfinite(b->e, n->gradients, n->graph.trainable, b->bad);
    ops->get(b->e, result, b->result, sizeof result);
    ops->get(b->e, &bad, b->bad, sizeof bad);
    if (bad)
        fail("a gradient is not finite");
    ops->adam_step(b->e, n->graph.trainable, n->values, n->gradients, b->moment, b->square, rate,
                   0.9f, 0.999f, 1e-8f, 0, false, ++b->step);
    check(ops->finish(b->e, &err), &err);
    return result[0] / result[1];
}

/* Returns milliseconds. */
static double run(struct bench *b, const struct options *o, double *loss)
{
    double start = now();
    if (o->train)
        *loss = train(b, o->rate);
    else
        predict(b);
    return now() - start;
}

/* By direct count.  Training has three passes a layer, but none for the gradient of the image. */
static double count_flops(const struct un_graph *graph, bool training)
{
    double flops = 0;
    for (int i = 0; i < graph->node_count; i++) {
        int passes = !training ? 1 : graph->nodes[i].src[0] == 0 ? 2 : 3;
        flops += 2.0 * passes * (double)un_graph_macs(graph, &graph->nodes[i]);
    }
    return flops;
}

static void serve(const struct options *o)
{
    unet_model *model;
    unet_error err;
    char line[4096];
    double loss = 0;
    if (!o->model || !o->side)
        fail("--serve needs --model and --side");
    check(unet_model_load(o->model, &model, &err), &err);
    struct bench b = setup(model, o->side, o);
    printf("ready %s %s %.1f\n", UNET_VERSION, o->isa ? o->isa : un_cpu_isa(),
           1e-9 * count_flops(&b.network.graph, o->train));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) && strcmp(line, "quit\n")) {
        line[strcspn(line, "\n")] = 0;
        if (!strcmp(line, "run")) {
            printf("%.3f", run(&b, o, &loss));
            printf(o->train ? " %.9g\n" : "\n", loss);
        } else if (!strncmp(line, "logits ", 7)) {
            write_logits(&b, line + 7);
            printf("ok\n");
        } else if (!strcmp(line, "memory")) {
            printf("%.1f\n", peak_memory());
        } else {
            fail("the commands are run, logits FILE, memory, quit");
        }
        fflush(stdout);
    }
    teardown(&b);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const struct network *network, const struct options *o)
{
    unet_model *model;
    unet_error err;
    double times[MOST_REPEATS], loss = 0;
    forget_peak_memory();
    check(unet_model_create(&network->spec, 1, &model, &err), &err);
    struct bench b = setup(model, network->side, o);
    run(&b, o, &loss);
    for (int i = 0; i < o->repeats; i++)
        times[i] = run(&b, o, &loss);
    qsort(times, (size_t)o->repeats, sizeof *times, by_size);
    double flops = count_flops(&b.network.graph, o->train), median = times[o->repeats / 2];
    printf("%-9s %-8s %7d %9.1f %9.1f %9.1f %8.1f %7.1f %9.0f\n", network->name,
           o->train ? "train" : "predict", b.e->threads, median, times[0], times[o->repeats - 1],
           1e-9 * flops, 1e-6 * flops / median, peak_memory());
    fflush(stdout);
    teardown(&b);
}

static void measure_all(struct options o)
{
    bool found = false, train = o.train || !o.predict, predicts = o.predict || !o.train;
    printf("%s\n", o.isa ? o.isa : un_cpu_isa());
    printf("network   pass     threads median ms  shortest   longest    GFLOP GFLOP/s  peak MiB\n");
    for (int i = 0; i < NETWORKS; i++) {
        if (o.network && strcmp(o.network, networks[i].name))
            continue;
        found = true;
        o.train = false;
        if (predicts)
            measure(&networks[i], &o);
        o.train = true;
        if (train)
            measure(&networks[i], &o);
    }
    if (!found)
        fail("the networks are paper, milesial, small");
}

/* Of a step: what its maps, gradients and workspaces take, in MiB. */
static double arena_of(const struct network *network, struct options o, bool recompute)
{
    struct un_graph graph;
    struct un_plan plan;
    struct un_engine *e = make_engine(&o);
    unet_error err;
    un_graph_build(&graph, &network->spec);
    check(un_graph_size(&graph, network->batch, network->side, network->side, &err), &err);
    graph.recompute = recompute;
    check(un_plan_make(&plan, &graph, e, UN_TRAIN, &err), &err);
    e->ops->free(e);
    return (double)plan.arena_bytes / (1 << 20);
}

/* Processor time of a step without and with maps that are made twice: medians. */
static void time_steps(const struct network *network, struct options o, double medians[2])
{
    struct bench b[2];
    double times[2][MOST_REPEATS], loss[2];
    unet_error err;
    o.train = true;
    o.batch = network->batch;
    for (int k = 0; k < 2; k++) {
        unet_model *model;
        o.recompute = k;
        check(unet_model_create(&network->spec, 1, &model, &err), &err);
        b[k] = setup(model, network->side, &o);
    }
    for (int i = -1; i < o.repeats; i++) {
        for (int k = 0; k < 2; k++) {
            double start = milliseconds(CLOCK_PROCESS_CPUTIME_ID);
            run(&b[k], &o, &loss[k]);
            times[k][i < 0 ? 0 : i] = milliseconds(CLOCK_PROCESS_CPUTIME_ID) - start;
        }
        if (loss[0] != loss[1])
            fail("maps that were made again give another loss");
    }
    for (int k = 0; k < 2; k++) {
        qsort(times[k], (size_t)o.repeats, sizeof *times[k], by_size);
        medians[k] = times[k][o.repeats / 2];
        teardown(&b[k]);
    }
}

static void compare_recomputed(struct options o)
{
    bool found = false;
    o.threads = o.threads ? o.threads : 1;
    printf("%s\n", o.isa ? o.isa : un_cpu_isa());
    printf("network          side batch arena MiB   again share  step ms    again\n");
    for (int i = 0; i < TRAINED; i++) {
        const struct network *n = &trained[i];
        if (o.network && strcmp(o.network, n->name))
            continue;
        found = true;
        double once = arena_of(n, o, false), again = arena_of(n, o, true), times[2];
        printf("%-16s %4d %5d %9.0f %7.0f %4.0f%%", n->name, n->side, n->batch, once, again,
               100 * again / once);
        fflush(stdout);
        if (n->batch <= MOST_TIMED) {
            time_steps(n, o, times);
            printf(" %8.0f %8.0f %+4.0f%%", times[0], times[1], 100 * (times[1] / times[0] - 1));
        }
        printf("\n");
        fflush(stdout);
    }
    if (!found)
        fail("the networks of --recompute are those of its table");
}

static bool parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool *flag = !strcmp(name, "--train")       ? &o->train
                     : !strcmp(name, "--predict")   ? &o->predict
                     : !strcmp(name, "--serve")     ? &o->serve
                     : !strcmp(name, "--recompute") ? &o->recompute
                                                    : NULL;
        const char **text = !strcmp(name, "--network")  ? &o->network
                            : !strcmp(name, "--model")  ? &o->model
                            : !strcmp(name, "--input")  ? &o->input
                            : !strcmp(name, "--labels") ? &o->labels
                            : !strcmp(name, "--isa")    ? &o->isa
                                                        : NULL;
        int *number = !strcmp(name, "--side")      ? &o->side
                      : !strcmp(name, "--threads") ? &o->threads
                      : !strcmp(name, "--repeats") ? &o->repeats
                                                   : NULL;
        if (flag)
            *flag = true;
        else if (!value || (!text && !number))
            return false;
        else if (text)
            *text = argv[++i];
        else
            *number = atoi(argv[++i]);
    }
    return o->repeats >= 1 && o->repeats <= MOST_REPEATS && o->threads >= 0;
}

int main(int argc, char **argv)
{
    struct options o = {.batch = 1, .repeats = 5, .rate = 1e-4f};
    if (!parse(&o, argc, argv)) {
        fprintf(stderr, "usage: bench_network [--network paper|milesial|small] [--predict] "
                        "[--train] [--threads N] [--isa NAME] [--repeats N]\n"
                        "       bench_network --recompute [--network NAME] [--threads N] "
                        "[--isa NAME] [--repeats N]\n");
        return 2;
    }
    if (o.serve)
        serve(&o);
    else if (o.recompute)
        compare_recomputed(o);
    else
        measure_all(o);
    return 0;
}

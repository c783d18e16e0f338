/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_network - how fast whole networks run: prediction, and steps of training
 *
 *   bench_network [--network paper|milesial|small|auto] [--train] [--threads N]
 *                 [--isa NAME] [--side N] [--batch N] [--repeats N]
 *   bench_network --serve --model FILE --side N --input FILE [--labels FILE] [--train] ...
 *
 * Alone, it makes random weights and an image, runs the network (without --network: each of them,
 * both ways) and prints the median of the repeats in milliseconds, GFLOP/s by the direct count of
 * multiply-adds, and the peak of its memory.  A prediction goes from an image in ordinary memory to
 * logits in ordinary memory; a step of training is forward, cross-entropy, backward, check for
 * values that are not finite, Adam.
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
#include "usual_networks.h"

const char *const program = "bench_network";

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

static void measure(const struct network *network, const struct options *o)
{
    unet_model *model;
    unet_error err;
    double times[MOST_REPEATS], loss = 0;
    forget_peak_memory();
    check(unet_model_create(&network->spec, 1, &model, &err), &err);
    struct bench b = setup(model, o->side ? o->side : network->side, o);
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
        fail("the networks are paper, milesial, small, auto");
}

int main(int argc, char **argv)
{
    struct options o = {.batch = 1, .repeats = 5, .rate = 1e-4f};
    if (!parse(&o, argc, argv)) {
        fprintf(stderr, "usage: bench_network [--network paper|milesial|small|auto] [--predict] "
                        "[--train] [--threads N] [--isa NAME] [--side N] [--batch N] "
                        "[--repeats N]\n");
        return 2;
    }
    if (o.serve)
        serve(&o);
    else
        measure_all(o);
    return 0;
}

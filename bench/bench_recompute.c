/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_recompute - what training saves by feature maps that are made twice, and what that takes
 *
 *   bench_recompute [--network NAME] [--threads N] [--isa NAME] [--repeats N]
 *
 * Of each network below, or of NAME: the arena of a step without and with, by its plan, which needs
 * no run, and the processor time of a step of either by turns, median of the repeats in
 * milliseconds; by one thread, where --threads says no other.  Their losses must be the same.
 */
#include "network_bench.h"

const char *const program = "bench_recompute";

#define TWO .in_channels = 1, .classes = 2

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

enum { MOST_TIMED = 2 /* batches that are run: larger ones take minutes and all memory */ };

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
        fail("the networks are those of its table");
}

int main(int argc, char **argv)
{
    struct options o = {.repeats = 5, .rate = 1e-4f};
    if (!parse(&o, argc, argv) || o.train || o.predict || o.serve || o.model || o.input ||
        o.labels || o.side) {
        fprintf(stderr, "usage: bench_recompute [--network NAME] [--threads N] [--isa NAME] "
                        "[--repeats N]\n");
        return 2;
    }
    compare_recomputed(o);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_kernels - how fast the CPU engine runs each convolution of the paper's network
 *
 *   bench_kernels [--isa NAME] [--threads N] [--layer TEXT] [--pass NAME] [--quick] [--best]
 * [--cpu]
 *
 * For each layer of the unpadded 572 x 572 network with 64 to 1024 channels, the three passes:
 * milliseconds (the median of repeats), GFLOP/s by the direct count of multiply-adds, and the share
 * of the machine's peak, which is measured before each layer with multiply-adds in registers on all
 * threads, and the error against the definition summed in double (kernel_error.h).  The last lines
 * sum the network up.
 *
 * --exact convolves directly; --tasks only counts the tasks that a layer is cut into.
 *
 * On a machine that others use, --best takes the shortest of the repeats, and --cpu --threads 1
 * counts the time the process ran instead of the time that passed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/kernels/kernels.h"
#include "cpu/winograd/winograd.h"
#include "engine/engine.h"
#include "kernel_error.h"

struct layer {
    const char *name;
    enum un_conv_kind kind;
    int side;  /* of the source, or of the frame's source when it is cropped */
    int in[2]; /* channels of the sources */
    int crop;  /* of the second source */
    int out;   /* channels */
};

static const struct layer layers[] = {
    {"enc0.0", UN_CONV3X3, 572, {1, 0}, 0, 64},
    {"enc0.1", UN_CONV3X3, 570, {64, 0}, 0, 64},
    {"enc1.0", UN_CONV3X3, 284, {64, 0}, 0, 128},
    {"enc1.1", UN_CONV3X3, 282, {128, 0}, 0, 128},
    {"enc2.0", UN_CONV3X3, 140, {128, 0}, 0, 256},
    {"enc2.1", UN_CONV3X3, 138, {256, 0}, 0, 256},
    {"enc3.0", UN_CONV3X3, 68, {256, 0}, 0, 512},
    {"enc3.1", UN_CONV3X3, 66, {512, 0}, 0, 512},
    {"mid.0", UN_CONV3X3, 32, {512, 0}, 0, 1024},
    {"mid.1", UN_CONV3X3, 30, {1024, 0}, 0, 1024},
    {"up3", UN_UPCONV2X2, 28, {1024, 0}, 0, 512},
    {"dec3.0", UN_CONV3X3, 56, {512, 512}, 4, 512},
    {"dec3.1", UN_CONV3X3, 54, {512, 0}, 0, 512},
    {"up2", UN_UPCONV2X2, 52, {512, 0}, 0, 256},
    {"dec2.0", UN_CONV3X3, 104, {256, 256}, 16, 256},
    {"dec2.1", UN_CONV3X3, 102, {256, 0}, 0, 256},
    {"up1", UN_UPCONV2X2, 100, {256, 0}, 0, 128},
    {"dec1.0", UN_CONV3X3, 200, {128, 128}, 40, 128},
    {"dec1.1", UN_CONV3X3, 198, {128, 0}, 0, 128},
    {"up0", UN_UPCONV2X2, 196, {128, 0}, 0, 64},
    {"dec0.0", UN_CONV3X3, 392, {64, 64}, 88, 64},
    {"dec0.1", UN_CONV3X3, 390, {64, 0}, 0, 64},
    {"out", UN_CONV1X1, 388, {64, 0}, 0, 2},
};

#define LAYERS ((int)(sizeof layers / sizeof *layers))

enum { MOST_REPEATS = 15 };

struct options {
    const char *isa, *layer, *pass;
    int threads;
    bool quick, cpu, best, exact, tasks;
};

/* All that the passes of one layer touch. */
struct bench {
    struct un_engine *e;
    struct un_conv conv;
    struct un_tensor ddst;
    struct un_gradient dsrc[2];
    float *dweight, *dbias;
    double flops;
};

/* seconds; with --cpu those that the process ran, so that a busy machine can be measured */
static double now(const struct options *o, int threads)
{
    struct timespec t;
    clock_gettime(o->cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec) / (o->cpu ? threads : 1);
}

static void *need(struct un_engine *e, size_t bytes)
{
    void *memory = e->ops->alloc(e, bytes);
    if (!memory) {
        fprintf(stderr, "bench_kernels: not enough memory\n");
        exit(1);
    }
    return memory;
}

static float *random_floats(struct un_engine *e, size_t count)
{
    float *x = need(e, count * sizeof *x);
    unsigned state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) * 0x1p-24f - 0.5f;
    }
    return x;
}

static struct un_tensor make_tensor(struct un_engine *e, enum un_layout layout, int side,
                                    int channels)
{
    struct un_tensor t = {.shape = {1, side, side, channels}, .layout = layout};
    if (channels)
        t.data = random_floats(e, e->ops->tensor_bytes(e, layout, t.shape) / sizeof(float));
    return t;
}

static struct bench setup(struct un_engine *e, const struct layer *l)
{
    const int taps = l->kind == UN_CONV3X3 ? 9 : l->kind == UN_UPCONV2X2 ? 4 : 1;
    const int side = l->kind == UN_CONV3X3 ? l->side - 2 : l->side * (taps == 4 ? 2 : 1);
    const enum un_layout src = l->in[0] == 1 ? UN_PIXELS : UN_FEATURES;
    const enum un_layout dst = l->kind == UN_CONV1X1 ? UN_PIXELS : UN_FEATURES;
    const size_t weights = (size_t)(l->in[0] + l->in[1]) * (size_t)(l->out * taps);
    struct bench b = {.e = e};
    b.conv.kind = l->kind;
    b.conv.act.kind = l->kind == UN_CONV3X3 ? UN_ACT_RELU : UN_ACT_NONE;
    for (int s = 0; s < 2; s++) {
        int crop = s ? l->crop : 0;
        b.conv.src[s].tensor = make_tensor(e, src, l->side + 2 * crop, l->in[s]);
        b.conv.src[s].top = b.conv.src[s].left = crop;
        b.dsrc[s].d = make_tensor(e, src, l->side + 2 * crop, l->in[s]);
        b.dsrc[s].y = b.conv.src[s].tensor;
        b.dsrc[s].act.kind = UN_ACT_RELU;
    }
    b.conv.dst = make_tensor(e, dst, side, l->out);
    b.ddst = make_tensor(e, dst, side, l->out);
    b.conv.weight = random_floats(e, weights);
    b.conv.bias = random_floats(e, (size_t)l->out);
    b.dweight = need(e, weights * sizeof(float));
    b.dbias = need(e, (size_t)l->out * sizeof(float));
    size_t most = 0;
    for (enum un_pass pass = 0; pass < 3; pass++) {
        size_t bytes = e->ops->conv_workspace(e, &b.conv, pass);
        most = bytes > most ? bytes : most;
        if (pass == UN_PASS_BACKWARD_WEIGHTS)
            continue;
        b.conv.packed[pass] = need(e, e->ops->conv_pack_bytes(e, &b.conv, pass));
        e->ops->conv_pack(e, &b.conv, pass);
    }
    e->workspace = need(e, most);
    double pixels = l->kind == UN_UPCONV2X2 ? (double)l->side * l->side : (double)side * side;
    b.flops = 2 * pixels * (double)weights;
    return b;
}

static void teardown(struct bench *b)
{
    struct un_engine *e = b->e;
    void *all[] = {b->conv.src[0].tensor.data,
                   b->conv.src[1].tensor.data,
                   b->dsrc[0].d.data,
                   b->dsrc[1].d.data,
                   b->conv.dst.data,
                   b->ddst.data,
                   (void *)b->conv.weight,
                   (void *)b->conv.bias,
                   b->conv.packed[0],
                   b->conv.packed[1],
                   b->dweight,
                   b->dbias,
                   e->workspace};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        e->ops->release(e, all[i]);
    e->workspace = NULL;
}

static void run_pass(struct bench *b, enum un_pass pass)
{
    const struct un_engine_ops *ops = b->e->ops;
    if (pass == UN_PASS_FORWARD)
        ops->conv_forward(b->e, &b->conv);
    else if (pass == UN_PASS_BACKWARD_WEIGHTS)
        ops->conv_backward_weights(b->e, &b->conv, b->ddst, b->dweight, b->dbias);
    else
        ops->conv_backward_data(b->e, &b->conv, b->ddst, b->dsrc);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_seconds(struct bench *b, enum un_pass pass, const struct options *o)
{
    double times[MOST_REPEATS], total = 0;
    int count = 0;
    if (!o->quick)
        run_pass(b, pass);
    while (count < (o->quick ? 1 : 5) || (!o->quick && total < 0.5 && count < MOST_REPEATS)) {
        double start = now(o, b->e->threads);
        run_pass(b, pass);
        times[count] = now(o, b->e->threads) - start;
        total += times[count++];
    }
    qsort(times, (size_t)count, sizeof *times, by_size);
    return times[o->best ? 0 : count / 2];
}

struct peak {
    const struct un_kernels *k;
    long rounds;
    _Atomic float sink;
};

static void peak_task(void *context, int index, int thread)
{
    struct peak *p = context;
    (void)index;
    (void)thread;
    p->sink = p->k->peak(p->rounds);
}

/* FLOP/s of multiply-adds in registers on all threads; the best of a few tries. */
static double measure_peak(struct un_engine *e, const struct un_kernels *k, const struct options *o)
{
    const int threads = e->threads;
    struct peak p = {k, 20000000 / k->peak_fmas * 4, 0};
    double best = 0;
    for (int i = 0; i < 5; i++) {
        double start = now(o, threads);
        un_pool_run(e->pool, e->threads, peak_task, &p);
        double rate = 2.0 * k->peak_fmas * (double)p.rounds * threads / (now(o, threads) - start);
        best = rate > best ? rate : best;
    }
    return best;
}

/* Into how many tasks each 3x3 layer by tiles is cut, for any number of threads. */
static void print_tasks(struct un_engine *e)
{
    printf("%-8s %8s %8s %8s   tasks\n", "layer", "forward", "data", "weights");
    for (int i = 0; i < LAYERS; i++) {
        struct bench b = setup(e, &layers[i]);
        if (un_winograd_takes(e, &b.conv))
            printf("%-8s %8d %8d %8d\n", layers[i].name,
                   un_winograd_tasks(e, &b.conv, UN_PASS_FORWARD),
                   un_winograd_tasks(e, &b.conv, UN_PASS_BACKWARD_DATA),
                   un_winograd_weights_tasks(e, &b.conv));
        teardown(&b);
    }
}

static void run_isa(const struct un_kernels *k, const struct options *o)
{
    static const char *const passes[3] = {"forward", "data", "weights"};
    struct un_engine *e;
    unet_error err;
    if (un_engine_cpu_create(k->isa, o->threads, &e, &err)) {
        printf("%s: %s\n", k->isa, err.text);
        return;
    }
    double total[3] = {0}, flops[3] = {0}, peak = 0; /* the best seen: others may be at work */
    e->exact = o->exact;
    if (o->tasks) {
        print_tasks(e);
        e->ops->free(e);
        return;
    }
    printf("%s, %d threads: ms, GFLOP/s, %% of the FMA peak\n", k->isa, e->threads);
    printf("%-8s %-16s", "layer", "channels, side");
    for (int pass = 0; pass < 3; pass++)
        printf(" | %8s %6s %4s %5s", passes[pass], "", "", "error");
    printf(" | peak\n");
    for (int i = 0; i < LAYERS; i++) {
        const struct layer *l = &layers[i];
        if (o->layer && !strstr(l->name, o->layer))
            continue;
        struct bench b = setup(e, l);
        double rate_now = measure_peak(e, k, o);
        peak = rate_now > peak ? rate_now : peak;
        printf("%-8s %4d->%-4d %4d ", l->name, l->in[0] + l->in[1], l->out, l->side);
        for (enum un_pass pass = 0; pass < 3; pass++) {
            if ((pass == UN_PASS_BACKWARD_DATA && l->in[0] == 1) ||
                (o->pass && strcmp(o->pass, passes[pass]))) {
                printf(" | %8s %6s %4s %5s", "-", "", "", "");
                continue;
            }
            double seconds = median_seconds(&b, pass, o), rate = b.flops / seconds;
            double error = o->quick ? 0 : kernel_error(e, pass, &b.conv, b.ddst, b.dsrc, b.dweight);
            printf(" | %8.2f %6.1f %3.0f%% %.0e", 1e3 * seconds, 1e-9 * rate, 100 * rate / peak,
                   error);
            total[pass] += seconds;
            flops[pass] += b.flops;
        }
        printf(" | %.1f\n", 1e-9 * peak);
        fflush(stdout);
        teardown(&b);
    }
    printf("%-25s", "sum");
    for (int pass = 0; pass < 3; pass++)
        printf(" | %8.2f %6.1f %3.0f%%      ", 1e3 * total[pass], 1e-9 * flops[pass] / total[pass],
               100 * flops[pass] / total[pass] / peak);
    printf("\n\n");
    e->ops->free(e);
}

int main(int argc, char **argv)
{
    static const char *const isas[] = {"avx512", "avx2", "neon", "baseline"};
    struct options o = {0};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick"))
            o.quick = true;
        else if (!strcmp(argv[i], "--exact"))
            o.exact = true;
        else if (!strcmp(argv[i], "--tasks"))
            o.tasks = true;
        else if (!strcmp(argv[i], "--best"))
            o.best = true;
        else if (!strcmp(argv[i], "--cpu"))
            o.cpu = true;
        else if (!strcmp(argv[i], "--isa") && i + 1 < argc)
            o.isa = argv[++i];
        else if (!strcmp(argv[i], "--layer") && i + 1 < argc)
            o.layer = argv[++i];
        else if (!strcmp(argv[i], "--pass") && i + 1 < argc)
            o.pass = argv[++i];
        else if (!strcmp(argv[i], "--threads") && i + 1 < argc)
            o.threads = atoi(argv[++i]);
        else {
            fprintf(stderr, "usage: bench_kernels [--isa NAME] [--threads N] [--layer TEXT] "
                            "[--pass NAME] [--quick] [--best] [--cpu] [--exact] [--tasks]\n");
            return 2;
        }
    }
    for (int i = 0; i < 4; i++) {
        const struct un_kernels *k;
        unet_error err;
        if (o.isa && strcmp(o.isa, isas[i]))
            continue;
        if (un_kernels_find(isas[i], &k, &err))
            printf("%s\n", err.text);
        else
            run_isa(k, &o);
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_workers - how fast whole networks would be on more processors than this machine has
 *
 *   bench_workers [--network NAME] [--predict] [--train] [--batch N] [--side N] [--isa NAME]
 *                 [--repeats N] [--layers]
 *
 * All work of a network is loops of tasks that threads share (base/pool.h).  One thread does them
 * here, and the time of each task is kept, the shortest of the repeats; what is between the loops
 * is serial.  Then the tasks of each loop are dealt to 1, 2, 8, 16 and 64 workers as the pool deals
 * them.  Opening and closing a loop costs what it takes two threads here, once for each doubling of
 * workers.  What is left out: that workers share memory, caches and power.  For 2 workers the time
 * that was measured with two threads stands beside it.
 *
 * --layers: of each node the tasks of its longest loop, and how many workers' work is done at once.
 */
#include "usual_networks.h"

#include <math.h>

#include "base/pool.h"

const char *const program = "bench_workers";

enum { MOST_LOOPS = 4000, SHARES = 8 /* as in pool.c */, COUNTS = 5 };
static const int workers[COUNTS] = {1, 2, 8, 16, 64};

/* ---- what a run consists of ---- */

struct loop {
    int moment; /* of the network, see net/plan.h */
    int count;
    double *times; /* of the tasks, milliseconds */
    double two;    /* of the loop with two threads */
};

static struct {
    bool on, first, timing;
    const struct un_network *network;
    struct loop loops[MOST_LOOPS];
    int count;
    double tasks; /* milliseconds of all, in this run */
} record;

/* The linker puts this in the place of the pool's own (--wrap). */
void __real_un_pool_run(struct un_pool *pool, int count, un_pool_task *task, void *context);
void __wrap_un_pool_run(struct un_pool *pool, int count, un_pool_task *task, void *context);

void __wrap_un_pool_run(struct un_pool *pool, int count, un_pool_task *task, void *context)
{
    if (record.timing) {
        struct loop *timed = &record.loops[record.count++];
        const double start = now();
        __real_un_pool_run(pool, count, task, context);
        const double time = now() - start;
        timed->two = time < timed->two || timed->two == 0 ? time : timed->two;
        return;
    }
    if (!record.on) {
        __real_un_pool_run(pool, count, task, context);
        return;
    }
    if (record.count == MOST_LOOPS)
        fail("there are more loops than it counts with");
    struct loop *loop = &record.loops[record.count++];
    if (record.first) {
        *loop = (struct loop){record.network->now, count, NULL, 0};
        loop->times = need(malloc((size_t)(count + 1) * sizeof *loop->times));
    }
    if (loop->count != count)
        fail("a run has other loops than the one before");
    record.on = false; /* a loop within a task is part of it */
    for (int i = 0; i < count; i++) {
        const double start = now();
        task(context, i, 0);
        const double time = now() - start;
        record.tasks += time;
        loop->times[i] = record.first || time < loop->times[i] ? time : loop->times[i];
    }
    record.on = true;
}

/* Returns the milliseconds between the loops. */
static double record_runs(const struct network *network, struct options o)
{
    unet_model *model;
    unet_error err;
    double loss, serial = 0;
    o.threads = 1;
    check(unet_model_create(&network->spec, 1, &model, &err), &err);
    struct bench b = setup(model, o.side ? o.side : network->side, &o);
    run(&b, &o, &loss);
    record.network = &b.network;
    for (int i = 0; i < o.repeats; i++) {
        record.on = true;
        record.first = i == 0;
        record.count = 0;
        record.tasks = 0;
        const double between = run(&b, &o, &loss) - record.tasks;
        serial = i == 0 || between < serial ? between : serial;
        record.on = false;
    }
    teardown(&b);
    return serial;
}

static double measure_two(const struct network *network, struct options o)
{
    unet_model *model;
    unet_error err;
    double times[MOST_REPEATS], loss;
    o.threads = 2;
    check(unet_model_create(&network->spec, 1, &model, &err), &err);
    struct bench b = setup(model, o.side ? o.side : network->side, &o);
    run(&b, &o, &loss);
    for (int i = 0; i < o.repeats; i++)
        times[i] = run(&b, &o, &loss);
    record.timing = true;
    for (int i = 0, loops = record.count; i < o.repeats; i++) {
        record.count = 0;
        run(&b, &o, &loss);
        if (record.count != loops)
            fail("two threads have other loops than one");
    }
    record.timing = false;
    teardown(&b);
    qsort(times, (size_t)o.repeats, sizeof *times, by_size);
    return times[o.repeats / 2];
}

static void do_nothing(void *context, int index, int thread)
{
    (void)context, (void)index, (void)thread;
}

/* Milliseconds that two threads take for a loop of two tasks that do nothing: median. */
static double cost_of_loop(void)
{
    double times[MOST_REPEATS];
    struct un_pool *pool = need(un_pool_create(2));
    for (int i = 0; i < MOST_REPEATS; i++) {
        const double start = now();
        for (int k = 0; k < 100; k++)
            un_pool_run(pool, 2, do_nothing, NULL);
        times[i] = (now() - start) / 100;
    }
    un_pool_free(pool);
    qsort(times, MOST_REPEATS, sizeof *times, by_size);
    return times[MOST_REPEATS / 2];
}

/* ---- the same with more workers ---- */

static int doublings(int count)
{
    int n = 0;
    for (; count > 1; count /= 2)
        n++;
    return n;
}

/* When the last of `count` workers is done with a loop.  Who is free takes the next part of its own
 * range, or when that is empty half of another's. */
static double deal(const struct loop *loop, int count, double cost)
{
    double free_at[64] = {0}, end = 0;
    int next[64], last[64];
    for (int w = 0; w < count; w++) {
        next[w] = (int)((int64_t)loop->count * w / count);
        last[w] = (int)((int64_t)loop->count * (w + 1) / count);
    }
    for (int done = 0; done < loop->count;) {
        int who = 0;
        for (int w = 1; w < count; w++)
            who = free_at[w] < free_at[who] ? w : who;
        for (int i = 1; i < count && next[who] == last[who]; i++) {
            const int from = (who + i) % count, half = (last[from] - next[from] + 1) / 2;
            last[who] = last[from];
            next[who] = last[from] -= half;
        }
        if (next[who] == last[who]) { /* nobody has a task that is not begun */
            free_at[who] = INFINITY;
            continue;
        }
        const int left = last[who] - next[who], share = left / SHARES > 1 ? left / SHARES : 1;
        for (int i = 0; i < share; i++, done++)
            free_at[who] += loop->times[next[who]++];
        end = free_at[who] > end ? free_at[who] : end;
    }
    return end + (loop->count > 1 ? cost * doublings(count) : 0);
}

static double deal_moment(int moment, int count, double cost, int *most)
{
    double sum = 0;
    *most = 0; /* count 0: what two threads took */
    for (int i = 0; i < record.count; i++) {
        const struct loop *loop = &record.loops[i];
        if (loop->moment != moment)
            continue;
        sum += count ? deal(loop, count, cost) : loop->two;
        *most = loop->count > *most ? loop->count : *most;
    }
    return sum;
}

static void print_layers(const struct un_network *network, double cost)
{
    printf("  %-28s %-9s %6s %9s %9s %7s %7s %7s %7s\n", "node", "pass", "tasks", "1 worker",
           "2 took", "of 2", "of 8", "of 16", "of 64");
    const bool trains = network->plan.mode == UN_TRAIN;
    for (int t = 0; t < (trains ? network->plan.end : network->graph.node_count); t++) {
        int node = t < network->graph.node_count ? t : -1, tasks;
        const char *pass = node >= 0 ? "forward" : "again";
        const double one = deal_moment(t, 1, cost, &tasks);
        for (int i = 0; node < 0 && i < network->graph.node_count; i++)
            if (network->plan.back[i] == t || network->plan.again[i] == t) {
                pass = network->plan.back[i] == t ? "backward" : pass;
                node = i;
            }
        if (one <= 0 || node < 0)
            continue;
        printf("  %-28s %-9s %6d %9.3f %9.3f", network->graph.nodes[node].name, pass, tasks, one,
               deal_moment(t, 0, cost, &tasks));
        for (int k = 1; k < COUNTS; k++)
            printf(" %7.1f", one / deal_moment(t, workers[k], cost, &tasks));
        printf("\n");
    }
}

static void measure(const struct network *network, const struct options *o, double cost,
                    bool layers)
{
    const double serial = record_runs(network, *o), two = measure_two(network, *o);
    double one = serial;
    int tasks = 0;
    for (int i = 0; i < record.count; i++) {
        one += deal(&record.loops[i], 1, cost);
        tasks += record.loops[i].count;
    }
    printf("%-9s %-7s %5d %5d %6d %7.2f %8.1f %8.1f", network->name, o->train ? "train" : "predict",
           o->batch, record.count, tasks, serial, one, two);
    for (int k = 1; k < COUNTS; k++) {
        double time = serial;
        for (int i = 0; i < record.count; i++)
            time += deal(&record.loops[i], workers[k], cost);
        printf(" %8.1f %5.1f", time, one / time);
    }
    printf("\n");
    if (layers) {
        unet_model *model;
        unet_error err;
        struct options again = *o;
        again.threads = 1;
        check(unet_model_create(&network->spec, 1, &model, &err), &err);
        struct bench b = setup(model, o->side ? o->side : network->side, &again);
        print_layers(&b.network, cost);
        teardown(&b);
    }
    fflush(stdout);
    for (int i = 0; i < record.count; i++)
        free(record.loops[i].times);
}

int main(int argc, char **argv)
{
    struct options o = {.batch = 1, .repeats = 5, .rate = 1e-4f};
    bool layers = argc > 1 && !strcmp(argv[argc - 1], "--layers"), found = false;
    if (!parse(&o, argc - layers, argv) || o.serve || o.model || o.threads) {
        fprintf(stderr, "usage: bench_workers [--network paper|milesial|small|auto] [--predict] "
                        "[--train] [--batch N] [--side N] [--isa NAME] [--repeats N] [--layers]\n");
        return 2;
    }
    const double cost = cost_of_loop();
    printf("%s; a loop costs two threads %.1f us\n", o.isa ? o.isa : un_cpu_isa(), 1e3 * cost);
    printf(
        "                                  serial    ms: 1        2 ,  2 dealt          8 dealt  "
        "      16 dealt       64 dealt\n"
        "network   pass    batch loops  tasks      ms   worker measured            x            "
        "   x             x              x\n");
    const bool train = o.train || !o.predict, predicts = o.predict || !o.train;
    for (int i = 0; i < NETWORKS; i++) {
        if (o.network && strcmp(o.network, networks[i].name))
            continue;
        found = true;
        o.train = false;
        if (predicts)
            measure(&networks[i], &o, cost, layers);
        o.train = true;
        if (train)
            measure(&networks[i], &o, cost, layers);
    }
    if (!found)
        fail("the networks are paper, milesial, small, auto");
    return 0;
}

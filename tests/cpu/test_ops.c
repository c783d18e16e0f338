/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ops: every operation of the engines, for every instruction set this machine has
 *
 * Each case of one table (op_cases.h) runs on the reference engine, and on every engine under test
 * with 1, 2 and 3 threads:
 *
 *   - with 1 thread, results are those of the reference, within a tolerance that each operation
 *     derives where it records them (op_*.h);
 *   - with 2 and 3 threads they have the same bits as with 1;
 *   - every backward pass is the adjoint of its forward pass;
 *   - nothing is read or written outside of a buffer, and nothing is read before it was written
 *     (guard.h).  With 2 threads, buffers begin at a guard page instead of ending at one.
 *
 *   test_ops [operation [seed]]      all, those of one operation, or one case of it
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "op_cases.h"
#include "support/chosen.h"
#include "support/slow.h"

#define ISAS 4
#define THREAD_COUNTS 3

/* ---- the engines under test ---- */

static struct {
    struct un_engine *engine;
    char label[48];
} tested[ISAS][THREAD_COUNTS];
static int tested_count;
static struct un_engine *reference;

static bool make_chosen(void)
{
    const char *wanted = chosen_engine();
    unet_error err;
    if (!wanted)
        return false;
    for (int t = 0; t < THREAD_COUNTS; t++) {
        snprintf(tested[0][t].label, sizeof tested[0][0].label, "%.20s, %d threads", wanted, t + 1);
        if (un_engine_choose(t + 1, &tested[0][t].engine, &err)) {
            fprintf(stderr, "%s: %s\n", tested[0][t].label, err.text);
            exit(1);
        }
    }
    tested_count = 1;
    return true;
}

static void make_engines(void)
{
    static const char *const isas[ISAS] = {"baseline", "neon", "avx2", "avx512"};
    unet_error err;
    if (un_engine_reference_create(&reference, &err))
        exit(1);
    if (make_chosen())
        return;
    for (int i = 0; i < ISAS; i++) {
        for (int t = 0; t < THREAD_COUNTS; t++) {
            unet_code code =
                un_engine_cpu_create(isas[i], t + 1, &tested[tested_count][t].engine, &err);
            snprintf(tested[tested_count][t].label, sizeof tested[0][0].label, "%s, %d threads",
                     isas[i], t + 1);
            if (code == UNET_EDEVICE && t == 0) {
                printf("%s: skipped, this machine lacks it\n", isas[i]);
                goto next;
            }
            if (code) {
                fprintf(stderr, "%s: %s\n", tested[tested_count][t].label, err.text);
                exit(1);
            }
        }
        tested_count++;
    next:;
    }
}

static void free_engines(void)
{
    for (int i = 0; i < tested_count; i++)
        for (int t = 0; t < THREAD_COUNTS; t++)
            tested[i][t].engine->ops->free(tested[i][t].engine);
    reference->ops->free(reference);
}

/* ---- running ---- */

static const struct op_run *running; /* for whoever has to say what crashed */

static void crashed(int number)
{
    char text[256];
    if (running) {
        op_describe(running, text, sizeof text);
        fprintf(stderr, "signal %d in %s\n", number, text);
    }
    _exit(1);
}

static void run_case(struct op_run *r)
{
    running = r;
    r->random = r->seed * 0x9E3779B97F4A7C15u;
    r->test->run(r, r->test);
    if (!guard_intact(&r->guards))
        op_fail(r, "bytes outside of a buffer", 0, 1, 0, 0);
    unet_error err = {0};
    if (r->engine->ops->finish(r->engine, &err))
        op_fail(r, err.text, 0, 1, 0, 0);
    running = NULL;
}

static bool agrees(double got, double want, double tolerance)
{
    if (tolerance == OP_EXACT)
        return !memcmp(&got, &want, sizeof got);
    return fabs(got - want) <= tolerance + 4 * EPS * fabs(want);
}

static void compare(struct op_run *got, const struct op_run *want, bool same_bits)
{
    if (got->output_count != want->output_count) {
        op_fail(got, "number of outputs", 0, got->output_count, want->output_count, 0);
        return;
    }
    for (int i = 0; i < want->output_count; i++) {
        const struct op_output *g = &got->outputs[i], *w = &want->outputs[i];
        double tolerance = same_bits ? OP_EXACT : w->tolerance;
        for (size_t j = 0; j < w->count; j++)
            if (!agrees(g->values[j], w->values[j], tolerance))
                op_fail(got, w->name, j, g->values[j], w->values[j], tolerance);
    }
}

static int check_case(const struct op_case *k, uint64_t seed)
{
    struct op_run want = {.test = k, .engine = reference, .label = "reference", .seed = seed};
    run_case(&want);
    int failures = want.failures;
    for (int i = 0; i < tested_count; i++) {
        struct op_run got[THREAD_COUNTS];
        for (int t = 0; t < THREAD_COUNTS; t++) {
            got[t] = (struct op_run){.test = k,
                                     .engine = tested[i][t].engine,
                                     .label = tested[i][t].label,
                                     .at_start = t == 1,
                                     .seed = seed};
            run_case(&got[t]);
            compare(&got[t], t ? &got[0] : &want, t > 0);
            failures += got[t].failures;
        }
        for (int t = 0; t < THREAD_COUNTS; t++)
            op_release(&got[t]);
    }
    op_release(&want);
    return failures;
}

static long only_seed = -1;

static void run_operation(void **state)
{
    const char *op = *state;
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (int i = 0; i < 4; i++)
        signal(signals[i], crashed);
    int bad = 0, ran = 0;
    for (int i = 0; i < case_count; i++) {
        if (strcmp(cases[i].op, op) || (only_seed >= 0 && only_seed != i))
            continue;
        if (only_seed < 0 && (i + i / 5) % slow_share()) /* variants take turns */
            continue;
        ran++;
        if (check_case(&cases[i], (uint64_t)i))
            bad++;
    }
    if (bad)
        fprintf(stderr, "%s: %d of %d cases failed\n", op, bad, ran);
    assert_int_equal(bad, 0);
}

int main(int argc, char **argv)
{
    static const char *const convolutions[] = {"conv3x3",      "conv1x1",      "upconv2x2",
                                               "conv3x3_half", "conv7x7_half", "conv1x1_half",
                                               "upconv3x3"};
    enum {
        FAMILIES = sizeof families / sizeof *families,
        TESTS = FAMILIES + sizeof convolutions / sizeof *convolutions
    };
    struct CMUnitTest tests[TESTS];
    int count = 0;
    only_seed = argc > 2 ? atol(argv[2]) : -1;
    for (int i = 0; i < TESTS; i++) {
        const char *op = i < FAMILIES ? families[i].op : convolutions[i - FAMILIES];
        if (argc < 2 || !strcmp(argv[1], op))
            tests[count++] = (struct CMUnitTest){op, run_operation, NULL, NULL, (void *)op};
    }
    build_table();
    make_engines();
    int failed = _cmocka_run_group_tests("ops", tests, (size_t)count, NULL, NULL);
    free_engines();
    return failed;
}

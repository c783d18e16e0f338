/* SPDX-License-Identifier: Apache-2.0 */
/* What the scores of a pixel say: the same wherever it is asked. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/logits.h"
#include "base/rng.h"
#include "predict/session.h"

static void test_sigmoid(void **state)
{
    (void)state;
    assert_true(un_sigmoid(0) == 0.5);
    assert_true(un_sigmoid(1000) == 1 && un_sigmoid(-1000) == 0 && un_sigmoid(-800) >= 0);
    for (double x = -30; x < 30; x += 0.37) {
        const double want = (tanh(x / 2) + 1) / 2;
        if (fabs(un_sigmoid(x) - want) > 4 * DBL_EPSILON)
            fail_msg("sigmoid of %g: %.17g, wanted %.17g", x, un_sigmoid(x), want);
    }
}

static void test_cross_entropy(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200; i++) {
        float x[12];
        const int classes = 1 + (int)(i % 5), stride = 1 + (int)(i % 2);
        const int label = (int)(i / 5) % (classes > 1 ? classes : 2);
        double sum = classes > 1 ? 0 : 1;
        for (int k = 0; k < classes; k++) {
            x[k * stride] = 4 * un_rng_normal(i, (uint64_t)k);
            sum += exp((double)x[k * stride]);
        }
        const double own = classes > 1 ? (double)x[label * stride] : label ? (double)x[0] : 0;
        const double got = un_cross_entropy(x, (size_t)stride, classes, label);
        if (fabs(got - (log(sum) - own)) > 1e-13)
            fail_msg("%d classes, label %d: %.17g, wanted %.17g", classes, label, got,
                     log(sum) - own);
    }
    /* sure and right: what is left is not rounded away */
    const float sure[] = {50, 0}, unsure[] = {0, NAN, 1}, endless[] = {INFINITY, 0};
    assert_true(fabs(un_cross_entropy(sure, 1, 2, 0) / exp(-50) - 1) < 1e-12);
    assert_true(un_cross_entropy(sure, 1, 2, 1) == 50);
    for (int label = 0; label < 3; label++)
        assert_false(isfinite(un_cross_entropy(unsure, 1, 3, label)));
    assert_false(isfinite(un_cross_entropy(endless, 1, 2, 0)));
    assert_false(isfinite(un_cross_entropy(endless, 1, 2, 1)));
}

/* Tiles that are blended or averaged are told in the same bits as those that are not. */
static void test_blended(void **state)
{
    enum { PIXELS = 4000, MOST = 3 };
    struct un_engine *engine;
    unet_error err;
    (void)state;
    if (un_engine_cpu_create(NULL, 2, &engine, &err))
        fail_msg("%s", err.text);
    for (int classes = 1; classes <= MOST; classes++) {
        float plain[PIXELS * MOST], planes[PIXELS * MOST], got[PIXELS * MOST];
        uint8_t labels[PIXELS], mask[PIXELS];
        for (int i = 0; i < PIXELS; i++)
            for (int k = 0; k < classes; k++)
                plain[i * classes + k] = planes[k * PIXELS + i] =
                    5 * un_rng_normal(7, (uint64_t)(i * MOST + k));
        struct un_tensor t = {{1, 1, PIXELS, classes}, UN_PIXELS, plain};
        engine->ops->argmax(engine, t, labels);
        engine->ops->probabilities(engine, t);
        const unet_spec spec = {.classes = classes};
        const struct un_target from = {.rows = 1, .width = PIXELS, .scores = planes};
        const struct un_target to = {
            .rows = 1, .width = PIXELS, .mask = mask, .probabilities = got};
        un_scores_finish(&spec, &from, 0, 1, &to);
        assert_memory_equal(labels, mask, PIXELS);
        for (int i = 0; i < PIXELS; i++)
            for (int k = 0; k < classes; k++)
                if (memcmp(&got[k * PIXELS + i], &plain[i * classes + k], sizeof *got))
                    fail_msg("%d classes: %.9g for %g, the engine has %.9g", classes,
                             (double)got[k * PIXELS + i], (double)planes[k * PIXELS + i],
                             (double)plain[i * classes + k]);
    }
    engine->ops->free(engine);
}

/* Probabilities of classes with their rims are sums, and classes stay as they are without any. */
static void test_rims(void **state)
{
    enum { CLASSES = 3, RIMS = 2, OUTPUTS = CLASSES + RIMS * (CLASSES - 1) };
    (void)state;
    for (uint64_t i = 0; i < 200; i++) {
        float x[OUTPUTS], folded[CLASSES], p[OUTPUTS], q[CLASSES];
        double inner = 0;
        for (uint64_t k = 0; k < OUTPUTS; k++)
            x[k] = 20 * un_rng_normal(3, i * OUTPUTS + k);
        un_probabilities(x, 1, p, 1, OUTPUTS);
        un_rims_fold(x, 1, folded, 1, CLASSES, RIMS);
        un_probabilities(folded, 1, q, 1, CLASSES);
        assert_true(fabs((double)(q[0] - p[0])) < 1e-5);
        for (int k = 1; k < CLASSES; k++) {
            const float sum = p[k] + p[CLASSES + k - 1] + p[CLASSES + 2 + k - 1];
            if (!(fabs((double)(q[k] - sum)) < 1e-5))
                fail_msg("class %d: %g, with its rims %g", k, (double)q[k], (double)sum);
            inner += (double)(3 * p[k] + p[CLASSES + k - 1] + 2 * p[CLASSES + 2 + k - 1]) / 3;
        }
        assert_true(fabs(un_rims_inner(x, 1, CLASSES, RIMS) - 255 * inner) < 0.51);
        un_rims_fold(x, 1, folded, 1, CLASSES, 0);
        assert_memory_equal(folded, x, sizeof folded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sigmoid),
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_blended),
        cmocka_unit_test(test_rims),
    };
    return cmocka_run_group_tests_name("logits", tests, NULL, NULL);
}

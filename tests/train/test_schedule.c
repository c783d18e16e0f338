/* SPDX-License-Identifier: Apache-2.0 */
/* Learning rates against closed formulas, and values that PyTorch's schedulers give. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "train/schedule.h"
#include "unet_train.h"

static void expect_rate(const unet_train_options *o, struct un_schedule_at at, double want)
{
    double got = (double)un_schedule_rate(o, &at);
    if (!(fabs(got - want) <= 1e-6 * fabs(want) + 1e-12))
        fail_msg("schedule %d, step %ld of %ld, epochs %ld, drops %d: %.9g, wanted %.9g",
                 (int)o->schedule, at.step, at.steps, at.epochs, at.drops, got, want);
}

static unet_train_options options_of(unet_schedule schedule)
{
    return (unet_train_options){
        .learning_rate = 0.5f, .schedule = schedule, .power = 2, .factor = 0.1f, .every = 3};
}

static void test_curves(void **state)
{
    unet_train_options constant = options_of(UNET_SCHEDULE_CONSTANT);
    unet_train_options poly = options_of(UNET_SCHEDULE_POLY);
    unet_train_options cosine = options_of(UNET_SCHEDULE_COSINE);
    /* torch.optim.lr_scheduler.CosineAnnealingLR(T_max=10) from 0.5, epochs 0..10 */
    static const double annealed[] = {0.5,  0.4877641291, 0.4522542486, 0.3969463131, 0.3272542486,
                                      0.25, 0.1727457514, 0.1030536869, 0.0477457514, 0.0122358709,
                                      0};
    (void)state;
    for (int i = 0; i <= 10; i++) {
        struct un_schedule_at at = {.step = i, .steps = 10, .share_of_time = 0.9};
        expect_rate(&constant, at, 0.5);
        expect_rate(&poly, at, 0.5 * (1 - i / 10.0) * (1 - i / 10.0));
        expect_rate(&cosine, at, annealed[i]);
        at.share_of_time = i / 10.0; /* without a number of steps, time counts */
        at.steps = 0;
        expect_rate(&cosine, at, annealed[i]);
    }
    expect_rate(&poly, (struct un_schedule_at){.step = 12, .steps = 10}, 0);
    expect_rate(&poly, (struct un_schedule_at){.step = 12}, 0.5);
}

/* MultiStepLR(milestones=[3, 6, 9], gamma=0.1) */
static void test_steps(void **state)
{
    unet_train_options o = options_of(UNET_SCHEDULE_STEP);
    static const double want[] = {0.5, 0.5, 0.5, 0.05, 0.05, 0.05, 0.005, 0.005, 0.005, 0.0005};
    (void)state;
    for (int i = 0; i < 10; i++)
        expect_rate(&o, (struct un_schedule_at){.step = 7 * i, .epochs = i}, want[i]);
}

/* ReduceLROnPlateau(mode="max", patience=2, threshold=0, factor=0.1) on these scores */
static void test_plateau(void **state)
{
    unet_train_options o = options_of(UNET_SCHEDULE_PLATEAU);
    static const double scores[] = {1, 2, 2, 2, 2, 1, 3, 3, 3, 3, 2, 2, 2};
    static const int drops[] = {0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3};
    struct un_plateau plateau = {0, 0};
    double best = -1;
    (void)state;
    for (int i = 0; i < 13; i++) {
        un_plateau_epoch(&plateau, o.every, scores[i] > best);
        best = scores[i] > best ? scores[i] : best;
        if (plateau.drops != drops[i])
            fail_msg("epoch %d: %d drops, wanted %d", i + 1, plateau.drops, drops[i]);
        expect_rate(&o, (struct un_schedule_at){.drops = plateau.drops}, 0.5 * pow(0.1, drops[i]));
    }
}

static void test_lowest_and_warmup(void **state)
{
    unet_train_options o = options_of(UNET_SCHEDULE_POLY);
    o.lowest = 0.2f;
    o.warmup = 4;
    o.power = 1;
    (void)state;
    for (int i = 0; i <= 20; i++) {
        double share = 1 - i / 20.0, rise = i < 4 ? (i + 1) / 4.0 : 1;
        expect_rate(&o, (struct un_schedule_at){.step = i, .steps = 20},
                    0.5 * (share < 0.2 ? 0.2 : share) * rise);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curves),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_plateau),
        cmocka_unit_test(test_lowest_and_warmup),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of src/engine/more.c: programs of the tests can choose `far`, too, and where
 * UNET_TEST_CARDS is set they find cards, on which the CPU engine works ("fast", "slow": or not).
 */
#include "far.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int cards(unet_device *list, int most)
{
    static const char *const all[][2] = {{"Array 9", "other"}, {"Toy Card 3000", "gpu"}};
    const int count = getenv("UNET_TEST_CARDS") ? 2 : 0;
    for (int i = 0; i < count && i < most; i++) {
        list[i] = (unet_device){.driver = "1.2", .bytes = (uint64_t)8 << 30, .units = 4 + i};
        snprintf(list[i].name, sizeof list[i].name, "%s", all[i][0]);
        snprintf(list[i].type, sizeof list[i].type, "%s", all[i][1]);
    }
    return count;
}

static void no_layer(struct un_engine *e, const struct un_conv *c)
{
    (void)e, (void)c;
}

static void no_gradient(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                        const struct un_gradient dsrc[2])
{
    (void)e, (void)c, (void)ddst, (void)dsrc;
}

static void no_weights(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                       float *dweight, float *dbias)
{
    (void)e, (void)c, (void)ddst, (void)dweight, (void)dbias;
}

static void pack_slowly(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    (void)e, (void)c, (void)pass;
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
}

/* The CPU engine; of cards that are "fast" one that does nothing, of "slow" ones one that waits. */
static unet_code create(int device, int threads, struct un_engine **engine, unet_error *err)
{
    static struct un_engine_ops ops;
    const char *how = getenv("UNET_TEST_CARDS");
    unet_code code = un_engine_cpu_create(NULL, threads, engine, err);
    (void)device;
    if (code)
        return code;
    ops = *(*engine)->ops;
    if (!strcmp(how, "fast")) {
        ops.conv_forward = no_layer;
        ops.conv_backward_data = no_gradient;
        ops.conv_backward_weights = no_weights;
    } else if (!strcmp(how, "slow")) {
        ops.conv_pack = pack_slowly;
    }
    (*engine)->ops = &ops;
    return UNET_OK;
}

static const struct un_engine_kind toys = {"toys", false, cards, create};

const struct un_engine_kind *const un_more_engines[] = {&un_far, &toys, NULL};

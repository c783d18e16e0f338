/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of src/engine/more.c: programs of the tests can choose `far`, too, and where
 * UNET_TEST_CARDS is set they find cards, on which the CPU engine works.
 */
#include "far.h"

#include <stdio.h>
#include <stdlib.h>

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

static unet_code create(int device, int threads, struct un_engine **engine, unet_error *err)
{
    (void)device;
    return un_engine_cpu_create(NULL, threads, engine, err);
}

static const struct un_engine_kind toys = {"toys", false, cards, create};

const struct un_engine_kind *const un_more_engines[] = {&un_far, &toys, NULL};

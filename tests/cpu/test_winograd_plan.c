/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_winograd_plan.c - how passes by tiles are cut, for many sizes that no test could compute
 *
 * The parts of a deep pass cover its tiles and fit the memory that is meant for one, and a larger
 * image never takes less memory, since a plan for one serves all smaller ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cpu/winograd/winograd_plan.h"

static const char *const isas[] = {"baseline", "avx2", "avx512", "neon"};
static const int channels[][3] = {/* of two sources, and of the result */
                                  {16, 0, 16},   {12, 0, 24},   {32, 0, 32},     {64, 64, 64},
                                  {32, 0, 64},   {128, 0, 128}, {160, 0, 160},   {128, 128, 128},
                                  {256, 0, 256}, {96, 32, 48},  {512, 512, 512}, {1024, 0, 1024}};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Shapes alone: nothing is computed. */
static struct un_conv conv_of(const int c[3], int images, int h, int w)
{
    struct un_conv made = {.kind = UN_CONV3X3};
    for (int s = 0; s < 2 && c[s]; s++)
        made.src[s] =
            (struct un_operand){.tensor = {.shape = {images, h, w, c[s]}, .layout = UN_FEATURES},
                                .top = -1,
                                .left = -1};
    made.dst = (struct un_tensor){.shape = {images, h, w, c[2]}, .layout = UN_FEATURES};
    return made;
}

static void each(void (*check)(struct un_engine *e, const int c[3]))
{
    for (size_t i = 0; i < COUNT(isas); i++) {
        struct un_engine *e;
        if (un_engine_cpu_create(isas[i], 3, &e, NULL))
            continue; /* not on this processor */
        for (size_t c = 0; c < COUNT(channels); c++)
            check(e, channels[c]);
        e->ops->free(e);
    }
}

static void check_parts(struct un_engine *e, const int c[3])
{
    for (int rows = 1; rows < 30; rows++)
        for (int columns = 1; columns < 90; columns += rows) {
            const struct un_conv conv = conv_of(c, 1, 4 * rows, 4 * columns);
            const struct un_winograd p = un_winograd_plan_forward(e, &conv);
            for (int at = 0; p.deep && at < p.tiles.count; at += p.room) {
                const int count = un_min(p.room, p.tiles.count - at);
                assert_int_equal(un_part_first(&p, count, 0), 0);
                assert_int_equal(un_part_first(&p, count, p.parts), count);
                for (int part = 0; part < p.parts; part++) {
                    const int tiles =
                        un_part_first(&p, count, part + 1) - un_part_first(&p, count, part);
                    if (tiles < 0 || tiles > p.part)
                        fail_msg("%d + %d -> %d channels, %d of %d tiles: a part of %d, room for "
                                 "%d",
                                 c[0], c[1], c[2], count, p.tiles.count, tiles, p.part);
                }
            }
        }
}

static void test_parts(void **state)
{
    (void)state;
    each(check_parts);
}

static size_t workspace(struct un_engine *e, const struct un_conv *c, int which)
{
    return which < 2 ? un_winograd_workspace(e, c, (enum un_pass)which)
                     : un_winograd_weights_workspace(e, c);
}

static void check_workspace(struct un_engine *e, const int c[3])
{
    for (int images = 1; images <= 3; images += 2)
        for (int h = 3; h < 330; h = h * 3 / 2 + 1)
            for (int which = 0; which < 3; which++) {
                size_t before = 0;
                for (int w = 3; w < 330; w += 5) {
                    const struct un_conv conv = conv_of(c, images, h, w);
                    const size_t bytes = workspace(e, &conv, which);
                    if (bytes < before)
                        fail_msg("%d + %d -> %d channels, pass %d, %d images of %d x %d: %zu "
                                 "bytes, %zu with less width",
                                 c[0], c[1], c[2], which, images, h, w, bytes, before);
                    before = bytes;
                }
            }
}

static void test_workspace(void **state)
{
    (void)state;
    each(check_workspace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_workspace),
    };
    return cmocka_run_group_tests_name("cuts of passes by tiles", tests, NULL, NULL);
}

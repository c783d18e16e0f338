/* SPDX-License-Identifier: Apache-2.0 */
/* Distances to the two nearest objects against the plainest way to find them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/masks/rims.h"

enum { MOST = 48 * 48 };

/* For each background pixel all pixels of all objects. */
static double plain_weight(const unet_border *b, const uint32_t *objects, int H, int W, int y,
                           int x)
{
    double first = INFINITY, second = INFINITY, sum = 0;
    uint32_t nearest = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int v = 0; v < H; v++)
            for (int u = 0; u < W; u++) {
                uint32_t o = objects[v * W + u];
                double d = hypot(v - y, u - x);
                if (!o || (pass && o == nearest))
                    continue;
                if (!pass && d < first) {
                    first = d;
                    nearest = o;
                } else if (pass && d < second) {
                    second = d;
                }
            }
    if (second < INFINITY)
        sum += (double)b->weight * exp(-(first + second) * (first + second) /
                                       (2 * (double)b->sigma * (double)b->sigma));
    if (first < INFINITY)
        sum += (double)b->near_weight *
               exp(-first * first / (2 * (double)b->near_sigma * (double)b->near_sigma));
    return sum;
}

/* Spreads a number over all pixels of its class that are joined to it, until nothing changes. */
static void plain_parts(const uint8_t *mask, int H, int W, uint32_t *numbers)
{
    for (int i = 0; i < H * W; i++)
        numbers[i] = mask[i] && mask[i] != UNET_IGNORE ? (uint32_t)i + 1 : 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < H * W; i++)
            for (int v = -1; v <= 1 && numbers[i]; v++)
                for (int u = -1; u <= 1; u++) {
                    int y = i / W + v, x = i % W + u, j = y * W + x;
                    if (y >= 0 && x >= 0 && y < H && x < W && mask[j] == mask[i] &&
                        numbers[j] < numbers[i]) {
                        numbers[i] = numbers[j];
                        changed = true;
                    }
                }
    }
}

static void check_map(const unet_border *b, const uint8_t *mask, const uint32_t *objects, int H,
                      int W, int scene)
{
    static float extra[MOST];
    static uint32_t parts[MOST];
    if (!objects)
        plain_parts(mask, H, W, parts);
    assert_int_equal(un_border_map(b, false, mask, objects, H, W, extra, NULL), UNET_OK);
    for (int i = 0; i < H * W; i++) {
        double want = mask[i] ? 0 : plain_weight(b, objects ? objects : parts, H, W, i / W, i % W);
        if (!(fabs((double)extra[i] - want) <= 1e-6 * (1 + fabs(want))))
            fail_msg("scene %d, %d x %d, %s: row %d, column %d has %.9g, wanted %.9g", scene, H, W,
                     objects ? "numbers" : "classes", i / W, i % W, (double)extra[i], want);
    }
}

/* Scenes of 0 to many objects: rectangles of a few pixels, single pixels, or noise. */
static void draw_scene(int scene, int H, int W, uint8_t *mask, uint32_t *objects)
{
    uint64_t key = un_rng_key(17, (uint64_t)scene, 0, 0);
    int count = scene % 7 == 0 ? 0 : scene % 7 == 1 ? 1 : scene % 7 == 2 ? 2 : scene % 40;
    int size = scene % 3 == 0 ? 1 : scene % 3 == 1 ? 4 : 12;
    memset(objects, 0, (size_t)H * W * sizeof *objects);
    memset(mask, 0, (size_t)H * W);
    for (int o = 0; o < count; o++) {
        uint64_t n = 8 * (uint64_t)o;
        int top = (int)un_rng_below(key, n, (uint32_t)H);
        int left = (int)un_rng_below(key, n + 1, (uint32_t)W);
        int high = 1 + (int)un_rng_below(key, n + 2, (uint32_t)size);
        int wide = 1 + (int)un_rng_below(key, n + 3, (uint32_t)size);
        /* some come twice: an object in two parts */
        uint32_t number = 1 + un_rng_below(key, n + 4, (uint32_t)count) * 1000;
        for (int y = top; y < top + high && y < H; y++)
            for (int x = left; x < left + wide && x < W; x++)
                objects[y * W + x] = number;
    }
    for (int i = 0; i < H * W; i++) {
        if (scene % 11 == 3) /* noise */
            objects[i] = un_rng_below(key, 1000 + (uint64_t)i, 8) ? 0 : 1 + (uint32_t)i % 5;
        mask[i] = objects[i] ? (uint8_t)(1 + objects[i] % 3) : 0;
        if (!objects[i] && scene % 5 == 0 && !un_rng_below(key, 9000 + (uint64_t)i, 20))
            mask[i] = UNET_IGNORE;
    }
}

static void test_equals_the_plain_way(void **state)
{
    static const int sides[][2] = {{1, 1},  {1, 2},   {2, 1},   {1, 40},  {40, 1},
                                   {7, 13}, {48, 48}, {31, 17}, {16, 45}, {3, 3}};
    static uint8_t mask[MOST];
    static uint32_t objects[MOST];
    (void)state;
    for (int scene = 0; scene < 600; scene++) {
        int H = sides[scene % 10][0], W = sides[scene % 10][1];
        const unet_border b = {.weight = 10,
                               .sigma = scene % 2 ? 5 : 30,
                               .near_weight = scene % 4 ? 0.9f : 0,
                               .near_sigma = 10};
        draw_scene(scene / 10 + scene, H, W, mask, objects);
        check_map(&b, mask, objects, H, W, scene);
        check_map(&b, mask, NULL, H, W, scene);
    }
}

/* Numbers by hand: two pixels of two objects with three background pixels between them. */
static void test_by_hand(void **state)
{
    const uint8_t mask[5] = {1, 0, 0, 0, 1};
    const uint32_t two[5] = {7, 0, 0, 0, 9}, one[5] = {7, 0, 0, 0, 7};
    const unet_border b = {.weight = 10, .sigma = 5}, near = {.near_weight = 2, .near_sigma = 1};
    float extra[5];
    (void)state;
    assert_int_equal(un_border_map(&b, false, mask, two, 1, 5, extra, NULL), UNET_OK);
    for (int x = 0; x < 5; x++) /* d1 + d2 = 4 everywhere: 10 exp(-16 / 50) */
        assert_true(fabs((double)extra[x] - (x % 4 ? 7.261490371 : 0)) < 1e-6);
    assert_int_equal(un_border_map(&b, false, mask, one, 1, 5, extra, NULL), UNET_OK);
    for (int x = 0; x < 5; x++)
        assert_true(extra[x] == 0);
    assert_int_equal(un_border_map(&near, false, mask, one, 1, 5, extra, NULL), UNET_OK);
    assert_true(fabs((double)extra[2] - 2 * exp(-2)) < 1e-6);
    assert_true(extra[0] == 0);
}

static void test_gap(void **state)
{
    static const uint32_t before[4][6] = {
        {1, 1, 2, 2, 0, 0}, {1, 1, 2, 2, 0, 3}, {0, 0, 0, 0, 4, 0}, {5, 5, 0, 0, 4, 4}};
    static const uint32_t after[4][6] = {
        {1, 0, 0, 2, 0, 0}, {1, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, {5, 5, 0, 0, 4, 4}};
    uint32_t objects[4][6];
    uint8_t mask[4][6], classes[4][6];
    (void)state;
    memcpy(objects, before, sizeof objects);
    for (int i = 0; i < 24; i++)
        mask[i / 6][i % 6] = before[i / 6][i % 6] > 0;
    memcpy(classes, mask, sizeof mask);
    assert_int_equal(un_border_gap(mask[0], objects[0], 4, 6, NULL), UNET_OK);
    for (int i = 0; i < 24; i++)
        if (objects[i / 6][i % 6] != after[i / 6][i % 6] ||
            mask[i / 6][i % 6] != (after[i / 6][i % 6] > 0))
            fail_msg("row %d, column %d: object %u, class %d; wanted %u", i / 6, i % 6,
                     objects[i / 6][i % 6], mask[i / 6][i % 6], after[i / 6][i % 6]);
    memcpy(mask, classes, sizeof mask);
    assert_int_equal(un_border_gap(mask[0], NULL, 4, 6, NULL), UNET_OK);
    assert_memory_equal(mask, classes, sizeof mask);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Some pixels of a large image; the time is printed. */
/* Rims by looking at every pair of pixels. */
static void test_rims(void **state)
{
    enum { H = 19, W = 27, RIMS = 3 };
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        uint32_t objects[H * W] = {0}, *areas;
        uint8_t mask[H * W], map[H * W];
        double distance[H * W], deepest[256] = {0};
        size_t count;
        for (uint32_t k = 1; k < 8; k++) { /* discs that lie over others, and touch */
            const int y = (int)un_rng_below(seed, 3 * k, H),
                      x = (int)un_rng_below(seed, 3 * k + 1, W);
            const int r = 2 + (int)un_rng_below(seed, 3 * k + 2, 5);
            for (int i = 0; i < H * W; i++)
                if ((i / W - y) * (i / W - y) + (i % W - x) * (i % W - x) < r * r)
                    objects[i] = 30 * k;
        }
        for (int i = 0; i < H * W; i++)
            mask[i] =
                un_rng_below(seed, 1000 + (uint64_t)i, 40) == 0 ? UNET_IGNORE : objects[i] > 0;
        for (int i = 0; i < H * W; i++) {
            distance[i] = INFINITY;
            for (int j = 0; j < H * W; j++)
                if (mask[j] != UNET_IGNORE && objects[j] != objects[i])
                    distance[i] = fmin(distance[i], hypot(j / W - i / W, j % W - i % W));
            if (mask[i] == 1 && isfinite(distance[i]))
                deepest[objects[i]] = fmax(deepest[objects[i]], distance[i]);
        }
        assert_int_equal(un_rims_make(mask, objects, H, W, RIMS, map, NULL), UNET_OK);
        for (int i = 0; i < H * W; i++) {
            const double most = deepest[objects[i]];
            int want = 0;
            if (mask[i] == 1 && distance[i] < most) {
                const double share = (distance[i] - 0.5) / (most - 0.5) * (RIMS + 1);
                if (fabs(share - rint(share)) < 1e-4) /* rounding decides */
                    continue;
                want = share < RIMS ? (int)share + 1 : 0;
            }
            if (map[i] != want)
                fail_msg("seed %d, pixel %d: rim %d, wanted %d", (int)seed, i, map[i], want);
        }
        assert_int_equal(un_object_areas(mask, objects, H, W, &areas, &count, NULL), UNET_OK);
        size_t all = 0, labelled = 0;
        for (size_t k = 0; k < count; k++)
            all += areas[k];
        for (int i = 0; i < H * W; i++)
            labelled += mask[i] == 1;
        assert_int_equal(all, labelled);
        free(areas);
    }
}

/* Weights between objects count on these, too, where they are told apart by rims. */
static void test_on_objects(void **state)
{
    const unet_border b = {.weight = 8, .sigma = 2};
    const uint8_t mask[7] = {0, 1, 1, 1, 1, 1, UNET_IGNORE};
    const uint32_t objects[7] = {0, 1, 1, 2, 2, 2, 0};
    float without[7], with[7];
    (void)state;
    assert_int_equal(un_border_map(&b, false, mask, objects, 1, 7, without, NULL), UNET_OK);
    assert_int_equal(un_border_map(&b, true, mask, objects, 1, 7, with, NULL), UNET_OK);
    for (int i = 1; i < 6; i++) {
        const int away = i < 3 ? 3 - i : i - 2;
        assert_true(without[i] == 0);
        assert_true(fabs(with[i] - 8 * exp(-away * away / 8.0)) < 1e-5);
    }
    assert_true(with[0] == without[0] && with[6] == 0);
}

static void test_large(void **state)
{
    enum { SIDE = 2048, OBJECTS = 2000 };
    size_t count = (size_t)SIDE * SIDE;
    uint32_t *objects = calloc(count, sizeof *objects);
    uint8_t *mask = calloc(count, 1);
    float *weights = malloc(count * sizeof *weights);
    const unet_border b = {.weight = 10, .sigma = 5, .near_weight = 1, .near_sigma = 10};
    (void)state;
    for (uint32_t o = 0; o < OBJECTS; o++) {
        int cy = (int)un_rng_below(3, 2 * o, SIDE), cx = (int)un_rng_below(3, 2 * o + 1, SIDE);
        for (int y = cy - 9; y <= cy + 9; y++)
            for (int x = cx - 9; x <= cx + 9; x++)
                if (y >= 0 && x >= 0 && y < SIDE && x < SIDE &&
                    (y - cy) * (y - cy) + (x - cx) * (x - cx) <= 81) {
                    objects[(size_t)y * SIDE + (size_t)x] = o + 1;
                    mask[(size_t)y * SIDE + (size_t)x] = 1;
                }
    }
    double start = seconds();
    assert_int_equal(un_border_map(&b, false, mask, objects, SIDE, SIDE, weights, NULL), UNET_OK);
    printf("2048 x 2048 with 2000 objects: %.3f s\n", seconds() - start);
    for (uint64_t i = 0; i < 5; i++) {
        const int y = (int)un_rng_below(4, 2 * i, SIDE), x = (int)un_rng_below(4, 2 * i + 1, SIDE);
        const size_t at = (size_t)y * SIDE + (size_t)x;
        const double want = mask[at] ? 0 : plain_weight(&b, objects, SIDE, SIDE, y, x);
        if (fabs((double)weights[at] - want) > 1e-5 * (1 + want))
            fail_msg("row %d, column %d: weight %.9g, wanted %.9g", y, x, (double)weights[at],
                     want);
    }
    free(objects);
    free(mask);
    free(weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),    cmocka_unit_test(test_equals_the_plain_way),
        cmocka_unit_test(test_gap),        cmocka_unit_test(test_rims),
        cmocka_unit_test(test_on_objects), cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests_name("border", tests, NULL, NULL);
}

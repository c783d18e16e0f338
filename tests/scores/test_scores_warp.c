/* SPDX-License-Identifier: Apache-2.0 */
/* Warping error: what costs and what does not, and that no warp changes a topology. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "unet_scores.h"

#define SIDE 12

/* Columns of boundary, 0, from `column` on, in a field of inside. */
static void wall(uint8_t *mask, int column, int thick)
{
    memset(mask, 1, SIDE * SIDE);
    for (int i = 0; i < SIDE * thick; i++)
        mask[i / thick * SIDE + column + i % thick] = 0;
}

static uint64_t warp(const uint8_t *predicted, const uint8_t *truth, int distance)
{
    uint64_t wrong;
    assert_int_equal(unet_warp(predicted, truth, SIDE, SIDE, 4, distance, NULL, &wrong, NULL),
                     UNET_OK);
    return wrong;
}

static void test_by_hand(void **state)
{
    uint8_t truth[SIDE * SIDE], predicted[SIDE * SIDE];
    (void)state;
    for (int thick = 1; thick < 4; thick++)
        for (int shift = -thick; shift <= thick; shift++) {
            wall(truth, 5, thick);
            wall(predicted, 5 + shift, thick);
            if (warp(predicted, truth, 0))
                fail_msg("a shift by %d of a wall of %d costs %d", shift, thick,
                         (int)warp(predicted, truth, 0));
        }
    assert_true(warp(predicted, truth, 1) > 0); /* a wall of 3, by 3 */
    assert_int_equal(warp(predicted, truth, 3), 0);
    wall(truth, 5, 1);
    wall(predicted, 5, 1); /* a gap of three: the wall stays whole */
    for (int y = 4; y < 7; y++)
        predicted[y * SIDE + 5] = 1;
    assert_int_equal(warp(predicted, truth, 0), 3);
    memset(predicted, 1, sizeof predicted); /* no wall at all: a merger costs as much */
    assert_int_equal(warp(predicted, truth, 0), SIDE);
    wall(predicted, 5, 1);
    predicted[3 * SIDE + 9] = 0; /* a hole of one pixel */
    assert_int_equal(warp(predicted, truth, 0), 1);
    truth[3 * SIDE + 9] = UNET_IGNORE;
    predicted[3 * SIDE + 9] = 1;
    assert_true(warp(predicted, truth, 0) <= 1);
    memset(truth, UNET_IGNORE, sizeof truth);
    assert_int_equal(warp(predicted, truth, 0), 0);
}

/* Parts of class `label`, by the given connectivity, of a mask within a ring of class 0. */
static uint32_t parts_of(const uint8_t *mask, int label, int connectivity)
{
    uint8_t ringed[(SIDE + 2) * (SIDE + 2)] = {0};
    uint32_t ids[(SIDE + 2) * (SIDE + 2)], parts;
    for (int y = 0; y < SIDE; y++)
        memcpy(ringed + (y + 1) * (SIDE + 2) + 1, mask + y * SIDE, SIDE);
    assert_int_equal(unet_parts(ringed, SIDE + 2, SIDE + 2, label, connectivity, ids, &parts, NULL),
                     UNET_OK);
    return parts;
}

static void test_topology(void **state)
{
    uint8_t truth[SIDE * SIDE], predicted[SIDE * SIDE], warped[SIDE * SIDE];
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        int connectivity = seed % 2 ? 8 : 4;
        uint64_t wrong, differ = 0, left = 0;
        for (uint64_t i = 0; i < SIDE * SIDE; i++) {
            truth[i] = un_rng_below(seed, i, 100) < 40 + seed % 40;
            predicted[i] = un_rng_below(seed + 1000, i, 100) < 60;
        }
        assert_int_equal(
            unet_warp(predicted, truth, SIDE, SIDE, connectivity, 0, warped, &wrong, NULL),
            UNET_OK);
        for (int i = 0; i < SIDE * SIDE; i++) {
            differ += truth[i] != predicted[i];
            left += warped[i] != predicted[i];
        }
        assert_int_equal(left, wrong);
        assert_true(wrong <= differ);
        for (int label = 0; label < 2; label++) {
            int by = label ? connectivity : 12 - connectivity;
            if (parts_of(truth, label, by) != parts_of(warped, label, by))
                fail_msg("seed %d, connectivity %d: %u parts of class %d became %u", (int)seed,
                         connectivity, parts_of(truth, label, by), label,
                         parts_of(warped, label, by));
        }
        /* no pixel more can change */
        uint64_t again;
        assert_int_equal(
            unet_warp(predicted, warped, SIDE, SIDE, connectivity, 0, NULL, &again, NULL), UNET_OK);
        assert_int_equal(again, wrong);
    }
}

/*
 * All 4x4 masks that the truth can become, by search.  A change is allowed if the pixel is wrong
 * and if it keeps the numbers of parts of both classes (of the ringed mask), which is another way
 * to say that the point is simple: no change of one pixel moves a part to another place.
 */
static int count_small(unsigned mask, int label, int connectivity)
{
    uint8_t ringed[36] = {0};
    uint32_t ids[36], parts;
    for (int i = 0; i < 16; i++)
        ringed[(i / 4 + 1) * 6 + i % 4 + 1] = mask >> i & 1;
    assert_int_equal(unet_parts(ringed, 6, 6, label, connectivity, ids, &parts, NULL), UNET_OK);
    return (int)parts;
}

static void test_search(void **state)
{
    uint8_t *topology = malloc(1 << 16), *seen = malloc(1 << 16);
    unsigned *queue = malloc((1 << 16) * sizeof *queue), equal = 0, more = 0, tries = 60;
    (void)state;
    for (unsigned mask = 0; mask < 1 << 16; mask++)
        topology[mask] = (uint8_t)(count_small(mask, 1, 4) * 16 + count_small(mask, 0, 8));
    for (unsigned seed = 0; seed < tries; seed++) {
        unsigned truth = un_rng_bits(77, seed) & 65535, predicted = un_rng_bits(78, seed) & 65535;
        unsigned best = 16, end = 1;
        uint8_t a[16], b[16];
        uint64_t wrong;
        memset(seen, 0, 1 << 16);
        queue[0] = truth;
        seen[truth] = 1;
        for (unsigned next = 0; next < end; next++) {
            unsigned differ = (unsigned)__builtin_popcount(queue[next] ^ predicted);
            best = differ < best ? differ : best;
            for (int i = 0; i < 16; i++) {
                unsigned to = queue[next] ^ 1u << i;
                if (((queue[next] ^ predicted) >> i & 1) && !seen[to] &&
                    topology[to] == topology[queue[next]]) {
                    seen[to] = 1;
                    queue[end++] = to;
                }
            }
        }
        for (int i = 0; i < 16; i++) {
            a[i] = predicted >> i & 1;
            b[i] = truth >> i & 1;
        }
        assert_int_equal(unet_warp(a, b, 4, 4, 4, 0, NULL, &wrong, NULL), UNET_OK);
        if (wrong < best)
            fail_msg("seed %u: %d wrong, the best of all warps leaves %u", seed, (int)wrong, best);
        equal += wrong == best;
        more += (unsigned)wrong - best;
    }
    /* of noise, where the order of changes matters most */
    if (equal * 2 < tries || more > tries)
        fail_msg("the best warp was found %u times of %u, %u more pixels were wrong", equal, tries,
                 more);
    free(topology);
    free(seen);
    free(queue);
}

/* A map of probabilities that has the truth at some thresholds. */
static void test_thresholds(void **state)
{
    uint8_t truth[SIDE * SIDE];
    float inside[SIDE * SIDE];
    unet_boundary rows[UNET_BOUNDARY_STEPS];
    (void)state;
    wall(truth, 5, 1);
    for (int i = 0; i < SIDE * SIDE; i++)
        inside[i] = truth[i] ? 0.75f : 0.35f;
    assert_int_equal(unet_boundary_scores(inside, truth, SIDE, SIDE, NULL, rows, NULL), UNET_OK);
    for (int step = 0; step < UNET_BOUNDARY_STEPS; step++) {
        const unet_boundary *row = &rows[step];
        int right = step >= 4 && step <= 7, merged = step < 4;
        double gone = (double)(SIDE * SIDE - SIDE) / (SIDE * SIDE);
        double pixels = right ? 0 : merged ? 1.0 / SIDE : gone;
        assert_true(fabs(row->threshold - step / 10.0) < 1e-15);
        if (right != (row->plain.rand == 1) || right != (row->thin.rand == 1) ||
            fabs(row->pixel_error - pixels) > 1e-15 || right != (row->warping_error == 0))
            fail_msg("threshold %g: rand %g, %g, pixel error %g (wanted %g), warping error %g",
                     row->threshold, row->plain.rand, row->thin.rand, row->pixel_error, pixels,
                     row->warping_error);
        if (merged)
            assert_true(row->plain.rand_split == 1 && row->plain.rand_merge < 0.6);
    }
    unet_error err;
    unet_boundary_options bad = {.connectivity = 6};
    assert_int_equal(unet_boundary_scores(inside, truth, SIDE, SIDE, &bad, rows, &err),
                     UNET_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_topology),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_thresholds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

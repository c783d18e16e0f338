/* SPDX-License-Identifier: Apache-2.0 */
/* Sums in a tree have the same bits whoever adds up what: any number of ranks, any batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/tree.h"

enum { MOST = 70 };

/* Values of which no two orders of addition have a sum in common by chance. */
static double value_of(int i)
{
    return (double)un_rng_uniform(9, (uint64_t)i) * (i % 3 ? 1 : 1e-7) + 1.0 / (3 + i);
}

/* The definition: a block is its first half and its second, if there is one. */
static double sum_of(int first, int level, int total)
{
    const int half = level ? first + (1 << (level - 1)) : total;
    if (!level)
        return value_of(first);
    const double left = sum_of(first, level - 1, total);
    return half < total ? left + sum_of(half, level - 1, total) : left;
}

static double sum_all(int total)
{
    int level = 0;
    while (1 << level < total)
        level++;
    return sum_of(0, level, total);
}

static void fold(struct un_tree *tree, double *slots)
{
    while (un_tree_fold(tree))
        slots[tree->count - 1] += slots[tree->count];
}

/* Each rank adds up its samples, and another all that they have. */
static double sum_by_ranks(int total, int ranks, int *rooms)
{
    struct un_tree all = {.total = total};
    double sums[UN_TREE_DEPTH];
    *rooms = 0;
    for (int r = 0; r < ranks; r++) {
        const int first = un_tree_first(total, ranks, r), end = un_tree_first(total, ranks, r + 1);
        struct un_tree own = {.total = total};
        double slots[UN_TREE_DEPTH];
        int wanted, used = 0;
        const struct un_tree left = un_tree_of(first, end, total, &wanted);
        for (int i = first; i < end; i++) {
            slots[own.count] = value_of(i);
            un_tree_push(&own, (struct un_block){i, 0});
            used = own.count > used ? own.count : used;
            fold(&own, slots);
        }
        assert_int_equal(used, wanted);
        assert_int_equal(own.count, left.count);
        for (int j = 0; j < own.count; j++) {
            sums[all.count] = slots[j];
            un_tree_push(&all, own.block[j]);
            fold(&all, sums);
        }
        *rooms = wanted > *rooms ? wanted : *rooms;
    }
    assert_int_equal(all.count, 1);
    return sums[0];
}

static void sums_do_not_depend_on_ranks(void **state)
{
    int rooms;
    (void)state;
    for (int total = 1; total <= MOST; total++) {
        const double want = sum_all(total);
        double values[MOST][2];
        for (int i = 0; i < total; i++)
            values[i][0] = values[i][1] = value_of(i);
        un_tree_sum(values[0], total, 2);
        assert_memory_equal(&values[0][0], &want, sizeof want);
        assert_memory_equal(&values[0][1], &want, sizeof want);
        for (int ranks = 1; ranks <= total; ranks++) {
            const double got = sum_by_ranks(total, ranks, &rooms);
            if (memcmp(&got, &want, sizeof want))
                fail_msg("%d samples by %d ranks: got %.17g, want %.17g", total, ranks, got, want);
        }
    }
    sum_by_ranks(64, 1, &rooms);
    assert_int_equal(rooms, 7); /* 64 samples by one: a slot for each level */
    sum_by_ranks(64, 64, &rooms);
    assert_int_equal(rooms, 1);
}

static void samples_are_dealt_evenly(void **state)
{
    (void)state;
    for (int total = 1; total <= MOST; total++)
        for (int ranks = 1; ranks <= total; ranks++) {
            assert_int_equal(un_tree_first(total, ranks, 0), 0);
            assert_int_equal(un_tree_first(total, ranks, ranks), total);
            for (int r = 0; r < ranks; r++) {
                const int count =
                    un_tree_first(total, ranks, r + 1) - un_tree_first(total, ranks, r);
                assert_in_range(count, total / ranks, (total + ranks - 1) / ranks);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_do_not_depend_on_ranks),
        cmocka_unit_test(samples_are_dealt_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks that talk: gathering, broadcasting, sending, for every count up to 9 and some beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/thread_ranks.h"
#include "unet_ranks.h"

/* cmocka's checks are for its own thread: the others count what went wrong. */
static int wrong;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void expect(int good, const char *what, const unet_ranks *r)
{
    if (good)
        return;
    pthread_mutex_lock(&lock);
    wrong++;
    fprintf(stderr, "%s: rank %d of %d\n", what, r->rank, r->count);
    pthread_mutex_unlock(&lock);
}

static void talk(const unet_ranks *r, void *context)
{
    int mine[3] = {r->rank, 100 + r->rank, -r->rank}, all[64][3], told[5];
    long number = 0;
    (void)context;
    expect(!unet_ranks_gather(r, 3, mine, sizeof mine, all, NULL), "gather", r);
    for (int i = 0; i < r->count; i++)
        expect(all[i][0] == i && all[i][1] == 100 + i && all[i][2] == -i, "gathered", r);
    for (int from = 0; from < r->count; from++) {
        for (int i = 0; i < 5; i++)
            told[i] = r->rank == from ? 7 * from + i : -1;
        expect(!unet_ranks_broadcast(r, 4, from, told, sizeof told, NULL), "broadcast", r);
        for (int i = 0; i < 5; i++)
            expect(told[i] == 7 * from + i, "told", r);
    }
    if (r->rank > 0) {
        expect(!unet_ranks_send(r, 5, 0, mine, sizeof mine, NULL), "send", r);
        expect(!unet_ranks_send(r, 5, 0, told, sizeof told, NULL), "send", r);
    }
    for (int i = r->count - 1; i > 0 && r->rank == 0; i--) {
        int got[3], more[5];
        expect(!unet_ranks_receive(r, 5, i, got, sizeof got, NULL), "receive", r);
        expect(!unet_ranks_receive(r, 5, i, more, sizeof more, NULL), "receive", r);
        expect(got[0] == i && got[2] == -i && more[4] == 7 * (r->count - 1) + 4, "received", r);
    }
    expect(!unet_ranks_barrier(r, 6, NULL), "barrier", r);
    expect(!r->next(r->context, &number, NULL) && number >= 0 && number < r->count, "next", r);
}

static void ranks_talk(void **state)
{
    (void)state;
    for (int count = 1; count <= 64; count = count < 9 ? count + 1 : 2 * count - 3) {
        if (!meet(count, talk, NULL)) {
            fprintf(stderr, "%d ranks: a message was left\n", count);
            wrong++;
        }
        assert_int_equal(wrong, 0);
    }
}

static void alone_is_all(void **state)
{
    int mine = 4, all = 0;
    (void)state;
    assert_int_equal(unet_ranks_gather(NULL, 0, &mine, sizeof mine, &all, NULL), UNET_OK);
    assert_int_equal(all, 4);
    assert_int_equal(unet_ranks_broadcast(NULL, 0, 0, &all, sizeof all, NULL), UNET_OK);
    assert_int_equal(unet_ranks_barrier(NULL, 0, NULL), UNET_OK);
}

static void wrong_calls_are_named(void **state)
{
    const unet_ranks nothing = {.size = sizeof nothing, .count = 2};
    const struct meeting_rank two = {
        .ranks = {.count = 2, .start = meeting_start, .wait = meeting_wait, .next = meeting_next}};
    unet_error err;
    int mine = 4;
    (void)state;
    assert_int_equal(unet_ranks_barrier(&nothing, 0, &err), UNET_EINVAL);
    assert_string_equal(err.text, "ranks: start is NULL");
    assert_int_equal(unet_ranks_barrier(&two.ranks, 64, &err), UNET_EINVAL);
    assert_string_equal(err.text, "channel is 64, wanted 0..63");
    assert_int_equal(unet_ranks_send(&two.ranks, 0, 2, &mine, sizeof mine, &err), UNET_EINVAL);
    assert_string_equal(err.text, "rank 2 of 2, wanted 0 .. count - 1");
    assert_int_equal(unet_ranks_send(&two.ranks, 0, 0, &mine, sizeof mine, &err), UNET_EINVAL);
    assert_string_equal(err.text, "rank 0 is oneself");
    assert_int_equal(unet_ranks_receive(NULL, 0, 1, &mine, sizeof mine, &err), UNET_EINVAL);
    assert_string_equal(err.text, "ranks is NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_talk),
        cmocka_unit_test(alone_is_all),
        cmocka_unit_test(wrong_calls_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

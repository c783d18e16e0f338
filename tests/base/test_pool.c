/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: each task once, threads that are told apart, calls from tasks and from two threads, a
 * child of fork(), threads that cannot be started, threads that sleep when there is nothing to do
 * and end with their pool.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pool.h"
#include "support/few_threads.h"

enum { MOST = 5000, THREADS = 4 };

struct seen {
    struct un_pool *pool; /* for tasks that call it */
    atomic_int times[MOST];
    atomic_int inside[THREADS], mistakes;
    atomic_int threads; /* a bit for each that worked */
};

static void look(void *context, int index, int thread)
{
    struct seen *s = context;
    s->times[index]++;
    if (thread < 0 || thread >= THREADS || s->inside[thread]++)
        s->mistakes++;
    else
        s->inside[thread]--;
    s->threads |= 1 << thread;
}

static void run_once(struct un_pool *pool, int count)
{
    static struct seen s;
    memset(&s, 0, sizeof s);
    un_pool_run(pool, count, look, &s);
    for (int i = 0; i < MOST; i++)
        if (s.times[i] != (i < count))
            fail_msg("%d tasks: number %d was done %d times", count, i, s.times[i]);
    if (s.mistakes)
        fail_msg("%d tasks: %d by a thread whose number was another's", count, s.mistakes);
}

static void test_each_task_once(void **state)
{
    static const int counts[] = {0, 1, 2, 3, 7, 33, 64, 1000, MOST};
    (void)state;
    for (int threads = 1; threads <= THREADS; threads++) {
        struct un_pool *pool = un_pool_create(threads);
        assert_int_equal(un_pool_threads(pool), threads);
        for (int round = 0; round < 200; round++)
            run_once(pool, counts[round % (int)(sizeof counts / sizeof *counts)]);
        un_pool_free(pool);
    }
    run_once(NULL, 100);
    assert_int_equal(un_pool_threads(NULL), 1);
    struct un_pool *pool = un_pool_create(0);
    assert_int_equal(un_pool_threads(pool), un_pool_cores());
    un_pool_free(pool);
    un_pool_free(NULL);
}

/* All threads work, if the tasks last. */
static void dawdle(void *context, int index, int thread)
{
    struct seen *s = context;
    (void)index;
    s->threads |= 1 << thread;
    usleep(2000);
}

static void test_all_threads_work(void **state)
{
    struct un_pool *pool = un_pool_create(THREADS);
    struct seen s = {.threads = 0};
    (void)state;
    for (int round = 0; round < 50 && s.threads != (1 << THREADS) - 1; round++)
        un_pool_run(pool, 20 * THREADS, dawdle, &s);
    un_pool_free(pool);
    if (s.threads != (1 << THREADS) - 1)
        fail_msg("bits of the threads that worked: %x, wanted %x", s.threads, (1 << THREADS) - 1);
}

/* ---- calls from tasks, calls from two threads ---- */

static void call_again(void *context, int index, int thread)
{
    struct seen *s = context;
    struct seen inner = {.mistakes = 0};
    (void)index;
    (void)thread;
    un_pool_run(s->pool, 10, look, &inner);
    for (int i = 0; i < 10; i++)
        s->mistakes += inner.times[i] != 1;
}

static void test_nested(void **state)
{
    struct seen s = {.pool = un_pool_create(3)};
    (void)state;
    for (int round = 0; round < 50; round++)
        un_pool_run(s.pool, 20, call_again, &s);
    un_pool_free(s.pool);
    assert_int_equal(s.mistakes, 0);
}

static void *call_often(void *context)
{
    for (int round = 0; round < 100; round++)
        call_again(context, 0, 0);
    return NULL;
}

static void test_two_callers(void **state)
{
    struct seen s = {.pool = un_pool_create(3)};
    pthread_t other;
    (void)state;
    assert_int_equal(pthread_create(&other, NULL, call_often, &s), 0);
    call_often(&s);
    pthread_join(other, NULL);
    un_pool_free(s.pool);
    assert_int_equal(s.mistakes, 0);
}

/* ---- failing ---- */

static unet_code fail_some(void *context, int index, unet_error *err)
{
    (void)context;
    err->code = UNET_EIO;
    snprintf(err->text, sizeof err->text, "task %d", index);
    return index == 17 || index > 30 ? UNET_EIO : UNET_OK;
}

static void test_first_failure(void **state)
{
    unet_error err;
    (void)state;
    for (int threads = 1; threads <= THREADS; threads++) {
        struct un_pool *pool = un_pool_create(threads);
        for (int round = 0; round < 50; round++) {
            assert_int_equal(un_pool_try(pool, 40, fail_some, NULL, &err), UNET_EIO);
            assert_string_equal(err.text, "task 17");
        }
        assert_int_equal(un_pool_try(pool, 17, fail_some, NULL, &err), UNET_OK);
        un_pool_free(pool);
    }
}

/* ---- the threads themselves ---- */

static void test_fork(void **state)
{
    (void)state;
    skip_where_no_child_has_threads();
    struct un_pool *pool = un_pool_create(THREADS);
    run_once(pool, 1000);
    for (int round = 0; round < 20; round++) {
        const pid_t child = fork();
        if (!child) {
            alarm(20);
            run_once(pool, 1000);
            un_pool_free(pool);
            _exit(0);
        }
        expect_exit(child);
        run_once(pool, 1000);
    }
    un_pool_free(pool);
}

static void test_threads_that_cannot_start(void **state)
{
    (void)state;
    for (int few = 0; few < 3; few++) {
        struct un_pool *pool = un_pool_create(THREADS);
        allowed_threads = few;
        run_once(pool, 1000);
        allowed_threads = -1;
        assert_int_equal(un_pool_threads(pool), THREADS);
        assert_int_equal(count_threads(), 1 + few);
        for (int round = 0; round < 20; round++)
            run_once(pool, 1000);
        un_pool_free(pool);
    }
}

static void test_no_thread_is_left(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct un_pool *pool = un_pool_create(THREADS);
        if (round % 3)
            run_once(pool, 50);
        un_pool_free(pool);
    }
    assert_int_equal(count_threads(), 1);
}

/* The processor's time, not the clock's: whoever else is at work does not matter. */
static void test_idle_threads_sleep(void **state)
{
    struct un_pool *pool = un_pool_create(THREADS);
    (void)state;
    run_once(pool, 1000);
    usleep(20000);
    const clock_t before = clock();
    usleep(300000);
    const double spent = (double)(clock() - before) / CLOCKS_PER_SEC;
    un_pool_free(pool);
    if (spent > 0.1)
        fail_msg("idle threads took %.3f s of 0.3 s", spent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_task_once),
        cmocka_unit_test(test_all_threads_work),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_two_callers),
        cmocka_unit_test(test_first_failure),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_threads_that_cannot_start),
        cmocka_unit_test(test_no_thread_is_left),
        cmocka_unit_test(test_idle_threads_sleep),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - threads that share the tasks of a loop with the thread that calls it
 *
 * A loop has tasks 0 .. count - 1; each is done once, by any thread, in any order.  So a caller who
 * cuts its work by shapes alone, and adds up what tasks have found in the order of the tasks, gets
 * the same bits from any number of threads.
 *
 * A pool's threads start when its first loop runs.  Those that cannot be started are done without.
 * In a process made by fork() a pool starts its threads anew.  Signals go to other threads.
 */
#ifndef UN_POOL_H
#define UN_POOL_H

#include "base/error.h"

struct un_pool;

/* thread: which of the pool's threads does the task, 0 .. un_pool_threads() - 1; two tasks that run
 * at the same time have different ones. */
typedef void un_pool_task(void *context, int index, int thread);

/* Processors that this process may run on, 1 or more. */
int un_pool_cores(void);

/* threads: with the caller's own; 0: one per core.  NULL: no memory. */
struct un_pool *un_pool_create(int threads);
void un_pool_free(struct un_pool *pool);

/* 1 for NULL, which is a pool without threads of its own. */
int un_pool_threads(const struct un_pool *pool);

/* Returns when all tasks are done.  Where the pool is at work already, because a task of it calls
 * or two threads do, the caller does all tasks alone, as thread 0. */
void un_pool_run(struct un_pool *pool, int count, un_pool_task *task, void *context);

/* The same for tasks that may fail.  All of them are done; the error is that of the first in order,
 * for any number of threads. */
typedef unet_code un_pool_try_task(void *context, int index, unet_error *err);
unet_code un_pool_try(struct un_pool *pool, int count, un_pool_try_task *task, void *context,
                      unet_error *err);

#endif

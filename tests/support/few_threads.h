/* SPDX-License-Identifier: Apache-2.0 */
/* few_threads.h - pthread_create() that fails when it is told to; children; how many threads run */
#ifndef FEW_THREADS_H
#define FEW_THREADS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int allowed_threads = -1; /* that may still be started; -1: any number */

/* In front of the C library's, as the system does it when a process may have no more threads. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                   void *context)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    int left = allowed_threads;
    while (left >= 0) {
        if (!left)
            return EAGAIN;
        if (atomic_compare_exchange_weak(&allowed_threads, &left, left - 1))
            break;
    }
    return real(thread, attr, start, context);
}

#if defined(__SANITIZE_THREAD__)
static const bool watched = true;
#else
static const bool watched = false;
#endif

/* ThreadSanitizer ends a child of a process with threads when it starts one. */
static inline void skip_where_no_child_has_threads(void)
{
    if (watched)
        skip();
}

/* Of this process.  One that was joined may be there for a moment still. */
static inline int count_threads(void)
{
    int count = 0;
    for (int i = 0; i < 200; i++) {
        DIR *tasks = opendir("/proc/self/task");
        struct dirent *entry;
        int now = watched ? -1 : 0; /* it has a thread of its own */
        assert_non_null(tasks);
        while ((entry = readdir(tasks)))
            now += entry->d_name[0] != '.';
        closedir(tasks);
        if (i && now == count)
            break;
        count = now;
        usleep(20000);
    }
    return count;
}

static inline void expect_exit(pid_t child)
{
    int status;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        fail_msg("the child ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.c - a plugin before the plugin: when ranks talk, as a table
 *
 * ranks.py has it loaded in the place of libunet_mpi.so (UNET_MPI_PLUGIN), which UNET_TRACED
 * names.  Every exchange is a line of the file UNET_TRACE.RANK: channel, bytes that are sent, and
 * the seconds at which it began and ended, on a clock that all processes of a machine share.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unet_mpi.h"

static const struct unet_mpi *traced;
static unet_ranks ranks;
static FILE *file;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct exchange {
    void *pending;
    int channel;
    double bytes, began;
};

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static unet_code trace_start(void *context, int channel, const unet_piece *give,
                             const unet_piece *take, void **pending, unet_error *err)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (!x)
        abort();
    x->channel = channel;
    x->began = seconds_now();
    for (int r = 0; give && r < ranks.count; r++)
        x->bytes += r == ranks.rank ? 0 : (double)give[r].count;
    *pending = x;
    return ranks.start(context, channel, give, take, &x->pending, err);
}

static unet_code trace_wait(void *context, void *pending, unet_error *err)
{
    struct exchange *x = pending;
    const unet_code code = ranks.wait(context, x->pending, err);
    pthread_mutex_lock(&lock);
    fprintf(file, "%d\t%.0f\t%.6f\t%.6f\n", x->channel, x->bytes, x->began, seconds_now());
    pthread_mutex_unlock(&lock);
    free(x);
    return code;
}

static void *load(const char *path)
{
    void *handle = path ? dlopen(path, RTLD_NOW | RTLD_GLOBAL) : NULL;
    return handle ? dlsym(handle, UNET_MPI_SYMBOL) : NULL;
}

static unet_code join(int expected, unet_ranks *joined, unet_error *err)
{
    const char *name = getenv("UNET_TRACE");
    char path[4096];
    traced = load(getenv("UNET_TRACED"));
    if (!traced || !name) {
        fprintf(stderr, "trace: set UNET_TRACED to the plugin and UNET_TRACE to a file\n");
        exit(1);
    }
    const unet_code code = traced->join(expected, &ranks, err);
    if (code)
        return code;
    snprintf(path, sizeof path, "%s.%d", name, ranks.rank);
    file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(1);
    }
    *joined = ranks;
    joined->start = trace_start;
    joined->wait = trace_wait;
    return code;
}

static void leave(void)
{
    fclose(file);
    traced->leave();
}

static void end_all(int status)
{
    fclose(file);
    traced->end_all(status);
}

__attribute__((visibility("default"))) extern const struct unet_mpi unet_mpi;
const struct unet_mpi unet_mpi = {
    .version = UNET_VERSION,
    .made_with = "a trace of another",
    .join = join,
    .leave = leave,
    .end_all = end_all,
};

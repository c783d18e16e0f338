/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranks_mpi.c - the ranks of unet_ranks.h by MPI: libunet_mpi.so
 *
 * MPI is spoken by one thread of this file alone, so that any MPI will do (none needs to be asked
 * for MPI_THREAD_MULTIPLE), and so that messages move while the program computes.  Others hand it
 * what they want in a list and wait to be told.  The thread starts what is new, then tests all that
 * is under way, with pauses that grow while nothing ends.
 *
 * Every message of a channel has the channel's number as its tag; MPI keeps those of one tag in
 * order.  Larger ones than an int can count go in several parts.
 *
 * The counter behind next() is rank 0's: its thread answers whoever asks.
 */
#include "unet_mpi.h"

#include <mpi.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { TAG_ASK = 64, TAG_ANSWER, PART = 1 << 30 };

/* What is under way: of start(), or of next(). */
struct pending {
    struct pending *next;
    int channel;
    unet_piece *give, *take; /* [ranks] */
    MPI_Request *requests;
    int count;
    int asks;    /* of next() */
    long number; /* that it got */
    int done, failed;
};

static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted, changed;
    struct pending *fresh; /* the newest first */
    int joined, leaving, ending, left;
    int status;              /* of who ends all */
    int rank, ranks, failed; /* failed: what MPI said when it was to begin */
    /* the thread's own */
    struct pending *active;
    long counter;
    int asked; /* what came in for it */
    MPI_Request asking;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER,
           .wanted = PTHREAD_COND_INITIALIZER,
           .changed = PTHREAD_COND_INITIALIZER};

static unet_code failed(unet_error *err, unet_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static unet_code failed(unet_error *err, unet_code code, const char *format, ...)
{
    va_list args;
    if (!err)
        return code;
    memset(err, 0, sizeof *err);
    err->code = code;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return code;
}

static unet_code failed_by_mpi(unet_error *err, const char *what, int number)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(number, text, &length);
    return failed(err, UNET_EIO, "%s: %.200s", what, text);
}

/* ---- the thread -------------------------------------------------------------------------- */

static int parts(size_t count)
{
    return (int)((count + PART - 1) / PART);
}

static int starts(struct pending *p, int r, int gives)
{
    const unet_piece piece = gives ? p->give[r] : p->take[r];
    int error = MPI_SUCCESS;
    if (r == world.rank)
        return error;
    for (size_t at = 0; at < piece.count && !error; at += PART) {
        const size_t left = piece.count - at;
        const int count = left < PART ? (int)left : PART;
        char *bytes = (char *)piece.bytes + at;
        MPI_Request *request = &p->requests[p->count];
        error = gives ? MPI_Isend(bytes, count, MPI_BYTE, r, p->channel, MPI_COMM_WORLD, request)
                      : MPI_Irecv(bytes, count, MPI_BYTE, r, p->channel, MPI_COMM_WORLD, request);
        p->count += !error;
    }
    return error;
}

static void begin(struct pending *p)
{
    int error = MPI_SUCCESS;
    if (p->asks && world.rank == 0) {
        p->number = world.counter++;
    } else if (p->asks) {
        error = MPI_Irecv(&p->number, 1, MPI_LONG, 0, TAG_ANSWER, MPI_COMM_WORLD, p->requests);
        p->count = !error;
        if (!error)
            error =
                MPI_Isend(&world.asked, 1, MPI_INT, 0, TAG_ASK, MPI_COMM_WORLD, p->requests + 1);
        p->count += !error;
    } else {
        for (int i = 0; i < world.ranks && !error; i++) /* first the next one, not all rank 0 */
            error = starts(p, (world.rank + i) % world.ranks, 0);
        for (int i = 0; i < world.ranks && !error; i++)
            error = starts(p, (world.rank + i) % world.ranks, 1);
    }
    p->failed = error;
}

/* Answers who asked for a number.  How many were answered. */
static int serve(void)
{
    MPI_Status status;
    int there = 0, count = 0;
    while (world.rank == 0 && !MPI_Test(&world.asking, &there, &status) && there) {
        MPI_Send(&world.counter, 1, MPI_LONG, status.MPI_SOURCE, TAG_ANSWER, MPI_COMM_WORLD);
        world.counter++;
        count++;
        MPI_Irecv(&world.asked, 1, MPI_INT, MPI_ANY_SOURCE, TAG_ASK, MPI_COMM_WORLD, &world.asking);
    }
    return count;
}

/* Looks at all that is under way; how many have ended. */
static int test_all(void)
{
    int ended = 0;
    for (struct pending **at = &world.active; *at;) {
        struct pending *p = *at;
        int done = 0;
        if (!p->failed)
            p->failed = MPI_Testall(p->count, p->requests, &done, MPI_STATUSES_IGNORE);
        if (!done && !p->failed) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        pthread_mutex_lock(&world.lock);
        p->done = 1;
        pthread_cond_broadcast(&world.changed);
        pthread_mutex_unlock(&world.lock);
        ended++;
    }
    return ended;
}

/* Waits with the lock until somebody wants something, or for a moment. */
static void sleep_for(long nanoseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += nanoseconds;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&world.wanted, &world.lock, &until);
}

/* Moves what is new to what is under way, the oldest first.  How many. */
static int take_fresh(void)
{
    struct pending *list = NULL, **end = &world.active;
    int count = 0;
    while (world.fresh) {
        struct pending *p = world.fresh;
        world.fresh = p->next;
        p->next = list;
        list = p;
    }
    while (*end)
        end = &(*end)->next;
    *end = list;
    pthread_mutex_unlock(&world.lock);
    for (; list; list = list->next, count++)
        begin(list);
    pthread_mutex_lock(&world.lock);
    return count;
}

/* Until leaving: all that is wanted is begun and ended. */
static void work(void)
{
    MPI_Request all = MPI_REQUEST_NULL; /* of a barrier, since others may still ask */
    int idle = 0, gone = 0;
    while (!gone) {
        pthread_mutex_lock(&world.lock);
        if (world.ending)
            MPI_Abort(MPI_COMM_WORLD, world.status);
        int moved = take_fresh();
        const int leaving = world.leaving;
        if (!moved && !world.active && !leaving)
            sleep_for(world.rank == 0 ? 1000000 : 1000000000);
        else if (!moved && idle > 200) /* others of this machine want to compute */
            sleep_for(idle < 2000 ? 20000 : 200000);
        pthread_mutex_unlock(&world.lock);
        moved += test_all() + serve();
        if (leaving && !world.active) {
            if (all == MPI_REQUEST_NULL && MPI_Ibarrier(MPI_COMM_WORLD, &all))
                break;
            MPI_Test(&all, &gone, MPI_STATUS_IGNORE);
        }
        idle = moved ? 0 : idle + 1;
        if (idle)
            sched_yield();
    }
}

static void *speak(void *unused)
{
    int given, error = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given);
    if (!error)
        error = MPI_Comm_rank(MPI_COMM_WORLD, &world.rank);
    if (!error)
        error = MPI_Comm_size(MPI_COMM_WORLD, &world.ranks);
    if (!error)
        error = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (!error && world.rank == 0)
        error = MPI_Irecv(&world.asked, 1, MPI_INT, MPI_ANY_SOURCE, TAG_ASK, MPI_COMM_WORLD,
                          &world.asking);
    pthread_mutex_lock(&world.lock);
    world.failed = error;
    world.joined = 1;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
    if (error)
        return unused;
    work();
    if (world.rank == 0) {
        MPI_Cancel(&world.asking);
        MPI_Request_free(&world.asking);
    }
    MPI_Finalize();
    pthread_mutex_lock(&world.lock);
    world.left = 1;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
    return unused;
}

/* ---- what the program calls -------------------------------------------------------------- */

static void release(struct pending *p)
{
    free(p->give);
    free(p->take);
    free(p->requests);
    free(p);
}

/* Room for the messages of both ways; NULL: no memory. */
static struct pending *make(const unet_piece *give, const unet_piece *take)
{
    const size_t ranks = (size_t)world.ranks;
    struct pending *p = calloc(1, sizeof *p);
    size_t messages = 2;
    if (!p)
        return NULL;
    p->give = calloc(ranks, sizeof *p->give);
    p->take = calloc(ranks, sizeof *p->take);
    if (p->give && give)
        memcpy(p->give, give, ranks * sizeof *give);
    if (p->take && take)
        memcpy(p->take, take, ranks * sizeof *take);
    for (size_t r = 0; p->give && p->take && r < ranks; r++)
        messages += (size_t)(parts(p->give[r].count) + parts(p->take[r].count));
    p->requests = malloc(messages * sizeof(MPI_Request));
    if (p->give && p->take && p->requests)
        return p;
    release(p);
    return NULL;
}

static void hand_over(struct pending *p)
{
    pthread_mutex_lock(&world.lock);
    p->next = world.fresh;
    world.fresh = p;
    pthread_cond_signal(&world.wanted);
    pthread_mutex_unlock(&world.lock);
}

static unet_code start(void *context, int channel, const unet_piece *give, const unet_piece *take,
                       void **pending, unet_error *err)
{
    struct pending *p = make(give, take);
    (void)context;
    if (!p)
        return failed(err, UNET_ENOMEM, "no memory for messages to %d ranks", world.ranks);
    p->channel = channel;
    *pending = p;
    hand_over(p);
    return UNET_OK;
}

static unet_code wait_for(void *context, void *pending, unet_error *err)
{
    struct pending *p = pending;
    (void)context;
    pthread_mutex_lock(&world.lock);
    while (!p->done)
        pthread_cond_wait(&world.changed, &world.lock);
    pthread_mutex_unlock(&world.lock);
    const int error = p->failed;
    release(p);
    return error ? failed_by_mpi(err, "a message to the other ranks", error) : UNET_OK;
}

static unet_code next(void *context, long *number, unet_error *err)
{
    struct pending *p = make(NULL, NULL);
    (void)context;
    if (!p)
        return failed(err, UNET_ENOMEM, "no memory for a message");
    p->asks = 1;
    hand_over(p);
    pthread_mutex_lock(&world.lock);
    while (!p->done)
        pthread_cond_wait(&world.changed, &world.lock);
    pthread_mutex_unlock(&world.lock);
    const int error = p->failed;
    if (!error)
        *number = p->number;
    release(p);
    return error ? failed_by_mpi(err, "a message to rank 0", error) : UNET_OK;
}

/* The first line of what MPI calls itself, up to a comma: "Open MPI v4.1.4". */
static const char *name_mpi(char text[MPI_MAX_LIBRARY_VERSION_STRING])
{
    int length = 0;
    text[0] = '\0';
    MPI_Get_library_version(text, &length);
    text[strcspn(text, ",\n")] = '\0';
    for (char *tab = text; (tab = strchr(tab, '\t')); tab++)
        *tab = ' ';
    return text;
}

static unet_code join(int expected, unet_ranks *ranks, unet_error *err)
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    sigset_t all, before;
    sigfillset(&all); /* signals are the program's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int none = pthread_create(&world.thread, NULL, speak, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (none)
        return failed(err, UNET_ENOMEM, "MPI: no thread can be made for it: %s", strerror(none));
    pthread_mutex_lock(&world.lock);
    while (!world.joined)
        pthread_cond_wait(&world.changed, &world.lock);
    pthread_mutex_unlock(&world.lock);
    if (world.failed)
        return failed_by_mpi(err, "MPI cannot begin", world.failed);
    if (world.ranks != expected)
        return failed(
            err, UNET_EIO,
            "the launcher started %d processes, but MPI knows of %d: libunet_mpi.so speaks "
            "%s, and the launcher is that of another MPI, or of none",
            expected, world.ranks, name_mpi(text));
    *ranks = (unet_ranks){.size = sizeof *ranks,
                          .rank = world.rank,
                          .count = world.ranks,
                          .start = start,
                          .wait = wait_for,
                          .next = next};
    return UNET_OK;
}

static void leave(void)
{
    pthread_mutex_lock(&world.lock);
    world.leaving = 1;
    pthread_cond_signal(&world.wanted);
    pthread_mutex_unlock(&world.lock);
    pthread_join(world.thread, NULL);
}

static void end_all(int status)
{
    pthread_mutex_lock(&world.lock);
    world.ending = 1;
    world.status = status;
    pthread_cond_signal(&world.wanted);
    pthread_mutex_unlock(&world.lock);
    sleep(10); /* the launcher ends this process long before */
    _exit(status);
}

__attribute__((visibility("default"))) extern const struct unet_mpi unet_mpi;
const struct unet_mpi unet_mpi = {
    .version = UNET_VERSION,
#ifdef OMPI_MAJOR_VERSION
    .made_with = "Open MPI",
#else
    .made_with = "MPICH, or one like it",
#endif
    .join = join,
    .leave = leave,
    .end_all = end_all,
};

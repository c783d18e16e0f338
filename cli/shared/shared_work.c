/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_work.c - pieces of work dealt to ranks, or to threads
 *
 * Rank 0 works, too; for each of the others it has a thread that sleeps until that rank has done a
 * piece.  Threads bring their pieces themselves.  Whoever brings the piece that is next in order
 * says it, and those behind it that wait.
 */
#include "shared/shared_work.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/say.h"

enum { CHANNEL = 1, END = -1 }; /* of this program's own channels */

/* What goes before the bytes of a piece. */
struct head {
    int64_t piece; /* END: there are no more from this rank */
    int64_t status;
    uint64_t out, err, more; /* bytes of each */
};

struct piece {
    int there, status;
    char *bytes; /* out, err, more one behind the other */
    struct head head;
};

struct office {
    const struct shared_work *work;
    struct piece *pieces; /* [count] on rank 0 */
    long said;            /* pieces before this one are */
    int status, interrupted;
    long next; /* without ranks: the piece that nobody has begun */
    pthread_mutex_t lock;
};

struct listener {
    struct office *office;
    int rank;
    pthread_t thread;
    int started;
};

/* ---- rank 0 ------------------------------------------------------------------------------ */

/* Says what is next in order and there.  The office is locked. */
static void say_ready(struct office *office)
{
    const struct shared_work *work = office->work;

    for (; office->said < work->count && office->pieces[office->said].there; office->said++) {
        struct piece *piece = &office->pieces[office->said];
        const char *err = piece->bytes + piece->head.out, *more = err + piece->head.err;
        int status;

        if (work->will_say)
            work->will_say(work->context);
        fwrite(piece->bytes, 1, piece->head.out, stdout);
        fflush(stdout);
        fwrite(err, 1, piece->head.err, stderr);
        status = work->came(work->context, office->said, piece->status, more, piece->head.more);
        office->status = office->status ? office->status : status;
        free(piece->bytes);
        piece->bytes = NULL;
    }
}

/* Takes the bytes. */
static void file_piece(struct office *office, int rank, const struct head *head, char *bytes)
{
    pthread_mutex_lock(&office->lock);
    if (head->status == EXIT_INTERRUPTED) { /* it is not done, and nothing behind it is said */
        office->interrupted = 1;
        free(bytes);
    } else if (head->piece < office->work->count && !office->pieces[head->piece].there) {
        office->pieces[head->piece] = (struct piece){1, (int)head->status, bytes, *head};
        if (office->work->shares)
            office->work->shares[rank]++;
        say_ready(office);
    } else {
        free(bytes);
    }
    pthread_mutex_unlock(&office->lock);
}

static void fail_office(struct office *office, const unet_error *err)
{
    pthread_mutex_lock(&office->lock);
    if (!office->status)
        office->status = err ? fail(err) : fail_memory();
    pthread_mutex_unlock(&office->lock);
}

static void *listen_to(void *context)
{
    struct listener *listener = context;
    struct office *office = listener->office;
    const unet_ranks *ranks = office->work->ranks;
    struct head head;
    unet_error err;

    while (!unet_ranks_receive(ranks, CHANNEL, listener->rank, &head, sizeof(head), &err)) {
        size_t size = (size_t)(head.out + head.err + head.more);
        char *bytes;

        if (head.piece == END)
            return NULL;
        if (!(bytes = malloc(size + 1))) {
            fail_office(office, NULL);
            return NULL;
        }
        if (size && unet_ranks_receive(ranks, CHANNEL, listener->rank, bytes, size, &err)) {
            free(bytes);
            break;
        }
        file_piece(office, listener->rank, &head, bytes);
    }
    fail_office(office, &err);
    return NULL;
}

/* ---- all ranks --------------------------------------------------------------------------- */

/* Does a piece, *head and *bytes: what came of it.  EXIT_FAILED: no memory, told. */
static int do_piece(const struct shared_work *work, void *context, long i, struct head *head,
                    char **bytes)
{
    char *text[3] = {NULL, NULL, NULL};
    size_t size[3] = {0, 0, 0};
    FILE *to[3];
    int ok = 1, status = EXIT_FAILED;

    for (int k = 0; k < 3; k++)
        ok &= (to[k] = open_memstream(&text[k], &size[k])) != NULL;
    if (ok) {
        say_into(to[0], to[1]);
        status = work->one(context, i, to[2]);
        say_into(NULL, NULL);
    }
    for (int k = 0; k < 3; k++)
        ok &= to[k] && !fclose(to[k]);
    *bytes = ok ? malloc(size[0] + size[1] + size[2] + 1) : NULL;
    if (*bytes) {
        char *end = *bytes;

        for (int k = 0; k < 3; end += size[k++])
            memcpy(end, text[k], size[k]);
        *head = (struct head){i, status, size[0], size[1], size[2]};
    }
    for (int k = 0; k < 3; k++)
        free(text[k]);
    return *bytes ? EXIT_DONE : fail_memory();
}

static int send_piece(const struct shared_work *work, const struct head *head, char *bytes)
{
    size_t size = (size_t)(head->out + head->err + head->more);
    unet_error err;
    int failed = unet_ranks_send(work->ranks, CHANNEL, 0, head, sizeof(*head), &err) ||
                 (size && unet_ranks_send(work->ranks, CHANNEL, 0, bytes, size, &err));

    free(bytes);
    return failed ? fail(&err) : EXIT_DONE;
}

/* The number of the next piece. */
static unet_code take_next(struct office *office, long *i, unet_error *err)
{
    const unet_ranks *ranks = office->work->ranks;

    if (ranks)
        return ranks->next(ranks->context, i, err);
    pthread_mutex_lock(&office->lock);
    *i = office->next++;
    pthread_mutex_unlock(&office->lock);
    return UNET_OK;
}

/* Takes piece after piece until there are no more.  rank: this one's, or a thread's number. */
static int work_on(struct office *office, int rank)
{
    const struct shared_work *work = office->work;
    void *context = work->ranks ? work->context : work->each[rank];
    int status = EXIT_DONE;

    while (!status && !interrupted()) {
        struct head head;
        char *bytes;
        long i;
        unet_error err;

        if (take_next(office, &i, &err))
            return fail(&err);
        if (i >= work->count)
            return EXIT_DONE;
        if ((status = do_piece(work, context, i, &head, &bytes)))
            return status;
        if (!work->ranks || rank == 0)
            file_piece(office, rank, &head, bytes);
        else
            status = send_piece(work, &head, bytes);
    }
    return status;
}

/* ---- threads ----------------------------------------------------------------------------- */

static void *work_beside(void *context)
{
    struct listener *self = context;
    int status = work_on(self->office, self->rank);

    pthread_mutex_lock(&self->office->lock);
    self->office->status = self->office->status ? self->office->status : status;
    pthread_mutex_unlock(&self->office->lock);
    return NULL;
}

/* Those that cannot be started are done without. */
static int work_by_threads(struct office *office, struct listener *others)
{
    int status;

    for (int t = 1; t < office->work->threads; t++) {
        others[t] = (struct listener){.office = office, .rank = t};
        others[t].started = !pthread_create(&others[t].thread, NULL, work_beside, &others[t]);
    }
    status = work_on(office, 0);
    for (int t = 1; t < office->work->threads; t++)
        if (others[t].started)
            pthread_join(others[t].thread, NULL);
    return status;
}

/* ------------------------------------------------------------------------------------------ */

static int begin_listening(struct office *office, struct listener *listeners)
{
    for (int r = 1; r < office->work->ranks->count; r++) {
        listeners[r].office = office;
        listeners[r].rank = r;
        if (pthread_create(&listeners[r].thread, NULL, listen_to, &listeners[r]))
            return fail_text("no thread can be started for rank %d", r);
        listeners[r].started = 1;
    }
    return EXIT_DONE;
}

int shared_work_do(const struct shared_work *work, int *was_interrupted)
{
    const unet_ranks *ranks = work->ranks;
    struct office office = {.work = work, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct listener *listeners = NULL;
    int status;

    if (ranks && ranks->rank > 0) {
        const struct head end = {.piece = END};
        unet_error err;

        status = work_on(&office, ranks->rank);
        if (!status && unet_ranks_send(ranks, CHANNEL, 0, &end, sizeof(end), &err))
            status = fail(&err);
        *was_interrupted = interrupted();
        return status;
    }
    office.pieces = calloc((size_t)work->count + 1, sizeof(*office.pieces));
    listeners = calloc((size_t)(ranks ? ranks->count : work->threads), sizeof(*listeners));
    if (!office.pieces || !listeners)
        status = fail_memory();
    else if (!ranks)
        status = work_by_threads(&office, listeners);
    else if (!(status = begin_listening(&office, listeners)))
        status = work_on(&office, 0);
    for (int r = 1; ranks && r < ranks->count && !status; r++)
        pthread_join(listeners[r].thread, NULL);
    if (status &&
        ranks) /* threads wait for what may never come: the end of the process is theirs */
        return status;
    for (long i = 0; office.pieces && i < work->count; i++)
        free(office.pieces[i].bytes);
    *was_interrupted = office.said < work->count;
    status = status ? status : office.status;
    free(office.pieces);
    free(listeners);
    return status;
}

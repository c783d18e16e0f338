/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_ranks.c - an image predicted by several ranks
 *
 * Row k of tiles is computed by rank k modulo their count; its answers go to rank 0, which hands
 * them over in order.  Where tiles are blended, the rows that row k shares with k + 1 go from rank
 * to rank: all compute at the same time, and wait only then.
 */
#include <stdlib.h>
#include <string.h>

#include "predict/walk.h"

/* Whether all ranks cut the same image into the same tiles. */
static unet_code compare_tiles(const struct un_walk *walk, unet_error *err)
{
    const unet_ranks *ranks = walk->stream->ranks;
    const unet_session *s = walk->session;
    const int mine[] = {s->tile, s->overlap, walk->height, walk->window.image.width,
                        walk->window.image.channels};
    enum { FACTS = sizeof mine / sizeof *mine };
    int *all = malloc((size_t)ranks->count * sizeof mine);
    unet_code code = all ? un_ranks_gather(ranks, UN_CHANNEL_ANSWERS, mine, sizeof mine, all, err)
                         : un_fail_memory(err, (size_t)ranks->count * sizeof mine, "messages");
    for (int r = 1; r < ranks->count && !code; r++) {
        const int *other = all + (size_t)r * FACTS;
        if (memcmp(other + 2, all + 2, (FACTS - 2) * sizeof *other))
            code = un_fail(err, UNET_EINVAL,
                           "%s: on rank %d it is %d x %d pixels of %d channels, on rank 0 %d x %d "
                           "of %d",
                           walk->window.source->name, r, other[2], other[3], other[4], all[2],
                           all[3], all[4]);
        else if (memcmp(other, all, 2 * sizeof *other))
            code = un_fail(err, UNET_EINVAL,
                           "%s: rank %d has tiles of %d, rank 0 of %d; set one for all",
                           walk->window.source->name, r, other[0], all[0]);
    }
    free(all);
    return code;
}

unet_code un_walk_join(struct un_walk *walk, unet_error *err)
{
    const unet_ranks *ranks = walk->stream->ranks;
    const size_t shared = un_session_shared(walk->session, walk->target.width);
    walk->below = malloc((shared + 1) * sizeof *walk->below);
    walk->above = malloc((shared + 1) * sizeof *walk->above);
    walk->pieces = calloc((size_t)ranks->count, sizeof *walk->pieces);
    return walk->below && walk->above && walk->pieces
               ? compare_tiles(walk, err)
               : un_fail_memory(err, 2 * shared * sizeof *walk->below, "scores");
}

unet_code un_walk_wait(struct un_walk *walk, unet_error *err)
{
    const unet_ranks *ranks = walk->stream->ranks;
    void *pending = walk->pending;
    walk->pending = NULL;
    return pending ? ranks->wait(ranks->context, pending, err) : UNET_OK;
}

/* Gives the rows that the row of tiles below shares to who computes it, and adds those that the one
 * above has. */
static unet_code exchange_shared(struct un_walk *walk, int k, int top, int bottom, unet_error *err)
{
    const unet_ranks *ranks = walk->stream->ranks;
    unet_session *s = walk->session;
    const size_t bytes = un_session_shared(s, walk->target.width) * sizeof(float);
    unet_code code = UNET_OK;
    if (!bytes || !walk->target.scores)
        return UNET_OK;
    if ((code = un_walk_wait(walk, err)))
        return code;
    if (bottom < walk->height) {
        un_session_take_shared(s, top + un_session_step(s), &walk->target, walk->below);
        memset(walk->pieces, 0, (size_t)ranks->count * sizeof *walk->pieces);
        walk->pieces[(k + 1) % ranks->count] = (unet_piece){walk->below, bytes};
        code =
            ranks->start(ranks->context, UN_CHANNEL_BLEND, walk->pieces, NULL, &walk->pending, err);
    }
    if (!code && k > 0 &&
        !(code = un_ranks_receive(ranks, UN_CHANNEL_BLEND, (k - 1) % ranks->count, walk->above,
                                  bytes, err)))
        un_session_add_shared(s, top, &walk->target, walk->above);
    return code;
}

/* Sends answers to rank 0, or receives them there. */
static unet_code move_answers(struct un_walk *walk, struct un_target *answers, int rank, int rows,
                              unet_error *err)
{
    const unet_ranks *ranks = walk->stream->ranks;
    const size_t pixels = (size_t)rows * (size_t)answers->width;
    const size_t scores = pixels * (size_t)walk->session->model->graph.spec.classes * sizeof(float);
    const unet_piece parts[] = {{answers->mask, pixels},
                                {answers->inner, pixels},
                                {answers->logits, scores},
                                {answers->probabilities, scores}};
    unet_code code = UNET_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !code; i++) {
        if (!parts[i].bytes)
            continue;
        code = ranks->rank == 0 ? un_ranks_receive(ranks, UN_CHANNEL_ANSWERS, rank, parts[i].bytes,
                                                   parts[i].count, err)
                                : un_ranks_send(ranks, UN_CHANNEL_ANSWERS, 0, parts[i].bytes,
                                                parts[i].count, err);
    }
    return code;
}

/* A row of tiles of this rank: the answers of its first rows. */
static unet_code own_row(struct un_walk *walk, int k, int top, int bottom, int rows,
                         unet_error *err)
{
    struct un_target *sums = &walk->target;
    struct un_target *answers = sums->scores ? &walk->ready : sums;
    const unet_spec *spec = &walk->session->model->graph.spec;
    unet_code code = un_walk_tiles(walk, top, bottom, err);
    if (!code)
        code = exchange_shared(walk, k, top, bottom, err);
    if (code)
        return code;
    if (sums->scores) {
        answers->rows = rows;
        un_scores_finish(spec, sums, 0, rows, answers);
        memset(sums->scores, 0,
               (size_t)un_spec_outputs(spec) * (size_t)sums->rows * (size_t)sums->width *
                   sizeof(float));
        if ((code = un_walk_mark(walk, top, rows, 0, answers->mask, err)))
            return code;
    }
    return walk->stream->ranks->rank == 0 ? un_walk_give(walk, answers, top, rows, err)
                                          : move_answers(walk, answers, 0, rows, err);
}

/* On rank 0, one of another rank. */
static unet_code other_row(struct un_walk *walk, int k, int top, int bottom, int rows,
                           unet_error *err)
{
    const unet_stream *stream = walk->stream;
    struct un_target *answers = walk->target.scores ? &walk->ready : &walk->target;
    unet_code code = stream->image ? un_walk_read(walk, top, bottom, err) : UNET_OK;
    answers->rows = rows;
    if (code || (code = move_answers(walk, answers, k % stream->ranks->count, rows, err)) ||
        (code = un_walk_give(walk, answers, top, rows, err)))
        return code;
    const double share = (double)(top + rows) / walk->height;
    return stream->progress && stream->progress(stream->context, share)
               ? un_fail(err, UNET_ESTOPPED, "stopped")
               : UNET_OK;
}

unet_code un_walk_shared_row(struct un_walk *walk, int k, int top, int bottom, unet_error *err)
{
    const int step = un_session_step(walk->session);
    const int rows = (bottom < walk->height ? top + step : walk->height) - top;
    const unet_ranks *ranks = walk->stream->ranks;
    if (k % ranks->count == ranks->rank)
        return own_row(walk, k, top, bottom, rows, err);
    return ranks->rank == 0 ? other_row(walk, k, top, bottom, rows, err) : UNET_OK;
}

/* What could not be sent is still looked at by who sends it. */
void un_walk_leave(struct un_walk *walk)
{
    if (walk->pending)
        return;
    free(walk->below);
    free(walk->above);
    free(walk->pieces);
}

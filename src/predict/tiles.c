/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiles.c - one row of tiles: input, network, and the answers into their place
 *
 * Tiles that are blended overlap; in the part that two share, the weight of one rises in equal
 * steps while that of the other falls, so that weights sum to 1.  Scores are blended, then mask and
 * probabilities are made of the sums.  A row of tiles is summed by itself and then added to what
 * the one above left, so that it does not matter who computes which.
 */
#include <stdlib.h>
#include <string.h>

#include "base/logits.h"
#include "predict/session.h"

bool un_session_sums(const unet_session *s)
{
    return un_session_answers(s) > 1 || s->overlap > 0 || s->model->graph.spec.rims > 0;
}

int un_session_step(const unet_session *s)
{
    int grid = s->geometry.grid;
    return (s->tile - s->overlap) / grid * grid;
}

/* An unpadded network's full tile may give a few pixels beyond its step: the last one needs them.
 */
int un_session_end(const unet_session *s, int start, int side)
{
    return side - start <= s->tile ? side : start + un_session_step(s) + s->overlap;
}

/* The tile that starts at `start`. */
static struct un_span span_of(const unet_session *s, int start, int side)
{
    int count = un_session_end(s, start, side) - start;
    return un_span_at(&s->model->graph, start, count, side);
}

void un_session_rows(const unet_session *s, int top, int height, int *first, int *end)
{
    struct un_span y = span_of(s, top, height);
    un_span_rows(&y, height, first, end);
    if (s->views == 1)
        return;
    /* mirrored views start their tiles from the other end */
    struct un_span mirrored = un_span_at(&s->model->graph, height - top - y.count, y.count, height);
    int from, to;
    un_span_rows(&mirrored, height, &from, &to);
    *first = height - to < *first ? height - to : *first;
    *end = height - from > *end ? height - from : *end;
}

/* Copies the wanted part of the tile's answer into the target's. */
static void keep_mask(const unet_session *s, struct un_span y, struct un_span x, int tile_width,
                      const struct un_target *to)
{
    for (int i = 0; i < y.count; i++) {
        uint8_t *row = to->mask + (size_t)(y.out + i - to->top) * to->width + x.out;
        const uint8_t *labels = s->mask + (size_t)(y.skip + i) * tile_width + x.skip;
        if (!to->marked)
            memcpy(row, labels, (size_t)x.count);
        for (int j = 0; to->marked && j < x.count; j++)
            row[j] = row[j] == UNET_IGNORE ? 0 : labels[j];
    }
}

/* Whether nothing is to be found in a tile, of which only the mask is wanted: it is class 0 then.
 */
static bool pass_over(struct un_span y, struct un_span x, const struct un_target *target)
{
    if (!target->marked || target->logits || target->probabilities)
        return false;
    uint8_t *first = target->mask + (size_t)(y.out - target->top) * target->width + x.out;
    for (int i = 0; i < y.count; i++)
        for (int j = 0; j < x.count; j++)
            if (first[(size_t)i * target->width + j] != UNET_IGNORE)
                return false;
    for (int i = 0; i < y.count; i++)
        memset(first + (size_t)i * target->width, 0, (size_t)x.count);
    return true;
}

static void keep_scores(const unet_session *s, struct un_span y, struct un_span x, int tile_width,
                        const struct un_target *target, float *scores)
{
    int classes = s->model->graph.spec.classes;
    for (int k = 0; k < classes; k++)
        for (int i = 0; i < y.count; i++) {
            const float *from =
                s->logits + ((size_t)(y.skip + i) * tile_width + x.skip) * classes + k;
            float *to = scores +
                        ((size_t)k * target->rows + y.out + i - target->top) * target->width +
                        x.out;
            for (int j = 0; j < x.count; j++)
                to[j] = from[(size_t)j * classes];
        }
}

static void read_scores(unet_session *s, struct un_tensor scores, struct un_span y,
                        struct un_span x, const struct un_target *target, float *to)
{
    if (!to)
        return;
    s->engine->ops->download(s->engine, s->logits, scores);
    keep_scores(s, y, x, scores.shape.w, target, to);
}

/* A tile through the only member. */
static unet_code run(unet_session *s, struct un_span y, struct un_span x, unet_error *err)
{
    struct un_network *network = &s->members[0].network;
    unet_code code = un_network_size(network, 1, y.size, x.size, err);
    if (code)
        return code;
    un_tile_read(&s->members[0].reading, y.in, x.in, y.size, x.size, s->pixels);
    s->engine->ops->upload(s->engine, un_network_input(network), s->pixels);
    un_network_forward(network, 0);
    return UNET_OK;
}

static unet_code predict_tile(unet_session *s, struct un_span y, struct un_span x,
                              const struct un_target *target, unet_error *err)
{
    struct un_engine *e = s->engine;
    if (pass_over(y, x, target))
        return UNET_OK;
    unet_code code = run(s, y, x, err);
    if (code)
        return code;
    struct un_tensor logits = un_network_output(&s->members[0].network);
    if (target->mask) {
        e->ops->argmax(e, logits, s->labels);
        e->ops->get(e, s->mask, s->labels, (size_t)logits.shape.h * logits.shape.w);
        keep_mask(s, y, x, logits.shape.w, target);
    }
    read_scores(s, logits, y, x, target, target->logits);
    if (target->probabilities)
        e->ops->probabilities(e, logits);
    read_scores(s, logits, y, x, target, target->probabilities);
    return e->ops->finish(e, err);
}

/* The weight of place i of a tile that shares its first and its last places with others. */
static float weight_at(const unet_session *s, const struct un_span *span, int i, int side)
{
    int overlap = s->overlap, step = un_session_step(s);
    if (span->out > 0 && i < overlap)
        return ((float)i + 0.5f) / (float)overlap;
    if (span->out + span->count < side && i >= step)
        return 1 - ((float)(i - step) + 0.5f) / (float)overlap;
    return 1;
}

/* scores: [y.count][x.count][outputs], a row being `stride` pixels long. */
static void add_scores(const unet_session *s, const float *scores, size_t stride, int height,
                       struct un_span y, struct un_span x, const struct un_target *target)
{
    size_t outputs = (size_t)un_spec_outputs(&s->model->graph.spec);
    for (int i = 0; i < y.count; i++) {
        float down = weight_at(s, &y, i, height);
        for (int j = 0; j < x.count; j++) {
            float weight = down * weight_at(s, &x, j, target->width);
            const float *from = scores + ((size_t)i * stride + (size_t)j) * outputs;
            size_t at =
                (size_t)(y.out + i - target->top) * (size_t)target->width + (size_t)(x.out + j);
            for (size_t k = 0; k < outputs; k++)
                target->scores[k * (size_t)target->rows * (size_t)target->width + at] +=
                    weight * from[k];
        }
    }
}

static unet_code sum_tile(unet_session *s, struct un_span y, struct un_span x,
                          const struct un_target *target, unet_error *err)
{
    const int height = s->members[0].reading.height;
    if (un_session_answers(s) > 1) {
        unet_code code = un_session_average(s, y.out, x.out, y.count, x.count, err);
        if (!code)
            add_scores(s, s->average, (size_t)x.count, height, y, x, target);
        return code;
    }
    struct un_engine *e = s->engine;
    unet_code code = run(s, y, x, err);
    if (code)
        return code;
    struct un_tensor logits = un_network_output(&s->members[0].network);
    e->ops->download(e, s->logits, logits);
    if ((code = e->ops->finish(e, err)))
        return code;
    size_t stride = (size_t)logits.shape.w, outputs = (size_t)logits.shape.c;
    add_scores(s, s->logits + ((size_t)y.skip * stride + (size_t)x.skip) * outputs, stride, height,
               y, x, target);
    return UNET_OK;
}

static unet_code predict_tiles(unet_session *s, int top, const struct un_target *target,
                               const unet_answers *progress, double share_before,
                               double share_after, unet_error *err)
{
    int width = target->width, step = un_session_step(s), right = 0;
    struct un_span y = span_of(s, top, s->members[0].reading.height);
    for (int left = 0; right < width; left += step) {
        struct un_span x = span_of(s, left, width);
        right = left + x.count;
        unet_code code = un_check_cancel(s->cancel, err);
        if (!code)
            code = target->scores ? sum_tile(s, y, x, target, err)
                                  : predict_tile(s, y, x, target, err);
        if (code)
            return code;
        double done = right < width ? (double)(left + step) / width : 1;
        double share = share_before + done * (share_after - share_before);
        if (progress->progress && progress->progress(progress->context, share))
            return un_fail(err, UNET_ESTOPPED, "stopped");
    }
    return UNET_OK;
}

/* The scores of the first rows at top that the row of tiles above shares: to them, from them. */
enum shared { TAKE_AWAY, ADD_TO };
static void move_shared(const unet_session *s, int top, int rows, const struct un_target *target,
                        float *shared, enum shared how)
{
    const size_t plane = (size_t)target->rows * (size_t)target->width;
    const size_t n = (size_t)rows * (size_t)target->width;
    float *at = target->scores + (size_t)(top - target->top) * (size_t)target->width;
    for (int k = 0; k < un_spec_outputs(&s->model->graph.spec); k++, at += plane, shared += n) {
        if (how == TAKE_AWAY) {
            memcpy(shared, at, n * sizeof *at);
            memset(at, 0, n * sizeof *at);
            continue;
        }
        for (size_t i = 0; i < n; i++)
            at[i] += shared[i];
    }
}

size_t un_session_shared(const unet_session *s, int width)
{
    return (size_t)s->overlap * (size_t)width * (size_t)un_spec_outputs(&s->model->graph.spec);
}

void un_session_take_shared(const unet_session *s, int top, const struct un_target *target,
                            float *shared)
{
    move_shared(s, top, s->overlap, target, shared, TAKE_AWAY);
}

void un_session_add_shared(const unet_session *s, int top, const struct un_target *target,
                           float *shared)
{
    move_shared(s, top, s->overlap, target, shared, ADD_TO);
}

unet_code un_session_tiles(unet_session *s, int top, const struct un_target *target,
                           const unet_answers *progress, double share_before, double share_after,
                           unet_error *err)
{
    const size_t bytes = un_session_shared(s, target->width) * sizeof(float);
    const bool shares = target->scores && bytes && top > 0;
    float *shared = shares ? malloc(bytes) : NULL;
    if (shares && !shared)
        return un_fail_memory(err, bytes, "scores");
    if (shares)
        un_session_take_shared(s, top, target, shared);
    unet_code code = predict_tiles(s, top, target, progress, share_before, share_after, err);
    if (shares && !code)
        un_session_add_shared(s, top, target, shared);
    free(shared);
    return code;
}

/* The planes of a network with rims: what they say of `inner`, then in their first ones the
 * classes. */
static void fold(const unet_spec *spec, float *scores, size_t plane, size_t n, uint8_t *inner)
{
    for (size_t i = 0; i < n; i++) {
        if (inner)
            inner[i] = un_rims_inner(scores + i, plane, spec->classes, spec->rims);
        un_rims_fold(scores + i, plane, scores + i, plane, spec->classes, spec->rims);
    }
}

void un_scores_finish(const unet_spec *spec, const struct un_target *from, int first, int count,
                      const struct un_target *to)
{
    const int classes = spec->classes;
    size_t width = (size_t)from->width, n = (size_t)count * width;
    size_t plane = (size_t)from->rows * width, to_plane = (size_t)to->rows * width;
    float *scores = from->scores + (size_t)first * width;
    if (spec->rims)
        fold(spec, scores, plane, n, to->inner);
    for (size_t i = 0; i < n; i++) {
        if (to->mask)
            to->mask[i] = un_best_class(scores + i, plane, classes);
        if (to->probabilities)
            un_probabilities(scores + i, plane, to->probabilities + i, to_plane, classes);
    }
    for (size_t k = 0; to->logits && k < (size_t)classes; k++)
        memcpy(to->logits + k * to_plane, scores + k * plane, n * sizeof(float));
}

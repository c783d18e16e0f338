/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tta.c - averages: a tile in several views, by each of several models, their probabilities
 * averaged
 *
 * A view is the image mirrored or turned, numbered as the orientations of turn.c (1: as it is; 2,
 * 3, 4: mirrored; 5..8: with rows and columns exchanged as well).  What is averaged is what the
 * network says of the whole image in that view, so the poolings' grid is that of the turned image:
 * a tile's span is found on the turned axes, and the rectangle that it reads is turned back.
 *
 *     tile (rows, columns) -> spans in the view -> pixels -> turned -> network -> probabilities
 *                                                  average += turned back
 *     (all views of the first model, then those of the next)
 *     logits of the average p: log p, or log p - log(1 - p) of one class
 */
#include <math.h>
#include <string.h>

#include "predict/session.h"

static const int inverse[9] = {0, 1, 2, 3, 4, 5, 8, 7, 6};

/* Where the pixels [start, start + count) of an axis of `side` are when it may be reversed. */
static int place(int start, int count, int side, bool reversed)
{
    return reversed ? side - start - count : start;
}

static unet_code add_view(unet_session *s, struct un_member *member, int view,
                          const struct un_rect *tile, unet_error *err)
{
    const struct un_reading *reading = &member->reading;
    struct un_engine *e = s->engine;
    const struct un_graph *graph = &s->model->graph;
    bool swap = view > 4, rows = (view - 1) % 4 >= 2, columns = view % 4 == 2 || view % 4 == 3;
    int height = reading->height, width = reading->view.width;
    int H = swap ? width : height, W = swap ? height : width; /* of the view */
    int tall = swap ? tile->width : tile->height, wide = swap ? tile->height : tile->width;
    int top = place(swap ? tile->left : tile->top, tall, H, rows);
    int left = place(swap ? tile->top : tile->left, wide, W, columns);
    struct un_span y = un_span_at(graph, top, tall, H), x = un_span_at(graph, left, wide, W);
    unet_code code = un_network_size(&member->network, 1, y.size, x.size, err);
    if (code)
        return code;

    /* the same pixels as they lie in the image, then turned */
    struct un_page page = {.height = swap ? x.size : y.size,
                           .width = swap ? y.size : x.size,
                           .channels = reading->channels,
                           .bytes = sizeof(float),
                           .orientation = view};
    int in_y = place(y.in, y.size, H, rows), in_x = place(x.in, x.size, W, columns);
    un_tile_read(reading, swap ? in_x : in_y, swap ? in_y : in_x, page.height, page.width,
                 s->turned);
    un_turn(&page, (struct un_rect){0, 0, page.height, page.width}, s->turned, s->pixels);
    e->ops->upload(e, un_network_input(&member->network), s->pixels);
    un_network_forward(&member->network, 0);

    struct un_tensor scores = un_network_output(&member->network);
    e->ops->probabilities(e, scores);
    e->ops->download(e, s->logits, scores);
    if ((code = e->ops->finish(e, err)))
        return code;
    page.height = scores.shape.h;
    page.width = scores.shape.w;
    page.channels = scores.shape.c;
    page.orientation = inverse[view];
    const struct un_rect part = {y.skip, x.skip, tall, wide};
    un_rect_copy(&page, s->logits, part, s->turned);
    un_turn(&page, (struct un_rect){0, 0, tall, wide}, s->turned, s->logits);
    size_t n = (size_t)tall * (size_t)wide * (size_t)page.channels;
    for (size_t i = 0; i < n; i++)
        s->average[i] += s->logits[i];
    return UNET_OK;
}

unet_code un_session_average(unet_session *s, int top, int left, int rows, int columns,
                             unet_error *err)
{
    const struct un_rect tile = {top, left, rows, columns};
    const int outputs = un_spec_outputs(&s->model->graph.spec);
    size_t n = (size_t)rows * (size_t)columns * (size_t)outputs;
    memset(s->average, 0, n * sizeof(float));
    const int answers = un_session_answers(s);
    for (int i = 0; i < answers; i++) {
        unet_code code = un_check_cancel(s->cancel, err);
        if (code || (code = add_view(s, &s->members[i / s->views], 1 + i % s->views, &tile, err)))
            return code;
    }
    for (size_t i = 0; i < n; i++) {
        float p = s->average[i] / (float)answers;
        p = p < 1e-37f ? 1e-37f : p; /* so that no logarithm is infinite */
        s->average[i] = outputs > 1 ? logf(p) : logf(p) - logf(1 - p < 1e-7f ? 1e-7f : 1 - p);
    }
    return UNET_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - rows of tiles from top to bottom: of an image in memory, or of one that is read as it
 * goes
 *
 * A window holds the rows of the image that the next row of tiles looks at.  It only moves down,
 * so every row of a file is read once:
 *
 *     fill the window -> tiles -> hand over the rows that no further tile changes -> next
 *
 * Blended tiles overlap: the last rows of a row of tiles wait for the next one, in `scores`.
 */
#include "predict/walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLAB 64 /* rows that are read at a time where the file's samples have to be converted */

/* ---- an image in memory ------------------------------------------------------------------ */

unet_code un_session_check_inner(const unet_session *s, bool wanted, unet_error *err)
{
    if (!wanted || s->model->graph.spec.rims)
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "inner is asked for, the network has no rims");
}

unet_code un_session_predict(unet_session *s, unet_view image, const char *name,
                             const unet_answers *answers, unet_error *err)
{
    const unet_spec *spec = &s->model->graph.spec;
    const int H = image.height;
    size_t pixels = (size_t)H * (size_t)image.width;
    struct un_target target = {.rows = H,
                               .width = image.width,
                               .mask = answers->mask,
                               .logits = answers->logits,
                               .probabilities = answers->probabilities,
                               .inner = answers->inner};
    unet_code code = un_reading_check(image, name, spec->in_channels, err);
    if (code || (code = un_session_check_inner(s, answers->inner, err)) ||
        (code = un_view_check_finite(name, image, 0, un_member_scaling(s, 0, NULL).fill, err)) ||
        (code = un_session_fit(s, H, image.width, err)))
        return code;
    if (un_session_sums(s)) {
        size_t bytes = pixels * (size_t)un_spec_outputs(spec) * sizeof(float);
        if (!(target.scores = calloc(bytes, 1)))
            return un_fail_memory(err, bytes, "scores");
    }
    un_members_read(s, image);
    int step = un_session_step(s), bottom = 0;
    for (int top = 0; bottom < H && !code; top += step) {
        bottom = un_session_end(s, top, H);
        double after = bottom < H ? (double)(top + step) / H : 1;
        code = un_session_tiles(s, top, &target, answers, (double)top / H, after, err);
    }
    if (!code && target.scores)
        un_scores_finish(spec, &target, 0, H, &target);
    free(target.scores);
    return code;
}

/* ---- an image that is read as it goes ---------------------------------------------------- */

static size_t row_bytes(const unet_image *image)
{
    return (size_t)image->width * (size_t)image->channels * un_sample_bytes(image->sample);
}

/* Reads rows to the end of the window, and looks at them. */
static unet_code append(struct un_window *w, int rows, int channels, unet_error *err)
{
    while (rows > 0) {
        bool straight = un_page_plain(&w->page) && w->page.orientation <= 1;
        int n = straight || rows < SLAB ? rows : SLAB;
        unet_image part = w->image;
        part.height = n;
        part.data = (char *)w->image.data + (size_t)w->image.height * row_bytes(&w->image);
        const struct un_rect rect = {w->top + w->image.height, 0, n, w->image.width};
        unet_code code = un_source_read(w->source, w->index, &w->page, rect, part.data, err);
        if (code || (code = un_reading_check(un_view_of(&part), w->source->name, channels, err)) ||
            (code =
                 un_view_check_finite(w->source->name, un_view_of(&part), rect.top, w->fill, err)))
            return code;
        w->image.height += n;
        rows -= n;
    }
    return UNET_OK;
}

/* Makes the window hold rows first .. end - 1; first never goes back. */
static unet_code move_window(struct un_window *w, int first, int end, int channels, unet_error *err)
{
    int passed = first - w->top < w->image.height ? first - w->top : w->image.height;
    size_t row = row_bytes(&w->image);
    memmove(w->image.data, (char *)w->image.data + (size_t)passed * row,
            (size_t)(w->image.height - passed) * row);
    w->top += passed;
    w->image.height -= passed;
    if (w->image.height == 0)
        w->top = first;
    int rows = end - w->top - w->image.height;
    return rows > 0 ? append(w, rows, channels, err) : UNET_OK;
}

/* One walk over all rows, which adds each part to *sum. */
static unet_code sum_over(struct un_window *w, int height, int channels, struct un_fill fill,
                          const double *mean, double *sum, double *count, unet_error *err)
{
    *sum = *count = 0;
    w->top = w->image.height = 0;
    for (int top = 0; top < height; top += w->room) {
        int end = height - top < w->room ? height : top + w->room;
        unet_code code = move_window(w, top, end, channels, err);
        if (code)
            return code;
        if (mean)
            un_tile_squares(un_view_of(&w->image), fill, *mean, sum);
        else
            un_tile_sum(un_view_of(&w->image), fill, sum, count);
    }
    w->top = w->image.height = 0;
    return UNET_OK;
}

/* How samples become each member's input; with per_image, the image is read twice for it. */
static unet_code find_readings(unet_session *s, struct un_window *w, int height, unet_error *err)
{
    const int channels = s->model->graph.spec.in_channels;
    double sum, squares = 0, mean = 0, count = 0, none;
    struct un_fill fill = {0};
    bool known = false;
    for (int m = 0; m < s->member_count; m++) {
        struct un_reading *reading = &s->members[m].reading;
        struct un_scaling scaling = un_member_scaling(s, m, &w->page);
        const bool per_image = scaling.per_image && !w->image.prepared;
        unet_code code = UNET_OK;
        scaling.per_image = false;
        *reading = un_reading_of(un_view_of(&w->image), channels, &scaling);
        reading->height = height;
        const bool other =
            fill.set != scaling.fill.set || (fill.set && !un_is_fill(fill, scaling.fill.value));
        if (per_image && (!known || other)) {
            fill = scaling.fill;
            if ((code = sum_over(w, height, channels, fill, NULL, &sum, &count, err)))
                return code;
            mean = count > 0 ? sum / count : 0;
            if ((code = sum_over(w, height, channels, fill, &mean, &squares, &none, err)))
                return code;
            known = true;
        }
        if (per_image)
            un_reading_standardize(reading, mean, squares, count);
    }
    return UNET_OK;
}

int un_stream_window(const unet_session *s, int height)
{
    int most = 1, step = un_session_step(s);
    for (int top = 0; top < height; top += step) {
        int first, end;
        un_session_rows(s, top, height, &first, &end);
        most = end - first > most ? end - first : most;
        if (height - top <= s->tile)
            break;
    }
    return most;
}

unet_code un_session_count_rows(unet_session *s, int height, int width, int *rows, unet_error *err)
{
    unet_code code = un_session_fit(s, height, width, err);
    if (code)
        return code;
    *rows = 0;
    for (int top = 0, bottom = 0; bottom < height; top += un_session_step(s), ++*rows)
        bottom = un_session_end(s, top, height);
    return UNET_OK;
}

static unet_code make_answers(struct un_target *target, const unet_stream *wanted, int classes,
                              unet_error *err)
{
    size_t pixels = (size_t)target->rows * (size_t)target->width;
    size_t scores = pixels * (size_t)classes * sizeof(float);
    if ((wanted->mask && !(target->mask = malloc(pixels))) ||
        (wanted->inner && !(target->inner = malloc(pixels))) ||
        (wanted->logits && !(target->logits = malloc(scores))) ||
        (wanted->probabilities && !(target->probabilities = malloc(scores))))
        return un_fail_memory(err, scores, "answers");
    return UNET_OK;
}

static void release_answers(struct un_target *target)
{
    free(target->mask);
    free(target->logits);
    free(target->probabilities);
    free(target->scores);
    free(target->inner);
}

static unet_code allocate(struct un_walk *walk, unet_error *err)
{
    const unet_session *s = walk->session;
    struct un_window *w = &walk->window;
    int rows = walk->height < s->tile ? walk->height : s->tile, width = w->image.width;
    const unet_spec *spec = &s->model->graph.spec;
    w->room = un_stream_window(s, walk->height);
    size_t bytes = (size_t)w->room * row_bytes(&w->image);
    if (!(w->image.data = malloc(bytes)))
        return un_fail_memory(err, bytes, w->source->name);
    walk->target = walk->ready = (struct un_target){.rows = rows, .width = width};
    if (!un_session_sums(s))
        return make_answers(&walk->target, walk->stream, spec->classes, err);
    bytes = (size_t)rows * (size_t)width * (size_t)un_spec_outputs(spec) * sizeof(float);
    if (!(walk->target.scores = calloc(bytes, 1)))
        return un_fail_memory(err, bytes, w->source->name);
    return make_answers(&walk->ready, walk->stream, spec->classes, err);
}

/* Hands `rows` rows from row top of the image over. */
unet_code un_walk_give(struct un_walk *walk, const struct un_target *from, int top, int rows,
                       unet_error *err)
{
    const struct un_window *w = &walk->window;
    unet_image part = w->image;
    part.height = rows;
    part.data = (char *)w->image.data + (size_t)(top - w->top) * row_bytes(&w->image);
    const unet_band band = {.top = top,
                            .rows = rows,
                            .width = from->width,
                            .mask = from->mask,
                            .logits = from->logits,
                            .probabilities = from->probabilities,
                            .image = walk->stream->image ? &part : NULL,
                            .inner = from->inner};
    return walk->stream->band(walk->stream->context, &band, err);
}

/* Sets rows of a mask to value where the file has nothing. */
unet_code un_walk_mark(struct un_walk *walk, int top, int rows, uint8_t value, uint8_t *mask,
                       unet_error *err)
{
    const struct un_window *w = &walk->window;
    const struct un_rect rect = {top, 0, rows, w->image.width};
    if (!mask || !w->source->mark_empty)
        return UNET_OK;
    return w->source->mark_empty(w->source, w->source->first + w->index, rect, value, mask, err);
}

/* Moves the window to what a row of tiles looks at, and to its own rows. */
unet_code un_walk_read(struct un_walk *walk, int top, int bottom, unet_error *err)
{
    unet_session *s = walk->session;
    int first, end;
    un_session_rows(s, top, walk->height, &first, &end);
    first = first < top ? first : top; /* the rows handed over are those of the image, too */
    end = end > bottom ? end : bottom;
    return move_window(&walk->window, first, end, s->model->graph.spec.in_channels, err);
}

/* The first `step` rows of the sums are done: hands them over and moves the others up. */
static unet_code finish_sums(struct un_walk *walk, int top, int rows, unet_error *err)
{
    struct un_target *sums = &walk->target;
    const unet_spec *spec = &walk->session->model->graph.spec;
    size_t width = (size_t)sums->width, plane = (size_t)sums->rows * width;
    walk->ready.rows = rows;
    un_scores_finish(spec, sums, 0, rows, &walk->ready);
    unet_code code = un_walk_mark(walk, top, rows, 0, walk->ready.mask, err);
    if (!code)
        code = un_walk_give(walk, &walk->ready, top, rows, err);
    size_t done = (size_t)rows * width;
    for (size_t k = 0; k < (size_t)un_spec_outputs(spec); k++) {
        memmove(sums->scores + k * plane, sums->scores + k * plane + done,
                (plane - done) * sizeof(float));
        memset(sums->scores + (k + 1) * plane - done, 0, done * sizeof(float));
    }
    return code;
}

/* The scores or answers of a row of tiles, before they are handed over. */
unet_code un_walk_tiles(struct un_walk *walk, int top, int bottom, unet_error *err)
{
    unet_session *s = walk->session;
    const int H = walk->height, step = un_session_step(s);
    const unet_answers progress = {.progress = walk->stream->progress,
                                   .context = walk->stream->context};
    unet_code code = un_walk_read(walk, top, bottom, err);
    if (code)
        return code;
    un_members_move(s, un_view_of(&walk->window.image), walk->window.top);
    walk->target.top = top;
    if (!walk->target.scores)
        walk->target.rows = bottom - top;
    if (walk->target.mask && walk->window.source->mark_empty) {
        memset(walk->target.mask, 0, (size_t)walk->target.rows * (size_t)walk->target.width);
        walk->target.marked = true;
        code = un_walk_mark(walk, top, walk->target.rows, UNET_IGNORE, walk->target.mask, err);
        if (code)
            return code;
    }
    int done = bottom < H ? top + step : H;
    return un_session_tiles(s, top, &walk->target, &progress, (double)top / H, (double)done / H,
                            err);
}

static unet_code predict_row(struct un_walk *walk, int top, int bottom, unet_error *err)
{
    const int done = bottom < walk->height ? top + un_session_step(walk->session) : walk->height;
    unet_code code = un_walk_tiles(walk, top, bottom, err);
    if (code)
        return code;
    return walk->target.scores ? finish_sums(walk, top, done - top, err)
                               : un_walk_give(walk, &walk->target, top, done - top, err);
}

unet_code un_session_stream(unet_session *s, struct unet_source *source, int page,
                            const unet_stream *stream, unet_error *err)
{
    struct un_walk walk = {.session = s, .stream = stream};
    const bool several = un_ranks_count(stream->ranks) > 1;
    struct un_window *w = &walk.window;
    unet_code code = un_session_check_inner(s, stream->inner, err);
    if (code || (code = un_source_page(source, page, &w->page, err)))
        return code;
    w->source = source;
    w->index = page;
    w->fill = un_member_scaling(s, 0, &w->page).fill;
    w->image = un_page_image(&w->page);
    walk.height = w->image.height;
    if ((code = un_session_fit(s, walk.height, w->image.width, err)) ||
        (code = allocate(&walk, err)) || (several && (code = un_walk_join(&walk, err))))
        goto done;
    w->image.height = 0;
    if ((code = find_readings(s, w, walk.height, err)))
        goto done;
    int bottom = 0, step = un_session_step(s);
    for (int top = 0, k = 0; bottom < walk.height && !code; top += step, k++) {
        bottom = un_session_end(s, top, walk.height);
        code = several ? un_walk_shared_row(&walk, k, top, bottom, err)
                       : predict_row(&walk, top, bottom, err);
    }
    if (!code)
        code = un_walk_wait(&walk, err);
done:
    un_walk_leave(&walk);
    free(w->image.data);
    release_answers(&walk.target);
    release_answers(&walk.ready);
    return code;
}

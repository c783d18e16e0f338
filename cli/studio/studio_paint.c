/* SPDX-License-Identifier: Apache-2.0 */
/*
 * studio_paint.c - strokes, undo and redo: into the journal, then into the labels, then told
 *
 * A client numbers its requests; one that comes again (its answer was lost) is answered again and
 * not done again.  Who sent what last is in the journal, too, so this holds over a restart.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "studio/labels/flood.h"
#include "studio/studio_inside.h"

enum { NOTED_PIXELS = 16 << 20, NOTED_BYTES = 1 << 20 };

/* ---- who sent what last ------------------------------------------------------------------ */

/* Of a client, or NULL. */
static struct seen *find_seen(struct studio *studio, const char *client)
{
    for (int i = 0; i < studio->seen_count; i++)
        if (!strcmp(studio->seen[i].client, client))
            return &studio->seen[i];
    return NULL;
}

void studio_saw(struct studio *studio, const struct stroke *stroke, int64_t which,
                struct studio_rect rect)
{
    struct seen *seen = find_seen(studio, stroke->client);

    if (!seen && studio->seen_count < STUDIO_CLIENTS)
        seen = &studio->seen[studio->seen_count++];
    if (!seen) { /* in place of the one that was silent longest */
        seen = &studio->seen[0];
        for (int i = 1; i < STUDIO_CLIENTS; i++)
            if (studio->seen[i].used < seen->used)
                seen = &studio->seen[i];
    }
    memcpy(seen->client, stroke->client, sizeof(seen->client));
    seen->seq = stroke->seq;
    seen->image = stroke->image;
    seen->stroke = which;
    seen->rect = rect;
    seen->used = ++studio->seen_clock;
}

/* ---- answers ----------------------------------------------------------------------------- */

static json_t *rect_json(struct studio_rect rect)
{
    return json_pack("[i i i i]", rect.x, rect.y, rect.width, rect.height);
}

/* What is told to everybody of an image's labels. */
static json_t *labels_json(struct studio *studio, int image, struct studio_rect rect)
{
    const struct image_labels *labels = &studio->labels[image];
    const json_int_t painted = (json_int_t)studio_painted(studio, image, NULL);
    json_t *all;

    pthread_rwlock_rdlock(&studio->reading);
    all = json_pack("{so sI sI sI sb sb}", "rect", rect_json(rect), "painted", painted, "strokes",
                    (json_int_t)labels->done_count, "image_revision", (json_int_t)labels->revision,
                    "undo", labels->done_count > 0, "redo", labels->undone_count > 0);
    pthread_rwlock_unlock(&studio->reading);
    return all;
}

static json_t *answer(struct studio *studio, int image, int64_t stroke, struct studio_rect rect,
                      int repeated)
{
    json_t *all = labels_json(studio, image, rect);

    json_object_set_new(all, "stroke", stroke < 0 ? json_null() : json_integer(stroke));
    json_object_set_new(all, "revision", json_integer((json_int_t)studio_revision(studio, 0)));
    if (repeated)
        json_object_set_new(all, "repeated", json_true());
    return all;
}

/* 1: this was done before: *reply, or *code. */
static int was_done(struct studio *studio, const struct stroke *stroke, json_t **reply,
                    unet_code *code, unet_error *err)
{
    const struct seen *seen = find_seen(studio, stroke->client);

    if (!seen || stroke->seq > seen->seq)
        return 0;
    if (stroke->seq == seen->seq && stroke->image == seen->image)
        *reply = answer(studio, seen->image, seen->stroke, seen->rect, 1);
    else
        *code = set_error(err, UNET_ESTOPPED, "seq: %lld after %lld", (long long)stroke->seq,
                          (long long)seen->seq);
    return 1;
}

static void tell(struct studio *studio, const struct stroke *stroke, struct studio_rect rect)
{
    json_t *event = labels_json(studio, stroke->image, rect);

    json_object_set_new(event, "image", json_integer(stroke->image));
    json_object_set_new(event, "client", json_string(stroke->client));
    json_object_set_new(event, "revision", json_integer((json_int_t)studio_revision(studio, 1)));
    studio_event(studio, "labels", event);
    if (studio->live && rect.width)
        live_changed(studio->live, stroke->image, rect);
}

/* ---- doing ------------------------------------------------------------------------------- */

unet_code studio_commit(struct studio *studio, const struct stroke *stroke,
                        struct studio_rect *rect, unet_error *err)
{
    struct image_labels *labels = &studio->labels[stroke->image];
    const int turns = stroke->kind == STROKE_UNDO || stroke->kind == STROKE_REDO;
    size_t size;
    uint64_t at;
    uint8_t *bytes = stroke_pack(stroke, &size);
    unet_code code = bytes ? journal_add(&studio->journal, bytes, size, &at, err)
                           : set_error(err, UNET_ENOMEM, "not enough memory");

    free(bytes);
    if (code)
        return code;
    pthread_rwlock_wrlock(&studio->reading);
    if (!labels_recall(labels, stroke, at, size, rect))
        code = set_error(err, UNET_ENOMEM, "not enough memory");
    else if (turns)
        code = labels_redraw(labels, &studio->journal, *rect, err);
    else
        code = labels_draw(labels, stroke, err);
    if (code) { /* the journal has it: drawn again when they are loaded again */
        label_tiles_free(labels->map);
        labels->map = NULL;
    }
    pthread_rwlock_unlock(&studio->reading);
    return UNET_OK;
}

static unet_code read_labels(void *context, struct studio_rect rect, uint8_t *labels,
                             unet_error *err)
{
    (void)err;
    label_tiles_read(context, rect, labels);
    return UNET_OK;
}

static unet_code fill(struct studio *studio, struct stroke *stroke, unet_error *err)
{
    const struct image_labels *labels = &studio->labels[stroke->image];
    const int x = (int)floor(stroke->points[0] / (double)STROKE_UNIT);
    const int y = (int)floor(stroke->points[1] / (double)STROKE_UNIT);
    const struct flood_source source = {labels->height, labels->width, read_labels, labels->map};
    unet_code code;

    if (x < 0 || y < 0 || x >= labels->width || y >= labels->height)
        return set_error(err, UNET_EINVAL, "the point is not in the image");
    pthread_rwlock_rdlock(&studio->reading);
    code = flood(&source, x, y, 0, stroke, err);
    pthread_rwlock_unlock(&studio->reading);
    return code;
}

/* Makes a stroke whole: where it is, and what is filled.  Under "writing". */
static unet_code shape(struct studio *studio, struct stroke_wish *wish, unet_error *err)
{
    struct stroke *stroke = &wish->stroke;
    const struct studio_image *image = &studio->project.images[stroke->image];
    unet_code code = UNET_OK;

    if (wish->tool == TOOL_FILL)
        code = fill(studio, stroke, err);
    else if (wish->tool != TOOL_ACCEPT)
        stroke_bound(stroke, image->height, image->width);
    if (!code && stroke->kind == STROKE_RUNS) { /* the pixels are in the runs */
        free(stroke->points);
        stroke->points = NULL;
        stroke->count = 0;
    }
    if (!code && (!stroke->rect.width || (stroke->kind == STROKE_RUNS && !stroke->run_bytes)))
        code = set_error(err, UNET_EINVAL, "nothing of it is in the image");
    return code;
}

/* What of a band is painted as another class than the one that is shown there. */
static int note_band(struct studio *studio, const struct stroke *stroke, const struct canvas *band,
                     uint8_t *shown, struct stroke *noted)
{
    const size_t count = (size_t)band->rect.width * (size_t)band->rect.height;

    memset(band->labels, UNET_IGNORE, count);
    if (!stroke_draw(stroke, band))
        return 0;
    live_shown(studio->live, stroke->image, band->rect, shown);
    for (size_t i = 0; i < count; i++)
        if (shown[i] == UNET_IGNORE || shown[i] == band->labels[i])
            band->labels[i] = UNET_IGNORE;
    return stroke_runs_add_pixels(noted, band->labels, count) && noted->run_bytes < NOTED_BYTES;
}

/* Notes which pixels of a stroke are painted because the prediction is wrong there.  Nothing is
 * noted of what is taken over, erased, or larger than what a hand corrects. */
static void note_wrong(struct studio *studio, struct stroke *stroke)
{
    const struct studio_rect all = stroke->rect;
    struct stroke noted = {.kind = STROKE_RUNS};
    struct canvas band = {.labels = NULL};
    uint8_t *shown = NULL;
    int good = studio->live && stroke->label != UNET_IGNORE &&
               (int64_t)all.width * all.height <= NOTED_PIXELS;

    if (good) {
        band.labels = malloc((size_t)all.width * STUDIO_TILE);
        shown = malloc((size_t)all.width * STUDIO_TILE);
        good = band.labels && shown;
    }
    for (int y = all.y; y < all.y + all.height && good; y += STUDIO_TILE) {
        band.rect = rect_common(all, (struct studio_rect){all.x, y, all.width, STUDIO_TILE});
        good = note_band(studio, stroke, &band, shown, &noted);
    }
    if (good)
        stroke_note(stroke, &noted);
    stroke_release(&noted);
    free(band.labels);
    free(shown);
}

/* Whether the classes that it paints are still there.  Under "writing". */
static unet_code check_classes(struct studio *studio, const struct stroke_wish *wish,
                               unet_error *err)
{
    const int label = wish->stroke.label, there = studio_classes(studio, NULL, 0);

    if (wish->tool == TOOL_ACCEPT && there < wish->classes) /* it may have any of them */
        return set_error(err, UNET_ESTOPPED, "there are fewer classes now; take it over again");
    if (label != UNET_IGNORE && label >= there)
        return set_error(err, UNET_EINVAL, "class: there is no class %d any more", label);
    return UNET_OK;
}

static unet_code do_stroke(struct studio *studio, struct stroke_wish *wish, json_t **reply,
                           unet_error *err)
{
    struct stroke *stroke = &wish->stroke;
    struct studio_rect rect;
    int64_t which;
    unet_code code = UNET_OK;

    pthread_mutex_lock(&studio->writing);
    if (was_done(studio, stroke, reply, &code, err))
        goto done;
    code = check_classes(studio, wish, err);
    if (!code)
        code = shape(studio, wish, err);
    if (!code)
        note_wrong(studio, stroke);
    which = studio->labels[stroke->image].count;
    if (!code)
        code = studio_commit(studio, stroke, &rect, err);
    if (!code) {
        studio_saw(studio, stroke, which, rect);
        tell(studio, stroke, rect);
        *reply = answer(studio, stroke->image, which, rect, 0);
    }
done:
    pthread_mutex_unlock(&studio->writing);
    return code;
}

unet_code studio_stroke(struct studio *studio, int image, const json_t *body, json_t **reply,
                        unet_error *err)
{
    struct stroke_wish wish;
    unet_code code = UNET_OK;

    *reply = NULL;
    if (!stroke_read(body, studio_classes(studio, NULL, 0), &wish, err))
        return UNET_EINVAL;
    wish.stroke.image = image;
    code = studio_load_labels(studio, image, err);
    if (!code && wish.tool == TOOL_ACCEPT) { /* takes long; a repeated one is seen before */
        pthread_mutex_lock(&studio->writing);
        const int done = was_done(studio, &wish.stroke, reply, &code, err);
        pthread_mutex_unlock(&studio->writing);
        if (!done)
            code = accept_prediction(studio, image, &wish, err);
    }
    if (!code && !*reply)
        code = do_stroke(studio, &wish, reply, err);
    stroke_release(&wish.stroke);
    return code;
}

unet_code studio_turn(struct studio *studio, int image, int back, const json_t *body,
                      json_t **reply, unet_error *err)
{
    struct stroke stroke = {.kind = back ? STROKE_UNDO : STROKE_REDO, .image = image};
    struct studio_rect rect = {0};
    unet_code code;
    int64_t which;

    *reply = NULL;
    if (!stroke_read_client(body, &stroke, err))
        return UNET_EINVAL;
    code = studio_load_labels(studio, image, err);
    if (code)
        return code;
    pthread_mutex_lock(&studio->writing);
    if (!was_done(studio, &stroke, reply, &code, err)) {
        which = labels_next_turn(&studio->labels[image], back);
        stroke.which = which < 0 ? 0 : (uint32_t)which;
        if (which >= 0)
            code = studio_commit(studio, &stroke, &rect, err);
        if (!code && which >= 0) {
            studio_saw(studio, &stroke, which, rect);
            tell(studio, &stroke, rect);
        }
        if (!code)
            *reply = answer(studio, image, which, rect, 0);
    }
    pthread_mutex_unlock(&studio->writing);
    return code;
}

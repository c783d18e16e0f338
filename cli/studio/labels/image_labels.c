/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_labels.c - strokes drawn in bands of whole rows of tiles
 *
 * A band is read (or begun empty), strokes are drawn into it in their order, and it is written
 * back, so that a tile is unpacked and packed once however many strokes touch it.
 */
#include "studio/labels/image_labels.h"

#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"

void labels_release(struct image_labels *labels)
{
    label_tiles_free(labels->map);
    free(labels->past);
    free(labels->done);
    free(labels->undone);
    *labels = (struct image_labels){0};
}

/* ---- what was done ----------------------------------------------------------------------- */

static int grow(struct image_labels *labels)
{
    const uint32_t room = labels->room ? 2 * labels->room : 16;
    struct past *past = realloc(labels->past, room * sizeof(*past));
    uint32_t *done, *undone;

    if (past)
        labels->past = past;
    done = past ? realloc(labels->done, room * sizeof(*done)) : NULL;
    if (done)
        labels->done = done;
    undone = done ? realloc(labels->undone, room * sizeof(*undone)) : NULL;
    if (!undone)
        return 0;
    labels->undone = undone;
    labels->room = room;
    return 1;
}

/* Moves the last of one list to the end of another, if it is `which`. */
static int turn(uint32_t *from, uint32_t *from_count, uint32_t *to, uint32_t *to_count,
                uint32_t which)
{
    if (!*from_count || from[*from_count - 1] != which)
        return 0;
    to[(*to_count)++] = from[--*from_count];
    return 1;
}

int labels_recall(struct image_labels *labels, const struct stroke *stroke, uint64_t at,
                  size_t size, struct studio_rect *changed)
{
    int turned = 0;

    *changed = (struct studio_rect){0};
    if (stroke->kind == STROKE_UNDO)
        turned = turn(labels->done, &labels->done_count, labels->undone, &labels->undone_count,
                      stroke->which);
    else if (stroke->kind == STROKE_REDO)
        turned = turn(labels->undone, &labels->undone_count, labels->done, &labels->done_count,
                      stroke->which);
    labels->last = at;
    labels->revision++;
    if (stroke->kind == STROKE_UNDO || stroke->kind == STROKE_REDO) {
        labels->last_turn = at;
        if (turned)
            *changed = labels->past[stroke->which].rect;
        return 1;
    }
    if (labels->count == labels->room && !grow(labels))
        return 0;
    const struct studio_rect all = {0, 0, labels->width, labels->height};
    *changed = rect_common(stroke->rect, all);
    labels->past[labels->count] =
        (struct past){at, (uint32_t)size, *changed, stroke->wrong_bytes > 0};
    labels->done[labels->done_count++] = labels->count++;
    labels->undone_count = 0;
    return 1;
}

int64_t labels_next_turn(const struct image_labels *labels, int back)
{
    if (back)
        return labels->done_count ? (int64_t)labels->done[labels->done_count - 1] : -1;
    return labels->undone_count ? (int64_t)labels->undone[labels->undone_count - 1] : -1;
}

/* ---- drawing ----------------------------------------------------------------------------- */

static unet_code no_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory");
}

static unet_code read_stroke(const struct past *past, const struct journal *journal,
                             struct stroke *stroke, unet_error *err)
{
    uint8_t *bytes = malloc(past->size);
    unet_code code =
        bytes ? journal_read(journal, past->at, bytes, past->size, err) : no_memory(err);

    if (!code && !stroke_unpack(bytes, past->size, stroke))
        code = set_error(err, UNET_EFORMAT, "%s: byte %llu: not a stroke", journal->path,
                         (unsigned long long)past->at);
    free(bytes);
    return code;
}

/* Draws the strokes that stand and begin at `from` or later in the journal. */
static unet_code draw_past(const struct image_labels *labels, const struct journal *journal,
                           uint64_t from, const struct canvas *canvas, unet_error *err)
{
    unet_code code = UNET_OK;

    for (uint32_t i = 0; i < labels->done_count && !code; i++) {
        const struct past *past = &labels->past[labels->done[i]];
        struct stroke stroke;

        if (past->at < from || !rect_common(past->rect, canvas->rect).width)
            continue;
        code = read_stroke(past, journal, &stroke, err);
        if (!code && !stroke_draw(&stroke, canvas))
            code = no_memory(err);
        if (!code)
            stroke_release(&stroke);
    }
    return code;
}

/* How a band comes about: from the strokes of `journal` from `from` on, or from one stroke. */
struct drawing {
    const struct journal *journal;
    uint64_t from;
    const struct stroke *one;
    int anew;   /* 1: begins empty */
    int sparse; /* 1: tiles that no stroke touches stay as they are */
};

static unet_code draw_band(struct image_labels *labels, const struct drawing *drawing,
                           const struct canvas *band, unet_error *err)
{
    unet_code code = UNET_OK;

    if (drawing->anew)
        memset(band->labels, UNET_IGNORE, (size_t)band->rect.width * (size_t)band->rect.height);
    else
        label_tiles_read(labels->map, band->rect, band->labels);
    if (!drawing->one)
        code = draw_past(labels, drawing->journal, drawing->from, band, err);
    else if (!stroke_draw(drawing->one, band))
        code = no_memory(err);
    if (!code && !label_tiles_write(labels->map, band->rect, band->labels))
        code = no_memory(err);
    return code;
}

/* Marks the columns of tiles of a band that strokes will touch; how many there are. */
static size_t mark_columns(const struct image_labels *labels, uint64_t from,
                           struct studio_rect band, uint8_t *marks)
{
    const int left = band.x / STUDIO_TILE;
    size_t marked = 0;

    for (uint32_t i = 0; i < labels->done_count; i++) {
        const struct past *past = &labels->past[labels->done[i]];
        const struct studio_rect common = rect_common(past->rect, band);

        if (past->at < from || !common.width)
            continue;
        for (int x = common.x / STUDIO_TILE; x * STUDIO_TILE < common.x + common.width; x++) {
            marked += !marks[x - left];
            marks[x - left] = 1;
        }
    }
    return marked;
}

/* The columns of tiles that strokes touch; all of them where most are touched. */
static unet_code draw_columns(struct image_labels *labels, const struct drawing *drawing,
                              const struct canvas *band, unet_error *err)
{
    const struct studio_rect all = band->rect;
    const size_t left = (size_t)all.x / STUDIO_TILE;
    const size_t columns = ((size_t)all.x + (size_t)all.width - 1) / STUDIO_TILE - left + 1;
    uint8_t *marks = calloc(columns + 1, 1);
    unet_code code = UNET_OK;

    if (!marks)
        return no_memory(err);
    if (2 * mark_columns(labels, drawing->from, all, marks) > columns)
        memset(marks, 1, columns);
    for (size_t x = 0, end; x < columns && !code; x = end + 1) {
        for (end = x; marks[end]; end++)
            continue;
        const struct studio_rect run = {(int)((left + x) * STUDIO_TILE), all.y,
                                        (int)((end - x) * STUDIO_TILE), all.height};
        if (end > x)
            code = draw_band(labels, drawing, &(struct canvas){rect_common(run, all), band->labels},
                             err);
    }
    free(marks);
    return code;
}

static unet_code draw(struct image_labels *labels, const struct drawing *drawing,
                      struct studio_rect rect, unet_error *err)
{
    const int first = rect.y / STUDIO_TILE * STUDIO_TILE;
    unet_code code = UNET_OK;
    struct canvas band;

    if (!rect.width)
        return UNET_OK;
    band.labels = malloc((size_t)rect.width * STUDIO_TILE);
    if (!band.labels)
        return no_memory(err);
    for (int y = first; y < rect.y + rect.height && !code; y += STUDIO_TILE) {
        band.rect = rect_common(rect, (struct studio_rect){rect.x, y, rect.width, STUDIO_TILE});
        code = drawing->sparse ? draw_columns(labels, drawing, &band, err)
                               : draw_band(labels, drawing, &band, err);
    }
    free(band.labels);
    return code;
}

unet_code labels_draw(struct image_labels *labels, const struct stroke *stroke, unet_error *err)
{
    return draw(labels, &(struct drawing){.one = stroke}, stroke->rect, err);
}

unet_code labels_redraw(struct image_labels *labels, const struct journal *journal,
                        struct studio_rect rect, unet_error *err)
{
    return draw(labels, &(struct drawing){.journal = journal, .anew = 1}, rect, err);
}

unet_code labels_corrected(const struct image_labels *labels, const struct journal *journal,
                           struct studio_rect rect, uint8_t *corrected, unet_error *err)
{
    const struct canvas canvas = {rect, corrected};
    unet_code code = UNET_OK;

    memset(corrected, UNET_IGNORE, (size_t)rect.width * (size_t)rect.height);
    for (uint32_t i = 0; i < labels->done_count && !code; i++) {
        const struct past *past = &labels->past[labels->done[i]];
        struct stroke stroke;

        if (!past->corrects || !rect_common(past->rect, rect).width)
            continue;
        code = read_stroke(past, journal, &stroke, err);
        if (code)
            break;
        stroke_draw_wrong(&stroke, &canvas);
        stroke_release(&stroke);
    }
    return code;
}

/* ---- loading ----------------------------------------------------------------------------- */

/* What the strokes that stand from `from` on may have changed. */
static struct studio_rect touched(const struct image_labels *labels, uint64_t from)
{
    struct studio_rect all = {0};

    for (uint32_t i = 0; i < labels->done_count; i++) {
        const struct past *past = &labels->past[labels->done[i]];

        if (past->at >= from)
            all = rect_around(all, past->rect);
    }
    return all;
}

unet_code labels_load(struct image_labels *labels, const struct journal *journal,
                      const char *folder, unet_error *err)
{
    /* what a snapshot shows may have been taken back after it: then it is of no use */
    const int usable =
        labels->kept && labels->kept <= labels->last && labels->last_turn <= labels->kept;
    struct drawing drawing = {.journal = journal, .from = labels->kept + 1, .sparse = 1};
    unet_code code;

    labels->map = usable ? labels_kept(labels, folder) : NULL;
    if (!labels->map) {
        drawing = (struct drawing){.journal = journal, .anew = 1, .sparse = 1};
        labels->map = label_tiles_create(labels->height, labels->width);
    }
    if (!labels->map)
        return no_memory(err);
    code = draw(labels, &drawing, touched(labels, drawing.from), err);
    if (code) {
        label_tiles_free(labels->map);
        labels->map = NULL;
    }
    return code;
}

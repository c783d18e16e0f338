/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learner_patches.c - which painted cells are among the trainer's images, and how much they count
 *
 * As many as fit.  One that comes takes the place of the one that has been there longest, and where
 * there are more than fit, those that wait have their turn from time to time.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "studio/live/learner_inside.h"

int learner_resident(const struct learner *l)
{
    int count = 0;

    for (int i = 0; i < l->cells.count; i++)
        count += l->cells.list[i].slot >= 0;
    return count;
}

/* How often the newest cell is drawn beside the others, each once. */
static int draws_of(const struct learner *l, int cell)
{
    const double q = (double)l->recipe.newest;
    const int others = learner_resident(l) - 1;
    const int draws = (int)(q * others / (1 - q) + 0.5);

    return cell == l->newest && draws > 1 ? draws : 1;
}

static size_t bytes_of(const struct learner *l, const struct learner_cell *cell)
{
    return learner_cell_bytes(studio_image(l->studio, cell->image), cell);
}

/* Gives the place of the cell that has been there longest to another. */
static int leave(struct learner *l, const struct learner_cell *comes)
{
    struct learner_cell *oldest = NULL;
    int slot;

    for (int i = 0; i < l->cells.count; i++) {
        struct learner_cell *cell = &l->cells.list[i];
        if (cell->slot >= 0 && cell != comes && (!oldest || cell->entered < oldest->entered))
            oldest = cell;
    }
    if (!oldest)
        return -1;
    slot = oldest->slot;
    l->used -= bytes_of(l, oldest);
    oldest->slot = -1;
    learner_cell_drop(oldest);
    return slot;
}

static int slot_is_free(const struct learner *l, int slot)
{
    for (int i = 0; i < l->cells.count; i++)
        if (l->cells.list[i].slot == slot)
            return 0;
    return 1;
}

/* An image of one pixel without a label. */
unet_code learner_put_nothing(struct learner *l, int slot, unet_error *err)
{
    const uint8_t samples[64] = {0};
    const uint8_t mask = UNET_IGNORE;
    const unet_patch patch = {.size = sizeof(patch),
                              .image = {.data = samples,
                                        .height = 1,
                                        .width = 1,
                                        .channels = l->recipe.spec.in_channels,
                                        .row = 64,
                                        .column = 64,
                                        .channel = 1,
                                        .sample = UNET_U8},
                              .mask = &mask};

    return unet_trainer_put(l->trainer, slot, &patch, err);
}

/* A place among the trainer's images, and memory for what comes there. */
static unet_code find_slot(struct learner *l, struct learner_cell *cell, unet_error *err)
{
    const size_t bytes = bytes_of(l, cell);
    unet_code code = UNET_OK;
    int slot = 0, freed;

    while (!code && l->used + bytes > l->recipe.patch_bytes && (freed = leave(l, cell)) >= 0)
        code = learner_put_nothing(l, freed, err);
    while (slot < l->slots && !slot_is_free(l, slot))
        slot++;
    cell->slot = slot;
    l->used += bytes;
    if (slot == l->slots)
        l->slots++;
    return code;
}

/* What cannot be read now (somebody removed or replaced the file) or has NaN where no other image
 * has is passed over, and the others are learnt from: a cell that was there stays as it was, one
 * that was not waits for its turn. */
static int can_be_passed(unet_code code, const unet_error *err)
{
    return code == UNET_EIO || code == UNET_EFORMAT || (code && err->hints & UNET_HINT_FILL);
}

unet_code learner_put_patch(struct learner *l, int at, unet_error *err)
{
    struct learner_cell *cell = &l->cells.list[at];
    const int is_new = cell->slot < 0;
    unet_code code = is_new ? find_slot(l, cell, err) : UNET_OK;

    cell->entered = ++l->puts;
    if (!code)
        code = learner_cell_put(l->studio, cell, l->balance, l->recipe.strong, draws_of(l, at),
                                l->trainer, err);
    if (code && is_new) {
        l->slots -= cell->slot == l->slots - 1 && l->slots > unet_dataset_count(l->crops);
        l->used -= bytes_of(l, cell);
        cell->slot = -1;
        learner_cell_drop(cell);
    }
    return can_be_passed(code, err) ? UNET_OK : code;
}

/* Cell `at` is the one that was painted last. */
unet_code learner_put_newest(struct learner *l, int at, unet_error *err)
{
    const int before = l->newest;
    unet_code code = UNET_OK;

    l->newest = at;
    if (before >= 0 && before != at && l->cells.list[before].slot >= 0)
        code = learner_put_patch(l, before, err);
    return code ? code : learner_put_patch(l, at, err);
}

static unet_code bring(struct learner *l, int at, unet_error *err)
{
    unet_code code = learner_cell_look(l->studio, &l->cells.list[at], NULL, NULL, NULL, err);
    return code ? code : learner_put_patch(l, at, err);
}

/* Where there are more cells than fit into memory, they take turns. */
unet_code learner_take_turn(struct learner *l, unet_error *err)
{
    for (int i = 1; i <= l->cells.count; i++) {
        const int at = (l->turn + i) % l->cells.count;
        if (l->cells.list[at].slot >= 0)
            continue;
        l->turn = at;
        return bring(l, at, err);
    }
    return UNET_OK;
}

int learner_painted(struct studio *studio, int64_t *sums)
{
    int64_t counts[UNET_MAX_CLASSES];
    int classes = 0;

    memset(sums, 0, UNET_MAX_CLASSES * sizeof(*sums));
    for (int i = 0; i < studio_images(studio); i++) {
        memset(counts, 0, sizeof(counts));
        if (!studio_image(studio, i)->missing && studio_painted(studio, i, counts) > 0)
            for (int k = 0; k < UNET_MAX_CLASSES; k++)
                sums[k] += counts[k];
    }
    for (int k = 0; k < UNET_MAX_CLASSES; k++)
        classes += sums[k] > 0;
    return classes;
}

/*
 * How many classes are painted; and what weighs how much: wide brushes make many pixels of one
 * class and thin lines few of another, so a class counts by the root of how rare it is.
 */
void learner_count_classes(struct learner *l)
{
    int64_t sums[UNET_MAX_CLASSES], all = 0;

    l->painted = learner_painted(l->studio, sums);
    for (int k = 0; k < UNET_MAX_CLASSES; k++)
        all += sums[k];
    for (int k = 0; k < UNET_MAX_CLASSES; k++) {
        const double share = sums[k] ? (double)sums[k] * l->painted / (double)all : 1;
        const double weight = sqrt(1 / share);
        l->balance[k] = (float)(weight < 0.25 ? 0.25 : weight > 4 ? 4 : weight);
    }
}

/* The cells of an image that have something painted. */
static unet_code find_cells(struct learner *l, int image, unet_error *err)
{
    const int count = studio_painted_tiles(l->studio, image, NULL, 0);
    struct studio_rect *tiles = malloc(((size_t)count + 1) * sizeof(*tiles));
    unet_code code = tiles ? UNET_OK : learner_no_memory(err);
    const struct studio_image *what = studio_image(l->studio, image);
    const int found = code ? 0 : studio_painted_tiles(l->studio, image, tiles, count);

    for (int i = 0; i < found && i < count && !code; i++) {
        const struct studio_rect t = tiles[i];
        for (int corner = 0; corner < 4 && !code; corner++) {
            const int x = t.x + (corner % 2) * (t.width - 1),
                      y = t.y + (corner / 2) * (t.height - 1);
            if (!learner_cells_find(&l->cells, image, learner_cell_at(what, x, y)))
                code = learner_no_memory(err);
        }
    }
    free(tiles);
    return code;
}

/* As many as fit of all that is painted. */
unet_code learner_take_all(struct learner *l, unet_error *err)
{
    unet_code code = UNET_OK;

    for (int i = 0; i < studio_images(l->studio) && !code; i++)
        if (!studio_image(l->studio, i)->missing && studio_painted(l->studio, i, NULL) > 0)
            code = find_cells(l, i, err);
    learner_count_classes(l);
    for (int i = 0; i < l->cells.count && !code; i++)
        if (l->used + bytes_of(l, &l->cells.list[i]) <= l->recipe.patch_bytes)
            code = bring(l, i, err);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learner_cells.c - an image in cells, and a cell as a patch to learn from
 *
 * A side of n pixels has max(1, n / LEARNER_CELL) cells, as equal as whole pixels allow, so none is
 * a sliver, and most images are one cell.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "studio/live/learner_inside.h"

unet_code learner_no_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory for what is painted");
}

static void cell_span(int side, int at, int *first, int *size)
{
    const int count = side / LEARNER_CELL > 1 ? side / LEARNER_CELL : 1;
    int k = (int)((int64_t)at * count / side);
    /* where rounding put the edge */
    while (k > 0 && (int64_t)side * k / count > at)
        k--;
    while ((int64_t)side * (k + 1) / count <= at)
        k++;
    *first = (int)((int64_t)side * k / count);
    *size = (int)((int64_t)side * (k + 1) / count) - *first;
}

struct studio_rect learner_cell_at(const struct studio_image *image, int x, int y)
{
    struct studio_rect core;
    cell_span(image->width, x, &core.x, &core.width);
    cell_span(image->height, y, &core.y, &core.height);
    return core;
}

struct learner_cell *learner_cells_find(struct learner_cells *cells, int image,
                                        struct studio_rect core)
{
    for (int i = 0; i < cells->count; i++) {
        struct learner_cell *cell = &cells->list[i];
        if (cell->image == image && cell->core.x == core.x && cell->core.y == core.y)
            return cell;
    }
    if (cells->count == cells->room) {
        const int room = cells->room ? 2 * cells->room : 64;
        struct learner_cell *list = realloc(cells->list, (size_t)room * sizeof(*list));
        if (!list)
            return NULL;
        cells->list = list;
        cells->room = room;
    }
    cells->list[cells->count] = (struct learner_cell){.image = image, .core = core, .slot = -1};
    return &cells->list[cells->count++];
}

void learner_cell_drop(struct learner_cell *cell)
{
    free(cell->labels);
    free(cell->strong);
    cell->labels = cell->strong = NULL;
}

void learner_cells_release(struct learner_cells *cells)
{
    for (int i = 0; i < cells->count; i++)
        learner_cell_drop(&cells->list[i]);
    free(cells->list);
    *cells = (struct learner_cells){0};
}

/* What is painted anew beside what was shown. */
static void compare(struct learner_cell *cell, const uint8_t *labels, const uint8_t *shown,
                    struct learner_tally *tally)
{
    const size_t pixels = (size_t)cell->core.height * cell->core.width;

    for (size_t i = 0; i < pixels; i++) {
        if (labels[i] == cell->labels[i])
            continue;
        cell->strong[i] = 0;
        if (labels[i] == UNET_IGNORE || shown[i] == UNET_IGNORE)
            continue;
        cell->strong[i] = shown[i] != labels[i];
        if (!tally)
            continue;
        if (cell->strong[i]) {
            tally->missed[labels[i]]++;
            tally->wrong[shown[i]]++;
        } else {
            tally->same[labels[i]]++;
        }
    }
}

unet_code learner_cell_look(struct studio *studio, struct learner_cell *cell, learner_shown *shown,
                            void *context, struct learner_tally *tally, unet_error *err)
{
    const size_t pixels = (size_t)cell->core.height * cell->core.width;
    uint8_t *labels = malloc(pixels), *seen = malloc(pixels);
    const int first = !cell->labels;
    unet_code code = UNET_OK;

    if (first) {
        cell->labels = malloc(pixels);
        cell->strong = calloc(pixels, 1);
        if (cell->labels)
            memset(cell->labels, UNET_IGNORE, pixels);
    }
    if (!labels || !seen || !cell->labels || !cell->strong) {
        learner_cell_drop(cell);
        code = learner_no_memory(err);
    }
    if (!code)
        code = studio_labels(studio, cell->image, cell->core, labels, err);
    if (!code) {
        memset(seen, UNET_IGNORE, pixels);
        if (shown)
            shown(context, cell->image, cell->core, seen);
        compare(cell, labels, seen, tally);
        memcpy(cell->labels, labels, pixels);
        if (first) /* in memory: what was corrected before */
            code = studio_corrected(studio, cell->image, cell->core, seen, err);
        for (size_t i = 0; i < pixels && first && !code; i++)
            cell->strong[i] |= seen[i];
    }
    free(labels);
    free(seen);
    return code;
}

/* A cell with its margin, as far as the image goes. */
static struct studio_rect with_margin(const struct studio_image *image, struct studio_rect core)
{
    const int right = core.x + core.width + LEARNER_MARGIN;
    const int bottom = core.y + core.height + LEARNER_MARGIN;
    struct studio_rect r = {core.x > LEARNER_MARGIN ? core.x - LEARNER_MARGIN : 0,
                            core.y > LEARNER_MARGIN ? core.y - LEARNER_MARGIN : 0, 0, 0};
    r.width = (right < image->width ? right : image->width) - r.x;
    r.height = (bottom < image->height ? bottom : image->height) - r.y;
    return r;
}

size_t learner_cell_bytes(const struct studio_image *image, const struct learner_cell *cell)
{
    const struct studio_rect all = with_margin(image, cell->core);
    const size_t core = (size_t)cell->core.height * cell->core.width;
    const size_t pixels = (size_t)all.height * all.width;

    return 2 * core + pixels * (studio_pixel_bytes(image) + 1 + sizeof(float));
}

/* Labels and weights of the core within its surroundings, of which nothing is known. */
static void fill(const struct learner_cell *cell, struct studio_rect all, const float *balance,
                 float strong, uint8_t *mask, float *weights)
{
    memset(mask, UNET_IGNORE, (size_t)all.height * all.width);
    for (int y = 0; y < cell->core.height; y++) {
        const size_t from = (size_t)y * cell->core.width;
        const size_t to = (size_t)(cell->core.y - all.y + y) * all.width + (cell->core.x - all.x);
        memcpy(mask + to, cell->labels + from, (size_t)cell->core.width);
        for (int x = 0; x < cell->core.width; x++)
            if (mask[to + x] < UNET_MAX_CLASSES)
                weights[to + x] = (cell->strong[from + x] ? strong : 1) * balance[mask[to + x]];
    }
}

unet_view learner_view(const struct studio_image *image, struct studio_rect rect,
                       const void *samples)
{
    const ptrdiff_t pixel = (ptrdiff_t)studio_pixel_bytes(image);

    return (unet_view){.data = samples,
                       .height = rect.height,
                       .width = rect.width,
                       .channels = image->channels,
                       .row = pixel * rect.width,
                       .column = pixel,
                       .channel = pixel / image->channels,
                       .sample = image->sample,
                       .prepared = image->prepared};
}

unet_code learner_cell_put(struct studio *studio, const struct learner_cell *cell,
                           const float *balance, float strong, int draws, unet_trainer *trainer,
                           unet_error *err)
{
    const struct studio_image *image = studio_image(studio, cell->image);
    const struct studio_rect all = with_margin(image, cell->core);
    const size_t pixels = (size_t)all.height * all.width;
    unsigned char *samples = malloc(pixels * studio_pixel_bytes(image));
    uint8_t *mask = malloc(pixels);
    float *weights = calloc(pixels, sizeof(*weights));
    unet_code code = UNET_OK;

    if (!samples || !mask || !weights)
        code = learner_no_memory(err);
    if (!code)
        code = studio_pixels(studio, cell->image, all, samples, err);
    if (!code) {
        const unet_patch patch = {.size = sizeof(patch),
                                  .name = image->name,
                                  .image = learner_view(image, all, samples),
                                  .mask = mask,
                                  .weights = weights,
                                  .draws = draws};
        fill(cell, all, balance, strong, mask, weights);
        code = unet_trainer_put(trainer, cell->slot, &patch, err);
    }
    free(samples);
    free(mask);
    free(weights);
    return code;
}

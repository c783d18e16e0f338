/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood.c - filling by spans
 *
 * A seed grows to the left and right as far as its label goes; where a span above or below it
 * begins, a new seed is set.  What is filled is marked in the tiles that were read.
 */
#include "studio/labels/flood.h"

#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "studio/labels/label_tiles.h"

enum { SIDE = STUDIO_TILE };

struct tile {
    int x, y; /* counted in tiles */
    uint8_t labels[SIDE * SIDE], filled[SIDE * SIDE];
};

struct seed {
    int x, y;
};

struct job {
    const struct flood_source *source;
    struct tile **tiles; /* [down][across] */
    int down, across, tile_count;
    struct seed *seeds;
    size_t seed_count, seed_room;
    uint8_t label;
    int64_t pixels;
    int left, top, right, bottom; /* around what is filled; inclusive */
    unet_code code;
    unet_error *err;
};

static unet_code no_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory");
}

static unet_code read_tile(struct job *job, struct tile *tile)
{
    const struct studio_rect all = {0, 0, job->source->width, job->source->height};
    const struct studio_rect rect =
        rect_common((struct studio_rect){tile->x * SIDE, tile->y * SIDE, SIDE, SIDE}, all);
    const size_t pixels = (size_t)rect.height * (size_t)rect.width;
    uint8_t *labels = malloc(pixels);
    unet_code code;

    if (!labels)
        return no_memory(job->err);
    code = job->source->read(job->source->context, rect, labels, job->err);
    memset(tile->filled, 1, sizeof(tile->filled)); /* beyond the edge */
    for (int y = 0; y < rect.height && !code; y++) {
        memcpy(tile->labels + y * SIDE, labels + (size_t)y * (size_t)rect.width,
               (size_t)rect.width);
        memset(tile->filled + y * SIDE, 0, (size_t)rect.width);
    }
    free(labels);
    return code;
}

/* NULL: job->code says why. */
static struct tile *tile_at(struct job *job, int x, int y)
{
    struct tile **place =
        &job->tiles[(size_t)(y / SIDE) * (size_t)job->across + (size_t)(x / SIDE)];

    if (*place || job->code)
        return *place;
    if (job->tile_count == FLOOD_TILES) {
        job->code = set_error(job->err, UNET_EINVAL, "the area is too large to be filled at once");
        return NULL;
    }
    *place = malloc(sizeof(**place));
    if (!*place) {
        job->code = no_memory(job->err);
        return NULL;
    }
    (*place)->x = x / SIDE;
    (*place)->y = y / SIDE;
    job->tile_count++;
    job->code = read_tile(job, *place);
    return job->code ? NULL : *place;
}

/* Whether a pixel is to be filled and is not yet. */
static int is_open(struct job *job, int x, int y)
{
    struct tile *tile;
    int at;

    if (x < 0 || y < 0 || x >= job->source->width || y >= job->source->height)
        return 0;
    tile = tile_at(job, x, y);
    at = y % SIDE * SIDE + x % SIDE;
    return tile && !tile->filled[at] && tile->labels[at] == job->label;
}

static void push(struct job *job, int x, int y)
{
    if (job->seed_count == job->seed_room) {
        const size_t room = job->seed_room ? 2 * job->seed_room : 1024;
        struct seed *seeds = realloc(job->seeds, room * sizeof(*seeds));

        if (!seeds) {
            job->code = no_memory(job->err);
            return;
        }
        job->seeds = seeds;
        job->seed_room = room;
    }
    job->seeds[job->seed_count++] = (struct seed){x, y};
}

static void grow(struct job *job, struct seed seed)
{
    int left = seed.x, was_open[2] = {0, 0}, x;

    while (is_open(job, left - 1, seed.y))
        left--;
    for (x = left; is_open(job, x, seed.y) && !job->code; x++) {
        tile_at(job, x, seed.y)->filled[seed.y % SIDE * SIDE + x % SIDE] = 2;
        job->pixels++;
        for (int k = 0; k < 2; k++) {
            const int open = is_open(job, x, seed.y + 2 * k - 1);

            if (open && !was_open[k])
                push(job, x, seed.y + 2 * k - 1);
            was_open[k] = open;
        }
    }
    job->left = left < job->left ? left : job->left;
    job->right = x - 1 > job->right ? x - 1 : job->right;
    job->top = seed.y < job->top ? seed.y : job->top;
    job->bottom = seed.y > job->bottom ? seed.y : job->bottom;
    if (job->pixels > FLOOD_PIXELS && !job->code)
        job->code = set_error(job->err, UNET_EINVAL, "the area is too large to be filled at once");
}

static int is_filled(const struct job *job, int x, int y)
{
    const struct tile *tile =
        job->tiles[(size_t)(y / SIDE) * (size_t)job->across + (size_t)(x / SIDE)];

    return tile && tile->filled[y % SIDE * SIDE + x % SIDE] == 2;
}

static unet_code make_runs(const struct job *job, struct stroke *stroke)
{
    stroke->rect = (struct studio_rect){job->left, job->top, job->right - job->left + 1,
                                        job->bottom - job->top + 1};
    for (int y = job->top; y <= job->bottom; y++)
        for (int x = job->left, end; x <= job->right; x = end) {
            const int filled = is_filled(job, x, y);

            for (end = x + 1; end <= job->right && is_filled(job, end, y) == filled;)
                end++;
            if (!filled)
                stroke->run_skip += end - x;
            else if (!stroke_runs_add(stroke, end - x, stroke->label))
                return no_memory(job->err);
        }
    return UNET_OK;
}

unet_code flood(const struct flood_source *source, int x, int y, int use_found,
                struct stroke *stroke, unet_error *err)
{
    struct job job = {.source = source,
                      .down = (source->height + SIDE - 1) / SIDE,
                      .across = (source->width + SIDE - 1) / SIDE,
                      .left = x,
                      .right = x,
                      .top = y,
                      .bottom = y,
                      .err = err};
    const size_t places = (size_t)job.down * (size_t)job.across;
    struct tile *tile;

    job.tiles = calloc(places, sizeof(struct tile *));
    if (!job.tiles)
        return no_memory(err);
    if ((tile = tile_at(&job, x, y))) {
        job.label = tile->labels[y % SIDE * SIDE + x % SIDE];
        stroke->label = use_found ? job.label : stroke->label;
        if (use_found && job.label == UNET_IGNORE)
            job.code = set_error(err, UNET_EINVAL, "nothing is predicted here");
        push(&job, x, y);
    }
    while (job.seed_count && !job.code) {
        const struct seed seed = job.seeds[--job.seed_count];

        if (is_open(&job, seed.x, seed.y))
            grow(&job, seed);
    }
    if (!job.code)
        job.code = make_runs(&job, stroke);
    for (size_t i = 0; i < places; i++)
        free(job.tiles[i]);
    free(job.tiles);
    free(job.seeds);
    return job.code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_memory.c - reckoning what a prediction will take, before it starts
 *
 *     what the process holds now (program, libraries, model)
 *     + what the allocator and the threads' stacks round up, SLACK
 *     + session and stream (unet_plan_memory), and what is written (predict_out_bytes)
 *     + a quarter of the limit for objects, where they are wanted
 *
 * The tile is the largest that every page of all images can bear.
 */
#include "predict/predict_plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "predict/predict_out.h"
#include "shared/say.h"
#include "shared/machine.h"

#define SLACK (12e6)

/* A page of some image, and the job that it belongs to. */
struct shape {
    const struct predict_job *job;
    unet_page page;
};

/* Pages of all images, without those that take no more than another one. */
struct shapes {
    struct shape *list;
    size_t count, room;
};

/* Whether b takes at least what a does, whatever the tile. */
static int covers(const struct shape *b, const struct shape *a)
{
    return b->page.height >= a->page.height && b->page.width >= a->page.width &&
           b->page.channels >= a->page.channels && b->page.sample == a->page.sample &&
           b->page.reading_bytes >= a->page.reading_bytes &&
           (b->job->pages > 1) == (a->job->pages > 1);
}

static int add_shape(struct shapes *shapes, const struct shape *shape)
{
    size_t kept = 0;

    for (size_t i = 0; i < shapes->count; i++)
        if (covers(&shapes->list[i], shape))
            return 1;
    for (size_t i = 0; i < shapes->count; i++)
        if (!covers(shape, &shapes->list[i]))
            shapes->list[kept++] = shapes->list[i];
    shapes->count = kept;
    if (shapes->count == shapes->room) {
        size_t room = shapes->room ? 2 * shapes->room : 16;
        struct shape *grown = realloc(shapes->list, room * sizeof(*grown));

        if (!grown)
            return 0;
        shapes->list = grown;
        shapes->room = room;
    }
    shapes->list[shapes->count++] = *shape;
    return 1;
}

/* Images that cannot be read are left to their turn, where they end in an error of their own. */
static int list_shapes(struct shapes *shapes, const struct predict_settings *settings,
                       const struct predict_plan *plan, const unet_model *model)
{
    int ok = 1;

    for (size_t i = 0; i < plan->inputs.count && ok; i++) {
        struct shape shape = {.job = &plan->jobs[i]};
        unet_source *source;

        if (predict_plan_open(settings, model, shape.job, &source, NULL))
            continue;
        for (int p = 0; p < unet_source_pages(source) && ok; p++)
            if (!unet_source_page(source, p, &shape.page, NULL))
                ok = add_shape(shapes, &shape);
        unet_source_close(source);
    }
    return ok;
}

uint64_t predict_memory_objects(const struct predict_settings *settings,
                                const struct predict_job *job)
{
    return job->objects ? (uint64_t)(settings->memory / 4) : 0;
}

/* What the promise is made of. */
struct promise {
    const struct predict_settings *settings;
    const unet_model *model;
    unet_session_options *work;
    double held;                /* by the process, before anything is predicted */
    double most;                /* of all pages, with work->tile */
    double work_factor, useful; /* what that tile costs, and what a useful one would need */
    int useful_tile;
    int blended;
};

/* Tiles whose borders take more than this many times the arithmetic of large ones are said to be
 * slow. */
#define SLOW 4

/* Bytes besides session and stream. */
static double fixed_bytes(const struct promise *promise, const struct shape *shape)
{
    return promise->held + (double)predict_out_bytes(shape->job, promise->model, &shape->page) +
           (double)predict_memory_objects(promise->settings, shape->job);
}

/* What would do for a page, in megabytes: objects take a quarter of whatever is given. */
static double would_do(const struct promise *promise, const struct shape *shape, uint64_t smallest)
{
    double objects = (double)predict_memory_objects(promise->settings, shape->job);
    double need = fixed_bytes(promise, shape) - objects + (double)smallest;

    return (shape->job->objects ? need * 4 / 3 : need) / 1e6 + 1;
}

/* A page for which no tile is small enough: what would do, and what would do better. */
static int say_too_little(const struct promise *promise, const struct shape *shape,
                          const unet_memory_plan *found)
{
    double least = would_do(promise, shape, found->smallest);
    char slow[160] = "";

    if (said_text(&promise->settings->session, "tile"))
        snprintf(slow, sizeof(slow), " (with another --tile)");
    else if (found->smallest_work > SLOW)
        snprintf(
            slow, sizeof(slow),
            " with tiles of %d, which take %.0f times as long as large ones; %.0fM gives tiles "
            "of %d",
            found->smallest_tile, found->smallest_work, would_do(promise, shape, found->useful),
            found->useful_tile);
    return fail_text("%s: %d x %d pixels do not fit into --memory %.0fM; %.0fM would do%s",
                     shape->job->input, shape->page.height, shape->page.width,
                     promise->settings->memory / 1e6, least, slow);
}

/* Makes the tile no larger than a page can bear. */
static int fit_tile(struct promise *promise, const struct shape *shape)
{
    double limit = promise->settings->memory - fixed_bytes(promise, shape);
    unet_stream stream = predict_out_wants(shape->job, promise->model);
    const unet_page *page = &shape->page;
    unet_memory_plan found = {0};
    unet_error err = {0};

    if (unet_plan_memory(promise->model, promise->work, page, &stream,
                         limit > 1 ? (uint64_t)limit : 1, &found, &err)) {
        if (!found.smallest)
            return fail_text("%s: %s", shape->job->input, err.text);
        return say_too_little(promise, shape, &found);
    }
    promise->blended |= found.blended;
    promise->work->tile = found.tile;
    return EXIT_DONE;
}

/* A tile that is given, or was found for an earlier page, may be too large for a later one: then a
 * smaller one is looked for. */
static int fit_all(struct promise *promise, const struct shapes *shapes)
{
    int given = promise->work->tile, tile = given, status = EXIT_DONE;

    for (size_t i = 0; i < shapes->count && !status; i++) {
        promise->work->tile = given;
        status = fit_tile(promise, &shapes->list[i]);
        if (!status && promise->work->tile && (!tile || promise->work->tile < tile))
            tile = promise->work->tile;
    }
    promise->work->tile = tile;
    for (size_t i = 0; i < shapes->count && !status; i++) {
        const struct shape *shape = &shapes->list[i];
        unet_stream stream = predict_out_wants(shape->job, promise->model);
        unet_memory_plan found = {0};
        double bytes = fixed_bytes(promise, shape);

        if (!unet_plan_memory(promise->model, promise->work, &shape->page, &stream, 0, &found,
                              NULL)) {
            double useful = would_do(promise, shape, found.useful);

            bytes += (double)found.bytes;
            promise->work_factor = found.work;
            promise->useful_tile = found.useful_tile;
            promise->useful = useful > promise->useful ? useful : promise->useful;
        }
        promise->most = bytes > promise->most ? bytes : promise->most;
    }
    return status;
}

/* Without a promise: a tile that was asked for is told of where it changes an answer. */
static int warn_of_tiles(const struct predict_settings *settings, const struct predict_plan *plan,
                         const unet_model *model, const unet_session_options *work)
{
    struct shapes shapes = {0};
    int ok = !work->tile || list_shapes(&shapes, settings, plan, model);

    for (size_t i = 0; i < shapes.count && ok; i++)
        if (warn_of_tile(model, work, &shapes.list[i].page))
            break;
    free(shapes.list);
    return ok ? EXIT_DONE : fail_memory();
}

int predict_memory_plan(const struct predict_settings *settings, const struct predict_plan *plan,
                        const unet_model *model, unet_session_options *work)
{
    struct promise promise = {
        .settings = settings, .model = model, .work = work, .held = system_resident() + SLACK};
    struct shapes shapes = {0};
    int status = EXIT_DONE;

    if (settings->memory <= 0)
        return warn_of_tiles(settings, plan, model, work);
    if (!list_shapes(&shapes, settings, plan, model))
        status = fail_memory();
    if (!status)
        status = fit_all(&promise, &shapes);
    if (!status && shapes.count && !settings->common.quiet) {
        say(stderr, "memory: at most %.0fM of %.0fM", promise.most / 1e6, settings->memory / 1e6);
        if (work->tile)
            say(stderr, ", tiles of %d", work->tile);
        if (work->tile && promise.work_factor > SLOW)
            say(stderr, ", which take %.0f times as long as large ones; %.0fM gives tiles of %d",
                promise.work_factor, promise.useful, promise.useful_tile);
        fputc('\n', stderr);
    }
    if (!status && promise.blended)
        say(stderr,
            "warning: this network looks at whole images, which do not fit: overlapping tiles "
            "are blended, and the result is only near that of the whole image\n");
    free(shapes.list);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A session chooses the largest of these output sides whose feature maps stay below this. */
static const int tile_choices[] = {1024, 768, 512, 384, 256, 192, 128, 64};
static const size_t tile_memory = (size_t)512 << 20;

/* Sizes graph for a tile; plan is only filled. */
static unet_code plan_tile(const unet_session *s, int side, struct un_graph *graph,
                           struct un_plan *plan, unet_error *err)
{
    int output, input;
    *graph = s->model->graph;
    un_span_sides(&graph->spec, side, s->views > 1, &output, &input);
    unet_code code = un_graph_size(graph, 1, input, input, err);
    if (!code)
        un_plan_make(plan, graph, s->engine, UN_PREDICT);
    return code;
}

static unet_code choose_tile(unet_session *s, int wanted, struct un_graph *graph,
                             struct un_plan *plan, unet_error *err)
{
    size_t count = sizeof tile_choices / sizeof *tile_choices;
    unet_code code = UNET_OK;
    int side = wanted;
    if (wanted > 0) {
        code = plan_tile(s, side, graph, plan, err);
    } else {
        for (size_t i = 0; i < count; i++) {
            side = tile_choices[i];
            if ((code = plan_tile(s, side, graph, plan, err)))
                return code;
            if (plan->arena_bytes <= tile_memory)
                break;
        }
    }
    if (code)
        return code;
    const struct un_geometry *g = &s->geometry;
    un_span_sides(&graph->spec, side, s->views > 1, &s->tile, &s->height);
    s->width = s->height;
    /* a quarter of a tile, where tiles can only be blended */
    if (!s->whole && !un_spec_local(&graph->spec))
        s->overlap = s->tile / 4 / g->grid * g->grid;
    return UNET_OK;
}

static unet_code allocate(unet_session *s, unet_error *err)
{
    const unet_spec *spec = &s->model->graph.spec;
    size_t in = (size_t)s->height * s->width, out = in; /* padded: the output is as large */
    s->pixels = malloc(in * spec->in_channels * sizeof(float));
    s->logits = malloc(out * spec->classes * sizeof(float));
    if (s->views > 1) {
        int most = spec->classes > spec->in_channels ? spec->classes : spec->in_channels;
        s->turned = malloc(in * most * sizeof(float));
        s->average = malloc(out * spec->classes * sizeof(float));
    }
    s->mask = malloc(out);
    s->labels = s->engine->ops->alloc(s->engine, out);
    if (!s->pixels || !s->logits || !s->mask || !s->labels ||
        (s->views > 1 && (!s->turned || !s->average)))
        return un_fail_memory(err, un_session_extra_bytes(spec, s->views, in), "a tile");
    return UNET_OK;
}

/* A session that has everything but its memory. */
static unet_code prepare(const unet_model *model, const unet_session_options *options,
                         unet_session **session, struct un_graph *graph, struct un_plan *plan,
                         unet_error *err)
{
    static const int views[] = {
        [UNET_TTA_NONE] = 1, [UNET_TTA_FLIPS] = 4, [UNET_TTA_ROTATIONS] = 8};
    int threads = options ? options->threads : 0, tile = options ? options->tile : 0;
    unsigned tta = options ? (unsigned)options->tta : 0;
    if (tile < 0 || tile > 1 << 20 || tta > UNET_TTA_ROTATIONS)
        return un_fail(err, UNET_EINVAL, "a tile of %d, tta %u; wanted 0 to %d, 0 to %d", tile, tta,
                       1 << 20, UNET_TTA_ROTATIONS);
    unet_session *s = calloc(1, sizeof *s);
    if (!s)
        return un_fail_memory(err, sizeof *s, "a session");
    s->model = model;
    s->geometry = un_geometry(&model->graph.spec);
    s->whole = tile == 0 && !un_spec_local(&model->graph.spec);
    s->views = views[tta];
    unet_code code = un_engine_choose(threads, &s->engine, err);
    if (!code) {
        s->engine->exact = options && options->exact;
        code = choose_tile(s, tile, graph, plan, err);
    }
    if (code)
        un_session_free(s);
    else
        *session = s;
    return code;
}

/* The two large structs that planning needs. */
struct draft {
    struct un_graph graph;
    struct un_plan plan;
};

unet_code un_session_create(const unet_model *model, const unet_session_options *options,
                            unet_session **session, unet_error *err)
{
    struct draft *draft = malloc(sizeof *draft);
    unet_session *s = NULL;
    if (!draft)
        return un_fail_memory(err, sizeof *draft, "a session");
    unet_code code = prepare(model, options, &s, &draft->graph, &draft->plan, err);
    if (!code)
        code = un_network_create(&s->network, s->engine, &draft->graph, UN_PREDICT, model->values,
                                 err);
    if (!code)
        code = allocate(s, err);
    free(draft);
    if (code)
        un_session_free(s);
    else
        *session = s;
    return code;
}

unet_code un_session_foretell(const unet_model *model, const unet_session_options *options,
                              size_t *bytes, unet_error *err)
{
    struct draft *draft = malloc(sizeof *draft);
    unet_session *s = NULL;
    if (!draft)
        return un_fail_memory(err, sizeof *draft, "a session");
    unet_code code = prepare(model, options, &s, &draft->graph, &draft->plan, err);
    if (!code)
        *bytes = un_network_bytes(&draft->graph, &draft->plan) +
                 un_session_extra_bytes(&model->graph.spec, s->views,
                                        (size_t)s->height * (size_t)s->width);
    un_session_free(s);
    free(draft);
    return code;
}

static void release_memory(unet_session *s)
{
    if (s->engine && s->labels)
        s->engine->ops->release(s->engine, s->labels);
    un_network_release(&s->network);
    free(s->pixels);
    free(s->logits);
    free(s->mask);
    free(s->turned);
    free(s->average);
    s->labels = s->mask = NULL;
    s->pixels = s->logits = s->turned = s->average = NULL;
}

void un_session_free(unet_session *s)
{
    if (!s)
        return;
    release_memory(s);
    if (s->engine)
        s->engine->ops->free(s->engine);
    free(s);
}

/* The sides of a tile that is one axis of a whole image. */
static void whole_sides(const unet_session *s, int side, int *output, int *input)
{
    const struct un_geometry *g = &s->geometry;
    un_span_sides(&s->model->graph.spec, side, s->views > 1, output, input);
    if (!g->valid)
        *input = side < g->grid ? g->grid : side;
}

/* Memory that the machine does not have is refused here: asking for it may succeed, and end the
 * process when it is used. */
static unet_code check_fits(const unet_session *s, const struct un_graph *graph, unet_error *err)
{
    struct un_plan *plan = malloc(sizeof *plan);
    if (!plan)
        return un_fail_memory(err, sizeof *plan, "a session");
    un_plan_make(plan, graph, s->engine, UN_PREDICT);
    const double bytes = (double)plan->arena_bytes;
    free(plan);
    const double has = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (bytes <= has || has <= 0)
        return UNET_OK;
    return un_fail(err, UNET_ENOMEM,
                   "%d x %d pixels at once need %.1f GB, this machine has %.1f; this network looks "
                   "at whole images, so tiles only give nearly the same: set a tile to have them",
                   graph->input.h, graph->input.w, bytes / 1e9, has / 1e9);
}

/* Makes the tile as large as an image, where it is not.  After a failure the session has no memory,
 * and the next image makes it try again. */
unet_code un_session_fit(unet_session *s, int height, int width, unet_error *err)
{
    int output[2], input[2];
    if (!s->whole)
        return UNET_OK;
    if (s->views > 4) /* rows and columns are exchanged */
        height = width = height > width ? height : width;
    whole_sides(s, height, &output[0], &input[0]);
    whole_sides(s, width, &output[1], &input[1]);
    if (input[0] <= s->height && input[1] <= s->width && output[0] <= s->tile &&
        output[1] <= s->tile)
        return UNET_OK;
    struct un_graph *graph = malloc(sizeof *graph);
    if (!graph)
        return un_fail_memory(err, sizeof *graph, "a session");
    *graph = s->model->graph;
    const int tall = input[0] > s->height ? input[0] : s->height;
    const int wide = input[1] > s->width ? input[1] : s->width;
    unet_code code = un_graph_size(graph, 1, tall, wide, err);
    if (!code)
        code = check_fits(s, graph, err);
    if (code) {
        free(graph);
        return code;
    }
    release_memory(s);
    s->height = tall;
    s->width = wide;
    s->tile = 0;
    code = un_network_create(&s->network, s->engine, graph, UN_PREDICT, s->model->values, err);
    if (!code)
        code = allocate(s, err);
    if (code) {
        release_memory(s);
        s->height = s->width = 0; /* so that the next image asks for what it needs itself */
    } else {
        s->tile = output[0] > output[1] ? output[0] : output[1];
    }
    free(graph);
    return code;
}

size_t un_session_extra_bytes(const unet_spec *spec, int views, size_t pixels)
{
    int most = spec->classes > spec->in_channels ? spec->classes : spec->in_channels;
    int turning = views > 1 ? most + spec->classes : 0;
    return pixels * ((size_t)(spec->in_channels + spec->classes + turning) * sizeof(float) + 2);
}

size_t un_session_bytes(const unet_session *s)
{
    return un_network_bytes(&s->network.graph, &s->network.plan) +
           un_session_extra_bytes(&s->model->graph.spec, s->views, (size_t)s->height * s->width);
}

void un_session_refresh(unet_session *s)
{
    struct un_network *n = &s->network;
    if (n->owns_values)
        s->engine->ops->put(s->engine, n->values, s->model->values,
                            n->graph.values * sizeof(float));
    un_network_repack(n);
}

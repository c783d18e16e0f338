/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/tile.h"

/* A session chooses the largest of these output sides whose feature maps stay below this. */
static const int tile_choices[] = {1024, 768, 512, 384, 256, 192, 128, 64};
static const size_t tile_memory = (size_t)512 << 20;

/* The sides of a full tile when the output shall be at least `side`. */
static void tile_sides(const unet_spec *spec, int side, int *output, int *input)
{
    struct un_geometry g = un_geometry(spec);
    side = (side + g.grid - 1) / g.grid * g.grid;
    if (g.valid) {
        *output = un_fit_output(spec, side, input);
    } else {
        *output = side;
        /* a tile ends at the image's edge or a border beyond the output, whichever comes first;
         * the last one may take up to a grid more, so that none is too small */
        *input = side + 2 * g.border + g.grid;
    }
}

static unet_code plan_tile(const unet_model *model, struct un_engine *engine, int side,
                           struct un_graph *graph, size_t *bytes, unet_error *err)
{
    struct un_plan plan;
    int output, input;
    *graph = model->graph;
    tile_sides(&graph->spec, side, &output, &input);
    unet_code code = un_graph_size(graph, 1, input, input, err);
    if (!code) {
        un_plan_make(&plan, graph, engine, UN_PREDICT);
        *bytes = plan.arena_bytes;
    }
    return code;
}

static unet_code choose_tile(unet_session *s, int wanted, struct un_graph *graph, unet_error *err)
{
    size_t bytes, count = sizeof tile_choices / sizeof *tile_choices;
    unet_code code = UNET_OK;
    int side = wanted;
    if (wanted > 0) {
        code = plan_tile(s->model, s->engine, side, graph, &bytes, err);
    } else {
        for (size_t i = 0; i < count; i++) {
            side = tile_choices[i];
            if ((code = plan_tile(s->model, s->engine, side, graph, &bytes, err)))
                return code;
            if (bytes <= tile_memory)
                break;
        }
    }
    if (!code) {
        tile_sides(&graph->spec, side, &s->tile, &s->height);
        s->width = s->height;
    }
    return code;
}

static unet_code allocate(unet_session *s, unet_error *err)
{
    const unet_spec *spec = &s->model->graph.spec;
    size_t in = (size_t)s->height * s->width, out = in; /* padded: the output is as large */
    s->pixels = malloc(in * spec->in_channels * sizeof(float));
    s->logits = malloc(out * spec->classes * sizeof(float));
    s->mask = malloc(out);
    s->labels = s->engine->ops->alloc(s->engine, out);
    if (!s->pixels || !s->logits || !s->mask || !s->labels)
        return un_fail_memory(err, un_session_extra_bytes(spec, in), "a tile");
    return UNET_OK;
}

unet_code un_session_create(const unet_model *model, const unet_session_options *options,
                            unet_session **session, unet_error *err)
{
    int threads = options ? options->threads : 0, tile = options ? options->tile : 0;
    struct un_graph *graph = malloc(sizeof *graph);
    unet_session *s = calloc(1, sizeof *s);
    unet_code code = UNET_ENOMEM;
    if (!graph || !s) {
        un_fail_memory(err, sizeof *graph, "a session");
        goto done;
    }
    if (tile < 0 || tile > 1 << 20) {
        code = un_fail(err, UNET_EINVAL, "a tile of %d, wanted 0 to %d", tile, 1 << 20);
        goto done;
    }
    s->model = model;
    s->geometry = un_geometry(&model->graph.spec);
    s->whole = tile == 0 && !un_spec_local(&model->graph.spec);
    if ((code = un_engine_choose(threads, &s->engine, err)))
        goto done;
    s->engine->exact = options && options->exact;
    if ((code = choose_tile(s, tile, graph, err)))
        goto done;
    if ((code = un_network_create(&s->network, s->engine, graph, UN_PREDICT, model->values, err)))
        goto done;
    if ((code = allocate(s, err)))
        goto done;
    *session = s;
    s = NULL;
done:
    un_session_free(s);
    free(graph);
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
    s->labels = s->mask = NULL;
    s->pixels = s->logits = NULL;
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
static void whole_sides(const unet_spec *spec, int side, int *output, int *input)
{
    struct un_geometry g = un_geometry(spec);
    tile_sides(spec, side, output, input);
    if (!g.valid)
        *input = side < g.grid ? g.grid : side;
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
static unet_code grow(unet_session *s, int height, int width, unet_error *err)
{
    int output[2], input[2];
    const unet_spec *spec = &s->model->graph.spec;
    whole_sides(spec, height, &output[0], &input[0]);
    whole_sides(spec, width, &output[1], &input[1]);
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

size_t un_session_extra_bytes(const unet_spec *spec, size_t pixels)
{
    return pixels * ((size_t)(spec->in_channels + spec->classes) * sizeof(float) + 2);
}

size_t un_session_bytes(const unet_session *s)
{
    return un_network_bytes(&s->network.graph, &s->network.plan) +
           un_session_extra_bytes(&s->model->graph.spec, (size_t)s->height * s->width);
}

void un_session_refresh(unet_session *s)
{
    struct un_network *n = &s->network;
    if (n->owns_values)
        s->engine->ops->put(s->engine, n->values, s->model->values,
                            n->graph.values * sizeof(float));
    un_network_repack(n);
}

/* One axis of one tile: which outputs it gives, and which input it reads. */
struct span {
    int out, count; /* the image rows (or columns) it answers for */
    int in, size;   /* the first row it reads (may be negative) and how many */
    int skip;       /* rows of the network's output before the first one wanted */
};

static struct span span_at(const unet_session *s, int start, int side)
{
    const struct un_geometry *g = &s->geometry;
    struct span p = {.out = start, .count = side - start < s->tile ? side - start : s->tile};
    if (g->valid) {
        un_fit_output(&s->model->graph.spec, p.count, &p.size);
        p.in = start - g->border;
        return p;
    }
    int end = start + p.count + g->border;
    p.in = start - g->border < 0 ? 0 : start - g->border;
    /* the network pools an even number of times: what is left over at the far end stays in */
    if (end > side - g->grid)
        end = side;
    p.size = end - p.in;
    if (p.size < g->grid) /* a tiny image: mirrored until the network can pool it */
        p.size = g->grid;
    p.skip = start - p.in;
    return p;
}

/* Copies the wanted part of the tile's answer into the image's. */
static void keep_mask(const unet_session *s, struct span y, struct span x, int tile_width,
                      int width, uint8_t *mask)
{
    for (int i = 0; i < y.count; i++)
        memcpy(mask + (size_t)(y.out + i) * width + x.out,
               s->mask + (size_t)(y.skip + i) * tile_width + x.skip, (size_t)x.count);
}

static void keep_scores(const unet_session *s, struct span y, struct span x, int tile_width,
                        int height, int width, float *scores)
{
    int classes = s->model->graph.spec.classes;
    for (int k = 0; k < classes; k++)
        for (int i = 0; i < y.count; i++) {
            const float *from =
                s->logits + ((size_t)(y.skip + i) * tile_width + x.skip) * classes + k;
            float *to = scores + ((size_t)k * height + y.out + i) * width + x.out;
            for (int j = 0; j < x.count; j++)
                to[j] = from[(size_t)j * classes];
        }
}

static void read_scores(unet_session *s, struct un_tensor scores, struct span y, struct span x,
                        const unet_image *image, float *to)
{
    if (!to)
        return;
    s->engine->ops->download(s->engine, s->logits, scores);
    keep_scores(s, y, x, scores.shape.w, image->height, image->width, to);
}

static unet_code predict_tile(unet_session *s, const struct un_reading *reading, struct span y,
                              struct span x, const unet_answers *answers, unet_error *err)
{
    struct un_engine *e = s->engine;
    const unet_image *image = reading->image;
    unet_code code = un_network_size(&s->network, 1, y.size, x.size, err);
    if (code)
        return code;
    un_tile_read(reading, y.in, x.in, y.size, x.size, s->pixels);
    e->ops->upload(e, un_network_input(&s->network), s->pixels);
    un_network_forward(&s->network, 0);

    struct un_tensor logits = un_network_output(&s->network);
    if (answers->mask) {
        e->ops->argmax(e, logits, s->labels);
        e->ops->get(e, s->mask, s->labels, (size_t)logits.shape.h * logits.shape.w);
        keep_mask(s, y, x, logits.shape.w, image->width, answers->mask);
    }
    read_scores(s, logits, y, x, image, answers->logits);
    if (answers->probabilities)
        e->ops->probabilities(e, logits);
    read_scores(s, logits, y, x, image, answers->probabilities);
    return e->ops->finish(e, err);
}

unet_code un_session_predict(unet_session *s, const unet_image *image, const char *name,
                             const unet_answers *answers, unet_error *err)
{
    const unet_spec *spec = &s->model->graph.spec;
    unet_code code = un_reading_check(image, name, spec->in_channels, err);
    if (code)
        return code;
    if ((code = un_image_check_finite(name, image, err)))
        return code;
    if (s->whole && (code = grow(s, image->height, image->width, err)))
        return code;
    struct un_reading reading = un_reading_of(image, spec->in_channels, &s->model->scaling);
    int step = s->tile / s->geometry.grid * s->geometry.grid;
    double pixels = (double)image->height * image->width, done = 0;
    int bottom = 0, right;
    for (int top = 0; bottom < image->height; top += step) {
        struct span y = span_at(s, top, image->height);
        bottom = top + y.count;
        right = 0;
        for (int left = 0; right < image->width; left += step) {
            struct span x = span_at(s, left, image->width);
            right = left + x.count;
            if ((code = predict_tile(s, &reading, y, x, answers, err)))
                return code;
            done += (double)(bottom < image->height ? step : y.count) *
                    (right < image->width ? step : x.count);
            if (answers->progress && answers->progress(answers->context, done / pixels))
                return un_fail(err, UNET_ESTOPPED, "stopped");
        }
    }
    return UNET_OK;
}

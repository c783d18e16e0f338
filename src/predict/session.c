/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/session.h"

#include "image/fill.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/samples.h"
#include "predict/session_fields.h"

/* A session chooses the largest of these output sides whose feature maps stay below this.  Residual
 * networks see far: a small tile of theirs is mostly border, so theirs may be larger, up to half of
 * what there is. */
static const int tile_choices[] = {1024, 768, 512, 384, 256, 192, 128, 64};
static const size_t tile_memory = (size_t)512 << 20, far_memory = (size_t)2 << 30;

/* Of a network that sees whole images and was trained on tiles of them, the pixels that are seen at
 * once are at most 1024 x 1024, fewer where the network is wider than 64.  Its norms take their
 * statistics from what is seen; those of much more than a tile are not what it learnt with, least
 * of all where brightness changes over the image (docs/large-images.md). */
static const int64_t whole_values = (int64_t)64 << 20, whole_pixels = (int64_t)1 << 20;

/* Too large for the stack. */
struct draft {
    struct un_graph graph;
    struct un_plan plan;
};

/* What the networks of all members take for inputs of these sides: their arenas, and all of it. */
static unet_code network_bytes(const unet_session *s, int height, int width, size_t *arenas,
                               size_t *bytes, unet_error *err)
{
    struct draft *draft = malloc(sizeof *draft);
    unet_code code = UNET_OK;
    if (!draft)
        return un_fail_memory(err, sizeof *draft, "a session");
    *arenas = *bytes = 0;
    for (int m = 0; m < s->member_count && !code; m++) {
        draft->graph = s->members[m].model->graph;
        if ((code = un_graph_size(&draft->graph, 1, height, width, err)))
            break;
        if ((code = un_plan_make(&draft->plan, &draft->graph, s->engine, UN_PREDICT, err)))
            break;
        *arenas += draft->plan.arena_bytes;
        *bytes += un_network_bytes(&draft->graph, &draft->plan);
    }
    free(draft);
    return code;
}

static size_t most_bytes(const unet_session *s)
{
    const size_t half = s->engine->ops->memory(s->engine) / 2;
    if (!s->model->graph.spec.residual || (half && half < tile_memory))
        return tile_memory;
    return half && half < far_memory ? half : far_memory;
}

/* Arenas of a tile of this input side, as if there were one thread: so the tile, and with it the
 * bits, does not depend on how many there are. */
static unet_code arenas_of(unet_session *s, int input, size_t *arenas, unet_error *err)
{
    const int threads = s->engine->threads;
    size_t bytes;
    s->engine->threads = 1;
    unet_code code = network_bytes(s, input, input, arenas, &bytes, err);
    s->engine->threads = threads;
    return code;
}

static unet_code choose_tile(unet_session *s, int wanted, unet_error *err)
{
    const size_t count = sizeof tile_choices / sizeof *tile_choices, most = most_bytes(s);
    const unet_spec *spec = &s->model->graph.spec;
    /* the image will say how large; until then, the smallest */
    int side = wanted > 0 ? wanted : tile_choices[count - 1];
    for (size_t i = 0; i < count && wanted == 0 && !s->whole; i++) {
        size_t arenas;
        int output, input;
        side = tile_choices[i];
        un_span_sides(&s->model->graph, side, s->views > 1, &output, &input);
        unet_code code = arenas_of(s, input, &arenas, err);
        if (code)
            return code;
        if (arenas <= most)
            break;
    }
    un_span_sides(&s->model->graph, side, s->views > 1, &s->tile, &s->height);
    s->width = s->height;
    /* a quarter of a tile, where tiles can only be blended */
    if (!s->whole && !un_spec_local(spec))
        s->overlap = s->tile / 4 / s->geometry.grid * s->geometry.grid;
    return UNET_OK;
}

int un_session_answers(const unet_session *s)
{
    return s->views * s->member_count;
}

static unet_code allocate(unet_session *s, unet_error *err)
{
    const unet_spec *spec = &s->model->graph.spec;
    const int answers = un_session_answers(s), outputs = un_spec_outputs(spec);
    size_t in = (size_t)s->height * s->width, out = in; /* padded: the output is as large */
    struct un_engine *e = s->engine;
    s->pixels = e->ops->host_alloc(e, in * spec->in_channels * sizeof(float));
    s->logits = e->ops->host_alloc(e, out * outputs * sizeof(float));
    if (answers > 1) {
        int most = outputs > spec->in_channels ? outputs : spec->in_channels;
        s->turned = malloc(in * most * sizeof(float));
        s->average = malloc(out * outputs * sizeof(float));
    }
    s->mask = e->ops->host_alloc(e, out);
    s->labels = e->ops->alloc(e, out);
    if (!s->pixels || !s->logits || !s->mask || !s->labels ||
        (answers > 1 && (!s->turned || !s->average)))
        return un_fail_memory(err, un_session_extra_bytes(spec, answers, in), "a tile");
    return UNET_OK;
}

/* All memory, for the sides that the session has. */
static unet_code create_memory(unet_session *s, unet_error *err)
{
    struct un_graph *graph = malloc(sizeof *graph);
    unet_code code = UNET_OK;
    if (!graph)
        return un_fail_memory(err, sizeof *graph, "a session");
    for (int m = 0; m < s->member_count && !code; m++) {
        struct un_member *member = &s->members[m];
        *graph = member->model->graph;
        code = un_graph_size(graph, 1, s->height, s->width, err);
        if (!code && !(code = un_model_fetch(member->model, err)))
            code = un_network_create(&member->network, s->engine, graph, UN_PREDICT,
                                     member->model->values, err);
    }
    free(graph);
    return code ? code : allocate(s, err);
}

/* How many pixels may be seen at once.  A network that learnt from tiles takes as well what a part
 * of an image says; of one from elsewhere nothing is known. */
static int64_t most_at_once(const unet_session *s)
{
    for (int m = 0; m < s->member_count; m++)
        if (!s->members[m].model->trained)
            return INT64_MAX;
    const int64_t fit = whole_values / s->model->graph.spec.width;
    return fit < whole_pixels ? fit : whole_pixels;
}

/* A session that has everything but its memory. */
static unet_code prepare(const unet_model *model, const unet_session_options *options,
                         unet_session **session, unet_error *err)
{
    static const int views[] = {
        [UNET_TTA_NONE] = 1, [UNET_TTA_FLIPS] = 4, [UNET_TTA_ROTATIONS] = 8};
    static const unet_session_options none = {0};
    options = options ? options : &none;
    unet_code code = un_fields_check(options, &un_session_fields, err);
    if (code)
        return code;
    unet_session *s = calloc(1, sizeof *s);
    if (!s)
        return un_fail_memory(err, sizeof *s, "a session");
    s->model = model;
    s->geometry = model->graph.geometry;
    s->whole = options->tile == 0 && !un_spec_local(&model->graph.spec);
    s->views = views[options->tta];
    s->any_samples = options->any_samples;
    s->cancel = options->cancel;
    s->log = options->log;
    if (!(code = un_fill_of_text(options->fill, &s->fill, err)) &&
        !(code = un_members_set(s, model, options, err)))
        code = un_engine_choose(options->threads, &s->engine, err);
    if (!code) {
        s->most = most_at_once(s);
        s->engine->exact = options->exact;
        code = choose_tile(s, options->tile, err);
    }
    if (code)
        un_session_free(s);
    else
        *session = s;
    return code;
}

unet_code un_session_create(const unet_model *model, const unet_session_options *options,
                            unet_session **session, unet_error *err)
{
    unet_session *s = NULL;
    unet_code code = prepare(model, options, &s, err);
    if (code)
        return code;
    code = create_memory(s, err);
    if (code)
        un_session_free(s);
    else
        *session = s;
    return code;
}

static void release_memory(unet_session *s)
{
    struct un_engine *e = s->engine;
    if (e) {
        e->ops->release(e, s->labels);
        e->ops->host_release(e, s->pixels);
        e->ops->host_release(e, s->logits);
        e->ops->host_release(e, s->mask);
    }
    for (int m = 0; m < s->member_count; m++)
        un_network_release(&s->members[m].network);
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
    free(s->members);
    free(s);
}

/* The sides of a tile that is one axis of a whole image. */
static void whole_sides(const unet_session *s, int side, int *output, int *input)
{
    const struct un_geometry *g = &s->geometry;
    un_span_sides(&s->model->graph, side, s->views > 1, output, input);
    if (g->even)
        *input = (side + g->grid - 1) / g->grid * g->grid;
    else if (!g->valid)
        *input = side < g->grid ? g->grid : side;
}

unet_code un_session_check(const unet_session *s, unet_sample sample, int prepared,
                           const char *name, unet_error *err)
{
    const unsigned samples = un_samples_of(sample, prepared);
    unet_code code = UNET_OK;
    unet_error why;
    for (int m = 0; m < s->member_count && !code; m++)
        code = un_samples_check(&s->members[m].model->scaling, samples, name, &why);
    if (!code || !s->any_samples)
        return code ? un_fail(err, code, "%s", why.text) : UNET_OK;
    un_note(s->log, UNET_WARNING, "%s", why.text);
    return UNET_OK;
}

/* The tile of an image that is too large to be seen at once: the same on every machine.  Neighbours
 * share a sixteenth, since each also sees what lies around it. */
static void large_sides(unet_session *s, int *input)
{
    const int grid = s->geometry.grid;
    int side = (int)sqrt((double)s->most) / grid * grid - 2 * s->geometry.border - 3 * grid;
    un_span_sides(&s->model->graph, side > grid ? side : grid, s->views > 1, &s->tile, input);
    s->overlap = s->tile / 16 / grid * grid;
}

/* Takes the sides of an image as those of the tile; returns whether the memory is too small.  Only
 * its own, not also those of images before it: a tall and a wide one do not make a large one. */
static bool grow_sides(unet_session *s, int height, int width)
{
    int output[2], input[2];
    if (s->views > 4) /* rows and columns are exchanged */
        height = width = height > width ? height : width;
    if ((int64_t)height * width > s->most) {
        large_sides(s, &input[0]);
        input[1] = input[0];
    } else {
        whole_sides(s, height, &output[0], &input[0]);
        whole_sides(s, width, &output[1], &input[1]);
        s->tile = output[0] > output[1] ? output[0] : output[1];
        s->overlap = 0;
    }
    if (input[0] <= s->height && input[1] <= s->width)
        return false;
    s->height = input[0];
    s->width = input[1];
    return true;
}

/* Memory that the machine does not have is refused here: asking for it may succeed, and end the
 * process when it is used. */
static unet_code check_fits(const unet_session *s, unet_error *err)
{
    size_t arenas, all;
    char needed[24], there[24];
    unet_code code = network_bytes(s, s->height, s->width, &arenas, &all, err);
    const double bytes = (double)arenas;
    double has = (double)s->engine->ops->memory(s->engine);
    for (int m = 0; has > 0 && !s->engine->ops->host_memory && m < s->member_count; m++)
        has += (double)s->members[m].network.plan.arena_bytes; /* what is held now goes first */
    if (code || bytes <= has || has <= 0)
        return code;
    return un_fail(err, UNET_ENOMEM,
                   "%d x %d pixels at once need %s, there are %s; this network looks "
                   "at whole images, so tiles only give nearly the same: set a tile to have them",
                   s->height, s->width, un_bytes_text(bytes, needed), un_bytes_text(has, there));
}

/* Makes the tile as large as an image, where it is not.  After a failure for want of memory the
 * session has none, and the next image makes it try again. */
unet_code un_session_fit(unet_session *s, int height, int width, unet_error *err)
{
    const int tall = s->height, wide = s->width, tile = s->tile, overlap = s->overlap;
    if (!s->whole && !s->told && (height > tile || width > tile) &&
        !un_spec_local(&s->model->graph.spec)) {
        un_note(s->log, UNET_WARNING,
                "this network looks at whole images: with tiles of %d, which are blended, the "
                "result is only near that of the whole image",
                tile);
        s->told = true;
    }
    if (!s->whole || !grow_sides(s, height, width))
        return UNET_OK;
    unet_code code = check_fits(s, err);
    if (code) {
        s->height = tall;
        s->width = wide;
        s->tile = tile;
        s->overlap = overlap;
        return code;
    }
    release_memory(s);
    if ((code = create_memory(s, err))) {
        release_memory(s);
        s->height = s->width = s->tile = 0; /* so that any image asks for what it needs */
    }
    return code;
}

unet_code un_session_foretell(const unet_model *model, const unet_session_options *options,
                              int height, int width, size_t *bytes, int sides[2], unet_error *err)
{
    unet_session *s = NULL;
    size_t arenas, before = 0, found = 0;
    unet_code code = prepare(model, options, &s, err);
    if (code)
        return code;
    for (int grown = 0; grown < 2 && !code; grown++) {
        if (grown && (!s->whole || !grow_sides(s, height, width)))
            break;
        before = found > before ? found : before;
        if ((code = network_bytes(s, s->height, s->width, &arenas, &found, err)))
            break;
        found += un_session_extra_bytes(&model->graph.spec, un_session_answers(s),
                                        (size_t)s->height * (size_t)s->width);
    }
    if (!code)
        *bytes = found > before ? found : before;
    if (!code && sides) {
        sides[0] = s->tile;
        sides[1] = s->height;
    }
    un_session_free(s);
    return code;
}

size_t un_session_extra_bytes(const unet_spec *spec, int answers, size_t pixels)
{
    const int outputs = un_spec_outputs(spec);
    int most = outputs > spec->in_channels ? outputs : spec->in_channels;
    int turning = answers > 1 ? most + outputs : 0;
    return pixels * ((size_t)(spec->in_channels + outputs + turning) * sizeof(float) + 2);
}

size_t un_session_bytes(const unet_session *s)
{
    size_t bytes = un_session_extra_bytes(&s->model->graph.spec, un_session_answers(s),
                                          (size_t)s->height * s->width);
    for (int m = 0; m < s->member_count; m++) {
        const struct un_network *n = &s->members[m].network;
        bytes += un_network_bytes(&n->graph, &n->first);
    }
    return bytes;
}

unet_code un_session_refresh(unet_session *s, unet_error *err)
{
    for (int m = 0; m < s->member_count; m++) {
        struct un_network *n = &s->members[m].network;
        unet_code code = un_model_fetch(s->members[m].model, err);
        if (code)
            return code;
        if (n->owns_values)
            s->engine->ops->put(s->engine, n->values, s->members[m].model->values,
                                n->graph.values * sizeof(float));
        un_network_repack(n);
    }
    return UNET_OK;
}

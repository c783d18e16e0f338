/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer.h"

#include "image/samples.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

unet_code un_trainer_check(const unet_model *model, const unet_dataset *dataset, unet_error *err)
{
    const unet_spec *spec = &model->graph.spec;
    int labels = un_model_labels(model);
    if (dataset->count < 1)
        return un_fail(err, UNET_EINVAL, "the data set has no images");
    if (dataset->coding.labels > labels)
        return un_fail(err, UNET_EINVAL, "the masks have %d classes, the model %d",
                       dataset->coding.labels, labels);
    for (int i = 0; i < dataset->count; i++) {
        const struct un_sample_pair *pair = &dataset->pairs[i];
        unet_code code =
            un_reading_check(un_view_of(&pair->image), pair->name, spec->in_channels, err);
        if (code)
            return code;
    }
    return UNET_OK;
}

int un_trainer_tile(const struct un_graph *graph, const unet_dataset *dataset, int wanted,
                    int *out_side)
{
    struct un_geometry g = graph->geometry;
    int largest = 0, in;
    for (int i = 0; i < dataset->count; i++) {
        const unet_image *image = &dataset->pairs[i].image;
        int side = image->height < image->width ? image->height : image->width;
        if (side > largest)
            largest = side;
    }
    if (wanted > 0) {
        in = un_fit_input(graph, wanted);
    } else if (g.valid) {
        /* an output of about 200 pixels keeps most of the work inside the tile */
        un_fit_output(graph, largest < 196 ? largest : 196, &in);
    } else {
        /* twice the reach of a network of depth 4; smaller tiles make more steps in a minute */
        in = un_fit_input(graph, largest < 192 ? largest : 192);
    }
    if (!g.valid)
        in = (in + g.grid - 1) / g.grid * g.grid; /* so that no pooling drops a row */
    *out_side = g.valid ? in - 2 * g.border : in;
    return in;
}

static const int least_steps = 32; /* of an epoch, unless the user says */

static unet_code plan_epoch(unet_trainer *t, unet_error *err)
{
    const int per_step = t->options.batch * t->options.accumulate;
    t->tiles_per_epoch = un_feed_tiles(t->dataset, t->out_side);
    if (!t->tiles_per_epoch)
        return un_fail(err, UNET_EINVAL, "more than %d tiles of %d pixels, which are too many",
                       1 << 28, t->out_side);
    int cover = (t->tiles_per_epoch + per_step - 1) / per_step;
    t->steps_per_epoch = t->options.steps_per_epoch;
    if (!t->steps_per_epoch) /* as many rounds over the images as make an epoch worth its name */
        t->steps_per_epoch = cover * ((least_steps + cover - 1) / cover);
    return UNET_OK;
}

/* An array of a trainer's own, besides the network and what the feed draws ahead.  The numbers of a
 * step, result and bad, are no arrays. */
struct array {
    size_t at; /* of its pointer in unet_trainer */
    bool host; /* the engine's memory on the host, for transfers */
    size_t bytes;
};

enum { ARRAYS = 9 };

/* All of them, for batches of this many pixels that have labels. */
static void list_arrays(const struct un_graph *g, const unet_train_options *o, size_t pixels,
                        bool host_memory, struct array list[ARRAYS])
{
    const size_t trainable = g->trainable * sizeof(float);
    const struct array all[ARRAYS] = {
        {offsetof(unet_trainer, moment), false, trainable},
        {offsetof(unet_trainer, square), false, o->optimizer == UNET_OPTIMIZER_SGD ? 0 : trainable},
        {offsetof(unet_trainer, average), false, o->average > 0 ? trainable : 0},
        {offsetof(unet_trainer, sum), false, o->accumulate > 1 ? trainable : 0},
        {offsetof(unet_trainer, answer), false, pixels},
        {offsetof(unet_trainer, device_labels), false, host_memory ? 0 : pixels},
        {offsetof(unet_trainer, device_weights), false, host_memory ? 0 : pixels * sizeof(float)},
        {offsetof(unet_trainer, running), false, (g->values - g->trainable) * sizeof(float)},
        {offsetof(unet_trainer, host_answer), true, pixels},
    };
    memcpy(list, all, sizeof all);
}

static size_t sum_bytes(const struct array list[ARRAYS])
{
    size_t bytes = 0;
    for (int i = 0; i < ARRAYS; i++)
        bytes += list[i].bytes;
    return bytes;
}

size_t un_trainer_extra_bytes(const struct un_graph *graph, const unet_train_options *options,
                              int batch, size_t in_pixels, size_t out_pixels)
{
    struct array list[ARRAYS];
    size_t per_input = graph->spec.in_channels * sizeof(float);
    size_t tiles = in_pixels * per_input + out_pixels * (sizeof(float) + 1);
    list_arrays(graph, options, (size_t)batch * out_pixels, true, list);
    return sum_bytes(list) + (size_t)batch * un_feed_slots(1) * tiles;
}

/* The arrays of a trainer that has its engine and its tiles' sides. */
static void list_own(const unet_trainer *t, struct array list[ARRAYS])
{
    list_arrays(&t->network.graph, &t->options, (size_t)t->local * t->out_side * t->out_side,
                t->engine->ops->host_memory, list);
}

static void **pointer_at(unet_trainer *t, const struct array *array)
{
    return (void **)((char *)t + array->at);
}

static unet_code allocate(unet_trainer *t, unet_error *err)
{
    const struct un_engine_ops *ops = t->engine->ops;
    struct array list[ARRAYS];
    list_own(t, list);
    for (int i = 0; i < ARRAYS; i++) {
        const size_t bytes = list[i].bytes;
        void *made = !bytes         ? NULL
                     : list[i].host ? ops->host_alloc(t->engine, bytes)
                                    : ops->alloc(t->engine, bytes);
        if (bytes && !made)
            return un_fail_engine_memory(t->engine, bytes, "training", err);
        *pointer_at(t, &list[i]) = made;
    }
    t->result = ops->alloc(t->engine, 2 * sizeof *t->result);
    t->bad = ops->alloc(t->engine, sizeof *t->bad);
    if (!t->result || !t->bad)
        return un_fail_memory(err, 2 * sizeof *t->result, "training");
    if (t->average)
        ops->copy(t->engine, t->average, t->network.values,
                  t->network.graph.trainable * sizeof(float));
    return UNET_OK;
}

/* Parameters lie in the order of nodes, so those of the encoder are the first. */
static void freeze(unet_trainer *t)
{
    const struct un_graph *g = &t->network.graph;
    int node = t->network.first_trained = un_graph_decoder(g);
    while (g->nodes[node].weight < 0) /* a doubling */
        node++;
    t->frozen = g->params[g->nodes[node].weight].offset;
}

static void take_options(unet_trainer *t, const unet_train_options *options)
{
    t->options = *options;
    if (!t->options.accumulate)
        t->options.accumulate = 1;
    t->rate = options->learning_rate;
    if (!options->class_weights)
        return;
    memcpy(t->class_weights, options->class_weights,
           (size_t)un_model_labels(t->model) * sizeof(float));
    t->options.class_weights = t->class_weights;
}

struct un_drawing un_trainer_drawing(const unet_trainer *t)
{
    const unet_spec *spec = &t->model->graph.spec;
    return (struct un_drawing){.channels = spec->in_channels,
                               .scaling = &t->model->scaling,
                               .options = &t->options,
                               .classes = spec->classes,
                               .rims = spec->rims};
}

/* The examples that tiles come from, and the threads that draw them. */
static unet_code start_feed(unet_trainer *t, unet_error *err)
{
    const unet_train_options *o = &t->options;
    const struct un_drawing drawing = un_trainer_drawing(t);
    unet_code code = un_examples_make(t->dataset, &drawing, t->engine->pool, &t->examples, err);
    if (code)
        return code;
    const struct un_feed_source source = {.examples = &t->examples,
                                          .augment = &t->options.augment,
                                          .seed = o->seed,
                                          .batch = o->batch,
                                          .accumulate = o->accumulate,
                                          .first = t->first,
                                          .local = t->local,
                                          .in_side = t->in_side,
                                          .out_side = t->out_side,
                                          .channels = drawing.channels,
                                          .threads = un_pool_threads(t->engine->pool),
                                          .engine = t->engine};
    return un_feed_create(&source, &t->feed, err);
}

static unet_code build(unet_trainer *t, struct un_graph *graph, unet_error *err)
{
    const unet_train_options *o = &t->options;
    unet_code code;
    graph->recompute = o->recompute;
    t->in_side = un_trainer_tile(graph, t->dataset, o->tile, &t->out_side);
    if ((code = un_together_deal(t, graph, err)) ||
        (code = un_graph_size(graph, t->local, t->in_side, t->in_side, err)) ||
        (code = plan_epoch(t, err)) || (code = un_engine_choose(o->threads, &t->engine, err)) ||
        (code = un_model_fetch(t->model, err)) ||
        (code = un_network_create(&t->network, t->engine, graph, UN_TRAIN, t->model->values, err)))
        return code;
    if (o->freeze_encoder)
        freeze(t);
    if ((code = allocate(t, err)) || (code = un_together_begin(t, err)))
        return code;
    t->fingerprint = un_fingerprint_of(t->dataset, t->engine->pool);
    return UNET_OK;
}

static unet_code check_standardize(const unet_model *model, const unet_train_options *options,
                                   unet_error *err)
{
    if (!options->standardize || !model->trained || model->scaling.per_image)
        return UNET_OK;
    return un_fail(err, UNET_EINVAL,
                   "the model was trained on images as they are, standardize is 1, wanted 0");
}

/* A model that knows 8-bit images goes on to see them as it did. */
static void take_scaling(struct un_scaling *scaling, const struct un_scaling *found)
{
    const struct un_scaling before = *scaling;
    *scaling = *found;
    scaling->centred = before.centred;
    memcpy(scaling->means, before.means, sizeof before.means);
    memcpy(scaling->deviations, before.deviations, sizeof before.deviations);
    if (!(before.trained_on & UN_SAMPLES_U8))
        return;
    scaling->dim_offset = before.dim_offset;
    scaling->dim_scale = before.dim_scale;
}

struct looking {
    const unet_trainer *trainer;
    struct un_values *values; /* [images] */
};

static unet_code look_at_one(void *context, int i, unet_error *err)
{
    const struct looking *l = context;
    const unet_trainer *t = l->trainer;
    const struct un_reading reading = un_pair_reading(
        &t->dataset->pairs[i], t->model->graph.spec.in_channels, &t->model->scaling);
    const unet_code code = un_values_of(&reading, &l->values[i], err);
    l->values[i].size = t->dataset->pairs[i].size;
    return code;
}

/* What values the images of the training have, as the network takes them. */
static unet_code look_at_values(const unet_trainer *t, struct un_seen *seen, unet_error *err)
{
    const size_t count = (size_t)t->dataset->count;
    struct looking l = {t, malloc(count * sizeof *l.values)};
    if (!l.values)
        return un_fail_memory(err, count * sizeof *l.values, "the images of training");
    unet_code code = un_pool_try(t->engine->pool, t->dataset->count, look_at_one, &l, err);
    for (size_t i = 0; i < count && !code; i++)
        un_seen_add(seen, &l.values[i]);
    free(l.values);
    return code;
}

static unet_code fetch(void *trainer, unet_error *err)
{
    return un_trainer_fetch(trainer, err);
}

unet_code un_trainer_create(unet_model *model, const unet_dataset *dataset,
                            const unet_train_options *options, const unet_ranks *ranks,
                            unet_trainer **trainer, unet_error *err)
{
    const struct un_scaling scaling = model->scaling;
    struct un_seen seen = {0};
    int smallest = model->smallest_object;
    struct un_graph *graph = malloc(sizeof *graph);
    unet_trainer *t = calloc(1, sizeof *t);
    unet_code code = UNET_ENOMEM;
    if (!graph || !t) {
        un_fail_memory(err, sizeof *graph, "a trainer");
        goto done;
    }
    *graph = model->graph;
    if ((code = un_train_options_check(options, &graph->spec, un_model_labels(model), err)) ||
        (code = check_standardize(model, options, err)) ||
        (code = un_trainer_check(model, dataset, err)))
        goto done;
    if (graph->spec.rims && (code = un_smallest_object(dataset, &smallest, err)))
        goto done;
    t->model = model;
    t->dataset = dataset;
    t->ranks = ranks;
    take_options(t, options);
    if ((code = build(t, graph, err)))
        goto done;
    /* from now on the model reads images and masks as this data set does */
    if (!scaling.set && !scaling.per_image)
        take_scaling(&model->scaling, &dataset->scaling);
    model->scaling.per_image |= options->standardize;
    if (options->standardize)
        model->scaling.centred = 0;
    if (dataset->scaling.fill.set)
        model->scaling.fill = dataset->scaling.fill;
    model->scaling.trained_on = scaling.trained_on | dataset->scaling.trained_on;
    if ((code = look_at_values(t, &seen, err)) || (code = start_feed(t, err))) {
        model->scaling = scaling;
        goto done;
    }
    un_seen_join(&model->seen, &seen);
    model->smallest_object = smallest;
    if (!model->trained)
        un_model_set_coding(model, &dataset->coding);
    model->trained = true;
    memcpy(model->channels, dataset->channels_text, sizeof model->channels);
    if (t->network.owns_values)
        model->keeper = (struct un_keeper){fetch, t};
    *trainer = t;
    t = NULL;
done:
    un_trainer_free(t);
    free(graph);
    return code;
}

void un_trainer_free(unet_trainer *t)
{
    if (!t)
        return;
    struct un_engine *e = t->engine;
    if (t->model && t->model->keeper.context == t) {
        un_trainer_fetch(t, NULL);
        t->model->keeper = (struct un_keeper){NULL, NULL};
    }
    un_reducer_free(t->reducer);
    un_feed_free(t->feed);
    un_examples_release(&t->examples);
    if (e) {
        struct array list[ARRAYS];
        list_own(t, list);
        for (int i = 0; i < ARRAYS; i++) {
            void *memory = *pointer_at(t, &list[i]);
            if (list[i].host)
                e->ops->host_release(e, memory);
            else
                e->ops->release(e, memory);
        }
        e->ops->release(e, t->result);
        e->ops->release(e, t->bad);
        un_network_release(&t->network);
        e->ops->free(e);
    }
    free(t);
}

static size_t bytes_of(const unet_trainer *t)
{
    const struct un_graph *g = &t->network.graph;
    const struct un_feed_source source = {.augment = &t->options.augment,
                                          .local = t->local,
                                          .in_side = t->in_side,
                                          .out_side = t->out_side,
                                          .channels = g->spec.in_channels,
                                          .threads = un_pool_threads(t->engine->pool)};
    struct array list[ARRAYS];
    list_own(t, list);
    return un_network_bytes(g, &t->network.plan) + un_feed_bytes(&source, t->tiles_per_epoch) +
           un_examples_bytes(&t->examples) + sum_bytes(list);
}

unet_trainer_facts un_trainer_all(const unet_trainer *t)
{
    return (unet_trainer_facts){.bytes = bytes_of(t),
                                .in_tile = t->in_side,
                                .out_tile = t->out_side,
                                .steps_per_epoch = t->steps_per_epoch,
                                .step = t->step,
                                .rate = t->rate,
                                .gradient_norm = t->gradient_norm,
                                .waited = un_feed_waited(t->feed)};
}

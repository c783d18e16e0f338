/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer.h"

#include <stdlib.h>
#include <string.h>

unet_code un_trainer_check(const unet_model *model, const unet_dataset *dataset, unet_error *err)
{
    const unet_spec *spec = &model->graph.spec;
    int labels = unet_model_labels(model);
    if (dataset->count < 1)
        return un_fail(err, UNET_EINVAL, "the data set has no images");
    if (dataset->coding.labels > labels)
        return un_fail(err, UNET_EINVAL, "the masks have %d classes, the model %d",
                       dataset->coding.labels, labels);
    for (int i = 0; i < dataset->count; i++) {
        const struct un_sample_pair *pair = &dataset->pairs[i];
        unet_code code = un_reading_check(&pair->image, pair->name, spec->in_channels, err);
        if (code)
            return code;
    }
    return UNET_OK;
}

int un_trainer_tile(const unet_spec *spec, const unet_dataset *dataset, int wanted, int *out_side)
{
    struct un_geometry g = un_geometry(spec);
    int largest = 0, in;
    for (int i = 0; i < dataset->count; i++) {
        const unet_image *image = &dataset->pairs[i].image;
        int side = image->height < image->width ? image->height : image->width;
        if (side > largest)
            largest = side;
    }
    if (wanted > 0) {
        in = un_fit_input(spec, wanted);
    } else if (g.valid) {
        /* an output of about 200 pixels keeps most of the work inside the tile */
        un_fit_output(spec, largest < 196 ? largest : 196, &in);
    } else {
        /* twice the reach of a network of depth 4; smaller tiles make more steps in a minute */
        in = un_fit_input(spec, largest < 192 ? largest : 192);
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

size_t un_trainer_extra_bytes(const struct un_graph *graph, int batch, size_t in_pixels,
                              size_t out_pixels)
{
    size_t per_input = graph->spec.in_channels * sizeof(float);
    size_t running = graph->values - graph->trainable + 1;
    size_t tiles = in_pixels * per_input + out_pixels * (sizeof(float) + 1);
    return (2 * graph->trainable + running) * sizeof(float) +
           (size_t)batch * (un_feed_slots(1) * tiles + 2 * out_pixels);
}

static unet_code allocate(unet_trainer *t, unet_error *err)
{
    const struct un_graph *g = &t->network.graph;
    const unet_train_options *o = &t->options;
    const struct un_engine_ops *ops = t->engine->ops;
    const size_t out = (size_t)o->batch * t->out_side * t->out_side;
    const size_t trainable = g->trainable * sizeof(float);
    const struct {
        void **memory;
        size_t bytes;
    } wanted[] = {
        {(void **)&t->moment, trainable},
        {(void **)&t->square, o->optimizer == UNET_OPTIMIZER_SGD ? 0 : trainable},
        {(void **)&t->average, o->average > 0 ? trainable : 0},
        {(void **)&t->sum, o->accumulate > 1 ? trainable : 0},
        {(void **)&t->answer, out},
        {(void **)&t->device_labels, ops->host_memory ? 0 : out},
        {(void **)&t->device_weights, ops->host_memory ? 0 : out * sizeof(float)},
        {(void **)&t->result, 2 * sizeof(double)},
        {(void **)&t->bad, sizeof(uint64_t)},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (wanted[i].bytes && !(*wanted[i].memory = ops->alloc(t->engine, wanted[i].bytes)))
            return un_fail_memory(err, wanted[i].bytes, "training");
    t->running = malloc((g->values - g->trainable + 1) * sizeof(float));
    t->host_answer = malloc(out);
    if (!t->running || !t->host_answer)
        return un_fail_memory(err, (g->values - g->trainable) * sizeof(float) + out, "training");
    if (t->average)
        ops->put(t->engine, t->average, t->model->values, trainable);
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
           (size_t)unet_model_labels(t->model) * sizeof(float));
    t->options.class_weights = t->class_weights;
}

/* The places that tiles come from, and the threads that draw them. */
static unet_code start_feed(unet_trainer *t, unet_error *err)
{
    const unet_train_options *o = &t->options;
    const int channels = t->model->graph.spec.in_channels;
    unet_code code = un_places_make(t->dataset, channels, &t->model->scaling, o, t->engine->pool,
                                    &t->places, err);
    if (code)
        return code;
    const struct un_feed_source source = {.places = &t->places,
                                          .augment = &t->options.augment,
                                          .seed = o->seed,
                                          .batch = o->batch,
                                          .accumulate = o->accumulate,
                                          .in_side = t->in_side,
                                          .out_side = t->out_side,
                                          .channels = channels,
                                          .threads = t->engine->threads};
    return un_feed_create(&source, &t->feed, err);
}

static unet_code build(unet_trainer *t, struct un_graph *graph, unet_error *err)
{
    const unet_train_options *o = &t->options;
    unet_code code;
    t->in_side = un_trainer_tile(&graph->spec, t->dataset, o->tile, &t->out_side);
    if ((code = un_graph_size(graph, o->batch, t->in_side, t->in_side, err)) ||
        (code = plan_epoch(t, err)) || (code = un_engine_choose(o->threads, &t->engine, err)) ||
        (code = un_network_create(&t->network, t->engine, graph, UN_TRAIN, t->model->values, err)))
        return code;
    if (o->freeze_encoder)
        freeze(t);
    if ((code = allocate(t, err)))
        return code;
    t->fingerprint = un_fingerprint_of(t->dataset, t->engine->pool);
    return UNET_OK;
}

unet_code un_trainer_create(unet_model *model, const unet_dataset *dataset,
                            const unet_train_options *options, unet_trainer **trainer,
                            unet_error *err)
{
    const struct un_scaling scaling = model->scaling;
    struct un_graph *graph = malloc(sizeof *graph);
    unet_trainer *t = calloc(1, sizeof *t);
    unet_code code = UNET_ENOMEM;
    if (!graph || !t) {
        un_fail_memory(err, sizeof *graph, "a trainer");
        goto done;
    }
    *graph = model->graph;
    if ((code = un_train_options_check(options, &graph->spec, unet_model_labels(model), err)) ||
        (code = un_trainer_check(model, dataset, err)))
        goto done;
    t->model = model;
    t->dataset = dataset;
    take_options(t, options);
    if ((code = build(t, graph, err)))
        goto done;
    /* from now on the model reads images and masks as this data set does */
    if (!scaling.set && !scaling.per_image)
        model->scaling = dataset->scaling;
    if ((code = start_feed(t, err))) {
        model->scaling = scaling;
        goto done;
    }
    if (!model->trained)
        un_model_set_coding(model, &dataset->coding);
    model->trained = true;
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
    un_feed_free(t->feed);
    un_places_release(&t->places);
    if (e) {
        void *const memory[] = {t->moment, t->square,        t->average,        t->sum, t->answer,
                                t->result, t->device_labels, t->device_weights, t->bad};
        for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
            e->ops->release(e, memory[i]);
        un_network_release(&t->network);
        e->ops->free(e);
    }
    free(t->running);
    free(t->host_answer);
    free(t);
}

static size_t bytes_of(const unet_trainer *t)
{
    const struct un_graph *g = &t->network.graph;
    const size_t out = (size_t)t->options.batch * t->out_side * t->out_side;
    const struct un_feed_source source = {.augment = &t->options.augment,
                                          .batch = t->options.batch,
                                          .in_side = t->in_side,
                                          .out_side = t->out_side,
                                          .channels = g->spec.in_channels,
                                          .threads = t->engine->threads};
    size_t arrays = 1 + (t->square != NULL) + (t->average != NULL) + (t->sum != NULL);
    return un_network_bytes(g, &t->network.plan) + un_feed_bytes(&source, t->tiles_per_epoch) +
           t->places.bytes + (arrays * g->trainable + g->values - g->trainable) * sizeof(float) +
           2 * out;
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step: draw a batch (keys: seed, step, sample), forward, loss, backward, check, update.
 *
 * Which image a tile comes from: an epoch is a list in which every image stands as often as tiles
 * are needed to cover it, shuffled by (seed, epoch).  Tile number t of all training is entry t mod
 * length of epoch t / length.  So the state of the data is one number, the step.
 */
#include "train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

/* Streams of random numbers, by purpose. */
enum { STREAM_ORDER = 1, STREAM_TILE, STREAM_DROPOUT };

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

/* How many tiles it takes to cover an image. */
static long tiles_of(const unet_image *image, int out_side)
{
    long rows = (image->height + out_side - 1) / out_side;
    long columns = (image->width + out_side - 1) / out_side;
    return rows * columns;
}

static const int least_steps = 32; /* of an epoch, unless the user says */

static unet_code plan_epoch(unet_trainer *t, unet_error *err)
{
    const unet_dataset *set = t->dataset;
    long tiles = 0;
    for (int i = 0; i < set->count; i++)
        tiles += tiles_of(&set->pairs[i].image, t->out_side);
    if (tiles > 1 << 28)
        return un_fail(err, UNET_EINVAL, "%ld tiles of %d pixels are too many", tiles, t->out_side);
    t->tiles_per_epoch = (int)tiles;
    t->order = malloc((size_t)tiles * sizeof *t->order);
    if (!t->order)
        return un_fail_memory(err, (size_t)tiles * sizeof *t->order, "the order of tiles");
    t->order_epoch = -1;
    int cover = (t->tiles_per_epoch + t->options.batch - 1) / t->options.batch;
    t->steps_per_epoch = t->options.steps_per_epoch;
    if (!t->steps_per_epoch) /* as many rounds over the images as make an epoch worth its name */
        t->steps_per_epoch = cover * ((least_steps + cover - 1) / cover);
    return UNET_OK;
}

/* Fills the order of an epoch and shuffles it (Fisher and Yates). */
static void shuffle(unet_trainer *t, long epoch)
{
    uint64_t key = un_rng_key(t->options.seed, STREAM_ORDER, (uint64_t)epoch, 0);
    int at = 0;
    for (int i = 0; i < t->dataset->count; i++)
        for (long k = tiles_of(&t->dataset->pairs[i].image, t->out_side); k > 0; k--)
            t->order[at++] = i;
    for (int i = at - 1; i > 0; i--) {
        int j = (int)un_rng_below(key, (uint64_t)i, (uint32_t)i + 1), swap = t->order[i];
        t->order[i] = t->order[j];
        t->order[j] = swap;
    }
    t->order_epoch = epoch;
}

size_t un_trainer_extra_bytes(const struct un_graph *graph, int batch, size_t in_pixels,
                              size_t out_pixels)
{
    size_t per_input = graph->spec.in_channels * sizeof(float);
    size_t running = graph->values - graph->trainable + 1;
    return (2 * graph->trainable + running) * sizeof(float) +
           (size_t)batch * (in_pixels * per_input + out_pixels * (sizeof(float) + 1));
}

static unet_code allocate(unet_trainer *t, unet_error *err)
{
    const struct un_graph *g = &t->network.graph;
    const struct un_engine_ops *ops = t->engine->ops;
    size_t in = (size_t)t->options.batch * t->in_side * t->in_side;
    size_t out = (size_t)t->options.batch * t->out_side * t->out_side;
    bool adam = t->options.optimizer != UNET_OPTIMIZER_SGD, shared = ops->host_memory;
    size_t running = g->values - g->trainable;
    t->input = malloc(in * g->spec.in_channels * sizeof(float));
    t->labels = malloc(out);
    t->weights = malloc(out * sizeof(float));
    t->running = malloc((running + 1) * sizeof(float));
    t->moment = ops->alloc(t->engine, g->trainable * sizeof(float));
    t->square = adam ? ops->alloc(t->engine, g->trainable * sizeof(float)) : NULL;
    t->device_labels = shared ? t->labels : ops->alloc(t->engine, out);
    t->device_weights = shared ? t->weights : ops->alloc(t->engine, out * sizeof(float));
    t->result = ops->alloc(t->engine, 2 * sizeof(double));
    t->bad = ops->alloc(t->engine, sizeof(uint64_t));
    if (!t->input || !t->labels || !t->weights || !t->running || !t->moment ||
        (adam && !t->square) || !t->device_labels || !t->device_weights || !t->result || !t->bad)
        return un_fail_memory(err, un_trainer_extra_bytes(g, 1, in, out), "training");
    return UNET_OK;
}

/* From now on the model reads images and masks as this data set does. */
static void adopt_dataset(unet_model *model, const unet_dataset *dataset)
{
    if (!model->scaling.set && !model->scaling.per_image)
        model->scaling = dataset->scaling;
    if (model->trained)
        return;
    un_model_set_coding(model, &dataset->coding);
    model->trained = true;
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

unet_code un_trainer_create(unet_model *model, const unet_dataset *dataset,
                            const unet_train_options *options, unet_trainer **trainer,
                            unet_error *err)
{
    const unet_spec *spec = &model->graph.spec;
    struct un_graph *graph = malloc(sizeof *graph);
    unet_trainer *t = calloc(1, sizeof *t);
    unet_code code = UNET_ENOMEM;
    if (!graph || !t) {
        un_fail_memory(err, sizeof *graph, "a trainer");
        goto done;
    }
    if ((code = un_train_options_check(options, spec, unet_model_labels(model), err)))
        goto done;
    if ((code = un_trainer_check(model, dataset, err)))
        goto done;
    t->model = model;
    t->dataset = dataset;
    t->options = *options;
    t->rate = options->learning_rate;
    if (options->class_weights) {
        memcpy(t->class_weights, options->class_weights,
               (size_t)unet_model_labels(model) * sizeof(float));
        t->options.class_weights = t->class_weights;
    }
    t->in_side = un_trainer_tile(spec, dataset, options->tile, &t->out_side);
    *graph = model->graph;
    if ((code = un_graph_size(graph, options->batch, t->in_side, t->in_side, err)))
        goto done;
    if ((code = plan_epoch(t, err)))
        goto done;
    if ((code = un_engine_choose(options->threads, &t->engine, err)))
        goto done;
    if ((code = un_network_create(&t->network, t->engine, graph, UN_TRAIN, model->values, err)))
        goto done;
    if (options->freeze_encoder)
        freeze(t);
    if ((code = allocate(t, err)))
        goto done;
    adopt_dataset(model, dataset);
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
    if (e) {
        if (!e->ops->host_memory) {
            e->ops->release(e, t->device_labels);
            e->ops->release(e, t->device_weights);
        }
        e->ops->release(e, t->moment);
        e->ops->release(e, t->square);
        e->ops->release(e, t->result);
        e->ops->release(e, t->bad);
        un_network_release(&t->network);
        e->ops->free(e);
    }
    free(t->order);
    free(t->input);
    free(t->labels);
    free(t->weights);
    free(t->running);
    free(t);
}

static void draw_sample(unet_trainer *t, int b)
{
    const unet_train_options *o = &t->options;
    long number = t->step * o->batch + b;
    long entry = number % t->tiles_per_epoch;
    const struct un_sample_pair *pair = &t->dataset->pairs[t->order[entry]];
    int channels = t->model->graph.spec.in_channels;
    size_t in = (size_t)t->in_side * t->in_side, out = (size_t)t->out_side * t->out_side;
    struct un_reading reading = un_reading_of(&pair->image, channels, &t->model->scaling);
    struct un_tile tile = {.in_side = t->in_side,
                           .out_side = t->out_side,
                           .input = t->input + (size_t)b * in * channels,
                           .labels = t->labels + (size_t)b * out,
                           .weights = t->weights + (size_t)b * out};
    uint64_t key = un_rng_key(o->seed, STREAM_TILE, (uint64_t)t->step, (uint64_t)b);
    const struct un_place place = {&reading, pair->mask, o->class_weights, NULL, NULL};
    un_tile_draw(&place, &o->augment, key, &tile);
}

static void draw_batch(unet_trainer *t)
{
    struct un_engine *e = t->engine;
    size_t out = (size_t)t->options.batch * t->out_side * t->out_side;
    for (int b = 0; b < t->options.batch; b++) {
        long epoch = (t->step * t->options.batch + b) / t->tiles_per_epoch;
        if (epoch != t->order_epoch)
            shuffle(t, epoch);
        draw_sample(t, b);
    }
    e->ops->upload(e, un_network_input(&t->network), t->input);
    if (!e->ops->host_memory) {
        e->ops->put(e, t->device_labels, t->labels, out);
        e->ops->put(e, t->device_weights, t->weights, out * sizeof(float));
    }
}

static void update_weights(unet_trainer *t)
{
    const unet_train_options *o = &t->options;
    struct un_network *n = &t->network;
    struct un_engine *e = t->engine;
    size_t first = t->frozen, count = n->graph.trainable - first;
    if (o->optimizer == UNET_OPTIMIZER_SGD)
        e->ops->sgd_step(e, count, n->values + first, n->gradients + first, t->moment + first,
                         t->rate, o->momentum, o->weight_decay, o->nesterov);
    else
        e->ops->adam_step(e, count, n->values + first, n->gradients + first, t->moment + first,
                          t->square + first, t->rate, o->beta1, o->beta2, o->epsilon,
                          o->weight_decay, o->optimizer == UNET_OPTIMIZER_ADAMW, t->step + 1);
    if (n->owns_values)
        e->ops->get(e, t->model->values, n->values, n->graph.values * sizeof(float));
}

/* Runs both passes; *mean is the loss, *bad the number of gradients that are not finite. */
static unet_code run_passes(unet_trainer *t, double *mean, uint64_t *bad, unet_error *err)
{
    struct un_network *n = &t->network;
    struct un_engine *e = t->engine;
    const struct un_engine_ops *ops = e->ops;
    uint64_t key = un_rng_key(t->options.seed, STREAM_DROPOUT, (uint64_t)t->step, 0);
    double result[2];
    un_network_forward(n, key);
    ops->loss(e, un_network_output(n), t->device_labels, t->device_weights, &t->options.loss,
              t->result, un_network_output_gradient(n));
    un_network_backward(n, key);
    ops->count_nonfinite(e, n->gradients + t->frozen, n->graph.trainable - t->frozen, t->bad);
    ops->get(e, result, t->result, sizeof result);
    ops->get(e, bad, t->bad, sizeof *bad);
    t->weight = result[1];
    *mean = result[1] > 0 ? result[0] / result[1] : 0;
    return ops->finish(e, err);
}

unet_code un_trainer_step(unet_trainer *t, double *loss, unet_error *err)
{
    struct un_network *n = &t->network;
    struct un_engine *e = t->engine;
    size_t running = (n->graph.values - n->graph.trainable) * sizeof(float);
    float *statistics = n->values + n->graph.trainable;
    double mean;
    uint64_t bad;
    draw_batch(t);
    e->ops->get(e, t->running, statistics, running);
    unet_code code = run_passes(t, &mean, &bad, err);
    if (!code && (bad || !isfinite(mean)))
        code = un_fail(err, UNET_EINVAL,
                       "step %ld: the loss is %g and %llu gradient values are not finite; a lower "
                       "learning rate (now %g) may help",
                       t->step + 1, mean, (unsigned long long)bad, (double)t->rate);
    if (code) { /* the weights are untouched; the norms' statistics are not */
        e->ops->put(e, statistics, t->running, running);
        return code;
    }
    if (t->weight > 0) /* else no pixel had a label: there is nothing to learn from */
        update_weights(t);
    t->step++;
    if (loss)
        *loss = mean;
    return UNET_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From gradients to weights: the norm over all of them, clipping as PyTorch's clip_grad_norm_ does
 * (g <- g * clip / (norm + 1e-6) where that factor is below 1), the optimiser, and the average
 *
 *   a <- d a + (1 - d) w      d = min(average, (1 + step) / (10 + step)), step from 1
 *
 * whose decay grows while there is little to average.
 */
#include <math.h>

#include "train/trainer.h"

unet_code un_trainer_bring(const unet_trainer *t, void *to, const void *from, size_t bytes,
                           unet_error *err)
{
    struct un_engine *e = t->engine;
    e->ops->get(e, to, from, bytes);
    return e->ops->finish(e, err);
}

unet_code un_trainer_norm(const unet_trainer *t, const float *gradients, double *norm,
                          unet_error *err)
{
    struct un_engine *e = t->engine;
    double squares = 0;
    e->ops->sum_squares(e, gradients + t->frozen, t->network.graph.trainable - t->frozen,
                        t->result);
    unet_code code = un_trainer_bring(t, &squares, t->result, sizeof squares, err);
    if (!code)
        *norm = sqrt(squares);
    return code;
}

static void step_optimizer(unet_trainer *t, float *gradients, size_t first, size_t count,
                           float rate)
{
    const unet_train_options *o = &t->options;
    struct un_engine *e = t->engine;
    float *values = t->network.values + first, *moment = t->moment + first;
    const float *g = gradients + first;
    switch (o->optimizer) {
    case UNET_OPTIMIZER_SGD:
        e->ops->sgd_step(e, count, values, g, moment, rate, o->momentum, o->weight_decay,
                         o->nesterov);
        break;
    case UNET_OPTIMIZER_RMSPROP:
        e->ops->rmsprop_step(e, count, values, g, moment, t->square + first, rate, o->momentum,
                             o->alpha, o->epsilon, o->weight_decay);
        break;
    default:
        e->ops->adam_step(e, count, values, g, moment, t->square + first, rate, o->beta1, o->beta2,
                          o->epsilon, o->weight_decay, o->optimizer == UNET_OPTIMIZER_ADAMW,
                          t->step + 1);
    }
}

/* Biases (of norms, too) at a rate of their own: the parameters one by one. */
static void step_parameters(unet_trainer *t, float *gradients)
{
    const struct un_graph *g = &t->network.graph;
    for (int i = 0; i < g->param_count; i++) {
        const struct un_param *param = &g->params[i];
        if (!param->trainable || param->offset < t->frozen)
            continue;
        const float rate = param->kind == UN_PARAM_BIAS ? t->rate * t->options.bias_rate : t->rate;
        step_optimizer(t, gradients, param->offset, param->count, rate);
    }
}

static void update_average(unet_trainer *t)
{
    const double step = (double)t->step + 1, warm = (1 + step) / (10 + step);
    const double d = warm < t->options.average ? warm : t->options.average;
    t->engine->ops->blend(t->engine, t->network.graph.trainable, t->average, (float)d,
                          t->network.values, (float)(1 - d));
}

void un_trainer_update(unet_trainer *t, float *gradients)
{
    const unet_train_options *o = &t->options;
    struct un_network *n = &t->network;
    struct un_engine *e = t->engine;
    const size_t count = n->graph.trainable - t->frozen;
    const double factor = o->clip > 0 ? o->clip / (t->gradient_norm + 1e-6) : 1;
    if (factor < 1)
        e->ops->blend(e, count, gradients + t->frozen, (float)factor, gradients + t->frozen, 0);
    if (o->bias_rate != 1)
        step_parameters(t, gradients);
    else
        step_optimizer(t, gradients, t->frozen, count, t->rate);
    if (t->average)
        update_average(t);
}

unet_code un_trainer_fetch(unet_trainer *t, unet_error *err)
{
    const struct un_network *n = &t->network;
    const struct un_graph *g = &n->graph;
    struct un_engine *e = t->engine;
    float *values = t->model->values;
    if (!t->behind)
        return UNET_OK;
    e->ops->get(e, values, t->shows_average ? t->average : n->values, g->trainable * sizeof(float));
    unet_code code = un_trainer_bring(t, values + g->trainable, n->values + g->trainable,
                                      (g->values - g->trainable) * sizeof(float), err);
    t->behind = code != UNET_OK;
    return code;
}

void un_trainer_show_average(unet_trainer *t, bool wanted)
{
    const size_t count = t->network.graph.trainable;
    float *values = t->model->values;
    if (!t->average || t->shows_average == wanted)
        return;
    t->shows_average = wanted;
    if (t->network.owns_values) { /* they stay where they are, and which are shown is looked at
                                     when they are fetched */
        t->behind = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const float swap = values[i];
        values[i] = t->average[i];
        t->average[i] = swap;
    }
}

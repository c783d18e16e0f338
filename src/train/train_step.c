/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step: for each pass a batch (keys: seed, step, sample), forward, loss, backward; then check and
 * update.
 *
 * With passes i of weight sums w_i and gradients g_i = d(l_i / w_i), l_i the sum of weight * loss,
 *
 *   g = sum(w_i g_i) / sum(w_i)
 *
 * is the gradient of a batch of all their tiles.  It is kept as a mean that each pass moves:
 * with w the weights so far, g <- g * w / (w + w_i) + g_i * w_i / (w + w_i).
 */
#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "base/clock.h"
#include "train/feed.h"
#include "train/trainer.h"

/* What the passes of a step found. */
struct found {
    double loss, weight; /* sums over the passes */
    uint64_t bad;        /* gradient values that are not finite */
};

static void widen(struct un_classes *seen, int k)
{
    seen->low = k < seen->low ? k : seen->low;
    seen->high = k > seen->high ? k : seen->high;
}

/* Whether the network says one class for all labelled pixels of a batch that has more. */
static unet_code look_at_answers(unet_trainer *t, const struct un_batch *batch, unet_error *err)
{
    const size_t count = (size_t)t->local * t->out_side * t->out_side;
    struct un_classes truth = {UNET_MAX_CLASSES, -1}, said = truth;
    for (size_t i = 0; i < count; i++) {
        if (batch->labels[i] == UNET_IGNORE)
            continue;
        widen(&truth, batch->labels[i]);
        widen(&said, t->host_answer[i]);
    }
    unet_code code = un_together_classes(t, &truth, &said, err);
    t->one_class = truth.low < truth.high && said.low == said.high;
    return code;
}

/* Forward, loss, backward. */
static unet_code go_through(unet_trainer *t, const uint8_t *labels, const float *weights,
                            uint64_t key, bool watch, unet_error *err)
{
    struct un_network *n = &t->network;
    struct un_engine *e = t->engine;
    unet_code code;
    un_network_forward(n, key);
    if (watch) /* before the loss, whose gradient may lie where the logits do */
        e->ops->argmax(e, un_network_output(n), t->answer);
    if (!t->reducer) {
        e->ops->loss(e, un_network_output(n), labels, weights, &t->options.loss, t->result,
                     un_network_output_gradient(n));
        un_network_backward(n, key);
        return UNET_OK;
    }
    if ((code = un_together_loss(t, labels, weights, err)))
        return code;
    un_reducer_begin(t->reducer);
    un_network_backward(n, key);
    if (n->failed) /* the others are gone: no sum can be had */
        return un_fail_again(err, &n->why);
    return un_reducer_finish(t->reducer, err);
}

static unet_code run_pass(unet_trainer *t, const struct un_batch *batch, int pass,
                          struct found *found, unet_error *err)
{
    struct un_network *n = &t->network;
    struct un_engine *e = t->engine;
    const struct un_engine_ops *ops = e->ops;
    const size_t out = (size_t)t->local * t->out_side * t->out_side;
    const uint8_t *labels = batch->labels;
    const float *weights = batch->weights;
    const uint64_t key =
        un_rng_key(t->options.seed, UN_STREAM_DROPOUT, (uint64_t)t->step, (uint64_t)pass);
    const bool watch = t->watch && pass == t->options.accumulate - 1;
    double result[2];
    uint64_t bad;
    ops->upload(e, un_network_input(n), batch->input);
    if (!ops->host_memory) {
        ops->put(e, t->device_labels, labels, out);
        ops->put(e, t->device_weights, weights, out * sizeof(float));
        labels = t->device_labels;
        weights = t->device_weights;
    }
    unet_code code = go_through(t, labels, weights, key, watch, err);
    if (code)
        return code;
    ops->count_nonfinite(e, n->gradients + t->frozen, n->graph.trainable - t->frozen, t->bad);
    if (watch)
        ops->get(e, t->host_answer, t->answer, out);
    ops->get(e, result, t->result, sizeof result);
    if ((code = un_trainer_bring(t, &bad, t->bad, sizeof bad, err)) ||
        (watch && (code = look_at_answers(t, batch, err))))
        return code;
    found->bad += bad;
    found->loss += result[0];
    if (t->sum && !bad && result[1] > 0) {
        double all = found->weight + result[1];
        ops->blend(e, n->graph.trainable - t->frozen, t->sum + t->frozen,
                   (float)(found->weight / all), n->gradients + t->frozen,
                   (float)(result[1] / all));
    }
    found->weight += result[1];
    return UNET_OK;
}

static unet_code run_passes(unet_trainer *t, struct found *found, unet_error *err)
{
    const int passes = t->options.accumulate;
    for (int i = 0; i < passes; i++) {
        const struct un_batch *batch = un_feed_take(t->feed, t->step * passes + i);
        if (!batch)
            return un_fail(err, UNET_EINVAL, "no image has a pixel with a label");
        unet_code code = run_pass(t, batch, i, found, err);
        un_feed_give_back(t->feed);
        if (code)
            return code;
        if (found->bad || !isfinite(found->loss))
            break;
    }
    return UNET_OK;
}

/* How many values of a parameter's gradient are not finite. */
static uint64_t count_bad(unet_trainer *t, int param)
{
    struct un_engine *e = t->engine;
    uint64_t bad = 0;
    if (param < 0 || t->network.graph.params[param].offset < t->frozen)
        return 0;
    const struct un_param *p = &t->network.graph.params[param];
    e->ops->count_nonfinite(e, t->network.gradients + p->offset, p->count, t->bad);
    e->ops->get(e, &bad, t->bad, sizeof bad);
    return bad;
}

static unet_code fail_not_finite(unet_trainer *t, const struct found *found, unet_error *err)
{
    const struct un_graph *g = &t->network.graph;
    const double loss = found->weight > 0 ? found->loss / found->weight : 0;
    char where[120] = "the gradients are finite";
    for (int i = 0; i < g->node_count && found->bad; i++) {
        const uint64_t bad = count_bad(t, g->nodes[i].weight) + count_bad(t, g->nodes[i].bias);
        if (!bad)
            continue;
        snprintf(where, sizeof where, "%llu gradient values of %s are not finite",
                 (unsigned long long)bad, g->nodes[i].name);
        break;
    }
    return un_fail_hint(err, UNET_EINVAL, t->options.clip > 0 ? 0 : UNET_HINT_CLIP,
                        "step %ld: the loss is %g, %s; try a lower learning rate (now %g)%s",
                        t->step + 1, isnan(loss) ? fabs(loss) : loss, where, (double)t->rate,
                        t->options.clip > 0 ? "" : " or clip the gradients");
}

/* What the optimiser would take: a square of more than this fits no float. */
static const double largest_norm = 1e18;

/*
 * What finite gradients hide: some so large that the mean of their squares would be infinite, and
 * Adam stand still for ever; and statistics of a norm that overflowed, which no validation shows.
 */
static unet_code check_sizes(unet_trainer *t, double norm, unet_error *err)
{
    const struct un_graph *g = &t->network.graph;
    struct un_engine *e = t->engine;
    const double clip = t->options.clip, used = clip > 0 && norm > clip ? clip : norm;
    uint64_t bad;
    e->ops->count_nonfinite(e, t->network.values + g->trainable, g->values - g->trainable, t->bad);
    unet_code code = un_trainer_bring(t, &bad, t->bad, sizeof bad, err);
    if (code)
        return code;
    if (bad)
        return un_fail(err, UNET_EINVAL,
                       "step %ld: %llu running statistics of norms are not finite; try a lower "
                       "learning rate (now %g)",
                       t->step + 1, (unsigned long long)bad, (double)t->rate);
    if (used > largest_norm)
        return un_fail_hint(
            err, UNET_EINVAL, UNET_HINT_CLIP,
            "step %ld: the norm of the gradients is %g, at most %g can be used; try a "
            "lower learning rate (now %g) or clip the gradients",
            t->step + 1, norm, largest_norm, (double)t->rate);
    return UNET_OK;
}

static unet_code make_step(unet_trainer *t, double *loss, unet_error *err)
{
    struct un_network *n = &t->network;
    struct un_engine *e = t->engine;
    const size_t running = (n->graph.values - n->graph.trainable) * sizeof(float);
    float *statistics = n->values + n->graph.trainable;
    float *gradients = t->sum ? t->sum : n->gradients;
    struct found found = {0, 0, 0};
    un_trainer_show_average(t, false);
    e->ops->copy(e, t->running, statistics, running);
    double norm = 0;
    unet_code code = run_passes(t, &found, err);
    if (!code && !found.bad && found.weight != 0)
        code = un_trainer_norm(t, gradients, &norm, err);
    if (!code && (found.bad || !isfinite(found.loss) || !isfinite(norm)))
        code = fail_not_finite(t, &found, err);
    if (!code)
        code = check_sizes(t, norm, err);
    if (code) { /* the weights are untouched; the norms' statistics are not */
        e->ops->copy(e, statistics, t->running, running);
        return code;
    }
    t->behind = n->owns_values; /* without labels, too: the norms' statistics have moved */
    t->weight = found.weight;
    t->gradient_norm = norm;
    if (found.weight > 0) /* else no pixel had a label: there is nothing to learn from */
        un_trainer_update(t, gradients);
    t->step++;
    if (loss)
        *loss = found.weight > 0 ? found.loss / found.weight : 0;
    return UNET_OK;
}

unet_code un_trainer_step(unet_trainer *t, double *loss, unet_error *err)
{
    const double since = un_clock_seconds();
    unet_code code = make_step(t, loss, err);
    t->stepping += un_clock_seconds() - since;
    return code;
}

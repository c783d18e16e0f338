/* SPDX-License-Identifier: Apache-2.0 */
/* train_recipe.c - a recipe in words, a row for each part */
#include "train/train_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/progress.h"
#include "train/train_settings.h"

static char *begin(struct recipe_words *words, const char *name)
{
    words->name[words->count] = name;
    words->text[words->count][0] = 0;
    return words->text[words->count++];
}

/* printf at the end of a row, with a comma before it where it has something. */
static void add(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    if (used)
        used += (size_t)snprintf(text + used, RECIPE_TEXT - used, ", ");
    if (used >= RECIPE_TEXT)
        return;
    va_start(args, format);
    vsnprintf(text + used, RECIPE_TEXT - used, format, args);
    va_end(args);
}

static void describe_loss(const unet_loss *loss, int classes, char *text)
{
    if (loss->pixel > 0) {
        if (loss->pixel != 1)
            add(text, "%g x", (double)loss->pixel);
        add(text, "%s", classes == 1 ? "binary cross-entropy" : "cross-entropy");
    }
    if (classes == 1 && loss->pos_weight != 1)
        add(text, "foreground times %g", (double)loss->pos_weight);
    if (loss->focal > 0)
        add(text, "focal %g", (double)loss->focal);
    if (loss->overlap > 0) {
        if (loss->false_positive == 0.5f && loss->false_negative == 0.5f)
            add(text, "%sDice", loss->pixel > 0 ? "plus " : "");
        else
            add(text, "%sTversky %g/%g", loss->pixel > 0 ? "plus " : "",
                (double)loss->false_positive, (double)loss->false_negative);
        if (loss->overlap != 1)
            add(text, "times %g", (double)loss->overlap);
        if (loss->first_class > 0 && classes > 1)
            add(text, "from class %d on", loss->first_class);
    }
}

static void describe_weights(const unet_train_options *options, int labels, char *text)
{
    const unet_border *border = &options->border;

    if (options->class_weights) {
        add(text, "classes");
        for (int k = 0; k < labels && k < 24; k++) {
            size_t used = strlen(text);

            snprintf(text + used, RECIPE_TEXT - used, " %.3g", (double)options->class_weights[k]);
        }
    }
    if (border->weight > 0)
        add(text, "between objects %g, sigma %g px", (double)border->weight, (double)border->sigma);
    if (border->near_weight > 0)
        add(text, "near objects %g, sigma %g px", (double)border->near_weight,
            (double)border->near_sigma);
    if (border->gap)
        add(text, "touching objects are parted");
    if (!*text)
        add(text, "every pixel 1");
}

static void describe_optimizer(const unet_train_options *o, char *text)
{
    add(text, "%s", said_field(&said_train, "optimizer")->words[o->optimizer]);
    if (o->optimizer == UNET_OPTIMIZER_SGD || o->optimizer == UNET_OPTIMIZER_RMSPROP)
        add(text, "%smomentum %g", o->nesterov ? "Nesterov's " : "", (double)o->momentum);
    if (o->weight_decay > 0)
        add(text, "weight decay %g", (double)o->weight_decay);
    if (o->clip > 0)
        add(text, "gradient clipped to %g", (double)o->clip);
    if (o->average > 0)
        add(text, "weights averaged with %g", (double)o->average);
    if (o->bias_rate != 1)
        add(text, "biases at %g times the rate", (double)o->bias_rate);
    if (o->freeze_encoder)
        add(text, "encoder frozen");
}

static void describe_rate(const unet_train_options *o, char *text)
{
    add(text, "%g, %s", (double)o->learning_rate,
        said_field(&said_train, "schedule")->words[o->schedule]);
    if (o->schedule == UNET_SCHEDULE_POLY)
        add(text, "power %g", (double)o->power);
    if (o->schedule == UNET_SCHEDULE_STEP || o->schedule == UNET_SCHEDULE_PLATEAU)
        add(text, "times %g after %d epoch%s%s", (double)o->factor, o->every, plural(o->every, "s"),
            o->schedule == UNET_SCHEDULE_PLATEAU ? " without a better score" : "");
    if (o->lowest > 0)
        add(text, "not below %g of it", (double)o->lowest);
    if (o->warmup > 0)
        add(text, "rising over %ld steps", o->warmup);
}

static void describe_augment(const unet_augment *a, char *text)
{
    const struct {
        float value;
        const char *format;
    } strengths[] = {
        {a->rotate, "rotation up to %g degrees"},
        {a->scale, "zoom up to 1 + %g"},
        {a->grey, "grey jitter %g"},
        {a->curve, "grey curve %g"},
        {a->channel, "channels %g"},
        {a->blur, "blur up to %g px"},
        {a->noise, "noise up to %g"},
    };

    if (a->flip)
        add(text, "flips and quarter turns");
    if (a->elastic > 0 && a->elastic_grid > 0)
        add(text, "elastic %g px on a grid of %g px", (double)a->elastic, (double)a->elastic_grid);
    else if (a->elastic > 0)
        add(text, "elastic %g px on 3x3 points", (double)a->elastic);
    for (size_t i = 0; i < sizeof(strengths) / sizeof(strengths[0]); i++)
        if (strengths[i].value > 0)
            add(text, strengths[i].format, (double)strengths[i].value);
    if (a->cubic)
        add(text, "bicubic");
    if (!*text)
        add(text, "none");
}

static void describe_length(const unet_train_options *o, char *text)
{
    char time[24];

    if (o->epochs)
        add(text, "%d epoch%s", o->epochs, plural(o->epochs, "s"));
    if (o->steps)
        add(text, "%ld step%s", o->steps, plural((double)o->steps, "s"));
    if (o->seconds > 0)
        add(text, "%s", format_seconds(o->seconds, time));
    if (o->patience)
        add(text, "%d epoch%s without a better score", o->patience, plural(o->patience, "s"));
}

void recipe_describe(const unet_spec *spec, const unet_train_options *options, int tile, int labels,
                     struct recipe_words *words)
{
    const unet_augment *augment = &options->augment;
    static const char *const tta_words[] = {"none", "4 flips", "8 flips and turns"};
    char *text;

    words->count = 0;
    network_describe(spec, begin(words, "network"), RECIPE_TEXT);
    if (spec->rims)
        add(begin(words, "objects"),
            "rims tell touching ones apart: %d output%s more for each class but the first; --rims "
            "0: "
            "none",
            spec->rims, plural(spec->rims, "s"));
    if (options->standardize)
        add(begin(words, "input"), "each image to mean 0, variance 1");
    text = begin(words, "tiles");
    add(text, "%d px, %d a step", tile,
        options->batch * (options->accumulate > 1 ? options->accumulate : 1));
    if (options->accumulate > 1)
        add(text, "in %d passes", options->accumulate);
    if (options->recompute)
        add(text, "feature maps made twice, to save memory");
    if (augment->at_foreground > 0 || augment->at_background > 0 || augment->at_ignored > 0)
        add(text, "middles on foreground %.3g, background %.3g, ignored %.3g",
            (double)augment->at_foreground, (double)augment->at_background,
            (double)augment->at_ignored);
    describe_loss(&options->loss, spec->classes, begin(words, "loss"));
    describe_weights(options, labels, begin(words, "weights"));
    describe_optimizer(options, begin(words, "optimiser"));
    describe_rate(options, begin(words, "rate"));
    describe_augment(augment, begin(words, "changes"));
    if (options->tta)
        add(begin(words, "averaging"), "predict averages %s", tta_words[options->tta]);
    describe_length(options, begin(words, "until"));
    snprintf(begin(words, "seed"), RECIPE_TEXT, "%llu", (unsigned long long)options->seed);
}

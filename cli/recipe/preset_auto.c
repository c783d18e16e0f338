/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preset_auto.c - the recipe for the data and the time at hand
 *
 * From what a survey found (sides, channels, classes and their shares) and the time that training
 * may take.  The machine's speed is not measured: the same data and words give the same recipe.
 */
#include "recipe/presets.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "recipe/recipe_choice.h"

/* Rims of objects, and the weight of pixels between two of them. */
#define OBJECT_RIMS 3
#define OBJECT_WEIGHT 5
#define OBJECT_SIGMA 3

static void because(struct recipe *recipe, const char *format, ...)
{
    va_list args;

    if (recipe->reasons == RECIPE_REASONS)
        return;
    va_start(args, format);
    vsnprintf(recipe->reason[recipe->reasons++], sizeof(recipe->reason[0]), format, args);
    va_end(args);
}

static void choose_network(enum preset preset, const struct preset_facts *facts,
                           const struct network_settings *given, struct recipe *recipe)
{
    const unet_survey_facts *data = facts->data;
    unet_spec *spec = &recipe->spec;

    *spec = choose_spec(given, data);
    if (!said_text(&given->said, "norm") && preset == PRESET_AUTO1)
        spec->norm = UNET_NORM_NONE;
    else if (!said_text(&given->said, "norm"))
        because(recipe,
                "norm instance: each tile by its own mean and variance, so that dark images "
                "say as much as bright ones");
    if (!said_text(&given->said, "width")) {
        double hours = facts->seconds / 3600;

        spec->width = hours < 2 ? 16 : hours < 12 ? 32 : 64;
        because(
            recipe, "width %d: twice the width takes nearly four times as long; %s", spec->width,
            spec->width == 16 ? "32 from 2 hours on, 64 from 12" : "so long a time can fill it");
    }
    if (!said_text(&given->said, "depth"))
        because(recipe, "depth %d: the deepest level keeps %d pixels of the smallest side, %d",
                spec->depth, data->smallest_side >> spec->depth, data->smallest_side);
    if (!said_text(&given->said, "padding"))
        because(recipe, "padding same: no border is computed only to be thrown away");
}

/*
 * Where masks number objects the network learns what parts them: docs/objects.md has what this was
 * chosen from.
 */
static void choose_objects(const struct preset_facts *facts, const struct network_settings *given,
                           struct recipe *recipe)
{
    unet_spec *spec = &recipe->spec;

    if (!said_text(&given->said, "rims") && facts->objects && spec->classes > 1 &&
        spec->classes + OBJECT_RIMS * (spec->classes - 1) <= UNET_MAX_CLASSES)
        spec->rims = OBJECT_RIMS;
    if (!spec->rims)
        return;
    recipe->options.border.weight = OBJECT_WEIGHT;
    recipe->options.border.sigma = OBJECT_SIGMA;
    because(recipe,
            "objects: rims of objects are learnt besides the classes, so that touching ones come "
            "apart; --rims 0 leaves them");
}

/*
 * Little foreground: a third of the tiles have their middle on it, and its overlap is part of the
 * loss.  Class weights besides would make it be seen where it is not (docs/training.md has
 * figures).
 */
static void choose_for_rare(const unet_survey_facts *data, struct recipe *recipe)
{
    unet_augment *augment = &recipe->options.augment;
    double share = foreground_share(data);

    augment->at_foreground = (float)((1 - share) / (2 * share));
    augment->at_background = 1;
    recipe->options.loss.overlap = 1;
    recipe->options.clip = 1;
    because(recipe,
            "places: the foreground has %.2g %% of the pixels; a third of the tiles lie on it",
            100 * share);
    because(recipe, "loss: Dice besides cross-entropy, which so little foreground hardly moves; "
                    "gradients clipped to 1, since such tiles pull now and then, and hard");
}

static void choose_balance(const unet_survey_facts *data, struct recipe *recipe)
{
    if (foreground_is_rare(data)) {
        choose_for_rare(data, recipe);
    } else if (choose_weights(data, recipe->weights)) {
        recipe->options.class_weights = recipe->weights;
        because(recipe,
                "class weights: the rarest class has %.2g %%; the root of median share / share "
                "keeps it from being drowned, and from being seen everywhere",
                100 * rarest_share(data));
    }
}

void preset_auto(enum preset preset, const struct preset_facts *facts,
                 const struct network_settings *given, struct recipe *recipe)
{
    unet_train_options *options = &recipe->options;

    choose_network(preset, facts, given, recipe);
    *options = choose_training(&recipe->spec);
    options->seconds = 0;
    because(recipe, "batch %d: %s", options->batch,
            options->batch == 1 ? "one tile a step makes the most steps in a minute"
                                : "a batch norm needs more than one tile");
    because(recipe, "learning rate %g: as far as Adam stays calm on small batches; falls to 0",
            (double)options->learning_rate);
    choose_objects(facts, given, recipe);
    choose_balance(facts->data, recipe);
}

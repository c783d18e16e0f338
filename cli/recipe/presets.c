/* SPDX-License-Identifier: Apache-2.0 */
/*
 * presets.c - whole recipes by name, but for auto (preset_auto.c)
 *
 * The figures are those of the sources that docs/training.md names; what a source does not tell is
 * marked "ours" here and explained there.
 */
#include "recipe/presets.h"

#include <string.h>

#include "recipe/recipe_choice.h"

const char *const preset_words[] = {"auto",    "auto1", "paper2015", "release2015",
                                    "lmb2019", "seed",  "milesial",  NULL};

/* The network of the paper's figure 1, for these images. */
static unet_spec paper_network(const unet_survey_facts *facts)
{
    unet_spec spec = unet_spec_default();

    spec.in_channels = facts->channels;
    spec.classes = facts->labels > 1 ? facts->labels : 2;
    return spec;
}

/* Nothing of the defaults but the loss: no augmentation, a constant rate. */
static unet_train_options bare_options(const unet_spec *spec)
{
    unet_train_options options = unet_train_options_default(spec);

    options.schedule = UNET_SCHEDULE_CONSTANT;
    options.augment = (unet_augment){0};
    return options;
}

/* Ronneberger, Fischer, Brox 2015, sections 2 and 3. */
static void make_paper2015(const struct preset_facts *facts, struct recipe *recipe)
{
    unet_train_options *options = &recipe->options;

    recipe->spec = paper_network(facts->data);
    recipe->spec.dropout = 0.5f; /* rate: that of the released network */
    *options = bare_options(&recipe->spec);
    options->tile = 572;
    options->optimizer = UNET_OPTIMIZER_SGD;
    options->momentum = 0.99f;
    options->learning_rate = 1e-3f; /* ours */
    balance_weights(facts->data, 1, recipe->weights);
    options->class_weights = recipe->weights;
    options->border = (unet_border){.weight = 10, .sigma = 5, .gap = 1};
    options->augment.rotate = 180;
    options->augment.elastic = 10;
    options->augment.elastic_grid = 0; /* 3x3 over the tile */
    options->augment.grey = 0.3f;      /* ours */
    options->tta = UNET_TTA_ROTATIONS; /* 8 views where the paper has 7 */
}

/* The network and weights that the authors published with it. */
static void make_release2015(const struct preset_facts *facts, struct recipe *recipe)
{
    make_paper2015(facts, recipe);
    recipe->spec.up_act = 1;
    recipe->spec.channels.up[0] = 2 * recipe->spec.width;
    recipe->options.tta = UNET_TTA_FLIPS;
}

/* The authors' plugin of 2019 (Falk et al. 2019, and its code). */
static void make_lmb2019(const struct preset_facts *facts, struct recipe *recipe)
{
    unet_train_options *options = &recipe->options;

    recipe->spec = paper_network(facts->data);
    recipe->spec.act = UNET_ACT_LEAKY_RELU;
    recipe->spec.leaky_slope = 0.1f;
    recipe->spec.up_act = 1;
    *options = bare_options(&recipe->spec);
    options->tile = 572; /* ours */
    options->learning_rate = facts->fine_tune ? 1e-4f : 1e-5f;
    for (int k = 0; k < facts->data->labels; k++)
        recipe->weights[k] = k ? 1 : 0.1f;
    options->class_weights = recipe->weights;
    options->border =
        (unet_border){.weight = 50, .sigma = 6, .near_weight = 0.9f, .near_sigma = 10, .gap = 1};
    options->augment.rotate = 180;
    options->augment.elastic = 10;
    options->augment.elastic_grid = 150;
    options->augment.curve = 1;
    options->augment.at_foreground = 1;
    options->augment.at_background = 0.1f;
}

/* The PyTorch project that this one began with. */
static void make_seed(const struct preset_facts *facts, struct recipe *recipe)
{
    unet_train_options *options = &recipe->options;

    recipe->spec = paper_network(facts->data);
    recipe->spec.classes = 1;
    *options = bare_options(&recipe->spec);
    options->tile = 572;
    options->batch = 4;
    options->loss.pos_weight = 10;
    options->learning_rate = 1e-4f;
}

/* github.com/milesial/Pytorch-UNet, train.py */
static void make_milesial(const struct preset_facts *facts, struct recipe *recipe)
{
    unet_train_options *options = &recipe->options;
    unet_spec *spec = &recipe->spec;

    *spec = paper_network(facts->data);
    spec->padding = UNET_PADDING_SAME;
    spec->norm = UNET_NORM_BATCH;
    spec->concat = UNET_CONCAT_SKIP_UP;
    spec->bias = UNET_BIAS_NEVER;
    *options = bare_options(spec);
    options->loss.overlap = 1;
    options->loss.smooth = 1e-6f;
    options->optimizer = UNET_OPTIMIZER_RMSPROP;
    options->learning_rate = 1e-5f;
    options->weight_decay = 1e-8f;
    options->momentum = 0.999f;
    options->alpha = 0.99f;
    options->clip = 1;
    options->schedule = UNET_SCHEDULE_PLATEAU;
    options->factor = 0.1f;
    options->every = 5;
    options->tile = facts->data->smallest_side; /* the whole image; ours: at most 512 */
    if (options->tile > 512)
        options->tile = 512;
}

void preset_make(enum preset preset, const struct preset_facts *facts,
                 const struct network_settings *given, struct recipe *recipe)
{
    static void (*const make[PRESETS])(const struct preset_facts *, struct recipe *) = {
        [PRESET_PAPER2015] = make_paper2015, [PRESET_RELEASE2015] = make_release2015,
        [PRESET_LMB2019] = make_lmb2019,     [PRESET_SEED] = make_seed,
        [PRESET_MILESIAL] = make_milesial,
    };

    memset(recipe, 0, sizeof(*recipe));
    if (preset == PRESET_AUTO || preset == PRESET_AUTO1) {
        preset_auto(preset, facts, given, recipe);
        return;
    }
    make[preset](facts, recipe);
    recipe->spec = network_spec(given, recipe->spec);
}

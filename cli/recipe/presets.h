/* SPDX-License-Identifier: Apache-2.0 */
/*
 * presets.h - whole recipes by name
 *
 * paper2015, release2015 and lmb2019 are those of the U-Net's authors, seed and milesial those of
 * two widely used PyTorch projects; docs/training.md lists every figure, and where its source is
 * silent, our choice and the reason.  auto is made for the data, the time and the memory at hand.
 */
#ifndef PRESETS_H
#define PRESETS_H

#include "shared/network_options.h"
#include "unet_survey.h"
#include "unet_train.h"

enum preset {
    PRESET_AUTO,
    PRESET_AUTO1, /* auto as it was first: without a norm */
    PRESET_PAPER2015,
    PRESET_RELEASE2015,
    PRESET_LMB2019,
    PRESET_SEED,
    PRESET_MILESIAL,
    PRESETS
};
extern const char *const preset_words[];

/* What a recipe depends on. */
struct preset_facts {
    const unet_survey_facts *data;
    double seconds; /* that training may take; 0: not said */
    int fine_tune;  /* 1: the weights come from a file */
    int objects;    /* 1: the masks number objects, and have no class between them */
};

enum { RECIPE_REASONS = 12 };
struct recipe {
    unet_spec spec;
    unet_train_options options; /* class_weights points into weights, so a recipe is not copied */
    float weights[UNET_MAX_CLASSES];
    char reason[RECIPE_REASONS][160]; /* "width 16: ..."; auto says why */
    int reasons;
};

/*
 * Fills a recipe; limits of length stay 0.  given: what the user says of the network, of which auto
 * takes account.
 */
void preset_make(enum preset preset, const struct preset_facts *facts,
                 const struct network_settings *given, struct recipe *recipe);

/* ---- preset_auto.c: the recipe for the data and the time at hand ---- */

/* Behind preset_make(): depends on nothing but its arguments, so the same call picks the same. */
void preset_auto(enum preset preset, const struct preset_facts *facts,
                 const struct network_settings *given, struct recipe *recipe);

#endif

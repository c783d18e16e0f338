/* SPDX-License-Identifier: Apache-2.0 */
/* recipe_choice.h - what unet train picks when it is not told, and unet check proposes */
#ifndef RECIPE_CHOICE_H
#define RECIPE_CHOICE_H

#include "shared/network_options.h"
#include "unet_survey.h"

/* The network for a data set: what settings give, the rest chosen. */
unet_spec choose_spec(const struct network_settings *settings, const unet_survey_facts *facts);

/* Words for the one image, or the few, that keep the chosen depth below what all others would have;
 * 0: there are none, or depth was said. */
int depth_words(const struct network_settings *settings, const unet_survey *survey,
                const unet_spec *spec, char *text, size_t size);

/* The training options for a network, before what the user gives. */
unet_train_options choose_training(const unet_spec *spec);

/* Weights [labels] = (median share / share)^power of classes that occur, 1 of others. */
void balance_weights(const unet_survey_facts *facts, double power, float *weights);

/* The share of labelled pixels that is not of class 0, and whether it is below 0.05. */
double foreground_share(const unet_survey_facts *facts);
int foreground_is_rare(const unet_survey_facts *facts);

/* The smallest share of labelled pixels that a class has which occurs. */
double rarest_share(const unet_survey_facts *facts);

/*
 * Weights [labels] for classes of very different size: sqrt(median share / share), and 1 for a
 * class that does not occur.  0: the rarest class has a hundredth of the pixels or more, and
 * weights would change little; or all foreground is rare, which tiles are to favour instead.
 */
int choose_weights(const unet_survey_facts *facts, float weights[UNET_MAX_CLASSES]);

/* Side of the tiles that a trainer cuts with these options. */
int training_tile(const unet_survey_facts *facts, const unet_spec *spec,
                  const unet_train_options *options);

/* What training takes, the images included; < 0: there is no such network. */
double training_bytes(const unet_survey_facts *facts, const unet_spec *spec,
                      const unet_train_options *options);

/* 1: somebody said it, and it stays. */
struct said_parts {
    int recompute, batch, tile, width;
};

/* How a session sees images: its tile (0: as it chooses), and whether tiles are blended, so that
 * scores are only near those of whole images. */
struct seen {
    int tile, blended;
};

/*
 * Fits training into `memory` bytes: by feature maps that are made twice, which changes no result,
 * then a smaller batch, then smaller tiles, then a network of half the width; all but what was
 * said.  What is left has to do for seeing images between epochs: *seen says how.  0: nothing fits;
 * spec and options are then the smallest that were tried.
 */
int choose_for_memory(const unet_survey_facts *facts, double memory, struct said_parts said,
                      unet_spec *spec, unet_train_options *options, struct seen *seen);

/* What seeing images between epochs, and the program itself, take at least. */
double seeing_bytes(const unet_survey_facts *facts, const unet_spec *spec, int threads);

/* The largest batch up to 64 that fits; at least options->batch. */
int largest_batch(const unet_survey_facts *facts, double memory, const unet_spec *spec,
                  const unet_train_options *options);

#endif

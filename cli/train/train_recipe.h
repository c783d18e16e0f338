/* SPDX-License-Identifier: Apache-2.0 */
/* train_recipe.h - a recipe in words, a row for each part */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "recipe/presets.h"

enum { RECIPE_ROWS = 16, RECIPE_TEXT = 320 };
struct recipe_words {
    int count;
    const char *name[RECIPE_ROWS];
    char text[RECIPE_ROWS][RECIPE_TEXT];
};

/*
 * tile: the side of the network's input; labels: of the model.  What is off is not named, but for a
 * few things that people look for.
 */
void recipe_describe(const unet_spec *spec, const unet_train_options *options, int tile, int labels,
                     struct recipe_words *words);

#endif

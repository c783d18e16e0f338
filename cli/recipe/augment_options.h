/* SPDX-License-Identifier: Apache-2.0 */
/* augment_options.h - the options of random changes and of weights between objects */
#ifndef AUGMENT_OPTIONS_H
#define AUGMENT_OPTIONS_H

#include "shared/options.h"
#include "unet_train.h"

/* Zeroed: nothing was said. */
struct augment_settings {
    struct said said; /* of unet_train_options */
    int flip, no_flip, cubic, no_cubic, gap, no_gap;
};

/* The changes to a tile; the places where its middle lies; the weights and gaps between objects. */
extern const struct option_row augment_options[];

/*
 * Overwrites what was given.  A weight between objects without its sigma, in the settings and in
 * options, takes the paper's: 5 pixels, and 10 for the near weight.
 */
void augment_apply(const struct augment_settings *settings, unet_train_options *options);

/* The two options that exclude each other and were both given, as "--flip and --no-flip"; NULL:
 * none. */
const char *augment_conflict(const struct augment_settings *settings);

#endif

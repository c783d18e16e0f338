/* SPDX-License-Identifier: Apache-2.0 */
/* augment_options.h - the options of random changes and of weights between objects */
#ifndef AUGMENT_OPTIONS_H
#define AUGMENT_OPTIONS_H

#include "shared/options.h"
#include "unet_train.h"

/* Below zero: not given.  Start from AUGMENT_SETTINGS_NONE. */
struct augment_settings {
    int flip, no_flip, cubic, no_cubic, gap, no_gap;
    double rotate, scale, elastic, elastic_grid, grey, curve, noise, blur, channel;
    double at_foreground, at_background, at_ignored;
    double border_weight, border_sigma, near_weight, near_sigma;
};
#define AUGMENT_SETTINGS_NONE                                                                      \
    {                                                                                              \
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1     \
    }

/* The changes to a tile; the places where its middle lies; the weights and gaps between objects. */
extern const struct option_row augment_options[];

/*
 * Overwrites what was given.  A weight without its sigma, in the settings and in border, takes the
 * paper's: 5 pixels, and 10 for the near weight.
 */
void augment_apply(const struct augment_settings *settings, unet_augment *augment,
                   unet_border *border);

/* The two options that exclude each other and were both given, as "--flip and --no-flip"; NULL:
 * none. */
const char *augment_conflict(const struct augment_settings *settings);

#endif

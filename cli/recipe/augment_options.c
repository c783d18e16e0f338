/* SPDX-License-Identifier: Apache-2.0 */
/* augment_options.c - the options of random changes and of weights between objects */
#include "recipe/augment_options.h"

#define AT(field) offsetof(struct augment_settings, field)

const struct option_row augment_options[] = {
    OPT_HEADING("random changes to each tile:"),
    OPT_FLAG("flip", AT(flip), NULL),
    OPT_FLAG("no-flip", AT(no_flip), "mirrored and turned by quarters, or not"),
    OPT_FLOAT("rotate", AT(rotate), 0, 180, "DEG", "turned by up to DEG either way"),
    OPT_FLOAT("scale", AT(scale), 0, 4, "X", "zoomed by up to 1 + X"),
    OPT_FLOAT("elastic", AT(elastic), 0, 1000, "PX", NULL),
    OPT_FLOAT("elastic-grid", AT(elastic_grid), 0, 65536, "PX",
              "bent by vectors of PX pixels, PX apart [0: 3x3 a tile]"),
    OPT_FLAG("cubic", AT(cubic), NULL),
    OPT_FLAG("no-cubic", AT(no_cubic), "images resampled bicubically, or linearly"),
    OPT_FLOAT("grey", AT(grey), 0, 1, "X", "brightness, contrast, gamma; 1: strong"),
    OPT_FLOAT("curve", AT(curve), 0, 1, "X", "a monotone grey curve; 1: strong"),
    OPT_FLOAT("noise", AT(noise), 0, 10, "X", "noise of up to X standard deviations"),
    OPT_FLOAT("blur", AT(blur), 0, 20, "PX", "blurred by up to PX pixels"),
    OPT_FLOAT("channel", AT(channel), 0, 1, "X", "each channel by itself; 1: strong"),
    OPT_FLOAT("at-foreground", AT(at_foreground), 0, 1e6, "X", NULL),
    OPT_FLOAT("at-background", AT(at_background), 0, 1e6, "X", NULL),
    OPT_FLOAT("at-ignored", AT(at_ignored), 0, 1e6, "X",
              "chance of a pixel to be a tile's middle [0 0 0: places alike]"),
    OPT_HEADING("weights of the background between objects:"),
    OPT_FLOAT("border-weight", AT(border_weight), 0, 1e6, "X", NULL),
    OPT_FLOAT("border-sigma", AT(border_sigma), 0.01, 1e6, "PX",
              "where two are near [5]; the paper: 10, 5"),
    OPT_FLOAT("near-weight", AT(near_weight), 0, 1e6, "X", NULL),
    OPT_FLOAT("near-sigma", AT(near_sigma), 0.01, 1e6, "PX", "where one is near [10]"),
    OPT_FLAG("gap", AT(gap), NULL),
    OPT_FLAG("no-gap", AT(no_gap), "touching objects parted by background, or not"),
    OPT_END,
};

static void set(float *place, double given)
{
    if (given >= 0)
        *place = (float)given;
}

void augment_apply(const struct augment_settings *s, unet_augment *augment, unet_border *border)
{
    if (s->flip > 0 || s->no_flip > 0)
        augment->flip = s->flip > 0;
    if (s->cubic > 0 || s->no_cubic > 0)
        augment->cubic = s->cubic > 0;
    if (s->gap > 0 || s->no_gap > 0)
        border->gap = s->gap > 0;
    set(&augment->rotate, s->rotate);
    set(&augment->scale, s->scale);
    set(&augment->elastic, s->elastic);
    set(&augment->elastic_grid, s->elastic_grid);
    set(&augment->grey, s->grey);
    set(&augment->curve, s->curve);
    set(&augment->noise, s->noise);
    set(&augment->blur, s->blur);
    set(&augment->channel, s->channel);
    set(&augment->at_foreground, s->at_foreground);
    set(&augment->at_background, s->at_background);
    set(&augment->at_ignored, s->at_ignored);
    set(&border->weight, s->border_weight);
    set(&border->sigma, s->border_sigma);
    set(&border->near_weight, s->near_weight);
    set(&border->near_sigma, s->near_sigma);
    if (border->weight > 0 && !(border->sigma > 0))
        border->sigma = 5;
    if (border->near_weight > 0 && !(border->near_sigma > 0))
        border->near_sigma = 10;
}

const char *augment_conflict(const struct augment_settings *s)
{
    return s->flip > 0 && s->no_flip > 0     ? "--flip and --no-flip"
           : s->cubic > 0 && s->no_cubic > 0 ? "--cubic and --no-cubic"
           : s->gap > 0 && s->no_gap > 0     ? "--gap and --no-gap"
                                             : NULL;
}

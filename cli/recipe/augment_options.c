/* SPDX-License-Identifier: Apache-2.0 */
/* augment_options.c - the options of random changes and of weights between objects */
#include "recipe/augment_options.h"

#define AT(field) offsetof(struct augment_settings, field)
#define CHANGE(word, value, text) FIELD(word, 0, "augment." word, value, text)
#define FIELD(word, least, field, value, text)                                                     \
    OPT_FIELD_FROM(word, AT(said), &said_train, field, least, value, text)

const struct option_row augment_options[] = {
    OPT_HEADING("random changes to each tile:"),
    OPT_FLAG("flip", AT(flip), NULL),
    OPT_FLAG("no-flip", AT(no_flip), "mirrored and turned by quarters, or not"),
    CHANGE("rotate", "DEG", ""),
    CHANGE("scale", "X", ""),
    CHANGE("elastic", "PX", NULL),
    FIELD("elastic-grid", 0, "augment.elastic_grid", "PX",
          "bent by vectors of PX pixels, PX apart [0: 3x3 a tile]"),
    OPT_FLAG("cubic", AT(cubic), NULL),
    OPT_FLAG("no-cubic", AT(no_cubic), "images resampled bicubically, or linearly"),
    CHANGE("grey", "X", ""),
    CHANGE("curve", "X", ""),
    CHANGE("noise", "X", ""),
    CHANGE("blur", "PX", ""),
    CHANGE("channel", "X", ""),
    FIELD("at-foreground", 0, "augment.at_foreground", "X", NULL),
    FIELD("at-background", 0, "augment.at_background", "X", NULL),
    FIELD("at-ignored", 0, "augment.at_ignored", "X",
          "chance of a pixel to be a tile's middle [0 0 0: places alike]"),
    OPT_HEADING("weights of the background between objects:"),
    FIELD("border-weight", 0, "border.weight", "X", NULL),
    FIELD("border-sigma", 0.01, "border.sigma", "PX", "where two are near [{=}]; the paper: 10, 5"),
    FIELD("near-weight", 0, "border.near_weight", "X", NULL),
    FIELD("near-sigma", 0.01, "border.near_sigma", "PX", "where one is near [{=}]"),
    OPT_FLAG("gap", AT(gap), NULL),
    OPT_FLAG("no-gap", AT(no_gap), "touching objects parted by background, or not"),
    OPT_END,
};

/* Fields that are said by one of two options. */
static const struct {
    const char *field;
    size_t yes, no;
    const char *both;
} flags[] = {
    {"augment.flip", AT(flip), AT(no_flip), "--flip and --no-flip"},
    {"augment.cubic", AT(cubic), AT(no_cubic), "--cubic and --no-cubic"},
    {"border.gap", AT(gap), AT(no_gap), "--gap and --no-gap"},
};
enum { FLAGS = sizeof(flags) / sizeof(flags[0]) };

static int is_set(const struct augment_settings *settings, size_t place)
{
    return *(const int *)((const char *)settings + place);
}

void augment_apply(const struct augment_settings *settings, unet_train_options *options)
{
    unet_border *border = &options->border;

    said_apply(&settings->said, &said_train, options);
    for (int i = 0; i < FLAGS; i++)
        if (is_set(settings, flags[i].yes) || is_set(settings, flags[i].no))
            unet_train_options_set(options, flags[i].field,
                                   is_set(settings, flags[i].yes) ? "yes" : "no", NULL);
    if (border->weight > 0 && !(border->sigma > 0))
        border->sigma = 5;
    if (border->near_weight > 0 && !(border->near_sigma > 0))
        border->near_sigma = 10;
}

const char *augment_conflict(const struct augment_settings *settings)
{
    for (int i = 0; i < FLAGS; i++)
        if (is_set(settings, flags[i].yes) && is_set(settings, flags[i].no))
            return flags[i].both;
    return NULL;
}

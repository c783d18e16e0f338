/* SPDX-License-Identifier: Apache-2.0 */
/* network_options.h - the options that describe a network, shared by init, info and train */
#ifndef NETWORK_OPTIONS_H
#define NETWORK_OPTIONS_H

#include "options.h"
#include "unet.h"

/* A number below zero: not given.  Start from NETWORK_SETTINGS_NONE. */
struct network_settings {
    int in_channels, classes, width, depth;
    int padding, norm, up, act; /* as the enums of unet.h */
    double leaky_slope, dropout;
    const char *class_names; /* "background,cell"; NULL: not given */
};
#define NETWORK_SETTINGS_NONE                                                                      \
    {                                                                                              \
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, NULL                                               \
    }

extern const struct option_row network_options[];

/* base, with what was given in its place. */
unet_spec network_spec(const struct network_settings *settings, unet_spec base);

/* The name of an option of the network that was given; NULL: none was. */
const char *network_given(const struct network_settings *settings);

/* Gives the model the class names of settings, if any. */
unet_code network_name_classes(const struct network_settings *settings, unet_model *model,
                               unet_error *err);

/* One line: "1 channel -> 2 classes, width 16, depth 4, padding same, norm batch, ...". */
void network_describe(const unet_spec *spec, char *text, size_t size);

/* The words of the enums, as options and JSON spell them; each list ends with NULL. */
extern const char *const padding_words[], *const norm_words[], *const up_words[],
                                                                   *const act_words[];

#endif

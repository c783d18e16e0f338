/* SPDX-License-Identifier: Apache-2.0 */
/* network_options.h - the options that describe a network, shared by init, info and train */
#ifndef NETWORK_OPTIONS_H
#define NETWORK_OPTIONS_H

#include "shared/options.h"
#include "unet_exchange.h"

/* Numbers and words of a spec that an option can set; the rows of a table in network_options.c. */
enum network_field {
    NETWORK_IN_CHANNELS,
    NETWORK_CLASSES,
    NETWORK_WIDTH,
    NETWORK_DEPTH,
    NETWORK_PADDING,
    NETWORK_NORM,
    NETWORK_GROUPS,
    NETWORK_UP,
    NETWORK_ACT,
    NETWORK_CONVS,
    NETWORK_SINGLE_ACT,
    NETWORK_NORM_ORDER,
    NETWORK_BIAS,
    NETWORK_CONCAT,
    NETWORK_ALIGN_CORNERS,
    NETWORK_UP_CONV,
    NETWORK_UP_NORM,
    NETWORK_UP_ACT,
    NETWORK_FIELDS
};

/* A number below zero: not given.  Start from NETWORK_SETTINGS_NONE. */
struct network_settings {
    int field[NETWORK_FIELDS];
    double leaky_slope, dropout, norm_epsilon;
    const char *class_names; /* "background,cell"; NULL: not given */
};
#define NETWORK_SETTINGS_NONE                                                                      \
    {                                                                                              \
        {[0 ... NETWORK_FIELDS - 1] = -1}, -1, -1, -1, NULL                                        \
    }

/*
 * What most people set, and what networks from elsewhere need besides; of both, what a file of
 * somebody else's weights does not tell.
 */
extern const struct option_row network_options[], network_more_options[], network_untold_options[],
    network_untold_more_options[];

/* base, with what was given in its place. */
unet_spec network_spec(const struct network_settings *settings, unet_spec base);

/* The name of an option of the network that was given, in name or elsewhere; NULL: none was. */
enum { OPTION_NAME = 32 };
const char *network_given(const struct network_settings *settings, char name[OPTION_NAME]);

/* What was given, for reading somebody else's weights. */
unet_known network_known(const struct network_settings *settings);

/* Gives the model the class names of settings, if any. */
unet_code network_name_classes(const struct network_settings *settings, unet_model *model,
                               unet_error *err);

/* One line: "1 channel -> 2 classes, width 16, depth 4, padding same, norm batch, ...". */
void network_describe(const unet_spec *spec, char *text, size_t size);

/* The words of the enums, as options and JSON spell them; each list ends with NULL. */
extern const char *const padding_words[], *const norm_words[], *const up_words[],
                                                                   *const act_words[];

/* Field i of a spec with its name and its word (NULL: it is a number), for reports. */
struct network_row {
    const char *name;
    const char *word;
    int value;
};
struct network_row network_row(const unet_spec *spec, enum network_field i);

/* The same by the field's name in unet_spec, with its option; 0: there is no such field. */
int network_find(const unet_spec *spec, const char *field, struct network_row *row,
                 char option[OPTION_NAME]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* network_options.h - the options that describe a network, shared by init, info and train */
#ifndef NETWORK_OPTIONS_H
#define NETWORK_OPTIONS_H

#include "shared/options.h"
#include "unet_exchange.h"

/* Zeroed: nothing was said. */
struct network_settings {
    struct said said;        /* of unet_spec */
    const char *class_names; /* "background,cell"; NULL: not given */
};

/*
 * What most people set, and what networks from elsewhere need besides; of both, what a file of
 * somebody else's weights does not tell.
 */
extern const struct option_row network_options[], network_more_options[], network_untold_options[],
    network_untold_more_options[];

/* base, with what was given in its place. */
unet_spec network_spec(const struct network_settings *settings, unet_spec base);

/* What was said alone: all else is 0. */
unet_spec network_asked(const struct network_settings *settings);

/* The name of an option of the network that was given, in name, but not those fields that end with
 * NULL (but may be NULL); NULL: none was. */
const char *network_given(const struct network_settings *settings, const char *const *but,
                          char name[SAID_WORD]);

/* What was given, for reading somebody else's weights. */
unet_known network_known(const struct network_settings *settings);

/* One line: "1 channel -> 2 classes, width 16, depth 4, padding same, norm batch, ...". */
void network_describe(const unet_spec *spec, char *text, size_t size);

/* A field of a spec, a whole number or one of a few words, for reports. */
struct network_row {
    const char *name;
    char word[SAID_WORD]; /* as options spell it; "": it is a number */
    int value;
    int flag; /* 1: no or yes */
};

/* 0: the field is another kind of number. */
int network_row(const unet_spec *spec, const unet_field *field, struct network_row *row);

/* The same by the field's name in unet_spec, with its option; 0: there is no such field. */
int network_find(const unet_spec *spec, const char *field, struct network_row *row,
                 char option[SAID_WORD]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* train_options.h - the settings of a training: their fields, what they may be together, as JSON */
#ifndef UN_TRAIN_OPTIONS_H
#define UN_TRAIN_OPTIONS_H

#include <jansson.h>

#include "base/fields.h"

extern const struct un_fields un_train_fields; /* train_fields.c */

unet_train_options un_train_options_default(const unet_spec *spec);

/* labels: of the model, so many class_weights are looked at.  UNET_EINVAL names the field. */
unet_code un_train_options_check(const unet_train_options *options, const unet_spec *spec,
                                 int labels, unet_error *err);

/* All fields as they are in the struct, nested as it is: {"batch": 1, "loss": {"pixel": 1, ...}};
 * NULL: no memory.  The caller releases it. */
json_t *un_train_options_pack(const unet_train_options *options, int labels);

/*
 * The first field in which two such objects differ and that decides what a step does (so not how
 * long to train, how fast, or on how many threads).  NULL: none; else its name, and for messages
 * what each object has, cut at size.
 */
const char *un_train_options_differ(const json_t *a, const json_t *b, char *in_a, char *in_b,
                                    size_t size);

/* The options for the model file, with the real tile and the steps that were done, without the
 * threads, which leave no trace; from malloc, NULL when memory is short. */
char *un_train_options_json(const unet_train_options *options, int labels, int in_side, long steps);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* json_out.h - JSON on stdout, one object a line */
#ifndef JSON_OUT_H
#define JSON_OUT_H

#include <jansson.h>

#include "unet.h"

/* A number with seven significant digits; null when it is not finite. */
json_t *json_number_short(double value);

/* A path, which need not be UTF-8: bytes that are not are written as '?'. */
json_t *json_path(const char *path);

json_t *json_spec(const unet_spec *spec);

/* The model's classes: [{"name": ..., "color": "#rrggbb"}, ...]. */
json_t *json_classes(const unet_model *model);

/* Prints an object as one line on stdout and gives it back.  0: there is none, for want of memory;
 * that stdout could not be written is for finish_output() to say. */
int json_print(json_t *object);

#endif

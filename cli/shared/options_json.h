/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options_json.h - the settings of a command as JSON, by its option table
 *
 * {"epochs": 20, "labels": "background=0,cell=255", "class-weights": [1, 2]}: what differs from the
 * settings that nobody has touched, by the names of the options.
 */
#ifndef OPTIONS_JSON_H
#define OPTIONS_JSON_H

#include <jansson.h>

#include "shared/options.h"

/*
 * untouched: a struct as it is before any option is read; skip: names that are left out, ends with
 * NULL.  NULL: no memory.
 */
json_t *options_to_json(const struct option_row *table, const void *settings, const void *untouched,
                        const char *const *skip);

/*
 * Stores what an object from options_to_json() has.  Strings point into it, so it must stay.  0:
 * problem says which name or value is not understood.
 */
int options_from_json(const struct option_row *table, const json_t *object, void *settings,
                      char *problem, size_t size);

#endif

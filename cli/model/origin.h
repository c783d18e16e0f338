/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h - models of other programs: what had to be guessed of them is said */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stdio.h>

#include <jansson.h>

#include "shared/cli.h"
#include "unet_exchange.h"

/*
 * Loads a model of any kind, or that of a run folder.  What neither its file nor its layout tells
 * is said in one line on stderr, unless quiet: a wrong guess makes a wrong mask.  origin may be
 * NULL.
 */
unet_code origin_load(const char *path, const struct common_settings *common, unet_model **model,
                      unet_origin *origin, unet_error *err);

/* The guesses by their sources, a line each. */
void origin_describe(FILE *out, const unet_spec *spec, const unet_origin *origin);

/* [{"field": "padding", "from": "layout"}, ...] */
json_t *origin_json(const unet_origin *origin);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* metadata.h - what a model knows besides its weights, as JSON (docs/formats.md has an example) */
#ifndef UN_METADATA_H
#define UN_METADATA_H

#include "model/model.h"

/* Compact JSON text, the same for the same model; free it.  NULL: no memory. */
char *un_metadata_text(const unet_model *model);

/*
 * Reads such a text into a zeroed model: everything but the values.  path begins every message;
 * UNET_EFORMAT names the field that is missing, of the wrong type or out of range.  On failure
 * *model may be partly filled and is only fit to be freed.
 */
unet_code un_metadata_parse(const char *path, const char *text, unet_model *model, unet_error *err);

#endif

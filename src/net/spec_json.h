/* SPDX-License-Identifier: Apache-2.0 */
/* spec_json.h - the shape of a network as JSON */
#ifndef UN_SPEC_JSON_H
#define UN_SPEC_JSON_H

#include <jansson.h>

#include "unet.h"

/*
 * An object; fields that describe networks from elsewhere are written only where they are not zero.
 * NULL: no memory.
 */
json_t *un_spec_to_json(const unet_spec *spec);

/* Whether such fields are there, so that a reader that does not know them must not read it. */
int un_spec_is_plain(const unet_spec *spec);

/* what begins every message.  UNET_EFORMAT names the field that is missing, of the wrong type or
 * out of range. */
unet_code un_spec_from_json(const char *what, const json_t *object, unet_spec *spec,
                            unet_error *err);

#endif

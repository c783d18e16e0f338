/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding_json.h - a mask coding in the metadata of a model
 *
 *     [[value, class], ...]                            grey values 0..255, as before format 3
 *     {"kind": "color", "codes": [[first, last, class], ...], "tolerance": 24, "white": 1, ...}
 */
#ifndef UN_CODING_JSON_H
#define UN_CODING_JSON_H

#include <jansson.h>

#include "data/masks/coding.h"

/* Whether the short form, which every version reads, says all. */
bool un_coding_is_list(const struct un_coding *coding);

/* NULL: no memory. */
json_t *un_coding_to_json(const struct un_coding *coding);

/* The field "coding" of root.  UNET_EFORMAT names what is wrong. */
unet_code un_coding_from_json(const char *what, const json_t *root, int labels,
                              struct un_coding *coding, unet_error *err);

#endif

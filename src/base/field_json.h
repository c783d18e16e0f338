/* SPDX-License-Identifier: Apache-2.0 */
/* field_json.h - a field of a table as a value of JSON: a number, or the word of a choice */
#ifndef UN_FIELD_JSON_H
#define UN_FIELD_JSON_H

#include "base/fields.h"
#include "base/json.h"

/* A value that is in range, but for seeds above 2^63 a number or a word.  NULL: no memory. */
json_t *un_field_to_json(const void *object, const struct un_field *field);

/* The same back, of an int, a flag, a choice or a float, which must be there.  The range is left to
 * un_fields_check(). */
unet_code un_field_from_json(const struct un_json_at *at, const struct un_field *field,
                             void *object, unet_error *err);

#endif

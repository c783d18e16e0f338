/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - JSON from files nobody vouches for: bounded before it is parsed, checked field by field
 */
#ifndef UN_JSON_H
#define UN_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"

enum {
    UN_JSON_MAX_DEPTH = 32,       /* levels of objects and arrays */
    UN_JSON_MAX_VALUES = 1000000, /* values and keys in one text: bounds the parser's memory */
};

/*
 * Parses one JSON object.  Keys that occur twice, NUL in strings, invalid UTF-8 and anything but
 * white space after the object are refused.  what begins every message ("file: header").  The
 * caller releases *object with json_decref().  UNET_EFORMAT, UNET_ENOMEM.
 */
unet_code un_json_parse(const char *what, const char *text, size_t size, json_t **object,
                        unet_error *err);

/* The same of any value, an array too, with other limits: `values` of them at most. */
unet_code un_json_parse_any(const char *what, const char *text, size_t size, size_t values,
                            json_t **value, unet_error *err);

/* Where a field is looked for, and how to speak of it. */
struct un_json_at {
    const char *what;     /* "file: unet metadata" */
    const char *prefix;   /* "spec." */
    const json_t *object; /* an object */
};

/* The field, which must be there and of this type; UNET_EFORMAT names it. */
unet_code un_json_field(const struct un_json_at *at, const char *field, json_type type,
                        const json_t **value, unet_error *err);
unet_code un_json_int(const struct un_json_at *at, const char *field, int low, int high, int *value,
                      unet_error *err);
unet_code un_json_bool(const struct un_json_at *at, const char *field, bool *value,
                       unet_error *err);
/* A number that is finite as a float. */
unet_code un_json_float(const struct un_json_at *at, const char *field, float *value,
                        unet_error *err);
/* One of count words; *value is its index. */
unet_code un_json_word(const struct un_json_at *at, const char *field, const char *const *words,
                       int count, int *value, unet_error *err);

/*
 * A float as the JSON number with the fewest digits that reads back as the same float: 0.1, not
 * 0.10000000149011612.  NULL: no memory, or not finite.
 */
json_t *un_json_from_float(float value);

/* As compact text, 15 digits (all that a decimal number keeps through a double); free it. */
char *un_json_text(const json_t *value);

#endif

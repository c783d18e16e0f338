/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson parses by recursion and makes some 50 bytes of every value, so a small hostile text can
 * cost much.  check_size() reads the text once before and counts: depth by brackets, values by
 * separators, both outside of strings.  It need not understand JSON; what it counts wrong in a
 * malformed text, the parser refuses.
 */
#include "base/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

static unet_code check_size(const char *what, const char *text, size_t size, size_t most,
                            unet_error *err)
{
    int depth = 0;
    size_t values = 0;
    bool string = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                string = false;
            continue;
        }
        string = c == '"';
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        values += (size_t)(c == '{' || c == '[' || c == ',' || c == ':');
        if (depth > UN_JSON_MAX_DEPTH)
            return un_fail(err, UNET_EFORMAT, "%s is nested deeper than %d levels", what,
                           UN_JSON_MAX_DEPTH);
        if (values > most)
            return un_fail(err, UNET_EFORMAT, "%s has more than %zu values", what, most);
    }
    return UNET_OK;
}

unet_code un_json_parse_any(const char *what, const char *text, size_t size, size_t values,
                            json_t **value, unet_error *err)
{
    unet_code code = check_size(what, text, size, values, err);
    if (code)
        return code;
    json_error_t error;
    struct un_plain plain = un_plain_begin();
    json_t *made = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    un_plain_end(plain);
    if (!made && json_error_code(&error) == json_error_out_of_memory)
        return un_fail_memory(err, size, what);
    if (!made)
        return un_fail(err, UNET_EFORMAT, "%s is not valid JSON at byte %d: %s", what,
                       error.position, error.text);
    *value = made;
    return UNET_OK;
}

unet_code un_json_parse(const char *what, const char *text, size_t size, json_t **object,
                        unet_error *err)
{
    json_t *made = NULL;
    unet_code code = un_json_parse_any(what, text, size, UN_JSON_MAX_VALUES, &made, err);
    if (code)
        return code;
    if (!json_is_object(made)) {
        json_decref(made);
        return un_fail(err, UNET_EFORMAT, "%s is not a JSON object", what);
    }
    *object = made;
    return UNET_OK;
}

static const char *const type_names[] = {
    [JSON_OBJECT] = "an object",    [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
    [JSON_INTEGER] = "an integer",  [JSON_REAL] = "a number",  [JSON_TRUE] = "true or false",
    [JSON_FALSE] = "true or false", [JSON_NULL] = "null",
};

/* JSON_TRUE stands for either boolean, JSON_REAL for either kind of number. */
static bool is_type(const json_t *value, json_type type)
{
    switch (type) {
    case JSON_TRUE:
        return json_is_boolean(value);
    case JSON_REAL:
        return json_is_number(value);
    default:
        return json_typeof(value) == type;
    }
}

unet_code un_json_field(const struct un_json_at *at, const char *field, json_type type,
                        const json_t **value, unet_error *err)
{
    const json_t *found = json_object_get(at->object, field);
    if (!found)
        return un_fail(err, UNET_EFORMAT, "%s: %s%s is missing", at->what, at->prefix, field);
    if (!is_type(found, type))
        return un_fail(err, UNET_EFORMAT, "%s: %s%s is %s, wanted %s", at->what, at->prefix, field,
                       type_names[json_typeof(found)], type_names[type]);
    *value = found;
    return UNET_OK;
}

unet_code un_json_int(const struct un_json_at *at, const char *field, int low, int high, int *value,
                      unet_error *err)
{
    const json_t *found = NULL;
    unet_code code = un_json_field(at, field, JSON_INTEGER, &found, err);
    if (code)
        return code;
    json_int_t number = json_integer_value(found);
    if (number < low || number > high)
        return un_fail(err, UNET_EFORMAT, "%s: %s%s is %lld, wanted %d..%d", at->what, at->prefix,
                       field, (long long)number, low, high);
    *value = (int)number;
    return UNET_OK;
}

unet_code un_json_bool(const struct un_json_at *at, const char *field, bool *value, unet_error *err)
{
    const json_t *found = NULL;
    unet_code code = un_json_field(at, field, JSON_TRUE, &found, err);
    if (!code)
        *value = json_is_true(found);
    return code;
}

unet_code un_json_float(const struct un_json_at *at, const char *field, float *value,
                        unet_error *err)
{
    const json_t *found = NULL;
    unet_code code = un_json_field(at, field, JSON_REAL, &found, err);
    if (code)
        return code;
    double number = json_number_value(found);
    if (!isfinite((float)number)) /* rounded: the shortest text of FLT_MAX is above it */
        return un_fail(err, UNET_EFORMAT, "%s: %s%s is %g, too large for a 32-bit float", at->what,
                       at->prefix, field, number);
    *value = (float)number;
    return UNET_OK;
}

unet_code un_json_word(const struct un_json_at *at, const char *field, const char *const *words,
                       int count, int *value, unet_error *err)
{
    const json_t *found = NULL;
    unet_code code = un_json_field(at, field, JSON_STRING, &found, err);
    if (code)
        return code;
    char list[128] = "";
    for (int i = 0; i < count; i++) {
        if (!strcmp(json_string_value(found), words[i])) {
            *value = i;
            return UNET_OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? " or " : "", words[i]);
    }
    return un_fail(err, UNET_EFORMAT, "%s: %s%s is \"%.40s\", wanted %s", at->what, at->prefix,
                   field, json_string_value(found), list);
}

json_t *un_json_from_float(float value)
{
    char text[32];
    double shortest;
    un_decimal_print_float(text, sizeof text, value);
    un_decimal_read(text, &shortest);
    return json_real(shortest);
}

/* jansson 2.14 may drop a key when memory runs out, and go on; so what it wrote is read again. */
char *un_json_text(const json_t *value)
{
    struct un_plain plain = un_plain_begin();
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_t *back = text ? json_loads(text, 0, NULL) : NULL;
    un_plain_end(plain);
    if (!back) {
        free(text);
        text = NULL;
    }
    json_decref(back);
    return text;
}

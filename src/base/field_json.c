/* SPDX-License-Identifier: Apache-2.0 */
#include "base/field_json.h"

#include <limits.h>
#include <stdio.h>

json_t *un_field_to_json(const void *object, const struct un_field *field)
{
    const void *at = (const char *)object + field->offset;
    uint64_t seed;
    char text[24];
    switch (field->open.type) {
    case UNET_FIELD_FLOAT:
        return un_json_from_float(*(const float *)at);
    case UNET_FIELD_DOUBLE:
        return json_real(*(const double *)at);
    case UNET_FIELD_CHOICE:
        return json_string(un_field_word(field, *(const int *)at));
    case UNET_FIELD_LONG:
        return json_integer(*(const long *)at);
    case UNET_FIELD_SEED:
        seed = *(const uint64_t *)at;
        snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
        return seed <= INT64_MAX ? json_integer((json_int_t)seed) : json_string(text);
    default:
        return json_integer(*(const int *)at);
    }
}

unet_code un_field_from_json(const struct un_json_at *at, const struct un_field *field,
                             void *object, unet_error *err)
{
    void *place = (char *)object + field->offset;
    if (field->open.type == UNET_FIELD_FLOAT)
        return un_json_float(at, field->open.name, place, err);
    if (field->open.type == UNET_FIELD_CHOICE)
        return un_json_word(at, field->open.name, field->open.words, (int)field->open.high + 1,
                            place, err);
    return un_json_int(at, field->open.name, INT_MIN, INT_MAX, place, err);
}

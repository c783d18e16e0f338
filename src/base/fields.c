/* SPDX-License-Identifier: Apache-2.0 */
/* An enum is as wide as an int and is read and written as one. */
#include "base/fields.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

_Static_assert(sizeof(unet_norm) == sizeof(int), "choices are read and written as int");

const char *const un_yes_words[] = {"no", "yes", NULL};

static const size_t widths[] = {
    [UNET_FIELD_INT] = sizeof(int),       [UNET_FIELD_LONG] = sizeof(long),
    [UNET_FIELD_FLOAT] = sizeof(float),   [UNET_FIELD_DOUBLE] = sizeof(double),
    [UNET_FIELD_FLAG] = sizeof(int),      [UNET_FIELD_CHOICE] = sizeof(int),
    [UNET_FIELD_SEED] = sizeof(uint64_t),
};

/* Whether two names or words are the same, but for - and _. */
static bool same(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
            return false;
    return *a == *b;
}

const struct un_field *un_field_find(const struct un_fields *fields, const char *name)
{
    for (int i = 0; i < fields->count; i++)
        if (same(fields->rows[i].open.name, name))
            return &fields->rows[i];
    return NULL;
}

const char *un_field_word(const struct un_field *field, int value)
{
    return field->open.words && value >= 0 && value <= field->open.high ? field->open.words[value]
                                                                        : NULL;
}

double un_field_number(const void *object, const struct un_field *field)
{
    const void *at = (const char *)object + field->offset;
    switch (field->open.type) {
    case UNET_FIELD_LONG:
        return (double)*(const long *)at;
    case UNET_FIELD_FLOAT:
        return *(const float *)at;
    case UNET_FIELD_DOUBLE:
        return *(const double *)at;
    case UNET_FIELD_SEED:
        return (double)*(const uint64_t *)at;
    default:
        return *(const int *)at;
    }
}

bool un_field_is_zero(const void *object, const struct un_field *field)
{
    return un_field_number(object, field) == 0;
}

/* ---- ranges ---- */

/* As a field of its type holds it. */
static double held(const unet_field *field, double value)
{
    return field->type == UNET_FIELD_FLOAT ? (double)(float)value : value;
}

/* Ends count as they are held: 1e-6 as a float is less than 1e-6. */
static bool in_range(const unet_field *field, double value)
{
    const double low = held(field, field->low), high = held(field, field->high);
    if (field->type == UNET_FIELD_SEED)
        return true;
    return (field->above ? value > low : value >= low) &&
           (field->below ? value < high : value <= high); /* false for NaN */
}

/* "1 to 1024", "at least 0 and less than 1" */
static void describe_range(const unet_field *field, char *text, size_t size)
{
    char low[UN_DECIMAL_TEXT], high[UN_DECIMAL_TEXT];
    un_decimal_write(field->low, false, low);
    un_decimal_write(field->high, false, high);
    if (!field->above && !field->below)
        snprintf(text, size, "%s to %s", low, high);
    else
        snprintf(text, size, "%s %s and %s %s", field->above ? "more than" : "at least", low,
                 field->below ? "less than" : "at most", high);
}

unet_code un_field_check(const void *object, const struct un_field *field, unet_error *err)
{
    const double value = un_field_number(object, field);
    if (in_range(&field->open, value))
        return UNET_OK;
    char found[UN_DECIMAL_TEXT], wanted[96];
    un_decimal_write(value, field->open.type == UNET_FIELD_FLOAT, found);
    describe_range(&field->open, wanted, sizeof wanted);
    return un_fail(err, UNET_EINVAL, "%s is %s, wanted %s", field->open.name, found, wanted);
}

unet_code un_fields_check(const void *object, const struct un_fields *fields, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; i < fields->count && !code; i++)
        if (!(fields->rows[i].how & UN_FIELD_LOOSE))
            code = un_field_check(object, &fields->rows[i], err);
    return code;
}

void un_field_wanted(const struct un_field *field, char *text, size_t size)
{
    const unet_field *open = &field->open;
    size_t used = 0;
    char range[96];
    for (int i = 0; open->words && open->words[i] && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s",
                                 !i                   ? ""
                                 : open->words[i + 1] ? ", "
                                                      : " or ",
                                 open->words[i]);
    if (open->words)
        return;
    const bool whole = open->type != UNET_FIELD_FLOAT && open->type != UNET_FIELD_DOUBLE;
    describe_range(open, range, sizeof range);
    if (open->type == UNET_FIELD_SEED)
        snprintf(range, sizeof range, "0 to %llu", (unsigned long long)UINT64_MAX);
    snprintf(text, size, "a %snumber, %s", whole ? "whole " : "", range);
}

/* ---- text ---- */

static bool read_seed(const char *text, uint64_t *seed)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end || errno)
        return false;
    *seed = value;
    return true;
}

/* The value that a text means, as the field will hold it. */
static bool read_value(const unet_field *field, const char *text, double *value)
{
    const char *end;
    for (int i = 0; field->words && field->words[i]; i++)
        if (same(field->words[i], text)) {
            *value = i;
            return true;
        }
    if (field->type == UNET_FIELD_CHOICE || !un_decimal_read_plain(text, &end, value) || *end)
        return false;
    if (field->type != UNET_FIELD_FLOAT && field->type != UNET_FIELD_DOUBLE &&
        *value != floor(*value))
        return false;
    *value = held(field, *value);
    return in_range(field, *value);
}

static void store(const unet_field *field, double value, void *at)
{
    switch (field->type) {
    case UNET_FIELD_LONG:
        *(long *)at = (long)value;
        break;
    case UNET_FIELD_FLOAT:
        *(float *)at = (float)value;
        break;
    case UNET_FIELD_DOUBLE:
        *(double *)at = value;
        break;
    default:
        *(int *)at = (int)value;
    }
}

/* The row of a name that lies within an object of size bytes. */
static unet_code find_within(const struct un_fields *fields, const char *name, size_t size,
                             const struct un_field **found, unet_error *err)
{
    *found = un_field_find(fields, name);
    if (!*found)
        return un_fail(err, UNET_EINVAL, "%s: there is no such field", name);
    if ((*found)->offset + widths[(*found)->open.type] > size)
        return un_fail(err, UNET_EINVAL,
                       "%s: the struct has %zu bytes and no such field; the program was built "
                       "before there was one",
                       name, size);
    return UNET_OK;
}

unet_code un_field_set(void *object, size_t size, const struct un_fields *fields, const char *name,
                       const char *text, unet_error *err)
{
    const struct un_field *field;
    double value = 0;
    unet_code code = find_within(fields, name, size, &field, err);
    if (code)
        return code;
    void *at = (char *)object + field->offset;
    if (field->open.type == UNET_FIELD_SEED ? read_seed(text, at)
                                            : read_value(&field->open, text, &value)) {
        if (field->open.type != UNET_FIELD_SEED)
            store(&field->open, value, at);
        return UNET_OK;
    }
    char wanted[160];
    un_field_wanted(field, wanted, sizeof wanted);
    return un_fail(err, UNET_EINVAL, "%s: found \"%.60s\", wanted %s", field->open.name, text,
                   wanted);
}

unet_code un_field_get(const void *object, size_t size, const struct un_fields *fields,
                       const char *name, char *text, size_t room, unet_error *err)
{
    const struct un_field *field;
    char made[UN_DECIMAL_TEXT];
    unet_code code = find_within(fields, name, size, &field, err);
    if (code || (code = un_field_check(object, field, err)))
        return code;
    const void *at = (const char *)object + field->offset;
    if (field->open.words)
        snprintf(made, sizeof made, "%s", field->open.words[*(const int *)at]);
    else if (field->open.type == UNET_FIELD_SEED)
        snprintf(made, sizeof made, "%llu", (unsigned long long)*(const uint64_t *)at);
    else
        un_decimal_write(un_field_number(object, field), field->open.type == UNET_FIELD_FLOAT,
                         made);
    if (strlen(made) >= room)
        return un_fail(err, UNET_EINVAL, "%s: %zu bytes do not hold \"%s\"", name, room, made);
    strcpy(text, made);
    return UNET_OK;
}

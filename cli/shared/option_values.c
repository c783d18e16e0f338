/* SPDX-License-Identifier: Apache-2.0 */
/* option_values.c - from the text of an option's value to the value, one function a type */
#include "shared/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* strtod() takes spaces, hex, "inf" and "nan" too; an option takes plain decimal numbers only. */
static int read_number(const char *text, const char **end, double *value)
{
    char *stop;

    if (!isdigit((unsigned char)text[0]) && !strchr("+-.", text[0]))
        return 0;
    if (!text[0] || strpbrk(text, "xXnN"))
        return 0;
    *value = strtod(text, &stop);
    if (stop == text || !isfinite(*value))
        return 0;
    *end = stop;
    return 1;
}

static int read_whole(const char *text, double low, double high, double *value)
{
    const char *end;

    return read_number(text, &end, value) && !*end && *value == floor(*value) && *value >= low &&
           *value <= high;
}

static int read_float(const char *text, double low, double high, double *value)
{
    const char *end;

    return read_number(text, &end, value) && !*end && *value >= low && *value <= high;
}

static int read_floats(const char *text, double low, double high, struct float_list *list)
{
    double value;

    list->count = 0;
    for (;;) {
        if (list->count == FLOAT_LIST_MAX || !read_number(text, &text, &value) || value < low ||
            value > high)
            return 0;
        list->value[list->count++] = (float)value;
        if (!*text)
            return 1;
        if (*text++ != ',')
            return 0;
    }
}

struct unit {
    const char *name;
    double size;
};

/* A number above 0 with a unit behind it. */
static int read_unit(const char *text, const struct unit *units, size_t count, double *result)
{
    const char *end;
    double value;

    if (!read_number(text, &end, &value) || value <= 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (!strcasecmp(end, units[i].name)) {
            *result = value * units[i].size;
            return 1;
        }
    }
    return 0;
}

#define UNITS(units) units, sizeof(units) / sizeof(units[0])
static const struct unit time_units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}};
static const struct unit byte_units[] = {{"", 1},     {"k", 1e3}, {"kb", 1e3}, {"m", 1e6},
                                         {"mb", 1e6}, {"g", 1e9}, {"gb", 1e9}};

static int read_seed(const char *text, uint64_t *seed)
{
    unsigned long long value;
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return 0;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (*end || errno)
        return 0;
    *seed = value;
    return 1;
}

static int read_size(const char *text, double low, double high, int size[2])
{
    char *end;
    long height = strtol(text, &end, 10), width = height;

    if (!isdigit((unsigned char)text[0]))
        return 0;
    if (*end == 'x') {
        text = end + 1;
        if (!isdigit((unsigned char)text[0]))
            return 0;
        width = strtol(text, &end, 10);
    }
    if (*end || height < low || height > high || width < low || width > high)
        return 0;
    size[0] = (int)height;
    size[1] = (int)width;
    return 1;
}

static int read_choice(const char *text, const char *const *choices, int *index)
{
    for (int i = 0; choices[i]; i++) {
        if (!strcmp(text, choices[i])) {
            *index = i;
            return 1;
        }
    }
    return 0;
}

/* "a or b or c" */
static void describe_words(const char *const *words, char *text, size_t size)
{
    char word[SAID_WORD];
    size_t used = 0;

    for (int i = 0; words[i] && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " or " : "",
                                 said_word(words[i], word));
}

static void describe_field(const unet_field *field, double least, char *text, size_t size)
{
    int fraction = field->type == UNET_FIELD_FLOAT || field->type == UNET_FIELD_DOUBLE;
    double low = least > field->low ? least : field->low;

    if (field->words)
        describe_words(field->words, text, size);
    else if (field->above || field->below)
        snprintf(text, size, "a number %s%g and %s%g", field->above ? "above " : "from ",
                 field->low, field->below ? "below " : "up to ", field->high);
    else if (!fraction && field->high >= 1e9)
        snprintf(text, size, "a whole number, %.0f or more", low);
    else
        snprintf(text, size, "a %snumber %.10g..%.10g", fraction ? "" : "whole ", low, field->high);
}

/* low: less than the field's is never said. */
static int store_field(const struct option_row *row, const char *text, struct said *said)
{
    const char *end;
    double value;

    if (row->low > 0 && (!read_number(text, &end, &value) || value < row->low))
        return 0;
    return said_put(said, row->kind, row->field, text);
}

void option_describe(const struct option_row *row, char *text, size_t size)
{

    switch (row->type) {
    case OPTION_INT:
    case OPTION_LONG:
        if (row->high >= 1e9)
            snprintf(text, size, "a whole number, %.0f or more", row->low);
        else
            snprintf(text, size, "a whole number %.0f..%.0f", row->low, row->high);
        break;
    case OPTION_FLOAT:
        snprintf(text, size, "a number %g..%g", row->low, row->high);
        break;
    case OPTION_FLOATS:
        snprintf(text, size, "numbers %g..%g with commas between them", row->low, row->high);
        break;
    case OPTION_DURATION:
        snprintf(text, size, "a time such as 40s, 10m or 2h");
        break;
    case OPTION_BYTES:
        snprintf(text, size, "a size in bytes such as 500M or 2G");
        break;
    case OPTION_SEED:
        snprintf(text, size, "a whole number 0..18446744073709551615");
        break;
    case OPTION_SIZE:
        snprintf(text, size, "a size such as 512x640 (height x width), each %.0f..%.0f", row->low,
                 row->high);
        break;
    case OPTION_CHOICE:
        describe_words(row->choices, text, size);
        break;
    case OPTION_FIELD:
        describe_field(said_field(row->kind, row->field), row->low, text, size);
        break;
    default:
        snprintf(text, size, "a value that is not empty");
        break;
    }
}

int option_store(const struct option_row *row, const char *text, void *place)
{
    double number = 0;

    switch (row->type) {
    case OPTION_FLAG:
        *(int *)place = 1;
        return 1;
    case OPTION_INT:
        if (!read_whole(text, row->low, row->high, &number))
            return 0;
        *(int *)place = (int)number;
        return 1;
    case OPTION_LONG:
        if (!read_whole(text, row->low, row->high, &number))
            return 0;
        *(long *)place = (long)number;
        return 1;
    case OPTION_FLOAT:
        return read_float(text, row->low, row->high, place);
    case OPTION_FLOATS:
        return read_floats(text, row->low, row->high, place);
    case OPTION_CHOICE:
        return read_choice(text, row->choices, place);
    case OPTION_DURATION:
        return read_unit(text, UNITS(time_units), place);
    case OPTION_BYTES:
        return read_unit(text, UNITS(byte_units), place);
    case OPTION_SEED:
        return read_seed(text, place);
    case OPTION_FIELD:
        return store_field(row, text, place);
    case OPTION_SIZE:
        return read_size(text, row->low, row->high, place);
    case OPTION_ENVIRONMENT:
        *(int *)place = 1;
        return text[0] && !setenv(row->field, text, 1);
    default:
        *(const char **)place = text;
        return text[0] != 0;
    }
}

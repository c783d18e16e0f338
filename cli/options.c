/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - the parser over the option tables
 *
 * Long options take their value as --name VALUE or --name=VALUE, short ones as -o VALUE or -oVALUE.
 * "--" ends the options.  Given twice, the last one counts.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int usage_error(const struct command *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "unet %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; see unet %s --help\n", command->name);
    return EXIT_USAGE;
}

/* ---- the nearest word -------------------------------------------------------------------- */

/* Edits (insert, delete, replace) from a to b; words longer than the table count as far away. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t row[LONGEST + 1], a_length = strlen(a), b_length = strlen(b);

    if (a_length > LONGEST || b_length > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_length];
}

void nearest_try(struct nearest *nearest, const char *candidate)
{
    size_t distance = edit_distance(nearest->word, candidate);
    size_t limit = strlen(nearest->word) / 3 + 1;

    /* an abbreviation is far in edits, near in meaning */
    if (strlen(nearest->word) >= 3 && !strncmp(candidate, nearest->word, strlen(nearest->word)))
        distance = 1;
    if (distance <= limit && (!nearest->best || distance < nearest->distance)) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}

/* ---- values ------------------------------------------------------------------------------ */

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

static int read_duration(const char *text, double *seconds)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}};
    const char *end;
    double value;

    if (!read_number(text, &end, &value) || value <= 0)
        return 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!strcmp(end, units[i].unit)) {
            *seconds = value * units[i].seconds;
            return 1;
        }
    }
    return 0;
}

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

/* Writes what a row wants into text: "a whole number 1..64". */
static void describe_wanted(const struct option_row *row, char *text, size_t size)
{
    size_t used;

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
    case OPTION_SEED:
        snprintf(text, size, "a whole number 0..18446744073709551615");
        break;
    case OPTION_SIZE:
        snprintf(text, size, "a size such as 512x640 (height x width), each %.0f..%.0f", row->low,
                 row->high);
        break;
    case OPTION_CHOICE:
        used = 0;
        for (int i = 0; row->choices[i] && used < size; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " or " : "",
                                     row->choices[i]);
        break;
    default:
        snprintf(text, size, "a value that is not empty");
        break;
    }
}

/* Stores the value of a row; 0: the text is not what the row wants. */
static int store(const struct option_row *row, const char *text, void *place)
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
        return read_duration(text, place);
    case OPTION_SEED:
        return read_seed(text, place);
    case OPTION_SIZE:
        return read_size(text, row->low, row->high, place);
    default:
        *(const char **)place = text;
        return text[0] != 0;
    }
}

/* ---- the table --------------------------------------------------------------------------- */

/* A row, and where the settings of its table start. */
struct found {
    const struct option_row *row;
    size_t base;
};

/* Finds a row by name (length bytes) or letter in a table and the tables it takes in. */
static int find_row(const struct option_row *table, size_t base, const char *name, size_t length,
                    char letter, struct found *found)
{
    for (const struct option_row *row = table; row->type != OPTION_END; row++) {
        if (row->type == OPTION_TABLE &&
            find_row(row->table, base + row->offset, name, length, letter, found))
            return 1;
        if (row->type == OPTION_TABLE || row->type == OPTION_HEADING)
            continue;
        if (name ? strlen(row->name) == length && !memcmp(row->name, name, length)
                 : row->letter == letter) {
            *found = (struct found){row, base};
            return 1;
        }
    }
    return 0;
}

static void suggest(const struct option_row *table, struct nearest *nearest)
{
    for (const struct option_row *row = table; row->type != OPTION_END; row++) {
        if (row->type == OPTION_TABLE)
            suggest(row->table, nearest);
        else if (row->type != OPTION_HEADING)
            nearest_try(nearest, row->name);
    }
}

static int unknown_option(const struct command *command, const char *text, size_t length)
{
    char word[64];
    struct nearest nearest = {.word = word};

    snprintf(word, sizeof(word), "%.*s", (int)(length < 60 ? length : 60), text + 2);
    if (text[1] == '-')
        suggest(command->options, &nearest);
    if (nearest.best)
        return usage_error(command, "there is no option --%s, perhaps --%s is meant", word,
                           nearest.best);
    return usage_error(command, "there is no option %s", text);
}

/* One option at argv[*at]; *at is moved to the last argument it used. */
static int parse_option(const struct command *command, int argc, char **argv, int *at,
                        char *settings)
{
    char *text = argv[*at], *value = NULL, wanted[160], shown[48];
    struct found found;
    int is_long = text[1] == '-';
    size_t length = is_long ? strcspn(text + 2, "=") : 1;

    if (!find_row(command->options, 0, is_long ? text + 2 : NULL, length, text[1], &found))
        return unknown_option(command, text, length);
    snprintf(shown, sizeof(shown), "%.*s", (int)(is_long ? length + 2 : 2), text);
    if (is_long && text[2 + length] == '=')
        value = text + 3 + length;
    else if (!is_long && text[2])
        value = text + 2;

    describe_wanted(found.row, wanted, sizeof(wanted));
    if (found.row->type == OPTION_FLAG) {
        if (value)
            return usage_error(command, "%s takes no value, found \"%s\"", shown, value);
    } else if (!value) {
        if (*at + 1 >= argc || (!strncmp(argv[*at + 1], "--", 2) && argv[*at + 1][2]))
            return usage_error(command, "%s: nothing follows it, wanted %s", shown,
                               found.row->type == OPTION_STRING ? found.row->meta : wanted);
        value = argv[++*at];
    }
    if (!store(found.row, value, settings + found.base + found.row->offset))
        return usage_error(command, "%s: found \"%s\", wanted %s", shown, value, wanted);
    return EXIT_DONE;
}

/* Names the first required option that is not set (they are strings, NULL until given). */
static const struct option_row *missing_row(const struct command *command, const char *settings)
{
    for (const struct option_row *row = command->options; row->type != OPTION_END; row++)
        if (row->required && !*(const char *const *)(settings + row->offset))
            return row;
    return NULL;
}

int options_parse(const struct command *command, int argc, char **argv, void *settings,
                  int *operands, int *status)
{
    const struct option_row *missing;
    int count = 0, only_operands = 0;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--"))
            break;
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            options_help(command);
            *status = EXIT_DONE;
            return 0;
        }
    }
    for (int i = 1; i < argc; i++) {
        if (!only_operands && !strcmp(argv[i], "--")) {
            only_operands = 1;
        } else if (!only_operands && argv[i][0] == '-' && argv[i][1]) {
            *status = parse_option(command, argc, argv, &i, settings);
            if (*status)
                return 0;
        } else if (command->max_operands >= 0 && count == command->max_operands) {
            *status = usage_error(command, "\"%s\" is one argument too many", argv[i]);
            return 0;
        } else {
            argv[count++] = argv[i];
        }
    }
    missing = missing_row(command, settings);
    if (missing)
        *status = usage_error(command, "--%s %s is missing", missing->name, missing->meta);
    else if (count < command->min_operands)
        *status = usage_error(command, "wanted: unet %s %s", command->name, command->arguments);
    else {
        *operands = count;
        return 1;
    }
    return 0;
}

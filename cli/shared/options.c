/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c - the parser over the option tables
 *
 * Long options take their value as --name VALUE or --name=VALUE, short ones as -o VALUE or -oVALUE.
 * "--" ends the options.  Given twice, the last one counts.
 */
#include "shared/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/launcher.h"
#include "shared/say.h"

int usage_error(const struct command *command, const char *format, ...)
{
    va_list args;

    say_anyway(stderr, "unet %s: %s", command->name, ranks_blame());
    va_start(args, format);
    say_list(stderr, format, args);
    va_end(args);
    say_anyway(stderr, "; see unet %s --help\n", command->name);
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
        int inner = row->type == OPTION_TABLE || row->type == OPTION_TOPIC;

        if (inner && find_row(row->table, base + row->offset, name, length, letter, found))
            return 1;
        if (inner || row->type == OPTION_HEADING)
            continue;
        if (name ? strlen(row->name) == length && !memcmp(row->name, name, length)
                 : row->letter == letter) {
            *found = (struct found){row, base};
            return 1;
        }
    }
    return 0;
}

const struct option_row *option_find(const struct option_row *table, const char *name)
{
    struct found found;

    return find_row(table, 0, name, strlen(name), 0, &found) ? found.row : NULL;
}

/* Whether any text will do for a value. */
static int is_text(enum option_type type)
{
    return type == OPTION_STRING || type == OPTION_TWO || type == OPTION_ENVIRONMENT;
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
        return option_unknown(command, text, length);
    snprintf(shown, sizeof(shown), "%.*s", (int)(is_long ? length + 2 : 2), text);
    if (is_long && text[2 + length] == '=')
        value = text + 3 + length;
    else if (!is_long && text[2])
        value = text + 2;

    option_describe(found.row, wanted, sizeof(wanted));
    if (found.row->type == OPTION_FLAG) {
        if (value)
            return usage_error(command, "%s takes no value, found \"%s\"", shown, value);
    } else if (!value) {
        if (*at + 1 >= argc || (!strncmp(argv[*at + 1], "--", 2) && argv[*at + 1][2]))
            return usage_error(command, "%s: nothing follows it, wanted %s", shown,
                               is_text(found.row->type) ? found.row->meta : wanted);
        value = argv[++*at];
    }
    if (found.row->type == OPTION_TWO) {
        const char **place = (const char **)(settings + found.base + found.row->offset);

        if (*at + 1 >= argc || !*value || !*argv[*at + 1])
            return usage_error(command, "%s: two values wanted, %s", shown, found.row->meta);
        place[0] = value;
        place[1] = argv[++*at];
        return EXIT_DONE;
    }
    if (!option_store(found.row, value, settings + found.base + found.row->offset))
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
            const char *topic = i + 1 < argc && argv[i + 1][0] != '-' ? argv[i + 1] : NULL;

            *status = EXIT_DONE;
            if (!options_help(command, topic))
                *status = usage_error(command, "there is no help on \"%s\"", topic);
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
            *status = usage_error(command, "\"%s\" is one argument too many, wanted: unet %s %s",
                                  argv[i], command->name, command->arguments);
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

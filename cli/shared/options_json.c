/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options_json.c - the settings of a command as JSON, by its option table
 *
 * Every value is kept as the text that option_store() reads, so that one parser checks both; lists
 * of numbers are one text with commas.
 */
#include "shared/options_json.h"

#include <stdio.h>
#include <string.h>

#include "shared/options.h"

static size_t value_size(const struct option_row *row)
{
    switch (row->type) {
    case OPTION_LONG:
        return sizeof(long);
    case OPTION_FLOAT:
    case OPTION_DURATION:
    case OPTION_BYTES:
        return sizeof(double);
    case OPTION_FLOATS:
        return sizeof(struct float_list);
    case OPTION_STRING:
        return sizeof(const char *);
    case OPTION_TWO:
        return 2 * sizeof(const char *);
    case OPTION_SEED:
        return sizeof(uint64_t);
    case OPTION_SIZE:
        return 2 * sizeof(int);
    default:
        return sizeof(int);
    }
}

static json_t *list_text(const struct float_list *list)
{
    char text[FLOAT_LIST_MAX * 18] = "";
    size_t used = 0;

    for (int i = 0; i < list->count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.9g", i ? "," : "",
                                 (double)list->value[i]);
    return json_string(text);
}

static json_t *two_texts(const char *const *place)
{
    json_t *texts = json_array();

    for (int i = 0; i < 2; i++) /* a path need not be UTF-8 */
        json_array_append_new(texts, json_stringn_nocheck(place[i], strlen(place[i])));
    return texts;
}

static int take_two(const json_t *texts, const char **place)
{
    for (size_t i = 0; i < 2; i++)
        if (!(place[i] = json_string_value(json_array_get(texts, i))))
            return 0;
    return json_array_size(texts) == 2;
}

static json_t *value_text(const struct option_row *row, const void *place)
{
    const int *pair = place;
    char text[64] = "";

    switch (row->type) {
    case OPTION_FLAG:
        return json_boolean(*(const int *)place);
    case OPTION_INT:
        snprintf(text, sizeof(text), "%d", *(const int *)place);
        break;
    case OPTION_LONG:
        snprintf(text, sizeof(text), "%ld", *(const long *)place);
        break;
    case OPTION_FLOAT:
    case OPTION_DURATION:
    case OPTION_BYTES:
        snprintf(text, sizeof(text), "%.17g", *(const double *)place);
        break;
    case OPTION_SEED:
        snprintf(text, sizeof(text), "%llu", (unsigned long long)*(const uint64_t *)place);
        break;
    case OPTION_SIZE:
        snprintf(text, sizeof(text), "%dx%d", pair[0], pair[1]);
        break;
    case OPTION_TWO:
        return two_texts(place);
    case OPTION_FIELD:
        return json_string(said_text(place, row->field));
    case OPTION_CHOICE:
        return json_string(row->choices[*(const int *)place]);
    case OPTION_FLOATS:
        return list_text(place);
    default: /* a path need not be UTF-8 */
        return json_stringn_nocheck(*(const char *const *)place,
                                    strlen(*(const char *const *)place));
    }
    return json_string(text);
}

static int is_among(const char *name, const char *const *skip)
{
    for (; *skip; skip++)
        if (!strcmp(name, *skip))
            return 1;
    return 0;
}

static int has_rows(const struct option_row *row)
{
    return row->type == OPTION_TABLE || row->type == OPTION_TOPIC;
}

/* Whether an option was given. */
static int is_given(const struct option_row *row, const void *place, const void *untouched)
{
    if (row->type == OPTION_ENVIRONMENT) /* of where it runs, not of what it does */
        return 0;
    return row->type == OPTION_FIELD ? said_text(place, row->field) != NULL
                                     : memcmp(place, untouched, value_size(row)) != 0;
}

static int add_rows(json_t *object, const struct option_row *table, const char *settings,
                    const char *untouched, const char *const *skip)
{
    for (const struct option_row *row = table; row->type != OPTION_END; row++) {
        const char *place = settings + row->offset;

        if (has_rows(row)) {
            if (!add_rows(object, row->table, place, untouched + row->offset, skip))
                return 0;
        } else if (row->type != OPTION_HEADING && !is_among(row->name, skip) &&
                   is_given(row, place, untouched + row->offset) &&
                   json_object_set_new_nocheck(object, row->name, value_text(row, place))) {
            return 0;
        }
    }
    return 1;
}

json_t *options_to_json(const struct option_row *table, const void *settings, const void *untouched,
                        const char *const *skip)
{
    json_t *object = json_object();

    if (object && !add_rows(object, table, settings, untouched, skip)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* The row of a name, and where its settings are. */
static const struct option_row *find(const struct option_row *table, const char *name,
                                     char *settings, void **place)
{
    for (const struct option_row *row = table; row->type != OPTION_END; row++) {
        if (has_rows(row)) {
            const struct option_row *inner = find(row->table, name, settings + row->offset, place);

            if (inner)
                return inner;
        } else if (row->type != OPTION_HEADING && !strcmp(row->name, name)) {
            *place = settings + row->offset;
            return row;
        }
    }
    return NULL;
}

int options_from_json(const struct option_row *table, const json_t *object, void *settings,
                      char *problem, size_t size)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        void *place;
        const struct option_row *row = find(table, name, settings, &place);
        char wanted[160];

        if (!row) {
            snprintf(problem, size, "there is no option --%s", name);
            return 0;
        }
        if (row->type == OPTION_FLAG && json_is_boolean(value)) {
            *(int *)place = json_is_true(value);
        } else if (row->type == OPTION_TWO && take_two(value, place)) {
            continue;
        } else if (!json_is_string(value) || row->type == OPTION_FLAG || row->type == OPTION_TWO ||
                   !option_store(row, json_string_value(value), place)) {
            option_describe(row, wanted, sizeof(wanted));
            snprintf(problem, size, "%s is not %s", name, wanted);
            return 0;
        }
    }
    return 1;
}

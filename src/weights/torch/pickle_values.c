/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_values.c - what a pickle makes: values, and the cells of its lists
 *
 * Values and cells are two arrays that double when they are full.  Number 0 of both is taken from
 * the start: value 0 is None, cell 0 is the end of every chain.
 */
#include "weights/torch/pickle.h"

#include <stdlib.h>
#include <string.h>

static bool grow(void *array, uint32_t *room, uint32_t count, size_t item_bytes)
{
    if (count < *room)
        return true;
    if (count >= UN_PICKLE_MAX_VALUES)
        return false;
    uint32_t more = *room ? 2 * *room : 64;
    void *old, *made;
    memcpy(&old, array, sizeof old);
    made = realloc(old, more * item_bytes);
    if (!made)
        return false;
    memcpy(array, &made, sizeof made);
    *room = more;
    return true;
}

uint32_t un_pickle_add(struct un_pickle *pickle, struct un_pickle_value value)
{
    if (!grow(&pickle->values, &pickle->value_room, pickle->value_count, sizeof *pickle->values))
        return 0;
    pickle->values[pickle->value_count] = value;
    return pickle->value_count++;
}

bool un_pickle_append(struct un_pickle *pickle, uint32_t container, uint32_t item)
{
    if (!pickle->cell_count)
        pickle->cell_count = 1;
    if (!grow(&pickle->cells, &pickle->cell_room, pickle->cell_count, sizeof *pickle->cells))
        return false;
    uint32_t cell = pickle->cell_count++;
    pickle->cells[cell] = (struct un_pickle_cell){item, 0};
    struct un_pickle_value *value = &pickle->values[container];
    if (value->count++)
        pickle->cells[value->chain.last].next = cell;
    else
        value->chain.first = cell;
    value->chain.last = cell;
    return true;
}

void un_pickle_release(struct un_pickle *pickle)
{
    free(pickle->values);
    free(pickle->cells);
    *pickle = (struct un_pickle){0};
}

const struct un_pickle_value *un_pickle_item(const struct un_pickle *pickle,
                                             const struct un_pickle_value *value, uint32_t i)
{
    if (!value || (value->kind != UN_PICKLE_TUPLE && value->kind != UN_PICKLE_LIST) ||
        i >= value->count)
        return NULL;
    uint32_t cell = value->chain.first;
    for (; i > 0; i--)
        cell = pickle->cells[cell].next;
    return &pickle->values[pickle->cells[cell].value];
}

const struct un_pickle_value *un_pickle_get(const struct un_pickle *pickle,
                                            const struct un_pickle_value *value, const char *key)
{
    if (!value || value->kind != UN_PICKLE_DICT)
        return NULL;
    for (uint32_t cell = value->count ? value->chain.first : 0; cell;) {
        const struct un_pickle_cell *k = &pickle->cells[cell], *v = &pickle->cells[k->next];
        if (un_pickle_is_text(&pickle->values[k->value], key))
            return &pickle->values[v->value];
        cell = v->next;
    }
    return NULL;
}

bool un_pickle_is_text(const struct un_pickle_value *value, const char *text)
{
    return value && value->kind == UN_PICKLE_TEXT && value->count == strlen(text) &&
           !memcmp(value->text, text, value->count);
}

const char *un_pickle_kind_name(const struct un_pickle_value *value)
{
    static const char *const names[] = {
        [UN_PICKLE_NONE] = "None",      [UN_PICKLE_BOOL] = "a bool",
        [UN_PICKLE_INT] = "an integer", [UN_PICKLE_BIG_INT] = "a large integer",
        [UN_PICKLE_FLOAT] = "a number", [UN_PICKLE_TEXT] = "a text",
        [UN_PICKLE_BYTES] = "bytes",    [UN_PICKLE_TUPLE] = "a tuple",
        [UN_PICKLE_LIST] = "a list",    [UN_PICKLE_SET] = "a set",
        [UN_PICKLE_DICT] = "a dict",    [UN_PICKLE_GLOBAL] = "a type",
        [UN_PICKLE_OTHER] = "a type",   [UN_PICKLE_CLASS] = "a class",
        [UN_PICKLE_CALL] = "an object", [UN_PICKLE_PERSISTENT] = "a storage",
    };
    return value ? names[value->kind] : "nothing";
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.h - the fields of a struct as a table: what each is called, what it may be, and what it is
 *
 * Each struct that people set has one table, and a field stands in it once.  Checks, JSON in files,
 * unet_fields.h, the options of the command and its help read that row.
 */
#ifndef UN_FIELDS_H
#define UN_FIELDS_H

#include <stdbool.h>

#include "base/error.h"
#include "unet_fields.h"

/* What a table says of a field besides. */
enum {
    UN_FIELD_SPARSE = 1, /* files hold it only where it is not 0 */
    UN_FIELD_LOOSE = 2,  /* looked at only where it is used: un_fields_check() passes over it */
    UN_FIELD_FREE = 4    /* a training that goes on may have another value */
};

struct un_field {
    unet_field open; /* what programs see */
    size_t offset;
    int how;
};

struct un_fields {
    const struct un_field *rows;
    int count;
};

/* Rows of a table.  Each file with one defines ROW, the struct's type. */
#define UN_FIELD(field, kind, least, most, how, text)                                              \
    {                                                                                              \
        {.name = #field, .type = kind, .low = least, .high = most, .help = text},                  \
            offsetof(ROW, field), how                                                              \
    }
#define UN_FIELD_FLAG(field, how, text)                                                            \
    {                                                                                              \
        {.name = #field, .type = UNET_FIELD_FLAG, .high = 1, .words = un_yes_words, .help = text}, \
            offsetof(ROW, field), how                                                              \
    }
#define UN_FIELD_CHOICE(field, list, how, text)                                                    \
    {                                                                                              \
        {.name = #field,                                                                           \
         .type = UNET_FIELD_CHOICE,                                                                \
         .words = list,                                                                            \
         .high = sizeof list / sizeof *list - 2,                                                   \
         .help = text},                                                                            \
            offsetof(ROW, field), how                                                              \
    }

extern const char *const un_yes_words[]; /* no, yes */

/* The row of a name, in which - and _ are the same; NULL: there is none. */
const struct un_field *un_field_find(const struct un_fields *fields, const char *name);

/* The word for a value of a field that has words; NULL: a number, or out of range. */
const char *un_field_word(const struct un_field *field, int value);

/* The value of a field as a number (of a seed that is above 2^53: rounded). */
double un_field_number(const void *object, const struct un_field *field);

/* Whether it is 0, the first word, "no". */
bool un_field_is_zero(const void *object, const struct un_field *field);

/* UNET_EINVAL: "width is 0, wanted 1 to 1024". */
unet_code un_field_check(const void *object, const struct un_field *field, unet_error *err);
unet_code un_fields_check(const void *object, const struct un_fields *fields, unet_error *err);

/*
 * Sets a field of an object, of which the first size bytes are there, from text.
 * UNET_EINVAL: "norm: found "btch", wanted none, batch, instance or group".
 */
unet_code un_field_set(void *object, size_t size, const struct un_fields *fields, const char *name,
                       const char *text, unet_error *err);

/* The text that un_field_set() reads back to the same value.  UNET_EINVAL: no such field, or room
 * bytes are too few. */
unet_code un_field_get(const void *object, size_t size, const struct un_fields *fields,
                       const char *name, char *text, size_t room, unet_error *err);

/* What a field may be: "none, batch, instance or group", "a whole number, 1 to 1024". */
void un_field_wanted(const struct un_field *field, char *text, size_t size);

#endif

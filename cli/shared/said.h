/* SPDX-License-Identifier: Apache-2.0 */
/*
 * said.h - fields of the library that options set, as they were said
 *
 * An option that stands for a field of unet_fields.h takes its type, range, words and help from
 * there.  What was said is kept as text, and put into a struct when that is known.
 */
#ifndef SAID_H
#define SAID_H

#include <stddef.h>

#include "unet_fields.h"

/* A struct of the library that has fields. */
struct said_kind {
    const unet_field *(*field)(int i);
    /* whether the field can be text */
    unet_code (*check)(const char *field, const char *text);
};
extern const struct said_kind said_spec; /* unet_spec */

/* The field of this name, which must be there. */
const unet_field *said_field(const struct said_kind *kind, const char *name);

/* Zeroed: nothing. */
enum { SAID_MAX = 32 };
struct said {
    int count;
    struct {
        const char *field, *text; /* borrowed */
    } list[SAID_MAX];
};

/* Said twice, the last one counts.  0: text is not what the field may be. */
int said_put(struct said *said, const struct said_kind *kind, const char *field, const char *text);

/* NULL: nothing was said of this field. */
const char *said_text(const struct said *said, const char *field);

/* A name or a word as options spell it, with dashes. */
enum { SAID_WORD = 32 };
const char *said_word(const char *word, char text[SAID_WORD]);

#endif

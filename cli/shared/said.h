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
    /* as the functions of unet_fields.h */
    unet_code (*set)(void *object, const char *field, const char *text);
    unet_code (*get)(const void *object, const char *field, char *text, size_t size);
    void (*fresh)(void *object); /* the library's defaults */
};
extern const struct said_kind said_spec;    /* unet_spec */
extern const struct said_kind said_train;   /* unet_train_options */
extern const struct said_kind said_session; /* unet_session_options */

/* The field of this name, which must be there. */
const unet_field *said_field(const struct said_kind *kind, const char *name);

/* Zeroed: nothing. */
enum { SAID_MAX = 32, SAID_WORD = 32 };
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

/* Takes back what was said of a field. */
void said_drop(struct said *said, const char *field);

/* Puts all of it into an object. */
void said_apply(const struct said *said, const struct said_kind *kind, void *object);

/* A name or a word as options spell it, with dashes. */
const char *said_word(const char *word, char text[SAID_WORD]);

/* What a field is where nothing was said, as options spell it. */
const char *said_default(const struct said_kind *kind, const char *field, char text[SAID_WORD]);

#endif

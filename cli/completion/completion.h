/* SPDX-License-Identifier: Apache-2.0 */
/* completion.h - what a shell offers behind unet, from the tables of commands and options */
#ifndef COMPLETION_H
#define COMPLETION_H

#include "shared/cli.h"

/* What comes behind an option. */
enum completes {
    COMPLETES_NOTHING, /* it takes no value */
    COMPLETES_WORDS,   /* one of words */
    COMPLETES_FILES,
    COMPLETES_FOLDERS,
    COMPLETES_TEXT /* a number, or what nobody can foresee */
};

struct completion {
    const struct command *command;
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    const char *help; /* for a person */
    enum completes completes;
    int values;       /* how many arguments it takes */
    const char *meta; /* what the help calls them; NULL: nothing */
    int word_count;
    char words[32][SAID_WORD];
};

/* Calls print for each option of a command, --help last. */
void completion_each(const struct command *command, void (*print)(const struct completion *option));

/* Prints text with a backslash before each byte of special, as it stands between single quotes. */
void completion_quote(const char *text, const char *special);

/* Each prints a whole file for its shell. */
void completion_bash(void);
void completion_zsh(void);
void completion_fish(void);

#endif

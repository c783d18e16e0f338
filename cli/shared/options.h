/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - commands and their options: one table makes the parser and the help
 *
 * A command keeps its settings in a struct and describes them in a table of struct option_row; each
 * row says where in the struct its value goes.  A row of type OPTION_TABLE takes in the rows of
 * another table, so that commands share options.  The table ends with a row of zeros.
 *
 * In the help, a row without a help text is listed on the line of the row that follows it.  The
 * rows of an OPTION_TOPIC are one line there; "--help NAME" lists them.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "shared/said.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,       /* one line on stderr says why */
    EXIT_USAGE = 2,        /* the command line was wrong, nothing was touched */
    EXIT_INTERRUPTED = 130 /* Ctrl-C; what could be saved was saved */
};

enum option_type {
    OPTION_END,
    OPTION_HEADING,     /* help: a line above a group of options */
    OPTION_TABLE,       /* the rows of another table, their offsets counted from this row's */
    OPTION_TOPIC,       /* the same, but the help lists them only when asked for this name */
    OPTION_FLAG,        /* int, set to 1; takes no value */
    OPTION_INT,         /* int, low..high */
    OPTION_LONG,        /* long, low..high */
    OPTION_FLOAT,       /* double, low..high */
    OPTION_FLOATS,      /* struct float_list, each low..high: 1,0.5,2 */
    OPTION_STRING,      /* const char *, points into argv */
    OPTION_TWO,         /* const char *[2], of two arguments; point into argv */
    OPTION_CHOICE,      /* int, index into choices */
    OPTION_DURATION,    /* double, seconds: 40, 40s, 10m, 2h */
    OPTION_BYTES,       /* double: 500M, 2G, 1048576 */
    OPTION_SEED,        /* uint64_t */
    OPTION_FIELD,       /* struct said, a field of the library */
    OPTION_ENVIRONMENT, /* int, set to 1; the variable `field` of the environment gets the value */
    OPTION_SIZE         /* int[2], height and width, each low..high: 512x640, or 512 for a square */
};

#define FLOAT_LIST_MAX 256
struct float_list {
    int count;
    float value[FLOAT_LIST_MAX];
};

struct option_row {
    enum option_type type;
    const char *name; /* without the dashes; OPTION_HEADING: the line */
    char letter;      /* 'o' for -o; 0: none */
    int required;
    size_t offset;    /* of the value in the settings */
    double low, high; /* OPTION_FIELD: low alone, where the field's least is no wish but "none" */
    const char *const *choices;     /* ends with NULL */
    const struct option_row *table; /* of OPTION_TABLE */
    const struct said_kind *kind;   /* of OPTION_FIELD, whose type, range and words it has */
    const char *field;              /* of OPTION_FIELD, OPTION_ENVIRONMENT */
    const char *meta;               /* what the help calls the value: "DIR" */
    /* OPTION_FIELD: {} stands for the field's own help, {=} for its default, {other} for the
     * default of another field; "": {} */
    const char *help;
};

/*
 * Rows, one line each.  place is the offset of the value in the settings; each table has a macro
 * AT(field) for it.  help may be NULL, see above.
 */
#define OPT_HEADING(text)                                                                          \
    {                                                                                              \
        .type = OPTION_HEADING, .name = text                                                       \
    }
#define OPT_TABLE(place, rows)                                                                     \
    {                                                                                              \
        .type = OPTION_TABLE, .offset = place, .table = rows                                       \
    }
#define OPT_TOPIC(word, place, rows, text)                                                         \
    {                                                                                              \
        .type = OPTION_TOPIC, .name = word, .offset = place, .table = rows, .help = text           \
    }
#define OPT_FLAG(word, place, text)                                                                \
    {                                                                                              \
        .type = OPTION_FLAG, .name = word, .offset = place, .help = text                           \
    }
#define OPT_NUMBER(kind, word, place, least, most, value, text)                                    \
    {                                                                                              \
        .type = kind, .name = word, .offset = place, .low = least, .high = most, .meta = value,    \
        .help = text                                                                               \
    }
#define OPT_INT(word, place, least, most, value, text)                                             \
    OPT_NUMBER(OPTION_INT, word, place, least, most, value, text)
#define OPT_LONG(word, place, least, most, value, text)                                            \
    OPT_NUMBER(OPTION_LONG, word, place, least, most, value, text)
#define OPT_FLOAT(word, place, least, most, value, text)                                           \
    OPT_NUMBER(OPTION_FLOAT, word, place, least, most, value, text)
#define OPT_FLOATS(word, place, least, most, value, text)                                          \
    OPT_NUMBER(OPTION_FLOATS, word, place, least, most, value, text)
#define OPT_SIZE(word, place, least, most, value, text)                                            \
    OPT_NUMBER(OPTION_SIZE, word, place, least, most, value, text)
#define OPT_CHOICE(word, place, words, text)                                                       \
    {                                                                                              \
        .type = OPTION_CHOICE, .name = word, .offset = place, .choices = words, .help = text       \
    }
#define OPT_DURATION(word, place, value, text)                                                     \
    {                                                                                              \
        .type = OPTION_DURATION, .name = word, .offset = place, .meta = value, .help = text        \
    }
#define OPT_BYTES(word, place, value, text)                                                        \
    {                                                                                              \
        .type = OPTION_BYTES, .name = word, .offset = place, .meta = value, .help = text           \
    }
#define OPT_SEED(word, place, value, text)                                                         \
    {                                                                                              \
        .type = OPTION_SEED, .name = word, .offset = place, .meta = value, .help = text            \
    }
#define OPT_FIELD(word, place, of, called, value, text)                                            \
    {                                                                                              \
        .type = OPTION_FIELD, .name = word, .offset = place, .kind = of, .field = called,          \
        .meta = value, .help = text                                                                \
    }
#define OPT_FIELD_FROM(word, place, of, called, least, value, text)                                \
    {                                                                                              \
        .type = OPTION_FIELD, .name = word, .offset = place, .kind = of, .field = called,          \
        .low = least, .meta = value, .help = text                                                  \
    }
#define OPT_STRING(word, place, value, text)                                                       \
    {                                                                                              \
        .type = OPTION_STRING, .name = word, .offset = place, .meta = value, .help = text          \
    }
#define OPT_TWO(word, place, value, text)                                                          \
    {                                                                                              \
        .type = OPTION_TWO, .name = word, .offset = place, .meta = value, .help = text             \
    }
#define OPT_LETTER(key, word, place, value, text)                                                  \
    {                                                                                              \
        .type = OPTION_STRING, .name = word, .letter = key, .offset = place, .meta = value,        \
        .help = text                                                                               \
    }
/* Which mask is whose, the same in all commands that read both. */
#define OPT_PAIR(place)                                                                            \
    OPT_TWO("pair", place, "IMAGE MASK", "if names differ: '(.*)_x.tif' '\\1_y.gif'")
#define OPT_REQUIRED(key, word, place, value, text)                                                \
    {                                                                                              \
        .type = OPTION_STRING, .name = word, .letter = key, .required = 1, .offset = place,        \
        .meta = value, .help = text                                                                \
    }
#define OPT_ENVIRONMENT(word, place, variable, value, text)                                        \
    {                                                                                              \
        .type = OPTION_ENVIRONMENT, .name = word, .offset = place, .field = variable,              \
        .meta = value, .help = text                                                                \
    }
#define OPT_END                                                                                    \
    {                                                                                              \
        .type = OPTION_END                                                                         \
    }

struct command {
    const char *name;
    const char *arguments; /* as in the usage line: "MODEL IMAGE... -o MASK" */
    const char *summary;   /* half a line, in the list of commands */
    const char *about;     /* whole lines above the options; may be NULL */
    const struct option_row *options;
    int min_operands, max_operands; /* arguments that are no options; max < 0: any number */
    int (*run)(const struct command *command, int argc, char **argv);
};

/*
 * Reads argv[1..argc-1] into settings.  Operands are moved to argv[0..*operands-1].  Returns 1 when
 * the command shall go on; else 0, and the command returns *status: help was asked for and printed,
 * or something was wrong and one line on stderr says what was found and what is wanted.
 */
int options_parse(const struct command *command, int argc, char **argv, void *settings,
                  int *operands, int *status);

/* The row of an option, also of the tables that table takes in; NULL: there is none. */
const struct option_row *option_find(const struct option_row *table, const char *name);

/* Prints the help of a command on stdout, or of one of its topics; topic may be NULL.  0: there is
 * no such topic. */
int options_help(const struct command *command, const char *topic);

/* Prints the manual page of a command on stdout, in roff. */
void options_man(const struct command *command);

/* Writes the help of a row that has one into text. */
void option_help(const struct option_row *row, char *text, size_t size);

/* Prints "unet COMMAND: text; see unet COMMAND --help" on stderr and returns EXIT_USAGE. */
int usage_error(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What was most likely meant by word; NULL: nothing is near.  Call it for each candidate. */
struct nearest {
    const char *word, *best;
    size_t distance;
};
void nearest_try(struct nearest *nearest, const char *candidate);

/* ---- option_values.c: the values of options, for the parser ---- */

/* Writes what a row wants into text: "a whole number 1..64". */
void option_describe(const struct option_row *row, char *text, size_t size);

/* Stores the value of a row at place; 0: the text is not what the row wants. */
int option_store(const struct option_row *row, const char *text, void *place);

/* ---- option_hints.c: what was meant by an option that a command does not have ---- */

/* text: as on the command line, length: of the name in it.  Says it on stderr; EXIT_USAGE. */
int option_unknown(const struct command *command, const char *text, size_t length);

#endif

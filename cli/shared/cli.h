/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h - what all commands share: their table, their common options, how they fail */
#ifndef CLI_H
#define CLI_H

#include "shared/options.h"
#include "unet.h"

extern const struct command command_init, command_info, command_train, command_predict,
    command_eval, command_demo, command_convert, command_check, command_augment, command_masks,
    command_studio, command_completion;
extern const struct command *const commands[]; /* all of them, command_count */
extern const int command_count;

/* --threads, --device, --seed, --quiet, --json: the last rows of each command's table take them in.
 */
struct common_settings {
    int threads; /* 0: one per core */
    uint64_t seed;
    int quiet;
    int json;
    int device; /* it was said here, not in the environment */
};
extern const struct option_row common_options[];

/* Prints "unet: ", the error and the options that would help on stderr; returns EXIT_FAILED. */
int fail(const unet_error *err);
int fail_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* fail_text() for when malloc() returned NULL. */
int fail_memory(void);

/* Appends the options that a library's UNET_HINT_* stand for: " (--labels)". */
void add_hints(unsigned int hints, char *text, size_t size);

/* Fills *err with an error of the command's own, and returns code.  err may be NULL. */
unet_code set_error(unet_error *err, unet_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Flushes stdout; EXIT_FAILED (and says so) when something printed could not be written. */
int finish_output(int status);

/* ---- interrupt.c ---- */

/*
 * Signals: the first Ctrl-C asks to finish, the second one ends the program at once; a file that
 * is cut while it is read is a failure.
 */

/* From now on SIGINT and SIGTERM only set a flag, the first time. */
void interrupt_watch(void);

/* 1 when such a signal has come. */
int interrupted(void);

/* From now on the loss of mapped bytes (SIGBUS), which the library sees in all but a few moments,
 * is told and ends the program with EXIT_FAILED. */
void interrupt_watch_files(void);

#endif

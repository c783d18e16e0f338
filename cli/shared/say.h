/* SPDX-License-Identifier: Apache-2.0 */
/* say.h - the one way to the terminal */
#ifndef SAY_H
#define SAY_H

#include <stdarg.h>
#include <stdio.h>

/*
 * As fprintf(), but what the arguments bring along can do nothing to a terminal or to the lines
 * around it: control bytes, bytes that are no UTF-8, and marks that turn the direction of writing
 * are shown as \x1b or \u202e.  Those of the format itself go out as they are.  So names of files
 * and classes and texts out of files can be given as they come.
 */
int say(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int say_list(FILE *out, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* From now on what is said to stdout and stderr goes there instead; NULL: to them again.  Of
 * what this thread says. */
void say_into(FILE *out, FILE *err);
FILE *say_where(FILE *out);

#endif

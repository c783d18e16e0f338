/* SPDX-License-Identifier: Apache-2.0 */
/* option_values.h - the values of options, for the parser */
#ifndef OPTION_VALUES_H
#define OPTION_VALUES_H

#include "shared/options.h"

/* Writes what a row wants into text: "a whole number 1..64". */
void option_describe(const struct option_row *row, char *text, size_t size);

/* Stores the value of a row at place; 0: the text is not what the row wants. */
int option_store(const struct option_row *row, const char *text, void *place);

#endif

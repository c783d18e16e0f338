/* SPDX-License-Identifier: Apache-2.0 */
/* option_hints.h - what was meant by an option that a command does not have */
#ifndef OPTION_HINTS_H
#define OPTION_HINTS_H

#include "shared/options.h"

/* text: as on the command line, length: of the name in it.  Says it on stderr; EXIT_USAGE. */
int option_unknown(const struct command *command, const char *text, size_t length);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* decimal.h - numbers as text, with a decimal point whatever the program's locale says */
#ifndef UN_DECIMAL_H
#define UN_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads a plain decimal number ("-0.5", "1e-3"; no spaces, no hexadecimal, not "inf" or "nan") from
 * the start of text; *end is what follows it.  false: there is none, or it is not finite.
 */
bool un_decimal_read(const char *text, const char **end, double *value);

enum { UN_DECIMAL_TEXT = 32 }; /* bytes that are always enough */

/* Writes the fewest digits that read back as the same float (single) or double. */
void un_decimal_write(double value, bool single, char text[UN_DECIMAL_TEXT]);

#endif

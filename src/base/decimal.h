/* SPDX-License-Identifier: Apache-2.0 */
/* decimal.h - numbers as text, the same whatever locale the host program has set */
#ifndef UN_DECIMAL_H
#define UN_DECIMAL_H

#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __APPLE__
#include <xlocale.h>
#endif

/*
 * Reads the number that text begins with, as strtod() would under the "C" locale: rounded to the
 * nearest double, with spaces before it, "inf" and "nan" taken.  Returns what follows the number;
 * text itself, and 0 in *value, where there is none.
 */
const char *un_decimal_read(const char *text, double *value);

/*
 * Reads a plain number ("-0.5", "1e-3"; no spaces, no hexadecimal, not "inf" or "nan") from the
 * start of text; *end is what follows it.  false: there is none, or it is not finite.
 */
bool un_decimal_read_plain(const char *text, const char **end, double *value);

/* Prints with a point, as "%.*g" would under the "C" locale.  Returns the length as snprintf(). */
int un_decimal_print(char *text, size_t size, int digits, double value);

/* The fewest digits that read back as the same float.  Returns the length as snprintf(). */
int un_decimal_print_float(char *text, size_t size, float value);

enum { UN_DECIMAL_TEXT = 32 }; /* bytes that are always enough */

/* The fewest digits that read back as the same float (single) or double; whole numbers without an
 * exponent while they are exact. */
void un_decimal_write(double value, bool single, char text[UN_DECIMAL_TEXT]);

/* Numbers as un_decimal_write() has floats, with commas between; cut at size bytes. */
void un_decimal_list(char *text, size_t size, const float *values, size_t count);

/* vsnprintf() and snprintf() under the "C" locale, for texts in which a number is one of several
 * things. */
int un_decimal_vformat(char *text, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
int un_decimal_format(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Order of names as people count: runs of digits compare as numbers. */
int un_natural_compare(const char *a, const char *b);

/*
 * From begin to end this thread, and no other, has the "C" locale: around calls of a library that
 * reads or prints numbers.  Nothing else may be done between the two.
 */
struct un_plain {
    locale_t ours, before;
};
struct un_plain un_plain_begin(void);
void un_plain_end(struct un_plain plain);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host program may have set any locale, and strtod() then stops at the point of "1e-5" or "0.325"
 * and printing writes a comma.  So all numbers of the library are read and printed here, under the
 * "C" locale of this thread alone: uselocale() touches no other thread, and newlocale("C") is a
 * constant of the C library, not an allocation.
 */
#include "base/decimal.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

struct un_plain un_plain_begin(void)
{
    struct un_plain plain = {.ours = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    if (plain.ours)
        plain.before = uselocale(plain.ours);
    return plain;
}

void un_plain_end(struct un_plain plain)
{
    if (!plain.ours)
        return;
    uselocale(plain.before);
    freelocale(plain.ours);
}

const char *un_decimal_read(const char *text, double *value)
{
    char *end;
    struct un_plain plain = un_plain_begin();
    *value = strtod(text, &end);
    un_plain_end(plain);
    return end;
}

int un_decimal_vformat(char *text, size_t size, const char *format, va_list args)
{
    struct un_plain plain = un_plain_begin();
    int length = vsnprintf(text, size, format, args);
    un_plain_end(plain);
    return length;
}

int un_decimal_format(char *text, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = un_decimal_vformat(text, size, format, args);
    va_end(args);
    return length;
}

int un_decimal_print(char *text, size_t size, int digits, double value)
{
    return un_decimal_format(text, size, "%.*g", digits, value);
}

int un_decimal_print_float(char *text, size_t size, float value)
{
    int length = 0;
    for (int digits = 1; digits <= FLT_DECIMAL_DIG; digits++) {
        double back;
        length = un_decimal_print(text, size, digits, (double)value);
        un_decimal_read(text, &back);
        if ((float)back == value)
            break;
    }
    return length;
}

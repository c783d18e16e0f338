/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C library reads and writes decimal numbers exactly, but with the comma of the user's locale.
 * So it is asked in the locale "C", which is set for this thread alone and only during the call.
 */
#include "base/decimal.h"

#include <ctype.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plain {
    locale_t made, before;
};

static struct plain enter(void)
{
    struct plain plain = {newlocale(LC_ALL_MASK, "C", (locale_t)0), (locale_t)0};
    if (plain.made)
        plain.before = uselocale(plain.made);
    return plain;
}

static void leave(struct plain plain)
{
    if (!plain.made)
        return;
    uselocale(plain.before);
    freelocale(plain.made);
}

bool un_decimal_read(const char *text, const char **end, double *value)
{
    if (!text[0] || (!isdigit((unsigned char)text[0]) && !strchr("+-.", text[0])))
        return false;
    if (strpbrk(text, "xXnN"))
        return false;
    char *stop;
    struct plain plain = enter();
    double found = strtod(text, &stop);
    leave(plain);
    if (stop == text || !isfinite(found))
        return false;
    *end = stop;
    *value = found;
    return true;
}

void un_decimal_write(double value, bool single, char text[UN_DECIMAL_TEXT])
{
    const int most = single ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    struct plain plain = enter();
    if (value == floor(value) && fabs(value) < (single ? 1e7 : 1e15))
        snprintf(text, UN_DECIMAL_TEXT, "%.0f", value);
    else
        for (int digits = 1; digits <= most; digits++) {
            snprintf(text, UN_DECIMAL_TEXT, "%.*g", digits, value);
            double back = strtod(text, NULL);
            if (single ? (float)back == (float)value : back == value)
                break;
        }
    leave(plain);
}

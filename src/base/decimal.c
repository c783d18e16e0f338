/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host program may have set any locale, and strtod() then stops at the point of "1e-5" or "0.325"
 * and printing writes a comma.  So all numbers of the library are read and printed here, under the
 * "C" locale of this thread alone: uselocale() touches no other thread, and newlocale("C") is a
 * constant of the C library, not an allocation.
 */
#include "base/decimal.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool un_decimal_read_plain(const char *text, const char **end, double *value)
{
    if (!text[0] || (!isdigit((unsigned char)text[0]) && !strchr("+-.", text[0])))
        return false;
    if (strpbrk(text, "xXnN"))
        return false;
    double found;
    const char *stop = un_decimal_read(text, &found);
    if (stop == text || !isfinite(found))
        return false;
    *end = stop;
    *value = found;
    return true;
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

void un_decimal_write(double value, bool single, char text[UN_DECIMAL_TEXT])
{
    const int most = single ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    double back = 0;
    if (value == floor(value) && fabs(value) < (single ? 1e7 : 1e15)) {
        un_decimal_format(text, UN_DECIMAL_TEXT, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= most; digits++) {
        un_decimal_print(text, UN_DECIMAL_TEXT, digits, value);
        un_decimal_read(text, &back);
        if (single ? (float)back == (float)value : back == value)
            break;
    }
}

void un_decimal_list(char *text, size_t size, const float *values, size_t count)
{
    char number[UN_DECIMAL_TEXT];
    size_t n = 0;
    text[0] = 0;
    for (size_t i = 0; i < count && n < size; i++) {
        un_decimal_write((double)values[i], true, number);
        n += (size_t)snprintf(text + n, size - n, "%s%s", i ? "," : "", number);
    }
}

int un_natural_compare(const char *a, const char *b)
{
    const char *p = a, *q = b;
    while (*p && *q) {
        if (isdigit((unsigned char)*p) && isdigit((unsigned char)*q)) {
            p += strspn(p, "0");
            q += strspn(q, "0");
            size_t n = strspn(p, "0123456789"), m = strspn(q, "0123456789");
            int order = n != m ? (n < m ? -1 : 1) : memcmp(p, q, n);
            if (order)
                return order;
            p += n;
            q += m;
        } else if (*p != *q) {
            return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
        } else {
            p++;
            q++;
        }
    }
    return *p ? 1 : *q ? -1 : strcmp(a, b); /* 07 and 7 are still two names */
}

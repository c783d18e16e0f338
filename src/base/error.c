/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

/* File names may hold anything; a message is one printable line, and does not end in the middle of
 * a UTF-8 character where it was cut. */
static void make_printable(char *text, size_t size)
{
    size_t end = strlen(text);
    if (end == size - 1) {
        while (end > 0 && ((unsigned char)text[end - 1] & 0xC0) == 0x80)
            end--;
        if (end > 0 && (unsigned char)text[end - 1] >= 0xC0)
            end--;
        text[end] = 0;
    }
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
}

static unet_code fail(unet_error *err, unet_code code, unsigned int hints, const char *tail,
                      const char *format, va_list args)
{
    if (!err)
        return code;
    unet_error made = {.code = code, .hints = hints};
    int n = un_decimal_vformat(made.text, sizeof made.text, format, args);
    if (tail && n >= 0 && (size_t)n < sizeof made.text)
        snprintf(made.text + n, sizeof made.text - (size_t)n, ": %s", tail);
    make_printable(made.text, sizeof made.text);
    *err = made; /* at the end: the arguments may point into *err */
    return code;
}

unet_code un_fail(unet_error *err, unet_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(err, code, 0, NULL, format, args);
    va_end(args);
    return code;
}

unet_code un_fail_hint(unet_error *err, unet_code code, unsigned int hints, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(err, code, hints, NULL, format, args);
    va_end(args);
    return code;
}

unet_code un_fail_again(unet_error *err, const unet_error *why)
{
    if (err)
        *err = *why;
    return why->code;
}

unet_code un_fail_errno(unet_error *err, const char *format, ...)
{
    char reason[128];
    unet_code code = errno == ENOMEM ? UNET_ENOMEM : UNET_EIO;
    snprintf(reason, sizeof reason, "%s", strerror(errno));
    va_list args;
    va_start(args, format);
    fail(err, code, 0, reason, format, args);
    va_end(args);
    return code;
}

const char *un_bytes_text(double bytes, char text[24])
{
    static const char *const units[] = {"MB", "GB", "TB", "PB", "EB"};
    double size = bytes / 1e6;
    int unit = 0;
    for (; size >= 999.95 && unit < 4; unit++)
        size /= 1000;
    un_decimal_format(text, 24, "%.1f %s", size, units[unit]);
    return text;
}

unet_code un_fail_memory(unet_error *err, size_t bytes, const char *what)
{
    char text[24];
    return un_fail(err, UNET_ENOMEM, "%s: not enough memory for %s", what,
                   un_bytes_text((double)bytes, text));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * say.c - the one way to the terminal
 *
 * Which of the control bytes in a finished line are the format's?  Those that are still there when
 * the format's are others: each is put there as a byte that the line does not have otherwise.
 */
#include "shared/say.h"

#include <stdlib.h>
#include <string.h>

/* The length of the character at text and its number; 0: no UTF-8. */
static int decode(const unsigned char *text, unsigned *number)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    int length = *text < 0x80 ? 1 : *text < 0xC0 ? 0 : *text < 0xE0 ? 2 : *text < 0xF0 ? 3 : 4;

    if (!length || *text > 0xF4)
        return 0;
    *number = length == 1 ? *text : *text & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        *number = *number << 6 | (text[i] & 0x3Fu);
    }
    return *number < least[length] || *number > 0x10FFFF || (*number >> 11) == 0x1B ? 0 : length;
}

/* Control characters, line ends of Unicode, and what changes the direction of writing. */
static int is_plain(unsigned c)
{
    return c >= 0x20 && (c < 0x7F || c > 0x9F) && (c < 0x200E || c > 0x200F) &&
           (c < 0x2028 || c > 0x202E) && (c < 0x2066 || c > 0x2069) && c != 0xFEFF;
}

/* Whether there is nothing to clean but line ends and tabs, as many as the format has. */
static int is_clean(const char *text, const char *format)
{
    long ours = 0, found = 0;
    unsigned c;

    for (; *format; format++)
        ours += *format == '\n' || *format == '\t';
    for (int length; *text; text += length) {
        if (!(length = decode((const unsigned char *)text, &c)))
            return 0;
        if (*text == '\n' || *text == '\t')
            found++;
        else if (!is_plain(c))
            return 0;
    }
    return found == ours;
}

/* A byte below 32 that text has not, nor format; the two marks differ.  0: it has all. */
static char unused(const char *text, const char *format, char other)
{
    for (char c = 1; c < 32; c++)
        if (c != '\n' && c != '\t' && c != other && !strchr(text, c) && !strchr(format, c))
            return c;
    return 0;
}

static void replace(char *text, char from, char to)
{
    for (; from && *text; text++)
        if (*text == from)
            *text = to;
}

static void put_clean(FILE *out, const char *text, char line_end, char tab)
{
    unsigned c;

    for (int length; *text; text += length) {
        length = decode((const unsigned char *)text, &c);
        if (*text == line_end)
            putc('\n', out);
        else if (*text == tab)
            putc('\t', out);
        else if (length && is_plain(c))
            fwrite(text, 1, (size_t)length, out);
        else if (length && c >= 0x80)
            fprintf(out, "\\u%04x", c);
        else
            fprintf(out, "\\x%02x", (unsigned char)*text);
        length += !length;
    }
}

/* 0: no memory. */
static int say_marked(FILE *out, const char *format, const char *text, va_list args)
{
    const char line_end = unused(text, format, 0), tab = unused(text, format, line_end);
    char *marked = strdup(format), *made = NULL;
    int ok;

    if (marked) {
        replace(marked, '\n', line_end);
        replace(marked, '\t', tab);
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    ok = marked && vasprintf(&made, marked, args) >= 0;
#pragma GCC diagnostic pop
    if (ok)
        put_clean(out, made, line_end, tab);
    if (ok)
        free(made);
    free(marked);
    return ok;
}

/* Where stdout and stderr go instead; NULL: nowhere else. */
static _Thread_local FILE *into[2];

void say_into(FILE *out, FILE *err)
{
    into[0] = out;
    into[1] = err;
}

FILE *say_where(FILE *out)
{
    FILE *other = out == stdout ? into[0] : out == stderr ? into[1] : NULL;

    return other ? other : out;
}

int say_list(FILE *out, const char *format, va_list args)
{
    va_list again;
    char *text;
    int length;

    out = say_where(out);
    va_copy(again, args);
    length = vasprintf(&text, format, args);
    if (length >= 0 && is_clean(text, format))
        fputs(text, out);
    else if (length >= 0 && !say_marked(out, format, text, again))
        length = -1;
    if (length >= 0)
        free(text);
    va_end(again);
    return length;
}

int say(FILE *out, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = say_list(out, format, args);
    va_end(args);
    return length;
}

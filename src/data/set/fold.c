/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold.c - names without what programs and people change on the way
 *
 *     Zelle-01, zelle_01, Zelle 01, "Zelle.01 "         zelle01
 *     Müller (NFC) and Müller (NFD, as macOS writes)    muller
 *     1a2b3c4d-cell.png (Label Studio)                  cell
 *
 * A gap stays, as '_', between two digits alone: 1_12 is not 11_2.  Accents are left out, also
 * those of kana and Cyrillic; Hangul is taken apart into its letters.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/pairs_rules.h"

/* The letters without their accents of U+00C0 .. U+017F; '.': as it is. */
static const char latin[] = "aaaaaa.ceeeeiiii.nooooo..uuuuy..aaaaaa.ceeeeiiii.nooooo..uuuuy.y"
                            "aaaaaaccccccccdd..eeeeeeeeeegggggggghh..iiiiiiiii...jjkk.llllll."
                            "...nnnnnn...oooooo..rrrrrrsssssssstttt..uuuuuuuuuuuuwwyyyzzzzzz.";

/* The same of U+1E00 .. U+1EF9, most of them Vietnamese. */
static const char latin_more[] =
    "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooo"
    "pppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy......aaaaaaaa"
    "aaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy";

/* Voiced kana follow those that they come from, some by two; these are the first of such rows. */
static bool is_voiced(uint32_t c)
{
    if (c >= 0x30a1)
        c -= 0x60; /* katakana as hiragana */
    if (c == 0x3094)
        return true;
    return (c >= 0x304c && c <= 0x3062 && !(c & 1)) || (c >= 0x3065 && c <= 0x3069 && (c & 1)) ||
           (c >= 0x3070 && c <= 0x307d && (c - 0x306f) % 3);
}

static uint32_t plain_kana(uint32_t c)
{
    uint32_t shift = c >= 0x30a1 ? 0x60 : 0;
    if (!is_voiced(c))
        return c;
    if (c - shift == 0x3094)
        return 0x3046 + shift;
    return c - shift >= 0x3070 ? c - (c - shift - 0x306f) % 3 : c - 1;
}

/* Capitals and accents of Greek and Cyrillic. */
static uint32_t plain_greek_cyrillic(uint32_t c)
{
    static const struct {
        uint16_t from, to;
    } accents[] = {{0x386, 0x3b1}, {0x388, 0x3b5}, {0x389, 0x3b7}, {0x38a, 0x3b9}, {0x38c, 0x3bf},
                   {0x38e, 0x3c5}, {0x38f, 0x3c9}, {0x3ac, 0x3b1}, {0x3ad, 0x3b5}, {0x3ae, 0x3b7},
                   {0x3af, 0x3b9}, {0x3cc, 0x3bf}, {0x3cd, 0x3c5}, {0x3ce, 0x3c9}, {0x419, 0x438},
                   {0x439, 0x438}, {0x401, 0x435}, {0x451, 0x435}, {0x407, 0x456}, {0x457, 0x456}};
    for (size_t i = 0; i < sizeof accents / sizeof *accents; i++)
        if (accents[i].from == c)
            return accents[i].to;
    if ((c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
        return c + 0x20;
    return c >= 0x400 && c <= 0x40f ? c + 0x50 : c;
}

static uint32_t plain(uint32_t c)
{
    char letter = c < 0x80 ? (char)tolower((int)c) : '.';
    if (c >= 0xc0 && c < 0x180)
        letter = latin[c - 0xc0];
    else if (c >= 0x1e00 && c < 0x1efa)
        letter = latin_more[c - 0x1e00];
    if (letter != '.')
        return (uint32_t)(unsigned char)letter;
    if (c >= 0x380 && c < 0x460)
        return plain_greek_cyrillic(c);
    if (c >= 0xc0 && c <= 0xde) /* Æ, Ø */
        return c + 0x20;
    return c >= 0x3040 && c < 0x3100 ? plain_kana(c) : c;
}

static bool is_accent(uint32_t c)
{
    return (c >= 0x300 && c < 0x370) || c == 0x3099 || c == 0x309a;
}

static bool is_gap(uint32_t c)
{
    return c == '_' || c == '-' || c == ' ' || c == '.' || c == 0xa0 || c == 0x3000;
}

/* The next character; a byte that is no UTF-8 stands for itself, above all characters. */
static uint32_t next(const unsigned char **text)
{
    const unsigned char *p = *text;
    int more = *p < 0xc2 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : *p < 0xf5 ? 3 : 0;
    uint32_t c = more ? *p & (0x3fu >> more) : *p;
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            more = 0;
            c = *p;
            break;
        }
        c = c << 6 | (p[i] & 0x3f);
    }
    *text += more + 1;
    return !more && *p >= 0x80 ? 0x110000 + c : c;
}

/* Writes a character as three bytes, of which none is 0 or '_', or as itself. */
static char *put(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    for (int shift = 14; shift >= 0; shift -= 7)
        *to++ = (char)(0x80 | (c >> shift & 0x7f));
    return to;
}

/* A Hangul syllable is its two or three letters. */
static char *put_letters(char *to, uint32_t c)
{
    uint32_t s = c - 0xac00;
    if (c < 0xac00 || s >= 19 * 21 * 28)
        return put(to, c);
    to = put(put(to, 0x1100 + s / 588), 0x1161 + s % 588 / 28);
    return s % 28 ? put(to, 0x11a7 + s % 28) : to;
}

/* Behind what Label Studio puts before the names of uploaded files; a date is none. */
static const char *without_upload(const char *name)
{
    bool hash = strspn(name, "0123456789abcdef") == 8 && strcspn(name, "abcdef") < 8 &&
                strcspn(name, "0123456789") < 8;
    return hash && name[8] == '-' && name[9] ? name + 9 : name;
}

char *un_fold_name(const char *name)
{
    const unsigned char *from = (const unsigned char *)without_upload(name);
    char *folded = malloc(9 * strlen(name) + 1), *to = folded;
    bool gap = false, digit = false;
    while (folded && *from) {
        uint32_t c = next(&from);
        if (is_accent(c))
            continue;
        if (is_gap(c)) {
            gap = true;
            continue;
        }
        c = plain(c);
        bool number = c >= '0' && c <= '9';
        if (gap && digit && number)
            *to++ = '_';
        to = put_letters(to, c);
        gap = false;
        digit = number;
    }
    if (folded)
        *to = 0;
    return folded;
}

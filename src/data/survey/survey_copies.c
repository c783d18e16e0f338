/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_copies.c - images that belong together by words and letters of their names, and images
 * that are another one turned
 *
 *   cell1, cell1_flip, cell1_rot90, cell1_aug3   copies, where cell1 is an image or has a number
 *   patient00_sliceA, patient00_sliceB           a letter that counts, of many things alike
 *   slide0_y96_x112                              numbers that are named as places
 *
 * A copy that is turned or mirrored is told by its thumbnail, under any name: with less of a
 * likeness where its name begins with the other's.  What is like itself when turned, as the light
 * of a lamp in the middle, says nothing.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/survey/survey.h"

enum {
    SIDE = UN_SURVEY_THUMB,
    TURNS = 8,
    PARTS = 8, /* squares of a thumbnail in a row, for rings that no turn moves */
    RINGS = PARTS / 2 * (PARTS / 2 + 1) / 2,
    LONGEST = 3
};

static const double same = 0.9995;     /* correlation, as of twins */
static const double same_named = 0.97; /* where the name says so, too */

/* ---- names ---- */

static int length_of(const char *name)
{
    return (int)un_stem_size(name);
}

/* In what of a path is the name. */
static bool has_digit(const char *text, int length)
{
    for (int i = length; i > 0 && text[i - 1] != '/'; i--)
        if (isdigit((unsigned char)text[i - 1]))
            return true;
    return false;
}

/* Whether text[length] is a word of those that copies are called by, and perhaps a number. */
static bool is_copy_word(const char *text, int length)
{
    static const char *const words[] = {
        "aug",   "augmented", "blur",     "bright",  "brightness", "contrast", "copy",
        "crop",  "elastic",   "flip",     "flipped", "fliph",      "fliplr",   "flipud",
        "flipv", "gamma",     "hflip",    "jitter",  "mirror",     "mirrored", "noise",
        "noisy", "orig",      "original", "rot",     "rotate",     "rotated",  "shear",
        "shift", "transpose", "vflip",    "zoom",
    };
    int letters = length;
    while (letters && isdigit((unsigned char)text[letters - 1]))
        letters--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((size_t)letters == strlen(words[i]) && !strncasecmp(text, words[i], (size_t)letters))
            return true;
    return false;
}

/* Where the last word of text[length] begins, behind a divider; 0: there is none. */
static int last_word(const char *text, int length)
{
    int at = length;
    while (at && isalnum((unsigned char)text[at - 1]))
        at--;
    return at;
}

/* The length of what a name has before the words of a copy; its own where it has none. */
static int stem_of(const char *name)
{
    int length = length_of(name);
    for (int at; (at = last_word(name, length)) > 1; length = at - 1) {
        const int before = last_word(name, at - 1);
        if (is_copy_word(name + at, length - at))
            continue;
        if (before > 1 && length - at <= LONGEST &&
            strspn(name + at, "0123456789") >= (size_t)(length - at) &&
            is_copy_word(name + before, at - 1 - before))
            at = before;
        else
            break;
    }
    return length;
}

static bool begins_with(const char *name, const char *other, int length)
{
    return !strncmp(name, other, (size_t)length);
}

/* Joins i, whose name has the words of a copy, with an image of the same stem. */
static void join_named(const unet_survey *survey, const int *stems, int i, int *group)
{
    const char *name = un_survey_name(survey, i);
    const bool numbered = has_digit(name, stems[i]);
    for (int j = 0; j < survey->files.count; j++) {
        const char *other = un_survey_name(survey, j);
        if (j == i || stems[j] != stems[i] || !begins_with(name, other, stems[i]) ||
            (!numbered && length_of(other) != stems[j]))
            continue;
        un_survey_join(survey, group, i, j);
        return;
    }
}

/* ---- turned ---- */

static int turned_at(int turn, int y, int x)
{
    const int row = turn & 1 ? SIDE - 1 - y : y, column = turn & 2 ? SIDE - 1 - x : x;
    return turn & 4 ? column * SIDE + row : row * SIDE + column;
}

static double likeness(const float *a, const float *b, int turn)
{
    double sum = 0;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            sum += (double)a[y * SIDE + x] * (double)b[turned_at(turn, y, x)];
    return sum;
}

/* Sums over squares that turns put in each other's place: no two thumbnails are further apart in
 * these than in any turn. */
static void make_rings(const float *thumb, float rings[RINGS])
{
    enum { SQUARE = SIDE / PARTS };
    float members[RINGS] = {0};
    memset(rings, 0, RINGS * sizeof *rings);
    for (int i = 0; i < SIDE * SIDE; i++) {
        const int y = i / SIDE / SQUARE, x = i % SIDE / SQUARE;
        const int row = y < PARTS - 1 - y ? y : PARTS - 1 - y;
        const int column = x < PARTS - 1 - x ? x : PARTS - 1 - x;
        const int low = row < column ? row : column, high = row < column ? column : row;
        rings[high * (high + 1) / 2 + low] += thumb[i];
        members[high * (high + 1) / 2 + low]++;
    }
    for (int i = 0; i < RINGS; i++)
        rings[i] /= sqrtf(members[i]);
}

/* Whether a name is another one and more behind a divider. */
static bool is_longer(const char *name, const char *other)
{
    const int length = length_of(other);
    return length_of(name) > length && begins_with(name, other, length) &&
           !isalnum((unsigned char)name[length]);
}

static bool are_turned(const unet_survey *survey, int i, int j, const float *rings)
{
    const float *a = survey->items[i].thumb, *b = survey->items[j].thumb;
    const char *name = un_survey_name(survey, i), *other = un_survey_name(survey, j);
    const double gap = un_survey_apart(rings + (size_t)i * RINGS, rings + (size_t)j * RINGS, RINGS);
    if (gap > 2 - 2 * same_named)
        return false;
    const double least = is_longer(name, other) || is_longer(other, name) ? same_named : same;
    for (int turn = 1; gap <= 2 - 2 * least && turn < TURNS; turn++)
        if (likeness(a, b, turn) >= least && likeness(a, a, turn) < 2 * least - 1)
            return true;
    return false;
}

unet_code un_survey_join_copies(const unet_survey *survey, int *group, unet_error *err)
{
    const int count = survey->files.count;
    const size_t room = (size_t)count + 1;
    int *stems = malloc(room * sizeof *stems);
    float *rings = calloc(room * RINGS, sizeof *rings);
    unet_code code = UNET_OK;
    if (!stems || !rings) {
        code = un_fail_memory(err, room * RINGS * sizeof *rings, "copies");
        goto done;
    }
    for (int i = 0; i < count; i++) {
        stems[i] = stem_of(un_survey_name(survey, i));
        if (survey->items[i].thumb)
            make_rings(survey->items[i].thumb, rings + (size_t)i * RINGS);
    }
    for (int i = 0; i < count; i++) {
        if (stems[i] < length_of(un_survey_name(survey, i)))
            join_named(survey, stems, i, group);
        for (int j = 0; j < i && survey->items[i].thumb; j++)
            if (survey->items[j].thumb && group[i] != group[j] && are_turned(survey, i, j, rings))
                un_survey_join(survey, group, i, j);
    }
done:
    free(stems);
    free(rings);
    return code;
}

/* ---- letters that count ---- */

bool un_survey_letters(const unet_survey *survey, int *group)
{
    const int count = survey->files.count;
    int groups = 0, largest = 0;
    for (int i = 0; i < count; i++) {
        const char *name = un_survey_name(survey, i);
        const int length = length_of(name);
        int j = i - 1, members = 1;
        if (!isalpha((unsigned char)name[length - (length > 0)]) || !has_digit(name, length))
            return false;
        while (j >= 0 && (length_of(un_survey_name(survey, j)) != length ||
                          !begins_with(name, un_survey_name(survey, j), length - 1)))
            j--;
        group[i] = j >= 0 ? group[j] : groups++;
        for (; j >= 0; j--)
            members += group[j] == group[i];
        largest = members > largest ? members : largest;
    }
    return un_survey_are_pieces(groups, largest, count);
}

/* ---- words of places ---- */

/* The word before a number, a divider between them or not: its length, and *from its start. */
static int word_before(const char *text, int at, const char **from)
{
    int end = at, start;
    if (end && !isalnum((unsigned char)text[end - 1]))
        end--;
    for (start = end; start && isalpha((unsigned char)text[start - 1]);)
        start--;
    *from = text + start;
    return end - start;
}

bool un_survey_are_places(const char *text, int first, int second)
{
    static const char *const words[][2] = {
        {"y", "x"}, {"row", "col"}, {"row", "column"}, {"top", "left"}, {"ty", "tx"}};
    const char *a, *b;
    const size_t n = (size_t)word_before(text, first, &a),
                 m = (size_t)word_before(text, second, &b);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int turn = 0; turn < 2; turn++) {
            const char *one = words[i][turn], *other = words[i][!turn];
            if (n == strlen(one) && m == strlen(other) && !strncasecmp(a, one, n) &&
                !strncasecmp(b, other, m))
                return true;
        }
    return false;
}

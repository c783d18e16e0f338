/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_sequences.c - images that are neighbours: frames of a film, planes of a stack, tiles of
 * one picture
 *
 * An image whose neighbours a network was trained on is no test of it.  Pages of one file belong
 * together.  Of other images their names are asked: which numbers vary in them, counted from the
 * end, and what is the same but for the last of these, or for the last two.
 *
 *   plate3_0_0, plate3_0_1, ...   tiles, where the two numbers make a grid
 *   p01_s03, p01_s04, p02_s01     pieces of many things, each of few images
 *   t000, t001, ... t099          one row of numbers, which says little: any images may be numbered
 *
 * Letters that count, and copies of an image: survey_copies.c.
 *
 * The row is a sequence only where images look like it: the next one is like an image, and more so
 * than the one that comes some places later.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/survey/survey.h"

enum {
    SHORTEST = 5, /* images of a sequence that is told by looks */
    LATER = 5,    /* places to an image that is no neighbour */
    NUMBERS = 8,  /* of a name, from its end */
    SIDE = UN_SURVEY_THUMB
};

static const double alike = 0.5; /* median correlation of neighbours */
static const double closer =
    0.8; /* share of images whose neighbour is more like than a later one */

struct name {
    const char *text;
    int length;                             /* without ending, and without the number of a page */
    bool page;                              /* of a file with several */
    int numbers, at[NUMBERS], end[NUMBERS]; /* runs of digits, the last first */
};

struct naming {
    const unet_survey *survey;
    struct name *names;
    int count;
    bool pages;     /* some are of files with several */
    int varies[2];  /* which numbers, the last first; -1: none */
    uint32_t *hash; /* of names without numbers */
    int *rank;      /* the how manieth of its group */
};

static struct name parse(const char *text)
{
    struct name name = {.text = text, .length = (int)strlen(text)};
    const char *open = name.length && text[name.length - 1] == ']' ? strrchr(text, '[') : NULL;
    if (open) {
        name.page = true;
        name.length = (int)(open - text);
        return name;
    }
    name.length = (int)un_stem_size(text);
    for (int i = name.length; i > 0 && name.numbers < NUMBERS;) {
        int end = i;
        while (i > 0 && isdigit((unsigned char)text[i - 1]))
            i--;
        if (i < end) {
            name.at[name.numbers] = i;
            name.end[name.numbers++] = end;
        } else {
            i--;
        }
    }
    return name;
}

static bool same_number(const struct name *a, const struct name *b, int k)
{
    const int length = k < a->numbers ? a->end[k] - a->at[k] : -1;
    return k < a->numbers && k < b->numbers && length == b->end[k] - b->at[k] &&
           !memcmp(a->text + a->at[k], b->text + b->at[k], (size_t)length);
}

static void find_varying(struct naming *naming)
{
    int found = 0;
    naming->varies[0] = naming->varies[1] = -1;
    for (int k = 0; k < NUMBERS && found < 2; k++) {
        bool varies = false;
        for (int i = 1; i < naming->count && !varies; i++)
            varies = k < naming->names[0].numbers &&
                     !same_number(&naming->names[0], &naming->names[i], k);
        if (varies)
            naming->varies[found++] = k;
    }
}

/* The number that a name has in the place of one that varies, -1: none. */
static long number_of(const struct naming *naming, int i, int which)
{
    const struct name *name = &naming->names[i];
    const int k = naming->varies[which];
    return k < 0 || k >= name->numbers ? -1 : strtol(name->text + name->at[k], NULL, 10);
}

/* Where that number begins in the first name, 0: it has none. */
static int place_of(const struct naming *naming, int which)
{
    const int k = naming->varies[which];
    return k < naming->names[0].numbers ? naming->names[0].at[k] : 0;
}

/* Whether two names are the same but for the last `but` numbers that vary. */
static bool same_but(const struct naming *naming, int i, int j, int but)
{
    const struct name *a = &naming->names[i], *b = &naming->names[j];
    int s = a->length, t = b->length; /* compared from here on */
    if (a->page || b->page)
        return a->page && b->page && s == t && !memcmp(a->text, b->text, (size_t)s);
    for (int which = 0; which <= but; which++) {
        const int k = which < but ? naming->varies[which] : -1;
        if (which < but && (k < 0 || k >= a->numbers || k >= b->numbers))
            return false;
        const int from_a = k < 0 ? 0 : a->end[k], from_b = k < 0 ? 0 : b->end[k];
        if (s - from_a != t - from_b ||
            memcmp(a->text + from_a, b->text + from_b, (size_t)(s - from_a)))
            return false;
        s = k < 0 ? 0 : a->at[k];
        t = k < 0 ? 0 : b->at[k];
    }
    return true;
}

/* A hash of what same_but() compares. */
static uint32_t hash_but(const struct naming *naming, int i, int but)
{
    const struct name *name = &naming->names[i];
    uint32_t hash = 2166136261u;
    for (int at = 0; at < name->length; at++) {
        bool left_out = false;
        for (int which = 0; which < but && !name->page; which++) {
            const int k = naming->varies[which];
            left_out |= k >= 0 && k < name->numbers && at >= name->at[k] && at < name->end[k];
        }
        if (!left_out)
            hash = (hash ^ (unsigned char)name->text[at]) * 16777619u;
    }
    return hash;
}

/* Puts images of names that are the same but for `but` numbers into one group; returns how many
 * groups there are, and how many images the largest has. */
static int group_by(const struct naming *naming, int but, int *group, int *largest)
{
    int groups = 0;
    *largest = 0;
    for (int i = 0; i < naming->count; i++) {
        int j = i - 1; /* names are in their natural order, so the same are mostly neighbours */
        naming->hash[i] = hash_but(naming, i, but);
        while (j >= 0 && (naming->hash[i] != naming->hash[j] || !same_but(naming, i, j, but)))
            j--;
        naming->rank[i] = j >= 0 ? naming->rank[j] + 1 : 1;
        group[i] = j >= 0 ? group[j] : groups++;
        *largest = naming->rank[i] > *largest ? naming->rank[i] : *largest;
    }
    return groups;
}

/* ---- looks ---- */

static double correlation(const unet_survey *survey, int i, int j)
{
    const float *a = survey->items[i].thumb, *b = survey->items[j].thumb;
    double sum = 0;
    for (int k = 0; a && b && k < SIDE * SIDE; k++)
        sum += (double)a[k] * (double)b[k];
    return sum;
}

/* Whether members[count], in the order of their numbers, look like a sequence. */
static bool looks_like_one(const unet_survey *survey, const int *members, int count, double *next)
{
    int near = 0;
    const int later = LATER < count / 2 ? LATER : count / 2;
    if (count < SHORTEST)
        return false;
    for (int i = 0; i + 1 < count; i++) {
        const int other = i + later < count ? i + later : i - later;
        next[i] = correlation(survey, members[i], members[i + 1]);
        near += next[i] > correlation(survey, members[i], members[other]);
    }
    return near >= closer * (count - 1) && un_median(next, count - 1) >= alike;
}

/* Splits the groups that do not look like sequences into single images. */
static unet_code keep_sequences(const unet_survey *survey, int *group, int groups, unet_error *err)
{
    const int count = survey->files.count;
    int *members = malloc((size_t)count * sizeof *members);
    double *next = malloc((size_t)count * sizeof *next);
    unet_code code = UNET_OK;
    int singles = groups;
    if (!members || !next)
        code = un_fail_memory(err, (size_t)count * sizeof *next, "sequences");
    for (int g = 0; g < groups && !code; g++) {
        int found = 0;
        for (int i = 0; i < count; i++)
            if (group[i] == g)
                members[found++] = i;
        if (!looks_like_one(survey, members, found, next))
            for (int i = 1; i < found; i++)
                group[members[i]] = singles++;
    }
    free(members);
    free(next);
    return code;
}

/* ---- names ---- */

/* Whether the two numbers of each group's names make a grid, of which a few may lack. */
static bool are_grids(const struct naming *naming, const int *group, int groups)
{
    for (int g = 0; g < groups; g++) {
        long low[2] = {0}, high[2] = {0};
        int found = 0, kinds[2] = {0};
        for (int i = 0; i < naming->count; i++) {
            if (group[i] != g)
                continue;
            bool known[2] = {false};
            for (int j = 0; j < i && !(known[0] && known[1]); j++)
                for (int w = 0; w < 2; w++)
                    known[w] |= group[j] == g && number_of(naming, j, w) == number_of(naming, i, w);
            for (int w = 0; w < 2; w++) {
                const long n = number_of(naming, i, w);
                kinds[w] += !known[w];
                low[w] = found && low[w] < n ? low[w] : n;
                high[w] = found && high[w] > n ? high[w] : n;
            }
            found++;
        }
        /* rows and columns that begin where others do: at 0 or 1, or as pixels */
        if (kinds[0] < 2 || kinds[1] < 2 || 4 * found < 3 * kinds[0] * kinds[1] || low[0] > 1 ||
            low[1] > 1)
            return false;
    }
    return groups > 0;
}

/* Whether the two numbers follow a divider and no letter stands between them: of x_3_4 they are a
 * row and a column, of x3_4 and p3_s4 they are not. */
static bool are_side_by_side(const struct naming *naming)
{
    const struct name *name = &naming->names[0];
    const int last = naming->varies[0], other = naming->varies[1];
    if (last >= name->numbers || other != last + 1 || other >= name->numbers || !name->at[other] ||
        isalpha((unsigned char)name->text[name->at[other] - 1]))
        return false;
    for (int at = name->end[other]; at < name->at[last]; at++)
        if (isalpha((unsigned char)name->text[at]))
            return false;
    return true;
}

static unet_code find_groups(const struct naming *naming, int *group, unet_error *err)
{
    const int count = naming->count;
    int largest, groups;
    if (naming->pages) {
        group_by(naming, 0, group, &largest);
        return UNET_OK;
    }
    if (un_survey_letters(naming->survey, group))
        return UNET_OK;
    if (naming->varies[1] >= 0) {
        groups = group_by(naming, 2, group, &largest);
        if (un_survey_are_pieces(groups, largest, count) ||
            (2 * groups <= count &&
             (un_survey_are_places(naming->names[0].text, place_of(naming, 1),
                                   place_of(naming, 0)) ||
              (are_side_by_side(naming) && are_grids(naming, group, groups)))))
            return UNET_OK;
    }
    if (naming->varies[0] < 0) {
        for (int i = 0; i < count; i++)
            group[i] = i;
        return UNET_OK;
    }
    groups = group_by(naming, 1, group, &largest);
    if (un_survey_are_pieces(groups, largest, count))
        return UNET_OK;
    return keep_sequences(naming->survey, group, groups, err);
}

unet_code un_survey_sequences(const unet_survey *survey, int *group, unet_error *err)
{
    struct naming naming = {.survey = survey, .count = survey->files.count};
    const size_t count = (size_t)naming.count + 1;
    unet_code code = UNET_OK;
    naming.names = malloc(count * sizeof *naming.names);
    naming.hash = malloc(count * sizeof *naming.hash);
    naming.rank = malloc(count * sizeof *naming.rank);
    if (!naming.names || !naming.hash || !naming.rank) {
        code = un_fail_memory(err, count * sizeof *naming.names, "sequences");
    } else if (naming.count) {
        for (int i = 0; i < naming.count; i++) {
            naming.names[i] = parse(un_survey_name(survey, i));
            naming.pages |= naming.names[i].page;
        }
        find_varying(&naming);
        code = find_groups(&naming, group, err);
    }
    free(naming.names);
    free(naming.hash);
    free(naming.rank);
    return code;
}

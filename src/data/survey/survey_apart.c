/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_apart.c - object numbers that are on pieces far from each other, and names of classes that
 * a person would read as one
 *
 * Pieces of a number are runs that touch by sides or corners, joined from row to row (union-find).
 * A number is on several objects where two pieces, the smaller one at least a quarter of the larger
 * one, lie farther from each other than the larger one is wide: what an object is cut into by
 * something before it lies nearer, and specks count for little.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "data/survey/survey.h"

#define QUARTER 4 /* the smaller piece is at least the larger one's area by this */
#define FEW 0.01  /* share of numbers up to which it is a note */
enum { PIECES = 64 /* of a number that are compared */ };

struct piece {
    uint32_t id;
    size_t root; /* an earlier piece that it hangs together with, or itself */
    uint64_t area;
    int top, left, bottom, right; /* inclusive */
};

struct run {
    int start, end;
    size_t piece;
};

struct pieces {
    struct piece *rows;
    size_t count, room;
};

static size_t root_of(struct pieces *pieces, size_t i)
{
    struct piece *p = pieces->rows;
    while (p[i].root != i)
        i = p[i].root = p[p[i].root].root;
    return i;
}

static unet_code add_piece(struct pieces *pieces, uint32_t id, int y, const struct run *run,
                           unet_error *err)
{
    if (pieces->count == pieces->room) {
        const size_t room = pieces->room ? 2 * pieces->room : 256;
        struct piece *more = realloc(pieces->rows, room * sizeof *more);
        if (!more)
            return un_fail_memory(err, room * sizeof *more, "objects");
        pieces->rows = more;
        pieces->room = room;
    }
    pieces->rows[pieces->count] =
        (struct piece){id, pieces->count, 0, y, run->start, y, run->end - 1};
    pieces->count++;
    return UNET_OK;
}

static void extend(struct piece *piece, const struct piece *by)
{
    piece->area += by->area;
    piece->top = by->top < piece->top ? by->top : piece->top;
    piece->left = by->left < piece->left ? by->left : piece->left;
    piece->bottom = by->bottom > piece->bottom ? by->bottom : piece->bottom;
    piece->right = by->right > piece->right ? by->right : piece->right;
}

/* The run's piece: a new one, or those above that it touches, as one. */
static unet_code place_run(struct pieces *pieces, struct run *run, uint32_t id, int y,
                           const struct run *above, int above_count, unet_error *err)
{
    bool found = false;
    unet_code code = UNET_OK;
    for (int k = 0; k < above_count && above[k].start <= run->end; k++) {
        const size_t other = root_of(pieces, above[k].piece);
        if (above[k].end < run->start || pieces->rows[other].id != id)
            continue;
        if (found && other != run->piece) {
            const size_t first = other < run->piece ? other : run->piece;
            const size_t second = other < run->piece ? run->piece : other;
            extend(&pieces->rows[first], &pieces->rows[second]);
            pieces->rows[second].root = first;
            run->piece = first;
        } else if (!found) {
            run->piece = other;
        }
        found = true;
    }
    if (!found) {
        run->piece = pieces->count;
        code = add_piece(pieces, id, y, run, err);
    }
    if (!code)
        extend(&pieces->rows[run->piece], &(struct piece){.area = (uint64_t)(run->end - run->start),
                                                          .top = y,
                                                          .left = run->start,
                                                          .bottom = y,
                                                          .right = run->end - 1});
    return code;
}

static unet_code find_pieces(const uint32_t *ids, const uint8_t *classes, int height, int width,
                             struct pieces *pieces, unet_error *err)
{
    struct run *runs = malloc(2 * (size_t)width * sizeof *runs);
    struct run *row = runs, *above = runs + width;
    int above_count = 0;
    unet_code code =
        runs ? UNET_OK : un_fail_memory(err, 2 * (size_t)width * sizeof *runs, "objects");
    for (int y = 0; y < height && !code; y++) {
        const size_t at = (size_t)y * (size_t)width;
        int count = 0, first = 0;
        for (int x = 0; x < width && !code;) {
            const uint32_t id = classes[at + (size_t)x] == UNET_IGNORE ? 0 : ids[at + (size_t)x];
            const int start = x;
            while (x < width &&
                   id == (classes[at + (size_t)x] == UNET_IGNORE ? 0 : ids[at + (size_t)x]))
                x++;
            if (!id)
                continue;
            row[count] = (struct run){start, x, 0};
            while (first < above_count && above[first].end < start)
                first++;
            code = place_run(pieces, &row[count++], id, y, above + first, above_count - first, err);
        }
        struct run *last = above;
        above = row;
        row = last;
        above_count = count;
    }
    free(runs);
    return code;
}

/* By number, the largest first. */
static int by_id(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    if (x->area != y->area)
        return x->area > y->area ? -1 : 1;
    return x->top != y->top ? (x->top < y->top ? -1 : 1)
                            : (x->left > y->left) - (x->left < y->left);
}

/* Pixels between two boxes, across or down, whichever is more. */
static double gap_between(const struct piece *a, const struct piece *b)
{
    const int across = a->left > b->left ? a->left - b->right : b->left - a->right;
    const int down = a->top > b->top ? a->top - b->bottom : b->top - a->bottom;
    const int gap = across > down ? across : down;
    return gap > 0 ? gap - 1 : 0;
}

/* Whether one of these pieces, the largest of which is the first, lies far from all others. */
static bool is_apart(const struct piece *piece, size_t count)
{
    size_t large = 0;
    while (large < count && large < PIECES && QUARTER * piece[large].area >= piece[0].area)
        large++;
    for (size_t i = 0; i < large; i++) {
        bool far = large > 1;
        for (size_t k = 0; k < large && far; k++) {
            const double gap = gap_between(&piece[i], &piece[k]);
            far = k == i || gap * gap > (double)piece[0].area;
        }
        if (far)
            return true;
    }
    return false;
}

unet_code un_survey_find_apart(const uint32_t *ids, const uint8_t *classes, int height, int width,
                               struct un_survey_apart *found, unet_error *err)
{
    struct pieces pieces = {0};
    unet_code code = find_pieces(ids, classes, height, width, &pieces, err);
    struct piece *p = pieces.rows;
    size_t count = 0;
    *found = (struct un_survey_apart){0};
    for (size_t i = 0; i < pieces.count && !code; i++)
        if (p[i].root == i)
            p[count++] = p[i];
    if (!code && count)
        qsort(p, count, sizeof *p, by_id);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && p[end].id == p[i].id; end++)
            ;
        found->numbers++;
        if (end > i + 1 && is_apart(p + i, end - i) && !found->apart++)
            found->first = p[i].id;
    }
    free(p);
    return code;
}

unet_code un_judge_apart(unet_survey *survey, unet_error *err)
{
    uint64_t numbers = 0, apart = 0;
    int masks = 0, most = -1;
    char text[400];
    for (int i = 0; i < survey->files.count; i++) {
        const struct un_survey_apart *own = &survey->items[i].apart;
        numbers += own->numbers;
        apart += own->apart;
        masks += own->apart > 0;
        if (own->apart && (most < 0 || own->apart > survey->items[most].apart.apart))
            most = i;
    }
    if (!apart)
        return UNET_OK;
    const struct un_survey_item *item = &survey->items[most];
    const char *path = item->seen.mask ? item->seen.mask : item->seen.image;
    const char *slash = strrchr(path, '/');
    snprintf(text, sizeof text,
             "%llu of %llu object numbers%s%.0d%s on pieces that lie farther apart than they are "
             "wide (number %u of %.100s): a number counts as one object, whose pieces are found as "
             "several, which costs F1; number them apart if they are",
             (unsigned long long)apart, (unsigned long long)numbers, masks > 1 ? ", in " : "",
             masks > 1 ? masks : 0,
             masks > 1   ? " masks, are"
             : apart > 1 ? " are"
                         : " is",
             item->apart.first, slash ? slash + 1 : path);
    return un_survey_report(survey,
                            (double)apart > FEW * (double)numbers ? UNET_WARNING : UNET_NOTE,
                            UNET_FOUND_OBJECTS_APART, -1, -1,
                            (double[4]){(double)apart, (double)numbers, masks}, text, err);
}

/* ---- names of classes --------------------------------------------------------------------- */

/* The next character of a name that is not passed over, in lower case. */
static int next_of(const char **at)
{
    while (**at && strchr(" _-.", **at))
        (*at)++;
    return **at ? tolower((unsigned char)*(*at)++) : 0;
}

static bool is_alike(const char *a, const char *b)
{
    int c;
    while ((c = next_of(&a)) == next_of(&b))
        if (!c)
            return true;
    return false;
}

unet_code un_judge_names(unet_survey *survey, unet_error *err)
{
    const struct un_coding *coding = &survey->coding;
    unet_code code = UNET_OK;
    for (int i = 0; survey->coded && i < coding->labels; i++)
        for (int k = i + 1; k < coding->labels && !code; k++) {
            char text[300];
            if (!*coding->names[i] || !is_alike(coding->names[i], coding->names[k]))
                continue;
            snprintf(text, sizeof text,
                     "classes %d \"%s\" and %d \"%s\" differ in case, blanks or strokes alone: if "
                     "they are one, give them one name where they were drawn",
                     i, coding->names[i], k, coding->names[k]);
            code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_CLASSES_ALIKE, -1, -1,
                                    (double[4]){i, k}, text, err);
        }
    return code;
}

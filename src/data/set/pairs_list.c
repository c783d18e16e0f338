/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_list.c - a list that says which mask is whose
 *
 *     image,mask               commas, semicolons or tabs; the first line may name the columns
 *     img/a.png,gt/7.png       paths from the folder of the list; images also from that of images
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/decimal.h"
#include "data/set/channel_files.h"

#define LONGEST (64 << 20) /* bytes of a list */

bool un_is_list_name(const char *path)
{
    static const char *const endings[] = {".csv", ".tsv", ".txt"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i]))
            return true;
    return false;
}

/* ---- lines and cells --------------------------------------------------------------------- */

enum { CELLS = 32 };

struct reading {
    const char *images, *list;
    size_t folder; /* bytes of list before its name */
    char mark;     /* between cells; 0: not known yet */
    int line, column[2];
    int room;
    const struct un_listing
        *predicted; /* images are found by their names here; NULL: they are not */
};

static char *trim(char *text)
{
    text += strspn(text, " ");
    size_t n = strlen(text);
    while (n && strchr(" \r", text[n - 1]))
        text[--n] = 0;
    return text;
}

/* Cuts a line into cells; quoted ones may have marks in them, and "" for a quote. */
static int cut(char *line, char mark, char *cells[CELLS])
{
    int count = 0;
    for (char *p = line; p && count < CELLS; count++) {
        char *start = p + strspn(p, " "), *end, *to;
        if (*start != '"') {
            end = strchr(p, mark);
            cells[count] = p;
        } else {
            for (end = to = ++start; *end && (*end != '"' || end[1] == '"'); end++) {
                end += *end == '"';
                *to++ = *end;
            }
            char *behind = *end ? strchr(end + 1, mark) : NULL;
            *to = 0;
            cells[count] = start;
            end = behind;
        }
        p = end ? end + 1 : NULL;
        if (end)
            *end = 0;
        cells[count] = trim(cells[count]);
    }
    return count;
}

/* Whether a cell of the first line names a column. */
static int column_of(const char *cell)
{
    static const struct {
        const char *word;
        int column;
    } words[] = {{"image", 0}, {"images", 0}, {"img", 0},   {"file", 0},
                 {"mask", 1},  {"masks", 1},  {"label", 1}, {"labels", 1}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(cell, words[i].word))
            return words[i].column;
    return -1;
}

/* The first line: what is between cells, and whether it names the columns. */
static bool is_header(struct reading *r, char *cells[CELLS], int count)
{
    int column[2] = {-1, -1};
    for (int i = 0; i < count; i++) {
        int k = column_of(cells[i]);
        if (k >= 0 && column[k] < 0)
            column[k] = i;
    }
    if (column[0] < 0 || column[1] < 0)
        return false;
    r->column[0] = column[0];
    r->column[1] = column[1];
    return true;
}

/* ---- files ------------------------------------------------------------------------------- */

static bool is_file(const char *path)
{
    struct stat status;
    char *bracket = strrchr(path, '['), *whole = NULL;
    bool found = !stat(path, &status) && !S_ISDIR(status.st_mode);
    if (!found && bracket && (whole = strndup(path, (size_t)(bracket - path)))) /* scan.tif[3] */
        found = !stat(whole, &status) && !S_ISDIR(status.st_mode);
    free(whole);
    return found;
}

/* The path of a cell, in which a list from Windows has backslashes. */
static unet_code locate(const struct reading *r, const char *cell, char **path, unet_error *err)
{
    const int folder = (int)r->folder;
    *path = NULL;
    for (int k = 0; k < 4; k++) {
        int size = *cell == '/' ? asprintf(path, "%s", cell)
                   : k % 2      ? asprintf(path, "%s/%s", r->images, cell)
                                : asprintf(path, "%.*s%s", folder, r->list, cell);
        if (size < 0) {
            *path = NULL;
            return un_fail_memory(err, strlen(cell), r->list);
        }
        for (char *c = *path + (size_t)size - strlen(cell); k > 1 && *c; c++)
            *c = *c == '\\' ? '/' : *c;
        if (is_file(*path))
            return UNET_OK;
        free(*path);
        *path = NULL;
    }
    return un_fail(err, UNET_EINVAL, "%s: line %d: there is no %s in %.*s or %s", r->list, r->line,
                   cell, folder ? folder : 1, folder ? r->list : ".", r->images);
}

static unet_code add_pair(struct reading *r, char *const *cells, int count, struct un_pairs *made,
                          unet_error *err)
{
    int last = r->column[0] > r->column[1] ? r->column[0] : r->column[1];
    if (count <= last)
        return un_fail(err, UNET_EINVAL,
                       "%s: line %d has %d column%s; an image and its mask, with a comma, a "
                       "semicolon or a tab between, wanted",
                       r->list, r->line, count, count == 1 ? "" : "s");
    const char *image = cells[r->column[0]], *mask = cells[r->column[1]];
    int empty = 0;
    while (empty < count && !*cells[empty])
        empty++;
    if (empty == count) /* as spreadsheets write blank rows */
        return UNET_OK;
    if (!*image || !*mask)
        return un_fail(err, UNET_EINVAL,
                       "%s: line %d: %s has no %s; one wanted, or the line left away", r->list,
                       r->line,
                       *image  ? image
                       : *mask ? mask
                               : "it",
                       *image ? "mask" : "image");
    if (made->count == r->room) {
        int room = 2 * r->room + 64;
        struct un_pair *more = realloc(made->pairs, (size_t)room * sizeof *more);
        if (!more)
            return un_fail_memory(err, (size_t)room * sizeof *more, r->list);
        made->pairs = more;
        r->room = room;
    }
    struct un_pair *pair = &made->pairs[made->count++];
    char where[300];
    *pair = (struct un_pair){0};
    snprintf(where, sizeof where, "%.250s: line %d", r->list, r->line);
    unet_code code = r->predicted ? un_predicted_find(r->predicted, image, where, &pair->image, err)
                                  : locate(r, image, &pair->image, err);
    if (code || (code = locate(r, mask, &pair->mask, err)))
        return code;
    pair->name = pair->image + strlen(pair->image) - strlen(image);
    if (*image == '/' || r->predicted)
        pair->name = strrchr(pair->image, '/') + 1;
    return UNET_OK;
}

/* A line at the head of VIA's tables, which may begin with #, or a region in one without. */
static bool is_via(const char *line)
{
    static const char *const words[] = {"region_shape_attributes", "VGG Image Annotator",
                                        "CSV_HEADER = metadata_id", "{\"\"name\"\":\"\""};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(line, words[i]))
            return true;
    return false;
}

/* Text whose bytes or lines are others than those of UTF-8 with newlines. */
static unet_code check_text(const char *list, const char *line, size_t size, unet_error *err)
{
    const char *end = line;
    while ((end = memchr(end, '\r', size - (size_t)(end - line))) && strchr("\r\n", end[1]))
        end++;
    if (!memcmp(line, "\xff\xfe", 2) || !memcmp(line, "\xfe\xff", 2) || memchr(line, 0, size))
        return un_fail(err, UNET_EINVAL,
                       "%s: a list in UTF-16, or no text; UTF-8 wanted (\"CSV UTF-8\" in a "
                       "spreadsheet)",
                       list);
    if (end)
        return un_fail(err, UNET_EINVAL,
                       "%s: its lines end in carriage returns alone; newlines wanted", list);
    return UNET_OK;
}

static unet_code read_line(struct reading *r, char *line, struct un_pairs *made, unet_error *err)
{
    char *cells[CELLS];
    if (!made->count && is_via(line))
        return un_fail(err, UNET_EINVAL,
                       "%s: outlines of VIA (VGG Image Annotator) as a table, which is not read: "
                       "export annotations as JSON, or save the project; of VIA 3 export COCO",
                       r->list);
    if (!*trim(line) || *trim(line) == '#')
        return UNET_OK;
    const bool first = !r->mark;
    if (first)
        r->mark = strchr(line, '\t') ? '\t' : strchr(line, ',') ? ',' : ';';
    int count = cut(line, r->mark, cells);
    return first && is_header(r, cells, count) ? UNET_OK : add_pair(r, cells, count, made, err);
}

/* ---- images that the list does not have -------------------------------------------------- */

static int by_file(const void *a, const void *b)
{
    const struct stat *x = a, *y = b;
    if (x->st_dev != y->st_dev)
        return x->st_dev < y->st_dev ? -1 : 1;
    return (x->st_ino > y->st_ino) - (x->st_ino < y->st_ino);
}

static unet_code list_others(const char *images, struct un_pairs *made, unet_error *err)
{
    struct un_listing listing = {0};
    struct stat *known = calloc(2 * (size_t)made->count + 1, sizeof *known), one;
    size_t count = 0;
    unet_code code = known ? un_listing_read(images, NULL, &listing, err)
                           : un_fail_memory(err, (size_t)made->count * sizeof *known, images);
    for (int i = 0; i < made->count && known; i++) {
        count += !stat(made->pairs[i].image, &known[count]);
        count += !stat(made->pairs[i].mask, &known[count]);
    }
    if (known && count)
        qsort(known, count, sizeof *known, by_file);
    made->images = calloc((size_t)listing.count + 1, sizeof *made->images);
    if (!code && !made->images)
        code = un_fail_memory(err, (size_t)listing.count * sizeof *made->images, images);
    for (int i = 0; i < listing.count && !code; i++) {
        if (stat(listing.files[i].path, &one) || bsearch(&one, known, count, sizeof one, by_file))
            continue;
        if (!(made->images[made->image_count] = strdup(listing.files[i].path)))
            code = un_fail_memory(err, 0, images);
        else
            made->image_count++;
    }
    free(known);
    un_listing_release(&listing);
    return code;
}

/* ---- the list ---------------------------------------------------------------------------- */

static int by_image(const void *a, const void *b)
{
    return un_natural_compare(((const struct un_pair *)a)->image,
                              ((const struct un_pair *)b)->image);
}

static unet_code check_all(const char *list, struct un_pairs *made, unet_error *err)
{
    if (!made->count)
        return un_fail(err, UNET_EINVAL, "%s: no pairs in it; image,mask in each line wanted",
                       list);
    qsort(made->pairs, (size_t)made->count, sizeof *made->pairs, by_image);
    unet_code code = un_pairs_list_twins(list, made, err);
    if (code)
        return code;
    snprintf(made->rule, sizeof made->rule, "as a list says");
    made->partial = true;
    return UNET_OK;
}

/* Adds the choice of channels and pages to the images. */
static unet_code choose_channels(const char *list, struct un_pairs *made, unet_error *err)
{
    unet_code code = UNET_OK;
    if (made->channels.file_count)
        return un_fail(err, UNET_EINVAL,
                       "%s: a list has one file for an image, not one for each "
                       "channel",
                       list);
    for (int i = 0; i < made->count && !code; i++) {
        struct un_pair *pair = &made->pairs[i];
        const ptrdiff_t name = pair->name - pair->image;
        int count = 1;
        code = un_channel_files_join(&made->channels, &pair->image, &count, err);
        pair->name = pair->image + name;
    }
    return code;
}

unet_code un_pairs_of_list(const char *images, const char *list, bool predicted,
                           struct un_pairs *pairs, unet_error *err)
{
    const char *slash = strrchr(list, '/');
    struct reading r = {.images = images, .list = list, .column = {0, 1}};
    struct un_pairs made = {.channels = pairs->channels};
    struct un_listing listing = {0};
    unet_code code = predicted ? un_listing_read(images, NULL, &listing, err) : UNET_OK;
    char *line = NULL;
    size_t room = 0, size = 0;
    ssize_t n;
    FILE *file = fopen(list, "r");
    if (!file && !code)
        code = un_fail_errno(err, "%s", list);
    if (code)
        goto done;
    r.predicted = predicted ? &listing : NULL;
    r.folder = slash ? (size_t)(slash + 1 - list) : 0;
    while (!code && (errno = 0, n = getline(&line, &room, file)) >= 0) {
        bool mark = !r.line && n > 2 && !memcmp(line, "\xef\xbb\xbf", 3); /* of UTF-8 */
        r.line++;
        if ((code = check_text(list, line, (size_t)n, err)))
            break;
        if (n && line[n - 1] == '\n')
            line[n - 1] = 0;
        if ((size += (size_t)n) > LONGEST)
            code = un_fail(err, UNET_EINVAL, "%s: too long for a list of pairs", list);
        else
            code = read_line(&r, line + (mark ? 3 : 0), &made, err);
    }
    if (!code && errno)
        code = un_fail_errno(err, "%s", list);
    if (!code && !(code = check_all(list, &made, err)) && un_is_folder(images))
        code = list_others(images, &made, err);
    if (!code)
        code = choose_channels(list, &made, err);
done:
    if (file)
        fclose(file);
    free(line);
    un_listing_release(&listing);
    if (code)
        un_pairs_release(&made);
    else
        *pairs = made;
    return code;
}

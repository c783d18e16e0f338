/* SPDX-License-Identifier: Apache-2.0 */
/* listing.c - the image files of a folder and their names in parts */
#include "data/set/pairs_rules.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/decimal.h"
#include "data/set/pairs.h"
#include "image/channels.h"
#include "image/image.h"

#define DEEPEST 8 /* folders in folders */

/* What marks a mask or an image, behind or before a name, or is the name; '_' stands for '-', ' '
 * and '.', too. */
static const char *const mask_marks[] = {"cp_masks",     "simple_segmentation",
                                         "segmentation", "annotation",
                                         "groundtruth",  "ground_truth",
                                         "instances",    "target",
                                         "labels",       "masks",
                                         "label",        "mask",
                                         "anno",         "seg",
                                         "bin",          "gt"};
static const char *const image_marks[] = {"image", "original", "input", "photo",
                                          "img",   "orig",     "raw",   "sat"};

/* Pictures of masks that programs write beside them (LabelMe): neither images nor masks. */
static const char *const passed_over[] = {"label_viz"};

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

bool un_is_folder(const char *path)
{
    struct stat status;
    return !stat(path, &status) && S_ISDIR(status.st_mode) && !un_format_of_folder(path);
}

bool un_is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* ---- names ------------------------------------------------------------------------------- */

bool un_name_is_gap(char c)
{
    return c == '_' || c == '-' || c == ' ' || c == '.';
}

bool un_name_has_mark(const char *name, const char *mark)
{
    for (; *mark; name++, mark++)
        if (*mark == '_' ? !un_name_is_gap(*name)
                         : tolower((unsigned char)*name) != tolower((unsigned char)*mark))
            return false;
    return true;
}

/* The stem without one mark behind it or before it; "": it is a mark. */
static char *without_mark(const char *stem, const char *const *marks, int count)
{
    size_t n = strlen(stem);
    for (int i = 0; i < count; i++) {
        size_t m = strlen(marks[i]);
        if (n == m && un_name_has_mark(stem, marks[i]))
            return strdup("");
        if (n <= m + 1)
            continue;
        if (un_name_is_gap(stem[n - m - 1]) && un_name_has_mark(stem + n - m, marks[i]))
            return strndup(stem, n - m - 1);
        if (un_name_is_gap(stem[m]) && un_name_has_mark(stem, marks[i]))
            return strdup(stem + m + 1);
    }
    return strdup(stem);
}

char *un_without_number(const char *stem)
{
    size_t n = un_word_before_number(stem);
    if (n == SIZE_MAX)
        return NULL;
    while (n && un_name_is_gap(stem[n - 1]))
        n--;
    char *marked = strndup(stem, n);
    char *bare = marked ? without_mark(marked, mask_marks, COUNT(mask_marks)) : NULL;
    if (bare && (!*bare || strlen(bare) == n || strncmp(bare, marked, strlen(bare)))) {
        free(bare);
        bare = NULL;
    }
    free(marked);
    return bare;
}

static bool is_passed_over(const char *name)
{
    for (int i = 0; i < COUNT(passed_over); i++) {
        size_t n = strlen(passed_over[i]);
        if (!strncasecmp(name, passed_over[i], n) && name[n] == '.')
            return true;
    }
    return false;
}

size_t un_stem_size(const char *name)
{
    static const char *const doubles[] = {".nii", ".ome", ".tar"};
    const char *dot = strrchr(name, '.');
    size_t n = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    for (int i = 0; i < COUNT(doubles); i++)
        if (n > 4 && !strncasecmp(name + n - 4, doubles[i], 4))
            return n - 4;
    return n;
}

static char *numbers_of(const char *stem)
{
    char *numbers = malloc(strlen(stem) + 2), *to = numbers;
    for (const char *p = stem; numbers && *p;) {
        size_t n = strspn(p, "0123456789");
        if (!n) {
            p++;
            continue;
        }
        size_t zeros = strspn(p, "0");
        zeros = zeros == n ? n - 1 : zeros;
        if (to > numbers)
            *to++ = ',';
        memcpy(to, p + zeros, n - zeros);
        to += n - zeros;
        p += n;
    }
    if (numbers)
        *to = 0;
    return numbers;
}

/* Whether a file is what cellpose keeps beside an image, _seg.npy: no array, but an object. */
static bool is_pickled(const char *path)
{
    static const char ending[] = "_seg.npy";
    const size_t n = strlen(path), m = sizeof ending - 1;
    unsigned char head[128] = {0};
    FILE *file = n > m && !strcmp(path + n - m, ending) ? fopen(path, "rb") : NULL;
    const size_t size = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    return memmem(head, size, "NUMPY", 5) && memmem(head, size, "'|O'", 4);
}

static void release(struct un_listed *file)
{
    free(file->path);
    free(file->folder);
    free(file->stem);
    free(file->mask_stem);
    free(file->image_stem);
    free(file->numbers);
    for (int i = 0; i < UN_NAMES; i++)
        free(file->folded[i]);
}

/* The name without its ending and what is in braces in it (image/channels.h); foreign: no image of
 * a format that we read ends so. */
static char *stem_of(const char *path, const char *name, bool *foreign)
{
    size_t begin = strlen(path), open, close;
    un_channels_chosen(path, &begin);
    char *plain = strndup(name, begin - (size_t)(name - path));
    char *stem = plain ? strndup(plain, un_stem_size(plain)) : NULL;
    *foreign = plain && (!un_image_name(plain) || is_pickled(path));
    free(plain);
    if (!stem || !un_channels_files(path, &open, &close))
        return stem;
    open -= (size_t)(name - path);
    close += 1 - (size_t)(name - path);
    if (open && un_name_is_gap(stem[open - 1]))
        open--;
    else if (!open && un_name_is_gap(stem[close]))
        close++;
    memmove(stem + open, stem + close, strlen(stem + close) + 1);
    return stem;
}

unet_code un_listing_add(struct un_listing *listing, char *path, size_t root, unet_error *err)
{
    if (listing->count == listing->room) {
        int room = 2 * listing->room + 64;
        struct un_listed *more = realloc(listing->files, (size_t)room * sizeof *more);
        if (!more) {
            free(path);
            return un_fail_memory(err, (size_t)room * sizeof *more, "file names");
        }
        listing->files = more;
        listing->room = room;
    }
    struct un_listed file = {.path = path, .relative = path + root, .used = -1};
    const char *slash = strrchr(file.relative, '/');
    file.name = slash ? slash + 1 : file.relative;
    file.folder = strndup(file.relative, slash ? (size_t)(slash - file.relative) : 0);
    if ((file.stem = stem_of(path, file.name, &file.foreign))) {
        file.mask_stem = without_mark(file.stem, mask_marks, COUNT(mask_marks));
        file.image_stem = without_mark(file.stem, image_marks, COUNT(image_marks));
        file.numbers = numbers_of(file.stem);
    }
    bool whole = file.folder && file.mask_stem && file.image_stem && file.numbers;
    const char *const names[UN_NAMES] = {file.stem, file.mask_stem, file.image_stem};
    for (int i = 0; i < UN_NAMES && whole; i++)
        whole = (file.folded[i] = un_fold_name(names[i])) != NULL;
    if (!whole) {
        release(&file);
        return un_fail_memory(err, 0, "file names");
    }
    listing->files[listing->count++] = file;
    return UNET_OK;
}

/* ---- folders ----------------------------------------------------------------------------- */

static unet_code list(const char *folder, const char *but, size_t root, int depth,
                      struct un_listing *listing, unet_error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return un_fail_errno(err, "%s", folder);
    struct dirent *file;
    unet_code code = UNET_OK;
    while (!code && (errno = 0, file = readdir(dir))) {
        size_t n = strlen(folder);
        const char *slash = n && folder[n - 1] == '/' ? "" : "/";
        char *path = NULL;
        if (file->d_name[0] == '.')
            continue;
        if (asprintf(&path, "%s%s%s", folder, slash, file->d_name) < 0) {
            code = un_fail_memory(err, n, folder);
            break;
        }
        if (un_is_folder(path)) {
            if (depth < DEEPEST && !(but && un_is_same_file(path, but)))
                code = list(path, but, root, depth + 1, listing, err);
            free(path);
        } else if ((un_image_name(file->d_name) || un_image_name_foreign(file->d_name)) &&
                   !is_passed_over(file->d_name)) {
            code = un_listing_add(listing, path, root, err);
        } else {
            free(path);
        }
    }
    if (!code && errno)
        code = un_fail_errno(err, "%s", folder);
    closedir(dir);
    return code;
}

static int by_name(const void *a, const void *b)
{
    return un_natural_compare(((const struct un_listed *)a)->relative,
                              ((const struct un_listed *)b)->relative);
}

int un_listed_by_stem(const void *a, const void *b)
{
    const struct un_listed *x = *(const struct un_listed *const *)a;
    const struct un_listed *y = *(const struct un_listed *const *)b;
    int order = strcmp(x->folder, y->folder);
    return order ? order : strcmp(x->stem, y->stem);
}

void un_listing_sort(struct un_listing *listing)
{
    if (listing->count)
        qsort(listing->files, (size_t)listing->count, sizeof *listing->files, by_name);
}

unet_code un_listing_read(const char *folder, const char *but, struct un_listing *listing,
                          unet_error *err)
{
    struct un_listing made = {0};
    size_t n = strlen(folder);
    size_t root = n && folder[n - 1] == '/' ? n : n + 1;
    unet_code code = list(folder, but, root, 0, &made, err);
    if (code) {
        un_listing_release(&made);
        return code;
    }
    un_listing_sort(&made);
    *listing = made;
    return UNET_OK;
}

unet_code un_listing_of_file(const char *path, struct un_listing *listing, unet_error *err)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') /* behind a folder that is one image */
        length--;
    char *copy = strndup(path, length);
    struct un_listing made = {0};
    if (!copy)
        return un_fail_memory(err, length, path);
    const char *slash = strrchr(copy, '/');
    unet_code code = un_listing_add(&made, copy, slash ? (size_t)(slash + 1 - copy) : 0, err);
    if (code)
        un_listing_release(&made);
    else
        *listing = made;
    return code;
}

void un_listing_drop(struct un_listing *listing, const bool *out)
{
    int kept = 0;
    for (int i = 0; i < listing->count; i++)
        if (out[i])
            release(&listing->files[i]);
        else
            listing->files[kept++] = listing->files[i];
    listing->count = kept;
}

void un_listing_release(struct un_listing *listing)
{
    for (int i = 0; i < listing->count; i++)
        release(&listing->files[i]);
    free(listing->files);
    *listing = (struct un_listing){0};
}

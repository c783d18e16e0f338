/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_read.c - the names of a survey's files, and its masks
 *
 * The pairs are those of un_pairs_find().  Where that refuses a folder because something has no
 * partner, each image is tried by itself, so that one missing mask does not hide all the rest.
 */
#include "data/survey_read.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct names {
    char **paths;
    int count, room;
};

static int compare_paths(const void *a, const void *b)
{
    return un_natural_compare(*(char *const *)a, *(char *const *)b);
}

static unet_code add_name(struct names *names, const char *folder, const char *name,
                          unet_error *err)
{
    if (names->count == names->room) {
        int room = names->room ? 2 * names->room : 64;
        char **more = realloc(names->paths, (size_t)room * sizeof *more);
        if (!more)
            return un_fail_memory(err, (size_t)room * sizeof *more, folder);
        names->paths = more;
        names->room = room;
    }
    size_t size = strlen(folder);
    while (size > 1 && folder[size - 1] == '/')
        size--;
    char *path;
    if (asprintf(&path, "%.*s/%s", (int)size, folder, name) < 0)
        return un_fail_memory(err, size, folder);
    names->paths[names->count++] = path;
    return UNET_OK;
}

static void free_names(char **paths, int count)
{
    for (int i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}

static unet_code list_images(const char *folder, struct names *names, unet_error *err)
{
    DIR *dir = opendir(folder);
    unet_code code = UNET_OK;
    if (!dir)
        return un_fail_errno(err, "%s: cannot be read", folder);
    for (struct dirent *entry; !code && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && un_image_name(entry->d_name))
            code = add_name(names, folder, entry->d_name, err);
    closedir(dir);
    if (names->count)
        qsort(names->paths, (size_t)names->count, sizeof *names->paths, compare_paths);
    return code;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return !stat(path, &status) && S_ISDIR(status.st_mode);
}

static bool is_same(const char *a, const char *b)
{
    struct stat first, second;
    return !stat(a, &first) && !stat(b, &second) && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* Each image by itself.  first: why all together did not go. */
static unet_code pair_each(const char *images, const char *masks, const unet_error *first,
                           struct un_survey_files *files, unet_error *err)
{
    struct names names = {0};
    unet_code code = list_images(images, &names, err);
    files->pairs = calloc((size_t)names.count + 1, sizeof *files->pairs);
    files->no_mask = calloc((size_t)names.count + 1, sizeof *files->no_mask);
    if (!code && (!files->pairs || !files->no_mask))
        code = un_fail_memory(err, (size_t)names.count * sizeof *files->pairs, images);
    for (int i = 0; !code && i < names.count; i++) {
        struct un_pair *one;
        int count;
        if (un_pairs_find(names.paths[i], masks, &one, &count, NULL)) {
            files->no_mask[files->no_mask_count++] = names.paths[i];
            names.paths[i] = NULL;
            continue;
        }
        files->pairs[files->count++] = one[0];
        free(one);
    }
    free_names(names.paths, names.count);
    if (!code && !files->count)
        code = un_fail(err, first->code, "%s", first->text);
    return code;
}

static int compare_masks(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Masks of a folder that no pair has. */
static unet_code find_lonely_masks(const char *masks, struct un_survey_files *files,
                                   unet_error *err)
{
    struct names names = {0};
    unet_code code = list_images(masks, &names, err);
    char **used = calloc((size_t)files->count + 1, sizeof *used);
    files->no_image = calloc((size_t)names.count + 1, sizeof *files->no_image);
    if (!code && (!used || !files->no_image))
        code = un_fail_memory(err, (size_t)names.count * sizeof *used, masks);
    if (code)
        goto done;
    for (int i = 0; i < files->count; i++) {
        char *slash = strrchr(files->pairs[i].mask, '/');
        used[i] = slash ? slash + 1 : files->pairs[i].mask;
    }
    qsort(used, (size_t)files->count, sizeof *used, compare_masks);
    for (int i = 0; i < names.count; i++) {
        char *name = strrchr(names.paths[i], '/') + 1;
        if (bsearch(&name, used, (size_t)files->count, sizeof *used, compare_masks))
            continue;
        files->no_image[files->no_image_count++] = names.paths[i];
        names.paths[i] = NULL;
    }
done:
    free(used);
    free_names(names.paths, names.count);
    return code;
}

unet_code un_survey_list(const char *images, const char *masks, struct un_survey_files *files,
                         unet_error *err)
{
    struct un_survey_files made = {0};
    unet_error first = {0};
    bool folders = is_folder(images) && is_folder(masks) && !is_same(images, masks);
    unet_code code = un_pairs_find(images, masks, &made.pairs, &made.count, &first);
    if (code == UNET_EINVAL && folders)
        code = pair_each(images, masks, &first, &made, err);
    else if (code)
        code = un_fail(err, first.code, "%s", first.text);
    if (!code && folders)
        code = find_lonely_masks(masks, &made, err);
    if (code) {
        un_survey_files_free(&made);
        return code;
    }
    snprintf(made.rule, sizeof made.rule, "by name");
    *files = made;
    return UNET_OK;
}

void un_survey_files_free(struct un_survey_files *files)
{
    un_pairs_free(files->pairs, files->count);
    free_names(files->no_mask, files->no_mask_count);
    free_names(files->no_image, files->no_image_count);
    *files = (struct un_survey_files){0};
}

/* FNV-1a of each colour; never 0. */
static void hash_palette(const struct un_page *page, uint32_t hash[2])
{
    hash[0] = page->palette_size ? 2166136261u : 0;
    hash[1] = page->palette_size ? 1 : 0;
    for (int i = 0; i < page->palette_size; i++) {
        uint32_t color = 2166136261u;
        for (int c = 0; c < 3; c++)
            color = (color ^ page->palette[i][c]) * 16777619u;
        hash[0] = (hash[0] ^ color) * 16777619u;
        hash[1] += color;
    }
}

unet_code un_survey_read_mask(const char *path, int *height, int *width, uint8_t **values,
                              int *bits, uint32_t palette[2], unet_error *err)
{
    struct un_source *source;
    struct un_page page;
    unet_code code = un_source_open(path, &source, err);
    if (code)
        return code;
    code = un_source_page(source, 0, &page, err);
    un_source_close(source);
    if (code)
        return code;
    hash_palette(&page, palette);
    return un_mask_read(path, height, width, values, bits, err);
}

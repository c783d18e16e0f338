/* SPDX-License-Identifier: Apache-2.0 */
/* survey_read.c - the pages of a survey's pairs, and their classes; see
 * dataset.c for the same in memory */
#include "data/survey/survey_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path of a page; source: of the file, NULL where it cannot be opened. */
static unet_code name_page(const char *path, const struct unet_source *source, int page,
                           char **name, unet_error *err)
{
    if (!path)
        return UNET_OK;
    if (source && page >= source->pages) { /* reading it will say so */
        *name = NULL;
        if (asprintf(name, "%s[%d]", path, page) < 0)
            *name = NULL;
    } else {
        *name = source ? un_source_page_path(source, page) : strdup(path);
    }
    return *name ? UNET_OK : un_fail_memory(err, strlen(path), path);
}

/* A row for each page; a file that cannot be opened has one, and is looked at
 * later. */
static unet_code add_places(struct un_survey_files *files, const struct un_pair *pair,
                            unet_error *err)
{
    struct unet_source *image = NULL, *mask = NULL;
    un_source_open(pair->image, &image, NULL);
    if (pair->mask)
        un_source_open(pair->mask, &mask, NULL);
    unet_code code = UNET_OK;
    int pages = image ? image->pages : 1;
    size_t room = (size_t)files->count + (size_t)pages;
    struct un_survey_page *more = realloc(files->pages, room * sizeof *more);
    if (!more)
        code = un_fail_memory(err, room * sizeof *more, pair->image);
    else
        files->pages = more;
    for (int page = 0; page < pages && !code; page++) {
        struct un_survey_page *one = &files->pages[files->count++];
        *one = (struct un_survey_page){.files = pair,
                                       .page = page,
                                       .image_pages = pages,
                                       .mask_pages = mask ? mask->pages : 0};
        if (!(code = name_page(pair->image, image, page, &one->image, err)))
            code = name_page(pair->mask, mask, page, &one->mask, err);
    }
    un_source_close(image);
    un_source_close(mask);
    return code;
}

unet_code un_survey_list(const char *images, const char *masks, const struct un_pair_wish *wish,
                         struct un_survey_files *files, unet_error *err)
{
    struct un_survey_files made = {0};
    unet_code code = un_pairs_find(images, masks, wish, &made.pairs, err);
    if (code)
        return code;
    if (!made.pairs.count)
        code = un_pairs_complete(images, masks, &made.pairs, false, err);
    if (!code && !made.pairs.count)
        code = un_fail(err, UNET_EINVAL, "%s: no images with a mask in %s", images, masks);
    for (int i = 0; i < made.pairs.count && !code; i++)
        code = add_places(&made, &made.pairs.pairs[i], err);
    if (code) {
        un_survey_files_free(&made);
        return code;
    }
    *files = made;
    return UNET_OK;
}

void un_survey_files_free(struct un_survey_files *files)
{
    for (int i = 0; i < files->count; i++) {
        free(files->pages[i].image);
        free(files->pages[i].mask);
    }
    free(files->pages);
    un_pairs_release(&files->pairs);
    *files = (struct un_survey_files){0};
}

/* FNV-1a of each colour. */
void un_survey_hash_palette(const struct un_mask *mask, uint32_t hash[2])
{
    hash[0] = mask->palette_size ? 2166136261u : 0;
    hash[1] = mask->palette_size ? 1 : 0;
    for (int i = 0; i < mask->palette_size; i++) {
        uint32_t color = 2166136261u;
        for (int c = 0; c < 3; c++)
            color = (color ^ mask->palette[i][c]) * 16777619u;
        hash[0] = (hash[0] ^ color) * 16777619u;
        hash[1] += color;
    }
}

/* Whether the mask has these sides; else they are noted. */
static bool has_sides(const struct un_mask *mask, struct un_survey_classes *classes)
{
    bool same = mask->height == classes->height && mask->width == classes->width;
    classes->height = mask->height;
    classes->width = mask->width;
    return same;
}

unet_code un_survey_read_mask(const struct un_survey_page *page, struct un_mask *mask,
                              unet_error *err)
{
    if (page->mask_pages && page->page >= page->mask_pages)
        return un_fail_hint(err, UNET_EINVAL, page->mask_pages == 1 ? UNET_HINT_CHANNELS : 0,
                            "%s has %d pages, but its mask %s %d", page->files->image,
                            page->image_pages, page->files->mask, page->mask_pages);
    return page->files->objects ? un_mask_join(page->files->objects, mask, err)
                                : un_mask_read(page->mask, mask, err);
}

static unet_code read_one(const struct un_survey_page *page, const struct un_coding *coding,
                          struct un_survey_classes *classes, bool *fits, unet_error *err)
{
    struct un_mask mask;
    unet_code code = un_survey_read_mask(page, &mask, err);
    if (code)
        return code;
    size_t count = (size_t)mask.height * (size_t)mask.width, soft = 0;
    if ((*fits = has_sides(&mask, classes)))
        code = un_mask_to_classes(&mask, coding, classes->classes, err);
    for (size_t i = 0; *fits && !code && coding->tolerance && i < count; i++)
        soft += un_coding_class(coding, mask.codes[i]) < 0;
    classes->soft = (double)soft / (double)count;
    un_mask_release(&mask);
    return code;
}

static unet_code read_files(const struct un_survey_files *files, int i,
                            const struct un_coding *coding, struct un_survey_classes *classes,
                            bool *fits, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int label = 1; label < coding->labels && !code && *fits; label++) {
        const char *path = un_pair_file(&files->pairs, files->pages[i].files, coding->names[label]);
        struct un_mask mask;
        if (!path)
            continue;
        if ((code = un_mask_read(path, &mask, err)))
            return code;
        if ((*fits = has_sides(&mask, classes)))
            code = un_mask_lay(&mask, coding, label, coding->ordered, classes->classes, err);
        un_mask_release(&mask);
    }
    return code;
}

unet_code un_survey_read_classes(const struct un_survey_files *files, int i,
                                 const struct un_coding *coding, int height, int width,
                                 struct un_survey_classes *classes, unet_error *err)
{
    struct un_survey_classes made = {.height = height, .width = width};
    bool fits = true;
    if (!(made.classes = calloc((size_t)height, (size_t)width)))
        return un_fail_memory(err, (size_t)height * (size_t)width, files->pages[i].image);
    unet_code code = files->pages[i].mask ? read_one(&files->pages[i], coding, &made, &fits, err)
                                          : read_files(files, i, coding, &made, &fits, err);
    if (code || !fits) {
        free(made.classes);
        made.classes = NULL;
    }
    if (!code)
        *classes = made;
    return code;
}

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
        un_pair_open_mask(&files->pairs, pair, image, &mask, NULL);
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
        *one = (struct un_survey_page){.files = pair, .number = page};
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
    if (!code && !(made.held = calloc(1, sizeof *made.held)))
        code = un_fail_memory(err, sizeof *made.held, images);
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

static void let_go(struct un_survey_held *held)
{
    un_source_close(held->image);
    un_source_close(held->mask);
    *held = (struct un_survey_held){0};
}

void un_survey_files_free(struct un_survey_files *files)
{
    for (int i = 0; i < files->count; i++) {
        free(files->pages[i].image);
        free(files->pages[i].mask);
    }
    free(files->pages);
    if (files->held)
        let_go(files->held);
    free(files->held);
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

/* Opens the files of a page's pair, unless they are the last ones that were opened. */
static struct un_survey_held *hold(const struct un_survey_files *files, int i)
{
    const struct un_pair *pair = files->pages[i].files;
    const struct un_manner *manner = &files->pairs.manner;
    struct un_survey_held *held = files->held;
    if (held->of == pair)
        return held;
    let_go(held);
    held->of = pair;
    if (un_source_open_as(pair->image, manner, &held->image, NULL))
        held->image = NULL; /* the image's turn will say why */
    if (!pair->mask || pair->objects ||
        un_pair_open_mask(&files->pairs, pair, held->image, &held->mask, &held->why))
        held->mask = NULL;
    else if (held->image && !un_source_fit(held->image, held->mask, &held->fits, &held->why) &&
             held->mask->pages != held->image->pages)
        un_fail_hint(&held->why, UNET_EINVAL, held->mask->pages == 1 ? UNET_HINT_CHANNELS : 0,
                     "%s has %d pages, but its mask %s %d", pair->image, held->image->pages,
                     pair->mask, held->mask->pages);
    return held;
}

unet_code un_survey_read_mask(const struct un_survey_files *files, int i, struct un_mask *mask,
                              unet_error *err)
{
    const struct un_survey_page *page = &files->pages[i];
    struct un_survey_held *held = hold(files, i);
    if (page->files->objects)
        return un_mask_join(page->files->objects, held->image, &held->fits, mask, err);
    if (held->why.code)
        return un_fail_again(err, &held->why);
    unet_code code = un_mask_of_page(held->mask, page->number, mask, err);
    char *name = code ? NULL : strdup(page->mask);
    if (!name)
        return code;
    free(mask->name);
    mask->name = name;
    return UNET_OK;
}

unet_code un_survey_read_image(const struct un_survey_files *files, int i, unet_image *image,
                               struct un_fill *fill, unet_error *err)
{
    const struct un_survey_held *held = hold(files, i);
    struct unet_source *again;
    struct un_page page;
    unet_code code;
    if (held->image) {
        code = un_source_page(held->image, files->pages[i].number, &page, err);
        if (!code)
            *fill = page.fill;
        return code ? code : un_image_of_source(held->image, files->pages[i].number, image, err);
    }
    code = un_source_open(files->pages[i].image, &again, err);
    if (!code) /* it could not be opened before */
        un_source_close(again);
    return code ? code : un_fail(err, UNET_EIO, "%s: changed", files->pages[i].image);
}

static unet_code read_one(const struct un_survey_files *files, int i,
                          const struct un_coding *coding, struct un_survey_classes *classes,
                          bool *fits, unet_error *err)
{
    struct un_mask mask;
    unet_code code = un_survey_read_mask(files, i, &mask, err);
    if (code)
        return code;
    size_t count = (size_t)mask.height * (size_t)mask.width, soft = 0;
    if ((*fits = has_sides(&mask, classes)))
        code = un_mask_to_classes(&mask, coding, classes->classes, err);
    for (size_t p = 0; *fits && !code && coding->tolerance && p < count; p++)
        soft += un_coding_class(coding, mask.codes[p]) < 0;
    if (*fits && !code && coding->kind == UN_CODING_OBJECTS)
        code = un_survey_find_apart(mask.codes, classes->classes, mask.height, mask.width,
                                    &classes->apart, err);
    classes->soft = (double)soft / (double)count;
    un_mask_release(&mask);
    return code;
}

static unet_code read_files(const struct un_survey_files *files, int i,
                            const struct un_coding *coding, struct un_survey_classes *classes,
                            bool *fits, unet_error *err)
{
    unet_code code = UNET_OK;
    struct un_survey_held *held = hold(files, i);
    for (int label = 1; label < coding->labels && !code && *fits; label++) {
        const char *path = un_pair_file(&files->pairs, files->pages[i].files, coding->names[label]);
        struct un_mask mask;
        if (!path)
            continue;
        if ((code = un_mask_read_for(path, held->image, &held->fits, &mask, err)))
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
    unet_code code = files->pages[i].mask ? read_one(files, i, coding, &made, &fits, err)
                                          : read_files(files, i, coding, &made, &fits, err);
    if (code || !fits) {
        free(made.classes);
        made.classes = NULL;
    }
    if (!code)
        *classes = made;
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* info_image.c - one line for each run of pages that are alike */
#include "model/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "shared/say.h"
#include "unet_image.h"

static const char *const sample_names[] = {"8-bit", "16-bit", "float"};

int info_image_is(const char *path)
{
    const char *pages;
    char *file = path_of_pages(path, &pages);
    int is = file && !model_path_is(file) && (unet_image_name(file) || unet_image_file(file));

    free(file);
    return is;
}

/* A page, and how its samples are stored. */
struct page {
    unet_page is;
    char stored[12];
};

static unet_code read_page(unet_source *source, int i, struct page *page, unet_error *err)
{
    unet_code code = unet_source_page(source, i, &page->is, err);

    return code ? code : unet_source_stored(source, i, page->stored, err);
}

static int same_kind(const struct page *one, const struct page *other)
{
    const unet_page *a = &one->is, *b = &other->is;

    return !strcmp(one->stored, other->stored) && a->height == b->height && a->width == b->width &&
           a->channels == b->channels && a->sample == b->sample &&
           a->pixel_height == b->pixel_height && a->pixel_width == b->pixel_width &&
           !strcmp(a->unit, b->unit);
}

static void print_run(int first, int last, int pages, const struct page *run)
{
    const unet_page *page = &run->is;
    char range[48] = "", stored[40] = "";

    if (page->sample == UNET_F32 && strcmp(run->stored, "float32"))
        snprintf(stored, sizeof(stored), " (%s in the file)", run->stored);

    if (pages > 1 && first == last)
        snprintf(range, sizeof(range), "page %d: ", first);
    else if (pages > 1)
        snprintf(range, sizeof(range), "pages %d to %d: ", first, last);
    say(stdout, "%s%d x %d (height x width), %d channel%s, %s%s%s", range, page->height,
        page->width, page->channels, plural(page->channels, "s"), sample_names[page->sample],
        stored, page->prepared ? ", given to a network as it is" : "");
    if (page->pixel_height > 0)
        say(stdout, ", a pixel is %g x %g %s", page->pixel_height, page->pixel_width, page->unit);
    putchar('\n');
}

/* What is in the file and not read: those that are called the same on one line. */
static void print_unread(const unet_source *source)
{
    const char *what, *before = "";
    int height, width;

    for (int i = 0; (what = unet_source_unread(source, i, &height, &width)); i++) {
        if (!strcmp(what, before))
            say(stdout, ", %d x %d", height, width);
        else {
            if (*before)
                putchar('\n');
            say(stdout, "not read, %s: %d x %d", what, height, width);
        }
        before = what;
    }
    if (*before)
        putchar('\n');
}

static json_t *json_unread(const unet_source *source)
{
    json_t *list = json_array();
    const char *what;
    int height, width;

    for (int i = 0; (what = unet_source_unread(source, i, &height, &width)); i++)
        json_array_append_new(
            list, json_pack("{ss si si}", "what", what, "height", height, "width", width));
    return list;
}

static json_t *json_page(const struct page *read)
{
    const unet_page *page = &read->is;
    json_t *made =
        json_pack("{si si si ss ss}", "height", page->height, "width", page->width, "channels",
                  page->channels, "sample", sample_names[page->sample], "stored", read->stored);

    if (page->pixel_height > 0) {
        json_object_set_new(made, "pixel_height", json_number_short(page->pixel_height));
        json_object_set_new(made, "pixel_width", json_number_short(page->pixel_width));
        json_object_set_new(made, "unit", json_string(page->unit));
    }
    return made;
}

static unet_code print_table(unet_source *source, int pages, unet_error *err)
{
    struct page run, page;
    int first = 0;
    unet_code code = read_page(source, 0, &run, err);

    for (int i = 1; i < pages && !code; i++) {
        if ((code = read_page(source, i, &page, err)) || same_kind(&run, &page))
            continue;
        print_run(first, i - 1, pages, &run);
        run = page;
        first = i;
    }
    if (!code) {
        print_run(first, pages - 1, pages, &run);
        print_unread(source);
    }
    return code;
}

static unet_code print_json(const char *path, unet_source *source, int pages, unet_error *err)
{
    json_t *list = json_array();
    struct page page;
    unet_code code = UNET_OK;

    for (int i = 0; i < pages && !code; i++)
        if (!(code = read_page(source, i, &page, err)))
            json_array_append_new(list, json_page(&page));
    if (code)
        json_decref(list);
    else
        json_print(json_pack("{so so so}", "image", json_path(path), "pages", list, "not_read",
                             json_unread(source)));
    return code;
}

int info_image_print(const char *path, const struct common_settings *common)
{
    unet_source *source;
    unet_error err;
    unet_code code = unet_source_open(path, &source, &err);
    int pages, drops = 0;

    if (code)
        return fail(&err);
    pages = unet_source_pages(source);
    code = common->json ? print_json(path, source, pages, &err) : print_table(source, pages, &err);
    if (!code && !common->quiet && !unet_source_drops_alpha(source, 0, &drops, NULL) && drops)
        say(stderr,
            "%s: and an alpha channel that is not the same everywhere: a channel in trainings "
            "where "
            "all images have one\n",
            path);
    if (!code && unet_source_note(source)[0] && !common->quiet)
        say(stderr, "%s: %s\n", path, unet_source_note(source));
    unet_source_close(source);
    return code ? fail(&err) : EXIT_DONE;
}

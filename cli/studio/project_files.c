/* SPDX-License-Identifier: Apache-2.0 */
/* project_files.c - files become images, one for each page */
#include "studio/project_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/paths.h"
#include "unet_image.h"

enum { MOST_IMAGES = 200000, MOST_SIDE = 1 << 20, MASK_PNG = 64 << 20 };

static unet_code no_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory");
}

static void *grow(void *array, int count, int more, size_t size)
{
    return realloc(array, (size_t)(count + more) * size);
}

/* Room for one more file and `pages` more images. */
static int make_room(struct project *project, int pages)
{
    void *files = grow(project->files, project->file_count, 1, sizeof(*project->files));
    void *images = grow(project->images, project->image_count, pages, sizeof(*project->images));
    void *facts = grow(project->pages, project->image_count, pages, sizeof(*project->pages));

    project->files = files ? files : project->files;
    project->images = images ? images : project->images;
    project->pages = facts ? facts : project->pages;
    return files && images && facts;
}

static void release(const struct project_file *file)
{
    free(file->stored);
    free(file->path);
    free(file->mask);
}

/* Appends a file, whose strings it takes, with its pages; a string that is NULL: no memory. */
static unet_code append(struct project *project, const struct project_file *file,
                        const unet_page *pages, unet_error *err)
{
    const char *slash, *base;

    if (!file->stored || !file->path || !file->mask || !make_room(project, file->pages)) {
        release(file);
        return no_memory(err);
    }
    slash = strrchr(file->path, '/');
    base = slash ? slash + 1 : file->path;
    project->files[project->file_count] = *file;
    project->files[project->file_count].first = project->image_count;
    for (int i = 0; i < file->pages; i++) {
        const unet_page *page = &pages[i];
        const char *format = file->pages > 1 ? "%s[%d]" : "%s";
        struct studio_image *image = &project->images[project->image_count];

        *image = (struct studio_image){.name = path_text(format, base, i),
                                       .path = path_text(format, file->path, i),
                                       .file = project->file_count,
                                       .page = i,
                                       .pages = file->pages,
                                       .height = page->height,
                                       .width = page->width,
                                       .channels = page->channels,
                                       .sample = page->sample,
                                       .prepared = page->prepared};
        project->pages[project->image_count++] = *page;
        if (!image->name || !image->path) {
            project->file_count++;
            return no_memory(err);
        }
    }
    project->file_count++;
    return UNET_OK;
}

/* All pages of a file, from malloc. */
static unet_code read_pages(const char *path, unet_page **pages, int *count, unet_error *err)
{
    unet_source *source = NULL;
    unet_code code = unet_source_open(path, &source, err);

    *pages = NULL;
    *count = code ? 0 : unet_source_pages(source);
    if (*count > MOST_IMAGES)
        code = set_error(err, UNET_EINVAL, "%s: %d pages, at most %d wanted", path, *count,
                         MOST_IMAGES);
    if (!code && !(*pages = calloc((size_t)*count, sizeof(**pages))))
        code = no_memory(err);
    for (int i = 0; i < *count && !code; i++)
        code = unet_source_page(source, i, &(*pages)[i], err);
    unet_source_close(source);
    if (code) {
        free(*pages);
        *pages = NULL;
    }
    return code;
}

/* ---- from project.json ------------------------------------------------------------------- */

/* Pages from [how many, width, height, channels, sample] lists. */
static int restore_pages(const json_t *list, unet_page **pages, int *count)
{
    size_t total = 0;

    *pages = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        int alike, width, height, channels, sample;

        if (json_unpack(json_array_get(list, i), "[i i i i i]", &alike, &width, &height, &channels,
                        &sample) ||
            alike < 1 || alike > MOST_IMAGES || total + (size_t)alike > MOST_IMAGES || width < 1 ||
            width > MOST_SIDE || height < 1 || height > MOST_SIDE || channels < 1 ||
            channels > 1024 || sample < UNET_U8 || sample > UNET_F32)
            return 0;
        unet_page *more = realloc(*pages, (total + (size_t)alike) * sizeof(**pages));
        if (!more)
            return 0;
        *pages = more;
        for (int k = 0; k < alike; k++)
            more[total++] = (unet_page){.height = height,
                                        .width = width,
                                        .channels = channels,
                                        .sample = (unet_sample)sample};
    }
    *count = (int)total;
    return total > 0;
}

static char *resolve(const struct project *project, const char *stored)
{
    char *joined = *stored == '/' ? strdup(stored) : path_join(project->folder, stored);
    char *path = joined ? path_entry(joined) : NULL;

    if (joined && !path)
        return joined;
    free(joined);
    return path;
}

unet_code project_restore(struct project *project, const char *path, const json_t *file,
                          unet_error *err)
{
    const char *stored = json_string_value(json_object_get(file, "path"));
    const char *mask = json_string_value(json_object_get(file, "mask"));
    struct project_file made = {0};
    unet_page *pages = NULL;
    unet_code code;

    if (!stored || !*stored || !mask || !*mask || strchr(mask, '/') || *mask == '.' ||
        !restore_pages(json_object_get(file, "pages"), &pages, &made.pages) ||
        project->image_count > MOST_IMAGES - made.pages) {
        free(pages);
        return set_error(err, UNET_EFORMAT, "%s: file %d is not described as it should be", path,
                         project->file_count);
    }
    made.stored = strdup(stored);
    made.mask = strdup(mask);
    made.path = resolve(project, stored);
    code = append(project, &made, pages, err);
    free(pages);
    return code;
}

static int are_alike(const unet_page *a, const struct studio_image *b)
{
    return a->height == b->height && a->width == b->width && a->channels == b->channels &&
           a->sample == b->sample;
}

/* Whether a file has the pages that it had; then what they are is set anew. */
static int is_as_before(struct project *project, const struct project_file *file, unet_error *err)
{
    unet_page *pages;
    int count, same;

    if (read_pages(file->path, &pages, &count, err))
        return 0;
    same = count == file->pages;
    for (int i = 0; i < file->pages && same; i++)
        same = are_alike(&pages[i], &project->images[file->first + i]);
    for (int i = 0; i < file->pages && same; i++) {
        project->pages[file->first + i] = pages[i];
        project->images[file->first + i].prepared = pages[i].prepared;
    }
    free(pages);
    if (!same)
        set_error(err, UNET_EFORMAT, "%s: other pages or sizes than when it was painted",
                  file->path);
    return same;
}

void project_look(struct project *project, void (*note)(const char *text))
{
    for (int i = 0; i < project->file_count; i++) {
        struct project_file *file = &project->files[i];
        unet_error err = {0};

        file->missing = !is_as_before(project, file, &err);
        if (file->missing)
            note(err.text);
        for (int k = 0; k < file->pages; k++)
            project->images[file->first + k].missing = file->missing;
    }
}

/* ---- new files --------------------------------------------------------------------------- */

/* The path as it is stored: from the project's folder on where the file is below the folder that
 * holds the project, so that both can be moved together. */
static char *store(const struct project *project, const char *path)
{
    const char *slash = strrchr(project->folder, '/');
    const size_t above = slash ? (size_t)(slash - project->folder) + 1 : 0;

    if (above && !strncmp(path, project->folder, above))
        return path_text("../%s", path + above);
    return strdup(path);
}

static int mask_is_taken(const struct project *project, const char *mask)
{
    for (int i = 0; i < project->file_count; i++)
        if (!strcmp(project->files[i].mask, mask))
            return 1;
    return 0;
}

/* As the image is called, so that other commands pair them. */
static char *mask_name(const struct project *project, const char *path, const unet_page *pages,
                       int count)
{
    const int small = (int64_t)pages->height * pages->width <= MASK_PNG;
    const char *ending = count == 1 && small ? "png" : "tif";
    char *stem = path_stem(path), *mask = stem ? path_text("%s.%s", stem, ending) : NULL;

    for (int i = 2; mask && mask_is_taken(project, mask); i++) {
        free(mask);
        mask = path_text("%s-%d.%s", stem, i, ending);
    }
    free(stem);
    return mask;
}

static int is_there(const struct project *project, const char *path)
{
    for (int i = 0; i < project->file_count; i++)
        if (!strcmp(project->files[i].path, path))
            return 1;
    return 0;
}

/* Whether a file is taken in: project.json can hold its name, and it can be read; else why not is
 * told.  With a name that is not held it would have another number tomorrow. */
static int can_be_added(struct project_file *file, unet_page **pages,
                        void (*note)(const char *text))
{
    unet_error wrong;
    json_t *name = json_string(file->stored);
    int good = name != NULL;

    json_decref(name);
    if (!good)
        set_error(&wrong, UNET_EINVAL, "%s: its name is no UTF-8, so a project cannot keep it",
                  file->path);
    else
        good = !read_pages(file->path, pages, &file->pages, &wrong);
    if (!good)
        note(wrong.text);
    return good;
}

unet_code project_add(struct project *project, const char *path, void (*note)(const char *text),
                      unet_error *err)
{
    const char *choice;
    char *file = path_of_pages(path, &choice); /* all pages are taken */
    struct project_file made = {.path = file ? path_entry(file) : NULL};
    unet_page *pages = NULL;
    unet_code code = UNET_OK;

    free(file);
    if (made.path && is_there(project, made.path))
        goto done;
    made.stored = made.path ? store(project, made.path) : NULL;
    if (!made.stored) {
        code = no_memory(err);
        goto done;
    }
    if (!can_be_added(&made, &pages, note))
        goto done;
    if (project->image_count > MOST_IMAGES - made.pages) {
        code = set_error(err, UNET_EINVAL, "more than %d images", MOST_IMAGES);
        goto done;
    }
    made.mask = mask_name(project, made.path, pages, made.pages);
    code = append(project, &made, pages, err);
    made = (struct project_file){0};
done:
    release(&made);
    free(pages);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* studio_facts.c - what the page is told of the project, and classes and settings that it changes
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "studio/studio_inside.h"

enum { SETTINGS_BYTES = 4096 };

uint64_t studio_revision(struct studio *studio, int step)
{
    uint64_t revision;

    pthread_mutex_lock(&studio->facts);
    revision = studio->revision += (uint64_t)step;
    pthread_mutex_unlock(&studio->facts);
    return revision;
}

json_t *studio_class_list(struct studio *studio)
{
    json_t *list;

    pthread_mutex_lock(&studio->facts);
    list = project_classes(&studio->project);
    pthread_mutex_unlock(&studio->facts);
    return list;
}

/* ---- the whole project ------------------------------------------------------------------- */

static json_t *pixel_size(const unet_page *page)
{
    if (!(page->pixel_width > 0 && page->pixel_height > 0 && isfinite(page->pixel_width) &&
          isfinite(page->pixel_height)))
        return json_null();
    return json_pack("[f f s]", page->pixel_width, page->pixel_height, page->unit);
}

static json_t *image_json(struct studio *studio, int i)
{
    static const char *const samples[] = {"u8", "u16", "f32"};
    const struct studio_image *image = &studio->project.images[i];
    const struct image_labels *labels = &studio->labels[i];
    json_t *all = json_pack(
        "{si so si si si si si si ss si sI sb so}", "id", i, "name", json_path(image->name), "file",
        image->file, "page", image->page, "pages", image->pages, "width", image->width, "height",
        image->height, "channels", image->channels, "sample", samples[image->sample], "levels",
        picture_levels(image), "painted", (json_int_t)studio_painted(studio, i, NULL), "missing",
        image->missing, "pixel", pixel_size(&studio->project.pages[i]));

    pthread_rwlock_rdlock(&studio->reading);
    json_object_set_new(all, "strokes", json_integer(labels->done_count));
    json_object_set_new(all, "undo", json_boolean(labels->done_count > 0));
    json_object_set_new(all, "redo", json_boolean(labels->undone_count > 0));
    json_object_set_new(all, "revision", json_integer((json_int_t)labels->revision));
    pthread_rwlock_unlock(&studio->reading);
    json_object_set_new(all, "predicted",
                        json_integer(studio->live ? live_predicted(studio->live, i) : 0));
    return all;
}

json_t *studio_project(struct studio *studio)
{
    json_t *images = json_array(), *all;
    const json_int_t revision = (json_int_t)studio_revision(studio, 0);

    for (int i = 0; i < studio->project.image_count; i++)
        json_array_append_new(images, image_json(studio, i));
    all = json_pack("{so so sI so so so}", "name", json_path(studio->project.name), "folder",
                    json_path(studio->project.folder), "revision", revision, "images", images,
                    "classes", studio_class_list(studio), "training",
                    studio->live ? live_state(studio->live) : json_object());
    pthread_mutex_lock(&studio->facts);
    json_object_set_new(all, "settings", json_deep_copy(studio->project.settings));
    pthread_mutex_unlock(&studio->facts);
    return all;
}

/* ---- changes ----------------------------------------------------------------------------- */

/* The largest class that is painted somewhere; -1: none is. */
static int largest_painted(struct studio *studio)
{
    int64_t counts[UNET_MAX_CLASSES];
    int largest = -1;

    for (int i = 0; i < studio->project.image_count; i++) {
        studio_painted(studio, i, counts);
        for (int k = UNET_MAX_CLASSES - 1; k > largest; k--)
            if (counts[k])
                largest = k;
    }
    return largest;
}

/* Saves the project with other classes, or keeps the old ones. */
static unet_code change_classes(struct studio *studio, const struct studio_class *classes,
                                int count, unet_error *err)
{
    struct project *project = &studio->project;
    const int old_count = project->class_count, old_stale = project->masks_stale;
    struct studio_class old[UNET_MAX_CLASSES];
    unet_code code;

    pthread_mutex_lock(&studio->facts);
    memcpy(old, project->classes, sizeof(old));
    memcpy(project->classes, classes, (size_t)count * sizeof(*classes));
    project->class_count = count;
    project->masks_stale = 1;
    code = project_save(project, err);
    if (code) {
        memcpy(project->classes, old, sizeof(old));
        project->class_count = old_count;
        project->masks_stale = old_stale;
    }
    pthread_mutex_unlock(&studio->facts);
    return code;
}

unet_code studio_set_classes(struct studio *studio, const json_t *body, unet_error *err)
{
    struct studio_class classes[UNET_MAX_CLASSES];
    int count, largest;
    unet_code code;

    if (!project_read_classes(json_object_get(body, "classes"), classes, &count, err))
        return UNET_EINVAL;
    pthread_mutex_lock(&studio->writing); /* no stroke of a class that goes comes in between */
    largest = largest_painted(studio);
    code = largest >= count
               ? set_error(err, UNET_ESTOPPED, "class %d is painted and would go", largest)
               : change_classes(studio, classes, count, err);
    pthread_mutex_unlock(&studio->writing);
    if (code)
        return code;
    pthread_mutex_lock(&studio->keeping);
    memset(studio->stale, 1, (size_t)studio->project.file_count);
    pthread_mutex_unlock(&studio->keeping);
    studio_event(studio, "classes",
                 json_pack("{so sI}", "classes", studio_class_list(studio), "revision",
                           (json_int_t)studio_revision(studio, 1)));
    if (studio->live)
        live_classes(studio->live);
    return UNET_OK;
}

unet_code studio_set_settings(struct studio *studio, const json_t *body, unet_error *err)
{
    char *text = json_is_object(body) ? json_dumps(body, JSON_COMPACT) : NULL;
    const size_t size = text ? strlen(text) : SIZE_MAX;
    json_t *copy, *old;
    unet_code code;

    free(text);
    if (size > SETTINGS_BYTES)
        return set_error(err, UNET_EINVAL, "settings: an object of at most %d bytes wanted",
                         SETTINGS_BYTES);
    copy = json_deep_copy(body);
    if (!copy)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    pthread_mutex_lock(&studio->facts);
    old = studio->project.settings;
    studio->project.settings = copy;
    code = project_save(&studio->project, err);
    if (code) {
        studio->project.settings = old;
        old = copy;
    }
    pthread_mutex_unlock(&studio->facts);
    json_decref(old);
    if (!code) {
        studio_revision(studio, 1);
        studio_event(studio, "settings", json_deep_copy(body));
    }
    return code;
}

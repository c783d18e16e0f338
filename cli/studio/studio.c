/* SPDX-License-Identifier: Apache-2.0 */
/* studio.c - opening a project, and what the live training may know of it */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "studio/studio_inside.h"

#define MOST_VALUE 20.0 /* that a network takes well */

static unet_code no_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory");
}

/* ---- opening ----------------------------------------------------------------------------- */

/* Takes in a record of the journal; what is of an image that is not there is passed over. */
static int recall(void *context, const uint8_t *bytes, size_t size, uint64_t at)
{
    struct studio *studio = context;
    struct studio_rect changed;
    struct stroke stroke;
    int64_t which;

    if (!stroke_unpack_head(bytes, size, &stroke) || stroke.image >= studio->project.image_count)
        return 1;
    struct image_labels *labels = &studio->labels[stroke.image];
    which = stroke.kind == STROKE_UNDO || stroke.kind == STROKE_REDO ? (int64_t)stroke.which
                                                                     : (int64_t)labels->count;
    if (!labels_recall(labels, &stroke, at, size, &changed))
        return 0;
    studio_saw(studio, &stroke, which, changed);
    studio->revision++;
    return 1;
}

static void grown(void *context, int image, double share)
{
    studio_event(context, "image", json_pack("{si sf}", "image", image, "share", share));
}

static unet_code open_journal(struct studio *studio, const struct studio_given *given,
                              unet_error *err)
{
    char *path = path_join(studio->project.folder, "strokes.journal"), *text;
    uint64_t cut;
    int lost;
    unet_code code = path ? journal_open(&studio->journal, path, recall, studio, &lost, &cut, err)
                          : no_memory(err);

    if (!code && (cut || lost)) {
        text = path_text("%s: %d strokes are broken and passed over, %llu bytes at its end were "
                         "never finished and are cut off",
                         path, lost, (unsigned long long)cut);
        if (text)
            given->note(text);
        free(text);
    }
    free(path);
    return code;
}

static unet_code make_labels(struct studio *studio, unet_error *err)
{
    const int count = studio->project.image_count;

    studio->labels = calloc((size_t)count, sizeof(*studio->labels));
    if (!studio->labels)
        return no_memory(err);
    for (int i = 0; i < count; i++) {
        const struct studio_image *image = &studio->project.images[i];

        studio->labels[i] =
            (struct image_labels){.image = i, .height = image->height, .width = image->width};
    }
    return UNET_OK;
}

static unet_code make_folder(char **path, const char *folder, const char *name, unet_error *err)
{
    *path = path_join(folder, name);
    if (!*path)
        return no_memory(err);
    return path_make_folder(*path) ? UNET_OK
                                   : set_error(err, UNET_EIO, "%s: cannot be made", *path);
}

/* Counts from snapshots; those whose strokes are not in one are drawn. */
static unet_code count_painted(struct studio *studio, unet_error *err)
{
    unet_code code = UNET_OK;

    for (int i = 0; i < studio->project.image_count && !code; i++) {
        struct image_labels *labels = &studio->labels[i];

        if (!labels->last)
            continue;
        labels_glance(labels, studio->label_folder);
        if (labels->kept != labels->last)
            code = studio_load_labels(studio, i, err);
    }
    return code;
}

/* Float arrays go to the network as they are; one that is far from what networks like is said. */
static void look_at_arrays(struct studio *studio, void (*note)(const char *text))
{
    const struct project *project = &studio->project;
    struct picture_channel *facts;
    int i = 0, so_far;

    while (i < project->image_count && (project->images[i].missing || !project->images[i].prepared))
        i++;
    if (i == project->image_count || pictures_stats(studio->pictures, i, &facts, &so_far, NULL))
        return;
    if (facts->low < -MOST_VALUE || facts->high > MOST_VALUE)
        snprintf(
            studio->caution, sizeof(studio->caution),
            "%.100s: values from %.6g to %.6g go to the network as they are, as in every array of "
            "floats; it learns better from about 0 to 1, or from a float TIFF",
            project->images[i].name, facts->low, facts->high);
    if (*studio->caution)
        note(studio->caution);
    free(facts);
}

static unet_code open_parts(struct studio *studio, const struct studio_given *given,
                            unet_error *err)
{
    const struct project *project = &studio->project;
    unet_code code = project_open(&studio->project, given->folder, given->paths, given->count,
                                  given->model, given->note, err);

    if (!code)
        code = make_labels(studio, err);
    if (!code)
        code = make_folder(&studio->label_folder, project->folder, "labels", err);
    if (!code)
        code = make_folder(&studio->mask_folder, project->folder, "masks", err);
    if (!code)
        code = open_journal(studio, given, err);
    if (!code)
        code = count_painted(studio, err);
    if (!code)
        code = pictures_create(project->images, project->image_count, project->folder, grown,
                               studio, &studio->pictures, err);
    if (!code)
        look_at_arrays(studio, given->note);
    return code;
}

unet_code studio_open(const struct studio_given *given, struct studio **studio, unet_error *err)
{
    struct studio *made = calloc(1, sizeof(*made));
    unet_code code;

    if (!made)
        return no_memory(err);
    made->journal.fd = -1;
    events_init(&made->events);
    pthread_mutex_init(&made->writing, NULL);
    pthread_rwlock_init(&made->reading, NULL);
    pthread_mutex_init(&made->facts, NULL);
    code = open_parts(made, given, err);
    if (!code)
        code = keeper_begin(made, err);
    if (code) {
        studio_close(made);
        return code;
    }
    *studio = made;
    return UNET_OK;
}

void studio_close(struct studio *studio)
{
    if (!studio)
        return;
    if (studio->has_keeper)
        keeper_end(studio);
    pictures_free(studio->pictures);
    journal_close(&studio->journal);
    for (int i = 0; studio->labels && i < studio->project.image_count; i++)
        labels_release(&studio->labels[i]);
    free(studio->labels);
    free(studio->label_folder);
    free(studio->mask_folder);
    free(studio->stale);
    project_release(&studio->project);
    events_release(&studio->events);
    pthread_mutex_destroy(&studio->writing);
    pthread_rwlock_destroy(&studio->reading);
    pthread_mutex_destroy(&studio->facts);
    free(studio);
}

/* ---- images ------------------------------------------------------------------------------ */

int studio_images(const struct studio *studio)
{
    return studio->project.image_count;
}

const struct studio_image *studio_image(const struct studio *studio, int image)
{
    return &studio->project.images[image];
}

const char *studio_folder(const struct studio *studio)
{
    return studio->project.folder;
}

unet_code studio_pixels(struct studio *studio, int image, struct studio_rect rect, void *samples,
                        unet_error *err)
{
    return pictures_read(studio->pictures, image, rect, samples, err);
}

int studio_classes(struct studio *studio, struct studio_class *classes, int room)
{
    int count;

    pthread_mutex_lock(&studio->facts);
    count = studio->project.class_count;
    for (int i = 0; i < count && i < room; i++)
        classes[i] = studio->project.classes[i];
    pthread_mutex_unlock(&studio->facts);
    return count;
}

void studio_event(struct studio *studio, const char *name, json_t *data)
{
    events_send(&studio->events, name, data);
}

void studio_trouble(struct studio *studio, const char *words, char said[STUDIO_WORDS])
{
    if (*words && strcmp(said, words))
        studio_event(studio, "trouble", json_pack("{so}", "message", json_path(words)));
    strcpy(said, words);
}

/* ---- labels ------------------------------------------------------------------------------ */

unet_code studio_load_labels(struct studio *studio, int image, unet_error *err)
{
    struct image_labels *labels = &studio->labels[image];
    unet_code code = UNET_OK;
    int loaded;

    pthread_rwlock_rdlock(&studio->reading);
    loaded = labels->map != NULL;
    pthread_rwlock_unlock(&studio->reading);
    if (loaded)
        return UNET_OK;
    pthread_rwlock_wrlock(&studio->reading);
    if (!labels->map)
        code = labels_load(labels, &studio->journal, studio->label_folder, err);
    pthread_rwlock_unlock(&studio->reading);
    return code;
}

unet_code studio_labels(struct studio *studio, int image, struct studio_rect rect, uint8_t *labels,
                        unet_error *err)
{
    unet_code code = studio_load_labels(studio, image, err);

    if (code)
        return code;
    pthread_rwlock_rdlock(&studio->reading);
    if (studio->labels[image].map)
        label_tiles_read(studio->labels[image].map, rect, labels);
    else
        code = no_memory(err);
    pthread_rwlock_unlock(&studio->reading);
    return code;
}

unet_code studio_corrected(struct studio *studio, int image, struct studio_rect rect,
                           uint8_t *corrected, unet_error *err)
{
    const size_t count = (size_t)rect.width * (size_t)rect.height;
    uint8_t *labels = malloc(count);
    unet_code code = labels ? studio_labels(studio, image, rect, labels, err) : no_memory(err);

    if (!code) {
        pthread_rwlock_rdlock(&studio->reading);
        code = labels_corrected(&studio->labels[image], &studio->journal, rect, corrected, err);
        pthread_rwlock_unlock(&studio->reading);
    }
    for (size_t i = 0; i < count && !code; i++)
        corrected[i] = corrected[i] != UNET_IGNORE && corrected[i] == labels[i];
    free(labels);
    return code;
}

uint64_t studio_labels_revision(struct studio *studio, int image)
{
    uint64_t revision;

    pthread_rwlock_rdlock(&studio->reading);
    revision = studio->labels[image].revision;
    pthread_rwlock_unlock(&studio->reading);
    return revision;
}

int64_t studio_painted(struct studio *studio, int image, int64_t *counts)
{
    const struct image_labels *labels = &studio->labels[image];
    const int64_t *each;
    int64_t all = 0;

    pthread_rwlock_rdlock(&studio->reading);
    each = labels->map ? label_tiles_counts(labels->map) : labels->counts;
    for (int i = 0; i < UNET_MAX_CLASSES; i++)
        all += each[i];
    if (counts)
        memcpy(counts, each, UNET_MAX_CLASSES * sizeof(*counts));
    pthread_rwlock_unlock(&studio->reading);
    return all;
}

int studio_painted_tiles(struct studio *studio, int image, struct studio_rect *tiles, int room)
{
    int count = 0;

    if (studio_load_labels(studio, image, NULL))
        return 0;
    pthread_rwlock_rdlock(&studio->reading);
    if (studio->labels[image].map)
        count = label_tiles_list(studio->labels[image].map, tiles, room);
    pthread_rwlock_unlock(&studio->reading);
    return count;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper.c - mask files and snapshots follow the journal
 *
 * A file's masks are written, then the snapshots of its images, if nothing came in between: so a
 * snapshot says that the mask has at least as much, and what the journal has beyond snapshots is
 * all that there is to do when a project is opened.  After a mask that took long there is a longer
 * pause, so that masks of gigapixel images do not keep the disk busy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "shared/machine.h"
#include "studio/studio_inside.h"

#define PAUSE 2.0 /* seconds between rounds */
#define COST 10.0 /* times what the last round took */

/* ---- masks ------------------------------------------------------------------------------- */

struct colors {
    uint8_t rgb[256][3]; /* UNET_IGNORE is white */
};

static void take_colors(struct studio *studio, struct colors *colors)
{
    struct studio_class classes[UNET_MAX_CLASSES];
    const int count = studio_classes(studio, classes, UNET_MAX_CLASSES);

    memset(colors, 0, sizeof(*colors));
    memset(colors->rgb[UNET_IGNORE], 255, 3);
    for (int i = 0; i < count; i++)
        memcpy(colors->rgb[i], classes[i].rgb, 3);
}

static unet_code write_page(struct studio *studio, int image, unet_writer *writer,
                            const struct colors *colors, unet_error *err)
{
    const struct studio_image *what = &studio->project.images[image];
    const unet_page *facts = &studio->project.pages[image];
    unet_writer_page page = {.size = sizeof(page),
                             .height = what->height,
                             .width = what->width,
                             .channels = 1,
                             .sample = UNET_U8,
                             .colors = colors->rgb,
                             .color_count = 256,
                             .pixel_height = facts->pixel_height,
                             .pixel_width = facts->pixel_width};
    uint8_t *labels = malloc((size_t)what->width * STUDIO_TILE);
    unet_code code;

    memcpy(page.unit, facts->unit, sizeof(page.unit));
    code = labels ? unet_writer_begin(writer, &page, err)
                  : set_error(err, UNET_ENOMEM, "not enough memory");
    for (int y = 0; y < what->height && !code; y += STUDIO_TILE) {
        const int left = what->height - y, rows = left < STUDIO_TILE ? left : STUDIO_TILE;
        const struct studio_rect rect = {0, y, what->width, rows};

        code = studio_labels(studio, image, rect, labels, err);
        if (!code)
            code = unet_writer_rows(writer, labels, rows, err);
    }
    free(labels);
    return code;
}

static unet_code write_mask(struct studio *studio, const struct project_file *file, unet_error *err)
{
    char *path = path_join(studio->mask_folder, file->mask);
    unet_writer *writer = NULL;
    struct colors colors;
    uint64_t bytes = 0, painted = 0;
    unet_code code;

    if (!path)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    for (int i = file->first; i < file->first + file->pages; i++) {
        bytes +=
            (uint64_t)studio->project.images[i].height * (uint64_t)studio->project.images[i].width;
        painted += (uint64_t)studio_painted(studio, i, NULL);
    }
    if (!painted) {
        code = unlink(path) && errno != ENOENT
                   ? set_error(err, UNET_EIO, "%s: cannot be removed: %s", path, strerror(errno))
                   : UNET_OK;
        free(path);
        return code;
    }
    take_colors(studio, &colors);
    code = unet_writer_open(path, bytes, &writer, err);
    for (int i = file->first; i < file->first + file->pages && !code; i++)
        code = write_page(studio, i, writer, &colors, err);
    if (!code)
        code = unet_writer_commit(writer, err);
    else
        unet_writer_abort(writer);
    free(path);
    return code;
}

/* ---- rounds ------------------------------------------------------------------------------ */

/* The last record of each image of a file; whether one has more than its snapshot. */
static int look(struct studio *studio, const struct project_file *file, uint64_t *last)
{
    int behind = 0;

    pthread_rwlock_rdlock(&studio->reading);
    for (int i = 0; i < file->pages; i++) {
        last[i] = studio->labels[file->first + i].last;
        behind |= last[i] != studio->labels[file->first + i].kept;
    }
    pthread_rwlock_unlock(&studio->reading);
    return behind;
}

static unet_code keep_file(struct studio *studio, int index, unet_error *err)
{
    const struct project_file *file = &studio->project.files[index];
    uint64_t *last = malloc((size_t)file->pages * sizeof(*last));
    unet_code code = UNET_OK;
    int stale, kept;

    if (!last)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    pthread_mutex_lock(&studio->keeping);
    stale = studio->stale[index];
    studio->stale[index] = 0;
    pthread_mutex_unlock(&studio->keeping);
    if (look(studio, file, last) || stale)
        code = write_mask(studio, file, err);
    for (int i = 0; i < file->pages && !code; i++) {
        struct image_labels *labels = &studio->labels[file->first + i];

        if (last[i] == labels->kept || (code = studio_load_labels(studio, labels->image, err)))
            continue;
        code = labels_keep(labels, studio->label_folder, last[i], &studio->reading, &kept, err);
    }
    if (code && stale) {
        pthread_mutex_lock(&studio->keeping);
        studio->stale[index] = 1;
        pthread_mutex_unlock(&studio->keeping);
    }
    free(last);
    return code;
}

/* When all masks have the colours of now, the project says so. */
static unet_code settle(struct studio *studio, unet_error *err)
{
    unet_code code = UNET_OK;
    int stale = 0;

    pthread_mutex_lock(&studio->facts);
    pthread_mutex_lock(&studio->keeping);
    for (int i = 0; i < studio->project.file_count; i++)
        stale |= studio->stale[i];
    pthread_mutex_unlock(&studio->keeping);
    if (studio->project.masks_stale && !stale) {
        studio->project.masks_stale = 0;
        code = project_save(&studio->project, err);
        studio->project.masks_stale = code != UNET_OK;
    }
    pthread_mutex_unlock(&studio->facts);
    return code;
}

/* A failure is told to the pages once, and tried again. */
static void go_round(struct studio *studio, char *said)
{
    unet_error err = {0};
    unet_code code = UNET_OK;

    for (int i = 0; i < studio->project.file_count && !code; i++)
        code = keep_file(studio, i, &err);
    if (!code)
        code = settle(studio, &err);
    studio_trouble(studio, code ? err.text : "", said);
}

static void *keep(void *context)
{
    struct studio *studio = context;
    char said[STUDIO_WORDS] = "";
    int ending = 0;

    while (!ending) {
        const double begun = seconds_now();
        double pause;
        struct timespec until;

        go_round(studio, said);
        pause = PAUSE + COST * (seconds_now() - begun);
        system_clock(&until);
        until.tv_sec += (time_t)pause;
        pthread_mutex_lock(&studio->keeping);
        while (!studio->ending && !pthread_cond_timedwait(&studio->wake, &studio->keeping, &until))
            continue;
        ending = studio->ending;
        pthread_mutex_unlock(&studio->keeping);
    }
    go_round(studio, said);
    return NULL;
}

unet_code keeper_begin(struct studio *studio, unet_error *err)
{

    studio->stale = calloc((size_t)studio->project.file_count, 1);
    if (!studio->stale)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    memset(studio->stale, studio->project.masks_stale, (size_t)studio->project.file_count);
    pthread_mutex_init(&studio->keeping, NULL);
    system_cond_init(&studio->wake);
    if (pthread_create(&studio->keeper, NULL, keep, studio)) {
        pthread_mutex_destroy(&studio->keeping);
        pthread_cond_destroy(&studio->wake);
        return set_error(err, UNET_ENOMEM, "no thread can be started");
    }
    studio->has_keeper = 1;
    return UNET_OK;
}

void keeper_end(struct studio *studio)
{
    pthread_mutex_lock(&studio->keeping);
    studio->ending = 1;
    pthread_cond_signal(&studio->wake);
    pthread_mutex_unlock(&studio->keeping);
    pthread_join(studio->keeper, NULL);
    pthread_mutex_destroy(&studio->keeping);
    pthread_cond_destroy(&studio->wake);
    studio->has_keeper = 0;
}

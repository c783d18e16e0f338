/* SPDX-License-Identifier: Apache-2.0 */
/* run_images.c - which validation images are kept, and their files.  Drawing: run_draw.c */
#include "run/run_images.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/text_file.h"
#include "unet_scores.h"

static void release_picture(struct run_picture *picture)
{
    for (int view = 0; view < VIEWS; view++)
        unet_image_release(&picture->view[view]);
    free(picture->name);
    *picture = (struct run_picture){0};
}

static void release_pictures(struct run_pictures *pictures)
{
    for (int i = 0; i < pictures->count; i++)
        release_picture(&pictures->picture[i]);
    *pictures = (struct run_pictures){0};
}

/* ---- choosing ---------------------------------------------------------------------------- */

/* Whether an image of this Dice stays when it goes to place `at`: of seven the middle one goes. */
static int has_place(const struct run_pictures *pictures, int at)
{
    return pictures->count < PICTURES || at != PICTURES / 2;
}

unet_code images_add(struct run_images *images, const unet_validated *validated, unet_error *err)
{
    struct run_pictures *coming = &images->coming;
    struct run_picture made = {.index = validated->index};
    unet_code code;
    int at = 0;

    if (coming->epoch != validated->epoch) {
        release_pictures(coming);
        coming->epoch = validated->epoch;
    }
    coming->seen++;
    made.dice = unet_scores_all_dice(validated->scores);
    made.errors = 1 - unet_scores_accuracy(validated->scores);
    if (isnan(made.dice))
        return UNET_OK;
    while (at < coming->count && coming->picture[at].dice <= made.dice)
        at++;
    if (!has_place(coming, at))
        return UNET_OK;
    if ((code = draw_views(validated, (const uint8_t(*)[3])images->colors, images->labels,
                           made.view, err)))
        return code;
    made.name = strdup(validated->name);
    memmove(&coming->picture[at + 1], &coming->picture[at],
            (size_t)(coming->count - at) * sizeof(made));
    coming->picture[at] = made;
    if (++coming->count > PICTURES) {
        release_picture(&coming->picture[PICTURES / 2]);
        coming->count--;
        memmove(&coming->picture[PICTURES / 2], &coming->picture[PICTURES / 2 + 1],
                (PICTURES - PICTURES / 2) * sizeof(made));
    }
    return UNET_OK;
}

void images_done(struct run_images *images)
{
    if (!images->coming.epoch)
        return;
    release_pictures(&images->shown);
    images->shown = images->coming;
    images->coming = (struct run_pictures){0};
    images->written = 0;
}

/* ---- files ------------------------------------------------------------------------------- */

static char *index_path(const struct run_images *images)
{
    return path_join(images->folder, "index.jsonl");
}

char *images_path(const struct run_images *images, int i, enum run_view view)
{
    static const char *const words[VIEWS] = {"truth", "predicted", "errors"};

    return path_text("%s/%d-%s.png", images->folder, i + 1, words[view]);
}

static unet_code fail_file(unet_error *err, const char *path)
{
    return set_error(err, UNET_EIO, "%.400s: cannot be written: %s", path, strerror(errno));
}

static unet_code fail_no_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory for the pictures of a report");
}

static unet_code write_views(struct run_images *images, unet_error *err)
{
    for (int i = 0; i < images->shown.count; i++) {
        for (int view = 0; view < VIEWS; view++) {
            const unet_image *picture = &images->shown.picture[i].view[view];
            char *path = images_path(images, i, (enum run_view)view);
            unet_code code = path ? unet_image_write(path, picture, err) : fail_no_memory(err);

            free(path);
            if (code)
                return code;
        }
    }
    return UNET_OK;
}

static int write_index(const struct run_pictures *shown, FILE *stream)
{
    for (int i = 0; i < shown->count; i++) {
        const struct run_picture *picture = &shown->picture[i];
        json_t *line = json_pack(
            "{si si si so so so}", "epoch", shown->epoch, "images", shown->seen, "index",
            picture->index, "name", json_path(picture->name ? picture->name : ""), "dice",
            json_number_short(picture->dice), "errors", json_number_short(picture->errors));
        int failed = !line || json_dumpf(line, stream, JSON_COMPACT | JSON_REAL_PRECISION(9));

        json_decref(line);
        if (failed)
            return 0;
        fputc('\n', stream);
    }
    return 1;
}

unet_code images_write(struct run_images *images, unet_error *err)
{
    struct text_file file;
    unet_code code = UNET_OK;
    char *path;

    if (images->written || !images->shown.epoch)
        return UNET_OK;
    if (!(path = index_path(images)))
        return fail_no_memory(err);
    unlink(path); /* pictures without an index are better than with another epoch's */
    if (!path_make_folder(images->folder))
        code = fail_file(err, images->folder);
    if (!code)
        code = write_views(images, err);
    if (!code && !text_file_begin(&file, path)) {
        code = fail_file(err, path);
    } else if (!code && !write_index(&images->shown, file.stream)) {
        text_file_abort(&file);
        code = fail_no_memory(err);
    } else if (!code && !text_file_finish(&file)) {
        code = fail_file(err, path);
    }
    free(path);
    images->written = !code;
    return code;
}

/* Pictures of a run that goes on; an index that is not as written here is passed over. */
static void read_index(struct run_images *images)
{
    struct run_pictures *shown = &images->shown;
    char *path = index_path(images), *line = NULL;
    FILE *file = path ? fopen(path, "r") : NULL;
    size_t room = 0;

    while (file && shown->count < PICTURES && getline(&line, &room, file) > 0) {
        json_t *object = json_loads(line, 0, NULL);
        struct run_picture *picture = &shown->picture[shown->count];
        double dice, errors;
        const char *name;
        int index;

        if (!json_unpack(object, "{si si si ss sF sF}", "epoch", &shown->epoch, "images",
                         &shown->seen, "index", &index, "name", &name, "dice", &dice, "errors",
                         &errors)) {
            *picture = (struct run_picture){index, strdup(name), dice, errors, {{0}, {0}, {0}}};
            shown->count++;
        }
        json_decref(object);
    }
    images->written = 1;
    if (file)
        fclose(file);
    free(line);
    free(path);
}

void images_colors(struct run_images *images, const unet_model *model)
{
    for (int k = 0; k < images->labels; k++)
        unet_model_class(model, k, images->colors[k]);
}

int images_open(struct run_images *images, const char *folder, const unet_model *model, int resumed)
{
    images->labels = unet_model_labels(model);
    images->colors = calloc((size_t)images->labels, sizeof(*images->colors));
    images->folder = path_join(folder, "images");
    if (!images->folder || !images->colors)
        return 0;
    images_colors(images, model);
    if (resumed)
        read_index(images);
    return 1;
}

void images_release(struct run_images *images)
{
    release_pictures(&images->coming);
    release_pictures(&images->shown);
    free(images->folder);
    free(images->colors);
    *images = (struct run_images){0};
}

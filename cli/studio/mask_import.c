/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask_import.c - masks that were made elsewhere become the first stroke of their images
 *
 * They are paired and read as all commands do; of a project, with the images of each folder that it
 * has some of.  An image in which something was painted already is left as it is, so the same line
 * can be typed again.  A project in which nothing is painted takes the names of the classes, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/paths.h"
#include "studio/studio_inside.h"
#include "unet_outlines.h"

/* The image of that name from a folder or file; -1: none. */
static int find_image(const struct studio *studio, const char *from, const char *name)
{
    const size_t length = strlen(from);

    for (int i = 0; i < studio->project.image_count; i++) {
        const struct studio_image *image = &studio->project.images[i];
        const char *path = studio->project.files[image->file].path;

        if (!strcmp(image->name, name) && !strncmp(path, from, length) &&
            (!path[length] || (path[length] == '/' && !strchr(path + length + 1, '/'))))
            return i;
    }
    return -1;
}

static int is_painted(const struct studio *studio)
{
    for (int i = 0; i < studio->project.image_count; i++)
        if (studio->labels[i].count)
            return 1;
    return 0;
}

/* Names of classes from "background=0,cell=255", in the order of the classes. */
static void name_classes(struct project *project, const char *labels)
{
    for (int k = 0; labels && *labels && k < project->class_count;) {
        const size_t part = strcspn(labels, ","), length = strcspn(labels, ",=");
        char *name = project->classes[k].name;

        if (length && length < part && strncmp(labels, "ignore=", strlen("ignore="))) {
            snprintf(name, sizeof(project->classes[k].name), "%.*s", (int)length, labels);
            k++;
        }
        labels += part + (labels[part] == ',');
    }
}

/* As many classes as the masks have, by their names where these are known. */
static void make_classes(struct studio *studio, const unet_dataset *dataset)
{
    struct project *project = &studio->project;
    const int count = unet_dataset_labels(dataset);

    for (int i = project->class_count; i < count; i++) {
        struct studio_class *class = &project->classes[i];

        snprintf(class->name, sizeof(class->name), "%s", unet_dataset_class(dataset, i));
        if (!*class->name)
            snprintf(class->name, sizeof(class->name), "class %d", i);
        for (int k = 0; k < 3; k++) /* steps that are far from each other */
            class->rgb[k] = (uint8_t)(60 + (i * (67 + 41 * k) + 97 * k) % 180);
    }
    if (count > project->class_count)
        project->class_count = count;
}

static unet_code take_mask(struct studio *studio, int image, const uint8_t *mask, unet_error *err)
{
    const struct studio_image *what = &studio->project.images[image];
    struct stroke stroke = {.kind = STROKE_RUNS,
                            .image = image,
                            .label = UNET_IGNORE,
                            .seq = 1,
                            .rect = {0, 0, what->width, what->height}};
    struct studio_rect changed;
    unet_code code = UNET_OK;

    if (!stroke_runs_add_pixels(&stroke, mask, (size_t)what->height * (size_t)what->width))
        code = set_error(err, UNET_EINVAL, "%s: its mask has too many small pieces", what->name);
    if (!code && stroke.run_bytes)
        code = studio_load_labels(studio, image, err);
    if (!code && stroke.run_bytes)
        code = studio_commit(studio, &stroke, &changed, err);
    stroke_release(&stroke);
    return code;
}

static unet_code take_all(struct studio *studio, const char *from, const char *labels,
                          const unet_dataset *dataset, int *taken, unet_error *err)
{
    const int is_new = !is_painted(studio);
    unet_code code = UNET_OK;

    make_classes(studio, dataset);
    if (is_new)
        name_classes(&studio->project, labels);
    for (int i = 0; i < unet_dataset_count(dataset) && !code; i++) {
        const uint8_t *mask;
        const char *name;
        const unet_image *image = unet_dataset_image(dataset, i, &mask, &name);
        const int id = find_image(studio, from, name);

        if (id < 0 || studio->labels[id].count || image->height != studio->labels[id].height ||
            image->width != studio->labels[id].width)
            continue;
        code = take_mask(studio, id, mask, err);
        *taken += !code;
    }
    return code;
}

/* The masks of the images of a folder or a file. */
static unet_code import_from(struct studio *studio, const char *from,
                             const struct import_given *given, int *taken, unet_error *err)
{
    const unet_dataset_options options = {
        .size = sizeof(options), .ignore = -1, .labels = given->labels, .only_pairs = 1};
    unet_dataset *dataset = NULL;
    unet_code code = unet_dataset_open(from, given->masks, &options, &dataset, err);
    char *words = code ? NULL : path_text("masks: %s", unet_dataset_coding_text(dataset));

    if (words)
        given->note(words);
    free(words);
    if (!code)
        code = take_all(studio, from, given->labels, dataset, taken, err);
    unet_dataset_free(dataset);
    return code;
}

/* The folder of a file of the project, if none of the files before it is in it; NULL: one is, or
 * there is no memory. */
static char *new_folder(const struct project *project, int file)
{
    const char *path = project->files[file].path;
    const size_t length = (size_t)(strrchr(path, '/') - path);

    for (int i = 0; i < file; i++)
        if (!strncmp(project->files[i].path, path, length + 1) &&
            !strchr(project->files[i].path + length + 1, '/'))
            return NULL;
    return strndup(path, length ? length : 1);
}

/* Folder by folder; one in which no image has a mask fails only if it is the only one. */
static unet_code import_project(struct studio *studio, const struct import_given *given, int *taken,
                                unet_error *err)
{
    int folders = 0, done = 0;
    unet_code code = UNET_OK;

    for (int i = 0; i < studio->project.file_count && code != UNET_ENOMEM; i++) {
        char *from = new_folder(&studio->project, i);

        if (!from)
            continue;
        folders++;
        code = import_from(studio, from, given, taken, err);
        done += !code;
        free(from);
    }
    return code == UNET_ENOMEM || (folders && !done) ? code : UNET_OK;
}

unet_code studio_import(struct studio *studio, const struct import_given *given, int *taken,
                        unet_error *err)
{
    char *from = realpath(given->images, NULL);
    unet_code code;

    if (!from)
        return set_error(err, UNET_EIO, "%s: cannot be read", given->images);
    if (!strcmp(from, studio->project.folder))
        code = import_project(studio, given, taken, err);
    else
        code = import_from(studio, from, given, taken, err);
    if (!code && *taken)
        code = project_save(&studio->project, err);
    free(from);
    return code;
}

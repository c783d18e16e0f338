/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask_import.c - masks that were made elsewhere become the first stroke of their images
 *
 * They are paired and read as all commands do.  An image in which something was painted already is
 * left as it is, so the same line can be typed again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
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

static unet_code take_all(struct studio *studio, const char *from, const unet_dataset *dataset,
                          int *taken, unet_error *err)
{
    unet_code code = UNET_OK;

    make_classes(studio, dataset);
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

unet_code studio_import(struct studio *studio, const struct import_given *given, int *taken,
                        unet_error *err)
{
    const unet_dataset_options options = {
        .size = sizeof(options), .ignore = -1, .labels = given->labels, .only_pairs = 1};
    unet_dataset *dataset = NULL;
    char *from = realpath(given->images, NULL);
    unet_code code = from ? unet_dataset_open(from, given->masks, &options, &dataset, err)
                          : set_error(err, UNET_EIO, "%s: cannot be read", given->images);

    if (!code)
        code = take_all(studio, from, dataset, taken, err);
    if (!code && *taken)
        code = project_save(&studio->project, err);
    unet_dataset_free(dataset);
    free(from);
    return code;
}

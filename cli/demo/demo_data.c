/* SPDX-License-Identifier: Apache-2.0 */
/* demo_data.c - the demo's folder and the pictures in it */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo/demo.h"
#include "shared/cli.h"
#include "shared/paths.h"
#include "shared/text_file.h"

/* A folder with this file in it was made by the demo, and may be made again. */
#define MARKER ".unet-demo"

/* 1: the folder has something in it, 0: nothing, -1: cannot be read. */
static int has_entries(const char *dir)
{
    DIR *stream = opendir(dir);
    struct dirent *entry;
    int found = 0;

    if (!stream)
        return -1;
    while (!found && (entry = readdir(stream)))
        found = strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(stream);
    return found;
}

int demo_make_folder(const char *dir)
{
    static const char *const parts[] = {"images",      "masks",      "instances",
                                        "test/images", "test/masks", "test/instances",
                                        "predictions", "overlays"};
    char *marker = path_join(dir, MARKER), *path;
    struct text_file file;
    int ok;

    if (!marker)
        return fail_memory();
    if (path_is_folder(dir) && !path_exists(marker) && has_entries(dir) != 0) {
        free(marker);
        return fail_text("%s: not empty and not made by unet demo, wanted a new or empty folder",
                         dir);
    }
    ok = path_make_folder(dir) && text_file_begin(&file, marker);
    if (ok) {
        fputs("unet demo may write over the files in this folder\n", file.stream);
        ok = text_file_finish(&file);
    }
    free(marker);
    for (size_t i = 0; ok && i < sizeof(parts) / sizeof(parts[0]); i++) {
        path = path_join(dir, parts[i]);
        ok = path && path_make_folder(path);
        free(path);
    }
    return ok ? EXIT_DONE : fail_text("%s: cannot be written: %s", dir, strerror(errno));
}

static unet_code write_image(const char *dir, const char *kind, const char *name,
                             const struct cells *cells, unet_sample sample, void *data,
                             unet_error *err)
{
    unet_image image = {cells->height, cells->width, 1, sample, 0, data};
    char *path = path_text("%s/%s/%s.png", dir, kind, name);
    unet_code code;

    if (!path)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    code = unet_image_write(path, &image, err);
    free(path);
    return code;
}

/* One picture into dir/images, dir/masks and dir/instances; the number of cells in *count. */
static int make_picture(const char *dir, const char *name, int bits, uint64_t seed, int *count)
{
    struct cells_options options = {DEMO_SIDE, DEMO_SIDE, bits, seed};
    struct cells cells;
    unet_error err;
    unet_code code;

    if (!cells_make(&options, &cells))
        return fail_memory();
    if (cells.image16)
        code = write_image(dir, "images", name, &cells, UNET_U16, cells.image16, &err);
    else
        code = write_image(dir, "images", name, &cells, UNET_U8, cells.image8, &err);
    if (!code)
        code = write_image(dir, "masks", name, &cells, UNET_U8, cells.mask, &err);
    if (!code)
        code = write_image(dir, "instances", name, &cells, UNET_U16, cells.instances, &err);
    *count = cells.count;
    cells_release(&cells);
    return code ? fail(&err) : EXIT_DONE;
}

int demo_make_images(struct demo *demo)
{
    double start = seconds_now();
    uint64_t seed = demo->settings->common.seed * 1000;
    char *test = path_join(demo->dir, "test"), name[32];
    int status = test ? EXIT_DONE : fail_memory(), cells;

    for (int i = 0; !status && i < DEMO_TRAIN; i++) {
        snprintf(name, sizeof(name), "cells_%03d", i + 1);
        status =
            make_picture(demo->dir, name, demo->settings->bits, seed + (uint64_t)i + 1, &cells);
        demo->train_cells += cells;
    }
    for (int i = 0; !status && i < DEMO_TEST; i++) {
        struct demo_picture *picture = &demo->pictures[i];

        snprintf(picture->name, sizeof(picture->name), "cells_%03d", 501 + i);
        status = make_picture(test, picture->name, demo->settings->bits, seed + 501 + (uint64_t)i,
                              &picture->cells);
    }
    free(test);
    demo->make_seconds = seconds_now() - start;
    return status;
}

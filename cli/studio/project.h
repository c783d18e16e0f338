/* SPDX-License-Identifier: Apache-2.0 */
/*
 * project.h - PROJECT/project.json: which images, which classes, what the page stored
 *
 *     PROJECT/project.json      this
 *     PROJECT/strokes.journal   journal.h
 *     PROJECT/labels/ID.tiles   snapshots, image_labels.h; may be thrown away
 *     PROJECT/masks/            mask files, mask_files.h
 *     PROJECT/cache/            picture_copy.h; may be thrown away
 *     PROJECT/run/              the training's
 *     PROJECT/export/           what was asked for
 *     PROJECT/lock              who works here
 *
 * Files are in the order in which they came, and stay, so that numbers of images stay.
 */
#ifndef PROJECT_H
#define PROJECT_H

#include "studio/studio.h"
#include "unet_image.h"

struct project_file {
    char *stored; /* its path in project.json: relative to the project's folder where it is near */
    char *path;   /* absolute */
    char *mask;   /* its mask's name in masks/ */
    int first, pages; /* images first .. first + pages - 1 */
    int missing;
};

struct project {
    char *folder, *name;
    struct project_file *files;
    int file_count;
    struct studio_image *images;
    unet_page *pages; /* [image_count], what the files say */
    int image_count;
    struct studio_class classes[UNET_MAX_CLASSES];
    int class_count;
    json_t *settings;
    int masks_stale; /* 1: mask files have older colours */
};

/*
 * Opens a project, or makes one if there is no project.json, and takes in the files that it does
 * not have yet.  note() hears of files that cannot be read or are not there any more.  A new one
 * begins with two classes, or those of `model` (NULL: none).
 */
unet_code project_open(struct project *project, const char *folder, char *const *paths,
                       size_t count, const unet_model *model, void (*note)(const char *text),
                       unet_error *err);
unet_code project_save(const struct project *project, unet_error *err);
void project_release(struct project *project);

/* Removes what is in a project's folder, but for the lock, if nothing is in its folders. */
void project_unmake(const char *folder);

/* The classes as JSON, and from it: 0 with words in err. */
json_t *project_classes(const struct project *project);
int project_read_classes(const json_t *list, struct studio_class *classes, int *count,
                         unet_error *err);

#endif

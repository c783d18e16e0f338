/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split_file.h - RUN/split.json: which images a run is trained on, and which it holds out
 *
 * {"format": 1, "fold": 2, "folds": 5, "how": "..", "images": DIR, "masks": DIR, "options": {..},
 * "trained": ["a.png", ..], "held_out": ["b.png", ..]}: images and masks are where those held out
 * are, options how they were read.  docs/run-folder.md says it for people.
 */
#ifndef SPLIT_FILE_H
#define SPLIT_FILE_H

#include <jansson.h>

#include "unet.h"

/* Names of a set's images, each once: the second of a name is "a.png#2".  NULL: no memory. */
json_t *split_names(const unet_dataset *dataset);

/* Of FOLDER/split.json.  *split NULL: there is none.  EXIT_FAILED: told, it is no such file. */
int split_load(const char *folder, json_t **split);
int split_save(const char *folder, const json_t *split); /* EXIT_FAILED: told */

/* The first name that only one of two lists has; NULL: they have the same. */
const char *split_differs(const json_t *a, const json_t *b);

/* Where an image of that name is: "trained on", "held out", "not there". */
const char *split_place(const json_t *split, const char *name);

/* Replaces a set by the images of it that split holds out.  EXIT_FAILED: told, it lacks one. */
int split_take(const json_t *split, const char *folder, unet_dataset **dataset);

#endif

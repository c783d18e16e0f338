/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_joined.h - one file of all images, put together of one for each
 *
 * Ranks write tables and outlines of their images as files of their own; rank 0 puts these together
 * in the order of the list, with the bytes of the file that one process writes.
 */
#ifndef PREDICT_JOINED_H
#define PREDICT_JOINED_H

#include <stddef.h>

struct joined_text {
    char **text; /* [count], of each image, in order; ends with a 0 byte */
    size_t count;
};

/* Adds a copy of size bytes.  0: no memory. */
int joined_add(struct joined_text *all, const char *text, size_t size);
void joined_release(struct joined_text *all);

/* Tables of the same columns: one header, all rows.  EXIT_FAILED: told. */
int joined_save_table(const struct joined_text *all, const char *path);

/* COCO files: annotations and images get the numbers that they have among all.  EXIT_FAILED: told.
 */
int joined_save_coco(const struct joined_text *all, const char *path);

#endif

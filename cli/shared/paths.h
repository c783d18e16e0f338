/* SPDX-License-Identifier: Apache-2.0 */
/* paths.h - names of files and folders */
#ifndef PATHS_H
#define PATHS_H

#include <stddef.h>
#include <stdio.h>

/* All strings returned are the caller's to free(); NULL: no memory. */

/* A growing list of strings that it owns; starts zeroed. */
struct path_list {
    char **path;
    size_t count, room;
};
int path_list_add(struct path_list *list, char *path); /* takes path; 0: no memory */
void path_list_release(struct path_list *list);

char *path_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *path_join(const char *folder, const char *name);
char *path_stem(const char *path);         /* "a/b.tif" -> "b"; "a/b.tif[3]" -> "b-3" */
const char *path_ending(const char *path); /* "a/b.tif" -> ".tif"; "" when there is none */
char *path_before_ending(const char *path,
                         const char *insert); /* ("m.st", ".last") -> "m.last.st" */
char *path_without_slash(const char *path);   /* at its end */
char *path_quote(const char *path);           /* as a shell takes it */
int path_has_ending(const char *path, const char *const *endings); /* any case; ends with NULL */
int path_is_folder(const char *path);
int path_holds_images(const char *path); /* a folder that is not one image, such as OME-Zarr */
int path_exists(const char *path);

/*
 * One spelling for each file: the folder with all links resolved, and the last part as it is.  So
 * two paths that name the same folder entry are equal strings, whether it exists or not.
 */
char *path_entry(const char *path);

/* Makes a folder and those above it; fine when it is there.  0: errno says why not. */
int path_make_folder(const char *path);

/* The file of "scan.tif[2:7]{0}"; *pages is the "[2:7]{0}" in path, or "".  A file that has such a
 * name itself is no choice of pages or channels. */
char *path_of_pages(const char *path, const char **pages);

/* The files of cell_{ch00,ch01}.tif, up to `most`, each to be freed, or the path itself; how many.
 */
int path_files(const char *path, char **files, int most);

/* Adds the images of a folder, sorted by name.  0: errno says why not. */
int path_list_images(const char *folder, struct path_list *list);

/*
 * 1 when a file can be written at path; else 0 with errno set.  For checking before long work: the
 * folder exists and may be written to, and path is no folder.
 */
int path_writable(const char *path);

/* Whether the ending promises a model in another program's format. */
int path_is_foreign(const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* temporary.h - a file beside the one that it will replace */
#ifndef UN_TEMPORARY_H
#define UN_TEMPORARY_H

/*
 * Makes an empty file in the folder of path, named after it, and opens it for reading and writing,
 * with the mode that a file at path has, or that the kernel gives a new one.  *name is the caller's
 * to free() and to rename() or unlink(); what earlier processes left here is removed.  Returns the
 * descriptor, or -1 with errno.
 */
int un_temporary_open(const char *path, char **name);

/* Removes what killed processes left beside path; what a live one is writing stays. */
void un_temporary_clear(const char *path);

#endif

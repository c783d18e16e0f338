/* SPDX-License-Identifier: Apache-2.0 */
/* loaded.h - shared libraries that are looked for while the program runs */
#ifndef UN_LOADED_H
#define UN_LOADED_H

#include <stdbool.h>

/* Whether this build can load any: one that is a single static file cannot. */
bool un_loaded_possible(void);

/*
 * The first of `files` (names as the system's loader takes them, NULL ends them) that is there;
 * NULL if none is.  It stays in memory for good: what such libraries are made of does not expect to
 * be unloaded.
 */
void *un_loaded_open(const char *const *files);

/* Puts the address of a function into *function, a pointer to such a function; whether it is there.
 */
bool un_loaded_find(void *library, const char *name, void *function);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* system.h - what each operating system has in a way of its own: the machine, and large memory */
#ifndef UN_SYSTEM_H
#define UN_SYSTEM_H

#include <stddef.h>

enum { UN_SYSTEM_PATH = 1024 };

/* Processors that this process may use, 1 or more. */
int un_system_cores(void);

/* What the processor is called, cut at size; of one that does not say, its kind: "x86_64". */
void un_system_processor(char *name, size_t size);

/* Bytes of memory of the machine; 0: not known. */
size_t un_system_memory(void);

/* Bytes of the second-level cache; 0: not known. */
size_t un_system_cache(void);

/*
 * Memory whose pages are zero and cost nothing until they are touched; NULL: there is none.  Freed
 * by un_system_unmap() with the same size.
 */
void *un_system_map(size_t bytes);
void un_system_unmap(void *memory, size_t bytes);

/* A block aligned to a power of two, of which bytes is a multiple; NULL: no memory. */
void *un_system_aligned(size_t alignment, size_t bytes);
void un_system_aligned_free(void *block);

/* Addresses that nobody may read or write, freed in the same way; NULL: there are none. */
void *un_system_reserve(size_t bytes);

/* A wish that a part of such memory lie on huge pages. */
void un_system_huge(void *memory, size_t bytes);

/* The folder of scratch files where none is given and TMPDIR names none. */
void un_system_scratch(char folder[UN_SYSTEM_PATH]);

/* A file without a name in a folder, open for reading and writing, gone when it is closed; -1 with
 * errno. */
int un_system_unnamed(const char *folder);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* loaded.c - by the loader of POSIX */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "image/slides/loaded.h"

bool un_loaded_possible(void)
{
    return true;
}

void *un_loaded_open(const char *const *files)
{
    void *library = NULL;
    for (; *files && !library; files++)
        library = dlopen(*files, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    return library;
}

/* POSIX has a function's address in a pointer to void. */
bool un_loaded_find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

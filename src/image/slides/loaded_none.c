/* SPDX-License-Identifier: Apache-2.0 */
/* loaded_none.c - in the place of loaded.c in a program that is one static file */
#include <stddef.h>

#include "image/slides/loaded.h"

bool un_loaded_possible(void)
{
    return false;
}

void *un_loaded_open(const char *const *files)
{
    (void)files;
    return NULL;
}

bool un_loaded_find(void *library, const char *name, void *function)
{
    (void)library, (void)name, (void)function;
    return false;
}

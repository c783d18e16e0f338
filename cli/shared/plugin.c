/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c - where libunet_mpi.so is looked for, by dlopen */
#include "shared/plugin.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "shared/machine.h"
#include "shared/paths.h"

#ifndef UNET_PLUGINS
#define UNET_PLUGINS "../lib/unet" /* from the folder of the command, where it is installed */
#endif

/* The folder that this command is in; NULL: not known, or no memory. */
static char *own_folder(void)
{
    char path[4096];
    char *own = system_own_path(path, sizeof(path)) ? realpath(path, NULL) : NULL;
    char *slash = own ? strrchr(own, '/') : NULL;

    if (slash)
        *slash = '\0';
    return own;
}

/* Loads it from a folder; NULL: it is not there.  MPI looks for its own parts among the symbols of
 * all. */
static void *load_from(const char *folder, const char *below)
{
    char *path = path_text("%s/%slibunet_mpi.so", folder, below);
    void *handle = path && path_exists(path) ? dlopen(path, RTLD_NOW | RTLD_GLOBAL) : NULL;

    free(path);
    return handle;
}

static void *load_any(void)
{
    const char *named = getenv("UNET_MPI_PLUGIN");
    char *folder;
    void *handle;

    dlerror();
    if (named && *named)
        return dlopen(named, RTLD_NOW | RTLD_GLOBAL);
    folder = own_folder();
    handle = folder ? load_from(folder, "") : NULL;
    if (!handle && folder)
        handle = load_from(folder, UNET_PLUGINS "/");
    free(folder);
    return handle;
}

void *plugin_load(const char *symbol)
{
    void *handle = load_any();

    return handle ? dlsym(handle, symbol) : NULL;
}

const char *plugin_why(void)
{
    return dlerror();
}

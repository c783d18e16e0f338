/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher.c - whether a launcher started several of us, and the plugin through which they talk
 *
 * The environment is asked in this order, and the first that knows the number of processes counts:
 * Open MPI's mpirun, the launchers of MPICH (and srun --mpi=pmi2), srun.  A batch script of Slurm
 * is no step: it has SLURM_NTASKS, the tasks that it may start, but SLURM_STEP_NUM_TASKS only in
 * what srun started.
 */
#include "shared/launcher.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "unet_mpi.h"
#include "shared/paths.h"

#ifndef UNET_PLUGINS
#define UNET_PLUGINS "../lib/unet" /* from the folder of the command, where it is installed */
#endif

static struct {
    const struct unet_mpi *mpi; /* NULL: alone */
    unet_ranks ranks;
} joined;

/* ---- the environment --------------------------------------------------------------------- */

/* A whole number, -1: not set, or none. */
static int number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long value;

    if (!text || !*text)
        return -1;
    value = strtol(text, &end, 10);
    return *end || value < 0 || value > 1 << 24 ? -1 : (int)value;
}

struct launch launch_find(void)
{
    static const struct {
        const char *rank, *count, *by;
    } rows[] = {
        {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "mpirun (Open MPI)"},
        {"PMI_RANK", "PMI_SIZE", "mpiexec"},
        {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "srun"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct launch found = {number_of(rows[i].rank), number_of(rows[i].count), rows[i].by};

        if (found.rank >= 0 && found.count > found.rank)
            return found;
    }
    return (struct launch){0, 1, NULL};
}

/* ---- the plugin -------------------------------------------------------------------------- */

/* The folder that this command is in; NULL: not known, or no memory. */
static char *own_folder(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *slash;

    if (length <= 0)
        return NULL;
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    return strdup(path);
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

/* The plugin that UNET_MPI_PLUGIN names, else the one beside the command or of its installation. */
static void *load_plugin(void)
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

/* Why there is no plugin, and what helps. */
static int fail_plugin(const struct launch *launch, const char *what)
{
    const char *named = getenv("UNET_MPI_PLUGIN"), *why = dlerror();

    return fail_text("%s started %d processes, and without libunet_mpi.so each would do all of the "
                     "%s by itself: %s; install it (docs/cluster.md; Debian: unet-mpi, or "
                     "libopenmpi-dev before unet is built), or start one process",
                     launch->by, launch->count, what,
                     why               ? why
                     : named && *named ? named
                                       : "it is not beside the command");
}

static const struct unet_mpi *find_plugin(const struct launch *launch, const char *what)
{
    void *handle = load_plugin(), *symbol = handle ? dlsym(handle, UNET_MPI_SYMBOL) : NULL;
    const struct unet_mpi *mpi = symbol;

    if (!mpi)
        fail_plugin(launch, what);
    else if (strcmp(mpi->version, UNET_VERSION)) {
        fail_text("libunet_mpi.so is of unet %s, this command is %s; install both from one version",
                  mpi->version, UNET_VERSION);
        return NULL;
    }
    return mpi;
}

int ranks_join(const char *what, const unet_ranks **ranks)
{
    const struct launch launch = launch_find();
    const struct unet_mpi *mpi;
    unet_error err;

    *ranks = NULL;
    if (launch.count == 1)
        return EXIT_DONE;
    if (joined.mpi) {
        *ranks = &joined.ranks;
        return EXIT_DONE;
    }
    if (!(mpi = find_plugin(&launch, what)))
        return EXIT_FAILED;
    if (mpi->join(launch.count, &joined.ranks, &err))
        return fail(&err);
    joined.mpi = mpi;
    *ranks = &joined.ranks;
    return EXIT_DONE;
}

int ranks_first(void)
{
    return launch_find().rank == 0;
}

int ranks_leave(int status)
{
    if (!joined.mpi)
        return status;
    fflush(NULL);
    if (status == EXIT_DONE || status == EXIT_INTERRUPTED)
        joined.mpi->leave();
    else
        joined.mpi->end_all(status);
    joined.mpi = NULL;
    return status;
}

void ranks_end(int status)
{
    fflush(NULL);
    if (joined.mpi)
        joined.mpi->end_all(status);
}

const char *ranks_blame(void)
{
    static char text[300];
    const struct launch launch = launch_find();
    const struct timespec moment = {2, 0};
    char host[256] = "a host without a name";

    if (launch.count == 1 || *text)
        return text;
    gethostname(host, sizeof(host) - 1);
    if (launch.rank > 0)
        nanosleep(&moment, NULL);
    if (launch.rank > 0 || joined.mpi)
        snprintf(text, sizeof(text), "rank %d on %s: ", launch.rank, host);
    return text;
}

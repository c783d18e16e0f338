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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "unet_mpi.h"
#include "shared/machine.h"
#include "shared/plugin.h"

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

/* Why there is no plugin, and what helps. */
static int fail_plugin(const struct launch *launch, const char *what)
{
    const char *named = getenv("UNET_MPI_PLUGIN"), *why = plugin_why();

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
    const struct unet_mpi *mpi = plugin_load(UNET_MPI_SYMBOL);

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

/* How many of us run on this machine; 1: that is not known. */
static int ranks_here(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", NULL};
    const char *tasks = getenv("SLURM_STEP_TASKS_PER_NODE"); /* "4(x2)": 4 on each of two */
    int count = tasks ? atoi(tasks) : 1;

    for (int i = 0; names[i]; i++)
        count = number_of(names[i]) > 0 ? number_of(names[i]) : count;
    return count > 0 ? count : 1;
}

int ranks_threads(void)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN) / ranks_here();
    long allowed = system_cores();

    if (!joined.mpi)
        return 0;
    allowed = cores < allowed ? cores : allowed;
    return allowed > 1 ? (int)allowed : 1;
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

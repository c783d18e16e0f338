/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher.h - several of this command that a launcher started to work on one thing
 *
 * mpirun and srun start a command many times and say so in its environment.  A command that can
 * share its work calls ranks_join(), which loads the plugin that speaks MPI; main() leaves.  Rank 0
 * speaks and writes files; the others are silent but for their errors.
 */
#ifndef LAUNCHER_H
#define LAUNCHER_H

#include "shared/cli.h"
#include "unet_ranks.h"

/* Who started us; count 1: no launcher, or this command alone. */
struct launch {
    int rank, count;
    const char *by; /* "mpirun (Open MPI)" */
};
struct launch launch_find(void);

/*
 * *ranks: NULL where this command was started alone.  EXIT_FAILED (told): there is no plugin, or it
 * cannot reach the others; what: what would then be done many times, "training".
 */
int ranks_join(const char *what, const unet_ranks **ranks);

/* 1: rank 0, or alone. */
int ranks_first(void);

/* Once at the end of the command: leaves the others or, where it failed, ends them at once. */
int ranks_leave(int status);

/* Ends all ranks at once, this one with status; returns where it is alone. */
void ranks_end(int status);

/*
 * Before an error is printed: "", or "rank 2 on host: " after a moment in which rank 0, if it has
 * the same error, has told it and ended all.
 */
const char *ranks_blame(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet_mpi.h - what libunet_mpi.so gives to who loads it: ranks by MPI
 *
 * It is a file of its own, since a program that is linked to an MPI runs only where that MPI is.
 * It calls no function of libunet.
 */
#ifndef UNET_MPI_H
#define UNET_MPI_H

#include "unet_ranks.h"

/* The symbol that dlsym() is asked for, a struct unet_mpi. */
#define UNET_MPI_SYMBOL "unet_mpi"

struct unet_mpi {
    const char *version;   /* UNET_VERSION when it was built: another one is not to be used */
    const char *made_with; /* "Open MPI 4.1.4" */
    /*
     * Joins the others, once in a process.  *ranks is valid until leave().  UNET_EIO: MPI cannot
     * begin, or it knows of another number of processes than the launcher started.
     */
    unet_code (*join)(int expected, unet_ranks *ranks, unet_error *err);
    /* Waits for the others to leave, too. */
    void (*leave)(void);
    /* Ends all ranks at once, this one with status; does not return. */
    void (*end_all)(int status);
};

#endif

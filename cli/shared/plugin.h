/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.h - libunet_mpi.so, loaded when it is wanted; plugin_none.c is for a static command */
#ifndef PLUGIN_H
#define PLUGIN_H

/* A symbol of the plugin that UNET_MPI_PLUGIN names, else of the one beside the command or of its
 * installation; NULL: there is none. */
void *plugin_load(const char *symbol);

/* Why not; NULL: it is in none of these places. */
const char *plugin_why(void);

#endif

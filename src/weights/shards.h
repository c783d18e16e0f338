/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shards.h - one table from several files
 *
 * Large models are saved in pieces, model-00001-of-00002.safetensors and so on, with an index of
 * JSON beside them that says which array is in which piece.  Any of these files stands for all.
 */
#ifndef UN_SHARDS_H
#define UN_SHARDS_H

#include "weights/arrays.h"

/* Whether a path is named as one piece of several, or as their index. */
bool un_shards_named(const char *path);

/*
 * The arrays of all pieces, which lie in the folder of path; open_one reads one of them.  What
 * names itself a piece and is a whole model of ours is read alone.  UNET_EFORMAT: the index is
 * none, a piece is not there, two arrays have one name; what open_one fails with.
 */
unet_code un_shards_open(const char *path,
                         unet_code (*open_one)(const char *path, struct un_arrays *arrays,
                                               unet_error *err),
                         struct un_arrays *arrays, unet_error *err);

#endif

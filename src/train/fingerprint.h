/* SPDX-License-Identifier: Apache-2.0 */
/* fingerprint.h - whether a data set is the one that a run began with */
#ifndef UN_FINGERPRINT_H
#define UN_FINGERPRINT_H

#include "base/pool.h"
#include "data/set/dataset.h"

struct un_fingerprint {
    int images;
    uint64_t names, pixels, masks; /* hashes over all images, in order; sizes are in pixels */
};

/* Reads every sample once; images are the pool's tasks.  dataset may be NULL: no images. */
struct un_fingerprint un_fingerprint_of(const unet_dataset *dataset, struct un_pool *pool);

/* A hash of bytes, not a cryptographic one: for what changed by mistake, not for what was forged.
 */
uint64_t un_hash(uint64_t seed, const void *bytes, size_t count);

#endif

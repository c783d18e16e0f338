/* SPDX-License-Identifier: Apache-2.0 */
/* places.h - the images of a data set as tiles are drawn from them: all that is made once */
#ifndef UN_PLACES_H
#define UN_PLACES_H

#include "base/pool.h"
#include "data/tile.h"

struct un_places {
    int count;
    size_t bytes;                /* that this holds */
    struct un_place *place;      /* [count] */
    struct un_reading *readings; /* [count] */
    struct un_focus *focus;      /* [count], or NULL: places alike */
    uint8_t **masks;             /* [count]: copies with gaps; or NULL: those of the data set */
    float **extra;               /* [count]: border weights; or NULL */
};

/*
 * The data set, options->class_weights and scaling must outlive *places, which the caller releases.
 * Images are the pool's tasks.  UNET_ENOMEM.
 */
unet_code un_places_make(const unet_dataset *dataset, int channels,
                         const struct un_scaling *scaling, const unet_train_options *options,
                         struct un_pool *pool, struct un_places *places, unet_error *err);
void un_places_release(struct un_places *places);

#endif

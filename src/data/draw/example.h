/* SPDX-License-Identifier: Apache-2.0 */
/* example.h - what tiles are drawn from, for each image of a data set: all that is made once */
#ifndef UN_EXAMPLE_H
#define UN_EXAMPLE_H

#include "base/pool.h"
#include "data/draw/draw.h"
#include "data/set/dataset.h"

struct un_examples {
    int count;
    size_t bytes;                /* that this holds */
    struct un_example *example;  /* [count] */
    struct un_reading *readings; /* [count] */
    struct un_focus *focus;      /* [count], or NULL: all pixels alike */
    uint8_t **masks;             /* [count]: copies with gaps; or NULL: those of the data set */
    float **extra;               /* [count]: border weights; or NULL */
};

/*
 * The data set, options->class_weights and scaling must outlive *examples, which the caller
 * releases. Images are the pool's tasks.  UNET_ENOMEM.
 */
unet_code un_examples_make(const unet_dataset *dataset, int channels,
                           const struct un_scaling *scaling, const unet_train_options *options,
                           struct un_pool *pool, struct un_examples *examples, unet_error *err);
void un_examples_release(struct un_examples *examples);

#endif

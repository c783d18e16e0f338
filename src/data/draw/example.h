/* SPDX-License-Identifier: Apache-2.0 */
/* example.h - what tiles are drawn from, for each image: all that is made once */
#ifndef UN_EXAMPLE_H
#define UN_EXAMPLE_H

#include "base/pool.h"
#include "data/draw/draw.h"
#include "data/set/dataset.h"

/* An image that is ready to be drawn from. */
struct un_prepared {
    struct un_example example; /* points to the members below */
    struct un_reading reading;
    struct un_focus focus;
    uint8_t *mask; /* a copy with gaps; NULL: the pair's */
    float *extra;  /* border weights; or NULL */
    uint8_t *rims; /* or NULL */
    size_t bytes;  /* that all this holds */
    int draws;     /* times that it stands in the order of an epoch; -1: as often as tiles are
                      needed to cover it */
    /* of a patch, whose arrays are its own: see un_trainer_put() */
    struct un_sample_pair own;
    float *factor;
};

struct un_examples {
    int count;
    struct un_prepared **list; /* [count] */
};

/* How the images of a training are read and drawn; all of it must outlive what is made by it. */
struct un_drawing {
    int channels;
    const struct un_scaling *scaling;
    const unet_train_options *options; /* class_weights, border, augment */
    int classes, rims;                 /* of the network; rims 0: none are learnt */
};

/*
 * The data set and what drawing points to must outlive *examples, which the caller releases. Images
 * are the pool's tasks.  UNET_ENOMEM.
 */
unet_code un_examples_make(const unet_dataset *dataset, const struct un_drawing *drawing,
                           struct un_pool *pool, struct un_examples *examples, unet_error *err);
void un_examples_release(struct un_examples *examples);
size_t un_examples_bytes(const struct un_examples *examples);

/* One image by itself: the pair must outlive it, or be its own. */
unet_code un_prepared_make(const struct un_sample_pair *pair, const struct un_drawing *drawing,
                           struct un_prepared **prepared, unet_error *err);
void un_prepared_free(struct un_prepared *prepared);

/* Makes room for one image more than there are. */
unet_code un_examples_reserve(struct un_examples *examples, unet_error *err);

/* Takes prepared as image i, in place of the one before; i == count: one more, for which there is
 * room. */
void un_examples_put(struct un_examples *examples, int i, struct un_prepared *prepared);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trainer.h - a model, a data set, an optimiser, and all memory that a training step needs
 *
 *     trainer.c  its memory                     train_step.c  one step: passes, checks
 *     update.c   clip, optimiser, average       feed.c        tiles, drawn ahead of the steps
 *     checkpoint.c  to a file and back          loop.c        epochs: unet_train()
 *     patch.c    a data set that grows          reduce.c      gradients of several processes
 */
#ifndef UN_TRAINER_H
#define UN_TRAINER_H

#include "base/pool.h"
#include "data/set/dataset.h"
#include "model/model.h"
#include "net/run.h"
#include "train/feed.h"
#include "train/reduce.h"
#include "train/train_options.h"

/* ---- fingerprint.c: whether a data set is the one that a run began with ---- */

struct un_fingerprint {
    int images;
    uint64_t names, pixels, masks; /* hashes over all images, in order; sizes are in pixels */
};

/* Reads every sample once; images are the pool's tasks.  dataset may be NULL: no images. */
struct un_fingerprint un_fingerprint_of(const unet_dataset *dataset, struct un_pool *pool);

/* A hash of `count` bytes, values of `bytes` 1, 2, 4 or 8 each, the same on every processor; not a
 * cryptographic one: for what changed by mistake, not for what was forged. */
uint64_t un_hash(uint64_t seed, const void *values, size_t count, int bytes);

/* ---- trainer ---- */

struct unet_trainer {
    unet_model *model;
    const unet_dataset *dataset;
    unet_train_options options; /* class_weights points to the array below; accumulate >= 1 */
    float class_weights[UNET_MAX_CLASSES];
    struct un_fingerprint fingerprint; /* of the data set; of none once a patch was put */
    struct un_engine *engine;
    struct un_network network;
    bool behind;           /* the model's weights are older than those on the device */
    int in_side, out_side; /* of a tile */
    int tiles_per_epoch, steps_per_epoch;
    long step;     /* steps done */
    size_t frozen; /* trainable values at the beginning that are left alone */
    float rate;    /* learning rate of the next step, and then that of the last */
    struct un_examples examples;
    struct un_feed *feed;
    /* several processes: each has tiles first .. first + local - 1 of a pass's options.batch */
    const unet_ranks *ranks; /* NULL: alone, and has all */
    int first, local;
    struct un_reducer *reducer; /* NULL: alone */
    double stepping;            /* seconds of all steps */

    /* of the last step */
    double weight; /* sum of the pixel weights; 0: nothing had a label, and nothing was learnt */
    double gradient_norm;
    bool one_class; /* where watch is set: of the last pass, though the masks have more */

    /* state of the optimiser in engine memory, [trainable] each */
    float *moment;
    float *square;      /* Adam, AdamW, RMSprop */
    float *average;     /* where options.average is set */
    bool shows_average; /* the model holds the averaged weights, and average the newest */

    float *sum;     /* [trainable], engine memory: gradients of several passes; or NULL */
    float *running; /* copy of the norms' statistics, to undo a step; engine memory */
    bool watch;     /* look what the network answers */
    uint8_t *answer, *host_answer; /* [local][out_side][out_side], engine memory and the host's */
    /* a batch in engine memory; NULL where that is the host's: the feed's is used */
    float *device_weights;
    uint8_t *device_labels;
    double *result; /* [2], engine memory */
    uint64_t *bad;  /* engine memory */
};

/* ranks: with which it makes its steps, all alike; or NULL. */
unet_code un_trainer_create(unet_model *model, const unet_dataset *dataset,
                            const unet_train_options *options, const unet_ranks *ranks,
                            unet_trainer **trainer, unet_error *err);
void un_trainer_free(unet_trainer *trainer);
unet_trainer_facts un_trainer_all(const unet_trainer *trainer);

/* How its images are read and drawn; valid as long as the trainer. */
struct un_drawing un_trainer_drawing(const unet_trainer *trainer);

/* UNET_EINVAL when the model cannot take an image of the set, or has fewer classes. */
unet_code un_trainer_check(const unet_model *model, const unet_dataset *dataset, unet_error *err);

/* The input side of a tile: what the user wants or, for 0, what suits the images of the set. */
int un_trainer_tile(const struct un_graph *graph, const unet_dataset *dataset, int wanted,
                    int *out_side);

/* Bytes a trainer allocates besides the network: batches, what the optimiser keeps, averaged
 * weights and the sums of several passes, without border weights or scratch memory of an
 * augmentation. */
size_t un_trainer_extra_bytes(const struct un_graph *graph, const unet_train_options *options,
                              int batch, size_t in_pixels, size_t out_pixels);

/* ---- smallest.c: the area that all objects of a set reach but for the smallest hundredth;
 * *smallest stays where there are no objects ---- */

unet_code un_smallest_object(const unet_dataset *dataset, int *smallest, unet_error *err);

/* ---- train_step.c ------------------------------------------------------------------------ */

unet_code un_trainer_step(unet_trainer *trainer, double *loss, unet_error *err);

/* ---- together.c: several processes that train as one ------------------------------------- */

/* Which tiles of a pass are this process's, by their numbers alone.  UNET_EINVAL: a batch has fewer
 * tiles than there are processes. */
unet_code un_together_deal(unet_trainer *trainer, struct un_graph *graph, unet_error *err);

/* Once the network is there.  UNET_ENOMEM. */
unet_code un_together_begin(unet_trainer *trainer, unet_error *err);

/* The loss of the whole batch, as ops->loss() makes it of one process's.  UNET_EIO. */
unet_code un_together_loss(unet_trainer *trainer, const uint8_t *labels, const float *weights,
                           unet_error *err);

/* What this process's part took so far. */
struct unet_rank_time un_together_time(const unet_trainer *trainer);

/* The classes of some pixels; low > high: of none. */
struct un_classes {
    int low, high;
};

/* Those of all processes. */
unet_code un_together_classes(const unet_trainer *trainer, struct un_classes *truth,
                              struct un_classes *said, unet_error *err);

/* ---- update.c ---------------------------------------------------------------------------- */

/* From engine memory to the host.  UNET_EDEVICE: *to is worth nothing. */
unet_code un_trainer_bring(const unet_trainer *trainer, void *to, const void *from, size_t bytes,
                           unet_error *err);

/* The norm of gradients [trainable] (engine memory), of what is trained. */
unet_code un_trainer_norm(const unet_trainer *trainer, const float *gradients, double *norm,
                          unet_error *err);

/* Clips them by trainer->gradient_norm, steps the optimiser, then the averaged weights. */
void un_trainer_update(unet_trainer *trainer, float *gradients);

/* Brings the weights that are shown to the model, where they are on a device and have changed since
 * they were last asked for: behind un_model_fetch(). */
unet_code un_trainer_fetch(unet_trainer *trainer, unet_error *err);

/* Exchanges the model's trainable weights with their average; norms' running statistics stay.
 * Nothing happens where there is no average, or what is wanted is there.  Before a step the newest
 * weights must be back. */
void un_trainer_show_average(unet_trainer *trainer, bool wanted);

/* ---- patch.c: what it draws from may change, and what it has learnt be looked at ---------- */

/* The inner halves of unet_trainer_put() and unet_trainer_copy(). */
unet_code un_trainer_put(unet_trainer *trainer, int i, const unet_patch *patch, unet_error *err);
unet_code un_trainer_copy(unet_trainer *trainer, unet_model **model, unet_error *err);

/* ---- cost.c: unet_spec_cost(), unet_train_bytes() ----------------------------------------- */

unet_code un_spec_cost(const unet_spec *spec, int height, int width, int batch, unet_cost *cost,
                       unet_layer *layers, int *layer_count, unet_error *err);
unet_code un_train_bytes(const unet_spec *spec, const unet_train_options *options, int side,
                         size_t *bytes, unet_error *err);

/* ---- loop.c: unet_train() ----------------------------------------------------------------- */

unet_code un_train(const unet_train_job *job, const unet_train_options *options, unet_error *err);

#endif

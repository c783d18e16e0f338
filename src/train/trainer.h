/* SPDX-License-Identifier: Apache-2.0 */
/* trainer.h - a model, a data set, an optimiser, and all memory that a training step needs */
#ifndef UN_TRAINER_H
#define UN_TRAINER_H

#include "data/dataset.h"
#include "data/tile.h"
#include "model/model.h"
#include "net/run.h"

struct unet_trainer {
    unet_model *model;
    const unet_dataset *dataset;
    unet_train_options options; /* class_weights points to the array below */
    float class_weights[UNET_MAX_CLASSES];
    struct un_engine *engine;
    struct un_network network;
    int in_side, out_side; /* of a tile */
    long step;             /* steps done */
    size_t frozen;         /* trainable values at the beginning that are left alone */
    float rate;            /* learning rate of the next step */
    double weight;         /* sum of the pixel weights of the last step; 0: nothing had a label */
    int *order;            /* [tiles_per_epoch]: which image each tile of this epoch comes from */
    int tiles_per_epoch, steps_per_epoch;
    long order_epoch;       /* the epoch that order is for, -1: none */
    float *moment, *square; /* optimiser state in engine memory, [trainable]; square: Adam */
    float *running;         /* copy of the norms' statistics, to undo a step */
    /* one batch, on the host */
    float *input, *weights;
    uint8_t *labels;
    /* the same in engine memory (host memory: the arrays above) */
    float *device_weights;
    uint8_t *device_labels;
    double *result; /* [2], engine memory */
    uint64_t *bad;  /* engine memory */
};

unet_code un_trainer_create(unet_model *model, const unet_dataset *dataset,
                            const unet_train_options *options, unet_trainer **trainer,
                            unet_error *err);
void un_trainer_free(unet_trainer *trainer);
unet_code un_trainer_step(unet_trainer *trainer, double *loss, unet_error *err);

/* UNET_EINVAL when the model cannot take an image of the set, or has fewer classes. */
unet_code un_trainer_check(const unet_model *model, const unet_dataset *dataset, unet_error *err);

/* The input side of a tile: what the user wants or, for 0, what suits the images of the set. */
int un_trainer_tile(const unet_spec *spec, const unet_dataset *dataset, int wanted, int *out_side);

/* Bytes a trainer allocates besides the network: batch and optimiser state (Adam). */
size_t un_trainer_extra_bytes(const struct un_graph *graph, int batch, size_t in_pixels,
                              size_t out_pixels);

/* Defaults and range checks of options; labels: of the model. */
unet_train_options un_train_options_default(const unet_spec *spec);
unet_code un_train_options_check(const unet_train_options *options, const unet_spec *spec,
                                 int labels, unet_error *err);

/* The options as one JSON object, for the model file; from malloc, NULL when memory is short. */
char *un_train_options_json(const unet_train_options *options, int in_side, long steps);

/* cost.c: unet_spec_cost() */
unet_code un_spec_cost(const unet_spec *spec, int height, int width, int batch, unet_cost *cost,
                       unet_layer *layers, int *layer_count, unet_error *err);

/* loop.c: unet_train() */
unet_code un_train(const unet_train_job *job, const unet_train_options *options, unet_error *err);

#endif

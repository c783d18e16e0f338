/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet_train.h - how a network is trained
 *
 * The recipe, unet_train_options, for unet_train() of unet.h; training step by step, unet_trainer;
 * and data sets cut for cross-validation.  docs/training.md defines every field.  unet.h says how
 * errors, memory and threads are treated.
 */
#ifndef UNET_TRAIN_H
#define UNET_TRAIN_H

#include "unet.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Holds images out as unet_dataset_split() does, but for cross-validation: they are shuffled by
 * seed and dealt to `folds` parts, of which number fold (from 0) is put into *held_out.
 * UNET_EINVAL: fewer images than folds.
 */
UNET_API unet_code unet_dataset_fold(unet_dataset *dataset, int fold, int folds, uint64_t seed,
                                     unet_dataset **held_out, unet_error *err);

/* One line on the samples that are no data: "samples of -9999 are no data: 21 % of all, in 8 of 8
 * images"; "" when there are none. */
UNET_API const char *unet_dataset_fill_text(const unet_dataset *dataset);

/*
 * The objects of image i where its mask numbers them: [height][width], 0: none; else NULL.  They
 * belong to the data set.
 */
UNET_API const uint32_t *unet_dataset_objects(const unet_dataset *dataset, int i);

/* How many pixels each class has in the masks. */
UNET_API void unet_dataset_class_pixels(const unet_dataset *dataset,
                                        uint64_t pixels[UNET_MAX_CLASSES]);

/*
 * What is minimised, for a batch whose pixels have weights w and probabilities p:
 *
 *   pixel * sum(w * (1 - p_t)^focal * CE) / sum(w)  +  overlap * (1 - mean over classes of T)
 *
 * CE is the cross-entropy of softmax, or of sigmoid where the network has one class; p_t the
 * probability of the pixel's own class.  T is the Tversky index (Salehi et al. 2017) of soft counts
 * over all pixels of the batch, each times its w:
 *
 *   T = (tp + smooth) / (tp + false_positive * fp + false_negative * fn + smooth)
 *
 * with 0.5 and 0.5 the Dice coefficient.  The mean goes over the classes from first_class on.
 */
typedef struct unet_loss {
    float pixel, overlap;                 /* shares, >= 0, not both 0 */
    float pos_weight;                     /* one class: times the CE of foreground pixels */
    float focal;                          /* gamma of the focal loss (Lin et al. 2017); 0: none */
    float false_positive, false_negative; /* alpha and beta of the Tversky index */
    float smooth;                         /* > 0: an absent class costs nothing; usual: 1 */
    int first_class;                      /* 1: the overlap of class 0 does not count; 0: it does;
                                             looked at where there are two or more classes */
} unet_loss;

/*
 * What a pixel's weight has besides that of its class: more on the background between objects that
 * are near each other (Ronneberger et al. 2015, equation 2).  d1, d2: Euclidean distances in pixels
 * from the middle of a background pixel to that of the nearest pixel of the nearest object, and of
 * the second nearest one.  Where there is one object the first term is 0, where there is none both.
 *
 *   weight * exp(-(d1 + d2)^2 / (2 sigma^2))  +  near_weight * exp(-d1^2 / (2 near_sigma^2))
 *
 * Objects are those of object-number masks, else connected parts of one class, not class 0 (joined
 * by sides or corners).
 */
typedef struct unet_border {
    float weight, sigma;           /* the paper: 10, 5; weight 0: none */
    float near_weight, near_sigma; /* near_weight 0: none */
    int gap; /* 1: where masks number objects, pixels of one that touch another become background,
                in training; parts of a class never touch */
} unet_border;

/*
 * Random changes to a tile.  Each is drawn anew for each tile, keyed by (seed, step, sample); all
 * that move pixels are composed into one resampling (image linear or cubic, labels nearest, weights
 * linear), beyond the image's edge it is mirrored.  docs/training.md says each exactly.
 */
typedef struct unet_augment {
    int flip;      /* 1: mirror left-right and up-down, and turn by quarters */
    float rotate;  /* further rotation by up to this many degrees either way, 0..180 */
    float scale;   /* zoom by a factor in [1 / (1 + scale), 1 + scale] */
    float elastic; /* standard deviation in pixels of the displacement vectors on a coarse grid,
                      between which is interpolated bicubically; 0: none */
    float elastic_grid; /* spacing of the grid in pixels; 0: 3x3 points over the tile */
    int cubic;     /* 1: the image is resampled with bicubic weights (Catmull-Rom), not linearly */
    float grey;    /* brightness, contrast and gamma jitter; 0: none, 1: strong */
    float curve;   /* a monotone grey curve; 1: black moves within +-0.05 of the range, white
                      too, slopes lie in 0.8..1.2; 0: none */
    float noise;   /* Gaussian noise, its standard deviation drawn from 0..noise, in the tile's
                      own standard deviations */
    float blur;    /* Gaussian blur, its sigma drawn from 0..blur pixels */
    float channel; /* gain and brightness of each channel by itself; 0: none, 1: strong */
    /* weights with which a pixel is drawn as the middle of a tile; all 0: places alike */
    float at_foreground, at_background, at_ignored;
} unet_augment;

typedef enum {
    UNET_SCHEDULE_CONSTANT,
    UNET_SCHEDULE_POLY,   /* learning rate * (1 - p)^power */
    UNET_SCHEDULE_COSINE, /* learning rate * (1 + cos(pi p)) / 2 */
    UNET_SCHEDULE_STEP,   /* learning rate * factor^(epochs done / every) */
    UNET_SCHEDULE_PLATEAU /* times factor whenever `every` epochs brought no better score */
} unet_schedule;

typedef enum {
    UNET_OPTIMIZER_SGD,
    UNET_OPTIMIZER_ADAM,
    UNET_OPTIMIZER_ADAMW,
    UNET_OPTIMIZER_RMSPROP
} unet_optimizer;

struct unet_train_options {
    size_t size;
    /* when to stop: whichever of these comes first; 0: no limit */
    int epochs;
    long steps;
    double seconds; /* of work, also over several runs that continue each other */
    int patience;   /* epochs without a better score */

    int batch;      /* tiles of a pass, >= 1 */
    int accumulate; /* passes of a step, whose gradients are averaged as if they were one batch;
                       0: 1 */
    int tile;       /* side of the input tile, rounded up to what fits; 0: chosen */
    int steps_per_epoch; /* 0: as many tiles as cover every image once, in rounds until there are at
                            least 32 steps */

    unet_loss loss;
    const float *class_weights; /* [labels], each pixel's weight by its class; NULL: all 1 */
    unet_border border;         /* added to these */

    unet_optimizer optimizer;
    float learning_rate;
    float momentum;              /* SGD, RMSprop */
    int nesterov;                /* SGD: 1: Nesterov's momentum */
    float beta1, beta2, epsilon; /* Adam, AdamW; epsilon: RMSprop, too */
    float alpha;                 /* RMSprop: decay of the mean square, usual 0.99 */
    float weight_decay;          /* AdamW: decoupled; else added to the gradient */
    float clip;      /* largest norm of all gradients together; above, they are scaled down
                        to it; 0: none */
    float bias_rate; /* learning rate of biases as a factor of that of weights */
    float average;   /* decay d of averaged weights, a = d a + (1 - d) w after each step,
                        with d at most (1 + step) / (10 + step); they are what is validated and
                        saved; 0: none */

    /* over unet_train()'s length, p = 0..1 of its steps (or of its seconds, when only those end it)
     */
    unet_schedule schedule;
    float power;  /* POLY, usual 0.9 */
    float factor; /* STEP, PLATEAU: (0, 1] */
    int every;    /* STEP, PLATEAU: epochs */
    float lowest; /* the rate does not fall below this share of learning_rate */
    long warmup;  /* steps in which the rate rises in a line from 0 */

    unet_augment augment;

    unet_tta tta; /* not for training: kept in the model, as what unet predict is to average */

    int freeze_encoder; /* 1: weights of the way down and the bottleneck stay as they are; the
                           running statistics of their norms go on */

    uint64_t seed;
    int threads; /* 0: one per core */

    int standardize; /* 1: each image becomes input by mean 0 and variance 1 over its own samples,
                        in prediction too; a model that was trained otherwise cannot.  Not those of
                        prepared images, which are that already */
    int recompute;   /* 1: most feature maps are let go and made again for the backward pass: the
                        same bits in about half the memory (0.7 of it without norms) and 15 to
                        30 % more time */
};

/* Adam at 1e-3 on a poly schedule, batch 1, cross-entropy, flips and a little grey jitter. */
UNET_API void unet_train_options_init(unet_train_options *options, size_t size,
                                      const unet_spec *spec); /* size: of *options */
static inline unet_train_options unet_train_options_default(const unet_spec *spec)
{
    unet_train_options options;
    unet_train_options_init(&options, sizeof options, spec);
    return options;
}

/* UNET_EINVAL names the first field that is out of range for a network of this spec. */
UNET_API unet_code unet_train_options_check(const unet_train_options *options,
                                            const unet_spec *spec, unet_error *err);

/*
 * Memory that a trainer with these options holds, weights and what the optimiser keeps included,
 * for input tiles of at least side x side, reckoned from its own plan (with one thread per core).
 * Weights of borders, and what elastic changes need, come on top.  UNET_EINVAL, UNET_ENOMEM.
 */
UNET_API unet_code unet_train_bytes(const unet_spec *spec, const unet_train_options *options,
                                    int side, size_t *bytes, unet_error *err);

/*
 * Draws a tile of image i as training does, to look at: changed as options->augment says, with the
 * weights of options->class_weights and options->border, by random numbers of (options->seed,
 * sample).  Other fields of options are not used, but have to be in range.
 *
 *   side     of the tile, 1..16384; input and output are the same
 *   tile     [side][side][channels of the data set], a fresh F32 image: the network's input; the
 *            caller releases it
 *   labels   [side][side], may be NULL; UNET_IGNORE: no label
 *   weights  [side][side], may be NULL; 0 where there is no label
 *
 * The same arguments give the same bits, and the same sample without options->augment's changes
 * (but with its at_...) the same place.  UNET_EINVAL, UNET_ENOMEM.
 */
UNET_API unet_code unet_augment_draw(const unet_dataset *dataset, int i,
                                     const unet_train_options *options, int sample, int side,
                                     unet_image *tile, uint8_t *labels, float *weights,
                                     unet_error *err);

typedef struct unet_trainer unet_trainer;

/*
 * Prepares to train model on dataset; both must outlive the trainer.  The model takes over the data
 * set's normalisation and mask coding unless it has been trained before.  All memory that training
 * needs is allocated here, and a thread started that draws tiles ahead of the steps.
 */
UNET_API unet_code unet_trainer_create(unet_model *model, const unet_dataset *dataset,
                                       const unet_train_options *options, unet_trainer **trainer,
                                       unet_error *err);
UNET_API void unet_trainer_free(unet_trainer *trainer);

/*
 * One step: draws a batch, forward, loss, backward, update of the model's weights.  *loss is the
 * batch's mean loss before the update (may be NULL).  Fails with UNET_EINVAL when the loss or a
 * gradient is not finite, and names the layer; the weights are then those from before the step.
 */
UNET_API unet_code unet_trainer_step(unet_trainer *trainer, double *loss, unet_error *err);

typedef struct unet_trainer_facts {
    size_t bytes; /* that the trainer holds */
    int in_tile, out_tile;
    int steps_per_epoch;
    long step;            /* steps done */
    float rate;           /* learning rate of the last step */
    double gradient_norm; /* of the last step, before it was clipped */
    double waited;        /* seconds that steps waited for tiles, in all */
} unet_trainer_facts;

UNET_API unet_trainer_facts unet_trainer_all(const unet_trainer *trainer);

/*
 * Writes all that the next step depends on: weights, optimiser, step.  Reading it into a trainer
 * that was created with the same arguments (other threads, time, epochs, steps are fine) continues
 * bit for bit as if there had been no stop.  Temporary file, sync, rename.  UNET_EIO;
 * _load(): also UNET_EFORMAT, and UNET_EINVAL when it was written for other options or data.
 */
UNET_API unet_code unet_trainer_save(const unet_trainer *trainer, const char *path,
                                     unet_error *err);
UNET_API unet_code unet_trainer_load(unet_trainer *trainer, const char *path, unet_error *err);

/* A validation image and what the network makes of it; all valid during the call. */
struct unet_validated {
    int epoch, index, count; /* image index of count */
    const char *name;
    const unet_image *image;
    const uint8_t *truth, *predicted;
    const struct unet_scores *scores; /* of this image alone */
};

#ifdef __cplusplus
}
#endif

#endif

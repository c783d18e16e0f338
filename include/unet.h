/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet.h - train U-Net segmentation networks and run them
 *
 * This is what most programs need: a network, images, prediction, data sets, training.  The other
 * chapters stand beside it and include it: unet_image.h (files by rows, images too large for
 * memory), unet_objects.h, unet_outlines.h, unet_survey.h, unet_train.h, unet_scores.h,
 * unet_exchange.h, and unet_fields.h (settings by name).
 *
 * An image is an array [height][width][channels], top row first.  A mask is a uint8_t array
 * [height][width] of class indices; UNET_IGNORE marks a pixel that carries no label.
 *
 * Every function that can fail returns UNET_OK or another unet_code, and on failure describes
 * what happened in *err and leaves its outputs as they were.  err may be NULL.  A pointer
 * argument is only borrowed unless its comment says "takes".  Every _free() and _release()
 * accepts NULL.  The library never prints, never exits and never opens a network connection.
 *
 * Threads: a unet_model or unet_dataset may be read from many threads at once; a unet_session,
 * unet_trainer or unet_scores is used from one thread at a time.  Whatever the number of worker
 * threads, results have the same bits; where some cannot be started, work goes on without them.  A
 * session may be used in a child of fork(), too; a trainer only in the process that made it.
 *
 * Versions: a program runs with every later library of its SONAME.  Structs that a caller fills may
 * grow at their end: `size` is sizeof the struct in that program, as its _default() sets it; 0, as
 * in a zeroed struct, means the members of the first version.  Those that a program does not know
 * are as their default; those that the library does not know must be zero (else UNET_EINVAL).
 * Structs without a size stay as they are, but for those that the library only hands out by
 * pointer, which may grow, too: read these in place.
 */
#ifndef UNET_H
#define UNET_H

#include <stddef.h>
#include <stdint.h>

#include "unet_hints.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define UNET_API __attribute__((visibility("default")))
#else
#define UNET_API
#endif

#define UNET_VERSION "0.1.0"
#define UNET_IGNORE 255      /* in a mask: this pixel has no label and costs nothing */
#define UNET_MAX_CLASSES 254 /* classes a network can tell apart */
/* ---- errors ------------------------------------------------------------------------------ */

typedef enum unet_code {
    UNET_OK = 0,
    UNET_EINVAL,  /* an argument, or data that does not go together */
    UNET_ENOMEM,  /* not enough memory */
    UNET_EIO,     /* the operating system refused to open, read or write a file */
    UNET_EFORMAT, /* a file is not what it should be */
    UNET_EDEVICE, /* the processor lacks something, or an accelerator failed */
    UNET_ESTOPPED /* a progress function or another thread asked to stop */
} unet_code;

typedef struct unet_error {
    unet_code code;
    char text[504];     /* one line, no newline: "scan.tif: 4 channels, the model takes 1" */
    unsigned int hints; /* settings that would help: unet_hints.h; 0: none */
} unet_error;

/* ---- the network ------------------------------------------------------------------------- */

typedef enum { UNET_PADDING_VALID, UNET_PADDING_SAME } unet_padding;
typedef enum { UNET_NORM_NONE, UNET_NORM_BATCH, UNET_NORM_INSTANCE, UNET_NORM_GROUP } unet_norm;
typedef enum { UNET_NORM_FIRST, UNET_ACT_FIRST, UNET_BEFORE_CONV } unet_norm_order;
typedef enum { UNET_UP_TRANSPOSE, UNET_UP_BILINEAR, UNET_UP_NEAREST } unet_up;
typedef enum { UNET_UP_CONV1X1, UNET_UP_CONV3X3, UNET_UP_NO_CONV } unet_up_conv;
typedef enum { UNET_ACT_RELU, UNET_ACT_LEAKY_RELU, UNET_ACT_PRELU } unet_act;
typedef enum { UNET_CONCAT_UP_SKIP, UNET_CONCAT_SKIP_UP } unet_concat;
typedef enum { UNET_BIAS_UNLESS_NORM, UNET_BIAS_ALWAYS, UNET_BIAS_NEVER } unet_bias;
typedef enum { UNET_DOWN_POOL, UNET_DOWN_CONV } unet_down;
typedef enum {
    UNET_RESIDUAL_NONE,
    UNET_RESIDUAL_NNUNET,
    UNET_RESIDUAL_RESNET,           /* of pairs of convolutions: ResNet-18, ResNet-34 */
    UNET_RESIDUAL_RESNET_BOTTLENECK /* of three: ResNet-50, ResNet-101, ResNet-152 */
} unet_residual;
typedef enum { UNET_FAMILY_PLAIN, UNET_FAMILY_MONAI } unet_family;

#define UNET_MAX_DEPTH 8
#define UNET_SET_DEPTH 6 /* levels whose channels can be set; deeper ones have the usual number */
/* Channels of each layer; 0: the usual number.  [d] is the level (0 = full resolution; [depth] of
 * enc is the bottleneck), the last index a block's convolution. */
typedef struct unet_channels {
    int enc[UNET_SET_DEPTH + 1][2]; /* usual: width * 2^d, at most widest */
    int dec[UNET_SET_DEPTH][2];     /* usual: as enc[d] */
    int up[UNET_SET_DEPTH]; /* of the map up to level d, not with NO_CONV; usual: last of enc[d] */
} unet_channels;

/*
 * The shape of a U-Net.
 *
 *   UNET_PADDING_VALID  3x3 convolutions without padding, as in the paper (Ronneberger, Fischer,
 *                       Brox 2015): the output is smaller than the input
 *   UNET_PADDING_SAME   zero padding of one pixel: the output is as large as the input
 *   UNET_UP_TRANSPOSE   2x2 transposed convolution, stride 2, halving the channels
 *   UNET_UP_BILINEAR    bilinear doubling (sample points at pixel centres), then a 1x1 convolution
 *                       that halves the channels; without padding, the outermost ring of the
 *                       doubled map, which would need a neighbour that is not there, is cut off
 *   UNET_UP_NEAREST     each pixel becomes four, then as with UNET_UP_BILINEAR
 *   UNET_NORM_BATCH     batch normalisation between each 3x3 convolution and its activation
 *   UNET_NORM_INSTANCE  the same, but each channel of each image by its own mean and variance
 *   UNET_NORM_GROUP     the same, but `groups` groups of channels share a mean and a variance
 *
 * The fields after dropout describe networks from elsewhere; all zero they are the plain U-Net.
 */
typedef struct unet_spec {
    size_t size;     /* see above, as of all structs that have one */
    int in_channels; /* 1..64 */
    int classes;     /* 1: one logit, sigmoid; 2..UNET_MAX_CLASSES: softmax */
    int width;       /* 1..1024 */
    int depth;       /* 1..UNET_MAX_DEPTH halvings of the size */
    unet_padding padding;
    unet_norm norm;
    unet_up up;
    unet_act act;
    float leaky_slope; /* of UNET_ACT_LEAKY_RELU, (0, 1) */
    float dropout;     /* [0, 1): rate after the deepest encoder level and the bottleneck */

    int convs;                  /* 3x3 convolutions in a block, 1 or 2; 0: 2 */
    int single_act;             /* 1: only the last convolution of a block has an activation */
    int groups;                 /* of UNET_NORM_GROUP; divides all channels that are normalised */
    float norm_epsilon;         /* added to the variance; 0: 1e-5 */
    unet_norm_order norm_order; /* UNET_BEFORE_CONV, only with padding same: of what is convolved */
    unet_bias bias;             /* which 3x3 convolutions of blocks have a bias */
    unet_concat concat;         /* UNET_CONCAT_SKIP_UP: channels of the skip connection first */
    int align_corners;    /* 1: UNET_UP_BILINEAR as PyTorch's align_corners=True; padding same */
    unet_up_conv up_conv; /* what follows a bilinear or nearest doubling */
    int up_norm, up_act;  /* 1: a norm, an activation after the up-convolution */
    unet_channels channels;
    int rims; /* 0: none; else each class but the first has as many outputs more, for its pixels
                 near the rims of objects, which tell touching ones apart: docs/objects.md */
    unet_down down; /* UNET_DOWN_CONV: stride 2 for poolings, as nnU-Net's; only padding same */
    int widest;     /* > 0: the usual number of channels is at most this */
    int norm_plain; /* 1: norms have no scale and shift; only with UNET_NORM_INSTANCE */
    unet_residual residual; /* what the encoder's blocks are, if not plain: docs/design.md */
    int blocks[UNET_MAX_DEPTH + 1]; /* how many, by level; 0: 1, 3, 4, 6, 6 .. from level 0 on, of
                                       a ResNet 3, 4, 6, 3 from level 2 on */
    unet_family family;             /* UNET_FAMILY_MONAI: the UNet of MONAI, see docs/design.md */
    int units; /* of it: convolutions of a residual unit on the way down; 0: not residual */
} unet_spec;

typedef struct unet_model unet_model; /* a spec, its weights, and how images become its input */

/* The paper's network: 1 channel, 2 classes, width 64, depth 4, unpadded, ReLU, no norm. */
UNET_API void unet_spec_init(unet_spec *spec, size_t size); /* size: of *spec */
static inline unet_spec unet_spec_default(void)
{
    unet_spec spec;
    unet_spec_init(&spec, sizeof spec);
    return spec;
}

/* Makes a model with random weights: normal with variance 2 / fan_in (He et al. 2015), biases 0.
 * The same spec and seed give the same bits.  UNET_EINVAL names the field of spec; UNET_ENOMEM. */
UNET_API unet_code unet_model_create(const unet_spec *spec, uint64_t seed, unet_model **model,
                                     unet_error *err);

/*
 * Loads a model from a file of any format that docs/formats.md lists, told by its content: the
 * files of this library, and plain U-Nets in safetensors, PyTorch (.pth, .pt: zip, legacy, tar,
 * TorchScript) and ONNX files.  Nothing in a file is executed.  Fails with UNET_EIO, UNET_EFORMAT
 * or UNET_ENOMEM; the file is checked in full before anything of it is used.
 */
UNET_API unet_code unet_model_load(const char *path, unet_model **model, unet_error *err);

/* Writes a model to a temporary file beside path, syncs it, and renames it to path. */
UNET_API unet_code unet_model_save(const unet_model *model, const char *path, unet_error *err);

UNET_API void unet_model_free(unet_model *model);

/* The spec belongs to the model; what is to be changed is a copy, of as many bytes as size says. */
UNET_API const unet_spec *unet_model_spec(const unet_model *model);
UNET_API void unet_model_copy_spec(const unet_model *model, unet_spec *copy, size_t size);

/* How many different values a mask of this model can have: max(2, classes). */
UNET_API int unet_model_labels(const unet_model *model);

/* The name and colour of class index `label`, 0 <= label < unet_model_labels().  Strings belong
 * to the model.  A name may be "" (none given); rgb may be NULL. */
UNET_API const char *unet_model_class(const unet_model *model, int label, uint8_t rgb[3]);

/* Of an image; of a mask in unet_embed.h UNET_U32, too. */
typedef enum { UNET_U8, UNET_U16, UNET_F32, UNET_U32 } unet_sample;

/* ---- images ------------------------------------------------------------------------------ */

typedef struct unet_image {
    int height, width, channels; /* each >= 1 */
    unet_sample sample;
    int prepared; /* 1: the values go to the network as they are (a .npy file); 0: normalised */
    void *data;   /* [height][width][channels] of the sample type, from malloc */
} unet_image;

/*
 * Reads an image, the first of its pages or of those that path chooses (unet_source_open()), of any
 * format that docs/images.md lists, told by its first bytes.  It is turned upright; samples below 8
 * bits are spread over 0..255, those of 9 to 15 over 0..65535; signed and wider ones become float;
 * palettes are resolved to RGB; an alpha channel is dropped.  The caller releases *image.  Fails
 * with UNET_EIO, UNET_EFORMAT, UNET_ENOMEM.
 */
UNET_API unet_code unet_image_read(const char *path, unet_image *image, unet_error *err);

/*
 * Writes an image by the ending of path: .png (U8, U16; 1 or 3 channels), .tif/.tiff (any, with
 * lossless compression), .npy (any).  Temporary file, sync, rename.
 */
UNET_API unet_code unet_image_write(const char *path, const unet_image *image, unet_error *err);
UNET_API void unet_image_release(unet_image *image);

/* Writes a mask as an indexed PNG or a TIFF with a palette, by the ending of path.  Pixel values
 * are class indices; colors [color_count][3] is what a person sees (color_count 1..256). */
UNET_API unet_code unet_mask_write(const char *path, const uint8_t *mask, int height, int width,
                                   const uint8_t (*colors)[3], int color_count, unet_error *err);

/* ---- prediction -------------------------------------------------------------------------- */

typedef struct unet_session unet_session; /* a model, an engine, and all memory a pass needs */

typedef enum {
    UNET_TTA_NONE,
    UNET_TTA_FLIPS,    /* 4 views: as it is, and mirrored left-right, up-down, both */
    UNET_TTA_ROTATIONS /* 8 views: these, each also with rows and columns exchanged */
} unet_tta;

typedef struct unet_session_options {
    size_t size;
    int threads; /* 0: one per core */
    int tile;  /* side of the output tile in pixels, rounded up to the network's grid; 0: chosen */
    int exact; /* not 0: tiles that are not blended change no bit; takes 2 to 3 times as long.  Else
                  they change rounding, some 1e-6 to 1e-5 of the largest logit */
    unet_tta tta; /* views of each tile whose probabilities are averaged, which takes as many times
                     as long; logits are then those of the averages */
    /* Further models, whose probabilities are averaged with those of the first (and of each with
       its views); each reads the image by its own scaling.  They are borrowed and must outlive the
       session, others only the call.  Channels, classes, padding, depth and the border that tiles
       need must be the same; widths, norms and activations need not. */
    const unet_model *const *others;
    int other_count;
    int any_samples; /* 0: an image whose samples are of another type than those of the training is
                        UNET_EINVAL, see unet_model_check_samples().  Not 0: it is taken, 8-bit
                        samples / 255, 16-bit and float ones by the range of those that were
                        trained on, or / 65535 and as they are where there were none */
    const struct unet_cancel *cancel; /* looked at before each tile; unet_embed.h */
    const struct unet_log *log;       /* unet_embed.h */
    const char *fill; /* sample that is no data, as text: "-9999", "nan"; NULL: what the file
                         declares, or the model knows (unet_model_fill()); docs/images.md */
} unet_session_options;

/* Fails with UNET_EINVAL (says in what a model differs from the first one) or UNET_ENOMEM.  options
 * may be NULL.  The model must outlive it. */
UNET_API unet_code unet_session_create(const unet_model *model, const unet_session_options *options,
                                       unet_session **session, unet_error *err);
UNET_API void unet_session_free(unet_session *session);

/*
 * Bytes the session holds.  No image makes it hold more, but for networks that see the whole image
 * at once (instance or group norm, align_corners): without options->tile, their session grows to
 * an image that is larger; of one trained here, up to 1024 x 1024 pixels (docs/large-images.md).
 */
UNET_API size_t unet_session_bytes(const unet_session *session);

/*
 * Labels each pixel of one image with its most probable class.
 *
 *   mask   [height][width], allocated by the caller, overwritten
 *
 * An image larger than the session's tile is cut into tiles that see their real neighbours, and
 * mirrored pixels only beyond the image's edge (paper, section 2, overlap-tile), which changes no
 * more than rounding; those of norms of whole images are blended.  Fails with UNET_EINVAL when
 * channels do not fit, samples are of another type than in training (any_samples) or not finite.
 */
UNET_API unet_code unet_predict(unet_session *session, const unet_image *image, uint8_t *mask,
                                unet_error *err);

/* As unet_predict(), but the raw scores: logits [classes][height][width]. */
UNET_API unet_code unet_predict_logits(unet_session *session, const unet_image *image,
                                       float *logits, unet_error *err);

/* As unet_predict_logits(), after softmax, or sigmoid when the model has one class. */
UNET_API unet_code unet_predict_probabilities(unet_session *session, const unet_image *image,
                                              float *probabilities, unet_error *err);

/* ---- data sets --------------------------------------------------------------------------- */

typedef struct unet_dataset unet_dataset; /* images in memory, each with its mask */

typedef struct unet_dataset_options {
    size_t size;
    int ignore;               /* mask value that means "no label"; -1: only UNET_IGNORE does */
    int classes;              /* classes expected; 0: as many as the masks show */
    const unet_model *model;  /* use this model's mask coding and class count; may be NULL */
    const unet_dataset *like; /* read the masks as this set's were read; may be NULL */
    const char *labels; /* what the masks' values mean, docs/labels.md: "background=0,cell=255",
                           "indices", "instances(+border)", names of a file each; NULL: found */
    int only_pairs;     /* 1: images without a mask are left out instead of refused */
    const struct unet_cancel *cancel; /* looked at before each image; unet_embed.h */
    const struct unet_log *log;       /* unet_embed.h */
    const char *channels; /* "0,2": those of the images, from 0; "pages": the pages of a file are
                             channels; "files:ch00,ch01": see unet_join_channels(); NULL: found */
    int threads;          /* of a survey of the set; 0: one per core */
    const char *fill; /* as in unet_session_options; NULL: declared, or found where it is plain */
    int as_stored;    /* 1: see unet_source_read_as(), of images and masks */
    int expect_channels; /* see there; 0: those of model or like, else what all images say */
    int keep_masks; /* 1: of NIfTI files with axes in other orders images are put into the masks' */
    const char *pair_image; /* docs/labels.md: a pattern of images' paths, POSIX, and of masks', */
    const char *pair_mask;  /* with \1 .. \9 for its groups; both or none */
    int predicted; /* 1: images are predicted masks, in a list's order those named as its images;
                      2: the same pairs, with the two exchanged */
    const char *ignore_value; /* as ignore, before it, and any number: "-1", "nan"; may be NULL */
} unet_dataset_options;

/*
 * Reads the images of a folder and those below it (or one image file) and the masks of another,
 * or a list of pairs (.csv), paired by name; each page of a file is an image.  docs/labels.md has
 * the rules, and the masks that are understood.  options may be NULL. Fails with UNET_EIO;
 * UNET_EFORMAT; UNET_EINVAL: no pairs, an image without a mask (unless options->only_pairs is set
 * and others have one), sizes that differ, masks whose meaning is not clear: the message says what
 * to put into options.
 */
UNET_API unet_code unet_dataset_open(const char *images, const char *masks,
                                     const unet_dataset_options *options, unet_dataset **dataset,
                                     unet_error *err);

/*
 * Puts a share (0..1, at least one image when the set has two or more and share > 0) of the images,
 * drawn by seed, into *held_out and leaves the others in dataset.
 */
UNET_API unet_code unet_dataset_split(unet_dataset *dataset, double share, uint64_t seed,
                                      unet_dataset **held_out, unet_error *err);

UNET_API void unet_dataset_free(unet_dataset *dataset);
UNET_API int unet_dataset_count(const unet_dataset *dataset);
UNET_API int unet_dataset_channels(const unet_dataset *dataset); /* most that an image has */
UNET_API int unet_dataset_labels(const unet_dataset *dataset);   /* class indices: 2 or more */

/* One line on what the masks' values mean: "grey values 0 = background, 255 = cell". */
UNET_API const char *unet_dataset_coding_text(const unet_dataset *dataset);

/* One line on how images and masks were paired: "by name". */
UNET_API const char *unet_dataset_pairing_text(const unet_dataset *dataset);

/* Files without a partner, which are not in the set: "1 mask without an image: a.png"; or "". */
UNET_API const char *unet_dataset_left_out(const unet_dataset *dataset);

/* Image i, its mask [height][width] and its file name; all belong to the data set. */
UNET_API const unet_image *unet_dataset_image(const unet_dataset *dataset, int i,
                                              const uint8_t **mask, const char **name);

/* ---- training ---------------------------------------------------------------------------- */

/* How: its fields are in unet_train.h. */
typedef struct unet_train_options unet_train_options;

typedef enum {
    UNET_RUNNING,
    UNET_END_LIMIT,    /* epochs or steps are done */
    UNET_END_TIME,     /* seconds are over */
    UNET_END_PATIENCE, /* no better score for so long */
    UNET_END_ASKED     /* a function of the job asked for it */
} unet_train_end;

typedef enum {
    UNET_EVENT_BEGIN, /* before the first step; after a resume, step and epoch say where it is */
    UNET_EVENT_STEP,  /* after each step */
    UNET_EVENT_EPOCH, /* the epoch is over, validated and saved */
    UNET_EVENT_CHECKPOINT, /* a checkpoint was written: what is lost from now on begins here */
    UNET_EVENT_END         /* `end` says why */
} unet_train_event;

/* What unet_train() reports. */
typedef struct unet_progress {
    unet_train_event event;
    int epoch, epochs;    /* from 1: the epoch that this step belongs to; UNET_EVENT_BEGIN: epochs
                             that are done; epochs 0: not known */
    long step, steps;     /* steps done in all; steps 0: not known */
    double loss;          /* mean over the epoch so far */
    double step_loss;     /* of the last step */
    double rate;          /* learning rate of the last step */
    double next_rate;     /* of the one to come, by the limits that this call was given */
    double gradient_norm; /* of the last step, before clipping */
    double seconds;       /* of work, also in runs that this one continues */
    double seconds_left;  /* estimate; < 0: not known */
    double images_per_second; /* tiles, in this run */
    double waited;            /* share of this run's time that steps waited for tiles */
    /* from here on of UNET_EVENT_EPOCH, else those of the epoch before */
    double val_loss; /* mean cross-entropy of validation pixels, NAN: no validation set */
    double val_dice, val_iou, val_accuracy; /* unet_scores_mean_dice() .. of all its pixels; NAN */
    const double *class_dice;         /* [labels], NAN: occurs nowhere; NULL: no validation set */
    const struct unet_scores *scores; /* the confusion matrix; as class_dice: during the call */
    int labels;
    double score;      /* what `improved` compares: unet_scores_all_dice(), or minus the loss */
    int improved;      /* 1: best so far, just saved */
    int best_epoch;    /* 0: none yet */
    double best_score; /* of that epoch, also when an earlier run reached it */
    int one_class; /* epochs in a row up to now in which all answers were one class, and masks have
                      more: an alarm; of the last tiles, from three on, without a validation set */
    unet_train_end end;
    const struct unet_rank_time *rank_times; /* [rank_count], unet_ranks.h; NULL: alone */
    int rank_count;
} unet_progress;

typedef struct unet_validated unet_validated; /* unet_train.h: an image that was predicted */

typedef struct unet_train_job {
    size_t size;
    unet_model *model;
    const unet_dataset *dataset;
    const unet_dataset *validation; /* may be NULL */
    /* files; each may be NULL */
    const char *best_path;       /* the best model so far, by score */
    const char *last_path;       /* the newest, after each epoch and at the end */
    const char *checkpoint_path; /* as unet_trainer_save(), and all that unet_train() must know */
    double checkpoint_seconds;   /* between checkpoints, besides those of epochs; 0: 60 */
    int resume;                  /* 1: go on from checkpoint_path */
    /* what they return but 0 ends the training after the step; each may be NULL */
    int (*progress)(void *context, const unet_progress *progress);
    int (*validated)(void *context, const unet_validated *image);
    void *context;
    const struct unet_cancel *cancel; /* looked at before each step and tile; unet_embed.h */
    const struct unet_ranks *ranks; /* several processes that train as one, unet_ranks.h; or NULL */
    int tile; /* of the session that sees the images of validation, see unet_session_options */
} unet_train_job;

/*
 * Trains until a limit of options is reached or a function of the job returns non-zero.  After
 * every epoch each image of the validation set is predicted whole.  Models are written as
 * unet_model_save() does, a checkpoint after every epoch, every checkpoint_seconds and at the end,
 * so a later call with resume continues bit for bit, in the middle of an epoch too.  On return
 * the model holds the newest weights (the averaged ones where options->average is set).
 *
 * Fails as unet_trainer_step() does (the newest good weights are then in last_path), and with
 * UNET_EIO when a file cannot be written; what was there before is whole.
 */
UNET_API unet_code unet_train(const unet_train_job *job, const unet_train_options *options,
                              unet_error *err);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet_embed.h - for programs that have the data and run the library inside: arrays instead of
 * files, notes for a person, and a stop from another thread
 *
 * unet.h says how errors, memory and threads are treated.
 */
#ifndef UNET_EMBED_H
#define UNET_EMBED_H

#include "unet_image.h"
#include "unet_survey.h"
#include "unet_train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- views ------------------------------------------------------------------------------- */

/*
 * Samples that lie somewhere in memory: sample (y, x, c) is at data + y * row + x * column +
 * c * channel, strides in bytes.  They may be negative, in any order, and the samples at any
 * address; an axis that has one place needs no stride, others none of 0.  A NumPy array's shape and
 * strides fit as they are.  Images have the samples of unet_image; other types (int16, float64)
 * have to be converted, and bool is UNET_U8.
 */
typedef struct unet_view {
    const void *data; /* sample (0, 0, 0); borrowed */
    int height, width, channels;
    ptrdiff_t row, column, channel;
    unet_sample sample;
    int prepared; /* as in unet_image */
} unet_view;

/* All of an image; it lives as long as image->data. */
UNET_API unet_view unet_view_of(const unet_image *image);

/*
 * As unet_predict_all(), of samples where they are: no copy is made of the image.  The answers have
 * the same bits as those of the same samples in a unet_image.  UNET_EINVAL also says what is wrong
 * with the view.
 */
UNET_API unet_code unet_predict_view(unet_session *session, const unet_view *image,
                                     const unet_answers *answers, unet_error *err);

/* ---- data sets --------------------------------------------------------------------------- */

/*
 * An image with its mask.  A mask is as high and as wide as its image, and has one channel (or
 * three of UNET_U8: colours) of whole numbers.
 */
typedef struct unet_pair {
    const char *name; /* for messages and scores; NULL: "image 3", counted from 0 */
    unet_view image, mask;
} unet_pair;

/*
 * A data set of arrays, of which it makes copies, in their order; in all else it is as one of
 * unet_dataset_open().  options may be NULL.  Where they do not say what the masks' values mean, by
 * labels, model or like, these are class indices, UNET_IGNORE without a label; object numbers are
 * labels "instances".  Fails with UNET_EINVAL, as unet_dataset_open() does and for views that are
 * none; UNET_ENOMEM; UNET_ESTOPPED.
 */
UNET_API unet_code unet_dataset_from_arrays(const unet_pair *pairs, int count,
                                            const unet_dataset_options *options,
                                            unet_dataset **dataset, unet_error *err);

/*
 * The same of arrays that need not be in memory together.  pair() is called once for each
 * i = 0 .. count - 1, in their order, and fills *pair, zeroed before; what that points to is looked
 * at until the next call.  What it returns but UNET_OK ends the work, with what it put into err.
 */
UNET_API unet_code unet_dataset_from_function(
    int count, unet_code (*pair)(void *context, int i, unet_pair *pair, unet_error *err),
    void *context, const unet_dataset_options *options, unet_dataset **dataset, unet_error *err);

/* ---- a data set that grows while it is trained on ------------------------------------------ */

/*
 * An image, or a piece of one, of which a trainer draws tiles.  What lies beyond its edge is
 * mirrored, so a piece should have some of its neighbourhood around what is labelled.
 */
typedef struct unet_patch {
    size_t size;
    const char *name; /* for messages; NULL: "image 3" */
    unet_view image;
    const uint8_t *mask; /* [height][width] of image: the model's classes, UNET_IGNORE: not known */
    const float *weights; /* the same, >= 0: times the weight of the pixel's class; NULL: all 1 */
    int draws;            /* times that it is drawn from in a round over all images; 0: as often as
                             tiles are needed to cover it */
} unet_patch;

/*
 * Gives a trainer a copy of a patch as image i of those it draws from: in place of the one before
 * (the first are those of its data set, which itself stays as it is), or i = their count: one more.
 * From the next step on tiles are drawn of it; nothing else begins anew.  Without a label it is
 * never drawn from.  The same patches put at the same steps give the same bits, for any number of
 * threads.  UNET_EINVAL: it does not fit the model, no such image, weights or classes out of range;
 * UNET_ENOMEM; the images are then as they were.
 *
 * A checkpoint does not look at which images there are once a patch was put: who goes on from it
 * puts them again.
 */
UNET_API unet_code unet_trainer_put(unet_trainer *trainer, int i, const unet_patch *patch,
                                    unet_error *err);

/*
 * The model as it is between two steps, with averaged weights where options->average is set: one of
 * its own, for other threads to predict with or to save, which the caller frees.  UNET_ENOMEM,
 * UNET_EDEVICE.
 */
UNET_API unet_code unet_trainer_copy(unet_trainer *trainer, unet_model **model, unet_error *err);

/* ---- a stop from another thread ---------------------------------------------------------- */

/*
 * A flag that the options of sessions and data sets and a unet_train_job may point to; it must
 * outlive them.  Once it is set, the work under way ends with UNET_ESTOPPED after the tile, step or
 * image that it is at, as if a progress function had asked for it: unet_train() saves all that it
 * would save then.  Nothing later begins until unet_cancel_init() is called again.
 */
typedef struct unet_cancel {
    int is_set; /* for the functions below alone */
} unet_cancel;

UNET_API void unet_cancel_init(unet_cancel *cancel);

/* From any thread, at any time, and from a signal handler. */
UNET_API void unet_cancel_set(unet_cancel *cancel);

/* ---- notes ------------------------------------------------------------------------------- */

/*
 * Hears what is no failure but worth knowing: how a file was read (its metadata did not fit, say),
 * files without a partner, samples of another type than those of the training.  text is one line,
 * valid during the call, which comes from the thread that called the library.  It must outlive the
 * session that points to it, and the opening of a data set.
 */
typedef struct unet_log {
    void (*note)(void *context, unet_severity severity, const char *text);
    void *context;
} unet_log;

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.h - batches of tiles, drawn ahead of the steps by threads of their own
 *
 * Pass number q (0, 1, ... over all of training) has the tiles q * batch ... q * batch + batch - 1.
 * Which image a tile comes from: an epoch is a list in which every image stands as often as tiles
 * are needed to cover it, shuffled by (seed, epoch); tile t is entry t mod length of epoch
 * t / length.  (A patch may stand there as often as its giver says.)  What is drawn of it is keyed
 * by (seed, step, sample of the step).  So a batch is a function of its number and of the images
 * that there are, and it does not matter which thread draws it, or when.
 *
 * Order of calls: un_feed_create(); for each pass un_feed_take(), un_feed_give_back();
 * un_feed_free()
 */
#ifndef UN_FEED_H
#define UN_FEED_H

#include "data/draw/example.h"
#include "data/set/dataset.h"
#include "engine/engine.h"

struct un_batch {
    float *input;    /* [local][in_side][in_side][channels] */
    uint8_t *labels; /* [local][out_side][out_side] */
    float *weights;  /* as labels */
};

/* All must outlive the feed. */
struct un_feed_source {
    struct un_examples *examples; /* changed by un_feed_put() alone */
    const unet_augment *augment;
    uint64_t seed;
    int batch, accumulate; /* tiles of a pass, passes of a step */
    int first, local;      /* of a pass's tiles those that are drawn here */
    int in_side, out_side, channels;
    int threads;              /* of the host: many of them want more than one to draw */
    struct un_engine *engine; /* whose host memory batches lie in */
};

struct un_feed;

/* Tiles that cover every image once; 0: more than can be counted. */
int un_feed_tiles(const unet_dataset *dataset, int out_side);

/*
 * Image i of the examples is another one from now on (i == count: there is one more), in the pass
 * that is taken next and all after it: what lies ready is thrown away, and nothing is drawn ahead
 * until then.  Takes prepared, but on failure.  Between passes.  UNET_ENOMEM, UNET_EINVAL: more
 * tiles than can be counted.
 */
unet_code un_feed_put(struct un_feed *feed, int i, struct un_prepared *prepared, unet_error *err);

/* Batches that lie ready at most, and bytes of that and all else that the feed holds. */
int un_feed_slots(int threads);
size_t un_feed_bytes(const struct un_feed_source *source, int tiles);

/* Starts drawing pass 0, 1, ...  UNET_ENOMEM. */
unet_code un_feed_create(const struct un_feed_source *source, struct un_feed **feed,
                         unet_error *err);
void un_feed_free(struct un_feed *feed); /* ends its threads, also in the middle of a batch */

/*
 * Waits for a pass, which belongs to the caller until give_back().  In order of their numbers this
 * is quick; another number than the next throws away what lies ready.  NULL: there is no image to
 * draw from.
 */
const struct un_batch *un_feed_take(struct un_feed *feed, long pass);
void un_feed_give_back(struct un_feed *feed);

/* Seconds that un_feed_take() waited, in all. */
double un_feed_waited(const struct un_feed *feed);

/* ---- what training draws random numbers for; each has keys of its own (rng.h) ---- */

enum {
    UN_STREAM_ORDER = 1, /* (seed, ., epoch, 0): the order of images */
    UN_STREAM_TILE,      /* (seed, ., step, sample of the step) */
    UN_STREAM_DROPOUT,   /* (seed, ., step, pass of the step) */
};

/* ---- preview.c: training tiles for a person's eye ---- */

/* The inner half of unet_augment_draw(). */
unet_code un_preview_draw(const unet_dataset *dataset, int i, const unet_train_options *options,
                          int sample, int side, unet_image *tile, uint8_t *labels, float *weights,
                          unet_error *err);

#endif

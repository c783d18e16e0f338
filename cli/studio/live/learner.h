/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learner.h - a network that learns from what is painted, while it is painted
 *
 *     labels of a project -> cells -> patches -> unet_trainer_put() -> steps -> a model to look
 * with
 *
 * Images are cut into cells of about LEARNER_CELL pixels.  A cell that has something painted is a
 * patch: its labels, and its image with some of the neighbourhood.  Only patches are held in
 * memory, and of these no more than fit; others take turns, so a gigapixel image costs what is
 * painted of it.
 *
 * What cannot be read is passed over.  Used from one thread at a time.  What comes when decides all
 * bits: the same changes at the same steps make the same network.
 */
#ifndef LEARNER_H
#define LEARNER_H

#include "studio/studio.h"
#include "unet_embed.h"
#include "unet_exchange.h"

enum {
    LEARNER_CELL = 384, /* least side of a cell, but for smaller images; the largest is below 768 */
    LEARNER_MARGIN = 64, /* of the image around a cell */
};

/* How it learns; what learner_recipe() fills in was measured (docs/studio-measured.md). */
struct learner_recipe {
    unet_spec spec;
    unet_train_options train;
    float strong;       /* weight of pixels that were painted because the prediction was wrong */
    float newest;       /* share of the tiles that come from where something was painted last */
    size_t patch_bytes; /* that the patches may take */
};
struct learner_recipe learner_recipe(int channels, int classes);

struct learner;

/* What the person saw of a rectangle when painting: class numbers, UNET_IGNORE: nothing. */
typedef void learner_shown(void *context, int image, struct studio_rect rect, uint8_t *classes);

/* How what was painted anew goes with what was shown there, in pixels. */
struct learner_tally {
    int64_t same[UNET_MAX_CLASSES];   /* painted and shown: this class */
    int64_t missed[UNET_MAX_CLASSES]; /* painted this class, shown another */
    int64_t wrong[UNET_MAX_CLASSES];  /* shown this class, painted another */
};

/*
 * Takes in all that is painted.  from: a model to begin from, borrowed; of other classes or
 * channels it gives what it can; NULL: fresh weights.  recipe NULL: the usual one.
 */
unet_code learner_create(struct studio *studio, const struct live_options *options,
                         const unet_model *from, const struct learner_recipe *recipe,
                         struct learner **learner, unet_error *err);
void learner_free(struct learner *learner);

/* Whether at least two classes are painted, so that there is something to tell apart. */
int learner_can_learn(const struct learner *learner);

/* Pixels of each class, in sums [UNET_MAX_CLASSES], that are painted in images that are there; how
 * many classes are. */
int learner_painted(struct studio *studio, int64_t *sums);

/* How many classes it tells apart; gives them their names and colours of now. */
int learner_classes(const struct learner *learner);
unet_code learner_name_classes(struct learner *learner, unet_error *err);

/* Channels that a network for all images has: the most that one has. */
int learner_channels(const struct studio *studio);

/*
 * Labels changed within rect; the next step knows.  shown and tally may be NULL.  more: 1: another
 * change follows before the next step, which says all that is to be said then.
 */
unet_code learner_change(struct learner *learner, int image, struct studio_rect rect,
                         learner_shown *shown, void *context, struct learner_tally *tally, int more,
                         unet_error *err);

unet_code learner_step(struct learner *learner, double *loss, unet_error *err);
long learner_steps(const struct learner *learner);

/* The model as it is now; the caller frees it. */
unet_code learner_copy(struct learner *learner, unet_model **model, unet_error *err);

/* The optimiser and all else that the next step needs, but the images. */
unet_code learner_save(struct learner *learner, const char *path, unet_error *err);
unet_code learner_load(struct learner *learner, const char *path, unet_error *err);

/* Bytes of trainer and patches. */
size_t learner_bytes(const struct learner *learner);

/* ---- learner_cells.c: which cells there are, and what a patch of one is ---- */

struct learner_cell {
    int image;
    struct studio_rect core; /* whose labels count */
    int slot;                /* of the trainer's images, -1: not among them */
    uint64_t entered;        /* when it was put last, counted in puts */
    uint8_t *labels;         /* [core.height][core.width] as last seen; NULL: not in memory */
    uint8_t *strong;         /* the same, 1: the prediction was wrong there */
};

struct learner_cells {
    struct learner_cell *list;
    int count, room;
};

/* The cell of image that has pixel (x, y). */
struct studio_rect learner_cell_at(const struct studio_image *image, int x, int y);

/* Finds the cell whose core this is, or adds it; NULL: no memory. */
struct learner_cell *learner_cells_find(struct learner_cells *cells, int image,
                                        struct studio_rect core);
void learner_cells_release(struct learner_cells *cells);

/* Reads a cell's labels, and marks what was painted where the prediction was wrong. */
unet_code learner_cell_look(struct studio *studio, struct learner_cell *cell, learner_shown *shown,
                            void *context, struct learner_tally *tally, unet_error *err);

/* Forgets what is in memory of it. */
void learner_cell_drop(struct learner_cell *cell);

/* Puts a cell whose labels were read into the trainer, as image cell->slot.  balance: weights of
 * the classes [UNET_MAX_CLASSES]. */
unet_code learner_cell_put(struct studio *studio, const struct learner_cell *cell,
                           const float *balance, float strong, int draws, unet_trainer *trainer,
                           unet_error *err);

/* Samples of a rectangle of an image as studio_pixels() gives them. */
unet_view learner_view(const struct studio_image *image, struct studio_rect rect,
                       const void *samples);

/* Bytes that it takes there and here. */
size_t learner_cell_bytes(const struct studio_image *image, const struct learner_cell *cell);

#endif

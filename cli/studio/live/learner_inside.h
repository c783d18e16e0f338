/* SPDX-License-Identifier: Apache-2.0 */
/* learner_inside.h - the learner, for its own files */
#ifndef LEARNER_INSIDE_H
#define LEARNER_INSIDE_H

#include "studio/live/learner.h"

enum { LEARNER_TURN = 100 /* steps after which a cell that waits has its turn */ };

struct learner {
    struct studio *studio;
    struct learner_recipe recipe;
    unet_dataset *crops;
    unet_model *model;
    unet_trainer *trainer;
    struct learner_cells cells;
    int slots;   /* images of the trainer */
    int newest;  /* cell that was painted last, -1: none */
    int turn;    /* the cell whose turn it was last */
    size_t used; /* bytes of the patches */
    uint64_t puts;
    float balance[UNET_MAX_CLASSES]; /* weights of the classes */
    int painted;                     /* how many classes are */
};

unet_code learner_no_memory(unet_error *err);

/* ---- learner_patches.c ---- */

/* How many cells are among the trainer's images. */
int learner_resident(const struct learner *l);

/* In place of image `slot` of the trainer: one of one pixel without a label. */
unet_code learner_put_nothing(struct learner *l, int slot, unet_error *err);

/* Puts cell `at`, whose labels were looked at, among the trainer's images, or its newer labels
 * where it is there; newest: it is the one that was painted last. */
unet_code learner_put_patch(struct learner *l, int at, unet_error *err);
unet_code learner_put_newest(struct learner *l, int at, unet_error *err);

/* As many as fit of all that is painted. */
unet_code learner_take_all(struct learner *l, unet_error *err);

/* Where there are more cells than fit into memory, they take turns. */
unet_code learner_take_turn(struct learner *l, unet_error *err);

/* Sets painted and balance. */
void learner_count_classes(struct learner *l);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.h - all that the next step depends on, in one safetensors file
 *
 *   weights     [trainable]  the newest      statistics  running ones of norms, where there are any
 *   moment      [trainable]                  square      [trainable], Adam, AdamW, RMSprop
 *   average     [trainable], where options.average is set
 *
 * and, as metadata "unet-checkpoint", a JSON object: version, step, the network, the options, what
 * the data were, and where unet_train() was.  A double stands there as the 16 hexadecimal digits of
 * its bits, so it comes back as it was.
 */
#ifndef UN_CHECKPOINT_H
#define UN_CHECKPOINT_H

#include "train/schedule.h"
#include "train/trainer.h"

/* Where unet_train() is, between two steps. */
struct un_progress_state {
    int epoch;                             /* epochs done */
    int in_epoch;                          /* steps done of the one after that */
    double seconds;                        /* of work */
    double loss_sum, loss_weight;          /* over this epoch */
    double step_loss, rate, gradient_norm; /* of the last step; what is reported, not used */
    double best;                           /* score, of best_epoch */
    int best_epoch;                        /* 0: none yet */
    int stale;                             /* epochs since then */
    int one_class;                         /* as in unet_progress */
    int one_answer;                        /* the last step's trainer->one_class */
    struct un_plateau plateau;
    /* of the last epoch that was done */
    double val_loss, val_dice, val_iou, val_accuracy, score;
};

/*
 * state: NULL for a trainer without a loop; validation: the set that it scores on, or NULL.
 * UNET_EIO, UNET_ENOMEM; what was there before is whole.
 */
unet_code un_checkpoint_write(const unet_trainer *trainer, const struct un_progress_state *state,
                              const struct un_fingerprint *validation, const char *path,
                              unet_error *err);

/*
 * Brings a trainer there; state and validation: NULL when they do not matter.  Everything is
 * checked before anything is changed.  UNET_EIO, UNET_EFORMAT; UNET_EINVAL says what is another
 * thing in this run.
 */
unet_code un_checkpoint_read(unet_trainer *trainer, struct un_progress_state *state,
                             const struct un_fingerprint *validation, const char *path,
                             unet_error *err);

/* Brings all ranks where rank 0 is: with its arrays, step and state.  UNET_EIO, UNET_ENOMEM. */
unet_code un_checkpoint_hand_out(unet_trainer *trainer, struct un_progress_state *state,
                                 unet_error *err);

/* ---- checkpoint_json.c: the object ------------------------------------------------------- */

/* NULL: no memory. */
json_t *un_checkpoint_pack(const unet_trainer *trainer, const struct un_progress_state *state,
                           const struct un_fingerprint *validation);

/* Checks it against the trainer; outputs are set only on success. */
unet_code un_checkpoint_unpack(const json_t *object, const unet_trainer *trainer,
                               const struct un_fingerprint *validation, const char *path,
                               long *step, struct un_progress_state *state, unet_error *err);

#endif

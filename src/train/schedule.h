/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h - the learning rate of a step, a function of how far training is */
#ifndef UN_SCHEDULE_H
#define UN_SCHEDULE_H

#include <stdbool.h>

#include "unet.h"

/*
 * Plateau: PyTorch's ReduceLROnPlateau with patience = every - 1, threshold 0 and no cooldown.
 */
struct un_plateau {
    int stale; /* epochs in a row without a better score, since the last drop */
    int drops; /* how often the rate was lowered */
};

/* At the end of an epoch. */
void un_plateau_epoch(struct un_plateau *plateau, int every, bool better);

/* Where training is before a step. */
struct un_schedule_at {
    long step, steps;     /* done; of the whole training, 0: not known */
    double share_of_time; /* 0..1, looked at where steps is 0 */
    long epochs;          /* done */
    int drops;            /* of the plateau */
};

/*
 *   POLY     (1 - p)^power              p = step / steps (or share_of_time)
 *   COSINE   (1 + cos(pi p)) / 2
 *   STEP     factor^floor(epochs / every)
 *   PLATEAU  factor^drops
 *
 * at least lowest, times min(1, (step + 1) / warmup), times learning_rate.
 */
float un_schedule_rate(const unet_train_options *options, const struct un_schedule_at *at);

#endif

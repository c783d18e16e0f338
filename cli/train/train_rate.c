/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_rate.c - what a resumed run does to the learning rate
 *
 * One that falls with the share of the length that is over (poly, cosine) rises again when the run
 * is made longer.  A large step back may undo for a while what was learned, so it must be meant.
 */
#include <stdio.h>

#include "shared/say.h"

#include "train/train_run.h"

int train_rate_is_refused(const struct train_run *run, const unet_progress *progress)
{
    const unet_train_options *options = &run->recipe.options;
    const char *schedule = said_field(&said_train, "schedule")->words[options->schedule];
    const char *folder = run->files.folder;
    double before = progress->rate, after = progress->next_rate;

    if (!run->resumed || !progress->step || progress->step < options->warmup)
        return 0;
    if (after > 2 * before && !run->settings->rate_told) {
        fail_text("%s: the learning rate has fallen to %.3g, and in a run of this length it would "
                  "rise to %.3g (%s); if that is meant add --schedule %s, to stay low --schedule "
                  "constant --lr %.3g; --init %s -o NEW begins a new run from its weights",
                  folder, before, after, schedule, schedule, before, run->files.last);
        return 1;
    }
    if (!run->settings->common.quiet && (after > 1.05 * before || run->settings->rate_told))
        say(stderr, "resumed    learning rate %.3g up to here, %.3g from here on (%s)\n", before,
            after, schedule);
    return 0;
}

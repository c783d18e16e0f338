/* SPDX-License-Identifier: Apache-2.0 */
#include "train/schedule.h"
#include "unet_train.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

void un_plateau_epoch(struct un_plateau *plateau, int every, bool better)
{
    plateau->stale = better ? 0 : plateau->stale + 1;
    if (every > 0 && plateau->stale >= every) {
        plateau->stale = 0;
        plateau->drops++;
    }
}

/* p: the share of training that is over. */
static double shape(const unet_train_options *o, const struct un_schedule_at *at, double p)
{
    switch (o->schedule) {
    case UNET_SCHEDULE_POLY:
        return pow(1 - p, o->power);
    case UNET_SCHEDULE_COSINE:
        return (1 + cos(pi * p)) / 2;
    case UNET_SCHEDULE_STEP:
        return pow(o->factor, (double)(at->epochs / (o->every > 0 ? o->every : 1)));
    case UNET_SCHEDULE_PLATEAU:
        return pow(o->factor, at->drops);
    default:
        return 1;
    }
}

float un_schedule_rate(const unet_train_options *o, const struct un_schedule_at *at)
{
    double p = at->steps > 0 ? (double)at->step / (double)at->steps : at->share_of_time;
    double factor = shape(o, at, p < 0 ? 0 : p < 1 ? p : 1);
    if (factor < o->lowest)
        factor = o->lowest;
    if (at->step < o->warmup)
        factor *= (double)(at->step + 1) / (double)o->warmup;
    return o->learning_rate * (float)factor;
}

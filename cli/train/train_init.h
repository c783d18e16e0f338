/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAIN_INIT_H
#define TRAIN_INIT_H

#include "shared/network_options.h"

/*
 * Replaces *model by one for the channels and classes that settings give, or else that the data
 * need, where its own do not do (never the channels of a frozen encoder: UNET_EINVAL); says on
 * stderr, tensor by tensor, what is taken and what is new.
 */
unet_code train_init_adapt(const struct network_settings *settings, uint64_t seed, int quiet,
                           int frozen, const unet_dataset *dataset, unet_model **model,
                           unet_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* train_choice.h - what unet train picks when it is not told */
#ifndef TRAIN_CHOICE_H
#define TRAIN_CHOICE_H

#include "network_options.h"
#include "unet.h"

/* The network for a data set: what settings give, the rest chosen. */
unet_spec choose_spec(const struct network_settings *settings, const unet_dataset *dataset);

/* The training options for a network, before what the user gives. */
unet_train_options choose_training(const unet_spec *spec);

#endif

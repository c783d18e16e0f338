/* SPDX-License-Identifier: Apache-2.0 */
/* class_names.h - --class-names background,cell */
#ifndef CLASS_NAMES_H
#define CLASS_NAMES_H

#include "shared/cli.h"
#include "shared/network_options.h"
#include "unet.h"

/* A usage error where two class names are the same; EXIT_DONE. */
int class_names_check(const struct network_settings *settings, const struct command *command);

/* Gives the model the class names of settings, if any. */
unet_code class_names_give(const struct network_settings *settings, unet_model *model,
                           unet_error *err);

#endif

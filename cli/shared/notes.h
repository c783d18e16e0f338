/* SPDX-License-Identifier: Apache-2.0 */
/* notes.h - a data set is opened, and what the library has to say of its files is said */
#ifndef NOTES_H
#define NOTES_H

#include "unet.h"

/* As unet_dataset_open(); notes and warnings go to stderr, the first few of each, but for what is
 * left out, which unet_dataset_left_out() tells.  quiet: none. */
unet_code open_noting(const char *images, const char *masks, const unet_dataset_options *options,
                      int quiet, unet_dataset **dataset, unet_error *err);

#endif

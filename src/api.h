/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - what the public functions, api*.c, share */
#ifndef UN_API_H
#define UN_API_H

#include "base/error.h"

struct un_coding;

static inline unet_code un_missing(unet_error *err, const char *what)
{
    return un_fail(err, UNET_EINVAL, "%s is NULL", what);
}

/* The coding that options ask for (of_model has room for it), or NULL: one is to be found. */
const struct un_coding *un_given_coding(const unet_dataset_options *options,
                                        unet_dataset_options *wanted, struct un_coding *of_model);

/* Gives a data set to its user, unless it has more classes than the model (NULL: none) that it is
 * for; then it is freed.  masks: for messages. */
unet_code un_hand_out(unet_dataset *made, const char *masks, const unet_model *model,
                      unet_dataset **dataset, unet_error *err);

#endif

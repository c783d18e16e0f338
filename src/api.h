/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - what the public functions, api*.c, share */
#ifndef UN_API_H
#define UN_API_H

#include "base/error.h"
#include "unet_embed.h"
#include "unet_exchange.h"
#include "unet_image.h"
#include "unet_objects.h"
#include "unet_ranks.h"
#include "unet_scores.h"
#include "unet_train.h"

struct un_coding;

static inline unet_code un_missing(unet_error *err, const char *what)
{
    return un_fail(err, UNET_EINVAL, "%s is NULL", what);
}

/*
 * How many bytes of a caller's struct there are; and a copy of it as this library has it: what the
 * caller's lacks, or all if it is NULL, is by default.  UNET_EINVAL: it sets what is not known
 * here.
 */
#define UN_SIZED(name)                                                                             \
    size_t un_size_##name(const unet_##name *given);                                               \
    unet_code un_take_##name(const unet_##name *given, unet_##name *own, unet_error *err)
UN_SIZED(spec);
UN_SIZED(session_options);
UN_SIZED(dataset_options);
UN_SIZED(train_options);
UN_SIZED(train_job);
UN_SIZED(known);
UN_SIZED(export_options);
UN_SIZED(writer_page);
UN_SIZED(answers);
UN_SIZED(stream);
UN_SIZED(objects_options);
UN_SIZED(table_options);
UN_SIZED(boundary_options);
UN_SIZED(patch);

/* Fills a caller's struct of size bytes from the library's own of known bytes. */
void un_give(void *to, size_t size, const void *own, size_t known);

/* The coding that options ask for (of_model has room for it), or NULL: one is to be found. */
unet_code un_given_coding(const unet_dataset_options *options, unet_dataset_options *wanted,
                          struct un_coding *of_model, const struct un_coding **coding,
                          unet_error *err);

/* Gives a data set to its user, unless it has more classes than the model (NULL: none) that it is
 * for; then it is freed.  masks: for messages. */
unet_code un_hand_out(unet_dataset *made, const char *masks, const unet_model *model,
                      unet_dataset **dataset, unet_error *err);

#endif

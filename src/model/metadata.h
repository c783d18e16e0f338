/* SPDX-License-Identifier: Apache-2.0 */
/* metadata.h - the sections of a model's metadata that are read and written in files of their own
 */
#ifndef UN_METADATA_H
#define UN_METADATA_H

#include <jansson.h>

#include "model/model.h"

/* A list or object that lacks an entry for want of memory must not be written: NULL then. */
json_t *un_metadata_whole(json_t *list, bool failed);

/* metadata_input.c; what: the file, for messages */
json_t *un_metadata_write_scaling(const struct un_scaling *scaling);
unet_code un_metadata_read_scaling(const char *what, const json_t *object,
                                   struct un_scaling *scaling, unet_error *err);
json_t *un_metadata_write_seen(const struct un_seen *seen);
unet_code un_metadata_read_seen(const char *what, const json_t *object, struct un_seen *seen,
                                unet_error *err);

#endif

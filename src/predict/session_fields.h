/* SPDX-License-Identifier: Apache-2.0 */
/* session_fields.h - the fields of unet_session_options */
#ifndef UN_SESSION_FIELDS_H
#define UN_SESSION_FIELDS_H

#include "base/fields.h"

extern const struct un_fields un_session_fields;

/* A row for a field of type unet_tta, which trainings have, too. */
extern const char *const un_tta_words[];
#define UN_FIELD_VIEWS(field, how, text)                                                           \
    {                                                                                              \
        {.name = #field,                                                                           \
         .type = UNET_FIELD_CHOICE,                                                                \
         .words = un_tta_words,                                                                    \
         .high = UNET_TTA_ROTATIONS,                                                               \
         .help = text},                                                                            \
            offsetof(ROW, field), how                                                              \
    }

#endif

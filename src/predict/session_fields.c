/* SPDX-License-Identifier: Apache-2.0 */
/* Every setting of a session but the other models.  Of flags anything but 0 is yes. */
#include "predict/session_fields.h"

const char *const un_tta_words[] = {"none", "flips", "rotations", NULL};

#define ROW unet_session_options

static const struct un_field rows[] = {
    UN_FIELD(threads, UNET_FIELD_INT, 0, 1024, 0, "0: one per core"),
    UN_FIELD(tile, UNET_FIELD_INT, 0, 1 << 20, 0, "side of output tiles; 0: chosen"),
    UN_FIELD_FLAG(exact, UN_FIELD_LOOSE, "the same bits for every tile; 2 to 3 times as long"),
    UN_FIELD_VIEWS(tta, 0, "average the views of each tile"),
    UN_FIELD_FLAG(any_samples, UN_FIELD_LOOSE,
                  "take images of another sample type than the training's"),
};

const struct un_fields un_session_fields = {rows, sizeof rows / sizeof *rows};

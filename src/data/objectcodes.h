/* SPDX-License-Identifier: Apache-2.0 */
/* objectcodes.h - telling object numbers from class indices */
#ifndef UN_OBJECTCODES_H
#define UN_OBJECTCODES_H

#include "data/view.h"

/*
 * Sets coding to object numbers when the masks hold such, and leaves it when they do not.
 * UNET_EINVAL when they may be either, with what to say.
 */
unet_code un_objects_find(const struct un_view *view, int ignore, struct un_coding *coding,
                          unet_error *err);

/* Object numbers: 0 is class 0, others 1, and with `border` class 2 between them. */
void un_objects_set(bool border, struct un_coding *coding);

/* Whether the values are strewn over the masks as in a photograph. */
bool un_view_is_grain(const struct un_view *view);

#endif

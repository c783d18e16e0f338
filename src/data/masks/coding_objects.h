/* SPDX-License-Identifier: Apache-2.0 */
/* coding_objects.h - telling object numbers from class indices */
#ifndef UN_CODING_OBJECTS_H
#define UN_CODING_OBJECTS_H

#include "data/masks/census_view.h"

/*
 * Sets coding to object numbers when the masks hold such, and leaves it when they do not.
 * UNET_EINVAL when they may be either, with what to say.
 */
unet_code un_coding_find_objects(const struct un_view *view, int ignore, struct un_coding *coding,
                                 unet_error *err);

/*
 * Masks beside a model, or another set, that numbers objects: they do so too, or have one class
 * whose parts are the objects; then coding is changed to that.  UNET_EINVAL: neither.
 */
unet_code un_coding_fit_objects(const struct un_view *view, int ignore, struct un_coding *coding,
                                unet_error *err);

/* UNET_EINVAL: object numbers without a background. */
unet_code un_coding_check_background(const struct un_view *view, const struct un_coding *coding,
                                     unet_error *err);

/* Object numbers: 0 is class 0, others 1, and with `border` class 2 between them. */
void un_coding_set_objects(bool border, struct un_coding *coding);

/* Whether the values are strewn over the masks as in a photograph. */
bool un_view_is_grain(const struct un_view *view);

#endif

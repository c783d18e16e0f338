/* SPDX-License-Identifier: Apache-2.0 */
/* slides.h - levels of slides, by OpenSlide where it is installed */
#ifndef UN_SLIDES_H
#define UN_SLIDES_H

#include "image/pixel_size.h"

/* Whether a path is one of a level, slide.svs/1, or ends as formats do that only OpenSlide reads.
 */
bool un_slide_named(const char *path);

/*
 * The level of a slide (a path without one) whose pixels' size is nearest to least .. most, the
 * larger one of two; its size.  Level 0, and no kind, where the slide does not tell it.
 * UNET_EFORMAT: no slide, or there is no OpenSlide.
 */
unet_code un_slide_level(const char *path, enum un_size_kind kind, float least, float most,
                         int *level, struct un_size *size, unet_error *err);

#endif

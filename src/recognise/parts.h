/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts.h - networks beside others in one file
 *
 * A GAN's generator and discriminator, a teacher and its student, a model and its averaged copy,
 * what measures a loss: all of them may lie in one dict, told by the first word of their names.
 */
#ifndef UN_PARTS_H
#define UN_PARTS_H

#include "recognise/recognise.h"

/*
 * Of arrays that make no network together: keeps those of the one part that is one, when nothing
 * else can belong to it (no other array is a convolution's, or it has a usual name, "model", and
 * the others are copies of it), and tells known->log so.  UNET_EFORMAT: it may be one of several
 * parts, which the text names; UNET_ENOMEM.  UNET_OK and *kept false: no part is a network.
 */
unet_code un_parts_choose(const char *path, const unet_known *known, struct un_arrays *arrays,
                          bool *kept, unet_error *err);

#endif

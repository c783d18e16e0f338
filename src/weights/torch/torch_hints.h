/* SPDX-License-Identifier: Apache-2.0 */
/* torch_hints.h - what TorchScript tells, while it is collected */
#ifndef UN_TORCH_HINTS_H
#define UN_TORCH_HINTS_H

#include "weights/torch/torch_file.h"

/* A thing that is told twice in different ways is not told at all. */
enum { UN_HINT_CONFLICT = -2 }; /* of real numbers: infinity */

struct un_torch_hints {
    struct un_hints told;
    size_t steps_left;   /* in dicts: few bytes can make many objects of the same attributes */
    bool pads, pads_not; /* some convolution does, does not */
    bool instance_norm;
};

static inline void un_hint_tell(int *hint, int value)
{
    *hint = *hint == -1 || *hint == value ? value : UN_HINT_CONFLICT;
}

/* "bilinear", "nearest"; others tell nothing. */
void un_torch_tell_up(struct un_torch_hints *hints, const char *mode);

/* What the classes in a text [end - text] tell; *end is a zero byte. */
void un_torch_take_code(struct un_torch_hints *hints, const char *text, const char *end);

#endif

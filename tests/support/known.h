/* SPDX-License-Identifier: Apache-2.0 */
/* known.h - what names and shapes do not tell of a network, from its spec */
#ifndef TEST_KNOWN_H
#define TEST_KNOWN_H

#include <math.h>

#include "recognise/recognise.h"

static inline unet_known known_of_spec(const unet_spec *spec)
{
    unet_known known = un_known_nothing();
    known.padding = (int)spec->padding;
    known.norm = (int)spec->norm;
    known.groups = spec->groups ? spec->groups : -1;
    known.norm_order = (int)spec->norm_order;
    known.single_act = spec->single_act;
    known.act = (int)spec->act;
    known.leaky_slope = spec->act == UNET_ACT_LEAKY_RELU ? spec->leaky_slope : NAN;
    known.concat = (int)spec->concat;
    known.up = (int)spec->up;
    known.align_corners = spec->align_corners;
    known.up_act = spec->up_act;
    return known;
}

#endif

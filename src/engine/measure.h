/* SPDX-License-Identifier: Apache-2.0 */
/* measure.h - how fast an engine is on this machine */
#ifndef UN_MEASURE_H
#define UN_MEASURE_H

#include "engine/engine.h"

/*
 * Seconds of a 3x3 convolution of 32 channels on 192 x 192 pixels, forward and backward, as a layer
 * in the middle of a small network has it: the least of a few, after one that is not counted.
 * Infinity: the engine has not the memory, or failed.
 */
double un_engine_seconds(struct un_engine *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* otsu.h - the threshold that people use before they use a network */
#ifndef OTSU_H
#define OTSU_H

#include <stdint.h>

/*
 * The threshold of 8-bit pixels that parts them into the two most distinct groups (Otsu 1979);
 * pixels above it are foreground.
 */
int otsu_threshold(const uint8_t *image, int count);

#endif

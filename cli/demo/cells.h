/* SPDX-License-Identifier: Apache-2.0 */
/* cells.h - pictures of cells under a microscope, made up, with the truth about each pixel */
#ifndef CELLS_H
#define CELLS_H

#include <stdint.h>

struct cells_options {
    int height, width; /* 32..8192 */
    int deep;          /* 1: 16-bit samples (12 bits of them used), 0: 8-bit */
    uint64_t seed;     /* the same seed makes the same bytes */
};

/* All arrays are [height][width], from malloc; release with cells_release(). */
struct cells {
    int height, width, count; /* count: cells to be seen */
    uint8_t *image8;          /* NULL when deep */
    uint16_t *image16;        /* NULL when not deep */
    uint8_t *mask;            /* 255: cell, 0: none */
    uint16_t *instances;      /* 0: no cell, else 1..count */
};

/* 0: not enough memory. */
int cells_make(const struct cells_options *options, struct cells *cells);
void cells_release(struct cells *cells);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arguments.h - what convolutions are told, read by the compiler of the host and by the device's
 *
 * Only members of four bytes, so that both lay it out alike.
 */
#ifndef UN_CL_ARGUMENTS_H
#define UN_CL_ARGUMENTS_H

/* A map: height, width, channels and blocks of four of them; plain: UN_PIXELS. */
struct un_cl_map {
    int h, w, channels, blocks, plain;
};

/*
 * A convolution, or the gradient of its source, as one thing: tap (i, j) of a result's pixel (y, x)
 * is pixel ((y * mul + i * step + top) / div, the same of x) of the source, where that is whole and
 * inside, else zero.
 *
 *                     side  mul  step  div  top
 *   CONV3X3              3    1     1    1  the operand's        gradient:  3  1  -1  1  -top
 *   CONV1X1              1    1     1    1  0                               1  1   1  1  0
 *   UPCONV2X2            2    1    -1    2  0                               2  2   1  1  0
 *   CONV3X3_HALF         3    2     1    1  -1                              3  1  -1  2  1
 *   CONV7X7_HALF         7    2     1    1  -3                              7  1  -1  2  3
 *   CONV1X1_HALF         1    2     1    1  0                               1  1  -1  2  0
 *   UPCONV3X3            3    1    -1    2  1                               3  2   1  1  -1
 */
struct un_cl_gather {
    struct un_cl_map src[2], dst;
    int top[2], left[2];
    int side, mul, step, div;
    int act; /* 0: none */
    float slope;
    int gives, accumulate; /* it writes a gradient (struct un_gradient) */
    int parts;             /* it writes the 2x2 maxima and a window instead of dst */
    int pooled_h, pooled_w, window_h, window_w, window_top, window_left;
};

/*
 * Taps of image n of a map, as the columns of a matrix: tap (i, j) of pixel (y, x) of a frame of
 * `columns` columns is pixel (y * mul + i + top, x * mul + j + left) of the map, zero outside of
 * it. There are `count` pixels from number `first` on, up to the room zero.  A row of the matrix is
 * a channel at a tap: taps one after the other, each with blocks of four channels; of a plain map,
 * whose channels are few, tap * channels + channel.
 */
struct un_cl_taps {
    struct un_cl_map map;
    int n, columns, first, count, room;
    int side, mul, top, left;
};

/* How many blocks of four rows that makes. */
#define UN_CL_TAP_BLOCKS(map, taps)                                                                \
    ((map).plain ? ((taps) * (map).channels + 3) / 4 : (taps) * (map).blocks)

/*
 * A map in tiles of Winograd's: tile i of `count` is tile first + i of all images, of which each
 * has per_image in rows of `columns`.  Its pixels begin at pixel (4 row + top, 4 column + left) of
 * the map.  What is made of it goes to [36][all blocks][room], from block first_block on.
 */
struct un_cl_tiles {
    struct un_cl_map map;
    int top, left;
    int columns, per_image, first, count, room;
    int first_block, all_blocks;
};

/* Of a product over tiles or pixels: their room, blocks of both factors, pieces; whether it adds to
 * what is there. */
struct un_cl_sizes {
    int room, blocks_k, blocks_c, pieces, adds;
};

/* unet_loss; planes first .. end - 1 are those of the overlap term */
struct un_cl_loss {
    float pixel, overlap, pos_weight, focal, false_positive, false_negative, smooth;
    int first, end;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* streams.h - what training draws random numbers for; each has keys of its own (rng.h) */
#ifndef UN_STREAMS_H
#define UN_STREAMS_H

enum {
    UN_STREAM_ORDER = 1, /* (seed, ., epoch, 0): the order of images */
    UN_STREAM_TILE,      /* (seed, ., step, sample of the step) */
    UN_STREAM_DROPOUT,   /* (seed, ., step, pass of the step) */
};

#endif

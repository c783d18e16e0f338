/* SPDX-License-Identifier: Apache-2.0 */
/* pictures_inside.h - what the files behind pictures.h share */
#ifndef PICTURES_INSIDE_H
#define PICTURES_INSIDE_H

#include <pthread.h>

#include "studio/pictures/picture_copy.h"
#include "studio/pictures/pictures.h"
#include "unet_image.h"

enum {
    LARGE_LEVEL = 3,               /* of the small copy of a large image */
    LARGE_STEP = 1 << LARGE_LEVEL, /* pixels of a side that become one */
};

/* An image in memory. */
struct whole {
    int image, users;
    size_t bytes;
    uint64_t used;
    uint8_t *samples; /* NULL: it is being read */
    struct whole *next;
};

/* What an image looks like from far away, from a few samples. */
struct glimpse {
    float *values; /* [height][width][channels]; NULL: there is none */
    int level, height, width, channels;
};

enum glimpse_state { GLIMPSE_NONE, GLIMPSE_IS_MADE, GLIMPSE_READY, GLIMPSE_FAILED };

enum large_state { LARGE_WAITS, LARGE_IS_MADE, LARGE_READY, LARGE_FAILED };

/* A large image: its file, and what is made of it. */
struct large {
    int image;
    enum large_state state;
    int in_order; /* 1: the file is read from top to bottom only, so it is written out */
    struct picture_copy pixels, overview; /* what is written out, and the small copy */
    int out;                              /* rows that are written out */
    uint8_t *small;                       /* [small_height][small_width][channels], mapped */
    size_t small_bytes;
    int small_height, small_width;
    int rows;       /* of small, that are made */
    uint64_t asked; /* when it was asked for last */
    unet_error failure;
    enum glimpse_state looked;
    struct glimpse glimpse;
    pthread_mutex_t reading; /* of source */
    unet_source *source;
    struct large *next;
};

struct pictures {
    const struct studio_image *images;
    int count;
    char *folder;
    void (*grown)(void *context, int image, double share);
    void *context;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct whole *whole;
    size_t whole_bytes;
    int whole_reads; /* how many are being read */
    uint64_t clock;
    struct large *large;
    struct picture_channel **stats; /* [count], NULL: not yet */
    pthread_t worker;
    int ending, has_worker;
};

/* Pixels in an array: those of `level` from (x, y) on. */
struct plane {
    const void *samples; /* [height][width][channels] */
    int x, y, height, width, channels;
    unet_sample sample;
};

static inline double plane_value(const struct plane *plane, size_t at)
{
    switch (plane->sample) {
    case UNET_U8:
        return ((const uint8_t *)plane->samples)[at];
    case UNET_U16:
        return ((const uint16_t *)plane->samples)[at];
    default:
        return ((const float *)plane->samples)[at];
    }
}

size_t picture_bytes(const struct studio_image *image);
int picture_is_large(const struct studio_image *image);

/* Reads an image into memory if it is not there, and holds it there until it is let go. */
unet_code whole_hold(struct pictures *pictures, int image, struct whole **whole, unet_error *err);
void whole_let_go(struct pictures *pictures, struct whole *whole);

/* ---- picture_large.c ---- */

/* The one of an image, which is made if need be; NULL: no memory.  Caller holds the lock. */
struct large *large_find(struct pictures *pictures, int image);
/* Asks for its small copy.  Caller holds the lock. */
void large_ask(struct pictures *pictures, struct large *large);
unet_code large_read(struct pictures *pictures, int image, struct studio_rect rect, void *samples,
                     unet_error *err);
/* Whether reading rows before `bottom` needs no waiting; else they are asked for. */
int large_is_at_hand(struct pictures *pictures, int image, int bottom);
/* The small copy's rows, when those before `bottom` are made; ESTOPPED: not yet. */
unet_code large_small(struct pictures *pictures, int image, int bottom, struct plane *plane,
                      unet_error *err);
/* Those of its rows that are made; ESTOPPED: there are none. */
unet_code large_made(struct pictures *pictures, int image, struct plane *plane, unet_error *err);
/* The glimpse, which is made if need be; ESTOPPED: there cannot be one. */
unet_code large_glimpse(struct pictures *pictures, int image, const struct glimpse **glimpse,
                        unet_error *err);
void large_free(struct large *large);

/* ---- picture_small.c ---- */

/* Makes the small copy, and writes the image out where it is read in order only; ESTOPPED: the
 * program ends.  For the one thread that does so. */
unet_code large_make(struct pictures *pictures, struct large *large, unet_error *err);

/* ---- picture_glimpse.c ---- */

/* ESTOPPED: there was no time even for the coarsest. */
unet_code glimpse_make(struct glimpse *glimpse, const struct studio_image *what,
                       unet_source *source, unet_error *err);
void glimpse_release(struct glimpse *glimpse);

/* The value of pixel (x, y) of a level, between those that are known. */
double glimpse_value(const struct glimpse *glimpse, int level, int x, int y, int channel);

#endif

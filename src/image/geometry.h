/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geometry.h - where the pixels of a file lie in the world, by its header, and whether those of two
 * files lie in the same places
 */
#ifndef UN_GEOMETRY_H
#define UN_GEOMETRY_H

#include <stdbool.h>
#include <stddef.h>

enum un_place_kind {
    UN_PLACE_NONE,  /* the header says nothing */
    UN_PLACE_SIZES, /* only how large a pixel is: the lengths of its steps */
    UN_PLACE_BODY,  /* NIfTI: right, anterior, superior, mostly in mm */
    UN_PLACE_MAP    /* GeoTIFF: x, y of a reference system */
};

/* A grid of columns, rows and planes, as they are stored. */
struct un_place {
    enum un_place_kind kind;
    int count[3];      /* columns, rows, planes */
    double step[3][3]; /* [column, row, plane][x, y, z]: from a pixel to the next */
    double origin[3];  /* of the first pixel's middle */
    double unit;       /* of a body's steps and origin, in mm; 0: not known */
    int system;        /* EPSG number of the reference system; 0: not known */
    int space; /* of a body: which, as NIfTI numbers them (1: the scanner's); 0: not known */
};

/* Where the axes of a mask lie in its image: axis k of the mask is axis axis[k] of the image. */
struct un_order {
    int axis[3];
    bool reversed[3]; /* it runs the other way */
};

enum un_fit {
    UN_FIT,         /* the same places, or nothing to tell them by */
    UN_FIT_ORDERED, /* the same, when the mask's axes are put into the image's order */
    UN_FIT_DOUBT,   /* the headers contradict each other, but may be wrong */
    UN_FIT_NOT
};

/*
 * Compares the places of an image and a mask.  order is set for UN_FIT_ORDERED; text says what was
 * found, beginning with a verb that speaks of the mask: "lies ..."; "" for UN_FIT.
 */
enum un_fit un_place_compare(const struct un_place *image, const struct un_place *mask,
                             struct un_order *order, char *text, size_t size);

/* Where the columns, rows and planes of a body lead to: "LPS"; "" of other places. */
void un_place_letters(const struct un_place *place, char letters[4]);

/* The grid of `count` planes from plane `first` on. */
void un_place_part(struct un_place *place, int first, int count);

#endif

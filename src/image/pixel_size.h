/* SPDX-License-Identifier: Apache-2.0 */
/* pixel_size.h - how large the pixels of images are by their headers, and whether they agree */
#ifndef UN_PIXEL_SIZE_H
#define UN_PIXEL_SIZE_H

#include "image/source.h"

enum un_size_kind {
    UN_SIZE_NONE,   /* not known */
    UN_SIZE_LENGTH, /* in um */
    UN_SIZE_MAP,    /* in units of a map's reference system */
    UN_SIZE_KINDS
};

/* The root of a pixel's area. */
struct un_size {
    enum un_size_kind kind;
    float side;
};

/* The smallest and the largest of several images; of a kind that is not the first one's, nothing.
 */
struct un_sizes {
    enum un_size_kind kind;
    float least, most;
    char first[2][100]; /* which images have them */
};

struct un_size un_page_size(const struct un_page *page);

/* name: of the image; NULL: it is not asked for. */
void un_sizes_add(struct un_sizes *sizes, struct un_size size, const char *name);

/* How many times one size is the other: 1 and more; 1 where they cannot be compared. */
double un_size_ratio(enum un_size_kind a, float side, enum un_size_kind b, float other);

/* From this ratio on, shapes are of another size to a network. */
#define UN_SIZE_APART 1.25

/* "a.tif has pixels of 0.5 um by its header, b.tif of 0.25 um: ..."; "": they agree. */
void un_sizes_text(const struct un_sizes *sizes, char *text, size_t size);

/* "0.5 um" */
void un_size_text(enum un_size_kind kind, float side, char *text, size_t size);

/* "micron", "mm" and the like as one of our units and what to multiply by; false: no length. */
bool un_length_unit(const char *name, double *factor, char unit[8]);

/* How many of one unit of length another is: 0.001 of "nm" and "um"; 0: one of them is none. */
double un_length_in(const char *name, const char *wanted);

#endif

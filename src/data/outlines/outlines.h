/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines.h - shapes that people drew, in any program's file, and the pixels that they hold
 *
 *     file -> the reader of its format -> drawings of named shapes      un_outlines_read
 *     names of all -> a code for each, or a number for each object      un_outlines_settle
 *     drawing -> an open image of these codes, as of a mask's file      un_outlines_open
 *
 * A format is one file that fills struct un_drawing; outlines_paint.c is the one rasteriser.  All
 * coordinates are x to the right and y down, and whole ones are the corners of pixels: the centre
 * of the first pixel is at 0.5, 0.5.  docs/outlines.md says what each format gives.
 */
#ifndef UN_OUTLINES_H
#define UN_OUTLINES_H

#include <stdbool.h>

#include "data/masks/coding.h"
#include "data/masks/mask.h"
#include "image/source.h"

enum {
    UN_OUTLINES_NAMES = 1024,       /* most names of classes */
    UN_OUTLINES_VALUES = 100000000, /* most values of a JSON text */
    UN_OUTLINES_NAME = 64           /* bytes of a name with its end, as of coding.h */
};

/* Pixels that carry no label, among codes and object numbers. */
#define UN_OUTLINES_IGNORE UN_MASK_IGNORED

enum un_area_kind { UN_AREA_RINGS, UN_AREA_ELLIPSE, UN_AREA_RUNS };

/* An area: rings, inside where an odd number of them is around; or an ellipse; or a bitmap. */
struct un_area {
    enum un_area_kind kind;
    size_t first, count;          /* of the drawing's rings, or of its runs */
    double ellipse[5];            /* x, y, both radii, angle in radians from x to y */
    int left, top, width, height; /* of the bitmap */
    bool columns;                 /* its runs go down the columns; else along the rows */
};

struct un_ring {
    size_t first, count; /* of the drawing's points */
};

/* A class by name, and parts whose union it is. */
struct un_outline {
    int name;        /* of the set's */
    int plane;       /* of a stack, from 1, in which channels may count; 0: not said */
    int slice;       /* of a hyperstack, from 1; 0: not said, or all of them */
    int frame;       /* likewise */
    double order;    /* shapes with more lie over those with less, else later over earlier */
    uint32_t object; /* from 1; shapes with one number are one object */
    size_t first, count;
};

/* The page that is painted, and what its file says of all of them. */
struct un_stack {
    const char *image; /* name */
    int page, pages;   /* page from 0 */
    int slices;        /* pages of a volume, z by z; 0: not known */
    int planes;        /* of the file, one after the other, that are a page; 0: not known */
    int channels;      /* of the page */
};

/* What was found when the shapes became pixels. */
struct un_painted {
    uint64_t outside; /* shapes with points beyond the image */
    uint64_t away;    /* shapes that lie beyond it as a whole */
    uint64_t bare;    /* shapes without points */
    uint64_t empty;   /* other shapes that hold no pixel's centre */
    uint64_t over;    /* pixels that went from one code to another */
    uint64_t hidden;  /* objects of which nothing is left to be seen */
};

/* The shapes of one image; none: it is background. */
struct un_drawing {
    char *file;        /* path */
    char *image;       /* name of the image as the file says; "": it does not */
    int height, width; /* as the file says; 0: it does not */
    bool relative;     /* coordinates are shares of the image's sides */
    bool several;      /* its file holds those of other images, too */
    struct un_outline *shapes;
    struct un_area *parts;
    struct un_ring *rings;
    double (*points)[2];
    uint32_t *runs; /* of bitmaps: pixels outside, inside, outside ... */
    size_t shape_count, part_count, ring_count, point_count, run_count;
    size_t shape_room, part_room, ring_room, point_room, run_room;
    uint32_t objects;
    unet_code failed; /* UNET_ENOMEM, UNET_EFORMAT (a coordinate that is no number) */
    int counted;      /* pages whose struct un_painted is among the set's */
};

/* What a shape is that has no area, or is not taken for one. */
enum un_skipped {
    UN_SKIPPED_POINT,
    UN_SKIPPED_LINE,
    UN_SKIPPED_BOX,
    UN_SKIPPED_OTHER,
    UN_SKIPPED_KINDS
};

struct un_outlines {
    struct un_drawing **drawings;
    int count, room;
    char (*names)[UN_OUTLINES_NAME];
    uint32_t *codes; /* [name_count], after un_outlines_settle() */
    int name_count;
    bool objects;       /* pixels are object numbers, else codes of names */
    bool foreign;       /* the last file that failed is of another kind */
    bool crowded;       /* there were more names than are kept */
    const char *joined; /* for .roi files: a folder, all of which are one drawing; NULL: each is */
    char format[40];
    uint64_t skipped[UN_SKIPPED_KINDS];
    uint64_t regions; /* passed over: areas in which a program looked for objects */
    uint64_t tiles;   /* likewise: QuPath's tiles, and cores of tissue arrays */
    uint64_t crowds;  /* COCO's: several objects in one shape, which carries no label */
    uint64_t nuclei;  /* of cells: these are the cells' alone */
    struct un_painted painted;
};

/* ---- outlines.c: a set, and what readers add to it ---- */

/* Whether a file holds outlines, by how it begins. */
bool un_outlines_is_file(const char *path);

/* Whether it may, by its name. */
bool un_outlines_is_name(const char *path);

/*
 * Adds all drawings of a file.  Of a file that does not name its images there is one, whose `image`
 * is "".  UNET_EFORMAT: names what is wrong and where.
 */
unet_code un_outlines_read(struct un_outlines *set, const char *path, unet_error *err);

/* The same over bytes in memory. */
unet_code un_outlines_read_bytes(struct un_outlines *set, const char *path, const void *bytes,
                                 size_t size, unet_error *err);
void un_outlines_free(struct un_outlines *set);

/* For readers.  The drawing is the set's; NULL: no memory. */
struct un_drawing *un_outlines_add(struct un_outlines *set, const char *file, const char *image);

/* The number of a name, without blanks around it; -1: no memory, or too many. */
int un_outlines_name(struct un_outlines *set, const char *name);

/* A shape, its part, a ring of it, and a point, each in the last of what it belongs to.  What fails
 * is kept in drawing->failed. */
void un_drawing_shape(struct un_drawing *drawing, int name);
struct un_area *un_drawing_area(struct un_drawing *drawing, enum un_area_kind kind);
void un_drawing_ring(struct un_drawing *drawing);
void un_drawing_point(struct un_drawing *drawing, double x, double y);
void un_drawing_run(struct un_drawing *drawing, uint32_t run);

/* The same of what comes up often. */
void un_drawing_box(struct un_drawing *drawing, double left, double top, double right,
                    double bottom, double angle);
void un_drawing_ellipse(struct un_drawing *drawing, double x, double y, double across, double down,
                        double angle);

/* Whether some shape has an area, however small. */
bool un_drawing_has_area(const struct un_drawing *drawing);

/* UNET_OK, or why a drawing is not whole. */
unet_code un_drawing_check(const struct un_drawing *drawing, unet_error *err);

/* The number that a text begins with; *at goes behind it.  false: there is none. */
bool un_outlines_number(const char **at, const char *end, double *number);

/* The end of the path: its name without folders. */
const char *un_outlines_file_name(const char *path);

/* What a person should know: shapes that were skipped, clipped, overlaid; "". */
void un_outlines_text(const struct un_outlines *set, char *text, size_t size);

/* ---- readers: one file each ---- */

/* Bytes of a file. */
struct un_outlines_file {
    const char *path;
    const unsigned char *bytes;
    size_t size;
};

typedef unet_code un_outlines_reader(struct un_outlines *set, const struct un_outlines_file *file,
                                     unet_error *err);
un_outlines_reader un_read_cvat, un_read_yolo, un_read_roi, un_read_roi_zip;

un_outlines_reader un_read_json; /* tells which of those of outlines_json.h it is */

/* Whether all lines are a class and numbers. */
bool un_is_yolo(const unsigned char *bytes, size_t size);

/* ---- outlines_shares.c ---- */

/* Of the drawings from `first` on, one file's: UNET_EFORMAT: their coordinates are shares of the
 * image's sides, where pixels belong. */
unet_code un_outlines_check_shares(const struct un_outlines *set, const char *path, int first,
                                   unet_error *err);

/* ---- outlines_paint.c ---- */

/*
 * Paints the shapes of one page over codes [height][width], which are 0 at first; stack NULL: those
 * of all pages.  A pixel belongs to a part that holds its centre; a centre on an edge to what lies
 * right of it or below.  UNET_ENOMEM; UNET_EINVAL as un_outlines_pages().
 */
unet_code un_drawing_paint(const struct un_outlines *set, const struct un_drawing *drawing,
                           const struct un_stack *stack, int height, int width, uint32_t *codes,
                           struct un_painted *painted, unet_error *err);

/* ---- outlines_pages.c ---- */

/*
 * The page, from 0, of each shape: pages [shape_count].  UNET_EINVAL: a stack whose shapes do not
 * say theirs, or say one that it does not have, or that can be read in two ways; an image of one
 * page whose shapes are on several.
 */
unet_code un_outlines_pages(const struct un_drawing *drawing, const struct un_stack *stack,
                            int *pages, unet_error *err);

/* ---- outlines_source.c ---- */

/* A source whose pages are the codes of the drawing, as large as those of its image.  UNET_EINVAL:
 * the file says another size, both are named. */
unet_code un_outlines_open(struct un_outlines *set, struct un_drawing *drawing,
                           struct unet_source *image, struct unet_source **source, unet_error *err);

/* ---- outlines_coding.c ---- */

/*
 * Settles what pixels will be, and says it as a wish: names are classes, in their natural order;
 * shapes of one name, of which an image has several, are objects.  *given (of a model or another
 * set) is looked up by names, and is NULL then.
 */
unet_code un_outlines_settle(struct un_outlines *set, struct un_wish *wish,
                             const struct un_coding **given, unet_error *err);

/* When the coding was found by that wish: its names, and what carries no label. */
void un_outlines_name_coding(const struct un_outlines *set, struct un_coding *coding);

#endif

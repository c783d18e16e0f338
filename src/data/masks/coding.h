/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coding.h - what the numbers in a person's files mean: mask codes to classes
 *
 *     un_coding_parse (what a person says) --+
 *     census of all masks (census.h) --------+-> un_coding_find -> struct un_coding
 *                                                  -> un_mask_to_classes (mask.h), model metadata
 */
#ifndef UN_CODING_H
#define UN_CODING_H

#include <stdbool.h>

#include "image/fill.h"

#define UN_CODING_CODES 512

enum un_coding_kind {
    UN_CODING_GREY,    /* grey values; palette indices count as such */
    UN_CODING_PALETTE, /* palette indices */
    UN_CODING_COLOR,   /* 0xrrggbb; palettes are resolved */
    UN_CODING_OBJECTS, /* 0: class 0; every other number is an object: class 1 */
    UN_CODING_FILES    /* a file for each class: not 0 is the class; class 0 is the rest */
};

/* Codes first .. last (of colours: one) mean a class or UNET_IGNORE. */
struct un_code {
    uint32_t first, last;
    int label;
};

struct un_coding {
    enum un_coding_kind kind;
    int labels; /* class indices in use: 0 .. labels - 1 */
    int count;
    struct un_code codes[UN_CODING_CODES]; /* ascending, apart */
    int tolerance;                         /* > 0: codes this far off, and soft edges, are taken */
    int clear;                             /* 1 + the class of transparent pixels; 0: none known */
    bool inverted;                         /* said only: files show the numbers inverted */
    bool turned;                           /* said only: bits of 1 are shown, and read, as 0 */
    bool meant;                            /* said only: a person said what the values mean */
    bool by_file;                          /* said only: a file beside the masks says all this */
    struct un_fill told;                   /* said only: the value that UN_MASK_TOLD stands for */
    bool single;                           /* said only: each value is one piece where it is */
    uint32_t white;                        /* what the 1 of a 1-bit file stands for */
    bool border;                           /* UN_CODING_OBJECTS: class 2 lies between objects */
    bool ordered;                          /* UN_CODING_FILES: later classes lie over earlier */
    char names[UNET_MAX_CLASSES][64];      /* "": none given */
    uint8_t colors[UNET_MAX_CLASSES][3];   /* of the first palette; the codes of UN_CODING_COLOR */
    bool colored;                          /* colors are known */
};

/* Grey value v is class v for v < labels; UNET_IGNORE is ignored. */
struct un_coding un_coding_identity(int labels);

/* The class of a code, UNET_IGNORE, or -1: not known. */
int un_coding_class(const struct un_coding *coding, uint32_t code);

/* Adds codes in their place; false: no room, or some of them are there already. */
bool un_coding_add(struct un_coding *coding, uint32_t first, uint32_t last, int label);

/* A code that a class (or UNET_IGNORE) is written with; false: none. */
bool un_coding_code(const struct un_coding *coding, int label, uint32_t *code);

/* How far apart two codes are: of grey values and colours the largest difference of a channel. */
uint32_t un_code_distance(enum un_coding_kind kind, uint32_t a, uint32_t b);

/* Whether a code is a mixture of two others, as on a soft edge. */
bool un_code_between(enum un_coding_kind kind, uint32_t code, uint32_t a, uint32_t b);

/* One line: "grey values 0 = background, 128 = cytoplasm, 255 = nucleus". */
void un_coding_text(const struct un_coding *coding, char *text, size_t size);

/* Whether two codings give the same code different classes; it is then in *code. */
bool un_coding_differ(const struct un_coding *a, const struct un_coding *b, uint32_t *code);

/* Whether two codings of one set of classes contradict each other: a code is one class here and
 * another there, or classes have changed names.  text says which; codes without a label, and codes
 * of one alone, are no contradiction. */
bool un_coding_contradict(const struct un_coding *model, const struct un_coding *here, char *text,
                          size_t size);

/* What a person said of the masks. */
struct un_wish {
    enum { UN_WISH_NONE, UN_WISH_CODES, UN_WISH_NAMES, UN_WISH_INDICES, UN_WISH_OBJECTS } what;
    struct un_coding coding; /* UN_WISH_CODES; UN_WISH_NAMES: names in their order, labels */
    int ignore;              /* code without a label; -1: none */
    struct un_fill told;     /* ignore is UN_MASK_TOLD: the value */
    int classes;             /* labels expected; 0: not known */
};

/*
 * Parses labels: "background=0,cell=255,ignore=11", "road=#804080", "cell=1|2|7-999", "0,128,255",
 * names alone for files per class ("background,cell,nucleus": later ones lie over earlier ones),
 * "indices", "instances", "instances+border".  NULL or "": nothing is said.  UNET_EINVAL quotes
 * what is wrong.
 */
unet_code un_wish_parse(const char *labels, struct un_wish *wish, unet_error *err);

/* The same of the options of a data set (may be NULL), with their ignore and classes. */
unet_code un_wish_of_options(const unet_dataset_options *options, struct un_wish *wish,
                             unet_error *err);

/*
 * What nnU-Net's dataset.json in the folder of masks, or beside a folder labelsTr, says of them,
 * unless the wish says more than what to ignore: classes with their names, and what has no label;
 * with classes_known the latter alone.  UNET_EINVAL: regions, which overlap.  UNET_EFORMAT.
 * (coding_folder.c)
 */
unet_code un_wish_of_folder(const char *masks, bool classes_known, struct un_wish *wish,
                            unet_error *err);

/*
 * Masks with a file for each object: without another word they are object numbers, also for *given,
 * which is then NULL.  UNET_EINVAL: *given has other classes.
 */
unet_code un_wish_join(struct un_wish *wish, const struct un_coding **given, unet_error *err);

/* What carries no label, "255", "-1", "nan": *ignore, and of what is no code *told; text NULL: both
 * stay.  UNET_EINVAL. */
unet_code un_wish_ignored(const char *text, int *ignore, struct un_fill *told, unet_error *err);

struct un_census;

/*
 * Finds what the codes of a set of masks mean.
 *
 *   given  the coding of a trained model or another set that the masks must fit; may be NULL
 *
 * UNET_EINVAL, naming a file, a pixel and the values, for a reading that could be wrong, with what
 * to say to settle it.
 */
unet_code un_coding_find(const struct un_census *census, const struct un_wish *wish,
                         const struct un_coding *given, struct un_coding *coding, unet_error *err);

/*
 * The coding of masks with a file for each class; names [count] are those of the files.  An order
 * that is wished for must have all of them and may have "background" or another name first, for
 * class 0.  UNET_EINVAL: names that do not fit the wish or what is given.
 */
unet_code un_coding_of_files(const char *const *names, int count, const struct un_wish *wish,
                             const struct un_coding *given, struct un_coding *coding,
                             unet_error *err);

#endif

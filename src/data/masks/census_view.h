/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census_view.h - a census in the one way in which all its masks are read, for un_coding_find()
 *
 * Some masks may have a palette, some one bit a sample, some colours: a view speaks of grey values,
 * indices or colours only.
 */
#ifndef UN_CENSUS_VIEW_H
#define UN_CENSUS_VIEW_H

#include "data/masks/census.h"

struct un_view {
    const struct un_census *census;
    enum un_coding_kind kind;        /* GREY, PALETTE or COLOR */
    uint32_t white;                  /* as in struct un_coding */
    bool lossy;                      /* some mask is */
    bool inverted;                   /* the numbers of some are shown so */
    bool turned;                     /* some are of one bit, whose 1 is read as 0 */
    int bits;                        /* most of a mask */
    uint64_t clear;                  /* transparent pixels, which are not among the entries */
    struct un_census_entry *entries; /* ascending by code, each once */
    size_t count;
};

/* UNET_EINVAL: masks that cannot be read in one way; wish and given (may be NULL) may settle it. */
unet_code un_view_make(const struct un_census *census, const struct un_wish *wish,
                       const struct un_coding *given, struct un_view *view, unet_error *err);
void un_view_release(struct un_view *view);

/* "0, 32, 64 ... 255 (9 values)". */
void un_view_list(const struct un_view *view, char *text, size_t size);

/* Entry of a code; NULL: it does not occur. */
const struct un_census_entry *un_view_find(const struct un_view *view, uint32_t code);

/* The name of the mask in which an entry is first. */
const char *un_view_file(const struct un_view *view, const struct un_census_entry *entry);

/* A code of one type in another kind of coding; false: it cannot be said there. */
bool un_code_convert(enum un_coding_kind kind, uint32_t white, enum un_code_type type,
                     uint32_t color, uint32_t *code);

/* Puts the codes of a view into a coding where they can be told from one another but for noise and
 * soft edges (coding_soft.c); false: they cannot.  The codes are numbered as classes. */
bool un_coding_soft(const struct un_view *view, uint32_t ignore, bool has_ignore,
                    struct un_coding *coding);

/* Whether what the coding does not know can be soft edges and noise; else *odd is what cannot. */
bool un_coding_softens(const struct un_view *view, struct un_coding *coding,
                       const struct un_census_entry **odd);

/* Labels that fit the values: "a=1,b=2,ignore=255".  (coding_propose.c) */
void un_coding_propose(const struct un_view *view, char *text, size_t size);

/* How many values are on slopes between others and fill nothing, and the first of them; so many of
 * them are soft edges.  (coding_soft.c) */
#define UN_SLOPES 3
int un_view_slopes(const struct un_view *view, const struct un_census_entry **first);

/* Where palettes have the colours of the classes that are *given (may be NULL) at other indices,
 * *colors, to be freed, is its coding by colours, and *given too; else NULL.  UNET_EINVAL: other
 * colours.  (coding_palettes.c) */
unet_code un_coding_palettes(const struct un_census *census, const struct un_coding **given,
                             struct un_coding **colors, unet_error *err);

/* ---- coding_most.c ---- */

/* The codes that a quarter of the masks have, if the others are in a third of the masks at most;
 * false: they are not, or there are none.  Release it. */
bool un_view_of_most(const struct un_view *view, struct un_view *most);

/* The few are not what most masks say. */
unet_code un_coding_fail_few(const struct un_view *view, const struct un_coding *coding,
                             const struct un_census_entry *odd, unet_error *err);

/* What to do about a mask with values between the codes. */
void un_coding_advice(const struct un_coding *coding, char *text, size_t size);

/* ---- coding_objects.c: telling object numbers from class indices ---- */

/* Whether few values, too few to be asked, may be numbers of objects. */
bool un_coding_may_be_objects(const struct un_view *view, int ignore);

/*
 * Sets coding to object numbers when the masks hold such, and leaves it when they do not.
 * UNET_EINVAL when they may be either, with what to say.
 */
unet_code un_coding_find_objects(const struct un_view *view, int ignore, struct un_coding *coding,
                                 unet_error *err);

/*
 * Masks beside a model, or another set, that numbers objects: they do so too, or have one class
 * whose parts are the objects; then coding is changed to that.  UNET_EINVAL: neither.
 */
unet_code un_coding_fit_objects(const struct un_view *view, int ignore, struct un_coding *coding,
                                unet_error *err);

/* UNET_EINVAL: object numbers without a background. */
unet_code un_coding_check_background(const struct un_view *view, const struct un_coding *coding,
                                     unet_error *err);

/* Object numbers: 0 is class 0, others 1, and with `border` class 2 between them. */
void un_coding_set_objects(bool border, struct un_coding *coding);

/* Whether the values are strewn over the masks as in a photograph. */
bool un_view_is_grain(const struct un_view *view);

/* ---- coding_hard.c: readings that take each value for what it is ---- */

/* Values 0 and 255 alone, with 255 among them, and nothing else but `ignore`. */
bool un_coding_is_black_and_white(const struct un_view *view, int ignore);

/* coding->labels stays 0 when there is no such reading. */
unet_code un_coding_find_hard(const struct un_view *view, const struct un_wish *wish,
                              struct un_coding *coding, unet_error *err);

/* UNET_EINVAL: what the values are, and what to say. */
unet_code un_coding_fail_unclear(const struct un_view *view, const struct un_wish *wish,
                                 unet_error *err);

/* coding_given.c: what a person (or else a model) told, with what these masks and `ignore` add.
 * UNET_EINVAL: a value that it does not know. */
unet_code un_coding_use_given(const struct un_view *view, const struct un_coding *given, int ignore,
                              bool model, struct un_coding *coding, unet_error *err);

#endif

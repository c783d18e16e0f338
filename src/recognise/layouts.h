/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layouts.h - U-Nets that many people use, told by the names of their layers
 *
 * A file of weights has names and shapes and nothing else: not how a network is padded, in which
 * order it concatenates, or what its activation is.  Who knows the class that made the file knows
 * that.  So a layout is a set of names and what is true of every network of that class.
 */
#ifndef UN_LAYOUTS_H
#define UN_LAYOUTS_H

#include "net/graph.h"
#include "recognise/modules.h"

enum un_direction {
    UN_DIRECTION_UNKNOWN,
    UN_NUMBERS_RISE, /* the decoder of the deepest level has the lowest number */
    UN_NUMBERS_FALL, /* numbers are those of the levels */
};

/* The fields but name and direction are -1 (slope: NAN) where the class leaves them open. */
struct un_names {
    const char *name; /* "milesial" */
    enum un_direction direction;
    int padding, act;
    float leaky_slope;
    int single_act, norm_order, concat;
    int norm; /* of norms without running statistics, and of networks without arrays of norms */
    int up, align_corners, up_act;
    int down;     /* never open: what is not told is a pooling */
    bool before;  /* blocks of its networks with norms are norm, convolution, activation,
                     twice: 3x3 convolutions are number 1 and 4, without norms 0 and 2 */
    int residual; /* as in unet_spec; never open.  The search for a chain is not for these:
                     recognise_residual.c, recognise_resnet.c */
    int family;   /* as in unet_spec, likewise: recognise_monai.c */
    bool lists;   /* numbers in names count levels, and never layers without arrays */
    const char *const *keys; /* patterns of the modules' names, NULL at the end */
};

/*
 * The layout that all names of the modules fit, NULL: none.  A prefix that all names have
 * ("model.") does not matter.
 */
const struct un_names *un_layout_of(const struct un_modules *modules);

/* Whether the numbers of the 3x3 convolutions say that each has a norm before it. */
bool un_layout_is_before(const struct un_names *layout, const struct un_modules *modules);

/* Whether a name is of the pattern: # stands for a number, * at its end for anything. */
bool un_layout_matches(const char *pattern, const char *name, int length);

/* Whether a name is of the pattern from its beginning or from behind any dot on. */
bool un_layout_matches_within(const char *pattern, const char *name);

/* The layout of this name, NULL: none. */
const struct un_names *un_layout_find(const char *name);

/* Layout i in the order in which they are asked, NULL behind the last. */
const struct un_names *un_layout_at(int i);

/*
 * Why networks with arrays of this name are no plain U-Nets though their shapes might look like
 * one, NULL: nothing is known against them.  unread: no layout has the names of all arrays.
 */
const char *un_layout_refusal(const char *name, bool unread);

/* ---- writing (naming.c) ---- */

/* UNET_EINVAL: the class cannot express the spec, or nothing is written in this layout; names the
 * field. */
unet_code un_layout_check(const struct un_names *layout, const unet_spec *spec, unet_error *err);

/* What parameter `param` of a graph is called in the layout; false: the layout has no name for it.
 * The parts of a norm over two maps (un_graph_joined()) may be called the same: they are one array.
 * The spec has passed un_layout_check(). */
enum { UN_LAYOUT_NAME = 192 };
bool un_layout_name(const struct un_names *layout, const struct un_graph *graph, int param,
                    char name[UN_LAYOUT_NAME]);

#endif

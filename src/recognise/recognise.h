/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recognise.h - which network a table of arrays is of
 *
 * Names and shapes tell how the layers follow each other (chain.h) and how wide they are.  The rest
 * is taken from the first of these that knows it: who calls; the file, where its format tells
 * (struct un_hints); the numbers of the layers in an nn.Sequential, between which layers without
 * arrays leave gaps; the layout that has such names (layouts.h); a default.
 */
#ifndef UN_RECOGNISE_H
#define UN_RECOGNISE_H

#include "recognise/layouts.h"
#include "unet_exchange.h"

struct un_recognised {
    unet_spec spec;
    const struct un_names *layout; /* NULL: known by shapes alone */
    int source[UN_MAX_PARAMS]; /* the array of each parameter of the spec's graph, which may be a
                                  part of it (un_graph_joined()); -1: there is
                                  none, so it stays as a new model has it (a bias of zero) */
    int guesses;               /* fields that neither caller nor file told */
    struct {
        const char *field, *from;
    } guess[16];
};

/*
 * known and the arrays are only borrowed; names in *found belong to the table of layouts.
 * UNET_EFORMAT names the tensor that does not fit, its shape and what was wanted; UNET_ENOMEM.
 */
unet_code un_recognise(const char *path, const struct un_arrays *arrays, const unet_known *known,
                       struct un_recognised *found, unet_error *err);

/* Whether an array has a parameter's shape, or that of both parts of a norm of which it is one. */
bool un_array_fits(const struct un_array *array, const struct un_graph *graph, int param);

/* ---- recognise_known.c: what a caller knows, fields of unet_spec ---- */

unet_known un_known_nothing(void);

/* From text, as unet_spec_set(). */
unet_code un_known_set(unet_known *known, const char *field, const char *text, unet_error *err);

/* Notes what a module around the network brought images to its input by, unless that is known.
 * (extras.c) */
void un_extras_tell(const char *path, const struct un_arrays *arrays, const unet_known *known);

/* UNET_EINVAL: what is known is not what the file at path says of its network. */
unet_code un_known_check(const unet_known *known, const unet_spec *spec, const char *path,
                         unet_error *err);

#endif

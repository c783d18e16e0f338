/* SPDX-License-Identifier: Apache-2.0 */
/* recognise_work.h - what recognise.c and recognise_choose.c share */
#ifndef UN_RECOGNISE_WORK_H
#define UN_RECOGNISE_WORK_H

#include "recognise/chain.h"
#include "recognise/recognise.h"

struct un_work {
    const struct un_arrays *arrays;
    const unet_known *known;
    struct un_modules modules;
    bool before; /* un_layout_is_before() */
    struct un_chain chain;
    struct un_graph graph;
    struct un_recognised *out;
    /* of networks whose names say all: characters before them in the file, and of those in the
     * layout's names how many belong to these */
    int prefix, before_prefix;
};

/* gaps.c: refuses a file whose numbers leave room for layers that no network of ours has there.
 * norms: the file has arrays of norms behind its 3x3 convolutions. */
unet_code un_work_check_gaps(const struct un_work *w, bool norms, unet_error *err);

/* ---- recognise_named.c ---- */

/* Sets the prefix: what stands before this text, with which some names begin. */
void un_work_find_prefix(struct un_work *work, const char *first);

/* The module of this name behind the prefix, NULL: none; and with numbers in it. */
const struct un_module *un_work_named(const struct un_work *work, const char *name);
const struct un_module *un_work_numbered(const struct un_work *work, const char *format, int a,
                                         int b);

unet_code un_work_fail_missing(const struct un_work *work, const char *what, unet_error *err);

/* Depth, width and channels of the spec, from the channels of all levels. */
unet_code un_work_measure_levels(struct un_work *work, const int *channels, int levels,
                                 unet_error *err);

/* Whether any norm has running statistics. */
bool un_work_has_statistics(const struct un_work *work);

/* The graph of the spec, and the arrays of its parameters by the layout's names; what is missing,
 * or is no parameter's, is refused. */
unet_code un_work_map_named(struct un_work *work, unet_error *err);

/* ---- recognise_monai.c ---- */

/* Whether the names are of MONAI's UNet, by which a slope that is learnt is no stranger. */
bool un_work_is_monai(const struct un_arrays *arrays);

/* All of it for MONAI's UNet. */
unet_code un_work_monai(struct un_work *work, unet_error *err);

/* The module that older versions of MONAI call otherwise, NULL: none. */
const struct un_module *un_work_monai_older(const struct un_work *work, const char *name);

/* recognise_residual.c: all of it for a layout of residual blocks, whose names say where each array
 * stands.
 */
unet_code un_work_residual(struct un_work *work, unet_error *err);

/* recognise_resnet.c: the fields of the spec that shapes tell, of a layout with a ResNet. */
unet_code un_work_measure_resnet(struct un_work *work, unet_error *err);
/* Whether a module of such a file is there, but no part of the network: layers of the encoder that
 * are deeper than the decoder. */
bool un_work_is_idle(const struct un_work *work, const struct un_module *module);
/* Refuses networks of segmentation_models_pytorch's that are others, by the names of their arrays.
 */
unet_code un_work_refuse_encoder(const struct un_work *work, const char *path, unet_error *err);

/* Whether an array that parameter of work->graph has as its source has another's shape: names it.
 */
unet_code un_work_check_sources(const struct un_work *work, unet_error *err);

/* Refuses what the caller cannot know, since the arrays say otherwise: UNET_EINVAL. */
unet_code un_work_check_known(const struct un_work *work, bool norms, bool running,
                              unet_error *err);

/*
 * Fills the fields of the spec that shapes do not tell.  norms: the file has arrays of norms behind
 * its 3x3 convolutions; running: with running statistics.
 */
void un_work_choose(struct un_work *work, bool norms, bool running);

#endif

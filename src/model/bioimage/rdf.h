/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rdf.h - what the description in a bioimage.io package says (rdf.yaml, format 0.4 and 0.5)
 *
 * https://bioimage.io: a zip archive of a model's weights in one format or several, test tensors,
 * and a description that says which is which, what the axes of an image are and how its samples
 * become the network's input.
 */
#ifndef UN_RDF_H
#define UN_RDF_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"
#include "image/reading.h"

/* In the order in which they are tried: ONNX says nearly all of a network, a state_dict nothing. */
enum un_rdf_weights { UN_RDF_ONNX, UN_RDF_TORCHSCRIPT, UN_RDF_STATE_DICT, UN_RDF_WEIGHTS };

struct un_rdf_file {
    const char *source; /* NULL: there is none */
    const char *sha256; /* NULL: not told */
};

enum { UN_RDF_AXES = 8 };

struct un_rdf_tensor {
    char axes[UN_RDF_AXES + 1]; /* a letter for each: b, c, y, x */
    struct un_rdf_file test;
    const json_t *steps; /* pre- or postprocessing; NULL: none */
    const json_t *names; /* of channels, a list of texts; NULL: none */
};

struct un_rdf {
    json_t *root;
    const char *what; /* "package.zip: rdf.yaml", for messages; the caller's */
    struct un_rdf_file weights[UN_RDF_WEIGHTS];
    const json_t *kwargs; /* of the state_dict's class; NULL: none */
    struct un_rdf_tensor input, output;
};

const char *un_rdf_weights_name(enum un_rdf_weights kind);

/*
 * Parses a description.  Release it.  UNET_EFORMAT: it is of something else than a network from one
 * image of two dimensions to a map of scores, or of a version that is not known.
 */
unet_code un_rdf_parse(const char *what, const char *text, size_t size, struct un_rdf *rdf,
                       unet_error *err);
void un_rdf_release(struct un_rdf *rdf);

/* A member of an object, or NULL, also of none and of null. */
const json_t *un_rdf_get(const json_t *object, const char *key);

/* ---- rdf_steps.c ---- */

/* How samples of any type become the network's input; sets all of a scaling but what the training
 * saw and its fill.  UNET_EFORMAT: names
 * the step that no network here does. */
unet_code un_rdf_preprocessing(const struct un_rdf *rdf, int channels, struct un_scaling *scaling,
                               unet_error *err);

#endif

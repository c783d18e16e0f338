/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - the network's shape, its weights, and how a person's images become its input
 */
#ifndef UN_MODEL_H
#define UN_MODEL_H

#include "data/coding.h"
#include "net/graph.h"

struct un_class {
    char name[64];
    uint8_t rgb[3];
};

struct unet_model {
    struct un_graph graph; /* spec, nodes and params; sized by whoever needs a size in a copy */
    float *values;         /* [graph.values], aligned to 64 bytes */
    bool trained;          /* scaling and coding below come from a data set */
    struct un_scaling scaling;
    struct un_coding coding;
    struct un_class classes[UNET_MAX_CLASSES]; /* [max(2, spec.classes)] used */
    char *settings;                            /* JSON object or NULL: how it was trained */
};

/*
 * An empty model of this spec: values allocated and zero, classes with default colours, mask values
 * are class indices.  UNET_EINVAL names the field of spec.
 */
unet_code un_model_new(const unet_spec *spec, unet_model **model, unet_error *err);
void un_model_free(unet_model *model); /* NULL is accepted */

/* As un_model_new(), into a zeroed struct, without values; the spec has been checked. */
void un_model_prepare(unet_model *model, const unet_spec *spec);
unet_code un_model_allocate(unet_model *model, unet_error *err);

/* The inner halves of the public functions of these names.  un_model_class() trusts its label. */
int un_model_labels(const unet_model *model);
const char *un_model_class(const unet_model *model, int label, uint8_t rgb[3]);
unet_code un_model_set_class(unet_model *model, int label, const char *name, const uint8_t *rgb,
                             unet_error *err);

/* Fills the values: He et al. 2015, keyed by (seed, parameter number). (init.c) */
void un_model_init(unet_model *model, uint64_t seed);

/* adapt.c: behind unet_model_adapt(). */
unet_code un_model_adapt(const unet_model *from, int in_channels, int classes, uint64_t seed,
                         unet_model **model, int *taken, unet_error *err);

/* Replaces the settings by a copy of this JSON object, made compact; NULL: none. */
unet_code un_model_set_settings(unet_model *model, const char *json, unet_error *err);

/* safetensors_model.c: the model file, behind unet_model_load() and unet_model_save(). */
unet_code un_model_read(const char *path, unet_model **model, unet_error *err);
unet_code un_model_write(const unet_model *model, const char *path, unet_error *err);

struct un_safetensors;
unet_code un_model_from_safetensors(const char *path, const struct un_safetensors *file,
                                    unet_model **model, unet_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - the network's shape, its weights, and how a person's images become its input
 */
#ifndef UN_MODEL_H
#define UN_MODEL_H

#include "base/checksum.h"
#include "data/masks/coding.h"
#include "image/channels.h"
#include "image/reading.h"
#include "image/values.h"
#include "net/graph.h"
#include "unet.h"
#include "unet_exchange.h"

struct un_class {
    char name[64];
    uint8_t rgb[3];
};

struct unet_model {
    struct un_graph graph; /* spec, nodes and params; sized by whoever needs a size in a copy */
    float *values;         /* [graph.values], aligned to 64 bytes */
    bool trained;          /* scaling and coding below come from a data set */
    struct un_scaling scaling;
    struct un_seen seen; /* the values of the images that it was trained on */
    struct un_coding coding;
    struct un_class classes[UNET_MAX_CLASSES]; /* [max(2, spec.classes)] used */
    int smallest_object; /* of the training, in pixels, but for the smallest hundredth; 0: not known
                          */
    char channels[UN_CHANNELS_TEXT]; /* which of an image; as in image/channels.h, "": all */
    char *settings;                  /* JSON object or NULL: how it was trained */
    /* Set while a trainer keeps the newest weights on a device.  Who reads values calls
     * un_model_fetch() first. */
    struct un_keeper {
        unet_code (*fetch)(void *context, unet_error *err);
        void *context;
    } keeper;
};

/* The inner halves of unet_model_check_values() and unet_model_check_page(). */
unet_code un_model_check_values(const unet_model *model, unet_view image, double *distance,
                                char *text, size_t size, unet_error *err);
unet_code un_model_check_page(const unet_model *model, struct unet_source *source, int page,
                              double *distance, char *text, size_t size, unet_error *err);

/* The inner half of unet_model_level(). */
unet_code un_model_level(const unet_model *model, const char *slide, int *level, char *text,
                         size_t size, unet_error *err);

/* Brings values up to date.  UNET_EDEVICE: they are lost, and values are older. */
unet_code un_model_fetch(const unet_model *model, unet_error *err);

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

/* The inner halves of unet_model_mask_value() and unet_model_coding_text(). */
unet_code un_model_mask_value(const unet_model *model, int label, uint32_t *value, uint8_t rgb[3],
                              unet_error *err);
void un_model_coding_text(const unet_model *model, char *text, size_t size);

/* The coding with the names of the classes. */
struct un_coding un_model_coding(const unet_model *model);

/* From now on masks are read as those of a data set, whose class names and colours are taken where
 * the model has none of its own. (model.c) */
void un_model_set_coding(unet_model *model, const struct un_coding *coding);

/* Fills the values: He et al. 2015, keyed by (seed, parameter number). (init.c) */
void un_model_init(unet_model *model, uint64_t seed);

/* adapt.c: behind unet_model_adapt() and unet_model_copy(). */
unet_code un_model_adapt(const unet_model *from, int in_channels, int classes, uint64_t seed,
                         unet_model **model, int *taken, unet_error *err);
unet_code un_model_copy(const unet_model *from, unet_model **model, unet_error *err);

/* Replaces the settings by a copy of this JSON object, made compact; NULL: none. */
unet_code un_model_set_settings(unet_model *model, const char *json, unet_error *err);

/* import.c: behind unet_model_load() and unet_model_import(); known and origin may be NULL. */
unet_code un_model_read(const char *path, unet_model **model, unet_error *err);
unet_code un_model_import(const char *path, const unet_known *known, unet_model **model,
                          unet_origin *origin, unet_error *err);
unet_code un_model_from_tensors(const unet_tensor *tensors, int count, const unet_known *known,
                                unet_model **model, unet_origin *origin, unet_error *err);

struct un_arrays;
unet_code un_model_from_arrays(const char *path, const struct un_arrays *arrays,
                               const unet_known *known, unet_model **model, unet_origin *origin,
                               unet_error *err);
/* The same of all arrays of a file, of which those of one network are taken; known is not NULL. */
unet_code un_model_from_file(const char *path, const unet_known *known, struct un_arrays *arrays,
                             unet_model **model, unet_origin *origin, unet_error *err);

/* model_write.c: the model file, behind unet_model_save(); export.c: for other programs. */
unet_code un_model_write(const unet_model *model, const char *path, unet_error *err);
unet_code un_model_export(const unet_model *model, const char *path,
                          const unet_export_options *options, unet_error *err);

/* The (sample - offset) * scale that other programs are told, of a model that has one: that of the
 * example's samples, or without one of those that it was trained on. */
void un_model_scale(const unet_model *model, const unet_export_options *options, float *offset,
                    float *scale);

/* Tells options->log which samples that is for, where others are scaled otherwise. */
void un_model_tell_scale(const unet_model *model, const char *path,
                         const unet_export_options *options);

/* model_sum.c: SHA-256 of what the model's file says and of its weights. */
unet_code un_model_sum(const unet_model *model, char sum[UN_SHA256_TEXT], unet_error *err);

/* Every weight is a number that a file may hold; else UNET_EINVAL names it. */
unet_code un_model_check_finite(const unet_model *model, const char *path, unet_error *err);

/* ---- palette.c: a colour for each class ---- */

/*
 * The default colour of class label, 0 <= label < UNET_MAX_CLASSES: black for 0, then colours that
 * differ for people with and without full colour vision, most for the first eight.
 */
void un_palette_color(int label, uint8_t rgb[3]);

/* ---- metadata.c ---- */

/* What a model knows besides its weights, as JSON (docs/formats.md has an example). */

/* Compact JSON text, the same for the same model; free it.  NULL: no memory. */
char *un_metadata_text(const unet_model *model);

/*
 * Reads such a text into a zeroed model: everything but the values.  path begins every message;
 * UNET_EFORMAT names the field that is missing, of the wrong type or out of range.  On failure
 * *model may be partly filled and is only fit to be freed.
 */
unet_code un_metadata_parse(const char *path, const char *text, unet_model *model, unet_error *err);

#endif

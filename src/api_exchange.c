/* SPDX-License-Identifier: Apache-2.0 */
/* api_exchange.c - the public functions of unet_exchange.h: models of other programs, and what is
 * in a model.  Each checks its arguments, then makes one call into the layers below. */
#include "api.h"

#include "base/file.h"
#include "base/temporary.h"
#include "image/fill.h"
#include "image/samples.h"
#include "model/bioimage/package.h"
#include "recognise/recognise.h"
#include "train/trainer.h"

/* one is the other by its number */
_Static_assert((int)UNET_MASKS_GREY == (int)UN_CODING_GREY, "kinds of masks");
_Static_assert((int)UNET_MASKS_PALETTE == (int)UN_CODING_PALETTE, "kinds of masks");
_Static_assert((int)UNET_MASKS_COLOR == (int)UN_CODING_COLOR, "kinds of masks");
_Static_assert((int)UNET_MASKS_OBJECTS == (int)UN_CODING_OBJECTS, "kinds of masks");
_Static_assert((int)UNET_MASKS_FILES == (int)UN_CODING_FILES, "kinds of masks");

unet_mask_kind unet_model_mask_kind(const unet_model *model)
{
    return (unet_mask_kind)model->coding.kind;
}

unet_code unet_model_mask_value(const unet_model *model, int label, uint32_t *value, uint8_t rgb[3],
                                unet_error *err)
{
    if (!model || !value || !rgb)
        return un_missing(err, !model ? "model" : !value ? "value" : "rgb");
    return un_model_mask_value(model, label, value, rgb, err);
}

void unet_model_coding_text(const unet_model *model, char *text, size_t size)
{
    un_model_coding_text(model, text, size);
}

void unet_model_samples_text(const unet_model *model, char *text, size_t size)
{
    un_scaling_text(&model->scaling, text, size);
}

void unet_model_fill_text(const unet_model *model, char *text, size_t size)
{
    un_fill_text(model->scaling.fill, text, size);
}

int unet_model_contradicts(const unet_model *model, const unet_dataset *dataset, char *text,
                           size_t size)
{
    const struct un_coding coding = un_model_coding(model);
    return model->trained && un_coding_contradict(&coding, &dataset->coding, text, size);
}

const char *unet_model_settings(const unet_model *model)
{
    return model->settings ? model->settings : "";
}

int unet_model_tensor_count(const unet_model *model)
{
    return model->graph.param_count;
}

unet_code unet_model_tensor(unet_model *model, int index, unet_tensor *tensor, unet_error *err)
{
    if (!model || !tensor)
        return un_missing(err, !model ? "model" : "tensor");
    if (index < 0 || index >= model->graph.param_count)
        return un_fail(err, UNET_EINVAL, "tensor %d, wanted 0 to %d", index,
                       model->graph.param_count - 1);
    const struct un_param *p = &model->graph.params[index];
    unet_code code = un_model_fetch(model, err);
    if (code)
        return code;
    *tensor = (unet_tensor){.name = p->name,
                            .dims = p->dims,
                            .shape = {p->shape[0], p->shape[1], p->shape[2], p->shape[3]},
                            .data = model->values + p->offset,
                            .trainable = p->trainable};
    return UNET_OK;
}

void unet_known_init(unet_known *known, size_t size)
{
    const unet_known own = un_known_nothing();
    un_give(known, size, &own, sizeof own);
}

unet_code unet_model_import(const char *path, const unet_known *known, unet_model **model,
                            unet_origin *origin, unet_error *err)
{
    if (!path || !model)
        return un_missing(err, !path ? "path" : "model");
    unet_known own;
    unet_code code = un_take_known(known, &own, err);
    return code ? code : un_model_import(path, &own, model, origin, err);
}

unet_code unet_model_export(const unet_model *model, const char *path,
                            const unet_export_options *options, unet_error *err)
{
    if (!model || !path)
        return un_missing(err, !model ? "model" : "path");
    unet_export_options own;
    unet_code code = un_take_export_options(options, &own, err);
    return code ? code : un_model_export(model, path, &own, err);
}

unet_code unet_model_test_package(const unet_model *model, const char *path,
                                  unet_package_test *test, unet_error *err)
{
    if (!model || !path || !test)
        return un_missing(err, !model ? "model" : !path ? "path" : "test");
    unet_package_test own = {0};
    unet_code code = un_package_test(model, path, &own, err);
    if (!code)
        un_give(test, test->size, &own, sizeof own);
    return code;
}

unet_code unet_model_adapt(const unet_model *from, int in_channels, int classes, uint64_t seed,
                           unet_model **model, int *taken, unet_error *err)
{
    if (!from || !model)
        return un_missing(err, !from ? "from" : "model");
    return un_model_adapt(from, in_channels, classes, seed, model, taken, err);
}

unet_code unet_model_copy(const unet_model *model, unet_model **copy, unet_error *err)
{
    if (!model || !copy)
        return un_missing(err, !model ? "model" : "copy");
    return un_model_copy(model, copy, err);
}

unet_code unet_model_from_tensors(const unet_tensor *tensors, int count, const unet_known *known,
                                  unet_model **model, unet_origin *origin, unet_error *err)
{
    if (!tensors || !model)
        return un_missing(err, !tensors ? "tensors" : "model");
    if (count < 1)
        return un_fail(err, UNET_EINVAL, "%d tensors; 1 or more wanted", count);
    unet_known own;
    unet_code code = un_take_known(known, &own, err);
    return code ? code : un_model_from_tensors(tensors, count, &own, model, origin, err);
}

unet_code unet_spec_cost(const unet_spec *spec, int height, int width, int batch, unet_cost *cost,
                         unet_layer *layers, int *layer_count, unet_error *err)
{
    if (!spec || !cost || (layers && !layer_count))
        return un_missing(err, !spec ? "spec" : !cost ? "cost" : "layer_count");
    unet_spec own;
    unet_code code = un_take_spec(spec, &own, err);
    return code ? code : un_spec_cost(&own, height, width, batch, cost, layers, layer_count, err);
}

unet_code unet_replace_file(const char *path, const void *data, size_t size, unet_error *err)
{
    if (!path || (!data && size))
        return un_missing(err, !path ? "path" : "data");
    return un_file_replace(path, data, size, err);
}

void unet_remove_unfinished(const char *path)
{
    if (path)
        un_temporary_clear(path);
}

unet_code unet_file_checksum(const char *path, char text[UNET_CHECKSUM_TEXT], unet_error *err)
{
    if (!path || !text)
        return un_missing(err, !path ? "path" : "text");
    struct un_mapping mapping;
    struct un_sha256 sum;
    unet_code code = un_map_open(path, &mapping, err);
    if (code)
        return code;
    un_sha256_begin(&sum);
    code = un_map_sum(&mapping, path, &sum, err);
    un_map_release(&mapping);
    if (!code)
        un_sha256_end(&sum, text);
    return code;
}

unet_code unet_model_checksum(const unet_model *model, char text[UNET_CHECKSUM_TEXT],
                              unet_error *err)
{
    if (!model || !text)
        return un_missing(err, !model ? "model" : "text");
    return un_model_sum(model, text, err);
}

unet_code unet_model_set_class(unet_model *model, int label, const char *name, const uint8_t *rgb,
                               unet_error *err)
{
    if (!model)
        return un_missing(err, "model");
    return un_model_set_class(model, label, name, rgb, err);
}

unet_code unet_model_check_samples(const unet_model *model, unet_sample sample, int prepared,
                                   unet_error *err)
{
    if (!model)
        return un_missing(err, "model");
    if ((unsigned)sample > UNET_F32)
        return un_fail(err, UNET_EINVAL, "no such sample type: %d", (int)sample);
    return un_samples_check(&model->scaling, un_samples_of(sample, prepared), NULL, err);
}

unet_code unet_model_check_values(const unet_model *model, const unet_image *image,
                                  double *distance, char *text, size_t size, unet_error *err)
{
    if (!model || !image || !distance)
        return un_missing(err, !model ? "model" : !image ? "image" : "distance");
    unet_code code = un_view_check(un_view_of(image), "image", UNET_F32, err);
    return code ? code : un_model_check_values(model, un_view_of(image), distance, text, size, err);
}

unet_code unet_model_level(const unet_model *model, const char *slide, int *level, char *text,
                           size_t size, unet_error *err)
{
    if (!model || !slide || !level)
        return un_missing(err, !model ? "model" : !slide ? "slide" : "level");
    return un_model_level(model, slide, level, text, text ? size : 0, err);
}

unet_code unet_model_check_page(const unet_model *model, struct unet_source *source, int page,
                                double *distance, char *text, size_t size, unet_error *err)
{
    if (!model || !source || !distance)
        return un_missing(err, !model ? "model" : !source ? "source" : "distance");
    return un_model_check_page(model, source, page, distance, text, size, err);
}

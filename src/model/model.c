/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"

void un_model_prepare(unet_model *model, const unet_spec *spec)
{
    un_graph_build(&model->graph, spec);
    model->coding = un_coding_identity(un_model_labels(model));
    for (int i = 0; i < un_model_labels(model); i++)
        un_palette_color(i, model->classes[i].rgb);
}

unet_code un_model_allocate(unet_model *model, unet_error *err)
{
    size_t bytes = model->graph.values * sizeof *model->values;
    float *values = un_aligned_alloc(bytes);
    if (!values)
        return un_fail_memory(err, bytes, "the model's weights");
    memset(values, 0, bytes);
    model->values = values;
    return UNET_OK;
}

unet_code un_model_new(const unet_spec *spec, unet_model **model, unet_error *err)
{
    unet_code code = un_spec_check(spec, err);
    if (code)
        return code;
    unet_model *made = calloc(1, sizeof *made);
    if (!made)
        return un_fail_memory(err, sizeof *made, "the model");
    un_model_prepare(made, spec);
    if ((code = un_model_allocate(made, err)))
        un_model_free(made);
    else
        *model = made;
    return code;
}

void un_model_free(unet_model *model)
{
    if (!model)
        return;
    un_aligned_free(model->values);
    free(model->settings);
    free(model);
}

unet_code un_model_fetch(const unet_model *model, unet_error *err)
{
    return model->keeper.fetch ? model->keeper.fetch(model->keeper.context, err) : UNET_OK;
}

int un_model_labels(const unet_model *model)
{
    return model->graph.spec.classes < 2 ? 2 : model->graph.spec.classes;
}

const char *un_model_class(const unet_model *model, int label, uint8_t rgb[3])
{
    if (rgb)
        memcpy(rgb, model->classes[label].rgb, 3);
    return model->classes[label].name;
}

/* Names are printed in tables and written as JSON: UTF-8 without control characters. */
static unet_code check_name(const char *name, unet_error *err)
{
    size_t most = sizeof((struct un_class *)NULL)->name - 1;
    if (strlen(name) > most)
        return un_fail(err, UNET_EINVAL, "class name \"%.80s\" has %zu bytes, at most %zu fit",
                       name, strlen(name), most);
    json_t *string = json_string(name);
    bool valid = string != NULL;
    json_decref(string);
    for (const char *c = name; *c; c++)
        valid &= (unsigned char)*c >= 0x20 && *c != 0x7f;
    if (!valid)
        return un_fail(err, UNET_EINVAL, "class name \"%s\" is not UTF-8 or has control characters",
                       name);
    return UNET_OK;
}

unet_code un_model_set_class(unet_model *model, int label, const char *name, const uint8_t *rgb,
                             unet_error *err)
{
    if (label < 0 || label >= un_model_labels(model))
        return un_fail(err, UNET_EINVAL, "class %d, the model has 0..%d", label,
                       un_model_labels(model) - 1);
    unet_code code = name ? check_name(name, err) : UNET_OK;
    if (code)
        return code;
    if (name && name != model->classes[label].name)
        strcpy(model->classes[label].name, name);
    if (rgb)
        memcpy(model->classes[label].rgb, rgb, 3);
    return UNET_OK;
}

unet_code un_model_set_settings(unet_model *model, const char *json, unet_error *err)
{
    char *text = NULL;
    if (json) {
        json_t *object;
        unet_code code = un_json_parse("training settings", json, strlen(json), &object, err);
        if (code)
            return code;
        text = un_json_text(object);
        json_decref(object);
        if (!text)
            return un_fail_memory(err, strlen(json), "training settings");
    }
    free(model->settings);
    model->settings = text;
    return UNET_OK;
}

void un_model_set_coding(unet_model *model, const struct un_coding *coding)
{
    int labels = un_model_labels(model);
    model->coding = *coding;
    model->coding.labels = labels;
    for (int k = 0; k < labels && k < coding->labels; k++) {
        uint8_t usual[3];
        un_palette_color(k, usual);
        if (!*model->classes[k].name && !check_name(coding->names[k], NULL))
            memcpy(model->classes[k].name, coding->names[k], sizeof model->classes[k].name);
        if (coding->colored && !memcmp(model->classes[k].rgb, usual, sizeof usual))
            memcpy(model->classes[k].rgb, coding->colors[k], sizeof model->classes[k].rgb);
    }
}

unet_code un_model_mask_value(const unet_model *model, int label, uint32_t *value, uint8_t rgb[3],
                              unet_error *err)
{
    const struct un_coding *coding = &model->coding;
    uint32_t code = 0;
    if (label != UNET_IGNORE && (label < 0 || label >= un_model_labels(model)))
        return un_fail(err, UNET_EINVAL, "class %d, 0..%d wanted", label,
                       un_model_labels(model) - 1);
    if (!un_coding_code(coding, label, &code))
        return un_fail(err, UNET_EINVAL, "class %d: no mask value stands for it", label);
    *value = code;
    for (int c = 0; c < 3; c++)
        rgb[c] = coding->kind == UN_CODING_COLOR ? (uint8_t)(code >> (16 - 8 * c))
                 : label == UNET_IGNORE          ? 128
                                                 : model->classes[label].rgb[c];
    return UNET_OK;
}

void un_model_coding_text(const unet_model *model, char *text, size_t size)
{
    struct un_coding named = un_model_coding(model);
    un_coding_text(&named, text, size);
}

struct un_coding un_model_coding(const unet_model *model)
{
    struct un_coding named = model->coding;
    for (int k = 0; k < un_model_labels(model); k++)
        if (!*named.names[k])
            memcpy(named.names[k], model->classes[k].name, sizeof named.names[k]);
    return named;
}

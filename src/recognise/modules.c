/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table may come from anywhere: its names may be of any length, its shapes anything up to 2^63.
 * So what is not an array of a small plain layer is refused while the table is read, once and from
 * the front, and all that comes after works on at most UN_MAX_MODULES modules with small numbers.
 */
#include "recognise/modules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "recognise/layouts.h"

/* ---- messages ---- */

static unet_code fail_array(const struct un_modules *modules, int array, unet_error *err,
                            const char *format, va_list args)
{
    char wanted[300], shape[UN_SHAPE_TEXT];
    const struct un_array *a = &modules->arrays->items[array];
    un_decimal_vformat(wanted, sizeof wanted, format, args);
    return un_fail(err, UNET_EFORMAT, "%s: tensor %.100s: has shape %s; %s", modules->path, a->name,
                   un_shape_text(a->dims, a->shape, shape), wanted);
}

static unet_code refuse(const struct un_modules *modules, int array, unet_error *err,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));
static unet_code refuse(const struct un_modules *modules, int array, unet_error *err,
                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    unet_code code = fail_array(modules, array, err, format, args);
    va_end(args);
    return code;
}

unet_code un_module_fail(const struct un_modules *modules, int module, unet_error *err,
                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    unet_code code = fail_array(modules, modules->items[module].weight, err, format, args);
    va_end(args);
    return code;
}

/* ---- grouping ---- */

enum part { PART_WEIGHT, PART_BIAS, PART_MEAN, PART_VAR, PART_NONE };

/* What people call them; PyTorch's names come first. */
static const struct {
    const char *word;
    enum part part;
} words[] = {
    {"weight", PART_WEIGHT},   {"bias", PART_BIAS},           {"running_mean", PART_MEAN},
    {"running_var", PART_VAR}, {"kernel", PART_WEIGHT},       {"w", PART_WEIGHT},
    {"W", PART_WEIGHT},        {"gamma", PART_WEIGHT},        {"b", PART_BIAS},
    {"B", PART_BIAS},          {"beta", PART_BIAS},           {"moving_mean", PART_MEAN},
    {"mean", PART_MEAN},       {"moving_variance", PART_VAR}, {"var", PART_VAR},
};

static bool is_divider(char c)
{
    return c == '.' || c == '_' || c == '/' || c == ':' || c == '-';
}

/*
 * Which array of a layer a name means, and the layer's own name, a part of it: "enc1.0.weight" is
 * the weight of enc1.0, "b_enc0" the bias of enc0.
 */
static enum part part_of(const char *name, int *start, int *length)
{
    const int size = (int)strnlen(name, 4096);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const int word = (int)strlen(words[i].word);
        *start = 0;
        *length = size > word ? size - word - 1 : 0;
        if (size >= word && !memcmp(name + size - word, words[i].word, (size_t)word) &&
            (size == word || is_divider(name[size - word - 1])))
            return words[i].part;
        *start = word + 1;
        if (size > word && !memcmp(name, words[i].word, (size_t)word) && is_divider(name[word]))
            return words[i].part;
    }
    return PART_NONE;
}

static int *part_field(struct un_module *module, enum part part)
{
    int *const fields[] = {&module->weight, &module->bias, &module->mean, &module->var};
    return fields[part];
}

/* The module of this prefix, made when there is none; NULL: there is no room for it. */
static struct un_module *module_of(struct un_modules *modules, const char *name, int length)
{
    /* the arrays of a module mostly follow each other */
    for (int i = modules->count - 1; i >= 0; i--) {
        struct un_module *m = &modules->items[i];
        if (m->length == length && !memcmp(m->name, name, (size_t)length))
            return m;
    }
    if (modules->count == UN_MAX_MODULES)
        return NULL;
    struct un_module *made = &modules->items[modules->count];
    *made = (struct un_module){.name = name,
                               .length = length,
                               .file_rank = modules->count++,
                               .weight = -1,
                               .bias = -1,
                               .mean = -1,
                               .var = -1,
                               .norm = -1};
    return made;
}

/* Whether the sides of a 4-d array are `side`. */
static bool has_sides(const struct un_array *array, size_t side)
{
    return array->shape[2] == side && array->shape[3] == side;
}

static const char no_such_kernel[] = "a plain U-Net has 3x3, 2x2 (up) and 1x1 convolutions";

/* Whether it may be the first layer of a ResNet: other networks have no kernel of 7x7. */
static bool is_stem(const struct un_array *array)
{
    static const char stem[] = "encoder.conv1.weight";
    const size_t length = strlen(array->name), end = strlen(stem);
    return has_sides(array, 7) && length >= end && !strcmp(array->name + length - end, stem);
}

/* Refuses the shapes that no layer of a plain U-Net has, so that all of a module's fit in ints. */
static unet_code check_shape(const struct un_modules *modules, int index, enum part part,
                             unet_error *err)
{
    const struct un_array *a = &modules->arrays->items[index];
    if (part == PART_WEIGHT && a->dims == 5)
        return refuse(modules, index, err,
                      "a convolution in three dimensions, and unet's have two");
    if (part == PART_WEIGHT && a->dims == 2)
        return refuse(modules, index, err, "a linear layer, and a plain U-Net has none");
    if (a->dims != 1 && !(part == PART_WEIGHT && a->dims == 4))
        return refuse(modules, index, err, "wanted %s dimension%s",
                      part == PART_WEIGHT ? "4 or 1" : "1", part == PART_WEIGHT ? "s" : "");
    if (a->dims == 4 && a->shape[2] != a->shape[3] && a->shape[2] <= 3 && a->shape[3] <= 3)
        return refuse(modules, index, err,
                      "a kernel of %zux%zu, which treats rows and columns differently (as a plan "
                      "of nnU-Net does whose patches or pixels are not square); unet's are square",
                      a->shape[2], a->shape[3]);
    if (a->dims == 4 && !has_sides(a, 3) && !has_sides(a, 2) && !has_sides(a, 1) && !is_stem(a))
        return refuse(modules, index, err, "%s", no_such_kernel);
    for (int i = 0; i < a->dims; i++)
        if (a->shape[i] < 1 || a->shape[i] > UN_MAX_CHANNELS)
            return refuse(modules, index, err, "wanted 1 to %d channels", UN_MAX_CHANNELS);
    return UNET_OK;
}

static unet_code add_array(struct un_modules *modules, int index, unet_error *err)
{
    const struct un_array *a = &modules->arrays->items[index];
    if (un_array_is_extra(modules->arrays, index))
        return UNET_OK;
    int start, length;
    enum part part = part_of(a->name, &start, &length);
    if (part == PART_NONE)
        return refuse(modules, index, err,
                      "it belongs to no layer of a plain U-Net (those have weight, bias, "
                      "running_mean and running_var)");
    unet_code code = check_shape(modules, index, part, err);
    if (code)
        return code;
    if (length > UN_MAX_MODULE_NAME)
        return refuse(modules, index, err, "its name is longer than %d characters",
                      UN_MAX_MODULE_NAME);
    struct un_module *module = module_of(modules, a->name + start, length);
    if (!module)
        return refuse(modules, index, err, "it is one layer too many: a plain U-Net has at most %d",
                      UN_MAX_MODULES);
    int *field = part_field(module, part);
    if (*field >= 0)
        return refuse(modules, index, err, "the name occurs twice");
    *field = index;
    return UNET_OK;
}

/* ---- what the modules are ---- */

/* The array of a module's part has one value for each channel. */
static unet_code check_length(const struct un_modules *modules, int index, int wanted,
                              unet_error *err)
{
    if (index < 0 || modules->arrays->items[index].shape[0] == (size_t)wanted)
        return UNET_OK;
    return refuse(modules, index, err, "its layer needs [%d]", wanted);
}

static int first_array(const struct un_module *m)
{
    return m->bias >= 0 ? m->bias : m->mean >= 0 ? m->mean : m->var;
}

static unet_code check_norm(const struct un_modules *modules, const struct un_module *m,
                            unet_error *err)
{
    unet_code code = check_length(modules, m->mean, m->out, err);
    if (!code)
        code = check_length(modules, m->var, m->out, err);
    if (code)
        return code;
    if (m->bias < 0)
        return refuse(modules, m->weight, err,
                      "a norm without a bias, or a PReLU, and a plain U-Net has neither");
    if ((m->mean < 0) != (m->var < 0))
        return refuse(modules, m->mean < 0 ? m->var : m->mean, err,
                      "a norm has both running_mean and running_var");
    return UNET_OK;
}

/* monai: it may be transposed, or a slope. */
static unet_code classify(struct un_modules *modules, struct un_module *m, bool monai,
                          unet_error *err)
{
    if (m->weight < 0)
        return refuse(modules, first_array(m), err, "its layer has no weight");
    const struct un_array *a = &modules->arrays->items[m->weight];
    m->out = (int)a->shape[0];
    m->in = a->dims == 4 ? (int)a->shape[1] : m->out;
    m->kind = a->dims == 1      ? UN_MODULE_NORM
              : has_sides(a, 3) ? UN_MODULE_CONV3X3
              : has_sides(a, 2) ? UN_MODULE_UP2X2
              : has_sides(a, 7) ? UN_MODULE_CONV7X7
                                : UN_MODULE_CONV1X1;
    if (monai && m->kind == UN_MODULE_NORM && m->bias < 0 && m->mean < 0 && m->var < 0)
        m->kind = UN_MODULE_SLOPE;
    if (monai && m->kind == UN_MODULE_CONV3X3 && m->bias >= 0 && m->in != m->out &&
        modules->arrays->items[m->bias].shape[0] == (size_t)m->in)
        m->kind = UN_MODULE_UP3X3;
    if (m->kind == UN_MODULE_UP2X2 || m->kind == UN_MODULE_UP3X3) {
        m->in = m->out; /* a transposed convolution: [in][out][2][2] */
        m->out = (int)a->shape[1];
    }
    modules->kinds[m->kind]++;
    unet_code code = check_length(modules, m->bias, m->out, err);
    if (code)
        return code;
    if (m->kind == UN_MODULE_NORM)
        return check_norm(modules, m, err);
    if (m->mean >= 0 || m->var >= 0)
        return refuse(modules, m->mean >= 0 ? m->mean : m->var, err,
                      "running statistics of a convolution");
    return UNET_OK;
}

unet_code un_modules_refuse_stem(const struct un_modules *modules, unet_error *err)
{
    for (int i = 0; i < modules->count; i++)
        if (modules->items[i].kind == UN_MODULE_CONV7X7)
            return un_module_fail(modules, i, err, "%s", no_such_kernel);
    return UNET_OK;
}

static void compare_all(struct un_modules *modules)
{
    for (int i = 0; i < modules->count; i++) {
        struct un_module *a = &modules->items[i];
        a->natural = 0;
        for (int j = 0; j < modules->count; j++) {
            int order;
            bool alike;
            int common = un_module_compare(a, &modules->items[j], &order, &alike);
            modules->common[i][j] = (unsigned char)common;
            modules->alike[i][j] = alike;
            /* "01" and "1" are the same number; then the file's order makes the ranks differ */
            a->natural += order > 0 || (order == 0 && j < i);
        }
    }
}

unet_code un_modules_group(const char *path, const struct un_arrays *arrays,
                           struct un_modules *modules, unet_error *err)
{
    unet_code code = UNET_OK;
    memset(modules, 0, sizeof *modules);
    modules->path = path;
    modules->arrays = arrays;
    for (int i = 0; i < arrays->count && !code; i++)
        code = add_array(modules, i, err);
    if (!code && !modules->count)
        return un_fail(err, UNET_EFORMAT, "%s: has no weights of a network", path);
    const struct un_names *layout = code ? NULL : un_layout_of(modules);
    for (int i = 0; i < modules->count && !code; i++)
        code = classify(modules, &modules->items[i], layout && layout->family, err);
    if (code)
        return code;
    compare_all(modules);
    return un_modules_attach_norms(modules, err);
}

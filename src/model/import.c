/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import.c - a model from a file of any format
 *
 * A file that this project has written, in whatever format, carries JSON that says all about the
 * model; any other is recognised.  Anybody may have edited either: so all arrays are compared with
 * the network before memory for the weights is taken, and that is at most MOST_EXPANSION times the
 * file's size, whatever the text claims, however often one value stands for many (stride 0), and
 * whatever the members of an archive unpack to.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/hooks.h"
#include "model/bioimage/package.h"
#include "model/model.h"
#include "model/nnunet.h"
#include "recognise/parts.h"

/* F16 values in an archive that is packed as tightly as any that is read */
enum { MOST_EXPANSION = 32 };

/* ---- our own files ---- */

static unet_code check_param(const char *path, const struct un_graph *graph, int index,
                             const char *name, const struct un_array *array, unet_error *err)
{
    const struct un_param *param = &graph->params[index];
    if (!array)
        return un_fail(err, UNET_EFORMAT, "%s: tensor %s is missing", path, name);
    if (un_array_fits(array, graph, index))
        return UNET_OK;
    char found[UN_SHAPE_TEXT], wanted[UN_SHAPE_TEXT];
    size_t shape[4];
    for (int i = 0; i < param->dims; i++)
        shape[i] = (size_t)param->shape[i];
    return un_fail(err, UNET_EFORMAT, "%s: tensor %s: has shape %s, the network needs %s", path,
                   name, un_shape_text(array->dims, array->shape, found),
                   un_shape_text(param->dims, shape, wanted));
}

static int index_of(const struct un_arrays *arrays, const char *name)
{
    const struct un_array *found = un_arrays_find(arrays, name);
    return found ? (int)(found - arrays->items) : -1;
}

/* The same where all names began with a word that wraps networks, which was dropped. */
static int index_behind_wrapper(const struct un_arrays *arrays, const char *name)
{
    const char *dot = strchr(name, '.');
    return dot && un_arrays_usual_wrapper(name, (size_t)(dot - name)) ? index_of(arrays, dot + 1)
                                                                      : -1;
}

/* The arrays of the parameters under the names of a layout; false: one is not there. */
static bool find_names(const struct un_graph *graph, const struct un_arrays *arrays,
                       const struct un_names *layout, int *source)
{
    char name[UN_LAYOUT_NAME];
    for (int i = 0; i < graph->param_count; i++) {
        if (!un_layout_name(layout, graph, i, name))
            return false;
        if ((source[i] = index_of(arrays, name)) < 0 &&
            (source[i] = index_behind_wrapper(arrays, name)) < 0)
            return false;
    }
    return true;
}

/* PyTorch counts the batches of each norm; with a fixed momentum nothing depends on it. */
static bool is_ignored(const char *name)
{
    static const char end[] = ".num_batches_tracked";
    size_t length = strlen(name), tail = sizeof end - 1;
    return length >= tail && !strcmp(name + length - tail, end);
}

/* Every parameter is there with its shape, and nothing else is. */
static unet_code check_own(const char *path, const struct un_graph *graph,
                           const struct un_arrays *arrays, const int *source, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; i < graph->param_count && !code; i++)
        code = check_param(path, graph, i,
                           source[i] < 0 ? graph->params[i].name : arrays->items[source[i]].name,
                           source[i] < 0 ? NULL : &arrays->items[source[i]], err);
    for (int a = 0; a < arrays->count && !code; a++) {
        bool used = is_ignored(arrays->items[a].name);
        for (int i = 0; i < graph->param_count && !used; i++)
            used = source[i] == a;
        if (!used)
            code =
                un_fail(err, UNET_EFORMAT, "%s: tensor %.100s: the network has none of this name",
                        path, arrays->items[a].name);
    }
    return code;
}

static unet_code map_own(const char *path, const struct un_graph *graph,
                         const struct un_arrays *arrays, int *source, const char **layout,
                         unet_error *err)
{
    const struct un_names *l;
    *layout = "unet";
    for (int i = 0; i < graph->param_count; i++)
        source[i] = index_of(arrays, graph->params[i].name);
    for (int k = 0; source[0] < 0 && (l = un_layout_at(k)); k++)
        if (!un_layout_check(l, &graph->spec, NULL) && find_names(graph, arrays, l, source))
            *layout = l->name;
        else
            source[0] = -1;
    return check_own(path, graph, arrays, source, err);
}

/* ---- any file ---- */

static unet_code check_size(const char *path, const struct un_arrays *arrays,
                            const struct un_graph *graph, unet_error *err)
{
    const size_t bytes = graph->values * sizeof(float);
    if (!arrays->size || bytes / MOST_EXPANSION <= arrays->size)
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT,
                   "%s: %zu bytes hold weights of %zu bytes; most of them can only be the same",
                   path, arrays->size, bytes);
}

/* Every variance is one: else its square root would make all results not a number. */
static unet_code check_variances(const char *path, const struct un_graph *graph,
                                 const struct un_arrays *arrays, const int *source,
                                 const float *values, unet_error *err)
{
    for (int i = 0; i < graph->node_count; i++) {
        const int var = graph->nodes[i].kind == UN_NODE_NORM ? graph->nodes[i].running_var : -1;
        const struct un_param *p = &graph->params[var < 0 ? 0 : var];
        for (size_t k = 0; var >= 0 && k < p->count; k++)
            if (values[p->offset + k] < 0)
                return un_fail(err, UNET_EFORMAT,
                               "%s: tensor %.100s: value %zu is %g, and a "
                               "variance is not negative",
                               path, source[var] < 0 ? p->name : arrays->items[source[var]].name, k,
                               (double)values[p->offset + k]);
    }
    return UNET_OK;
}

/* A parameter of the array's length, or that is a part of it. */
static unet_code read_part(const char *path, const struct un_array *array,
                           const struct un_graph *graph, int param, float *values, unet_error *err)
{
    const size_t count = graph->params[param].count;
    size_t first;
    if (array->count == count)
        return un_array_to_float(path, array, values, err);
    float *whole = malloc(array->count * sizeof *whole);
    if (!whole)
        return un_fail_memory(err, array->count * sizeof *whole, path);
    const unet_code code = un_array_to_float(path, array, whole, err);
    un_graph_joined(graph, param, &first);
    if (!code)
        memcpy(values, whole + first, count * sizeof *values);
    free(whole);
    return code;
}

static unet_code read_values(const char *path, const struct un_arrays *arrays, const int *source,
                             unet_model *model, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; i < model->graph.param_count && !code; i++) {
        const struct un_param *param = &model->graph.params[i];
        float *values = model->values + param->offset;
        if (source[i] < 0) {
            for (size_t k = 0; k < param->count; k++)
                values[k] = param->initial;
            continue;
        }
        const struct un_array *array = &arrays->items[source[i]];
        code = read_part(path, array, &model->graph, i, values, err);
        if (arrays->mapping)
            un_map_forget(arrays->mapping, array->data, array->count * array->dtype->bytes);
    }
    return code;
}

static void tell(unet_origin *origin, const struct un_arrays *arrays, const char *layout)
{
    snprintf(origin->format, sizeof origin->format, "%s", arrays->format);
    snprintf(origin->layout, sizeof origin->layout, "%s", layout);
    origin->arrays = arrays->count;
}

/* What is told besides must be what the file says, which knows how images become input. */
static unet_code check_told(const char *path, const unet_known *known, const unet_model *model,
                            unet_error *err)
{
    if (known->mean || known->std || (known->standardize > 0 && !model->scaling.per_image))
        return un_fail(err, UNET_EINVAL,
                       "%s says itself how images become its input; %s for files that do not", path,
                       known->standardize > 0 ? "standardize is" : "mean and std are");
    return un_known_check(known, &model->graph.spec, path, err);
}

static unet_code shape_own(const char *path, const struct un_arrays *arrays,
                           const unet_known *known, unet_model *model, int *source,
                           unet_origin *origin, unet_error *err)
{
    const char *layout;
    unet_code code = un_metadata_parse(path, arrays->metadata, model, err);
    if (!code)
        code = check_told(path, known, model, err);
    if (!code)
        code = map_own(path, &model->graph, arrays, source, &layout, err);
    if (!code)
        tell(origin, arrays, layout);
    return code;
}

/* A network that begins with the scaling of its image says how samples of any type become input. */
static void take_scale(const struct un_hints *hints, struct un_scaling *scaling)
{
    if (!(hints->scale > 0))
        return;
    scaling->set = true;
    scaling->scale = scaling->dim_scale = hints->scale;
    scaling->offset = scaling->dim_offset = -hints->shift / hints->scale;
}

/* As many numbers as the network has channels. */
static unet_code read_numbers(const char *what, const char *text, int channels, float *values,
                              unet_error *err)
{
    const char *at = text;
    double value = 0;
    for (int i = 0; i < channels; i++, at++) {
        const bool number = un_decimal_read_plain(at, &at, &value);
        values[i] = (float)value;
        if (!number || !isfinite(values[i]) || (i < channels - 1 ? *at != ',' : *at))
            return un_fail(err, UNET_EINVAL,
                           "%s is %.60s, wanted %d number%s with commas between: one for each "
                           "channel of the network",
                           what, text, channels, channels == 1 ? "" : "s");
    }
    return UNET_OK;
}

/* Numbers for samples of 0..255, as other programs write them down, would make every image dark. */
static void tell_large(const char *path, const unet_known *known, int channels,
                       const struct un_scaling *scaling)
{
    float small[2][UN_READING_CHANNELS];
    char mean[200], std[200];
    bool large = false;
    for (int i = 0; i < channels; i++) {
        large |= scaling->means[i] > 1 || scaling->deviations[i] > 1;
        small[0][i] = scaling->means[i] / 255;
        small[1][i] = scaling->deviations[i] / 255;
    }
    if (!large || scaling->set) /* a network that scales by itself has samples on another scale */
        return;
    un_decimal_list(mean, sizeof mean, small[0], (size_t)channels);
    un_decimal_list(std, sizeof std, small[1], (size_t)channels);
    un_note(known->log, UNET_WARNING,
            "%s: mean %s and std %s are above 1, and samples of 8 bits are in 0..1 when they are "
            "taken off: of images in 0..255 it is mean %s and std %s",
            path, known->mean, known->std, mean, std);
}

static unet_code take_centre(const char *path, const unet_known *known, int channels,
                             struct un_scaling *scaling, unet_error *err)
{
    if (!known->mean && !known->std)
        return UNET_OK;
    if (!known->mean || !known->std || known->standardize > 0)
        return un_fail(err, UNET_EINVAL,
                       "mean and std are wanted together, and without standardize: each says how "
                       "images become input");
    unet_code code = read_numbers("mean", known->mean, channels, scaling->means, err);
    if (!code)
        code = read_numbers("std", known->std, channels, scaling->deviations, err);
    for (int i = 0; i < channels && !code; i++)
        if (!(scaling->deviations[i] > 0))
            code = un_fail(err, UNET_EINVAL, "std is %.60s, wanted numbers above 0", known->std);
    scaling->centred = channels;
    if (!code)
        tell_large(path, known, channels, scaling);
    return code;
}

static unet_code shape_foreign(const char *path, const struct un_arrays *arrays,
                               const unet_known *known, unet_model *model, int *source,
                               unet_origin *origin, unet_error *err)
{
    struct un_recognised found;
    unet_code code = un_recognise(path, arrays, known, &found, err);
    if (code)
        return code;
    un_model_prepare(model, &found.spec);
    model->scaling.per_image = known->standardize > 0;
    take_scale(&arrays->hints, &model->scaling);
    if ((code = take_centre(path, known, found.spec.in_channels, &model->scaling, err)))
        return code;
    un_extras_tell(path, arrays, known);
    if (arrays->hints.sigmoid && found.spec.classes > 1)
        un_note(
            known->log, UNET_WARNING,
            "%s: a sigmoid makes each of its %d outputs a probability by itself, and a pixel may "
            "be several things or none; unet takes the largest for the pixel's class, and "
            "probabilities that add up to 1: its own come of logits alone",
            path, found.spec.classes);
    memcpy(source, found.source, sizeof found.source);
    tell(origin, arrays, found.layout ? found.layout->name : "");
    for (int i = 0; i < found.guesses; i++) {
        origin->guess[i].field = found.guess[i].field;
        origin->guess[i].from = found.guess[i].from;
    }
    origin->guesses = found.guesses;
    return UNET_OK;
}

unet_code un_model_from_arrays(const char *path, const struct un_arrays *arrays,
                               const unet_known *known, unet_model **model, unet_origin *origin,
                               unet_error *err)
{
    const unet_known nothing = un_known_nothing();
    unet_origin told = {0};
    int source[UN_MAX_PARAMS] = {0};
    unet_model *made = calloc(1, sizeof *made);
    if (!made)
        return un_fail_memory(err, sizeof *made, path);
    known = known ? known : &nothing;
    unet_code code = arrays->metadata
                         ? shape_own(path, arrays, known, made, source, &told, err)
                         : shape_foreign(path, arrays, known, made, source, &told, err);
    if (code || (code = check_size(path, arrays, &made->graph, err)) ||
        (code = un_model_allocate(made, err)) ||
        (code = read_values(path, arrays, source, made, err)) ||
        (code = check_variances(path, &made->graph, arrays, source, made->values, err))) {
        un_model_free(made);
        return code;
    }
    *model = made;
    if (origin)
        *origin = told;
    return UNET_OK;
}

unet_code un_model_from_file(const char *path, const unet_known *known, struct un_arrays *arrays,
                             unet_model **model, unet_origin *origin, unet_error *err)
{
    bool part = false;
    unet_code code = un_arrays_select(path, known->prefix, known->log, arrays, err);
    if (code)
        return code;
    code = un_model_from_arrays(path, arrays, known, model, origin, err);
    unet_code told = UNET_OK;
    if (code == UNET_EFORMAT && !arrays->metadata && !arrays->one_network)
        told = un_parts_choose(path, known, arrays, &part, err);
    if (part)
        code = un_model_from_arrays(path, arrays, known, model, origin, err);
    return told ? told : code;
}

unet_code un_model_import(const char *path, const unet_known *known, unet_model **model,
                          unet_origin *origin, unet_error *err)
{
    const unet_known nothing = un_known_nothing();
    struct un_arrays arrays;
    known = known ? known : &nothing;
    if (un_package_is(path))
        return un_package_import(path, known, model, origin, err);
    unet_origin told;
    unet_model *made = NULL;
    unet_code code = un_arrays_open_all(path, &arrays, err);
    if (code)
        return code;
    code = un_model_from_file(path, known, &arrays, &made, &told, err);
    if (!code && !arrays.metadata && !strncmp(told.layout, "nnunet", 6))
        code = un_nnunet_apply(path, known, made, err);
    un_arrays_release(&arrays);
    if (code) {
        un_model_free(made);
        return code;
    }
    *model = made;
    if (origin)
        *origin = told;
    return UNET_OK;
}

static void copy_floats(const unsigned char *src, size_t count, float *dst)
{
    memcpy(dst, src, count * sizeof *dst);
}

/* A tensor of the caller's as an array, of floats as this machine has them. */
static unet_code take_tensor(const unet_tensor *t, int i, struct un_array *array, unet_error *err)
{
    static const struct un_dtype floats = {"F32", sizeof(float), copy_floats};
    size_t shape[4] = {0};
    for (int d = 0; d < t->dims && d < 4; d++)
        shape[d] = t->shape[d] < 1 ? 0 : (size_t)t->shape[d];
    *array = (struct un_array){
        .name = t->name, .key = t->name, .dtype = &floats, .data = (const void *)t->data};
    if (t->name && t->data && t->dims >= 1 && t->dims <= 4 &&
        un_array_set_shape(array, t->dims, shape) && array->count)
        return UNET_OK;
    return un_fail(err, UNET_EINVAL,
                   "tensor %d%s%.100s: a name, values and 1 to 4 sides of 1 or more wanted", i,
                   t->name ? ", " : "", t->name ? t->name : "");
}

unet_code un_model_from_tensors(const unet_tensor *tensors, int count, const unet_known *known,
                                unet_model **model, unet_origin *origin, unet_error *err)
{
    static const char what[] = "the tensors";
    struct un_arrays arrays = {
        .format = "tensors", .count = count, .ordered = true, .hints = un_hints_none()};
    arrays.items = calloc((size_t)count, sizeof *arrays.items);
    if (!arrays.items)
        return un_fail_memory(err, (size_t)count * sizeof *arrays.items, what);
    unet_code code = UNET_OK;
    for (int i = 0; i < count && !code; i++) {
        code = take_tensor(&tensors[i], i, &arrays.items[i], err);
        arrays.size += arrays.items[i].count * sizeof(float);
    }
    if (!code) {
        un_arrays_select_network(&arrays);
        code = un_model_from_arrays(what, &arrays, known, model, origin, err);
    }
    free(arrays.items);
    return code;
}

unet_code un_model_read(const char *path, unet_model **model, unet_error *err)
{
    return un_model_import(path, NULL, model, NULL, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of the table is one spelling: the end of the name of the array that has the weight's
 * shape, and the ends of those that belong to it.  Every array whose name has the first end is
 * looked at, and its partners are looked up by name.
 */
#include "weights/weight_norms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* F16 values that were packed as tightly as any that are read, as import.c has it */
enum { MOST_EXPANSION = 32 };

static unet_code weigh(const char *path, const struct un_array *full,
                       const struct un_array *const *other, float *weight, unet_error *err);
static unet_code divide(const char *path, const struct un_array *full,
                        const struct un_array *const *other, float *weight, unet_error *err);

static unet_code prune(const char *path, const struct un_array *full,
                       const struct un_array *const *other, float *weight, unet_error *err);

static const struct form {
    const char *full;      /* the end of its name */
    const char *others[2]; /* NULL: there is one */
    unet_code (*compute)(const char *path, const struct un_array *full,
                         const struct un_array *const *other, float *weight, unet_error *err);
} forms[] = {
    {"weight_v", {"weight_g", NULL}, weigh},
    {"parametrizations.weight.original1", {"parametrizations.weight.original0", NULL}, weigh},
    {"weight_orig", {"weight_u", "weight_v"}, divide},
    {"parametrizations.weight.original",
     {"parametrizations.weight.0._u", "parametrizations.weight.0._v"},
     divide},
    {"weight_orig", {"weight_mask", NULL}, prune},
};

/* ---- the formulas ---- */

static unet_code refuse(const char *path, const struct un_array *array, const char *what,
                        unet_error *err)
{
    char shape[UN_SHAPE_TEXT];
    return un_fail(err, UNET_EFORMAT, "%s: tensor %.100s: has shape %s; %s", path, array->name,
                   un_shape_text(array->dims, array->shape, shape), what);
}

/* The values of an array; the caller frees them. */
static unet_code values_of(const char *path, const struct un_array *array, float **values,
                           unet_error *err)
{
    *values = malloc(array->count * sizeof **values + 1);
    if (!*values)
        return un_fail_memory(err, array->count * sizeof **values, path);
    return un_array_to_float(path, array, *values, err);
}

/* Which value of g belongs to value i of the weight, in C order: sides of one do not count. */
static size_t place_in(const struct un_array *g, const struct un_array *full, size_t i)
{
    size_t at = 0, step = 1;
    for (int d = full->dims; d-- > 0; i /= full->shape[d])
        if (g->dims && g->shape[d] > 1) {
            at += i % full->shape[d] * step;
            step *= full->shape[d];
        }
    return at;
}

static unet_code weigh(const char *path, const struct un_array *full,
                       const struct un_array *const *other, float *weight, unet_error *err)
{
    const struct un_array *g = other[0];
    bool fits = g->dims == full->dims || g->dims == 0;
    for (int d = 0; d < g->dims && fits; d++)
        fits = g->shape[d] == 1 || g->shape[d] == full->shape[d];
    if (!fits)
        return refuse(path, g, "it gives no lengths to the weight beside it", err);
    float *lengths = NULL;
    double *sums = calloc(g->count + 1, sizeof *sums);
    unet_code code = sums ? values_of(path, g, &lengths, err)
                          : un_fail_memory(err, g->count * sizeof *sums, path);
    if (!code)
        code = un_array_to_float(path, full, weight, err);
    for (size_t i = 0; i < full->count && !code; i++)
        sums[place_in(g, full, i)] += (double)weight[i] * (double)weight[i];
    for (size_t i = 0; i < full->count && !code; i++) {
        const size_t k = place_in(g, full, i);
        weight[i] = (float)((double)weight[i] * ((double)lengths[k] / sqrt(sums[k])));
    }
    free(sums);
    free(lengths);
    return code;
}

/* The side that is a row of the matrix: the outputs, the second of a transposed convolution, which
 * is 2x2 in a plain U-Net. */
static int row_side(const struct un_array *full)
{
    return full->dims == 4 && full->shape[2] == 2 && full->shape[3] == 2;
}

static unet_code divide(const char *path, const struct un_array *full,
                        const struct un_array *const *other, float *weight, unet_error *err)
{
    const int side = row_side(full);
    const size_t rows = full->dims > side ? full->shape[side] : 0;
    float *u = NULL, *v = NULL;
    if (!rows || other[0]->count != rows || other[1]->count != full->count / rows)
        return refuse(path, full, "the vectors of its spectral norm have other lengths", err);
    unet_code code = values_of(path, other[0], &u, err);
    if (!code)
        code = values_of(path, other[1], &v, err);
    if (!code)
        code = un_array_to_float(path, full, weight, err);
    /* value i of the weight is in row r and column c: with side 1, before it and behind it */
    const size_t columns = full->count / rows;
    const size_t inner = side ? full->shape[2] * full->shape[3] : columns;
    double sigma = 0;
    for (size_t i = 0; i < full->count && !code; i++) {
        const size_t r = i / inner % rows,
                     c = side ? i / inner / rows * inner + i % inner : i % inner;
        sigma += (double)u[r] * (double)weight[i] * (double)v[c];
    }
    for (size_t i = 0; i < full->count && !code; i++)
        weight[i] = (float)((double)weight[i] / sigma);
    free(u);
    free(v);
    return code;
}

static unet_code prune(const char *path, const struct un_array *full,
                       const struct un_array *const *other, float *weight, unet_error *err)
{
    float *mask = NULL;
    if (other[0]->count != full->count)
        return refuse(path, other[0], "the mask of another weight", err);
    unet_code code = values_of(path, other[0], &mask, err);
    if (!code)
        code = un_array_to_float(path, full, weight, err);
    for (size_t i = 0; i < full->count && !code; i++)
        weight[i] *= mask[i];
    free(mask);
    return code;
}

/* ---- in the table ---- */

/* The length of what stands before `end` in a name; -1: it ends otherwise. */
static int stem(const char *name, const char *end)
{
    const size_t size = strlen(name), tail = strlen(end);
    const bool ends = size >= tail && !strcmp(name + size - tail, end) &&
                      (size == tail || name[size - tail - 1] == '.');
    return ends ? (int)(size - tail) : -1;
}

static const struct un_array *partner(const struct un_arrays *arrays, const struct un_array *full,
                                      int length, const char *end)
{
    for (int i = 0; i < arrays->count && end; i++)
        if (stem(arrays->items[i].name, end) == length &&
            !memcmp(arrays->items[i].name, full->name, (size_t)length))
            return &arrays->items[i];
    return NULL;
}

/* The weight in memory of its own, which the table keeps, with its name behind it.  *left: values
 * that may still be made. */
static unet_code make(const char *path, const struct form *form, int length, size_t *left,
                      struct un_arrays *arrays, const struct un_array *full,
                      const struct un_array *const *others, struct un_array *made, unet_error *err)
{
    static const char word[] = "weight";
    struct un_made *memory;
    if (full->count > *left || full->count == 0)
        return refuse(path, full, "more values than the file can hold, or none", err);
    *left -= full->count;
    for (int k = 0; k < 2 && others[k]; k++)
        if (others[k]->count > full->count)
            return refuse(path, others[k], "more values than the weight it belongs to", err);
    const size_t bytes = full->count * sizeof(float);
    memory = malloc(sizeof *memory + bytes + (size_t)length + sizeof word);
    if (!memory)
        return un_fail_memory(err, bytes, path);
    memory->next = arrays->made;
    arrays->made = memory;
    float *values = (float *)(memory + 1);
    unet_code code = form->compute(path, full, others, values, err);
    char *name = (char *)values + bytes;
    memcpy(name, full->name, (size_t)length);
    memcpy(name + length, word, sizeof word);
    for (size_t i = 0; i < full->count && !code; i++)
        if (!isfinite(values[i]))
            code = refuse(path, full, "its norm is zero, so its weight is not finite", err);
    *made = (struct un_array){.name = name, .key = name, .dtype = un_dtype_find("F32")};
    un_array_set_shape(made, full->dims, full->shape);
    made->data = (unsigned char *)values;
    if (UN_HOST_BIG) /* as in a file */
        un_swap(values, full->count, sizeof *values);
    return code;
}

/* Puts the weight where the first of its arrays was, and drops the others; returns where the array
 * that was at `last` would be now. */
static int replace(struct un_arrays *arrays, const struct un_array *const *gone, int count,
                   int last, const struct un_array *made)
{
    bool put = false;
    int kept = 0, at = 0;
    for (int i = 0; i < arrays->count; i++) {
        bool is = false;
        for (int k = 0; k < count; k++)
            is |= gone[k] == &arrays->items[i];
        if (is && put)
            continue;
        arrays->items[kept++] = is ? *made : arrays->items[i];
        put |= is;
        at = i <= last ? kept - 1 : at;
    }
    arrays->count = kept;
    return at;
}

unet_code un_weight_norms_fold(const char *path, struct un_arrays *arrays, unet_error *err)
{
    enum { FORMS = sizeof forms / sizeof *forms, MOST = 4096 }; /* arrays; no network has more */
    size_t left = (arrays->size ? arrays->size : 1 << 20) * MOST_EXPANSION / sizeof(float);
    if (arrays->count > MOST)
        return UNET_OK;
    for (int f = 0; f < FORMS; f++)
        for (int i = 0; i < arrays->count; i++) {
            const struct un_array *full = &arrays->items[i], *others[3] = {NULL, NULL, NULL};
            const int length = stem(full->name, forms[f].full);
            int count = 0;
            while (length >= 0 && count < 2 &&
                   (others[count] = partner(arrays, full, length, forms[f].others[count])))
                count++;
            if (length < 0 || count < 1 + (forms[f].others[1] != NULL))
                continue;
            struct un_array made;
            unet_code code = make(path, &forms[f], length, &left, arrays, full, others, &made, err);
            if (code)
                return code;
            others[count] = full;
            i = replace(arrays, others, count + 1, i, &made);
        }
    return UNET_OK;
}

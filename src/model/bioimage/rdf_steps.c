/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps that only add and multiply by positive numbers become one (sample - offset) * scale, and do
 * nothing to an image that is then brought to mean 0 and variance 1.  Any other is refused: a
 * network that sees other values than those that it was trained on answers something.
 */
#include <math.h>
#include <string.h>

#include "model/bioimage/rdf.h"

#define MOST_EPSILON 1e-3 /* beside a deviation: what is passed over */

/* What the steps up to here do: x * gain + add; or (per_image) that of the standardized image. */
struct so_far {
    const struct un_rdf *rdf;
    int channels;
    bool per_image;
    double gain, add;
};

static unet_code refuse(const struct so_far *s, const char *name, const char *why, unet_error *err)
{
    return un_fail_hint(err, UNET_EFORMAT, UNET_HINT_STANDARDIZE,
                        "%s: its images are prepared by %.60s%s, which is not done here",
                        s->rdf->what, name, why);
}

/* A number, or a list that says it for each channel; false: it is another for some. */
static bool number_of(const json_t *kwargs, const char *key, double otherwise, double *value)
{
    const json_t *field = un_rdf_get(kwargs, key), *item;
    size_t i;
    *value = otherwise;
    if (!field)
        return true;
    const json_t *first = json_is_array(field) ? json_array_get(field, 0) : field;
    *value = json_number_value(first);
    json_array_foreach((json_t *)field, i, item)
    {
        if (!json_is_number(item) || json_number_value(item) != *value)
            return false;
    }
    return json_is_number(first);
}

static unet_code apply(struct so_far *s, const char *name, double gain, double add, unet_error *err)
{
    if (!(gain > 0))
        return refuse(s, name, " with a factor of 0 or below", err);
    s->gain *= gain;
    s->add = s->add * gain + add;
    if (!isnormal((float)s->gain) || !isfinite((float)(s->add / s->gain)))
        return refuse(s, name, " with a factor beyond all samples", err);
    return UNET_OK;
}

static unet_code scale_linear(struct so_far *s, const char *name, const json_t *kwargs,
                              unet_error *err)
{
    double gain, offset;
    if (!number_of(kwargs, "gain", 1, &gain) || !number_of(kwargs, "offset", 0, &offset))
        return refuse(s, name, " with other factors for each channel, or no numbers", err);
    return apply(s, name, gain, offset, err);
}

static unet_code fixed(struct so_far *s, const char *name, const json_t *kwargs, unet_error *err)
{
    double mean, std;
    if (!number_of(kwargs, "mean", 0, &mean) || !number_of(kwargs, "std", 1, &std))
        return refuse(s, name, " with other numbers for each channel, or none", err);
    return apply(s, name, 1 / std, -mean / std, err);
}

/* Whether the statistics are those of a whole image: over rows, columns and all its channels. */
static bool over_all(const json_t *axes, int channels)
{
    static const char *const wanted[][2] = {{"y", "y"}, {"x", "x"}, {"c", "channel"}};
    const char *text = json_string_value(axes);
    bool all = true;
    for (int k = 0; k < (channels > 1 ? 3 : 2) && axes; k++) {
        bool has = text && strchr(text, *wanted[k][0]);
        for (size_t i = 0; i < json_array_size(axes); i++) {
            const char *id = json_string_value(json_array_get(axes, i));
            has |= id && (!strcmp(id, wanted[k][0]) || !strcmp(id, wanted[k][1]));
        }
        all &= has;
    }
    return all;
}

static unet_code standardize(struct so_far *s, const char *name, const json_t *kwargs,
                             unet_error *err)
{
    const char *mode = json_string_value(un_rdf_get(kwargs, "mode"));
    const bool told = un_rdf_get(kwargs, "mean") || un_rdf_get(kwargs, "std");
    double epsilon;
    if (mode ? !strcmp(mode, "fixed") : told) /* in 0.4 it is what a mode is unless it is said */
        return fixed(s, name, kwargs, err);
    if (mode && strcmp(mode, "per_sample"))
        return refuse(s, name, " over a data set", err);
    if (!over_all(un_rdf_get(kwargs, "axes"), s->channels))
        return refuse(s, name, " for each channel by itself", err);
    if (!number_of(kwargs, "eps", 0, &epsilon) || !(fabs(epsilon) <= MOST_EPSILON))
        return refuse(s, name, " with an eps above 0.001", err);
    s->per_image = true;
    s->gain = 1;
    s->add = 0;
    return UNET_OK;
}

/* Nothing happens here to floats; whole numbers are what most images have to begin with. */
static unet_code ensure_dtype(struct so_far *s, const char *name, const json_t *kwargs,
                              unet_error *err)
{
    const char *type = json_string_value(un_rdf_get(kwargs, "dtype"));
    const bool untouched = !s->per_image && s->gain == 1 && s->add == 0;
    if (type && (!strncmp(type, "float", 5) || untouched))
        return UNET_OK;
    return refuse(s, name, " to whole numbers", err);
}

static const struct {
    const char *name;
    unet_code (*take)(struct so_far *s, const char *name, const json_t *kwargs, unet_error *err);
} steps[] = {
    {"scale_linear", scale_linear},
    {"fixed_zero_mean_unit_variance", fixed},
    {"zero_mean_unit_variance", standardize},
    {"ensure_dtype", ensure_dtype},
};

static unet_code take_step(struct so_far *s, const json_t *step, unet_error *err)
{
    const char *name = json_string_value(un_rdf_get(step, "id"));
    if (!name && !(name = json_string_value(un_rdf_get(step, "name"))))
        return un_fail(err, UNET_EFORMAT, "%s: a step of preprocessing has no name", s->rdf->what);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (!strcmp(name, steps[i].name))
            return steps[i].take(s, name, un_rdf_get(step, "kwargs"), err);
    return refuse(s, name, strcmp(name, "scale_range") ? "" : " (each by its own percentiles)",
                  err);
}

unet_code un_rdf_preprocessing(const struct un_rdf *rdf, int channels, struct un_rdf_input *input,
                               unet_error *err)
{
    struct so_far s = {.rdf = rdf, .channels = channels, .gain = 1};
    unet_code code = UNET_OK;
    if (rdf->input.steps && !json_is_array(rdf->input.steps))
        return un_fail(err, UNET_EFORMAT, "%s: its preprocessing is no list of steps", rdf->what);
    for (size_t i = 0; i < json_array_size(rdf->input.steps) && !code; i++)
        code = take_step(&s, json_array_get(rdf->input.steps, i), err);
    if (!code && s.per_image && (s.gain != 1 || s.add != 0))
        code = refuse(&s, "scale_linear", " after zero_mean_unit_variance", err);
    if (!code)
        *input = (struct un_rdf_input){s.per_image, -s.add / s.gain, s.gain};
    return code;
}

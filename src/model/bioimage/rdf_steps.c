/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps that only add and multiply by positive numbers become one (sample - offset) * scale, or one
 * for each channel, and do nothing to an image that is then brought to mean 0 and variance 1.  What
 * holds values to limits becomes limits of the samples.  Any other is refused: a network that sees
 * other values than those that it was trained on answers something.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "model/bioimage/rdf.h"

#define MOST_EPSILON 1e-3 /* beside a deviation: what is passed over */

/* What the steps up to here do: x * gain[c] + add[c]; or (per_image) that of the standardized
 * image, or (apart) of each of its channels.  x is a sample held to low .. high. */
struct so_far {
    const struct un_rdf *rdf;
    int channels;
    bool per_image, apart;
    double gain[UN_READING_CHANNELS], add[UN_READING_CHANNELS];
    double low, high;
};

static void begin(struct so_far *s)
{
    for (int c = 0; c < UN_READING_CHANNELS; c++) {
        s->gain[c] = 1;
        s->add[c] = 0;
    }
}

static unet_code refuse(const struct so_far *s, const char *name, const char *why, unet_error *err)
{
    return un_fail_hint(err, UNET_EFORMAT, UNET_HINT_STANDARDIZE,
                        "%s: its images are prepared by %.60s%s, which is not done here",
                        s->rdf->what, name, why);
}

/* A number for each channel: one for all, or a list; false: it is neither. */
static bool numbers_of(const struct so_far *s, const json_t *kwargs, const char *key,
                       double otherwise, double *values)
{
    const json_t *field = un_rdf_get(kwargs, key);
    const size_t count = json_array_size(field);
    for (int c = 0; c < s->channels; c++) {
        const json_t *item = count ? json_array_get(field, count == 1 ? 0 : (size_t)c) : field;
        if (field && !json_is_number(item))
            return false;
        values[c] = field ? json_number_value(item) : otherwise;
    }
    return count < 2 || count == (size_t)s->channels;
}

static unet_code apply(struct so_far *s, const char *name, const double *gain, const double *add,
                       unet_error *err)
{
    for (int c = 0; c < s->channels; c++) {
        if (!(gain[c] > 0))
            return refuse(s, name, " with a factor of 0 or below", err);
        s->gain[c] *= gain[c];
        s->add[c] = s->add[c] * gain[c] + add[c];
        if (!isnormal((float)s->gain[c]) || !isfinite((float)(s->add[c] / s->gain[c])))
            return refuse(s, name, " with a factor beyond all samples", err);
    }
    return UNET_OK;
}

static unet_code scale_linear(struct so_far *s, const char *name, const json_t *kwargs,
                              unet_error *err)
{
    double gain[UN_READING_CHANNELS], offset[UN_READING_CHANNELS];
    if (!numbers_of(s, kwargs, "gain", 1, gain) || !numbers_of(s, kwargs, "offset", 0, offset))
        return refuse(s, name, " without a number for each channel", err);
    return apply(s, name, gain, offset, err);
}

static unet_code fixed(struct so_far *s, const char *name, const json_t *kwargs, unet_error *err)
{
    double gain[UN_READING_CHANNELS], add[UN_READING_CHANNELS];
    if (!numbers_of(s, kwargs, "mean", 0, add) || !numbers_of(s, kwargs, "std", 1, gain))
        return refuse(s, name, " without a number for each channel", err);
    for (int c = 0; c < s->channels; c++) {
        gain[c] = 1 / gain[c];
        add[c] *= -gain[c];
    }
    return apply(s, name, gain, add, err);
}

/* The same for all channels; false: it is not. */
static bool is_even(const struct so_far *s)
{
    for (int c = 1; c < s->channels; c++)
        if (s->gain[c] != s->gain[0] || s->add[c] != s->add[0])
            return false;
    return true;
}

/* Limits of what the steps up to here made are limits of samples, where all channels are alike. */
static unet_code clip(struct so_far *s, const char *name, const json_t *kwargs, unet_error *err)
{
    const json_t *min = un_rdf_get(kwargs, "min"), *max = un_rdf_get(kwargs, "max");
    const double low = (json_number_value(min) - *s->add) / *s->gain;
    const double high = (json_number_value(max) - *s->add) / *s->gain;
    if ((min && !json_is_number(min)) || (max && !json_is_number(max)) || (!min && !max))
        return refuse(s, name, " without a number", err);
    if (s->per_image || !is_even(s))
        return refuse(s, name, " after each image or channel was scaled by itself", err);
    s->low = min ? fmax(s->low, low) : s->low;
    s->high = max ? fmin(s->high, high) : s->high;
    return s->low < s->high ? UNET_OK : refuse(s, name, " to nothing", err);
}

/* Whether the statistics are over these axes: rows, columns and, where there are several,
 * channels. */
static bool is_over(const json_t *axes, char axis)
{
    static const char *const words[] = {"y", "x", "channel"};
    const char *text = json_string_value(axes);
    bool has = !axes || (text && strchr(text, axis));
    for (size_t i = 0; i < json_array_size(axes); i++) {
        const char *id = json_string_value(json_array_get(axes, i));
        for (size_t k = 0; id && k < sizeof words / sizeof *words; k++)
            has |= words[k][0] == axis && (!strcmp(id, words[k]) || (*id == axis && !id[1]));
    }
    return has;
}

static unet_code standardize(struct so_far *s, const char *name, const json_t *kwargs,
                             unet_error *err)
{
    const char *mode = json_string_value(un_rdf_get(kwargs, "mode"));
    const bool told = un_rdf_get(kwargs, "mean") || un_rdf_get(kwargs, "std");
    const json_t *axes = un_rdf_get(kwargs, "axes");
    double epsilon[UN_READING_CHANNELS];
    if (mode ? !strcmp(mode, "fixed") : told) /* in 0.4 it is what a mode is unless it is said */
        return fixed(s, name, kwargs, err);
    if (mode && strcmp(mode, "per_sample"))
        return refuse(s, name, " over a data set", err);
    if (!is_over(axes, 'y') || !is_over(axes, 'x'))
        return refuse(s, name, " for each row or column by itself", err);
    const bool known = numbers_of(s, kwargs, "eps", 0, epsilon);
    for (int c = 0; c < s->channels; c++)
        if (!known || !(fabs(epsilon[c]) <= MOST_EPSILON))
            return refuse(s, name, " with an eps above 0.001", err);
    if (s->low > -INFINITY || s->high < INFINITY)
        return refuse(s, name, " after clip", err);
    if (!is_even(s) && is_over(axes, 'c'))
        return refuse(s, name, " after each channel was scaled by itself", err);
    s->per_image = true;
    s->apart = s->channels > 1 && (s->apart || !is_over(axes, 'c'));
    begin(s);
    return UNET_OK;
}

/* Nothing happens here to floats; whole numbers are what most images have to begin with. */
static unet_code ensure_dtype(struct so_far *s, const char *name, const json_t *kwargs,
                              unet_error *err)
{
    const char *type = json_string_value(un_rdf_get(kwargs, "dtype"));
    const bool untouched = !s->per_image && is_even(s) && *s->gain == 1 && *s->add == 0;
    if (type && (!strncmp(type, "float", 5) || untouched))
        return UNET_OK;
    return refuse(s, name, " to whole numbers", err);
}

static const struct {
    const char *name;
    unet_code (*take)(struct so_far *s, const char *name, const json_t *kwargs, unet_error *err);
} steps[] = {
    {"scale_linear", scale_linear},           {"fixed_zero_mean_unit_variance", fixed},
    {"zero_mean_unit_variance", standardize}, {"clip", clip},
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

static void take(const struct so_far *s, struct un_scaling *scaling)
{
    const bool even = is_even(s);
    scaling->per_image = s->per_image;
    scaling->apart = s->apart;
    scaling->set = !s->per_image;
    scaling->scale = scaling->dim_scale = even ? (float)*s->gain : 1;
    scaling->offset = scaling->dim_offset = even ? (float)(0 - *s->add / *s->gain) : 0;
    scaling->clips = s->low > -INFINITY || s->high < INFINITY;
    scaling->low = scaling->clips ? fmaxf((float)s->low, -FLT_MAX) : 0;
    scaling->high = scaling->clips ? fminf((float)s->high, FLT_MAX) : 0;
    scaling->centred = even ? 0 : s->channels;
    for (int c = 0; c < scaling->centred; c++) {
        scaling->means[c] = (float)(0 - s->add[c] / s->gain[c]);
        scaling->deviations[c] = (float)(1 / s->gain[c]);
    }
    if (s->per_image) /* nothing else is looked at */
        scaling->scale = scaling->dim_scale = scaling->offset = scaling->dim_offset = 0;
}

unet_code un_rdf_preprocessing(const struct un_rdf *rdf, int channels, struct un_scaling *scaling,
                               unet_error *err)
{
    struct so_far s = {.rdf = rdf, .channels = channels, .low = -INFINITY, .high = INFINITY};
    unet_code code = UNET_OK;
    begin(&s);
    if (rdf->input.steps && !json_is_array(rdf->input.steps))
        return un_fail(err, UNET_EFORMAT, "%s: its preprocessing is no list of steps", rdf->what);
    for (size_t i = 0; i < json_array_size(rdf->input.steps) && !code; i++)
        code = take_step(&s, json_array_get(rdf->input.steps, i), err);
    if (!code && s.per_image && (!is_even(&s) || *s.gain != 1 || *s.add != 0))
        code = refuse(&s, "scale_linear", " after zero_mean_unit_variance", err);
    if (!code)
        take(&s, scaling);
    return code;
}

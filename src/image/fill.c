/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fill.h"

#include <float.h>
#include <math.h>

#include "base/decimal.h"

#define LEAST_SHARE 0.005 /* of an image's samples: less may be broken pixels */

/* Values that programs write for "nothing here". */
static const double known[] = {-32768, -32767, -9999, -3024,    -2000,  -99999,
                               9999,   1e20,   -1e20, -FLT_MAX, FLT_MAX};

unet_code un_fill_of_text(const char *text, struct un_fill *fill, unet_error *err)
{
    double value;
    *fill = (struct un_fill){0};
    if (!text)
        return UNET_OK;
    const char *end = un_decimal_read(text, &value);
    if (end == text || *end || isinf(value))
        return un_fail(err, UNET_EINVAL, "fill: found \"%.40s\", a number or nan wanted", text);
    *fill = (struct un_fill){true, (float)value};
    return UNET_OK;
}

void un_fill_text(struct un_fill fill, char *text, size_t size)
{
    char number[UN_DECIMAL_TEXT] = "nan";
    if (!isnan(fill.value))
        un_decimal_write((double)fill.value, true, number);
    un_decimal_format(text, size, "%s", fill.set ? number : "");
}

static float sample_at(const unet_image *image, size_t i)
{
    return image->sample == UNET_U8    ? ((const uint8_t *)image->data)[i]
           : image->sample == UNET_U16 ? ((const uint16_t *)image->data)[i]
                                       : ((const float *)image->data)[i];
}

static size_t samples_of(const unet_image *image)
{
    return un_image_bytes(image) / un_sample_bytes(image->sample);
}

/* The outermost value on one side, how often it is there, and the next one. */
struct end {
    double value, next;
    size_t count;
};

/* side: 1: the largest, -1: the smallest (all times -1) */
static struct end find_end(const unet_image *image, int side)
{
    const size_t n = samples_of(image);
    struct end end = {-(double)INFINITY, -(double)INFINITY, 0};
    for (size_t i = 0; i < n; i++) {
        const double v = side * (double)sample_at(image, i);
        if (v > end.value) {
            end.next = end.value;
            end.value = v;
            end.count = 0;
        } else if (v < end.value && v > end.next) {
            end.next = v;
        }
        end.count += v == end.value;
    }
    return end;
}

static bool is_known(double value)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if ((float)value == (float)known[i])
            return true;
    return false;
}

/* Whether an end lies apart from the others, whose range is from it to the other end. */
static bool is_apart(const struct end *end, double value, double other_end, size_t samples)
{
    const double range = end->next + other_end, gap = end->value - end->next;
    if (!isfinite(end->value) || !isfinite(end->next) || !isfinite(other_end) || range <= 0 ||
        (double)end->count < LEAST_SHARE * (double)samples)
        return false;
    return gap > range * (is_known(value) ? 0.25 : 1);
}

struct un_fill un_fill_find(const unet_image *image)
{
    const size_t samples = samples_of(image);
    if (image->sample == UNET_U8)
        return (struct un_fill){0};
    const struct end low = find_end(image, -1), high = find_end(image, 1);
    if (is_apart(&low, -low.value, high.value, samples))
        return (struct un_fill){true, (float)-low.value};
    if (is_apart(&high, high.value, low.value, samples))
        return (struct un_fill){true, (float)high.value};
    return (struct un_fill){0};
}

size_t un_fill_count(const unet_image *image, struct un_fill fill, size_t *first)
{
    const size_t n = samples_of(image);
    size_t count = 0;
    for (size_t i = 0; fill.set && i < n; i++) {
        if (!un_is_fill(fill, sample_at(image, i)))
            continue;
        if (!count++ && first)
            *first = i;
    }
    return count;
}

unet_code un_fill_over(unet_image *image, struct un_fill fill, unet_error *err)
{
    static const double half = 0.5;
    const size_t n = samples_of(image);
    const size_t count = un_fill_count(image, fill, NULL);
    const unet_image *images = image;
    float median;
    if (!count || count == n)
        return UNET_OK;
    unet_code code = un_image_quantiles(&images, &fill, 1, &half, &median, 1, err);
    for (size_t i = 0; !code && i < n; i++) {
        if (!un_is_fill(fill, sample_at(image, i)))
            continue;
        if (image->sample == UNET_U8)
            ((uint8_t *)image->data)[i] = (uint8_t)median;
        else if (image->sample == UNET_U16)
            ((uint16_t *)image->data)[i] = (uint16_t)median;
        else
            ((float *)image->data)[i] = median;
    }
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* survey_picture.c - one pair of a survey, drawn small for a person */
#include <stdlib.h>
#include <string.h>

#include "data/survey/survey.h"

/* Every so many pixels one, so that the longer side is at most `side`. */
static int stride_for(const unet_image *image, int side)
{
    int longest = image->height > image->width ? image->height : image->width;
    return (longest + side - 1) / side;
}

/* Means of blocks of samples; the type stays. */
static unet_code reduce_image(const unet_image *image, int f, unet_image *small, unet_error *err)
{
    size_t C = (size_t)image->channels;
    unet_image made = *image;
    made.height = image->height / f > 0 ? image->height / f : 1;
    made.width = image->width / f > 0 ? image->width / f : 1;
    made.sample = UNET_F32;
    size_t n = (size_t)made.height * (size_t)made.width * C;
    float *data = malloc(n * sizeof *data);
    if (!data)
        return un_fail_memory(err, n * sizeof *data, "a small picture");
    for (size_t i = 0; i < n; i++) {
        size_t y = i / C / (size_t)made.width, x = i / C % (size_t)made.width;
        double sum = 0, count = 0;
        for (size_t v = y * (size_t)f; v < (y + 1) * (size_t)f && v < (size_t)image->height; v++)
            for (size_t u = x * (size_t)f; u < (x + 1) * (size_t)f && u < (size_t)image->width;
                 u++) {
                sum += un_sample_at(image, (v * (size_t)image->width + u) * C + i % C);
                count++;
            }
        data[i] = (float)(sum / count);
    }
    made.data = data;
    *small = made;
    return UNET_OK;
}

/* The class in the middle of each block. */
static unet_code reduce_mask(const uint8_t *mask, const unet_image *image, int f,
                             const unet_image *small, uint8_t **reduced, unet_error *err)
{
    size_t n = (size_t)small->height * (size_t)small->width;
    uint8_t *made = malloc(n);
    if (!made)
        return un_fail_memory(err, n, "a small picture");
    for (int y = 0; y < small->height; y++)
        for (int x = 0; x < small->width; x++) {
            int v = y * f + f / 2, u = x * f + f / 2;
            v = v < image->height ? v : image->height - 1;
            u = u < image->width ? u : image->width - 1;
            made[y * small->width + x] = mask[(size_t)v * (size_t)image->width + (size_t)u];
        }
    *reduced = made;
    return UNET_OK;
}

/* Classes of pair i where its mask is of use; else NULL. */
static unet_code classes_of(const unet_survey *survey, int i, const unet_image *image,
                            uint8_t **mask, unet_error *err)
{
    struct un_survey_classes classes = {0};
    unet_code code = UNET_OK;
    if (survey->items[i].pixels)
        code = un_survey_read_classes(&survey->files, i, &survey->coding, image->height,
                                      image->width, &classes, err);
    *mask = classes.classes;
    return code;
}

/* The class with more than half of all pixels, whose colour would hide what there is to see; 0:
 * none has, or it is not drawn anyway. */
static int largest_part(const unet_survey_facts *facts)
{
    uint64_t all = 0;
    int largest = 0;
    for (int k = 0; k < facts->labels; k++) {
        all += facts->pixels[k];
        largest = facts->pixels[k] > facts->pixels[largest] ? k : largest;
    }
    return 2 * facts->pixels[largest] > all ? largest : 0;
}

unet_code un_survey_picture(const unet_survey *survey, int i, int side, const uint8_t (*colors)[3],
                            int color_count, unet_image *image, unet_image *overlay,
                            unet_error *err)
{
    unet_image whole = {0}, small = {0}, plain = {0}, drawn = {0};
    uint8_t *mask = NULL, *reduced = NULL, *nothing = NULL;
    struct un_fill fill;
    if (i < 0 || i >= survey->files.count || side < 1 || !survey->files.pages)
        return un_fail(err, UNET_EINVAL, "pair %d at side %d; 0..%d of files and 1 or more wanted",
                       i, side, survey->files.count - 1);
    unet_code code = un_survey_read_image(&survey->files, i, &whole, &fill, err);
    if (code || (code = classes_of(survey, i, &whole, &mask, err)) ||
        (code = reduce_image(&whole, stride_for(&whole, side), &small, err)))
        goto done;
    size_t n = (size_t)small.height * (size_t)small.width;
    if (!(nothing = calloc(n, 1))) {
        code = un_fail_memory(err, n, "a small picture");
        goto done;
    }
    if (mask && (code = reduce_mask(mask, &whole, stride_for(&whole, side), &small, &reduced, err)))
        goto done;
    if ((code = un_overlay(&small, nothing, colors, color_count, 0, &plain, err)))
        goto done;
    drawn = plain;
    if (!(drawn.data = malloc(3 * n))) {
        code = un_fail_memory(err, 3 * n, "a small picture");
        goto done;
    }
    const struct un_overlay overlay_of = {.image = &plain,
                                          .mask = reduced ? reduced : nothing,
                                          .colors = colors,
                                          .color_count = color_count,
                                          .opacity = 0.4f,
                                          .outlined = largest_part(&survey->facts),
                                          .range = {0, 255}};
    if ((code = un_overlay_draw(&overlay_of, drawn.data, err)))
        goto done;
    *image = plain;
    *overlay = drawn;
    plain.data = drawn.data = NULL;
done:
    free(whole.data);
    free(small.data);
    free(plain.data);
    free(drawn.data);
    free(mask);
    free(reduced);
    free(nothing);
    return code;
}

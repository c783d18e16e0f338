/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rims.c - how deep in its object each pixel lies
 *
 * d is the exact distance to the nearest pixel that is not of the object, D the largest of the
 * object, both less half a pixel: to the object's rim.  Rim i of n holds
 *
 *     i / (n + 1)  <=  d / D  <  (i + 1) / (n + 1)
 *
 * and what is deeper is the middle.  So every object has a middle, small ones too, and two that
 * touch have rims between their middles.
 */
#include "data/masks/rims.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Numbers 1.. without gaps in place of those there are; *most: the largest.  false: no memory. */
static bool close_up(const uint32_t *objects, size_t count, uint32_t *numbers, uint32_t *most)
{
    uint32_t *list = malloc((count + 1) * sizeof *list), kinds = 0, last = 0;
    size_t there = 0;
    if (!list)
        return false;
    for (size_t i = 0; i < count; i++) /* runs of one number stand once */
        if (objects[i] && (!there || list[there - 1] != objects[i]))
            list[there++] = objects[i];
    qsort(list, there, sizeof *list, compare);
    for (size_t i = 0; i < there; i++)
        if (!i || list[i] != list[kinds - 1])
            list[kinds++] = list[i];
    for (size_t i = 0; i < count; i++) {
        if (objects[i] && (!last || objects[i] != list[last - 1])) {
            const uint32_t *at = bsearch(&objects[i], list, kinds, sizeof *list, compare);
            last = (uint32_t)(at - list) + 1;
        }
        numbers[i] = objects[i] ? last : 0;
    }
    free(list);
    *most = kinds;
    return true;
}

static uint8_t rim_of(float distance, float deepest, int rims)
{
    if (!(distance < deepest)) /* an object that fills the image, too */
        return 0;
    const int level = (int)((float)(rims + 1) * (distance - 0.5f) / (deepest - 0.5f));
    return (uint8_t)(level < rims ? level + 1 : 0);
}

/* Numbers of all pixels, 1: background, 0: no label; *kinds: the largest. */
static unet_code number_all(const uint8_t *mask, const uint32_t *objects, int height, int width,
                            uint32_t *numbers, uint32_t *kinds, unet_error *err)
{
    const size_t count = (size_t)height * (size_t)width;
    uint32_t *parts = NULL;
    unet_code code = UNET_OK;
    if (!objects) {
        if (!(parts = malloc(count * sizeof *parts)))
            return un_fail_memory(err, count * sizeof *parts, "the rims of objects");
        code = un_class_parts(mask, height, width, parts, err);
        objects = parts;
    }
    if (!code && !close_up(objects, count, numbers, kinds))
        code = un_fail_memory(err, count * sizeof *numbers, "the rims of objects");
    free(parts);
    for (size_t i = 0; i < count && !code; i++)
        numbers[i] = mask[i] == UNET_IGNORE ? 0 : numbers[i] + 1;
    ++*kinds;
    return code;
}

unet_code un_rims_make(const uint8_t *mask, const uint32_t *objects, int height, int width,
                       int rims, uint8_t *map, unet_error *err)
{
    const size_t count = (size_t)height * (size_t)width;
    uint32_t *numbers = malloc(count * sizeof *numbers), kinds = 0;
    float *distance = malloc(count * sizeof *distance), *deepest = NULL;
    unet_code code = UNET_OK;
    if (!numbers || !distance)
        code = un_fail_memory(err, count * 8, "the rims of objects");
    if (code || (code = number_all(mask, objects, height, width, numbers, &kinds, err)) ||
        (code = un_rim_distance(numbers, height, width, distance, err)))
        goto done;
    if (!(deepest = calloc((size_t)kinds + 1, sizeof *deepest))) {
        code = un_fail_memory(err, ((size_t)kinds + 1) * sizeof *deepest, "the rims of objects");
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        if (isfinite(distance[i]) && distance[i] > deepest[numbers[i]])
            deepest[numbers[i]] = distance[i];
    for (size_t i = 0; i < count; i++)
        map[i] = numbers[i] > 1 && mask[i] ? rim_of(distance[i], deepest[numbers[i]], rims) : 0;
done:
    free(numbers);
    free(distance);
    free(deepest);
    return code;
}

unet_code un_object_areas(const uint8_t *mask, const uint32_t *objects, int height, int width,
                          uint32_t **areas, size_t *count, unet_error *err)
{
    const size_t pixels = (size_t)height * (size_t)width;
    uint32_t *numbers = malloc(pixels * sizeof *numbers), *made = NULL, kinds = 0;
    unet_code code = numbers ? number_all(mask, objects, height, width, numbers, &kinds, err)
                             : un_fail_memory(err, pixels * 4, "the areas of objects");
    if (!code && !(made = calloc((size_t)kinds + 1, sizeof *made)))
        code = un_fail_memory(err, ((size_t)kinds + 1) * sizeof *made, "the areas of objects");
    for (size_t i = 0; i < pixels && !code; i++)
        made[numbers[i]]++;
    free(numbers);
    if (code)
        return code;
    *count = 0;
    for (size_t i = 2; i <= kinds; i++) /* after no label and background */
        if (made[i])
            made[(*count)++] = made[i];
    *areas = made;
    return UNET_OK;
}

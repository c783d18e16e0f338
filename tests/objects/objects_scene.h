/* SPDX-License-Identifier: Apache-2.0 */
/* objects_scene.h - masks for the tests of objects, and their objects from bands of any height */
#ifndef OBJECTS_SCENE_H
#define OBJECTS_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "unet_objects.h"

/* A mask [height][width] with an image of one channel. */
struct scene {
    const char *name;
    int height, width, classes;
    uint8_t *mask;
    float *image;
    uint8_t *inner; /* NULL: there is none */
};

static inline struct scene new_scene(const char *name, int height, int width, int classes)
{
    const size_t area = (size_t)height * (size_t)width;
    struct scene scene = {name, height, width, classes, calloc(area, 1), NULL, NULL};
    scene.image = malloc(area * sizeof *scene.image);
    for (size_t i = 0; i < area; i++)
        scene.image[i] = (float)un_rng_uniform(7, i) * 100 - 20;
    return scene;
}

static inline void release_scene(struct scene *scene)
{
    free(scene->mask);
    free(scene->image);
    free(scene->inner);
}

static inline uint8_t *pixel(struct scene *scene, int y, int x)
{
    return &scene->mask[(size_t)y * (size_t)scene->width + (size_t)x];
}

/* The objects of a scene that comes in bands of so many rows. */
static inline unet_objects *find_objects(const struct scene *scene,
                                         const unet_objects_options *options, int rows)
{
    unet_objects *objects;
    unet_error err = {0};
    if (unet_objects_create(options, scene->height, scene->width, scene->classes, &objects, &err))
        fail_msg("%s: %s", scene->name, err.text);
    for (int top = 0; top < scene->height; top += rows) {
        const int count = scene->height - top < rows ? scene->height - top : rows;
        const size_t at = (size_t)top * (size_t)scene->width;
        const unet_image image = {count, scene->width, 1, UNET_F32, 1, scene->image + at};
        const unet_band band = {.top = top,
                                .rows = count,
                                .width = scene->width,
                                .mask = scene->mask + at,
                                .image = &image,
                                .inner = scene->inner ? scene->inner + at : NULL};
        if (unet_objects_add(objects, &band, &err))
            fail_msg("%s: %s", scene->name, err.text);
    }
    if (unet_objects_finish(objects, &err))
        fail_msg("%s: %s", scene->name, err.text);
    return objects;
}

/* Their ids, [height][width], from malloc. */
static inline uint32_t *ids_of(const struct scene *scene, unet_objects *objects)
{
    uint32_t *ids = malloc((size_t)scene->height * (size_t)scene->width * sizeof *ids);
    assert_int_equal(unet_objects_rows(objects, 0, scene->height, ids, NULL), UNET_OK);
    return ids;
}

#endif

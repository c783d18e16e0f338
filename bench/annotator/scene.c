/* SPDX-License-Identifier: Apache-2.0 */
/* scene.c - images and what is painted on them, in memory, as the project that the learner knows */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotator.h"
#include "shared/cli.h"

unet_code set_error(unet_error *err, unet_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->code = code;
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return code;
}

unet_code scene_create(const unet_dataset *set, int classes, struct studio *scene, unet_error *err)
{
    *scene = (struct studio){set, calloc((size_t)unet_dataset_count(set), sizeof(*scene->canvas)),
                             unet_dataset_count(set), classes};
    for (int i = 0; i < scene->count && scene->canvas; i++) {
        struct canvas *c = &scene->canvas[i];
        const char *name;
        c->image = unet_dataset_image(set, i, &c->truth, &name);
        c->what = (struct studio_image){.name = name,
                                        .pages = 1,
                                        .height = c->image->height,
                                        .width = c->image->width,
                                        .channels = c->image->channels,
                                        .sample = c->image->sample,
                                        .prepared = c->image->prepared};
        const size_t pixels = (size_t)c->image->height * c->image->width;
        if (!(c->labels = malloc(pixels)))
            return set_error(err, UNET_ENOMEM, "not enough memory");
        memset(c->labels, UNET_IGNORE, pixels);
    }
    return scene->canvas ? UNET_OK : set_error(err, UNET_ENOMEM, "not enough memory");
}

void scene_release(struct studio *scene)
{
    for (int i = 0; i < scene->count; i++)
        free(scene->canvas[i].labels);
    free(scene->canvas);
}

static void disc(struct canvas *c, float x, float y, float radius, int label)
{
    const int height = c->image->height, width = c->image->width;
    for (int i = (int)(y - radius); i <= y + radius + 1; i++)
        for (int j = (int)(x - radius); j <= x + radius + 1; j++) {
            const float dy = (float)i + 0.5f - y, dx = (float)j + 0.5f - x;
            if (i < 0 || j < 0 || i >= height || j >= width || dy * dy + dx * dx > radius * radius)
                continue;
            uint8_t *at = &c->labels[(size_t)i * width + j];
            c->painted += *at == UNET_IGNORE;
            *at = (uint8_t)label;
        }
}

/* From a point of the stroke to the next. */
static void line(struct canvas *c, const struct stroke *s, int from, int to)
{
    const float dx = s->x[to] - s->x[from], dy = s->y[to] - s->y[from];
    const int steps = 1 + (int)(2 * (fabsf(dx) + fabsf(dy)));
    for (int k = 1; k <= steps; k++) {
        const float share = (float)k / (float)steps;
        disc(c, s->x[from] + share * dx, s->y[from] + share * dy, s->radius, s->label);
    }
}

struct studio_rect scene_paint(struct canvas *c, const struct stroke *s)
{
    float low[2] = {1e9f, 1e9f}, high[2] = {0, 0};
    for (int i = 0; i < s->count; i++) {
        line(c, s, i ? i - 1 : 0, i);
        low[0] = s->x[i] < low[0] ? s->x[i] : low[0];
        low[1] = s->y[i] < low[1] ? s->y[i] : low[1];
        high[0] = s->x[i] > high[0] ? s->x[i] : high[0];
        high[1] = s->y[i] > high[1] ? s->y[i] : high[1];
    }
    const int edge = (int)s->radius + 2, height = c->image->height, width = c->image->width;
    int x0 = (int)low[0] - edge, y0 = (int)low[1] - edge;
    int x1 = (int)high[0] + edge, y1 = (int)high[1] + edge;
    x0 = x0 < 0 ? 0 : x0;
    y0 = y0 < 0 ? 0 : y0;
    x1 = x1 > width ? width : x1;
    y1 = y1 > height ? height : y1;
    return (struct studio_rect){x0, y0, x1 - x0, y1 - y0};
}

/* ---- studio.h ---------------------------------------------------------------------------- */

int studio_images(const struct studio *studio)
{
    return studio->count;
}

const struct studio_image *studio_image(const struct studio *studio, int image)
{
    return &studio->canvas[image].what;
}

int studio_classes(struct studio *studio, struct studio_class *classes, int room)
{
    for (int k = 0; k < studio->classes && k < room; k++)
        classes[k] = (struct studio_class){.rgb = {(uint8_t)(50 * k), 100, 100}};
    return studio->classes;
}

unet_code studio_pixels(struct studio *studio, int image, struct studio_rect rect, void *samples,
                        unet_error *err)
{
    static const size_t bytes[] = {[UNET_U8] = 1, [UNET_U16] = 2, [UNET_F32] = 4};
    const unet_image *from = studio->canvas[image].image;
    const size_t pixel = bytes[from->sample] * from->channels, row = pixel * rect.width;
    (void)err;
    for (int y = 0; y < rect.height; y++)
        memcpy((char *)samples + y * row,
               (const char *)from->data +
                   pixel * ((size_t)(rect.y + y) * from->width + (size_t)rect.x),
               row);
    return UNET_OK;
}

unet_code studio_labels(struct studio *studio, int image, struct studio_rect rect, uint8_t *labels,
                        unet_error *err)
{
    const struct canvas *c = &studio->canvas[image];
    (void)err;
    for (int y = 0; y < rect.height; y++)
        memcpy(labels + (size_t)y * rect.width,
               c->labels + (size_t)(rect.y + y) * c->image->width + rect.x, (size_t)rect.width);
    return UNET_OK;
}

/* Nothing is ever begun again. */
unet_code studio_corrected(struct studio *studio, int image, struct studio_rect rect,
                           uint8_t *corrected, unet_error *err)
{
    (void)studio;
    (void)image;
    (void)err;
    memset(corrected, 0, (size_t)rect.height * (size_t)rect.width);
    return UNET_OK;
}

int64_t studio_painted(struct studio *studio, int image, int64_t *counts)
{
    const struct canvas *c = &studio->canvas[image];
    for (size_t i = 0; counts && i < (size_t)c->image->height * c->image->width; i++)
        if (c->labels[i] != UNET_IGNORE)
            counts[c->labels[i]]++;
    return c->painted;
}

int studio_painted_tiles(struct studio *studio, int image, struct studio_rect *tiles, int room)
{
    const struct canvas *c = &studio->canvas[image];
    int count = 0;
    for (int y = 0; y < c->image->height; y += STUDIO_TILE)
        for (int x = 0; x < c->image->width; x += STUDIO_TILE, count++)
            if (count < room)
                tiles[count] = (struct studio_rect){
                    x, y, c->image->width - x < STUDIO_TILE ? c->image->width - x : STUDIO_TILE,
                    c->image->height - y < STUDIO_TILE ? c->image->height - y : STUDIO_TILE};
    return count;
}

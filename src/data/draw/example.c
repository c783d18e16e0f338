/* SPDX-License-Identifier: Apache-2.0 */
#include "data/draw/example.h"

#include <stdlib.h>
#include <string.h>

#include "data/masks/border_weight.h"
#include "data/masks/rims.h"

static bool wants_extra(const unet_border *b)
{
    return b->weight > 0 || b->near_weight > 0;
}

static size_t pixels_of(const struct un_sample_pair *pair)
{
    return (size_t)pair->image.height * pair->image.width;
}

static void *copy(const void *from, size_t bytes)
{
    void *made = malloc(bytes);
    if (made)
        memcpy(made, from, bytes);
    return made;
}

/* The image's mask, and its border weights and rims, which see the objects as the gap leaves them.
 */
static unet_code make_border(const struct un_sample_pair *pair, const struct un_drawing *drawing,
                             struct un_prepared *p, unet_error *err)
{
    const unet_border *border = &drawing->options->border;
    const size_t pixels = pixels_of(pair);
    const int height = pair->image.height, width = pair->image.width;
    const uint8_t *mask = pair->mask;
    uint32_t *objects = pair->objects;
    unet_code code = UNET_OK;
    if (border->gap) {
        mask = p->mask = copy(pair->mask, pixels);
        objects = pair->objects ? copy(pair->objects, pixels * sizeof *objects) : NULL;
        if (!mask || (pair->objects && !objects))
            code = un_fail_memory(err, 5 * pixels, "the gaps between objects");
        else
            code = un_border_gap(p->mask, objects, height, width, err);
    }
    if (!code && wants_extra(border)) {
        p->extra = malloc(pixels * sizeof(float));
        code = p->extra ? un_border_map(border, drawing->rims > 0, mask, objects, height, width,
                                        p->extra, err)
                        : un_fail_memory(err, pixels * sizeof(float), "the border weights");
    }
    if (!code && drawing->rims) {
        p->rims = malloc(pixels);
        code = p->rims ? un_rims_make(mask, objects, height, width, drawing->rims, p->rims, err)
                       : un_fail_memory(err, pixels, "the rims of objects");
    }
    if (objects != pair->objects)
        free(objects);
    return code;
}

static size_t count_bytes(const struct un_prepared *p, const struct un_sample_pair *pair)
{
    const size_t pixels = pixels_of(pair);
    size_t bytes = sizeof *p;
    bytes += p->extra ? pixels * sizeof(float) : 0;
    bytes += p->mask ? pixels : 0;
    bytes += p->rims ? pixels : 0;
    bytes += p->focus.rows ? (size_t)pair->image.height * sizeof *p->focus.rows : 0;
    return bytes;
}

unet_code un_prepared_make(const struct un_sample_pair *pair, const struct un_drawing *drawing,
                           struct un_prepared **prepared, unet_error *err)
{
    const unet_train_options *o = drawing->options;
    struct un_prepared *p = calloc(1, sizeof *p);
    if (!p)
        return un_fail_memory(err, sizeof *p, "the images of training");
    unet_code code = make_border(pair, drawing, p, err);
    const uint8_t *mask = p->mask ? p->mask : pair->mask;
    if (!code)
        code =
            un_focus_make(&o->augment, mask, pair->image.height, pair->image.width, &p->focus, err);
    if (code) {
        un_prepared_free(p);
        return code;
    }
    p->reading = un_pair_reading(pair, drawing->channels, drawing->scaling);
    p->example = (struct un_example){.reading = &p->reading,
                                     .mask = mask,
                                     .class_weights = o->class_weights,
                                     .extra = p->extra,
                                     .focus = p->focus.rows ? &p->focus : NULL,
                                     .rims = p->rims,
                                     .classes = drawing->classes};
    p->draws = -1;
    p->bytes = count_bytes(p, pair);
    *prepared = p;
    return UNET_OK;
}

void un_prepared_free(struct un_prepared *p)
{
    if (!p)
        return;
    free(p->focus.rows);
    free(p->mask);
    free(p->extra);
    free(p->rims);
    free(p->own.image.data);
    free(p->own.mask);
    free(p->own.name);
    free(p->factor);
    free(p);
}

struct making {
    const unet_dataset *dataset;
    const struct un_drawing *drawing;
    struct un_examples *examples;
};

static unet_code make_one(void *context, int i, unet_error *err)
{
    const struct making *m = context;
    return un_prepared_make(&m->dataset->pairs[i], m->drawing, &m->examples->list[i], err);
}

unet_code un_examples_make(const unet_dataset *dataset, const struct un_drawing *drawing,
                           struct un_pool *pool, struct un_examples *examples, unet_error *err)
{
    struct un_examples made = {dataset->count, calloc((size_t)dataset->count, sizeof *made.list)};
    struct making m = {dataset, drawing, &made};
    if (!made.list)
        return un_fail_memory(err, (size_t)dataset->count * sizeof *made.list,
                              "the images of training");
    unet_code code = un_pool_try(pool, made.count, make_one, &m, err);
    if (code)
        un_examples_release(&made);
    else
        *examples = made;
    return code;
}

void un_examples_release(struct un_examples *p)
{
    for (int i = 0; i < p->count; i++)
        un_prepared_free(p->list[i]);
    free(p->list);
    *p = (struct un_examples){0};
}

size_t un_examples_bytes(const struct un_examples *p)
{
    size_t bytes = (size_t)p->count * sizeof *p->list;
    for (int i = 0; i < p->count; i++)
        bytes += p->list[i]->bytes;
    return bytes;
}

unet_code un_examples_reserve(struct un_examples *p, unet_error *err)
{
    const size_t bytes = ((size_t)p->count + 1) * sizeof *p->list;
    struct un_prepared **list = realloc(p->list, bytes);
    if (!list)
        return un_fail_memory(err, bytes, "the images of training");
    p->list = list;
    return UNET_OK;
}

void un_examples_put(struct un_examples *p, int i, struct un_prepared *prepared)
{
    if (i == p->count)
        p->count++;
    else
        un_prepared_free(p->list[i]);
    p->list[i] = prepared;
}

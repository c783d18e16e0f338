/* SPDX-License-Identifier: Apache-2.0 */
#include "data/draw/example.h"

#include <stdlib.h>
#include <string.h>

#include "data/masks/border_weight.h"

static bool wants_focus(const unet_augment *a)
{
    return a->at_foreground > 0 || a->at_background > 0 || a->at_ignored > 0;
}

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

/* The image's mask, and its border weights, which see the objects as the gap leaves them. */
static unet_code make_border(const struct un_sample_pair *pair, const unet_border *border,
                             struct un_examples *p, int i, unet_error *err)
{
    const size_t pixels = pixels_of(pair);
    const int height = pair->image.height, width = pair->image.width;
    const uint8_t *mask = pair->mask;
    uint32_t *objects = pair->objects;
    unet_code code = UNET_OK;
    if (p->masks) {
        mask = p->masks[i] = copy(pair->mask, pixels);
        objects = pair->objects ? copy(pair->objects, pixels * sizeof *objects) : NULL;
        if (!mask || (pair->objects && !objects))
            code = un_fail_memory(err, 5 * pixels, "the gaps between objects");
        else
            code = un_border_gap(p->masks[i], objects, height, width, err);
    }
    if (!code && p->extra) {
        p->extra[i] = malloc(pixels * sizeof(float));
        code = p->extra[i] ? un_border_map(border, mask, objects, height, width, p->extra[i], err)
                           : un_fail_memory(err, pixels * sizeof(float), "the border weights");
    }
    if (objects != pair->objects)
        free(objects);
    return code;
}

static unet_code make_example(const struct un_sample_pair *pair, int channels,
                              const struct un_scaling *scaling, const unet_train_options *o,
                              struct un_examples *p, int i, unet_error *err)
{
    unet_code code = make_border(pair, &o->border, p, i, err);
    if (code)
        return code;
    p->readings[i] = un_pair_reading(pair, channels, scaling);
    struct un_example *example = &p->example[i];
    *example = (struct un_example){.reading = &p->readings[i],
                                   .mask = p->masks ? p->masks[i] : pair->mask,
                                   .class_weights = o->class_weights,
                                   .extra = p->extra ? p->extra[i] : NULL};
    if (p->focus) {
        code = un_focus_make(&o->augment, example->mask, pair->image.height, pair->image.width,
                             &p->focus[i], err);
        if (!code && p->focus[i].rows)
            example->focus = &p->focus[i];
    }
    return code;
}

struct making {
    const unet_dataset *dataset;
    int channels;
    const struct un_scaling *scaling;
    const unet_train_options *options;
    struct un_examples *examples;
};

static unet_code make_one(void *context, int i, unet_error *err)
{
    const struct making *m = context;
    return make_example(&m->dataset->pairs[i], m->channels, m->scaling, m->options, m->examples, i,
                        err);
}

static size_t count_bytes(const struct un_examples *p, const unet_dataset *dataset)
{
    size_t bytes = 0;
    for (int i = 0; i < p->count; i++) {
        const size_t pixels = pixels_of(&dataset->pairs[i]);
        bytes += sizeof *p->example + sizeof *p->readings;
        bytes += p->extra ? pixels * sizeof(float) : 0;
        bytes += p->masks ? pixels : 0;
        bytes += p->focus ? sizeof *p->focus : 0;
        if (p->focus && p->focus[i].rows)
            bytes += (size_t)dataset->pairs[i].image.height * sizeof *p->focus[i].rows;
    }
    return bytes;
}

static unet_code allocate(struct un_examples *p, const unet_train_options *o, unet_error *err)
{
    const size_t count = (size_t)p->count;
    const bool extra = wants_extra(&o->border), focus = wants_focus(&o->augment);
    p->example = calloc(count, sizeof *p->example);
    p->readings = calloc(count, sizeof *p->readings);
    p->focus = focus ? calloc(count, sizeof *p->focus) : NULL;
    p->masks = o->border.gap ? calloc(count, sizeof *p->masks) : NULL;
    p->extra = extra ? calloc(count, sizeof *p->extra) : NULL;
    if (!p->example || !p->readings || (focus && !p->focus) || (o->border.gap && !p->masks) ||
        (extra && !p->extra))
        return un_fail_memory(err, count * sizeof *p->example, "the images of training");
    return UNET_OK;
}

unet_code un_examples_make(const unet_dataset *dataset, int channels,
                           const struct un_scaling *scaling, const unet_train_options *options,
                           struct un_pool *pool, struct un_examples *examples, unet_error *err)
{
    struct un_examples made = {.count = dataset->count};
    struct making m = {dataset, channels, scaling, options, &made};
    unet_code code = allocate(&made, options, err);
    if (code || (code = un_pool_try(pool, made.count, make_one, &m, err))) {
        un_examples_release(&made);
        return code;
    }
    made.bytes = count_bytes(&made, dataset);
    *examples = made;
    return UNET_OK;
}

void un_examples_release(struct un_examples *p)
{
    for (int i = 0; i < p->count; i++) {
        if (p->focus)
            free(p->focus[i].rows);
        if (p->masks)
            free(p->masks[i]);
        if (p->extra)
            free(p->extra[i]);
    }
    free(p->example);
    free(p->readings);
    free(p->focus);
    free(p->masks);
    free(p->extra);
    *p = (struct un_examples){0};
}

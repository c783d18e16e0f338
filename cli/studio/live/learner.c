/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learner.c - one trainer whose images are the painted cells of a project
 *
 * The trainer is made on crops of the images, which settle the scale of 16-bit and float samples;
 * before the first step they give their places to what is painted.
 */
#include "studio/live/learner_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"

enum { CROPS = 16, CROP = 512, PLACES = 9 /* where one may lie in its image */ };

int learner_channels(const struct studio *studio)
{
    int channels = 1;

    for (int i = 0; i < studio_images(studio); i++)
        if (studio_image(studio, i)->channels > channels)
            channels = studio_image(studio, i)->channels;
    return channels;
}

struct learner_recipe learner_recipe(int channels, int classes)
{
    struct learner_recipe r = {.spec = unet_spec_default()};

    r.spec.in_channels = channels;
    r.spec.classes = classes;
    r.spec.width = 16;
    r.spec.depth = 3;
    r.spec.padding = UNET_PADDING_SAME;
    r.spec.norm = UNET_NORM_INSTANCE;
    r.train = unet_train_options_default(&r.spec);
    r.train.batch = 4;
    r.train.tile = 128;
    r.train.loss.pixel = 1;
    r.train.loss.overlap = 0.5f;
    r.train.loss.first_class = 0;
    r.train.learning_rate = 2e-3f;
    r.train.average = 0.98f;
    r.train.augment = (unet_augment){.flip = 1,
                                     .rotate = 15,
                                     .scale = 0.15f,
                                     .grey = 0.2f,
                                     .at_foreground = 1,
                                     .at_background = 1};
    r.strong = 3;
    r.newest = 0.25f;
    r.patch_bytes = (size_t)256 << 20;
    return r;
}

/* ---- the crops ---------------------------------------------------------------------------- */

struct crop {
    struct studio *studio;
    int classes, images[CROPS];
    unsigned char *samples;
    uint8_t *mask;
};

/* The sample at `at` of what studio_pixels() gave. */
static double sample_of(const struct studio_image *image, const void *samples, size_t at)
{
    return image->sample == UNET_U8    ? ((const uint8_t *)samples)[at]
           : image->sample == UNET_U16 ? ((const uint16_t *)samples)[at]
                                       : (double)((const float *)samples)[at];
}

/* How many samples say something of the image: those that are numbers, if they are not all one. */
static size_t telling(const struct studio_image *image, const void *samples, size_t count)
{
    double least = INFINITY, most = -INFINITY;
    size_t numbers = 0;

    for (size_t i = 0; i < count; i++) {
        const double value = sample_of(image, samples, i);
        if (!isfinite(value))
            continue;
        numbers++;
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    return least < most ? numbers : 0;
}

/* Place `at` of PLACES in an image: the middle first. */
static struct studio_rect crop_at(const struct studio_image *image, int at)
{
    static const int order[PLACES] = {4, 0, 2, 6, 8, 1, 3, 5, 7};
    struct studio_rect r = {0, 0, image->width < CROP ? image->width : CROP,
                            image->height < CROP ? image->height : CROP};

    r.x = (int)((int64_t)(image->width - r.width) * (order[at] % 3) / 2);
    r.y = (int)((int64_t)(image->height - r.height) * (order[at] / 3) / 2);
    return r;
}

/* Reads the first place that has something to say, or else the one that has most. */
static unet_code read_place(struct crop *c, const struct studio_image *image, int which,
                            struct studio_rect *r, unet_error *err)
{
    size_t most = 0;
    int best = 0;

    for (int at = 0; at <= PLACES; at++) {
        *r = crop_at(image, at < PLACES ? at : best);
        const size_t count = (size_t)r->height * r->width * (size_t)image->channels;
        const unet_code code = studio_pixels(c->studio, which, *r, c->samples, err);
        if (code)
            return code;
        const size_t found = telling(image, c->samples, count);
        if (found > count / 2)
            break;
        if (found > most) {
            most = found;
            best = at;
        }
    }
    return UNET_OK;
}

/* A pixel of each class has a label, so that masks are class numbers. */
static unet_code read_crop(void *context, int i, unet_pair *pair, unet_error *err)
{
    struct crop *c = context;
    const struct studio_image *image = studio_image(c->studio, c->images[i]);
    struct studio_rect r = crop_at(image, 0);
    const size_t pixels = (size_t)r.height * r.width;
    free(c->samples);
    free(c->mask);
    c->samples = malloc(pixels * studio_pixel_bytes(image));
    c->mask = malloc(pixels);
    if (!c->samples || !c->mask)
        return set_error(err, UNET_ENOMEM, "%s: not enough memory", image->name);
    memset(c->mask, UNET_IGNORE, pixels);
    for (int k = 0; k < c->classes && (size_t)k < pixels; k++)
        c->mask[k] = (uint8_t)k;
    const unet_code code = read_place(c, image, c->images[i], &r, err);
    pair->name = image->name;
    pair->image = learner_view(image, r, c->samples);
    pair->mask = (unet_view){.data = c->mask,
                             .height = r.height,
                             .width = r.width,
                             .channels = 1,
                             .row = r.width,
                             .column = 1,
                             .channel = 1};
    return code;
}

/* Also of one that was there when the project was opened. */
static int can_be_read(struct studio *studio, int image)
{
    const struct studio_image *what = studio_image(studio, image);
    void *pixel = malloc(studio_pixel_bytes(what));
    const int can = pixel && !what->missing &&
                    !studio_pixels(studio, image, (struct studio_rect){0, 0, 1, 1}, pixel, NULL);

    free(pixel);
    return can;
}

static unet_code read_crops(struct learner *l, unet_error *err)
{
    const int images = studio_images(l->studio);
    struct crop crop = {.studio = l->studio, .classes = l->recipe.spec.classes};
    int there = 0, count = 0;

    for (int i = 0; i < images; i++)
        there += !studio_image(l->studio, i)->missing;
    for (int i = 0, k = 0; i < images && there; i++) {
        if (studio_image(l->studio, i)->missing)
            continue;
        if ((int64_t)k++ * CROPS / there >= count && count < CROPS && /* evenly spaced */
            can_be_read(l->studio, i))
            crop.images[count++] = i;
    }
    if (!count)
        return set_error(err, UNET_EINVAL, "there are no images that can be read");
    unet_dataset_options options = {.size = sizeof(options),
                                    .ignore = -1,
                                    .classes = l->recipe.spec.classes,
                                    .labels = "indices"};
    unet_error wrong = {0};
    unet_code code =
        unet_dataset_from_function(count, read_crop, &crop, &options, &l->crops, &wrong);
    if (code && wrong.hints & UNET_HINT_FILL) { /* NaN: what is no data */
        options.fill = "nan";
        code = unet_dataset_from_function(count, read_crop, &crop, &options, &l->crops, &wrong);
    }
    if (code)
        *err = wrong;
    free(crop.samples);
    free(crop.mask);
    return code;
}

/* ---- the learner -------------------------------------------------------------------------- */

int learner_classes(const struct learner *l)
{
    return l->recipe.spec.classes;
}

unet_code learner_name_classes(struct learner *l, unet_error *err)
{
    struct studio_class classes[UNET_MAX_CLASSES];
    const int count = studio_classes(l->studio, classes, UNET_MAX_CLASSES);
    unet_code code = UNET_OK;

    for (int k = 0; k < count && k < l->recipe.spec.classes && !code; k++)
        code = unet_model_set_class(l->model, k, classes[k].name, classes[k].rgb, err);
    return code;
}

static unet_code make_model(struct learner *l, const unet_model *from, uint64_t seed,
                            unet_error *err)
{
    const unet_spec *spec = &l->recipe.spec;
    const unet_code code =
        from ? unet_model_adapt(from, spec->in_channels, spec->classes, seed, &l->model, NULL, err)
             : unet_model_create(spec, seed, &l->model, err);

    return code ? code : learner_name_classes(l, err);
}

unet_code learner_create(struct studio *studio, const struct live_options *options,
                         const unet_model *from, const struct learner_recipe *recipe,
                         struct learner **learner, unet_error *err)
{
    struct learner *l = calloc(1, sizeof(*l));
    unet_code code;

    if (!l)
        return set_error(err, UNET_ENOMEM, "not enough memory for the training");
    l->studio = studio;
    l->newest = -1;
    l->recipe = recipe ? *recipe
                       : learner_recipe(learner_channels(studio), studio_classes(studio, NULL, 0));
    l->recipe.train.threads = options->threads;
    l->recipe.train.seed = options->seed;
    if ((code = make_model(l, from, options->seed, err)) || (code = read_crops(l, err)) ||
        (code = unet_trainer_create(l->model, l->crops, &l->recipe.train, &l->trainer, err)))
        goto done;
    l->slots = unet_dataset_count(l->crops);
    for (int i = 0; i < l->slots && !code; i++)
        code = learner_put_nothing(l, i, err);
    if (!code)
        code = learner_take_all(l, err);
done:
    if (code)
        learner_free(l);
    else
        *learner = l;
    return code;
}

void learner_free(struct learner *l)
{
    if (!l)
        return;
    unet_trainer_free(l->trainer);
    unet_dataset_free(l->crops);
    unet_model_free(l->model);
    learner_cells_release(&l->cells);
    free(l);
}

int learner_can_learn(const struct learner *l)
{
    return l->painted > 1 && learner_resident(l) > 0;
}

unet_code learner_change(struct learner *l, int image, struct studio_rect rect,
                         learner_shown *shown, void *context, struct learner_tally *tally, int more,
                         unet_error *err)
{
    const struct studio_image *what = studio_image(l->studio, image);
    const int right = rect.x + rect.width, bottom = rect.y + rect.height;
    struct studio_rect core = {0, 0, 0, 0};
    unet_code code = UNET_OK;

    if (!more)
        learner_count_classes(l);
    for (int y = rect.y; y < bottom && !code; y = core.y + core.height)
        for (int x = rect.x; x < right && !code; x = core.x + core.width) {
            core = learner_cell_at(what, x, y);
            struct learner_cell *cell = learner_cells_find(&l->cells, image, core);
            if (!cell)
                return learner_no_memory(err);
            code = learner_cell_look(l->studio, cell, shown, context, tally, err);
            const int at = (int)(cell - l->cells.list);
            const int last =
                !more && core.x + core.width >= right && core.y + core.height >= bottom;
            if (!code)
                code = last ? learner_put_newest(l, at, err) : learner_put_patch(l, at, err);
        }
    return code;
}

unet_code learner_step(struct learner *l, double *loss, unet_error *err)
{
    unet_code code = UNET_OK;

    if (learner_steps(l) % LEARNER_TURN == LEARNER_TURN - 1)
        code = learner_take_turn(l, err);
    return code ? code : unet_trainer_step(l->trainer, loss, err);
}

long learner_steps(const struct learner *l)
{
    return unet_trainer_all(l->trainer).step;
}

unet_code learner_copy(struct learner *l, unet_model **model, unet_error *err)
{
    return unet_trainer_copy(l->trainer, model, err);
}

unet_code learner_save(struct learner *l, const char *path, unet_error *err)
{
    return unet_trainer_save(l->trainer, path, err);
}

unet_code learner_load(struct learner *l, const char *path, unet_error *err)
{
    return unet_trainer_load(l->trainer, path, err);
}

size_t learner_bytes(const struct learner *l)
{
    size_t bytes = unet_trainer_all(l->trainer).bytes;

    for (int i = 0; i < l->cells.count; i++)
        if (l->cells.list[i].labels)
            bytes += 2 * (size_t)l->cells.list[i].core.height * l->cells.list[i].core.width;
    return bytes;
}

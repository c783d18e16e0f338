/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learner.c - one trainer whose images are the painted cells of a project
 *
 * The trainer is made on crops of the images, which settle the scale of 16-bit and float samples;
 * before the first step they give their places to what is painted.
 */
#include "studio/live/learner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"

enum { CROPS = 16, CROP = 512, TURN = 100 /* steps after which a cell that waits has its turn */ };

struct learner {
    struct studio *studio;
    struct learner_recipe recipe;
    unet_dataset *crops;
    unet_model *model;
    unet_trainer *trainer;
    struct learner_cells cells;
    int slots;   /* images of the trainer */
    int newest;  /* cell that was painted last, -1: none */
    int turn;    /* the cell whose turn it was last */
    size_t used; /* bytes of the patches */
    uint64_t puts;
    float balance[UNET_MAX_CLASSES]; /* weights of the classes */
    int painted;                     /* how many classes are */
};

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
    r.spec.act = UNET_ACT_LEAKY_RELU; /* without a norm no unit may die */
    r.spec.leaky_slope = 0.1f;
    r.train = unet_train_options_default(&r.spec);
    r.train.batch = 4;
    r.train.tile = 128;
    r.train.loss.pixel = 1;
    r.train.loss.overlap = 0.5f;
    r.train.loss.first_class = 0;
    r.train.learning_rate = 1e-3f;
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

static int middle(int side, int *size)
{
    *size = side < CROP ? side : CROP;
    return (side - *size) / 2;
}

/* The middle of an image; a pixel of each class has a label, so that masks are class numbers. */
static unet_code read_crop(void *context, int i, unet_pair *pair, unet_error *err)
{
    struct crop *c = context;
    const struct studio_image *image = studio_image(c->studio, c->images[i]);
    const ptrdiff_t sample = image->sample == UNET_U8 ? 1 : image->sample == UNET_U16 ? 2 : 4;
    struct studio_rect r;
    r.x = middle(image->width, &r.width);
    r.y = middle(image->height, &r.height);
    const size_t pixels = (size_t)r.height * r.width;
    free(c->samples);
    free(c->mask);
    c->samples = malloc(pixels * (size_t)sample * image->channels);
    c->mask = malloc(pixels);
    if (!c->samples || !c->mask)
        return set_error(err, UNET_ENOMEM, "%s: not enough memory", image->name);
    memset(c->mask, UNET_IGNORE, pixels);
    for (int k = 0; k < c->classes && (size_t)k < pixels; k++)
        c->mask[k] = (uint8_t)k;
    pair->name = image->name;
    pair->image = (unet_view){.data = c->samples,
                              .height = r.height,
                              .width = r.width,
                              .channels = image->channels,
                              .row = sample * image->channels * r.width,
                              .column = sample * image->channels,
                              .channel = sample,
                              .sample = image->sample,
                              .prepared = image->prepared};
    pair->mask = (unet_view){.data = c->mask,
                             .height = r.height,
                             .width = r.width,
                             .channels = 1,
                             .row = r.width,
                             .column = 1,
                             .channel = 1};
    return studio_pixels(c->studio, c->images[i], r, c->samples, err);
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
        if ((int64_t)k++ * CROPS / there >= count && count < CROPS) /* evenly spaced */
            crop.images[count++] = i;
    }
    if (!count)
        return set_error(err, UNET_EINVAL, "there are no images");
    unet_dataset_options options = {.size = sizeof(options),
                                    .ignore = -1,
                                    .classes = l->recipe.spec.classes,
                                    .labels = "indices"};
    unet_code code = unet_dataset_from_function(count, read_crop, &crop, &options, &l->crops, err);
    free(crop.samples);
    free(crop.mask);
    return code;
}

/* ---- cells become patches ----------------------------------------------------------------- */

static int resident(const struct learner *l)
{
    int count = 0;

    for (int i = 0; i < l->cells.count; i++)
        count += l->cells.list[i].slot >= 0;
    return count;
}

/* How often the newest cell is drawn beside the others, each once. */
static int draws_of(const struct learner *l, int cell)
{
    const double q = (double)l->recipe.newest;
    const int others = resident(l) - 1;
    const int draws = (int)(q * others / (1 - q) + 0.5);

    return cell == l->newest && draws > 1 ? draws : 1;
}

static size_t bytes_of(const struct learner *l, const struct learner_cell *cell)
{
    return learner_cell_bytes(studio_image(l->studio, cell->image), cell);
}

/* Gives the place of the cell that has been there longest to another. */
static int leave(struct learner *l, const struct learner_cell *comes)
{
    struct learner_cell *oldest = NULL;
    int slot;

    for (int i = 0; i < l->cells.count; i++) {
        struct learner_cell *cell = &l->cells.list[i];
        if (cell->slot >= 0 && cell != comes && (!oldest || cell->entered < oldest->entered))
            oldest = cell;
    }
    if (!oldest)
        return -1;
    slot = oldest->slot;
    l->used -= bytes_of(l, oldest);
    oldest->slot = -1;
    learner_cell_drop(oldest);
    return slot;
}

static int slot_is_free(const struct learner *l, int slot)
{
    for (int i = 0; i < l->cells.count; i++)
        if (l->cells.list[i].slot == slot)
            return 0;
    return 1;
}

/* An image of one pixel without a label. */
static unet_code put_nothing(struct learner *l, int slot, unet_error *err)
{
    const uint8_t samples[64] = {0};
    const uint8_t mask = UNET_IGNORE;
    const unet_patch patch = {.size = sizeof(patch),
                              .image = {.data = samples,
                                        .height = 1,
                                        .width = 1,
                                        .channels = l->recipe.spec.in_channels,
                                        .row = 64,
                                        .column = 64,
                                        .channel = 1,
                                        .sample = UNET_U8},
                              .mask = &mask};

    return unet_trainer_put(l->trainer, slot, &patch, err);
}

/* A place among the trainer's images, and memory for what comes there. */
static unet_code find_slot(struct learner *l, struct learner_cell *cell, unet_error *err)
{
    const size_t bytes = bytes_of(l, cell);
    unet_code code = UNET_OK;
    int slot = 0, freed;

    while (!code && l->used + bytes > l->recipe.patch_bytes && (freed = leave(l, cell)) >= 0)
        code = put_nothing(l, freed, err);
    while (slot < l->slots && !slot_is_free(l, slot))
        slot++;
    cell->slot = slot;
    l->used += bytes;
    if (slot == l->slots)
        l->slots++;
    return code;
}

static unet_code put_cell(struct learner *l, int at, unet_error *err)
{
    struct learner_cell *cell = &l->cells.list[at];
    const int is_new = cell->slot < 0;
    unet_code code = is_new ? find_slot(l, cell, err) : UNET_OK;

    cell->entered = ++l->puts;
    if (!code)
        code = learner_cell_put(l->studio, cell, l->balance, l->recipe.strong, draws_of(l, at),
                                l->trainer, err);
    if (code && is_new) {
        l->slots -= cell->slot == l->slots - 1 && l->slots > unet_dataset_count(l->crops);
        l->used -= bytes_of(l, cell);
        cell->slot = -1;
    }
    return code;
}

/* Cell `at` is the one that was painted last. */
static unet_code put_newest(struct learner *l, int at, unet_error *err)
{
    const int before = l->newest;
    unet_code code = UNET_OK;

    l->newest = at;
    if (before >= 0 && before != at && l->cells.list[before].slot >= 0)
        code = put_cell(l, before, err);
    return code ? code : put_cell(l, at, err);
}

static unet_code bring(struct learner *l, int at, unet_error *err)
{
    unet_code code = learner_cell_look(l->studio, &l->cells.list[at], NULL, NULL, NULL, err);
    return code ? code : put_cell(l, at, err);
}

/* Where there are more cells than fit into memory, they take turns. */
static unet_code take_turn(struct learner *l, unet_error *err)
{
    for (int i = 1; i <= l->cells.count; i++) {
        const int at = (l->turn + i) % l->cells.count;
        if (l->cells.list[at].slot >= 0)
            continue;
        l->turn = at;
        return bring(l, at, err);
    }
    return UNET_OK;
}

/*
 * How many classes are painted; and what weighs how much: wide brushes make many pixels of one
 * class and thin lines few of another, so a class counts by the root of how rare it is.
 */
static void count_classes(struct learner *l)
{
    int64_t counts[UNET_MAX_CLASSES], sums[UNET_MAX_CLASSES] = {0};

    for (int i = 0; i < studio_images(l->studio); i++) {
        memset(counts, 0, sizeof(counts));
        if (studio_painted(l->studio, i, counts) > 0)
            for (int k = 0; k < UNET_MAX_CLASSES; k++)
                sums[k] += counts[k];
    }
    int64_t all = 0;
    l->painted = 0;
    for (int k = 0; k < l->recipe.spec.classes; k++) {
        l->painted += sums[k] > 0;
        all += sums[k];
    }
    for (int k = 0; k < UNET_MAX_CLASSES; k++) {
        const double share = sums[k] ? (double)sums[k] * l->painted / (double)all : 1;
        const double weight = sqrt(1 / share);
        l->balance[k] = (float)(weight < 0.25 ? 0.25 : weight > 4 ? 4 : weight);
    }
}

static unet_code out_of_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory for what is painted");
}

/* The cells of an image that have something painted. */
static unet_code find_cells(struct learner *l, int image, unet_error *err)
{
    const int count = studio_painted_tiles(l->studio, image, NULL, 0);
    struct studio_rect *tiles = malloc(((size_t)count + 1) * sizeof(*tiles));
    unet_code code = tiles ? UNET_OK : out_of_memory(err);
    const struct studio_image *what = studio_image(l->studio, image);
    const int found = code ? 0 : studio_painted_tiles(l->studio, image, tiles, count);

    for (int i = 0; i < found && i < count && !code; i++) {
        const struct studio_rect t = tiles[i];
        for (int corner = 0; corner < 4 && !code; corner++) {
            const int x = t.x + (corner % 2) * (t.width - 1),
                      y = t.y + (corner / 2) * (t.height - 1);
            if (!learner_cells_find(&l->cells, image, learner_cell_at(what, x, y)))
                code = out_of_memory(err);
        }
    }
    free(tiles);
    return code;
}

/* As many as fit of all that is painted. */
static unet_code take_all(struct learner *l, unet_error *err)
{
    unet_code code = UNET_OK;

    for (int i = 0; i < studio_images(l->studio) && !code; i++)
        if (!studio_image(l->studio, i)->missing && studio_painted(l->studio, i, NULL) > 0)
            code = find_cells(l, i, err);
    count_classes(l);
    for (int i = 0; i < l->cells.count && !code; i++)
        if (l->used + bytes_of(l, &l->cells.list[i]) <= l->recipe.patch_bytes)
            code = bring(l, i, err);
    return code;
}

/* ---- the learner -------------------------------------------------------------------------- */

static unet_code make_model(struct learner *l, const unet_model *from, uint64_t seed,
                            unet_error *err)
{
    const unet_spec *spec = &l->recipe.spec;
    struct studio_class classes[UNET_MAX_CLASSES];
    const int count = studio_classes(l->studio, classes, UNET_MAX_CLASSES);
    unet_code code =
        from ? unet_model_adapt(from, spec->in_channels, spec->classes, seed, &l->model, NULL, err)
             : unet_model_create(spec, seed, &l->model, err);

    for (int k = 0; k < count && k < spec->classes && !code; k++)
        code = unet_model_set_class(l->model, k, classes[k].name, classes[k].rgb, err);
    return code;
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
        code = put_nothing(l, i, err);
    if (!code)
        code = take_all(l, err);
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
    return l->painted > 1;
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
        count_classes(l);
    for (int y = rect.y; y < bottom && !code; y = core.y + core.height)
        for (int x = rect.x; x < right && !code; x = core.x + core.width) {
            core = learner_cell_at(what, x, y);
            struct learner_cell *cell = learner_cells_find(&l->cells, image, core);
            if (!cell)
                return out_of_memory(err);
            code = learner_cell_look(l->studio, cell, shown, context, tally, err);
            const int at = (int)(cell - l->cells.list);
            const int last =
                !more && core.x + core.width >= right && core.y + core.height >= bottom;
            if (!code)
                code = last ? put_newest(l, at, err) : put_cell(l, at, err);
        }
    return code;
}

unet_code learner_step(struct learner *l, double *loss, unet_error *err)
{
    unet_code code = UNET_OK;

    if (learner_steps(l) % TURN == TURN - 1)
        code = take_turn(l, err);
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

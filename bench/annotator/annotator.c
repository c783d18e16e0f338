/* SPDX-License-Identifier: Apache-2.0 */
/*
 * annotator.c - how well a network learns from a person's strokes, and how soon
 *
 * The person opens the first image and paints objects and background in turns, then looks at the
 * prediction and paints what is most wrong, until that is little or enough was done; then comes the
 * image of which the network is least sure.  A stroke costs 1.5 s and 1 s for each 100 pixels, the
 * next image 2 s.  Meanwhile the network makes `rate` steps a second of that time, so results do
 * not depend on how busy the machine is.  Beside it (--full) the same network learns from the full
 * masks of the same images.  Every few seconds of that time images that were never touched are
 * predicted and scored: a line of CSV.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "annotator.h"
#include "unet_fields.h"
#include "unet_scores.h"

enum { ON_ONE_IMAGE = 6, OFFERS = 6 };

struct annotator {
    struct studio scene;
    unet_dataset *test;
    struct learner *learner;
    struct chance chance;
    double clock, learnt; /* seconds; up to when the network has learnt */
    double rate, seconds;
    int strokes, opened;
    unet_model *seen; /* the model whose predictions the person sees */
    double seen_at, scored_at;
    const char *name;
    int full, tile; /* tile 0: as unet predict does */
};

static _Noreturn void stop(const unet_error *err)
{
    fprintf(stderr, "annotator: %s\n", err->text);
    exit(1);
}

static int64_t pixels_of(const struct canvas *c)
{
    return (int64_t)c->image->height * c->image->width;
}

static unet_session *open_session(const struct annotator *a, const unet_model *model)
{
    const unet_session_options options = {.size = sizeof(options), .tile = a->tile};
    unet_session *session;
    unet_error err;
    if (unet_session_create(model, &options, &session, &err))
        stop(&err);
    return session;
}

static void score(struct annotator *a)
{
    unet_error err;
    unet_scores *all = unet_scores_create(a->scene.classes);
    unet_model *model;
    if (learner_copy(a->learner, &model, &err))
        stop(&err);
    unet_session *session = open_session(a, model);
    double each = 0;
    for (int i = 0; i < unet_dataset_count(a->test); i++) {
        const uint8_t *truth;
        const char *name;
        const unet_image *image = unet_dataset_image(a->test, i, &truth, &name);
        const size_t pixels = (size_t)image->height * image->width;
        uint8_t *mask = malloc(pixels);
        unet_scores *one = unet_scores_create(a->scene.classes);
        if (!mask || unet_predict(session, image, mask, &err))
            stop(&err);
        unet_scores_add(one, mask, truth, pixels);
        unet_scores_merge(all, one);
        const double dice = unet_scores_mean_dice(one);
        each += isnan(dice) ? 0 : dice;
        unet_scores_free(one);
        free(mask);
    }
    int64_t painted = 0, opened = 0, pixels = 0;
    for (int i = 0; i < a->scene.count; i++) {
        const struct canvas *c = &a->scene.canvas[i];
        painted += c->painted;
        opened += c->painted ? pixels_of(c) : 0;
        pixels += pixels_of(c);
    }
    printf("%s,%s,%.0f,%d,%d,%.5f,%.5f,%ld,%.4f,%.4f,%.4f\n", a->name, a->full ? "full" : "strokes",
           a->clock, a->strokes, a->opened, (double)painted / (double)pixels,
           opened ? (double)painted / (double)opened : 0, learner_steps(a->learner),
           unet_scores_mean_dice(all), each / unet_dataset_count(a->test),
           unet_scores_dice(all, 0));
    fflush(stdout);
    unet_session_free(session);
    unet_model_free(model);
    unet_scores_free(all);
}

/* Time passes: the network learns, and is scored at 15, 30, 45, 60 s, then ever more rarely. */
static void pass(struct annotator *a, double seconds)
{
    unet_error err;
    a->clock += seconds;
    if (!learner_can_learn(a->learner)) {
        a->learnt = a->clock;
        return;
    }
    while (a->learnt < a->clock) {
        if (learner_step(a->learner, NULL, &err))
            stop(&err);
        a->learnt += 1 / a->rate;
        if (a->learnt - a->seen_at > 5) { /* a new prediction on the screen */
            unet_model_free(a->seen);
            if (learner_copy(a->learner, &a->seen, &err))
                stop(&err);
            a->seen_at = a->learnt;
        }
    }
    if (a->clock >= a->scored_at) {
        score(a);
        a->scored_at = a->clock + (a->clock < 60 ? 15 : a->clock < 240 ? 30 : 60);
    }
}

/* Nothing where there is no prediction; else what the person sees. */
static uint8_t *look(struct annotator *a, const struct canvas *c, double *sure)
{
    const size_t pixels = (size_t)pixels_of(c);
    uint8_t *mask = malloc(pixels);
    float *p = sure ? malloc(pixels * sizeof(*p) * a->scene.classes) : NULL;
    unet_error err;
    memset(mask, UNET_IGNORE, pixels);
    if (!a->seen)
        return mask;
    unet_session *session = open_session(a, a->seen);
    const unet_answers answers = {.size = sizeof(answers), .mask = mask, .probabilities = p};
    if (unet_predict_all(session, c->image, &answers, &err))
        stop(&err);
    unet_session_free(session);
    if (sure) {
        *sure = 0;
        for (size_t i = 0; i < pixels; i++)
            *sure += (double)p[(size_t)mask[i] * pixels + i] / (double)pixels;
        free(p);
    }
    return mask;
}

static const uint8_t *seen_mask; /* of the canvas at work */
static int seen_width;

static void shown(void *context, int image, struct studio_rect r, uint8_t *classes)
{
    (void)context;
    (void)image;
    for (int y = 0; y < r.height; y++)
        memcpy(classes + (size_t)y * r.width, seen_mask + (size_t)(r.y + y) * seen_width + r.x,
               (size_t)r.width);
}

static void paint(struct annotator *a, int image, const struct stroke *stroke, const uint8_t *seen)
{
    struct canvas *c = &a->scene.canvas[image];
    unet_error err;
    const struct studio_rect rect = scene_paint(c, stroke);
    seen_mask = seen;
    seen_width = c->image->width;
    if (learner_change(a->learner, image, rect, shown, NULL, NULL, 0, &err))
        stop(&err);
    a->strokes++;
    pass(a, 1.5 + stroke->length / 100);
}

/* The first strokes of an image without a prediction: each class in its turn. */
static void paint_first(struct annotator *a, int image)
{
    struct canvas *c = &a->scene.canvas[image];
    uint8_t *all = malloc((size_t)pixels_of(c));
    for (int n = 0; n < 2 * a->scene.classes; n++) {
        struct stroke stroke;
        for (int64_t i = 0; i < pixels_of(c); i++)
            all[i] = c->labels[i] == UNET_IGNORE;
        const int label = (n + 1) % a->scene.classes; /* objects first */
        stroke.count = 0;
        stroke_find(c, all, label, 1, &a->chance, &stroke);
        if (!stroke.count)
            continue;
        uint8_t *seen = look(a, c, NULL);
        paint(a, image, &stroke, seen);
        free(seen);
    }
    free(all);
}

/* A stroke where the prediction is most wrong; 0: nothing is wrong that is worth it. */
static int correct(struct annotator *a, int image)
{
    struct canvas *c = &a->scene.canvas[image];
    struct stroke best = {0}, stroke;
    double most = 0;
    uint8_t *seen = look(a, c, NULL), *wrong = malloc((size_t)pixels_of(c));
    for (int64_t i = 0; i < pixels_of(c); i++)
        wrong[i] = seen[i] != c->truth[i] && c->labels[i] == UNET_IGNORE;
    for (int label = 0; label < a->scene.classes; label++) {
        const double worth = stroke_find(c, wrong, label, 0, &a->chance, &stroke);
        if (worth > most) {
            most = worth;
            best = stroke;
        }
    }
    if (most > 0)
        paint(a, image, &best, seen);
    free(seen);
    free(wrong);
    return most > 0;
}

/* Of some images, the one of which the network is least sure. */
static int next_image(struct annotator *a, int but)
{
    int best = but;
    double least = 2;
    for (int n = 0; n < OFFERS; n++) {
        const int i = (int)(chance_next(&a->chance) * a->scene.count);
        double sure = 1;
        if (i == but)
            continue;
        free(look(a, &a->scene.canvas[i], &sure));
        if (sure < least) {
            least = sure;
            best = i;
        }
    }
    return best;
}

static void annotate(struct annotator *a)
{
    int image = 0, idle = 0;
    while (a->clock < a->seconds) {
        struct canvas *c = &a->scene.canvas[image];
        const int before = a->strokes;
        a->opened += c->painted == 0;
        if (!a->seen)
            paint_first(a, image);
        while (!a->seen && a->clock < a->seconds)
            pass(a, 1);
        for (int n = 0; n < ON_ONE_IMAGE && a->clock < a->seconds; n++) {
            if (!correct(a, image))
                break;
        }
        idle = a->strokes == before ? idle + 1 : 0;
        pass(a, idle ? 5 : 2);
        image = next_image(a, image);
    }
}

static void learn_full(struct annotator *a)
{
    unet_error err;
    for (int i = 0; i < a->scene.count; i++) {
        struct canvas *c = &a->scene.canvas[i];
        memcpy(c->labels, c->truth, (size_t)pixels_of(c));
        c->painted = pixels_of(c);
        if (learner_change(a->learner, i,
                           (struct studio_rect){0, 0, c->image->width, c->image->height}, NULL,
                           NULL, NULL, 0, &err))
            stop(&err);
    }
    a->opened = a->scene.count;
    while (a->clock < a->seconds)
        pass(a, 5);
}

/* At most so many images of a set, drawn by seed. */
static void limit(unet_dataset *set, int most)
{
    unet_dataset *rest;
    unet_error err;
    const int count = unet_dataset_count(set);
    if (most < 1 || count <= most)
        return;
    if (unet_dataset_split(set, (double)(count - most) / count, 11, &rest, &err))
        stop(&err);
    unet_dataset_free(rest);
}

/* name=value of the network, of the training, or of what is the learner's own. */
static void set_field(struct learner_recipe *r, char *text)
{
    char *value = strchr(text, '=');
    unet_error err;
    if (!value)
        stop(&(unet_error){.text = "--set NAME=VALUE"});
    *value++ = 0;
    if (!strcmp(text, "strong"))
        r->strong = strtof(value, NULL);
    else if (!strcmp(text, "newest"))
        r->newest = strtof(value, NULL);
    else if (unet_spec_set(&r->spec, text, value, &err) &&
             unet_train_options_set(&r->train, text, value, &err))
        stop(&err);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct wishes {
    const char *images, *masks, *labels;
    int train, test, threads;
    uint64_t seed;
};

static unet_dataset *read_set(const struct wishes *w)
{
    unet_dataset_options options = {
        .size = sizeof(options), .ignore = -1, .only_pairs = 1, .labels = w->labels};
    unet_dataset *set;
    unet_error err;
    if (unet_dataset_open(w->images, w->masks, &options, &set, &err))
        stop(&err);
    return set;
}

static void run(struct annotator *a, const struct wishes *w, char **sets, int set_count)
{
    unet_error err;
    unet_dataset *set = read_set(w);
    const int classes = unet_dataset_labels(set);
    struct learner_recipe recipe = learner_recipe(unet_dataset_channels(set), classes);
    for (int i = 0; i < set_count; i++)
        set_field(&recipe, sets[i]);
    if (unet_dataset_split(set, 0.5, 3, &a->test, &err))
        stop(&err);
    limit(set, w->train);
    limit(a->test, w->test);
    if (scene_create(set, classes, &a->scene, &err))
        stop(&err);
    const struct live_options options = {.threads = w->threads, .seed = w->seed};
    if (learner_create(&a->scene, &options, NULL, &recipe, &a->learner, &err))
        stop(&err);
    a->chance.state = w->seed + 1;
    a->scored_at = 15;
    const double began = now();
    if (a->full)
        learn_full(a);
    else
        annotate(a);
    fprintf(stderr, "%s: %d + %d images, %d classes, %.0f s, %ld steps, %.1f MB\n", a->name,
            a->scene.count, unet_dataset_count(a->test), classes, now() - began,
            learner_steps(a->learner), (double)learner_bytes(a->learner) / 1e6);
    unet_model_free(a->seen);
    learner_free(a->learner);
    scene_release(&a->scene);
    unet_dataset_free(set);
    unet_dataset_free(a->test);
}

int main(int argc, char **argv)
{
    struct annotator a = {.rate = 8, .seconds = 300, .name = "set"};
    struct wishes w = {.train = 20, .test = 20};
    char *sets[32];
    int set_count = 0;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (!strcmp(name, "--full")) {
            a.full = 1;
            continue;
        }
        if (++i == argc)
            stop(&(unet_error){
                .text = "--images DIR --masks DIR [--labels L] [--name N] "
                        "[--train N] [--test N] [--seconds S] [--rate STEPS] "
                        "[--tile N] [--threads N] [--seed N] [--set FIELD=VALUE] [--full]"});
        if (!strcmp(name, "--images"))
            w.images = argv[i];
        else if (!strcmp(name, "--masks"))
            w.masks = argv[i];
        else if (!strcmp(name, "--labels"))
            w.labels = argv[i];
        else if (!strcmp(name, "--name"))
            a.name = argv[i];
        else if (!strcmp(name, "--train"))
            w.train = atoi(argv[i]);
        else if (!strcmp(name, "--test"))
            w.test = atoi(argv[i]);
        else if (!strcmp(name, "--seconds"))
            a.seconds = atof(argv[i]);
        else if (!strcmp(name, "--rate"))
            a.rate = atof(argv[i]);
        else if (!strcmp(name, "--tile"))
            a.tile = atoi(argv[i]);
        else if (!strcmp(name, "--threads"))
            w.threads = atoi(argv[i]);
        else if (!strcmp(name, "--seed"))
            w.seed = (uint64_t)atoll(argv[i]);
        else if (!strcmp(name, "--set") && set_count < 32)
            sets[set_count++] = argv[i];
        else
            stop(&(unet_error){.text = "no such option"});
    }
    if (!w.images || !w.masks)
        stop(&(unet_error){.text = "--images and --masks wanted"});
    run(&a, &w, sets, set_count);
    return 0;
}

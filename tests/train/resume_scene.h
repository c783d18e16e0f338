/* SPDX-License-Identifier: Apache-2.0 */
/* resume_scene.h - trainings that stop and go on, and what they report */
#ifndef RESUME_SCENE_H
#define RESUME_SCENE_H

#include <errno.h>
#include <sys/stat.h>

#include "support/folder.h"
#include "training_set.h"

enum { EPOCHS = 2, STEPS = 4, ALL = EPOCHS * STEPS };

static inline unet_train_options base_options(void)
{
    unet_train_options o = unet_train_options_default(&small_same);
    o.epochs = EPOCHS;
    o.steps_per_epoch = STEPS;
    o.tile = 32;
    o.batch = 2;
    o.augment.rotate = 10;
    o.threads = 1;
    return o;
}

/* Every kind of state that a step can depend on. */
static inline unet_train_options variant(int i)
{
    unet_train_options o = base_options();
    if (i == 1) {
        o.optimizer = UNET_OPTIMIZER_SGD;
        o.nesterov = 1;
        o.average = 0.9f;
        o.accumulate = 3;
        o.schedule = UNET_SCHEDULE_COSINE;
        o.warmup = 3;
    } else if (i == 2) {
        o.optimizer = UNET_OPTIMIZER_RMSPROP;
        o.schedule = UNET_SCHEDULE_PLATEAU;
        o.clip = 0.5f;
        o.bias_rate = 2;
        o.weight_decay = 0.01f;
    }
    return o;
}

enum { VARIANTS = 3 };

/* What one or more runs reported. */
struct history {
    double loss[ALL + 1]; /* of step 1, 2, ... */
    double score[EPOCHS + 1], epoch_loss[EPOCHS + 1];
    int stop_at, begin_epoch;
    long begin_step;
    unet_train_end end;
};

static inline int record(void *context, const unet_progress *p)
{
    struct history *h = context;
    if (p->event == UNET_EVENT_BEGIN) {
        h->begin_epoch = p->epoch;
        h->begin_step = p->step;
    }
    if (p->event == UNET_EVENT_STEP)
        h->loss[p->step] = p->step_loss;
    if (p->event == UNET_EVENT_EPOCH) {
        h->score[p->epoch] = p->score;
        h->epoch_loss[p->epoch] = p->loss;
    }
    h->end = p->end;
    return p->event == UNET_EVENT_STEP && h->stop_at && p->step >= h->stop_at;
}

struct scene {
    unet_dataset *set, *val;
};

static inline struct scene scene_create(void)
{
    return (struct scene){make_dataset(2, 40, 50, 1), make_dataset(1, 40, 50, 1)};
}

static inline void scene_release(struct scene *s)
{
    free_dataset(s->set);
    free_dataset(s->val);
}

/* Trains a new model; its weights, for the caller to free. */
static inline float *run(const struct scene *s, const unet_train_options *o, int resume,
                         bool validate, struct history *h, size_t *bytes)
{
    unet_model *model = make_model(&small_same, resume ? 99 : 1);
    unet_error err;
    const unet_train_job job = {.model = model,
                                .dataset = s->set,
                                .validation = validate ? s->val : NULL,
                                .best_path = in_folder("best.safetensors"),
                                .last_path = in_folder("last.safetensors"),
                                .checkpoint_path = in_folder("checkpoint"),
                                .resume = resume,
                                .progress = record,
                                .context = h};
    if (unet_train(&job, o, &err))
        fail_msg("%s", err.text);
    *bytes = model->graph.values * sizeof(float);
    float *values = malloc(*bytes);
    memcpy(values, model->values, *bytes);
    unet_model_free(model);
    return values;
}

static inline void expect_same(const struct history *a, const struct history *b, int v, int stop)
{
    for (int i = 1; i <= ALL; i++)
        if (memcmp(&a->loss[i], &b->loss[i], sizeof(double)))
            fail_msg("variant %d, stopped at %d: loss of step %d is %.17g, wanted %.17g", v, stop,
                     i, b->loss[i], a->loss[i]);
    for (int i = 1; i <= EPOCHS; i++)
        if (memcmp(&a->score[i], &b->score[i], sizeof(double)) ||
            memcmp(&a->epoch_loss[i], &b->epoch_loss[i], sizeof(double)))
            fail_msg("variant %d, stopped at %d: epoch %d scores %.17g, loss %.17g, wanted %.17g, "
                     "%.17g",
                     v, stop, i, b->score[i], b->epoch_loss[i], a->score[i], a->epoch_loss[i]);
}

static inline unsigned char *read_bytes(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s: %s", path, strerror(errno));
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    unsigned char *bytes = malloc(*size + 1);
    rewind(file);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

#endif

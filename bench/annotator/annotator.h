/* SPDX-License-Identifier: Apache-2.0 */
/*
 * annotator.h - a person who paints, from true masks, to measure how `unet studio` learns
 *
 *     scene.c    images, true masks and what is painted, as a project that the learner reads
 *     strokes.c  a stroke as a hand would draw it
 *     annotator.c  what the person does, in which order, and what it costs
 */
#ifndef ANNOTATOR_H
#define ANNOTATOR_H

#include "studio/live/learner.h"

/* Of one image. */
struct canvas {
    const unet_image *image;
    const uint8_t *truth;
    uint8_t *labels; /* painted, UNET_IGNORE: not */
    int64_t painted;
    struct studio_image what;
};

struct studio {
    const unet_dataset *set;
    struct canvas *canvas;
    int count, classes;
};

unet_code scene_create(const unet_dataset *set, int classes, struct studio *scene, unet_error *err);
void scene_release(struct studio *scene);

/* A stroke: a line of a round brush. */
enum { STROKE_POINTS = 128 };
struct stroke {
    int label, count;
    float radius, length;
    float x[STROKE_POINTS], y[STROKE_POINTS];
};

/* Paints it; what may have changed is returned. */
struct studio_rect scene_paint(struct canvas *canvas, const struct stroke *stroke);

/* Numbers of a stream, the same for the same seed. */
struct chance {
    uint64_t state;
};
double chance_next(struct chance *chance); /* 0..1 */

/*
 * A stroke within the pixels of class `label` where wanted [height][width] is not 0: along the
 * thick of the largest part of them, or of any part (anywhere).  Returns how much all of them are
 * worth a stroke: each part that a person cares for at least 1.
 */
double stroke_find(const struct canvas *canvas, const uint8_t *wanted, int label, int anywhere,
                   struct chance *chance, struct stroke *stroke);

#endif

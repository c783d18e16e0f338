/* SPDX-License-Identifier: Apache-2.0 */
/* demo.h - what the parts of unet demo share */
#ifndef DEMO_H
#define DEMO_H

#include <stdint.h>

#include "shared/cli.h"
#include "train/train_report.h"

enum { DEMO_TRAIN = 24, DEMO_TEST = 8, DEMO_SIDE = 256, DEMO_EPOCHS_KEPT = 1000 };

struct demo_settings {
    double time;
    int bits; /* index: 0: 8, 1: 16 */
    struct common_settings common;
};

/* A test image: scores, and the paths of the pictures for the page. */
struct demo_picture {
    char name[32];
    double dice, otsu_dice;
    int cells;
    char *image, *truth, *prediction, *errors;
};

struct demo {
    const struct demo_settings *settings;
    const char *dir;
    unet_model *model;
    char *model_path;
    struct demo_picture pictures[DEMO_TEST];
    struct train_epoch epochs[DEMO_EPOCHS_KEPT];
    struct train_report report;
    int train_images, val_images, train_cells;
    double dice, iou, accuracy, otsu_dice; /* over all pixels of the test images */
    double make_seconds, train_seconds, predict_seconds;
};

/* Each returns an exit status and has said what went wrong. */
int demo_make_folder(const char *dir);   /* refuses a folder with other things in it */
int demo_make_images(struct demo *demo); /* images/ masks/ instances/ test/ */
int demo_train(struct demo *demo);       /* model.safetensors */
int demo_predict(struct demo *demo);     /* predictions/ overlays/, scores */
int demo_write_page(const struct demo *demo, const char *path);

/* ---- cells.c ---- */

/* Pictures of cells under a microscope, made up, with the truth about each pixel. */

struct cells_options {
    int height, width; /* 32..8192 */
    int deep;          /* 1: 16-bit samples (12 bits of them used), 0: 8-bit */
    uint64_t seed;     /* the same seed makes the same bytes */
};

/* All arrays are [height][width], from malloc; release with cells_release(). */
struct cells {
    int height, width, count; /* count: cells to be seen */
    uint8_t *image8;          /* NULL when deep */
    uint16_t *image16;        /* NULL when not deep */
    uint8_t *mask;            /* 255: cell, 0: none */
    uint16_t *instances;      /* 0: no cell, else 1..count */
};

/* 0: not enough memory. */
int cells_make(const struct cells_options *options, struct cells *cells);
void cells_release(struct cells *cells);

/* ---- otsu.c: the threshold that people use before they use a network ---- */

/*
 * The threshold of 8-bit pixels that parts them into the two most distinct groups (Otsu 1979);
 * pixels above it are foreground.
 */
int otsu_threshold(const uint8_t *image, int count);

#endif

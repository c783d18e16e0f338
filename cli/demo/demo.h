/* SPDX-License-Identifier: Apache-2.0 */
/* demo.h - what the parts of unet demo share */
#ifndef DEMO_H
#define DEMO_H

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
int demo_test(struct demo *demo);        /* predictions/ overlays/, scores */
int demo_write_page(const struct demo *demo, const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* demo_report.c - the page that unet demo leaves */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo/demo.h"
#include "html/html_page.h"
#include "shared/network_options.h"
#include "shared/paths.h"
#include "shared/text_file.h"
#include "shared/progress.h"
#include "unet_fields.h"

static void write_figures(const struct demo *demo, FILE *out)
{
    char text[32];
    unet_cost cost;
    int layers = 0;

    html_figures_begin(out);
    snprintf(text, sizeof(text), "%.3f", demo->dice);
    html_figure(out, text, "Dice of cells on images it has not seen");
    snprintf(text, sizeof(text), "%.3f", demo->otsu_dice);
    html_figure(out, text, "Dice of cells by a global threshold (Otsu's)");
    html_figure(out, format_seconds(demo->train_seconds, text), "of training on this machine");
    if (!unet_spec_cost(unet_model_spec(demo->model), DEMO_SIDE, DEMO_SIDE, 1, &cost, NULL, &layers,
                        NULL))
        html_figure(out, format_count(cost.parameters, text), "parameters in the network");
    html_figures_end(out);
}

static void write_pictures(const struct demo *demo, FILE *out, int *ok)
{
    static const char *const captions[] = {"image", "truth", "prediction", "errors"};

    html_heading(out, "Images the network has not seen");
    html_paragraph(out, "Truth and prediction are drawn over the image in blue. Errors: red is "
                        "cell that was missed, yellow is background that was taken for cell.");
    html_gallery_begin(out, 4);
    for (int i = 0; i < DEMO_TEST; i++) {
        const struct demo_picture *picture = &demo->pictures[i];
        const char *const paths[] = {picture->image, picture->truth, picture->prediction,
                                     picture->errors};

        for (int k = 0; k < 4; k++) {
            char caption[96], alt[96];

            snprintf(caption, sizeof(caption), "%s", captions[k]);
            if (k == 0)
                snprintf(caption, sizeof(caption), "%s, %d cell%s", picture->name, picture->cells,
                         plural(picture->cells, "s"));
            if (k == 2)
                snprintf(caption, sizeof(caption), "prediction, Dice %.3f", picture->dice);
            snprintf(alt, sizeof(alt), "%s: %s", picture->name, captions[k]);
            *ok = html_image(out, paths[k], alt, caption) && *ok;
        }
    }
    html_gallery_end(out);
}

static int write_curves(const struct demo *demo, FILE *out)
{
    int count = demo->report.epoch_count;
    double *x = calloc((size_t)count * 4 + 1, sizeof(*x)), *loss = x + count;
    double *dice = x + 2 * count, *iou = x + 3 * count;

    if (!x)
        return 0;
    for (int i = 0; i < count; i++) {
        x[i] = demo->epochs[i].seconds;
        loss[i] = demo->epochs[i].loss;
        dice[i] = demo->epochs[i].val_dice;
        iou[i] = demo->epochs[i].val_iou;
    }
    struct html_series losses = {"training loss (cross-entropy)", x, loss, count};
    struct html_series scores[] = {{"Dice", x, dice, count}, {"IoU", x, iou, count}};

    html_heading(out, "How it learned");
    html_charts_begin(out);
    html_chart(out,
               &(struct html_chart){
                   .title = "Loss", .x_label = "seconds", .series = &losses, .series_count = 1});
    html_chart(out, &(struct html_chart){.title = "Held-out images",
                                         .x_label = "seconds",
                                         .series = scores,
                                         .series_count = 2,
                                         .y_high = 1});
    html_charts_end(out);
    free(x);
    return 1;
}

static void write_scores(const struct demo *demo, FILE *out)
{
    char text[DEMO_TEST + 2][4][32];
    const char *cells[DEMO_TEST + 2][4] = {{"image", "cells", "U-Net", "Otsu"}};
    int total = 0;

    for (int i = 0; i < DEMO_TEST; i++) {
        const struct demo_picture *picture = &demo->pictures[i];

        snprintf(text[i + 1][0], 32, "%s", picture->name);
        snprintf(text[i + 1][1], 32, "%d", picture->cells);
        snprintf(text[i + 1][2], 32, "%.4f", picture->dice);
        snprintf(text[i + 1][3], 32, "%.4f", picture->otsu_dice);
        total += picture->cells;
    }
    snprintf(text[DEMO_TEST + 1][0], 32, "all pixels");
    snprintf(text[DEMO_TEST + 1][1], 32, "%d", total);
    snprintf(text[DEMO_TEST + 1][2], 32, "%.4f", demo->dice);
    snprintf(text[DEMO_TEST + 1][3], 32, "%.4f", demo->otsu_dice);
    for (int row = 1; row < DEMO_TEST + 2; row++)
        for (int column = 0; column < 4; column++)
            cells[row][column] = text[row][column];

    html_heading(out, "Scores");
    html_paragraph(out,
                   "Dice of cell pixels. Otsu's threshold parts the grey values of an image "
                   "into two groups as well as one number can; it is what one would try "
                   "first. The U-Net's IoU is %.4f, %.2f %% of all pixels are right.",
                   demo->iou, 100 * demo->accuracy);
    html_table(out, cells[0], DEMO_TEST + 2, 4);
}

static void write_method(const struct demo *demo, FILE *out)
{
    const struct demo_settings *settings = demo->settings;
    char spec[256], make[24], train[24], predict[24];

    network_describe(unet_model_spec(demo->model), spec, sizeof(spec));
    html_heading(out, "What was done");
    html_paragraph(out,
                   "%d images of %dx%d pixels with %d cells were made up (%d bits, seed %llu): "
                   "uneven light, shot noise, blur, touching neighbours, faint cells, specks, "
                   "fibres and haze. %d images trained the network, %d chose its best state, and "
                   "%d more, made from other seeds, gave the scores above.",
                   DEMO_TRAIN, DEMO_SIDE, DEMO_SIDE, demo->train_cells, settings->bits ? 16 : 8,
                   (unsigned long long)settings->common.seed, demo->train_images, demo->val_images,
                   DEMO_TEST);
    html_paragraph(out, "Network: %s.", spec);
    html_paragraph(out,
                   "Time: %s to make the images, %s for %ld training steps, %s to segment %d "
                   "images, on the instruction set %s.",
                   format_seconds(demo->make_seconds, make),
                   format_seconds(demo->train_seconds, train), demo->report.steps,
                   format_seconds(demo->predict_seconds, predict), DEMO_TEST, unet_isa());
}

int demo_write_page(const struct demo *demo, const char *path)
{
    struct text_file file;
    int ok = 1, finished;

    if (!text_file_begin(&file, path))
        return fail_text("%s: cannot be written: %s", path, strerror(errno));
    html_begin(file.stream, "U-Net demo: cells under a microscope",
               "A network trained from nothing on this machine, and tried on new images.");
    write_figures(demo, file.stream);
    write_pictures(demo, file.stream, &ok);
    ok = write_curves(demo, file.stream) && ok;
    write_scores(demo, file.stream);
    write_method(demo, file.stream);
    html_heading(file.stream, "The same on your own images");
    html_paragraph(file.stream, "Put images in one folder and their masks, named alike, in "
                                "another: 0 is background and 255 is cell, or the numbers of "
                                "classes.");
    html_code(file.stream, "unet train   --images images/ --masks masks/ -o cells.safetensors\n"
                           "unet predict cells.safetensors new/*.png -o found/\n"
                           "unet eval    cells.safetensors --images test/images --masks "
                           "test/masks");
    html_end(file.stream);
    finished = text_file_finish(&file);
    if (!ok)
        return fail_text("%s: a picture for it cannot be read", path);
    return finished ? EXIT_DONE : fail_text("%s: cannot be written: %s", path, strerror(errno));
}

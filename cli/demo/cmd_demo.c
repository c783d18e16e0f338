/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_demo.c - unet demo: the whole road on made-up microscopy, from images to a page of results */
#include <stdio.h>
#include <stdlib.h>

#include "demo/demo.h"
#include "shared/cli.h"
#include "shared/device.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/say.h"

static const char *const bits_words[] = {"8", "16", NULL};

#define AT(field) offsetof(struct demo_settings, field)

static const struct option_row demo_options[] = {
    OPT_DURATION("time", AT(time), "D", "how long to train, such as 40s or 2m [60s]"),
    OPT_CHOICE("bits", AT(bits), bits_words, "of the images made [8]"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

static void tell(const struct demo *demo, const char *text)
{
    if (!demo->settings->common.quiet)
        say(stderr, "%s\n", text);
}

static int report(const struct demo *demo, const char *page)
{
    if (demo->settings->common.json) {
        json_t *row = json_pack(
            "{so so so so so so so}", "page", json_path(page), "model", json_path(demo->model_path),
            "dice", json_number_short(demo->dice), "iou", json_number_short(demo->iou), "accuracy",
            json_number_short(demo->accuracy), "otsu_dice", json_number_short(demo->otsu_dice),
            "train_seconds", json_number_short(demo->train_seconds));

        return json_print(row) ? EXIT_DONE : fail_memory();
    }
    say(stdout, "Dice of cells on %d unseen images: %.4f (Otsu's threshold: %.4f)\n", DEMO_TEST,
        demo->dice, demo->otsu_dice);
    say(stdout, "Look at %s\n", page);
    return EXIT_DONE;
}

static int run_steps(struct demo *demo, const char *page)
{
    char text[160];
    int status = demo_make_folder(demo->dir);

    if (status)
        return status;
    snprintf(text, sizeof(text), "making %d images of cells, and %d to test on", DEMO_TRAIN,
             DEMO_TEST);
    tell(demo, text);
    if ((status = demo_make_images(demo)))
        return status;
    interrupt_watch();
    tell(demo, "training");
    if ((status = demo_train(demo)))
        return status;
    tell(demo, "segmenting the test images");
    if ((status = demo_predict(demo)) || (status = demo_write_page(demo, page)))
        return status;
    return report(demo, page);
}

static int run_demo(const struct command *command, int argc, char **argv)
{
    struct demo_settings settings = {.time = 60};
    struct demo *demo;
    char *page;
    int operands, status;

    if (!options_parse(command, argc, argv, &settings, &operands, &status) ||
        (status = device_begin(&settings.common)) != EXIT_DONE)
        return status;
    demo = calloc(1, sizeof(*demo));
    page = path_join(argv[0], "report.html");
    if (demo)
        demo->model_path = path_join(argv[0], "model.safetensors");
    if (demo && page && demo->model_path) {
        demo->settings = &settings;
        demo->dir = argv[0];
        status = run_steps(demo, page);
    } else {
        status = fail_memory();
    }
    for (int i = 0; demo && i < DEMO_TEST; i++) {
        free(demo->pictures[i].image);
        free(demo->pictures[i].truth);
        free(demo->pictures[i].prediction);
        free(demo->pictures[i].errors);
    }
    if (demo) {
        unet_model_free(demo->model);
        free(demo->model_path);
    }
    free(demo);
    free(page);
    return status;
}

const struct command command_demo = {
    .name = "demo",
    .arguments = "DIR [options]",
    .summary = "train and test on made-up microscopy, leave a page to look at",
    .about = "Makes up images of cells, trains a small network on them for a minute, segments "
             "images it has not seen, and writes DIR/report.html. DIR is new, empty, or of an "
             "earlier demo.",
    .options = demo_options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_demo,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eval.c - unet eval: how well a model does on images whose masks are known */
#include <errno.h>
#include <string.h>

#include "eval/eval_job.h"
#include "shared/device.h"
#include "shared/paths.h"
#include "unet_fields.h"

#define AT(field) offsetof(struct eval_settings, field)

static const char *const connectivity_words[] = {"4", "8", NULL};

static const struct option_row eval_options[] = {
    OPT_STRING("images", AT(images), "DIR", NULL),
    OPT_STRING("masks", AT(masks), "DIR", "images and masks, paired by file name"),
    OPT_FLAG("held-out", AT(held_out), "a run, or its folds, on what it never trained on"),
    OPT_FLAG("only-pairs", AT(only_pairs), "go without images that have no mask"),
    OPT_FLAG("as-stored", AT(as_stored), "turn nothing by EXIF, NIfTI or GeoTIFF headers"),
    OPT_PAIR(AT(pair)),
    OPT_STRING("predicted", AT(predicted), "DIR", "score these masks; no model, no images"),
    OPT_STRING("labels", AT(labels), "L", "what mask values mean: 'background=0,cell=255'"),
    OPT_STRING("predicted-labels", AT(predicted_labels), "L", "the same of --predicted"),
    OPT_STRING("ignore", AT(ignore), "V", "mask value without a label: 255, -1, nan"),
    OPT_STRING("fill", AT(fill), "V", "sample that is no data: -9999, nan [declared, as trained]"),
    OPT_FIELD_FROM("tile", AT(session), &said_session, "tile", 1, "N",
                   "side of tiles; told where results change"),
    OPT_FIELD("tta", AT(session), &said_session, "tta", NULL,
              "average over 4 mirrored, 8 turned views [as trained]"),
    OPT_LETTER(0, "csv", AT(csv), "FILE", "a table with a row for each image"),
    OPT_HEADING("Objects (found by themselves when masks number them):"),
    OPT_FLAG("objects", AT(objects), "score objects: F1, AP, panoptic quality, SEG"),
    OPT_FLAG("split", AT(split), NULL),
    OPT_INT("min-area", AT(minimum_area), 1, 1000000000, "PX",
            "predicted ones: cut at necks; drop smaller ones"),
    OPT_HEADING("Boundaries:"),
    OPT_FLAG("isbi", AT(isbi), NULL),
    OPT_STRING("boundary", AT(boundary), "CLASS",
               "the scores of ISBI 2012; class of the lines [0]"),
    OPT_CHOICE("connectivity", AT(connectivity), connectivity_words, "of what they enclose [4]"),
    OPT_INT("warp", AT(warp), 0, 65536, "PX", "farthest that a line may be warped [0: any]"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

static int check(const struct command *command, const struct eval_settings *settings, int operands)
{
    if (settings->held_out && (settings->predicted || !operands))
        return usage_error(command, "--held-out is for a RUN, the folder of a training");
    if (!settings->masks && !settings->held_out)
        return usage_error(command, "--masks DIR is missing");
    if (!settings->held_out &&
        (settings->predicted ? operands || settings->images : !operands || !settings->images))
        return usage_error(command, settings->predicted
                                        ? "--predicted takes no MODEL and no --images"
                                        : "a MODEL and --images, or --predicted, wanted");
    if (settings->csv && !path_writable(settings->csv))
        return fail_text("%s: %s", settings->csv, strerror(errno));
    return EXIT_DONE;
}

static int run_eval(const struct command *command, int argc, char **argv)
{
    struct eval_settings settings = {.connectivity = -1};
    struct eval eval = {0};
    int operands, status;

    if (!options_parse(command, argc, argv, &settings, &operands, &status) ||
        (status = check(command, &settings, operands)) != EXIT_DONE ||
        (status = device_begin(&settings.common)) != EXIT_DONE)
        return status;
    interrupt_watch();
    status = eval_run_jobs(&settings, argv[0], &eval);
    eval_release(&eval);
    return status;
}

const struct command command_eval = {
    .name = "eval",
    .arguments = "MODEL --images DIR --masks DIR [options]",
    .summary = "score a model on images whose masks are known",
    .about = "Predicts every image and compares with its mask: Dice, IoU, precision and recall of "
             "each class over all pixels of the set, their mean without class 0 with its 95 % "
             "interval over images, and the share of right pixels.  docs/scores.md defines all.",
    .options = eval_options,
    .min_operands = 0,
    .max_operands = 1,
    .run = run_eval,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_augment.c - unet augment: a sheet of the tiles that training would show the network
 *
 * Samples go over the images evenly.  All of a sample's panels have the greys of the same place
 * without changes (its 0.5 and 99.5 percentiles are black and white), so that what augmentation
 * does to greys is seen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "augment/augment_sheet.h"
#include "recipe/augment_options.h"
#include "recipe/presets.h"
#include "shared/cli.h"
#include "shared/notes.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "shared/say.h"

struct augment_command {
    const char *images, *masks, *preview, *labels, *channels;
    const char *pair[2];
    const char *ignore;
    int only_pairs, as_stored, preset, count, tile;
    struct augment_settings augment;
    struct common_settings common;
};

#define AT(field) offsetof(struct augment_command, field)

static const struct option_row command_options[] = {
    OPT_REQUIRED(0, "images", AT(images), "DIR", NULL),
    OPT_REQUIRED(0, "masks", AT(masks), "DIR", "images and masks, paired by file name"),
    OPT_FLAG("only-pairs", AT(only_pairs), NULL),
    OPT_TWO("pair", AT(pair), "IMAGE MASK", "which mask is whose, as unet train"),
    OPT_FLAG("as-stored", AT(as_stored), NULL),
    OPT_REQUIRED(0, "preview", AT(preview), "PNG", "the sheet: .png or .tif"),
    OPT_INT("count", AT(count), 1, 1000, "N", NULL),
    OPT_INT("tile", AT(tile), 8, 2048, "N", "tiles to draw [12]; their side in pixels [256]"),
    OPT_STRING("channels", AT(channels), "C", "of the images: 0,2; pages: a file's are channels"),
    OPT_STRING("labels", AT(labels), "L", "what mask values mean: 'background=0,cell=255'"),
    OPT_STRING("ignore", AT(ignore), "V", "mask value without a label: 255, -1, nan"),
    OPT_CHOICE("preset", AT(preset), preset_words, "start from its changes and weights [auto]"),
    OPT_TABLE(AT(augment), augment_options),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

/* The recipe's options, with what was given in their place. */
static unet_code choose_options(const struct augment_command *given, const unet_dataset *dataset,
                                struct recipe *recipe, unet_error *err)
{
    const struct network_settings none = {.class_names = NULL};
    unet_survey *survey = NULL;
    unet_code code = unet_survey_dataset(dataset, NULL, &survey, err);

    if (code)
        return code;
    const struct preset_facts facts = {.data = unet_survey_all(survey), .seconds = 600};
    preset_make((enum preset)given->preset, &facts, &none, recipe);
    recipe->options.seed = given->common.seed;
    augment_apply(&given->augment, &recipe->options);
    unet_survey_free(survey);
    return UNET_OK;
}

static unet_code draw_all(const struct augment_command *given, const unet_dataset *dataset,
                          const unet_train_options *options, struct sheet *sheet, unet_error *err)
{
    int images = unet_dataset_count(dataset);
    unet_code code = UNET_OK;

    for (int k = 0; k < given->count && !code; k++) {
        int i = given->count < images ? (int)((long)k * images / given->count) : k % images;

        code = sheet_draw(sheet, dataset, i, options, k, err);
    }
    return code;
}

static unet_code report_json(const struct augment_command *given, const struct sheet *sheet,
                             const char *masks, unet_error *err)
{
    json_t *row =
        json_pack("{so ss si sb sf}", "preview", json_path(given->preview), "masks", masks, "count",
                  given->count, "weights", sheet->heat, "largest_weight", (double)sheet->most);

    if (json_print(row))
        return UNET_OK;
    return set_error(err, UNET_ENOMEM, "not enough memory");
}

static int make_sheet(const struct augment_command *given)
{
    const unet_dataset_options data = {.size = sizeof(data),
                                       .ignore = -1,
                                       .ignore_value = given->ignore,
                                       .labels = given->labels,
                                       .only_pairs = given->only_pairs,
                                       .channels = given->channels,
                                       .threads = given->common.threads,
                                       .as_stored = given->as_stored,
                                       .pair_image = given->pair[0],
                                       .pair_mask = given->pair[1]};
    unet_dataset *dataset = NULL;
    struct recipe recipe;
    struct sheet sheet = {0};
    unet_error err;
    unet_code code =
        open_noting(given->images, given->masks, &data, given->common.quiet, &dataset, &err);

    if (!code && !(code = choose_options(given, dataset, &recipe, &err))) {
        const unet_border *border = &recipe.options.border;
        int heat = border->weight > 0 || border->near_weight > 0;

        code = sheet_create(&sheet, given->count, given->tile, heat, unet_dataset_labels(dataset),
                            &err);
        if (!code && !(code = draw_all(given, dataset, &recipe.options, &sheet, &err))) {
            sheet_finish(&sheet);
            code = unet_image_write(given->preview, &sheet.image, &err);
        }
    }
    if (!code && given->common.json)
        code = report_json(given, &sheet, unet_dataset_coding_text(dataset), &err);
    else if (!code && !given->common.quiet) {
        say(stderr, "masks      %s\n", unet_dataset_coding_text(dataset));
        say(stderr, "sheet      %s: %d tile%s, each with its mask%s\n", given->preview,
            given->count, plural(given->count, "s"), sheet.heat ? " and its weights" : "");
        if (sheet.heat)
            say(stderr, "weights    black 0, white %.3g\n", (double)sheet.most);
    }
    sheet_release(&sheet);
    unet_dataset_free(dataset);
    return finish_output(code ? fail(&err) : EXIT_DONE);
}

static int run_augment(const struct command *command, int argc, char **argv)
{
    static const char *const endings[] = {".png", ".tif", ".tiff", NULL};
    struct augment_command given = {.preset = PRESET_AUTO, .count = 12, .tile = 256};
    const char *conflict;
    int operands, status;

    if (!options_parse(command, argc, argv, &given, &operands, &status))
        return status;
    if ((conflict = augment_conflict(&given.augment)))
        return usage_error(command, "%s exclude each other", conflict);
    if (!path_has_ending(given.preview, endings))
        return usage_error(command, "--preview: found \"%s\", wanted a name ending in .png or .tif",
                           given.preview);
    if (!path_writable(given.preview))
        return fail_text("%s: cannot be written: %s", given.preview, strerror(errno));
    return make_sheet(&given);
}

const struct command command_augment = {
    .name = "augment",
    .arguments = "--images DIR --masks DIR --preview PNG [options]",
    .summary = "draw a sheet of the tiles that training sees",
    .about =
        "Draws tiles as unet train does, each beside itself with the outlines of its mask, and "
        "with weights between objects a picture of the weights.",
    .options = command_options,
    .run = run_augment,
};

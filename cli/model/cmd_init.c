/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_init.c - unet init: a new model file with random weights */
#include <stdio.h>

#include "shared/class_names.h"
#include "shared/cli.h"
#include "shared/device.h"
#include "shared/json_out.h"
#include "shared/network_options.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "shared/say.h"

struct init_settings {
    const char *output;
    struct network_settings network;
    struct common_settings common;
};

#define AT(field) offsetof(struct init_settings, field)

static const struct option_row init_options[] = {
    OPT_REQUIRED('o', "output", AT(output), "MODEL", "the model file to write"),
    OPT_HEADING("network:"),
    OPT_TABLE(AT(network), network_options),
    OPT_HEADING("networks from elsewhere:"),
    OPT_TABLE(AT(network), network_more_options),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

static int report(const struct init_settings *settings, const unet_model *model)
{
    const unet_spec *spec = unet_model_spec(model);
    unet_cost cost;
    unet_error err;
    int layer_count = 0;
    char text[256], count[32];

    /* 1 x 1 asks for the smallest input there is */
    if (unet_spec_cost(spec, 1, 1, 1, &cost, NULL, &layer_count, &err))
        return fail(&err);
    if (settings->common.json) {
        json_t *row = json_pack("{so so sI}", "model", json_path(settings->output), "spec",
                                json_spec(spec), "parameters", (json_int_t)cost.parameters);

        return json_print(row) ? EXIT_DONE : fail_memory();
    }
    network_describe(spec, text, sizeof(text));
    if (!settings->common.quiet)
        say(stderr, "%s: %s; %s parameters\n", settings->output, text,
            format_count(cost.parameters, count));
    return EXIT_DONE;
}

static int run_init(const struct command *command, int argc, char **argv)
{
    struct init_settings settings = {.common.seed = 0};
    unet_model *model = NULL;
    unet_error err;
    unet_spec spec;
    int operands, status;

    if (!options_parse(command, argc, argv, &settings, &operands, &status) ||
        (status = class_names_check(&settings.network, command)) != EXIT_DONE ||
        (status = device_begin(&settings.common)) != EXIT_DONE)
        return status;
    if (path_is_foreign(settings.output))
        return usage_error(command,
                           "--output: found \"%s\", but a model is written as safetensors; "
                           "unet convert writes the others",
                           settings.output);
    spec = network_spec(&settings.network, unet_spec_default());
    if (unet_model_create(&spec, settings.common.seed, &model, &err) ||
        class_names_give(&settings.network, model, &err) ||
        unet_model_save(model, settings.output, &err))
        status = fail(&err);
    else
        status = report(&settings, model);
    unet_model_free(model);
    return status;
}

const struct command command_init = {
    .name = "init",
    .arguments = "-o MODEL [options]",
    .summary = "make a model file with random weights",
    .about = "Writes a model with random weights (He et al. 2015). Without options it is the "
             "network of the U-Net paper: 1 channel, 2 classes, width 64, depth 4, unpadded.",
    .options = init_options,
    .run = run_init,
};

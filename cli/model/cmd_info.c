/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_info.c - unet info: what a model file holds and what a network costs */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/models.h"
#include "shared/cli.h"
#include "shared/device.h"
#include "shared/json_out.h"
#include "shared/network_options.h"
#include "shared/progress.h"
#include "shared/say.h"
#include "unet_embed.h"

struct info_settings {
    int size[2], batch, devices;
    struct network_settings network;
    struct common_settings common;
};

#define AT(field) offsetof(struct info_settings, field)

static const struct option_row info_options[] = {
    OPT_SIZE("size", AT(size), 1, 65536, "HxW", "size of the input [572x572]"),
    OPT_INT("batch", AT(batch), 1, 4096, "N", "inputs at a time [1]"),
    OPT_FLAG("devices", AT(devices), "what networks can run on here, and which one is taken"),
    OPT_HEADING("network, when no MODEL is given:"),
    OPT_TABLE(AT(network), network_options),
    OPT_HEADING("networks from elsewhere:"),
    OPT_TABLE(AT(network), network_more_options),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

/* A network, its price, and the file it is from (NULL: none). */
struct info {
    const char *path;
    const unet_model *model;
    unet_origin origin;     /* of a model */
    unet_package_test test; /* of a bioimage.io package, and in words */
    char tested[512];
    unet_spec spec;
    unet_cost cost;
    unet_layer *layers;
    int layer_count;
};

static int measure(const struct info_settings *settings, struct info *info)
{
    unet_error err;

    if (unet_spec_cost(&info->spec, settings->size[0], settings->size[1], settings->batch,
                       &info->cost, NULL, &info->layer_count, &err))
        return fail(&err);
    info->layers = calloc((size_t)info->layer_count, sizeof(*info->layers));
    if (!info->layers)
        return fail_memory();
    if (unet_spec_cost(&info->spec, settings->size[0], settings->size[1], settings->batch,
                       &info->cost, info->layers, &info->layer_count, &err))
        return fail(&err);
    return EXIT_DONE;
}

static int print_json(const struct info_settings *settings, const struct info *info)
{
    const unet_cost *cost = &info->cost;
    json_t *layers = json_array(), *root;

    for (int i = 0; i < info->layer_count; i++) {
        const unet_layer *layer = &info->layers[i];

        json_array_append_new(
            layers, json_pack("{ss ss s[iii] sI sI}", "name", layer->name, "op", layer->op,
                              "output", layer->height, layer->width, layer->channels, "parameters",
                              (json_int_t)layer->parameters, "macs", (json_int_t)layer->macs));
    }
    root = json_pack("{so s[ii] s[ii] si sI sI sI sI so}", "spec", json_spec(&info->spec), "input",
                     cost->in_height, cost->in_width, "output", cost->out_height, cost->out_width,
                     "batch", settings->batch, "parameters", (json_int_t)cost->parameters, "macs",
                     (json_int_t)cost->macs, "predict_bytes", (json_int_t)cost->predict_bytes,
                     "train_bytes", (json_int_t)cost->train_bytes, "layers", layers);
    if (info->model) {
        json_t *trained = json_loads(unet_model_settings(info->model), 0, NULL);
        char fill[32], samples[512];

        json_object_set_new(root, "model", json_path(info->path));
        json_object_set_new(root, "format", json_string(info->origin.format));
        json_object_set_new(root, "guessed", origin_json(&info->origin));
        if (info->test.made)
            json_object_set_new(root, "package_test",
                                json_pack("{ss sf sf}", "compared", info->test.compared,
                                          "difference", info->test.difference, "largest",
                                          info->test.largest));
        json_object_set_new(root, "classes", json_classes(info->model));
        unet_model_fill_text(info->model, fill, sizeof(fill));
        unet_model_samples_text(info->model, samples, sizeof(samples));
        json_object_set_new(root, "samples", json_string(samples));
        json_object_set_new(root, "fill", *fill ? json_string(fill) : json_null());
        json_object_set_new(root, "settings", trained ? trained : json_null());
    }
    return json_print(root) ? EXIT_DONE : fail_memory();
}

static void print_classes(const unet_model *model)
{
    say(stdout, "classes    ");
    for (int label = 0; label < unet_model_labels(model); label++) {
        uint8_t rgb[3];
        const char *name = unet_model_class(model, label, rgb);

        say(stdout, "%s%d%s%s #%02x%02x%02x", label ? ", " : "", label, *name ? " " : "", name,
            rgb[0], rgb[1], rgb[2]);
    }
    putchar('\n');
}

/* Settings are one JSON object: printed as "key value" pairs that wrap at 80 columns. */
static void print_trained(const unet_model *model)
{
    json_t *trained = json_loads(unet_model_settings(model), 0, NULL), *value;
    const char *key;
    int column = 11;
    char fill[32], samples[512];

    unet_model_samples_text(model, samples, sizeof(samples));
    say(stdout, "samples    %s\n", samples);
    if (!json_is_object(trained)) {
        say(stdout, "training   none, the weights are as they were made or read\n");
        json_decref(trained);
        return;
    }
    unet_model_fill_text(model, fill, sizeof(fill));
    if (*fill)
        say(stdout, "fill       samples of %s are no data\n", fill);
    say(stdout, "training   ");
    json_object_foreach(trained, key, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
        int length = (int)(strlen(key) + 1 + strlen(text ? text : ""));

        if (column + length + 2 > 79 && column > 11)
            column = 11 + say(stdout, "\n%11s", "") - 12;
        column += say(stdout, "%s %s  ", key, text ? text : "");
        free(text);
    }
    putchar('\n');
    json_decref(trained);
}

static void print_table(const struct info_settings *settings, const struct info *info)
{
    const unet_cost *cost = &info->cost;
    char a[32], b[32], line[256];

    network_describe(&info->spec, line, sizeof(line));
    if (info->path)
        say(stdout, "model      %s\n", info->path);
    say(stdout, "network    %s\n", line);
    if (info->model)
        origin_describe(stdout, &info->spec, &info->origin);
    if (*info->tested)
        say(stdout, "package    %s\n", info->tested);
    if (info->model) {
        print_classes(info->model);
        print_trained(info->model);
    }
    say(stdout, "\n%-28s %-10s %18s %12s %10s\n", "layer", "kind", "output CxHxW", "parameters",
        "MMACs");
    for (int i = 0; i < info->layer_count; i++) {
        const unet_layer *layer = &info->layers[i];

        snprintf(line, sizeof(line), "%dx%dx%d", layer->channels, layer->height, layer->width);
        say(stdout, "%-28s %-10s %18s %12s %10.1f\n", layer->name, layer->op, line,
            layer->parameters ? format_count(layer->parameters, a) : "-",
            (double)layer->macs / 1e6);
    }
    say(stdout, "\ninput      %dx%d, output %dx%d (height x width), batch %d\n", cost->in_height,
        cost->in_width, cost->out_height, cost->out_width, settings->batch);
    say(stdout, "parameters %s, %.2f billion multiply-adds an input\n",
        format_count(cost->parameters, a), (double)cost->macs / 1e9);
    say(stdout, "memory     %s to predict, %s to train, weights included\n",
        format_bytes((double)cost->predict_bytes, a), format_bytes((double)cost->train_bytes, b));
}

static int run_info(const struct command *command, int argc, char **argv)
{
    struct info_settings settings = {.size = {572, 572}, .batch = 1};
    struct info info = {0};
    unet_model *model = NULL;
    unet_error err;
    const unet_log log = {.note = origin_note};
    unet_known known = unet_known_nothing();
    const char *given;
    char name[SAID_WORD], *file = NULL;
    int operands, status;

    if (!options_parse(command, argc, argv, &settings, &operands, &status))
        return status;
    if (settings.devices)
        return info_devices_print(settings.common.json);
    if ((status = device_begin(&settings.common)) != EXIT_DONE)
        return status;
    given = network_given(&settings.network, NULL, name);
    if (operands && given)
        return usage_error(command, "--%s describes a new network, but %s is a finished one", given,
                           argv[0]);
    if (operands && info_image_is(argv[0]))
        return info_image_print(argv[0], &settings.common);
    if (operands) {
        if (model_path_one(argv[0], &file, &err))
            return fail(&err);
        info.path = file;
        known.log = settings.common.quiet ? NULL : &log;
        if (unet_model_import(file, &known, &model, &info.origin, &err)) {
            free(file);
            return fail(&err);
        }
        info.model = model;
        origin_test(file, model, &info.test, info.tested, sizeof(info.tested));
        unet_model_copy_spec(model, &info.spec, sizeof(info.spec));
    } else {
        info.spec = network_spec(&settings.network, unet_spec_default());
    }
    status = measure(&settings, &info);
    if (status == EXIT_DONE && settings.common.json)
        status = print_json(&settings, &info);
    else if (status == EXIT_DONE)
        print_table(&settings, &info);
    free(info.layers);
    free(file);
    unet_model_free(model);
    return status;
}

const struct command command_info = {
    .name = "info",
    .arguments = "[MODEL|IMAGE] [options]",
    .summary = "show what a model costs, or what an image file holds",
    .about = "Shows the layers with their output sizes, parameters and multiply-adds, the memory "
             "to predict and to train, and what else the file holds; of an image, its pages.  The "
             "folder of a training stands for its best model.",
    .options = info_options,
    .max_operands = 1,
    .run = run_info,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_convert.c - unet convert: a model from one program's file into another's
 *
 * Reads IN, says what was recognised, writes OUT by its ending.  --check reads OUT again and
 * predicts an image with both.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/models.h"
#include "shared/class_names.h"
#include "shared/cli.h"
#include "shared/device.h"
#include "shared/json_out.h"
#include "shared/network_options.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "shared/say.h"
#include "unet_embed.h"

struct convert_settings {
    const char *names, *check, *prefix, *mean, *std;
    const char *author, *license, *about; /* of a bioimage.io package */
    int normalize, standardize, decoder;
    struct network_settings network;
    struct common_settings common;
};

#define AT(field) offsetof(struct convert_settings, field)

static const struct option_row class_options[] = {
    OPT_STRING("class-names", offsetof(struct network_settings, class_names), "A,B,...",
               "kept in the file: background,cell"),
    OPT_END,
};

static const char *const decoder_words[] = {"deepest-first", "top-first", NULL};

static const struct option_row convert_options[] = {
    OPT_STRING("names", AT(names), "unet|milesial|torch_em|nnunet|nnunet_resenc|smp|monai_unet",
               "how the arrays of OUT are called [unet]"),
    OPT_FLAG("normalize", AT(normalize), ".onnx: takes samples as images have them"),
    OPT_FLAG("standardize", AT(standardize), "the network takes images of mean 0 and variance 1"),
    OPT_STRING("mean", AT(mean), "A,B,C", "of each channel, of samples in 0..1"),
    OPT_STRING("std", AT(std), "A,B,C", "the same: (sample - mean) / std goes in"),
    OPT_STRING("prefix", AT(prefix), "NAME", "of several networks in IN, the one below NAME"),
    OPT_STRING("check", AT(check), "IMAGE", "predict it with IN and OUT and compare"),
    OPT_STRING("author", AT(author), "NAME", ".zip: who made the model"),
    OPT_STRING("license", AT(license), "ID", ".zip: of its use, as SPDX has it: CC-BY-4.0"),
    OPT_STRING("about", AT(about), "TEXT", ".zip: what it finds in which images, a line"),
    OPT_TABLE(AT(network), class_options),
    OPT_HEADING("what IN does not tell [from the names of its arrays]:"),
    OPT_TABLE(AT(network), network_untold_options),
    OPT_TABLE(AT(network), network_untold_more_options),
    OPT_CHOICE("decoder", AT(decoder), decoder_words, "how the file lists it, if asked"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

/* What --check found. */
struct comparison {
    unet_image image;
    float *wanted; /* the logits of IN */
    size_t count;
    int made;
    double difference, largest; /* of the logits */
};

/* The logits of a model for an image; the caller frees them. */
static unet_code run_model(const unet_model *model, const struct common_settings *common,
                           const unet_image *image, float **logits, size_t *count, unet_error *err)
{
    const unet_session_options options = {.threads = common->threads, .any_samples = 1};
    unet_session *session = NULL;
    unet_code code = unet_session_create(model, &options, &session, err);

    if (code)
        return code;
    *count = (size_t)unet_model_spec(model)->classes * (size_t)image->height * (size_t)image->width;
    *logits = malloc(*count * sizeof(**logits));
    if (*logits)
        code = unet_predict_logits(session, image, *logits, err);
    else
        code = set_error(err, UNET_ENOMEM, "not enough memory for the scores of an image");
    unet_session_free(session);
    return code;
}

/* Reads the image and predicts it with IN: before OUT is written, so that nothing is lost when it
 * cannot be. */
static unet_code prepare(const struct convert_settings *settings, const unet_model *model,
                         struct comparison *c, unet_error *err)
{
    unet_error why;
    unet_code code = unet_image_read(settings->check, &c->image, err);

    if (!code &&
        (code = run_model(model, &settings->common, &c->image, &c->wanted, &c->count, &why)))
        set_error(err, code, "%.200s: %.280s", settings->check, why.text);
    return code;
}

/* Arrays that are input already do not show what a graph does with samples. */
static unet_code check_prepared(const struct convert_settings *settings, unet_error *err)
{
    return settings->normalize
               ? set_error(err, UNET_EINVAL,
                           "%s: goes into the network as it is, and --normalize is for samples of "
                           "images: wanted one to check it by",
                           settings->check)
               : UNET_OK;
}

/* The same with OUT. */
static unet_code compare(const struct convert_settings *settings, const char *output,
                         struct comparison *c, unet_error *err)
{
    unet_model *back = NULL;
    float *got = NULL;
    size_t count = 0;
    unet_code code = unet_model_load(output, &back, err);

    if (!code)
        code = run_model(back, &settings->common, &c->image, &got, &count, err);
    if (!code) {
        c->made = 1;
        c->difference = count == c->count ? 0 : INFINITY;
        for (size_t i = 0; i < count && count == c->count; i++) {
            c->difference = fmax(c->difference, fabs((double)c->wanted[i] - (double)got[i]));
            c->largest = fmax(c->largest, fabs((double)c->wanted[i]));
        }
    }
    unet_model_free(back);
    free(got);
    return code;
}

static int report_json(const char *input, const char *output, const unet_model *model,
                       const unet_origin *origin, const struct comparison *comparison,
                       const unet_package_test *test)
{
    json_t *row =
        json_pack("{so so ss ss si so so}", "input", json_path(input), "output", json_path(output),
                  "format", origin->format, "layout", origin->layout, "arrays", origin->arrays,
                  "guessed", origin_json(origin), "spec", json_spec(unet_model_spec(model)));

    if (comparison->made)
        json_object_set_new(row, "check",
                            json_pack("{sf sf}", "difference", comparison->difference,
                                      "largest_logit", comparison->largest));
    if (test->made)
        json_object_set_new(row, "package_test",
                            json_pack("{ss sf sf}", "compared", test->compared, "difference",
                                      test->difference, "largest", test->largest));
    return json_print(row) ? EXIT_DONE : fail_memory();
}

/* What was recognised, before anything is written. */
static void describe(const char *input, const unet_model *model, const unet_origin *origin)
{
    const unet_spec *spec = unet_model_spec(model);
    unet_cost cost;
    char text[512], count[32];
    int layers = 0;

    say(stderr, "file       %s: %s, %d array%s\n", input, origin->format, origin->arrays,
        plural(origin->arrays, "s"));
    say(stderr, "layout     %s\n",
        *origin->layout ? origin->layout : "none that is known; told by shapes");
    network_describe(spec, text, sizeof(text));
    say(stderr, "network    %s", text);
    if (!unet_spec_cost(spec, 1, 1, 1, &cost, NULL, &layers, NULL))
        say(stderr, "; %s parameters", format_count(cost.parameters, count));
    fputc('\n', stderr);
    if (spec->rims)
        say(stderr,
            "rims       of its %d outputs the last %d are classes again, nearer to the rims of "
            "objects: docs/objects.md\n",
            spec->classes + spec->rims * (spec->classes - 1), spec->rims * (spec->classes - 1));
    origin_describe(stderr, spec, origin);
    if (origin->guesses)
        fputs("           (the options of these names say otherwise)\n", stderr);
}

/* The model of IN, described unless it is to be quiet; an exit status. */
static int read_input(const struct convert_settings *settings, const char *input,
                      unet_model **model, unet_origin *origin, unet_package_test *test)
{
    const unet_log log = {.note = origin_note};
    unet_known known = network_known(&settings->network);
    unet_error err;
    char *file = NULL, text[512];
    int differs;

    known.standardize = settings->standardize;
    known.decoder = settings->decoder;
    known.prefix = settings->prefix;
    known.mean = settings->mean;
    known.std = settings->std;
    known.log = settings->common.quiet ? NULL : &log;
    if (model_path_one(input, &file, &err))
        return fail(&err);
    if (unet_model_import(file, &known, model, origin, &err)) {
        free(file);
        return fail(&err);
    }
    if (!settings->common.quiet && !settings->common.json)
        describe(input, *model, origin);
    differs = origin_test(file, *model, test, text, sizeof(text));
    if (*text && !settings->common.quiet)
        say(stderr, "%s%s\n", differs && test->made ? "differs    " : "package    ", text);
    free(file);
    return EXIT_DONE;
}

static int convert(const struct convert_settings *settings, const char *input, const char *output)
{
    const unet_log log = {.note = origin_note};
    struct comparison comparison = {0};
    unet_export_options options = {.size = sizeof(options),
                                   .names = settings->names,
                                   .normalize = settings->normalize,
                                   .author = settings->author,
                                   .license = settings->license,
                                   .about = settings->about,
                                   .log = settings->common.quiet ? NULL : &log};
    unet_package_test test;
    unet_origin origin;
    unet_model *model = NULL;
    unet_error err;
    int status = read_input(settings, input, &model, &origin, &test);

    if (status != EXIT_DONE)
        return status;
    options.example = settings->check ? &comparison.image : NULL;
    if (class_names_give(&settings->network, model, &err) ||
        (settings->check && prepare(settings, model, &comparison, &err)) ||
        (comparison.image.prepared && check_prepared(settings, &err)) ||
        unet_model_export(model, output, &options, &err) ||
        (settings->check && compare(settings, output, &comparison, &err)))
        status = fail(&err);
    else if (settings->common.json)
        status = report_json(input, output, model, &origin, &comparison, &test);
    else if (!settings->common.quiet)
        say(stderr, "written    %s\n", output);
    unet_model_free(model);
    unet_image_release(&comparison.image);
    free(comparison.wanted);
    if (status != EXIT_DONE || !comparison.made)
        return status;
    if (!settings->common.quiet && !settings->common.json)
        say(stderr, "checked    %s: largest difference %.3g, largest logit %.3g\n", settings->check,
            comparison.difference, comparison.largest);
    if (!(comparison.difference <= 1e-5 * comparison.largest))
        return fail_text("%s: predicts another result than %s: the largest difference is %g",
                         output, input, comparison.difference);
    return EXIT_DONE;
}

static int run_convert(const struct command *command, int argc, char **argv)
{
    static const char *const endings[] = {".safetensors", ".pth", ".pt", ".onnx", ".zip", NULL};
    static const char *const onnx[] = {".onnx", NULL}, *const package[] = {".zip", NULL};
    struct convert_settings settings = {.decoder = -1};
    struct stat in, out;
    int operands, status;

    if (!options_parse(command, argc, argv, &settings, &operands, &status) ||
        (status = class_names_check(&settings.network, command)) != EXIT_DONE ||
        (status = device_begin(&settings.common)) != EXIT_DONE)
        return status;
    if (!path_has_ending(argv[1], endings))
        return usage_error(command,
                           "OUT: found \"%s\", wanted a name ending in .safetensors, .pth, "
                           ".pt, .onnx or .zip",
                           argv[1]);
    if (settings.normalize && !path_has_ending(argv[1], onnx))
        return usage_error(command, "--normalize is for a name ending in .onnx, found \"%s\"",
                           argv[1]);
    if ((settings.author || settings.license || settings.about) &&
        !path_has_ending(argv[1], package))
        return usage_error(command,
                           "--author, --license and --about are for a name ending in .zip, a "
                           "bioimage.io package, found \"%s\"",
                           argv[1]);
    if (!stat(argv[0], &in) && !stat(argv[1], &out) && in.st_dev == out.st_dev &&
        in.st_ino == out.st_ino)
        return usage_error(command, "%s would be written over itself", argv[0]);
    if (!path_writable(argv[1]))
        return fail_text("%s: cannot be written: %s", argv[1], strerror(errno));
    return convert(&settings, argv[0], argv[1]);
}

const struct command command_convert = {
    .name = "convert",
    .arguments = "IN OUT [options]",
    .summary = "read a model of another program, write one for it",
    .about = "IN: PyTorch (.pth, .pt, TorchScript), safetensors, ONNX or a bioimage.io package, "
             "told by its content; nothing in it is executed. OUT: .safetensors, .pth, .pt, .onnx "
             "or .zip, a bioimage.io package.",
    .options = convert_options,
    .min_operands = 2,
    .max_operands = 2,
    .run = run_convert,
};

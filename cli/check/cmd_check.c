/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_check.c - unet check: a look at images and masks before any training */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "check/check_words.h"
#include "recipe/recipe_choice.h"
#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "shared/say.h"

struct check_settings {
    const char *images, *masks, *output, *labels, *channels, *fill;
    double memory;
    const char *pair[2];
    const char *ignore;
    int only_pairs, as_stored, pictures, no_page;
    struct network_settings network;
    struct common_settings common;
};

#define AT(field) offsetof(struct check_settings, field)

static const struct option_row check_options[] = {
    OPT_REQUIRED(0, "images", AT(images), "DIR", NULL),
    OPT_REQUIRED(0, "masks", AT(masks), "DIR", "images and masks, as unet train takes them"),
    OPT_FLAG("only-pairs", AT(only_pairs), "go without images that have no mask"),
    OPT_PAIR(AT(pair)),
    OPT_STRING("channels", AT(channels), "C", "of the images: 0,2; pages: a file's are channels"),
    OPT_FLAG("as-stored", AT(as_stored), "turn nothing by EXIF, NIfTI or GeoTIFF headers"),
    OPT_STRING("labels", AT(labels), "L", "what mask values mean: 'background=0,cell=255'"),
    OPT_STRING("ignore", AT(ignore), "V", "mask value without a label: 255, -1, nan"),
    OPT_STRING("fill", AT(fill), "V", "sample that is no data: -9999, nan [declared, or plain]"),
    OPT_LETTER('o', "output", AT(output), "PAGE", "the page with pictures [check.html]"),
    OPT_INT("pictures", AT(pictures), 0, 1000, "N", "pairs on the page [24]"),
    OPT_FLAG("no-page", AT(no_page), "write no page"),
    OPT_BYTES("memory", AT(memory), "SIZE", "propose what trains in it: 500M, 4G"),
    OPT_HEADING("network [chosen from the data]:"),
    OPT_TABLE(AT(network), network_options),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

/* ---- what is proposed ---- */

static void propose(const struct check_settings *settings, struct check *check)
{
    check->proposed = check->facts->labels > 0 && check->facts->readable > 0;
    if (!check->proposed)
        return;
    check->spec = choose_spec(&settings->network, check->facts);
    check->network = &settings->network;
    check->options = choose_training(&check->spec);
    check->fits = 1;
    if (check->memory > 0) {
        struct seen seen;
        const struct said_parts said = {.width =
                                            said_text(&settings->network.said, "width") != NULL};

        check->fits = choose_for_memory(check->facts, check->memory, said, &check->spec,
                                        &check->options, &seen);
        check->batch_most =
            largest_batch(check->facts, check->memory, &check->spec, &check->options);
    }
    check->tile = training_tile(check->facts, &check->spec, &check->options);
    check->bytes = training_bytes(check->facts, &check->spec, &check->options);
    check->least = check->bytes + seeing_bytes(check->facts, &check->spec, check->options.threads);
    check->weighted = choose_weights(check->facts, check->weights);
}

double check_share(const unet_survey_facts *facts, int label)
{
    double all = 0;

    for (int k = 0; k < facts->labels; k++)
        all += (double)facts->pixels[k];
    return all > 0 ? (double)facts->pixels[label] / all : 0;
}

const char *check_percent(double share, char text[24])
{
    if (share > 0 && share < 0.0001)
        snprintf(text, 24, "< 0.01 %%");
    else
        snprintf(text, 24, "%.2f %%", 100 * share);
    return text;
}

void check_scaling(const unet_survey_facts *facts, char *text, size_t size)
{
    if (facts->prepared)
        snprintf(text, size, "none: .npy values go in as they are");
    else if (isnan(facts->low))
        snprintf(text, size, "sample types are mixed");
    else if (facts->low == 0 && facts->high == 255)
        snprintf(text, size, "samples / 255");
    else
        snprintf(text, size, "%.6g becomes 0 and %.6g becomes 1 (0.1 and 99.9 percentiles)",
                 facts->low, facts->high);
}

/* ---- the report as text ---- */

static void print_sides(const unet_survey_facts *facts)
{
    if (facts->min_width == facts->max_width && facts->min_height == facts->max_height)
        say(stdout, "%d x %d pixels", facts->min_width, facts->min_height);
    else
        say(stdout, "%d..%d x %d..%d pixels", facts->min_width, facts->max_width, facts->min_height,
            facts->max_height);
}

static void print_samples(const struct check *check)
{
    static const unet_sample samples[] = {UNET_U8, UNET_U16, UNET_F32};
    double low = INFINITY, high = -INFINITY;
    int count[3] = {0};

    for (int i = 0; i < check->facts->pairs; i++) {
        const unet_survey_pair *seen = unet_survey_at(check->survey, i);

        if (!seen->readable)
            continue;
        count[seen->sample]++;
        low = fmin(low, seen->low);
        high = fmax(high, seen->high);
    }
    for (int k = 0; k < 3; k++)
        if (count[k] == check->facts->readable)
            say(stdout, ", %s", sample_words(samples[k]));
        else if (count[k])
            say(stdout, ", %d %s", count[k], sample_words(samples[k]));
    say(stdout, ", values %.6g..%.6g, %d channel%s in truth\n", low, high, check->facts->channels,
        plural(check->facts->channels, "s"));
}

static void print_classes(const unet_survey_facts *facts)
{
    double all = (double)facts->ignored;
    char text[24];

    if (!facts->labels) {
        say(stdout, "masks      what their values mean is not known\n");
        return;
    }
    say(stdout, "masks      %s\n", facts->coding);
    say(stdout, "classes    %d:", facts->labels);
    for (int k = 0; k < facts->labels; k++) {
        all += (double)facts->pixels[k];
        say(stdout, "%s %d %s", k ? "," : "", k, check_percent(check_share(facts, k), text));
    }
    if (facts->ignored)
        say(stdout, "; %s without a label", check_percent((double)facts->ignored / all, text));
    putchar('\n');
}

static void print_fit(const struct check *check)
{
    double sum = 0;
    int count = 0;

    for (int i = 0; i < check->facts->pairs; i++) {
        const unet_survey_pair *seen = unet_survey_at(check->survey, i);

        if (seen->readable && isfinite(seen->fit)) {
            sum += seen->fit;
            count++;
        }
    }
    if (count)
        say(stdout,
            "fit        outlines of masks lie on edges of images, %.1f deviations above chance "
            "(7 or more: sure)\n",
            sum / count);
}

static void print_split(const struct check *check)
{
    double whole = unet_matches_scores(&check->split.whole).f1[0];
    double cut = unet_matches_scores(&check->split.cut).f1[0];

    say(stdout,
        "objects    F1 of the true masks themselves: %.3f as connected parts, %.3f cut at "
        "necks",
        whole, cut);
    if (cut > whole + 0.005)
        say(stdout, ": predict and eval with --split\n");
    else
        say(stdout, ": --split gains nothing here\n");
}

static int print_proposal(const struct check *check)
{
    char line[512], bytes[24], limit[24], *command = check_command(check);

    if (!command)
        return 0;
    network_describe(&check->spec, line, sizeof(line));
    say(stdout, "\nnetwork    %s\n", line);
    if (depth_words(check->network, check->survey, &check->spec, line, sizeof(line)))
        say(stdout, "           %s\n", line);
    check_scaling(check->facts, line, sizeof(line));
    say(stdout, "input      %s\n", line);
    say(stdout, "training   tiles of %d, batch %d, about %s with the images\n", check->tile,
        check->options.batch, format_bytes(check->bytes, bytes));
    if (check->memory > 0 && check->fits)
        say(stdout, "memory     %s is enough, for a batch of %d at most\n",
            format_bytes_like(check->memory, check->bytes, limit), check->batch_most);
    else if (check->memory > 0)
        say(stdout, "memory     %s is not enough for the smallest network that was tried: %s is\n",
            format_bytes_like(check->memory, check->bytes, limit),
            format_bytes(check->least, bytes));
    if (check->weighted) {
        say(stdout, "weights    ");
        for (int k = 0; k < check->facts->labels; k++)
            say(stdout, "%s%.3g", k ? ", " : "", (double)check->weights[k]);
        say(stdout, " (square root of median share / share)\n");
    }
    say(stdout, "\n%s\n", command);
    free(command);
    return 1;
}

int check_left_out(const struct check *check, unet_finding_kind kind)
{
    int count = 0;

    for (int i = 0; i < unet_survey_findings(check->survey); i++) {
        const unet_finding *finding = unet_survey_finding(check->survey, i);

        count += finding->kind == kind && finding->severity < UNET_ERROR;
    }
    return count;
}

static void print_left_out(const struct check *check)
{
    int images = check_left_out(check, UNET_FOUND_NO_MASK);
    int masks = check_left_out(check, UNET_FOUND_NO_IMAGE);

    if (images)
        say(stdout, "left out   %d image%s without a mask", images, plural(images, "s"));
    if (masks)
        say(stdout, "%s%d mask%s without an image", images ? ", " : "left out   ", masks,
            plural(masks, "s"));
    if (images || masks)
        putchar('\n');
}

static int print_report(const struct check *check)
{
    const unet_survey_facts *facts = check->facts;

    say(stdout, "pairs      %d%s%s\n", facts->pairs, *facts->rule ? ", paired " : "", facts->rule);
    print_left_out(check);
    if (facts->readable) {
        say(stdout, "images     ");
        print_sides(facts);
        print_samples(check);
        print_classes(facts);
        print_fit(check);
        if (check->has_split && check->split.whole.matched[0])
            print_split(check);
    }
    say(stdout, "found      %d error%s, %d warning%s, %d note%s\n", facts->errors,
        plural(facts->errors, "s"), facts->warnings, plural(facts->warnings, "s"), facts->notes,
        plural(facts->notes, "s"));
    if (facts->errors + facts->warnings + facts->notes) {
        putchar('\n');
        print_findings(stdout, check->survey, UNET_NOTE, 10);
    }
    return !check->proposed || facts->errors || print_proposal(check);
}

/* ---- the command ---- */

static int show_progress(void *context, int done, int count)
{
    char text[48];

    snprintf(text, sizeof(text), "%d of %d", done, count);
    progress_draw(context, "looking", (double)done / count, text);
    return interrupted();
}

static int report(const struct check_settings *settings, struct check *check)
{
    const char *page = settings->output ? settings->output : "check.html";
    int status = EXIT_DONE, shown = 0;

    propose(settings, check);
    if (settings->common.json ? !json_print(check_json(check)) : !print_report(check))
        return fail_memory();
    if (!settings->no_page)
        status = check_write_page(check, page, settings->pictures, &shown);
    if (status == EXIT_DONE && !settings->no_page && !settings->common.json)
        say(stdout, "\n%d of %d pair%s are drawn in %s\n", shown, check->facts->pairs,
            plural(check->facts->pairs, "s"), page);
    if (status == EXIT_DONE && check->proposed && !check->facts->errors && !check->fits)
        return fail_text("--memory: not enough to train on %s", check->images);
    if (status == EXIT_DONE && check->facts->errors)
        return fail_text("%s: %d error%s: training cannot work", check->images,
                         check->facts->errors, plural(check->facts->errors, "s"));
    return status;
}

static int run_check(const struct command *command, int argc, char **argv)
{
    struct check_settings settings = {.pictures = 24};
    unet_dataset_options options = {.size = sizeof(options)};
    struct check check = {0};
    struct progress_line line;
    unet_survey *survey;
    unet_error err;
    unet_code code;
    int classes, operands, status;

    if (!options_parse(command, argc, argv, &settings, &operands, &status))
        return status;
    check.memory = settings.memory;
    options.ignore = -1;
    options.ignore_value = check.ignore = settings.ignore;
    options.labels = check.labels = settings.labels;
    options.channels = check.channels = settings.channels;
    options.fill = check.fill = settings.fill;
    options.only_pairs = check.only_pairs = settings.only_pairs;
    options.as_stored = check.as_stored = settings.as_stored;
    options.pair_image = check.pair[0] = settings.pair[0];
    options.pair_mask = check.pair[1] = settings.pair[1];
    classes = network_asked(&settings.network).classes;
    options.classes = classes == 1 ? 2 : classes;
    interrupt_watch();
    progress_init(&line, settings.common.quiet);
    code = unet_survey_open(settings.images, settings.masks, &options, show_progress, &line,
                            &survey, &err);
    progress_clear(&line);
    if (code == UNET_ESTOPPED) {
        fail(&err);
        return EXIT_INTERRUPTED;
    }
    if (code)
        return fail(&err);
    check.images = settings.images;
    check.masks = settings.masks;
    check.survey = survey;
    check.facts = unet_survey_all(survey);
    check.has_split = check_split_gain(&check, &options, &check.split);
    status = report(&settings, &check);
    unet_survey_free(survey);
    return finish_output(status);
}

const struct command command_check = {
    .name = "check",
    .arguments = "--images DIR --masks DIR [options]",
    .summary = "look at images and masks before training",
    .about = "Reads every image and mask, says what they hold and what is odd among them, "
             "proposes settings, and draws the pairs on a page. Exit code 1: training cannot work.",
    .options = check_options,
    .run = run_check,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* check_report.c - check.html: what was found, and a contact sheet of pairs */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/check.h"
#include "check/check_words.h"
#include "html/html_page.h"
#include "shared/cli.h"
#include "shared/network_options.h"
#include "shared/paths.h"
#include "shared/text_file.h"
#include "shared/progress.h"

enum { PICTURE = 240 };

/* The colours that a model of so many classes has. */
static uint8_t (*class_colors(int labels))[3]
{
    unet_spec spec = unet_spec_default();
    uint8_t(*colors)[3] = calloc(UNET_MAX_CLASSES, sizeof(*colors));
    unet_model *model = NULL;

    spec.width = spec.depth = 1;
    spec.classes = labels > 2 ? labels : 2;
    if (!colors || unet_model_create(&spec, 0, &model, NULL)) {
        free(colors);
        return NULL;
    }
    for (int k = 0; k < unet_model_labels(model); k++)
        unet_model_class(model, k, colors[k]);
    unet_model_free(model);
    return colors;
}

static int write_figures(const struct check *check, FILE *out)
{
    const unet_survey_facts *facts = check->facts;
    char text[32];

    html_figures_begin(out);
    snprintf(text, sizeof(text), "%d", facts->pairs);
    html_figure(out, text, "images with their masks");
    snprintf(text, sizeof(text), "%d", facts->labels);
    html_figure(out, facts->labels ? text : "?", "classes");
    snprintf(text, sizeof(text), "%d", facts->errors);
    html_figure(out, text, "errors: training cannot work");
    snprintf(text, sizeof(text), "%d", facts->warnings);
    html_figure(out, text, "warnings: look at these");
    html_figures_end(out);
    return 1;
}

static int write_findings(const struct check *check, FILE *out)
{
    int count = unet_survey_findings(check->survey);

    html_heading(out, "What is odd");
    if (!count)
        html_paragraph(out, "Nothing.");
    return check_findings_table(check->survey, count, out);
}

static int write_classes(const struct check *check, FILE *out)
{
    const unet_survey_facts *facts = check->facts;
    char(*texts)[2][24] = calloc((size_t)facts->labels + 1, sizeof(*texts));
    const char **cells = calloc(2 * (size_t)facts->labels + 2, sizeof(*cells));
    int ok = texts && cells;

    if (ok && facts->labels) {
        cells[0] = "class";
        cells[1] = "share of pixels";
        for (int k = 0; k < facts->labels; k++) {
            snprintf(texts[k][0], sizeof(texts[k][0]), "%d", k);
            check_percent(check_share(facts, k), texts[k][1]);
            cells[2 * k + 2] = texts[k][0];
            cells[2 * k + 3] = texts[k][1];
        }
        html_heading(out, "Classes");
        html_table(out, cells, facts->labels + 1, 2);
    }
    free(texts);
    free(cells);
    return ok;
}

static int write_proposal(const struct check *check, FILE *out)
{
    char spec[256], scaling[128], bytes[24], *command;

    if (!check->proposed || check->facts->errors)
        return 1;
    if (!(command = check_command(check)))
        return 0;
    network_describe(&check->spec, spec, sizeof(spec));
    check_scaling(check->facts, scaling, sizeof(scaling));
    html_heading(out, "What to train with");
    html_paragraph(out, "Network: %s. Input: %s.", spec, scaling);
    html_paragraph(out, "Tiles of %d pixels, %d a step; about %s of memory with the images.",
                   check->tile, check->options.batch, format_bytes(check->bytes, bytes));
    if (check->weighted)
        html_paragraph(out, "A class is rare, so weights are proposed: the square root of the "
                            "median share by the class's share.");
    html_code(out, command);
    free(command);
    return 1;
}

/* ---- the contact sheet ---- */

/* The pairs to show, in their order: those with findings, the gravest first, then as many of the
 * others as may be, at equal distances. */
struct choice {
    int *pair;
    int count, odd, readable; /* odd: with findings; readable: all that could be shown */
};

static void choose(struct choice *choice, char *left, int pair)
{
    choice->pair[choice->count++] = pair;
    left[pair] = 0;
}

static int choose_pairs(const struct check *check, int pictures, struct choice *choice)
{
    int count = check->facts->pairs, rest;
    char *left = calloc((size_t)count + 1, 1); /* can be shown, and is not chosen */

    *choice = (struct choice){.pair = calloc((size_t)count + 1, sizeof(*choice->pair))};
    if (!left || !choice->pair) {
        free(left);
        return 0;
    }
    for (int i = 0; i < count; i++)
        choice->readable += left[i] = unet_survey_at(check->survey, i)->readable != 0;
    for (int i = 0; i < unet_survey_findings(check->survey) && choice->count < pictures; i++) {
        int pair = unet_survey_finding(check->survey, i)->pair;

        if (pair >= 0 && left[pair])
            choose(choice, left, pair);
    }
    choice->odd = choice->count;
    rest = (pictures < choice->readable ? pictures : choice->readable) - choice->odd;
    for (int i = 0, k = 0, seen = 0; i < count && k < rest; i++) {
        if (!left[i])
            continue;
        if ((long long)(choice->readable - choice->odd) * k <= (long long)seen++ * rest) {
            choose(choice, left, i);
            k++;
        }
    }
    free(left);
    return 1;
}

/* A picture as PNG on the page, by way of a file beside it. */
static int embed(FILE *out, const char *scratch, const unet_image *picture, const char *alt,
                 const char *caption, unet_error *err)
{
    int ok = !unet_image_write(scratch, picture, err);

    errno = 0;
    if (ok && !html_image(out, scratch, alt, caption)) {
        set_error(err, UNET_EIO, "%.300s: %s", scratch, strerror(errno));
        ok = 0;
    }
    unlink(scratch);
    return ok;
}

static void caption_words(const struct check *check, int i, char *text, size_t size)
{
    const unet_survey_pair *seen = unet_survey_at(check->survey, i);
    char percent[24];

    text[0] = 0;
    for (int k = 0; k < unet_survey_findings(check->survey); k++) {
        const unet_finding *finding = unet_survey_finding(check->survey, k);

        if (finding->pair != i)
            continue;
        snprintf(text, size, "%s: ", severity_words[finding->severity]);
        finding_words(finding, text + strlen(text), size - strlen(text));
        return;
    }
    for (int k = 1; seen->pixels && k < check->facts->labels && strlen(text) + 24 < size; k++)
        if (seen->pixels[k])
            snprintf(text + strlen(text), size - strlen(text), "%sclass %d %s", *text ? ", " : "",
                     k,
                     check_percent((double)seen->pixels[k] / seen->height / seen->width, percent));
}

static int write_pair(const struct check *check, int i, const uint8_t (*colors)[3], FILE *out,
                      const char *scratch, unet_error *err)
{
    const unet_survey_pair *seen = unet_survey_at(check->survey, i);
    unet_image image, overlay;
    char caption[700], name[300];
    int ok;

    if (!seen->readable || unet_survey_picture(check->survey, i, PICTURE, colors, UNET_MAX_CLASSES,
                                               &image, &overlay, NULL))
        return 1; /* it has a finding that says why it is not here */
    snprintf(name, sizeof(name), "%s", file_name(seen->image));
    caption_words(check, i, caption, sizeof(caption));
    ok = embed(out, scratch, &image, name, name, err) &&
         embed(out, scratch, &overlay, "its mask over it",
               seen->pixels ? caption
               : *caption   ? caption
                            : "no mask",
               err);
    unet_image_release(&image);
    unet_image_release(&overlay);
    return ok;
}

/* Class 0 is not drawn. */
static void write_legend(const struct check *check, const uint8_t (*colors)[3], FILE *out)
{
    html_legend_begin(out);
    for (int k = 1; k < check->facts->labels; k++) {
        char text[32];

        snprintf(text, sizeof(text), "class %d", k);
        html_legend_color(out, colors[k], text);
    }
    html_legend_end(out);
}

static void write_sheet_words(const struct check *check, const struct choice *choice, FILE *out)
{
    int outlined = 0;

    for (int k = 1; k < check->facts->labels; k++)
        outlined |= check_share(check->facts, k) > 0.5;
    html_paragraph(
        out,
        "%d of %d pair%s%s. Each image, and beside it the same with its mask: classes in "
        "colour, their outlines opaque%s.",
        choice->count, check->facts->pairs, plural(check->facts->pairs, "s"),
        !choice->odd                  ? ""
        : choice->odd < choice->count ? ": those with findings, the gravest first, then "
                                        "others from all of the set"
                                      : ", all with findings, the gravest first",
        outlined ? "; of the class that most pixels have, outlines alone" : "");
}

static int write_sheet(const struct check *check, int pictures, FILE *out, const char *path,
                       int *shown, unet_error *err)
{
    struct choice choice;
    char *scratch = path_text("%s.%ld.png", path, (long)getpid());
    uint8_t(*colors)[3] = class_colors(check->facts->labels);
    int ok = choose_pairs(check, pictures, &choice) && scratch && colors;

    if (ok && choice.count) {
        html_heading(out, "Images and their masks");
        write_sheet_words(check, &choice, out);
        write_legend(check, (const uint8_t(*)[3])colors, out);
        html_gallery_begin(out, 4);
        for (int i = 0; ok && i < choice.count; i++)
            ok = write_pair(check, choice.pair[i], (const uint8_t(*)[3])colors, out, scratch, err);
        html_gallery_end(out);
    }
    *shown = choice.count;
    free(choice.pair);
    free(scratch);
    free(colors);
    return ok;
}

int check_write_page(const struct check *check, const char *path, int pictures, int *shown)
{
    struct text_file file;
    char *subtitle = path_text("Images of %s, masks of %s.", check->images, check->masks);
    unet_error err = {.text = "not enough memory"}; /* what fails otherwise says so itself */
    int ok;

    if (!subtitle)
        return fail_memory();
    if (!text_file_begin(&file, path)) {
        free(subtitle);
        return fail_text("%s: cannot be written: %s", path, strerror(errno));
    }
    html_begin(file.stream, "A look at the data", subtitle);
    free(subtitle);
    ok = write_figures(check, file.stream) && write_findings(check, file.stream) &&
         write_classes(check, file.stream) && write_proposal(check, file.stream) &&
         write_sheet(check, pictures, file.stream, path, shown, &err);
    html_end(file.stream);
    if (!ok) {
        text_file_abort(&file);
        return fail_text("%s: not written: %s", path, err.text);
    }
    if (!text_file_finish(&file))
        return fail_text("%s: cannot be written: %s", path, strerror(errno));
    return EXIT_DONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* run_gallery.c - the worst and the best validation images on report.html, or training images */
#include <stdlib.h>

#include "html/html_page.h"
#include "run/run_report.h"
#include "shared/progress.h"

static void write_class_legend(const struct run_folder *run, FILE *out)
{
    int labels = unet_model_labels(run->facts.model);

    html_legend_begin(out);
    fputs("<li>classes:</li>\n", out);
    for (int k = 1; k < labels; k++) {
        char name[CLASS_NAME];
        uint8_t rgb[3];

        unet_model_class(run->facts.model, k, rgb);
        html_legend_color(out, rgb, report_class(run, k, name));
    }
    html_legend_end(out);
}

static void write_error_legend(const struct run_folder *run, FILE *out)
{
    char first[CLASS_NAME], second[CLASS_NAME], text[ERROR_KINDS][2 * CLASS_NAME + 64];
    int two = unet_model_labels(run->facts.model) == 2;

    report_class(run, 0, first);
    report_class(run, 1, second);
    snprintf(text[ERROR_EXTRA], sizeof(*text), "%s taken for %s (too much)", first,
             two ? second : "something");
    snprintf(text[ERROR_MISSED], sizeof(*text), "%s taken for %s (missed)",
             two ? second : "something", first);
    snprintf(text[ERROR_MIXED], sizeof(*text), "one class taken for another");
    snprintf(text[ERROR_IGNORED], sizeof(*text), "greyed: no label, does not count");
    html_legend_begin(out);
    fputs("<li>errors:</li>\n", out);
    for (int kind = 0; kind < ERROR_KINDS; kind++)
        if (!two || kind != ERROR_MIXED)
            html_legend_color(out, error_colors[kind], text[kind]);
    html_legend_end(out);
}

static int write_picture(const struct run_folder *run, int i, FILE *out)
{
    static const char *const words[VIEWS] = {"truth", "prediction", "errors"};
    const struct run_picture *picture = &run->images.shown.picture[i];
    int ok = 1;

    fputs("<p class=\"of\"><b>", out);
    html_escape(out, picture->name ? picture->name : "");
    fprintf(out,
            "</b>: Dice of all classes, this image alone, %.4f; %.2f&nbsp;%% of the pixels "
            "wrong</p>\n<div class=\"triple\">\n",
            picture->dice, 100 * picture->errors);
    for (int view = 0; ok && view < VIEWS; view++) {
        char *path = images_path(&run->images, i, (enum run_view)view);

        ok = path && html_image(out, path, words[view], words[view]);
        free(path);
    }
    fputs("</div>\n", out);
    return ok;
}

int report_pictures(const struct run_folder *run, FILE *out)
{
    const struct run_pictures *shown = &run->images.shown;
    int apart = shown->seen > shown->count && shown->count == PICTURES, ok = 1;

    if (!shown->count)
        return 1;
    if (!run->facts.validation) {
        html_heading(out, "Training images, from the worst to the best");
        html_paragraph(out,
                       "Trained on, not held out: they show what the network cannot learn, and "
                       "say nothing of how good it is on other images.");
    } else {
        html_heading(out, apart ? "The worst and the best validation images"
                                : "The validation images, from the worst to the best");
    }
    html_paragraph(
        out,
        "Epoch %d, %d image%s, in the order of the Dice of all classes of each image alone (of "
        "those that occur in its truth or prediction). Truth is drawn as outlines, the prediction "
        "as areas (a class that most of the image has: as outlines).",
        shown->epoch, shown->seen, plural(shown->seen, "s"));
    write_class_legend(run, out);
    write_error_legend(run, out);
    for (int i = 0; ok && i < shown->count; i++) {
        if (apart && i % (PICTURES / 2) == 0)
            fprintf(out, "<h3>The %s</h3>\n", i ? "best" : "worst");
        ok = write_picture(run, i, out);
    }
    return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* run_data.c - the data set on report.html: what it holds, and what its survey found */
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "check/check_words.h"
#include "html/html_page.h"
#include "run/run_report.h"
#include "shared/progress.h"

enum { FINDINGS = 20, TEXT = 640, ROWS = 10 };

/* Rows of two cells. */
struct rows {
    char text[ROWS][TEXT];
    const char *cells[2 * ROWS];
    int count;
};

static char *add_row(struct rows *rows, const char *name)
{
    char *text = rows->text[rows->count];

    rows->cells[2 * rows->count] = name;
    rows->cells[2 * rows->count + 1] = text;
    rows->count++;
    return text;
}

static const char *range(int low, int high, char text[32])
{
    if (low == high)
        snprintf(text, 32, "%d", low);
    else
        snprintf(text, 32, "%d to %d", low, high);
    return text;
}

static void write_summary(const struct run_folder *run, FILE *out)
{
    const struct run_facts *facts = &run->facts;
    struct rows *rows = calloc(1, sizeof(*rows));
    char height[32], width[32];
    const char *text;

    if (!rows)
        return;
    snprintf(add_row(rows, "what"), TEXT, "how much");
    snprintf(add_row(rows, "images to train on"), TEXT, "%d", unet_dataset_count(facts->dataset));
    if (facts->validation)
        snprintf(add_row(rows, "images to check on"), TEXT, "%d",
                 unet_dataset_count(facts->validation));
    if (facts->survey) {
        const unet_survey_facts *all = unet_survey_all(facts->survey);

        snprintf(add_row(rows, "pixels"), TEXT, "%s wide, %s high, %d channel%s",
                 range(all->min_width, all->max_width, width),
                 range(all->min_height, all->max_height, height), all->channels,
                 plural(all->channels, "s"));
        if (all->prepared)
            snprintf(add_row(rows, "samples"), TEXT, "as they are");
        else
            snprintf(add_row(rows, "samples"), TEXT, "%.6g becomes 0, %.6g becomes 1", all->low,
                     all->high);
    }
    if (*(text = unet_dataset_pairing_text(facts->dataset)))
        snprintf(add_row(rows, "pairs"), TEXT, "%s", text);
    if (*(text = unet_dataset_left_out(facts->dataset)))
        snprintf(add_row(rows, "left out"), TEXT, "%s", text);
    if (*(text = unet_dataset_coding_text(facts->dataset)))
        snprintf(add_row(rows, "masks"), TEXT, "%s", text);
    html_table_of_words(out, rows->cells, rows->count, 2);
    free(rows);
}

static void write_shares(const struct run_folder *run, FILE *out)
{
    const unet_survey_facts *all = unet_survey_all(run->facts.survey);
    double ignored = (double)all->ignored, labelled = 0;

    for (int k = 0; k < all->labels; k++)
        labelled += (double)all->pixels[k];
    fputs("<h3>How much of each class there is</h3>\n<div class=\"scroll\"><table "
          "class=\"scores\"><tr><th>class</th><th>share of labelled pixels</th></tr>\n",
          out);
    for (int k = 0; k < all->labels && k < unet_model_labels(run->facts.model); k++) {
        char name[CLASS_NAME];
        uint8_t rgb[3];

        unet_model_class(run->facts.model, k, rgb);
        fprintf(
            out,
            "<tr><td class=\"name\"><i class=\"swatch\" style=\"background:#%02x%02x%02x\"></i>",
            rgb[0], rgb[1], rgb[2]);
        html_escape(out, report_class(run, k, name));
        fprintf(out,
                "</td><td>%.3f&nbsp;%%<span class=\"bar\"><i style=\"--w:%.2f%%\"></i></span>"
                "</td></tr>\n",
                100 * check_share(all, k), 100 * check_share(all, k));
    }
    fputs("</table></div>\n", out);
    if (ignored > 0)
        html_paragraph(out, "%.2f %% of all pixels have no label and do not count.",
                       100 * ignored / (ignored + labelled));
}

static int write_findings(const unet_survey *survey, FILE *out)
{
    int count = unet_survey_findings(survey), shown = count < FINDINGS ? count : FINDINGS;

    if (!count)
        return 1;
    fputs("<h3>What is odd</h3>\n", out);
    if (!check_findings_table(survey, shown, out))
        return 0;
    if (shown < count)
        html_paragraph(out, "And %d more; unet check shows them all.", count - shown);
    return 1;
}

int report_data(const struct run_folder *run, FILE *out)
{
    html_heading(out, "The data");
    write_summary(run, out);
    if (!run->facts.survey)
        return 1;
    if (unet_survey_all(run->facts.survey)->labels)
        write_shares(run, out);
    return write_findings(run->facts.survey, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_scores.c - classes and their confusion on report.html
 *
 * All follows from a confusion matrix n[truth][predicted]; of class k, with tp = n[k][k], fn the
 * rest of its row, fp the rest of its column:
 *
 *   Dice 2 tp / (2 tp + fp + fn)   IoU tp / (tp + fp + fn)   precision tp / (tp + fp)
 *   recall tp / (tp + fn)
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "html/html_page.h"
#include "run/run_report.h"
#include "shared/progress.h"

enum { MATRIX_MOST = 32, PAIRS = 8 };

struct counts {
    double right, missed, extra, all; /* pixels of a class; all: of the matrix */
};

static struct counts counts_of(const uint64_t *matrix, int labels, int label)
{
    struct counts c = {0};

    for (int truth = 0; truth < labels; truth++) {
        for (int k = 0; k < labels; k++) {
            double n = (double)matrix[truth * labels + k];

            c.all += n;
            c.right += truth == label && k == label ? n : 0;
            c.missed += truth == label && k != label ? n : 0;
            c.extra += truth != label && k == label ? n : 0;
        }
    }
    return c;
}

/* ---- a table for each of two epochs ------------------------------------------------------ */

static void share_cell(FILE *out, double part, double whole)
{
    if (whole > 0)
        fprintf(out, "<td>%.4f</td>", part / whole);
    else
        fputs("<td>&ndash;</td>", out);
}

static void class_cell(const struct run_folder *run, FILE *out, const char *tag, int label)
{
    char name[CLASS_NAME];
    uint8_t rgb[3];

    unet_model_class(run->facts.model, label, rgb);
    fprintf(out, "<%s class=\"name\"><i class=\"swatch\" style=\"background:#%02x%02x%02x\"></i>",
            tag, rgb[0], rgb[1], rgb[2]);
    html_escape(out, report_class(run, label, name));
    fprintf(out, "</%s>", tag);
}

static void class_row(const struct run_folder *run, FILE *out, const uint64_t *matrix, int label)
{
    struct counts c = counts_of(matrix, run->history.labels, label);
    double truth = c.right + c.missed, both = 2 * c.right + c.missed + c.extra;
    char count[32];

    fputs("<tr>", out);
    class_cell(run, out, "td", label);
    if (both > 0)
        fprintf(out, "<td>%.4f<span class=\"bar\"><i style=\"--w:%.1f%%\"></i></span></td>",
                2 * c.right / both, 200 * c.right / both);
    else
        fputs("<td>&ndash;</td>", out);
    share_cell(out, c.right, c.right + c.missed + c.extra);
    share_cell(out, c.right, c.right + c.extra);
    share_cell(out, c.right, truth);
    fprintf(out, "<td>%s</td><td>%.3g&nbsp;%%</td></tr>\n",
            format_count((unsigned long long)truth, count), c.all > 0 ? 100 * truth / c.all : 0);
}

static void class_table(const struct run_folder *run, FILE *out, const uint64_t *matrix,
                        const char *when, int epoch)
{
    fputs("<h3>", out);
    html_escape(out, when);
    fprintf(out,
            ", epoch %d</h3>\n<div class=\"scroll\"><table class=\"scores\"><tr><th>class</th>"
            "<th>Dice</th><th>IoU</th><th>precision</th><th>recall</th><th>pixels</th>"
            "<th>share</th></tr>\n",
            epoch);
    for (int k = 0; k < run->history.labels; k++)
        class_row(run, out, matrix, k);
    fputs("</table></div>\n", out);
}

/* ---- the matrix -------------------------------------------------------------------------- */

/* The shade of what is wrong grows with the root of its share, so that a few percent are seen. */
static void matrix_row(const struct run_folder *run, FILE *out, const uint64_t *matrix, int truth)
{
    int labels = run->history.labels;
    struct counts c = counts_of(matrix, labels, truth);
    double all = c.right + c.missed;

    fputs("<tr>", out);
    class_cell(run, out, "th", truth);
    for (int k = 0; k < labels; k++) {
        uint64_t n = matrix[truth * labels + k];
        double share = all > 0 ? (double)n / all : 0;
        char count[32];

        fprintf(out, "<td class=\"%c\" style=\"--a:%.3f\" title=\"%s pixels\">",
                k == truth ? 'r' : 'w', k == truth ? share : sqrt(share), format_count(n, count));
        if (all > 0)
            fprintf(out, n ? share < 0.0005 ? "&lt;0.1" : "%.1f" : "0", 100 * share);
        else
            fputs("&ndash;", out);
        fputs("</td>", out);
    }
    fprintf(out, "</tr>\n");
}

static void write_matrix(const struct run_folder *run, FILE *out, const uint64_t *matrix, int epoch)
{
    int labels = run->history.labels;
    char name[CLASS_NAME];

    html_heading(out, "What is taken for what");
    html_paragraph(out,
                   "Epoch %d. A row is a true class; its numbers say how many percent of its "
                   "pixels were answered with the class of the column. Blue is right, orange is "
                   "wrong; a perfect network has 100 on the diagonal.",
                   epoch);
    if (labels > MATRIX_MOST) {
        html_paragraph(out,
                       "With %d classes the table would not be readable; all of it is in "
                       "history.jsonl.",
                       labels);
        return;
    }
    fputs("<div class=\"scroll\"><table class=\"heat\"><tr><th class=\"name\">truth</th>", out);
    for (int k = 0; k < labels; k++) {
        uint8_t rgb[3];

        unet_model_class(run->facts.model, k, rgb);
        report_class(run, k, name);
        fprintf(out, "<th title=\"");
        html_escape(out, name);
        fprintf(out, "\"><i class=\"swatch\" style=\"background:#%02x%02x%02x\"></i>", rgb[0],
                rgb[1], rgb[2]);
        if (labels <= 4)
            html_escape(out, name);
        else
            fprintf(out, "%d", k);
        fputs("</th>", out);
    }
    fputs("</tr>\n", out);
    for (int k = 0; k < labels; k++)
        matrix_row(run, out, matrix, k);
    fputs("</table></div>\n", out);
}

/* ---- the worst confusions, in words ------------------------------------------------------ */

struct confused {
    int truth, predicted;
    double share; /* of the true class's pixels */
};

/* Puts one into a list that is sorted from the largest share and keeps `most`. */
static int insert(struct confused *list, int count, int most, struct confused made)
{
    int at = count < most ? count : most;

    for (; at > 0 && list[at - 1].share < made.share; at--)
        if (at < most)
            list[at] = list[at - 1];
    if (at < most)
        list[at] = made;
    return count < most ? count + 1 : most;
}

static void write_confused(const struct run_folder *run, FILE *out, const uint64_t *matrix)
{
    int labels = run->history.labels, count = 0;
    struct confused list[PAIRS];
    char truth[CLASS_NAME], predicted[CLASS_NAME];

    if (labels <= 2)
        return;
    for (int k = 0; k < labels; k++) {
        struct counts c = counts_of(matrix, labels, k);

        for (int p = 0; p < labels; p++)
            if (p != k && matrix[k * labels + p])
                count = insert(
                    list, count, PAIRS,
                    (struct confused){k, p, (double)matrix[k * labels + p] / (c.right + c.missed)});
    }
    if (!count)
        return;
    fputs("<h3>The most frequent mistakes</h3>\n<ul>\n", out);
    for (int i = 0; i < count; i++) {
        fprintf(out, "<li>%.1f&nbsp;%% of ", 100 * list[i].share);
        html_escape(out, report_class(run, list[i].truth, truth));
        fputs(" is taken for ", out);
        html_escape(out, report_class(run, list[i].predicted, predicted));
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

int report_scores(const struct run_folder *run, FILE *out)
{
    const struct run_history *history = &run->history;
    int same = history->best_epoch == history->latest_epoch;

    if (!history->latest)
        return 1;
    html_heading(out, "Each class");
    html_paragraph(out,
                   "On all pixels of the validation images together. Dice of all classes, which "
                   "says which epoch is best, is the mean of the column; Dice without class 0 "
                   "that of its other rows.");
    if (history->best_epoch)
        class_table(run, out, history->best, same ? "The best and newest" : "The best",
                    history->best_epoch);
    if (!same)
        class_table(run, out, history->latest, "The newest", history->latest_epoch);
    write_matrix(run, out, history->latest, history->latest_epoch);
    write_confused(run, out, history->latest);
    return 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_csv.c - a table with a row for each image (RFC 4180)
 *
 * A score that is not defined is an empty field.  The scores of boundaries are those at the
 * thresholds that are best for all images together.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "eval/eval.h"
#include "shared/paths.h"
#include "shared/text_file.h"

/* Quoted where RFC 4180 wants it.  What a spreadsheet would take for a formula gets an apostrophe,
 * which shows that it is text; control bytes become '?'. */
static void put_text(FILE *out, const char *text)
{
    const int formula = *text && strchr("=+-@\t\r", *text) != NULL;
    const int quoted = formula || strpbrk(text, ",\"\r\n") != NULL;

    fputs(quoted ? formula ? "\"'" : "\"" : "", out);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;

        if (c == '"')
            putc('"', out);
        putc(c < 0x20 || c == 0x7F ? '?' : c, out);
    }
    if (quoted)
        putc('"', out);
}

static void put_number(FILE *out, double value)
{
    putc(',', out);
    if (!isnan(value))
        fprintf(out, "%.7g", value);
}

/* ",NAME SCORE"; a class without a name is "class 2". */
static void put_title(FILE *out, const struct eval *eval, int label, const char *score)
{
    char text[256];

    if (*eval->names[label])
        snprintf(text, sizeof(text), "%.200s %s", eval->names[label], score);
    else
        snprintf(text, sizeof(text), "class %d %s", label, score);
    putc(',', out);
    put_text(out, text);
}

static void put_titles(FILE *out, const struct eval *eval)
{
    static const char *const pixels[] = {"Dice", "IoU", "precision", "recall"};
    static const char *const objects[] = {
        "true objects", "predicted objects", "F1", "AP", "mean AP", "PQ", "SEG"};

    fputs("image,accuracy,Dice without class 0,Dice of all classes,IoU without class 0", out);
    for (int label = 0; label < eval->labels; label++)
        for (int i = 0; i < 4; i++)
            put_title(out, eval, label, pixels[i]);
    for (int label = 1; label < eval->object_labels; label++)
        for (int i = 0; i < 7; i++)
            put_title(out, eval, label, objects[i]);
    if (eval->boundary >= 0)
        fputs(",Rand,thin Rand,information,thin information,pixel error,warping error", out);
    fputs("\r\n", out);
}

static void put_row(FILE *out, const struct eval *eval, const struct eval_image *image)
{
    const unet_scores *scores = image->scores;
    const unet_boundary *rows = image->boundary;

    put_text(out, image->name);
    put_number(out, unet_scores_accuracy(scores));
    put_number(out, unet_scores_mean_dice(scores));
    put_number(out, unet_scores_all_dice(scores));
    put_number(out, unet_scores_mean_iou(scores));
    for (int label = 0; label < eval->labels; label++) {
        put_number(out, unet_scores_dice(scores, label));
        put_number(out, unet_scores_iou(scores, label));
        put_number(out, unet_scores_precision(scores, label));
        put_number(out, unet_scores_recall(scores, label));
    }
    for (int label = 1; label < eval->object_labels; label++) {
        unet_match_scores s = unet_matches_scores(&image->matches[label]);

        put_number(out, (double)image->matches[label].truth);
        put_number(out, (double)image->matches[label].predicted);
        put_number(out, s.f1[0]);
        put_number(out, s.ap[0]);
        put_number(out, s.mean_ap);
        put_number(out, s.pq);
        put_number(out, s.seg);
    }
    if (eval->boundary >= 0) {
        put_number(out, rows[eval->best_rand].plain.rand);
        put_number(out, rows[eval->best_thin_rand].thin.rand);
        put_number(out, rows[eval->best_info].plain.info);
        put_number(out, rows[eval->best_thin_info].thin.info);
        put_number(out, rows[eval->best_pixel].pixel_error);
        put_number(out, rows[eval->best_warping].warping_error);
    }
    fputs("\r\n", out);
}

int eval_csv(const struct eval *eval, const char *path)
{
    struct text_file file;

    if (!text_file_begin(&file, path))
        return 0;
    put_titles(file.stream, eval);
    for (int i = 0; i < eval->count; i++)
        put_row(file.stream, eval, &eval->images[i]);
    return text_file_finish(&file);
}

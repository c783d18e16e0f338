/* SPDX-License-Identifier: Apache-2.0 */
/* eval_report.c - what unet eval found out, for people */
#include <math.h>
#include <stdio.h>

#include "eval/eval.h"
#include "shared/progress.h"
#include "shared/say.h"

static uint64_t true_pixels(const unet_scores *scores, int truth)
{
    uint64_t sum = 0;

    for (int predicted = 0; predicted <= unet_scores_labels(scores); predicted++)
        sum += unet_scores_pixels(scores, truth, predicted);
    return sum;
}

static void print_interval(const double interval[2])
{
    if (!isnan(interval[0]))
        say(stdout, "   95 %% %.4f .. %.4f", interval[0], interval[1]);
    putchar('\n');
}

static void print_classes(const struct eval *eval)
{
    const unet_scores *scores = eval->sum.scores;
    char count[32];

    say(stdout, "%-24s %8s %8s %9s %8s %14s\n", "class", "Dice", "IoU", "precision", "recall",
        "pixels");
    for (int label = 0; label < eval->labels; label++)
        say(stdout, "%3d %-20s %8.4f %8.4f %9.4f %8.4f %14s\n", label, eval->names[label],
            unet_scores_dice(scores, label), unet_scores_iou(scores, label),
            unet_scores_precision(scores, label), unet_scores_recall(scores, label),
            format_count(true_pixels(scores, label), count));
    say(stdout, "%-24s %8.4f", "Dice without class 0", unet_scores_mean_dice(scores));
    print_interval(eval->dice);
    say(stdout, "%-24s %8.4f\n", "Dice of all classes", unet_scores_all_dice(scores));
    say(stdout, "%-24s %8.4f", "IoU without class 0", unet_scores_mean_iou(scores));
    print_interval(eval->iou);
    say(stdout, "%-24s %8.4f\n", "pixel accuracy", unet_scores_accuracy(scores));
    say(stdout, "%-24s %8d\n", "images", eval->count);
}

static void print_confusion(const struct eval *eval)
{
    say(stdout, "\n%-24s", "truth \\ predicted");
    for (int predicted = 0; predicted < eval->labels; predicted++)
        say(stdout, " %12d", predicted);
    putchar('\n');
    for (int truth = 0; truth < eval->labels; truth++) {
        say(stdout, "%3d %-20s", truth, eval->names[truth]);
        for (int predicted = 0; predicted < eval->labels; predicted++) {
            char count[32];

            say(stdout, " %12s",
                format_count(unet_scores_pixels(eval->sum.scores, truth, predicted), count));
        }
        putchar('\n');
    }
}

static void print_objects(const struct eval *eval)
{
    unet_match_scores all = unet_matches_scores(&eval->matched);

    say(stdout, "\n%-24s %8s %9s %8s %8s %8s %8s %8s %8s\n", "objects (IoU > 0.5)", "F1",
        "precision", "recall", "AP", "mean AP", "PQ", "SEG", "true");
    for (int label = 1; label < eval->object_labels; label++) {
        const unet_matches *matches = &eval->sum.matches[label];
        unet_match_scores s = unet_matches_scores(matches);

        say(stdout, "%3d %-20s %8.4f %9.4f %8.4f %8.4f %8.4f %8.4f %8.4f %8llu\n", label,
            eval->names[label], s.f1[0], s.precision[0], s.recall[0], s.ap[0], s.mean_ap, s.pq,
            s.seg, (unsigned long long)matches->truth);
    }
    say(stdout, "%-24s %8.4f", "F1 of all objects", all.f1[0]);
    print_interval(eval->f1);
    say(stdout, "%-11s", "IoU >");
    for (int step = 0; step < UNET_MATCH_STEPS; step++)
        say(stdout, " %6.2f", 0.5 + 0.05 * step);
    say(stdout, "\n%-11s", "F1");
    for (int step = 0; step < UNET_MATCH_STEPS; step++)
        say(stdout, " %6.4f", all.f1[step]);
    putchar('\n');
}

static void print_partition(const char *name, double value, double split, double merge, int step)
{
    say(stdout, "%-24s %8.4f %8.4f %8.4f %9.1f\n", name, value, split, merge, step / 10.0);
}

static void print_boundary(const struct eval *eval)
{
    const unet_boundary *rows = eval->sum.boundary;
    const unet_partition *p;

    say(stdout, "\nboundary %-15s %8s %8s %8s %9s\n", eval->names[eval->boundary], "best", "split",
        "merge", "threshold");
    p = &rows[eval->best_rand].plain;
    print_partition("Rand (foreground)", p->rand, p->rand_split, p->rand_merge, eval->best_rand);
    p = &rows[eval->best_thin_rand].thin;
    print_partition("Rand, thin boundary", p->rand, p->rand_split, p->rand_merge,
                    eval->best_thin_rand);
    p = &rows[eval->best_info].plain;
    print_partition("information", p->info, p->info_split, p->info_merge, eval->best_info);
    p = &rows[eval->best_thin_info].thin;
    print_partition("information, thin", p->info, p->info_split, p->info_merge,
                    eval->best_thin_info);
    say(stdout, "%-24s %8.4f\n", "adapted Rand error", 1 - rows[eval->best_rand].plain.rand);
    say(stdout, "%-24s %8.4f %27.1f\n", "pixel error", rows[eval->best_pixel].pixel_error,
        eval->best_pixel / 10.0);
    say(stdout, "%-24s %8.6f %27.1f\n", "warping error", rows[eval->best_warping].warping_error,
        eval->best_warping / 10.0);
}

void eval_print(const struct eval *eval)
{
    if (eval->folds)
        eval_print_folds(eval);
    print_classes(eval);
    if (eval->labels <= 12)
        print_confusion(eval);
    if (eval->object_labels)
        print_objects(eval);
    if (eval->boundary >= 0)
        print_boundary(eval);
}

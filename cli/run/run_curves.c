/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_curves.c - the charts of report.html
 *
 * Steps come from the history's thinned curve, epochs are thinned here, so a chart has RUN_CURVE
 * points at most whatever the length of the run.  The smoothed loss is an exponential mean over a
 * twentieth of the points.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "html/html_page.h"
#include "run/run_report.h"

/* What the charts draw: arrays of RUN_CURVE numbers in one block. */
struct curves {
    double *block;
    double *step, *loss, *smooth, *rate, *norm; /* [steps] */
    double *epoch, *at, *epoch_loss, *val_loss; /* [epochs]; at: in steps */
    double *dice, *iou;
    double *class_dice; /* [labels][RUN_CURVE] */
    int steps, epochs;
};

static int gather(const struct run_folder *run, struct curves *c)
{
    const struct run_history *history = &run->history;
    double **arrays[] = {&c->step, &c->loss,       &c->smooth,   &c->rate, &c->norm, &c->epoch,
                         &c->at,   &c->epoch_loss, &c->val_loss, &c->dice, &c->iou};
    int count = (int)(sizeof(arrays) / sizeof(*arrays)), n = history->epoch_count;
    size_t all = (size_t)(count + history->labels) * RUN_CURVE;
    double smooth = 0, keep;

    if (!(c->block = calloc(all, sizeof(double))))
        return 0;
    for (int i = 0; i < count; i++)
        *arrays[i] = c->block + (size_t)i * RUN_CURVE;
    c->class_dice = c->block + (size_t)count * RUN_CURVE;
    c->steps = history->curve.count;
    keep = 1 - 1 / fmax(1, c->steps / 20.0);
    for (int i = 0; i < c->steps; i++) {
        const struct run_point *point = &history->curve.point[i];

        smooth = i ? keep * smooth + (1 - keep) * point->loss : point->loss;
        c->step[i] = point->step;
        c->loss[i] = point->loss;
        c->smooth[i] = smooth;
        c->rate[i] = point->rate;
        c->norm[i] = point->gradient_norm;
    }
    c->epochs = n < RUN_CURVE ? n : RUN_CURVE;
    for (int i = 0; i < c->epochs; i++) {
        /* the newest is always among them */
        const struct run_epoch *e = &history->epochs[(int)((long long)(i + 1) * n / c->epochs) - 1];

        c->epoch[i] = e->epoch;
        c->at[i] = (double)e->step;
        c->epoch_loss[i] = e->loss;
        c->val_loss[i] = e->val_loss;
        c->dice[i] = e->val_dice;
        c->iou[i] = e->val_iou;
        for (int k = 0; k < history->labels; k++)
            c->class_dice[(size_t)k * RUN_CURVE + (size_t)i] =
                e->class_dice ? e->class_dice[k] : (double)NAN;
    }
    return 1;
}

static void draw_losses(const struct run_folder *run, const struct curves *c, FILE *out)
{
    const struct run_epoch *best = report_best(run);
    struct html_series series[] = {
        {run->history.curve.per > 1 ? "means over steps" : "each step", c->step, c->loss, c->steps},
        {"smoothed", c->step, c->smooth, c->steps},
        {"mean of the epoch", c->at, c->epoch_loss, c->epochs},
        {"validation (cross-entropy)", c->at, c->val_loss, c->epochs},
    };

    html_chart(out, &(struct html_chart){.title = "Loss",
                                         .x_label = "step",
                                         .series = series,
                                         .series_count = run->facts.validation ? 4 : 3,
                                         .pale = 1,
                                         .log_y = 1,
                                         .whole_x = 1,
                                         .mark = best ? (double)best->step : 0,
                                         .mark_name = "best epoch"});
}

struct class_score {
    int label;
    double dice; /* 2: occurs nowhere */
};

static int by_dice(const void *a, const void *b)
{
    const struct class_score *one = a, *other = b;

    if (one->dice != other->dice)
        return one->dice < other->dice ? -1 : 1;
    return one->label - other->label;
}

static int by_label(const void *a, const void *b)
{
    return ((const struct class_score *)a)->label - ((const struct class_score *)b)->label;
}

/* Classes whose curves are drawn: all, or the worst of the newest epoch when they are too many. */
static int choose_classes(const struct run_history *history, int most,
                          struct class_score score[UNET_MAX_CLASSES])
{
    const double *dice = history->epochs[history->epoch_count - 1].class_dice;
    int count = history->labels < most ? history->labels : most;

    for (int k = 0; k < history->labels; k++)
        score[k] = (struct class_score){k, dice && isfinite(dice[k]) ? dice[k] : 2};
    qsort(score, (size_t)history->labels, sizeof(*score), by_dice);
    qsort(score, (size_t)count, sizeof(*score), by_label);
    return count;
}

static void draw_scores(const struct run_folder *run, const struct curves *c, FILE *out)
{
    const struct run_epoch *best = report_best(run);
    struct html_series series[HTML_SERIES];
    char names[HTML_SERIES][CLASS_NAME];
    struct class_score chosen[UNET_MAX_CLASSES];
    int count;
    struct html_chart chart = {.title = "Validation Dice of each class",
                               .x_label = "epoch",
                               .series = series,
                               .y_high = 1,
                               .whole_x = 1,
                               .mark = best ? best->epoch : 0,
                               .mark_name = "best epoch"};

    if (!run->history.latest || c->epochs < 2)
        return;
    count = choose_classes(&run->history, HTML_SERIES, chosen);
    for (int i = 0; i < count; i++)
        series[i] =
            (struct html_series){report_class(run, chosen[i].label, names[i]), c->epoch,
                                 c->class_dice + (size_t)chosen[i].label * RUN_CURVE, c->epochs};
    chart.series_count = count;
    if (count < run->history.labels)
        chart.title = "Validation Dice of the worst classes";
    html_chart(out, &chart);
    series[0] = (struct html_series){"Dice without class 0", c->epoch, c->dice, c->epochs};
    series[1] = (struct html_series){"IoU without class 0", c->epoch, c->iou, c->epochs};
    chart.title = "Validation, means over the classes but class 0";
    chart.series_count = 2;
    html_chart(out, &chart);
}

int report_curves(const struct run_folder *run, FILE *out)
{
    struct curves c = {0};
    struct html_series rate, norm;

    if (!run->history.curve.count)
        return 1;
    if (!gather(run, &c))
        return 0;
    rate = (struct html_series){"learning rate", c.step, c.rate, c.steps};
    norm =
        (struct html_series){"of all gradients together, before clipping", c.step, c.norm, c.steps};
    html_heading(out, "How it learns");
    html_charts_begin(out);
    draw_losses(run, &c, out);
    draw_scores(run, &c, out);
    html_chart(out, &(struct html_chart){.title = "Learning rate",
                                         .x_label = "step",
                                         .series = &rate,
                                         .series_count = 1,
                                         .whole_x = 1});
    html_chart(out, &(struct html_chart){.title = "Gradient norm",
                                         .x_label = "step",
                                         .series = &norm,
                                         .series_count = 1,
                                         .log_y = 1,
                                         .whole_x = 1});
    html_charts_end(out);
    free(c.block);
    return 1;
}

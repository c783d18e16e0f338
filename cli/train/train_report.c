/* SPDX-License-Identifier: Apache-2.0 */
/* train_report.c - what a person sees while a network trains */
#include "train/train_report.h"

#include <math.h>
#include <stdio.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/say.h"
#include "unet_ranks.h"

void train_report_init(struct train_report *report, int quiet, int json)
{
    *report = (struct train_report){.quiet = quiet, .json = json};
    progress_init(&report->line, quiet);
}

void train_report_keep(struct train_report *report, struct train_epoch *epochs, int room)
{
    report->epochs = epochs;
    report->epoch_room = room;
}

static void draw(struct train_report *report, const unet_progress *progress)
{
    char label[48], text[96], left[24];
    double share = -1;

    if (progress->epochs)
        snprintf(label, sizeof(label), "epoch %d/%d", progress->epoch, progress->epochs);
    else
        snprintf(label, sizeof(label), "epoch %d", progress->epoch);
    if (progress->seconds_left >= 0)
        share = progress->seconds / (progress->seconds + progress->seconds_left + 1e-9);
    else if (progress->steps)
        share = (double)progress->step / (double)progress->steps;
    snprintf(text, sizeof(text), "loss %.4f  %.1f tiles/s  %s left", progress->loss,
             progress->images_per_second, format_seconds(progress->seconds_left, left));
    progress_draw(&report->line, label, share, text);
}

static void print_epoch(const unet_progress *progress)
{
    char left[24];

    say(stderr, "epoch %3d  loss %.4f", progress->epoch, progress->loss);
    if (!isnan(progress->val_dice))
        say(stderr, "  Dice without class 0 %.4f, of all classes %.4f", progress->val_dice,
            progress->score);
    say(stderr, "  %6s left%s\n", format_seconds(progress->seconds_left, left),
        progress->improved ? "  best" : "");
    if (progress->one_class > 0)
        say(stderr, "           alarm: one class is the answer everywhere\n");
}

static json_t *class_dice(const unet_progress *progress)
{
    json_t *list;

    if (!progress->class_dice)
        return json_null();
    list = json_array();
    for (int k = 0; k < progress->labels; k++)
        json_array_append_new(list, json_number_short(progress->class_dice[k]));
    return list;
}

/* What the ranks' parts took, or null. */
static json_t *rank_times(const unet_progress *progress)
{
    json_t *list = progress->rank_times ? json_array() : json_null();

    for (int r = 0; progress->rank_times && r < progress->rank_count; r++) {
        const unet_rank_time *t = &progress->rank_times[r];

        json_array_append_new(list, json_pack("{ss so so so so}", "host", t->host, "step_seconds",
                                              json_number_short(t->steps), "waited",
                                              json_number_short(t->waited), "exchanged",
                                              json_number_short(t->exchanged), "bytes_sent",
                                              json_real(t->sent)));
    }
    return list;
}

static void print_json(const unet_progress *progress)
{
    json_print(json_pack(
        "{si sI so so so so so so so so so sb so}", "epoch", progress->epoch, "step",
        (json_int_t)progress->step, "loss", json_number_short(progress->loss), "val_dice",
        json_number_short(progress->val_dice), "val_iou", json_number_short(progress->val_iou),
        "val_accuracy", json_number_short(progress->val_accuracy), "class_dice",
        class_dice(progress), "score", json_number_short(progress->score), "seconds",
        json_number_short(progress->seconds), "seconds_left",
        progress->seconds_left < 0 ? json_null() : json_number_short(progress->seconds_left),
        "tiles_per_second", json_number_short(progress->images_per_second), "improved",
        progress->improved, "ranks", rank_times(progress)));
}

/* As a share of a whole. */
static double share_of(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* Who waited for whom, in words. */
static void keep_ranks(struct train_report *report, const unet_progress *progress)
{
    const unet_rank_time *times = progress->rank_times;
    double least = 1, most = 0, sum = 0;
    int slowest = 0;

    for (int r = 0; times && r < progress->rank_count; r++) {
        const double waited = share_of(times[r].waited, times[r].steps);

        if (waited < least) {
            least = waited;
            slowest = r;
        }
        most = waited > most ? waited : most;
        sum += waited;
    }
    if (!times)
        return;
    if (most - least > 0.1)
        snprintf(report->ranks, sizeof(report->ranks),
                 "%d: rank %d on %s is the slowest; the others waited for it %.0f %% of their time",
                 progress->rank_count, slowest, times[slowest].host,
                 100 * (sum - least) / (progress->rank_count - 1));
    else
        snprintf(report->ranks, sizeof(report->ranks),
                 "%d, equally fast; they waited for each other and the network %.0f %% of the time",
                 progress->rank_count, 100 * sum / progress->rank_count);
}

int train_report_step(void *context, const unet_progress *progress)
{
    struct train_report *report = context;

    if (progress->event == UNET_EVENT_BEGIN)
        report->steps_before = progress->step;
    report->seconds = progress->seconds;
    report->steps = progress->step;
    report->best_epoch = progress->best_epoch;
    report->best_score = progress->best_score;
    if (progress->event != UNET_EVENT_EPOCH) {
        draw(report, progress);
        return interrupted();
    }
    report->last_epoch = progress->epoch;
    keep_ranks(report, progress);
    if (report->epoch_count < report->epoch_room)
        report->epochs[report->epoch_count++] = (struct train_epoch){
            progress->seconds, progress->loss, progress->val_dice, progress->val_iou};
    progress_clear(&report->line);
    if (!report->quiet)
        print_epoch(progress);
    if (report->json)
        print_json(progress);
    return interrupted();
}

void train_report_summary(const struct train_report *report, int validated, const char *best,
                          const char *last)
{
    char time[24];

    format_seconds(report->seconds, time);
    if (report->steps == report->steps_before)
        say(stderr,
            "nothing left to do: %ld steps in %s reached the end that this run was told; with "
            "a larger --time, --steps or --epochs it goes on\n",
            report->steps, time);
    else
        say(stderr, "trained %ld steps in %s\n", report->steps, time);
    if (*report->ranks)
        say(stderr, "ranks      %s\n", report->ranks);
    if (!report->best_epoch)
        say(stderr, "%s: the newest weights; no epoch has ended\n", last);
    else if (!path_exists(best))
        say(stderr, "%s: the newest weights; the best, of epoch %d, are no longer at %s\n", last,
            report->best_epoch, best);
    else if (!validated)
        say(stderr, "%s: lowest loss, %.4f, of epoch %d; %s: the newest weights\n", best,
            -report->best_score, report->best_epoch, last);
    else
        say(stderr, "%s: best, Dice of all classes %.4f, of epoch %d; %s: the newest\n", best,
            report->best_score, report->best_epoch, last);
}

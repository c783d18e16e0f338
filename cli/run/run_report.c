/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_report.c - report.html: the frame of the page, how the run stands, its recipe
 *
 * Sections are in run_curves.c, run_scores.c, run_gallery.c and run_data.c.
 */
#include "run/run_report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "check/check_words.h"
#include "html/html_page.h"
#include "shared/cli.h"
#include "shared/network_options.h"
#include "shared/paths.h"
#include "shared/text_file.h"
#include "shared/progress.h"
#include "unet_fields.h"

enum { REFRESH = 10, TEXT = 700 };

const char *report_class(const struct run_folder *run, int label, char text[CLASS_NAME])
{
    const char *name = unet_model_class(run->facts.model, label, NULL);

    if (name && *name)
        snprintf(text, CLASS_NAME, "%s", name);
    else
        snprintf(text, CLASS_NAME, "class %d", label);
    return text;
}

const struct run_epoch *report_best(const struct run_folder *run)
{
    const struct run_history *history = &run->history;

    for (int i = history->epoch_count; i-- > 0;)
        if (history->epochs[i].improved)
            return &history->epochs[i];
    return NULL;
}

const struct run_epoch *report_latest(const struct run_folder *run)
{
    const struct run_history *history = &run->history;

    return history->epoch_count ? &history->epochs[history->epoch_count - 1] : NULL;
}

/* ---- how it stands ----------------------------------------------------------------------- */

static const char *written_at(char text[64])
{
    time_t now = time(NULL);
    struct tm local;

    localtime_r(&now, &local);
    strftime(text, 64, "%Y-%m-%d %H:%M:%S %Z", &local);
    return text;
}

static void why_ended(const struct run_folder *run, char *text, size_t size)
{
    const unet_progress *p = &run->progress;
    const struct run_epoch *best = report_best(run);
    int waited = best ? p->epoch - best->epoch : p->epoch;

    if (run->end == UNET_END_TIME)
        snprintf(text, size, "Finished: the time that it was given is over.");
    else if (run->end == UNET_END_PATIENCE)
        snprintf(text, size, "Finished: no better score in %d epoch%s.", waited,
                 plural(waited, "s"));
    else if (p->epochs && p->epoch >= p->epochs)
        snprintf(text, size,
                 p->epochs == 1 ? "Finished: its epoch is done."
                                : "Finished: all %d epochs are done.",
                 p->epochs);
    else if (p->steps && p->step >= p->steps)
        snprintf(text, size, "Finished: all %ld steps are done.", p->steps);
    else
        snprintf(text, size, "Finished: as many epochs or steps as were asked for are done.");
}

static void write_command(const struct run_folder *run, FILE *out)
{
    char *folder = path_quote(run->facts.folder);
    char *command = folder ? path_text("unet train --resume %s", folder) : NULL;

    if (command)
        html_code(out, command);
    free(command);
    free(folder);
}

static void write_state(const struct run_folder *run, FILE *out)
{
    const unet_progress *p = &run->progress;
    char title[TEXT], left[24], now[64], text[TEXT];

    if (run->failure) {
        html_box(out, HTML_ALARM, "Stopped by an error", run->failure);
        html_paragraph(out, "The newest good weights and a checkpoint were kept. When the cause is "
                            "gone, this goes on from there:");
        write_command(run, out);
    } else if (run->interrupted || run->end == UNET_END_ASKED) {
        snprintf(title, sizeof(title), "Stopped after %ld steps, and can go on", p->step);
        html_box(out, HTML_PLAIN, title,
                 "It was asked to end, and saved everything. This continues bit for bit as if it "
                 "had never stopped:");
        write_command(run, out);
    } else if (run->end != UNET_RUNNING) {
        why_ended(run, title, sizeof(title));
        html_box(out, HTML_GOOD, title, NULL);
    } else {
        snprintf(title, sizeof(title), "Running: %s%d",
                 p->event == UNET_EVENT_BEGIN ? "after epoch " : "epoch ", p->epoch);
        if (p->epochs)
            snprintf(title + strlen(title), sizeof(title) - strlen(title), " of %d", p->epochs);
        if (p->seconds_left >= 0 && p->step)
            snprintf(title + strlen(title), sizeof(title) - strlen(title), ", about %s left",
                     format_seconds(p->seconds_left, left));
        snprintf(text, sizeof(text),
                 "As of %s. If that is long ago, the program is gone; unet train --resume goes on "
                 "with this folder.",
                 written_at(now));
        html_box(out, HTML_PLAIN, title, text);
    }
}

static void write_figures(const struct run_folder *run, FILE *out)
{
    const unet_progress *p = &run->progress;
    const struct run_epoch *best = report_best(run);
    char text[64], label[64];

    html_figures_begin(out);
    if (best) {
        int scored = run->history.best_epoch == best->epoch && isfinite(best->score);

        snprintf(text, sizeof(text), "%.4f", scored ? best->score : best->loss);
        snprintf(label, sizeof(label), "%s, best epoch %d",
                 scored ? "Dice of all classes" : "lowest training loss", best->epoch);
        html_figure(out, text, label);
        if (isfinite(best->val_dice)) {
            snprintf(text, sizeof(text), "%.4f", best->val_dice);
            snprintf(label, sizeof(label), "Dice without class 0, epoch %d", best->epoch);
            html_figure(out, text, label);
        }
    }
    snprintf(text, sizeof(text), "%d", p->epoch);
    snprintf(label, sizeof(label), p->epochs ? "of %d epoch%s" : "epochs", p->epochs,
             plural(p->epochs, "s"));
    html_figure(out, text, label);
    snprintf(label, sizeof(label), p->steps ? "of %ld step%s" : "steps", p->steps,
             plural((double)p->steps, "s"));
    html_figure(out, format_count((unsigned long long)p->step, text), label);
    html_figure(out, format_seconds(p->seconds, text), "of work");
    if (p->images_per_second > 0) {
        snprintf(text, sizeof(text), "%.3g", p->images_per_second);
        html_figure(out, text, "tiles a second");
        snprintf(text, sizeof(text), "%.1f %%", 100 * p->waited);
        html_figure(out, text, "of the time, steps waited for tiles");
    }
    html_figures_end(out);
}

/* ---- what should worry ------------------------------------------------------------------- */

/* The network learns the training set by heart: its loss falls while the other rises. */
static int learns_by_heart(const struct run_folder *run, char *text, size_t size)
{
    const struct run_history *history = &run->history;
    const struct run_epoch *last = report_latest(run), *low = last;

    if (!last || !isfinite(last->val_loss))
        return 0;
    for (int i = 0; i < history->epoch_count; i++)
        if (history->epochs[i].val_loss < low->val_loss)
            low = &history->epochs[i];
    snprintf(text, size,
             "The validation loss was lowest in epoch %d (%.4g) and is %.4g now, while the "
             "training loss went on falling: more images, stronger augmentation or a smaller "
             "network help. The best "
             "model is kept whatever comes.",
             low->epoch, low->val_loss, last->val_loss);
    return last->epoch - low->epoch >= 3 && last->val_loss > 1.25 * low->val_loss &&
           last->loss < low->loss;
}

static void write_alarms(const struct run_folder *run, FILE *out)
{
    char text[TEXT];

    if (run->one_class > 0) {
        snprintf(text, sizeof(text),
                 "For %d epoch%s, the answer for every pixel that was looked at (of the validation "
                 "set, or "
                 "without one of the epoch's last tile) was the same class, though the masks have "
                 "more. In the first epochs this can pass. If it "
                 "stays: weigh the rare classes or use a loss with Dice, lower the learning "
                 "rate, and look at images and masks with unet check.",
                 run->one_class, plural(run->one_class, "s in a row"));
        html_box(out, HTML_ALARM, "The network answers with one class everywhere", text);
    } else if (run->one_answer) {
        html_box(
            out, HTML_ALARM, "The network answers with one class everywhere",
            "In all training images below the answer for every pixel is the same class, though "
            "the masks have more. If it stays: lower the learning rate, take another --seed, "
            "weigh the rare classes or use a loss with Dice, and look at images and masks with "
            "unet check.");
    }
    if (learns_by_heart(run, text, sizeof(text)))
        html_box(out, HTML_PLAIN, "It begins to learn the training set by heart", text);
    if (run->progress.waited > 0.1 && run->progress.step > 20) {
        snprintf(
            text, sizeof(text),
            "%.0f %% of the time went by until tiles were drawn from the images and changed "
            "at random. A larger batch or network costs less than it seems here; fewer kinds of "
            "augmentation make the steps faster.",
            100 * run->progress.waited);
        html_box(out, HTML_PLAIN, "Steps wait for tiles", text);
    }
    if (!run->facts.validation && run->history.epoch_count)
        html_box(out, HTML_PLAIN, "There is no validation set",
                 "The loss is that of images the network was trained on; how good it is on others, "
                 "nobody knows. Hold some out to see.");
    if (run->record_error.code)
        html_box(out, HTML_ALARM, "A file could not be written", run->record_error.text);
}

/* ---- recipe and machine ------------------------------------------------------------------ */

static int write_recipe(const struct run_folder *run, FILE *out)
{
    const struct run_facts *facts = &run->facts;
    const char **cells = calloc(2 * (size_t)facts->recipe_rows + 8, sizeof(*cells));
    const unet_spec *spec = unet_model_spec(facts->model);
    char network[512], parameters[48];
    unet_cost cost;
    int layers = 0, at = 0, told = 0;

    if (!cells)
        return 0;
    cells[at++] = "what";
    cells[at++] = "how";
    for (int i = 0; i < facts->recipe_rows; i++)
        told |= !strcmp(facts->recipe[i].name, "network");
    if (!told) {
        network_describe(spec, network, sizeof(network));
        cells[at++] = "network";
        cells[at++] = network;
    }
    if (!unet_spec_cost(spec, 1, 1, 1, &cost, NULL, &layers, NULL)) {
        cells[at++] = "parameters";
        cells[at++] = format_count(cost.parameters, parameters);
    }
    for (int i = 0; i < facts->recipe_rows; i++) {
        cells[at++] = facts->recipe[i].name;
        cells[at++] = facts->recipe[i].value;
    }
    html_heading(out, "The recipe");
    html_table_of_words(out, cells, at / 2, 2);
    free(cells);
    return 1;
}

static void write_machine(const struct run_folder *run, FILE *out)
{
    const unet_progress *p = &run->progress;
    struct rusage usage;
    char time[24], memory[24];

    html_heading(out, "Time and memory");
    if (getrusage(RUSAGE_SELF, &usage))
        usage.ru_maxrss = 0;
    html_paragraph(out,
                   "%s of work for %ld steps, without the runs' starts. At most %s of memory in "
                   "this run. Instruction set: %s. unet %s, compiler %s.",
                   format_seconds(p->seconds, time), p->step,
                   format_bytes(1024.0 * (double)usage.ru_maxrss, memory), unet_isa(), UNET_VERSION,
                   __VERSION__);
    html_paragraph(out, "Beside this page: best.safetensors and last.safetensors, the models; "
                        "checkpoint, from which the run goes on; settings.json, the recipe; "
                        "history.jsonl, every number of this page; images/, the pictures.");
}

unet_code report_write(struct run_folder *run, unet_error *err)
{
    int running = run->end == UNET_RUNNING && !run->failure && !run->interrupted;
    const char *title = run->facts.title ? run->facts.title : file_name(run->facts.folder);
    unet_code code = images_write(&run->images, err);
    struct text_file file;
    char now[64], subtitle[TEXT];
    int ok;

    if (code)
        return code;
    if (!text_file_begin(&file, run->report_path))
        goto failed;
    snprintf(subtitle, sizeof(subtitle), "%s, %s", run->facts.folder, written_at(now));
    html_begin_live(file.stream, *title ? title : "Training", subtitle, running ? REFRESH : 0);
    write_state(run, file.stream);
    write_alarms(run, file.stream);
    write_figures(run, file.stream);
    ok = report_curves(run, file.stream) && report_scores(run, file.stream) &&
         report_pictures(run, file.stream) && write_recipe(run, file.stream) &&
         report_data(run, file.stream);
    write_machine(run, file.stream);
    html_end(file.stream);
    if (!ok) {
        text_file_abort(&file);
        return set_error(err, UNET_EIO,
                         "%.400s: not all of it could be made, so it was not written",
                         run->report_path);
    }
    if (text_file_finish(&file))
        return UNET_OK;
failed:
    return set_error(err, UNET_EIO, "%.400s: cannot be written: %s", run->report_path,
                     strerror(errno));
}

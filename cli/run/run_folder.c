/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_folder.c - events of a training, handed to the record, the pictures, the event files and the
 * report
 *
 * The report is written again when it is old enough: ten seconds in the midst of an epoch, one at
 * the end of one, and a hundred times as long as writing it took, so it costs at most a hundredth
 * of the time.
 */
#include "run/run_folder.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run_report.h"
#include "shared/cli.h"
#include "shared/paths.h"
#include "shared/progress.h"

#define STEP_SECONDS 10.0
#define EPOCH_SECONDS 1.0
#define COST 100.0 /* times what the last one took */

enum { DENSE = 1000, SPARSE = 10 }; /* event files: every step, and from here on every tenth */

static void release(struct run_folder *run)
{
    board_close(&run->board);
    history_release(&run->history);
    images_release(&run->images);
    free(run->report_path);
}

int run_begin(struct run_folder *run, const struct run_facts *facts)
{
    int ok;

    *run = (struct run_folder){.facts = *facts, .written_at = -1};
    run->board.fd = run->history.fd = -1;
    run->report_path = path_join(facts->folder, "report.html");
    ok = run->report_path && images_open(&run->images, facts->folder, facts->model, facts->resumed);
    if (!ok || !path_writable(run->report_path)) {
        int status = ok ? fail_text("%s: cannot be written: %s", run->report_path, strerror(errno))
                        : fail_memory();

        release(run);
        return status;
    }
    return EXIT_DONE;
}

/* ---- the record -------------------------------------------------------------------------- */

/* The first failure stays; what follows may only be its consequence. */
static int record_failed(struct run_folder *run, const char *what)
{
    if (!run->record_error.code) {
        set_error(&run->record_error, UNET_EIO, "%.300s/%s: cannot be written: %s",
                  run->facts.folder, what, strerror(errno));
    }
    return 0;
}

static int begin(struct run_folder *run, const unet_progress *progress)
{
    char *path = path_join(run->facts.folder, "history.jsonl");
    int done = progress->event == UNET_EVENT_BEGIN, ok;
    long step = done ? progress->step : 0;

    run->begun = 1;
    images_colors(&run->images, run->facts.model);
    errno = ENOMEM;
    ok = path && history_open(&run->history, path, step, done ? progress->epoch : 0);
    free(path);
    if (!ok)
        return record_failed(run, "history.jsonl");
    if (run->history.epoch_count)
        run->one_class = run->history.epochs[run->history.epoch_count - 1].one_class;
    if (run->facts.tensorboard && !board_open(&run->board, run->facts.folder, step))
        return record_failed(run, "events.out.tfevents");
    return 1;
}

static int board_step(struct run_folder *run, const unet_progress *progress)
{
    const struct board_scalar scalar[] = {{"loss/step", progress->step_loss},
                                          {"rate", progress->rate},
                                          {"gradient_norm", progress->gradient_norm}};

    if (progress->step > DENSE && progress->step % SPARSE)
        return 1;
    return board_add(&run->board, progress->step, scalar, 3);
}

static int board_epoch(struct run_folder *run, const unet_progress *progress)
{
    const struct board_scalar scalar[] = {{"loss/train", progress->loss},
                                          {"loss/val", progress->val_loss},
                                          {"dice/mean", progress->val_dice},
                                          {"iou/mean", progress->val_iou},
                                          {"accuracy", progress->val_accuracy}};
    int ok = board_add(&run->board, progress->step, scalar, isfinite(progress->val_loss) ? 5 : 1);

    for (int k = 0; ok && progress->class_dice && k < progress->labels; k++) {
        char name[CLASS_NAME], tag[CLASS_NAME + 8];

        if (!isfinite(progress->class_dice[k]))
            continue;
        snprintf(tag, sizeof(tag), "dice/%s", report_class(run, k, name));
        ok = board_add(&run->board, progress->step,
                       &(struct board_scalar){tag, progress->class_dice[k]}, 1);
    }
    return ok;
}

/* 0: something failed, and was noted. */
static int record(struct run_folder *run, const unet_progress *progress)
{
    int step = progress->event == UNET_EVENT_STEP, epoch = progress->event == UNET_EVENT_EPOCH;

    if (step && !history_step(&run->history, progress))
        return record_failed(run, "history.jsonl");
    if (epoch && !history_epoch(&run->history, progress))
        return record_failed(run, "history.jsonl");
    if (progress->event == UNET_EVENT_CHECKPOINT && !history_sync(&run->history))
        return record_failed(run, "history.jsonl");
    if (run->facts.tensorboard &&
        ((step && !board_step(run, progress)) || (epoch && !board_epoch(run, progress))))
        return record_failed(run, "events.out.tfevents");
    return 1;
}

/* ---- the report -------------------------------------------------------------------------- */

static void write_report(struct run_folder *run)
{
    double from = seconds_now();
    unet_error err = {0};

    if (report_write(run, &err) && !run->report_error.code)
        run->report_error = err;
    run->written_at = seconds_now();
    run->write_seconds = run->written_at - from;
}

static int report_is_due(const struct run_folder *run, unet_train_event event)
{
    double least = event == UNET_EVENT_EPOCH ? EPOCH_SECONDS : STEP_SECONDS;

    return run->written_at < 0 ||
           seconds_now() - run->written_at >= fmax(least, COST * run->write_seconds);
}

int run_progress(struct run_folder *run, const unet_progress *progress)
{
    if (!run->begun && !begin(run, progress))
        return 1;
    if (run->record_error.code || !record(run, progress))
        return 1;
    run->progress = *progress;
    run->progress.class_dice = NULL;
    run->progress.scores = NULL;
    if (progress->event == UNET_EVENT_EPOCH) {
        run->one_class = progress->one_class;
        images_done(&run->images);
    }
    if (!run->facts.validation &&
        (progress->event == UNET_EVENT_EPOCH || progress->event == UNET_EVENT_END))
        report_trained(run, progress);
    if (progress->event == UNET_EVENT_END)
        run->end = progress->end; /* run_end() writes the page */
    else if (report_is_due(run, progress->event))
        write_report(run);
    return 0;
}

int run_validated(struct run_folder *run, const unet_validated *image)
{
    unet_error err = {0};

    if (images_add(&run->images, image, &err) && !run->report_error.code)
        run->report_error = err;
    return 0;
}

int run_end(struct run_folder *run, int interrupted, const unet_error *failed)
{
    int status = EXIT_DONE;

    run->interrupted = interrupted;
    run->failure = failed ? failed->text : NULL;
    if (run->begun && !run->record_error.code && !history_sync(&run->history))
        record_failed(run, "history.jsonl");
    if (run->begun) /* else what an earlier run left is better than an empty page */
        write_report(run);
    if (run->record_error.code)
        status = fail(&run->record_error);
    if (run->report_error.code)
        status = fail(&run->report_error);
    release(run);
    return status;
}

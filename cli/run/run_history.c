/* SPDX-License-Identifier: Apache-2.0 */
/* run_history.c - lines of history.jsonl: written, and kept for charts.  Reading: run_read.c */
#include "run/run_history.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/machine.h"
#include "unet_scores.h"

/* ---- kept in memory ---------------------------------------------------------------------- */

/* Adds means over `steps` steps to those of a point. */
static void merge(struct run_point *point, const struct run_point *other)
{
    double all = (double)(point->steps + other->steps), share = (double)other->steps / all;

    point->step = other->step;
    point->loss += (other->loss - point->loss) * share;
    point->rate += (other->rate - point->rate) * share;
    point->gradient_norm += (other->gradient_norm - point->gradient_norm) * share;
    point->steps += other->steps;
}

void keep_step(struct run_history *history, const struct run_point *point)
{
    struct run_curve *curve = &history->curve;

    if (!curve->per)
        curve->per = 1;
    if (curve->count && curve->point[curve->count - 1].steps < curve->per) {
        merge(&curve->point[curve->count - 1], point);
        return;
    }
    if (curve->count == RUN_CURVE) {
        for (int i = 0; i < RUN_CURVE / 2; i++) {
            curve->point[i] = curve->point[2 * i];
            merge(&curve->point[i], &curve->point[2 * i + 1]);
        }
        curve->count = RUN_CURVE / 2;
        curve->per *= 2;
    }
    curve->point[curve->count++] = *point;
}

int keep_epoch(struct run_history *history, const struct run_epoch *epoch, const double *class_dice,
               const uint64_t *confusion, int labels)
{
    size_t cells = (size_t)labels * (size_t)labels;
    struct run_epoch *kept;

    if (history->epoch_count == history->epoch_room) {
        int room = history->epoch_room ? 2 * history->epoch_room : 64;
        struct run_epoch *grown = realloc(history->epochs, (size_t)room * sizeof(*grown));

        if (!grown)
            return 0;
        history->epochs = grown;
        history->epoch_room = room;
    }
    kept = &history->epochs[history->epoch_count];
    *kept = *epoch;
    kept->class_dice = NULL;
    if (class_dice && labels > 0) {
        if (!history->latest) {
            history->latest = calloc(2 * cells, sizeof(*history->latest));
            history->best = history->latest ? history->latest + cells : NULL;
            history->labels = labels;
        }
        kept->class_dice = malloc((size_t)labels * sizeof(double));
        if (!history->latest || !kept->class_dice || history->labels != labels)
            return 0;
        memcpy(kept->class_dice, class_dice, (size_t)labels * sizeof(double));
        memcpy(history->latest, confusion, cells * sizeof(*confusion));
        history->latest_epoch = epoch->epoch;
        if (epoch->improved) {
            memcpy(history->best, confusion, cells * sizeof(*confusion));
            history->best_epoch = epoch->epoch;
        }
    }
    history->epoch_count++;
    return 1;
}

/* ---- lines ------------------------------------------------------------------------------- */

static void number(FILE *line, const char *name, double value)
{
    if (isfinite(value))
        fprintf(line, ",\"%s\":%.9g", name, value);
    else
        fprintf(line, ",\"%s\":null", name);
}

/* Closes the line and hands it over whole.  0: errno. */
static int send_line(struct run_history *history, FILE *line, char **text, size_t *size)
{
    int ok;

    fputs("}\n", line);
    ok = !ferror(line);
    ok = !fclose(line) && ok;
    errno = ENOMEM;
    if (ok) {
        ssize_t written = write(history->fd, *text, *size);

        ok = written == (ssize_t)*size;
        if (written >= 0 && !ok)
            errno = ENOSPC;
    }
    free(*text);
    return ok;
}

int history_step(struct run_history *history, const unet_progress *progress)
{
    const struct run_point point = {(double)progress->step, progress->step_loss, progress->rate,
                                    progress->gradient_norm, 1};
    char *text = NULL;
    size_t size = 0;
    FILE *line = open_memstream(&text, &size);

    if (!line)
        return 0;
    keep_step(history, &point);
    fprintf(line, "{\"kind\":\"step\",\"step\":%ld,\"epoch\":%d", progress->step, progress->epoch);
    number(line, "loss", progress->step_loss);
    number(line, "rate", progress->rate);
    number(line, "gradient_norm", progress->gradient_norm);
    number(line, "seconds", progress->seconds);
    return send_line(history, line, &text, &size);
}

static void write_scores(FILE *line, const unet_progress *progress, uint64_t *confusion)
{
    int labels = progress->labels;

    fputs(",\"class_dice\":[", line);
    for (int k = 0; k < labels; k++) {
        if (isfinite(progress->class_dice[k]))
            fprintf(line, "%s%.9g", k ? "," : "", progress->class_dice[k]);
        else
            fprintf(line, "%snull", k ? "," : "");
    }
    fputs("],\"confusion\":[", line);
    for (int truth = 0; truth < labels; truth++) {
        for (int predicted = 0; predicted < labels; predicted++) {
            uint64_t *cell = &confusion[truth * labels + predicted];

            *cell = unet_scores_pixels(progress->scores, truth, predicted);
            fprintf(line, "%s%llu",
                    predicted ? ","
                    : truth   ? ",["
                              : "[",
                    (unsigned long long)*cell);
        }
        fputc(']', line);
    }
    fputc(']', line);
}

int history_epoch(struct run_history *history, const unet_progress *progress)
{
    const struct run_epoch epoch = {
        .epoch = progress->epoch,
        .step = progress->step,
        .improved = progress->improved,
        .one_class = progress->one_class,
        .loss = progress->loss,
        .val_loss = progress->val_loss,
        .val_dice = progress->val_dice,
        .val_iou = progress->val_iou,
        .accuracy = progress->val_accuracy,
        .score = progress->score,
        .rate = progress->rate,
        .seconds = progress->seconds,
    };
    int scored = progress->class_dice && progress->scores && progress->labels > 0;
    size_t labels = scored ? (size_t)progress->labels : 0;
    uint64_t *confusion = calloc(labels * labels + 1, sizeof(*confusion));
    char *text = NULL;
    size_t size = 0;
    FILE *line = confusion ? open_memstream(&text, &size) : NULL;
    int ok = line != NULL;

    if (ok) {
        fprintf(line, "{\"kind\":\"epoch\",\"epoch\":%d,\"step\":%ld", epoch.epoch, epoch.step);
        number(line, "loss", epoch.loss);
        number(line, "val_loss", epoch.val_loss);
        number(line, "val_dice", epoch.val_dice);
        number(line, "val_iou", epoch.val_iou);
        number(line, "accuracy", epoch.accuracy);
        if (scored)
            write_scores(line, progress, confusion);
        else
            fputs(",\"class_dice\":null,\"confusion\":null", line);
        number(line, "score", epoch.score);
        fprintf(line, ",\"improved\":%s,\"one_class\":%d", epoch.improved ? "true" : "false",
                epoch.one_class);
        number(line, "rate", epoch.rate);
        number(line, "seconds", epoch.seconds);
        number(line, "tiles_per_second", progress->images_per_second);
        number(line, "waited", progress->waited);
        ok = send_line(history, line, &text, &size);
    }
    if (ok && !keep_epoch(history, &epoch, scored ? progress->class_dice : NULL, confusion,
                          (int)labels)) {
        errno = ENOMEM;
        ok = 0;
    }
    free(confusion);
    return ok;
}

/* ---- the file ---------------------------------------------------------------------------- */

int history_open(struct run_history *history, const char *path, long step, int epoch)
{
    history->fd = -1;
    history->path = strdup(path);
    if (!history->path || !history_keep(history, step, epoch))
        return 0;
    history->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return history->fd >= 0;
}

int history_sync(struct run_history *history)
{
    return !system_sync(history->fd);
}

void history_release(struct run_history *history)
{
    if (history->path && history->fd >= 0)
        close(history->fd);
    for (int i = 0; i < history->epoch_count; i++)
        free(history->epochs[i].class_dice);
    free(history->epochs);
    free(history->latest);
    free(history->path);
    *history = (struct run_history){.fd = -1};
}

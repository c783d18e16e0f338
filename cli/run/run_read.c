/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_read.c - history.jsonl read again
 *
 * A run that was killed has written lines after its last checkpoint, which it will write again, and
 * perhaps half a line at the end.  What remains is copied byte by byte, so it stays as it was.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run_history.h"
#include "shared/paths.h"
#include "shared/text_file.h"

/* null and what is missing become NAN. */
static double number_at(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static long integer_at(const json_t *object, const char *name)
{
    return (long)json_integer_value(json_object_get(object, name));
}

/* 0: the line is not one that was written here. */
static int read_confusion(const json_t *rows, int labels, uint64_t *confusion)
{
    for (int truth = 0; truth < labels; truth++) {
        const json_t *row = json_array_get(rows, (size_t)truth);

        if (json_array_size(row) != (size_t)labels)
            return 0;
        for (int k = 0; k < labels; k++) {
            const json_t *count = json_array_get(row, (size_t)k);

            /* up to what any sum of them can be */
            if (!json_is_integer(count) || json_integer_value(count) < 0 ||
                json_integer_value(count) > (json_int_t)1 << 47)
                return 0;
            confusion[truth * labels + k] = (uint64_t)json_integer_value(count);
        }
    }
    return 1;
}

static int read_epoch(struct run_history *history, const json_t *object)
{
    const struct run_epoch epoch = {
        .epoch = (int)integer_at(object, "epoch"),
        .step = integer_at(object, "step"),
        .improved = json_is_true(json_object_get(object, "improved")),
        .one_class = (int)integer_at(object, "one_class"),
        .loss = number_at(object, "loss"),
        .val_loss = number_at(object, "val_loss"),
        .val_dice = number_at(object, "val_dice"),
        .val_iou = number_at(object, "val_iou"),
        .accuracy = number_at(object, "accuracy"),
        .score = number_at(object, "score"),
        .rate = number_at(object, "rate"),
        .seconds = number_at(object, "seconds"),
    };
    const json_t *list = json_object_get(object, "class_dice");
    const json_t *rows = json_object_get(object, "confusion");
    size_t labels = json_array_size(list);
    double dice[UNET_MAX_CLASSES];
    uint64_t *confusion;
    int ok;

    if (labels > UNET_MAX_CLASSES || json_array_size(rows) != labels)
        return 0;
    for (size_t k = 0; k < labels; k++) {
        const json_t *value = json_array_get(list, k);

        dice[k] = json_is_number(value) ? json_number_value(value) : (double)NAN;
    }
    if (!(confusion = calloc(labels * labels + 1, sizeof(*confusion))))
        return 0;
    ok = read_confusion(rows, (int)labels, confusion) &&
         keep_epoch(history, &epoch, labels ? dice : NULL, confusion, (int)labels);
    free(confusion);
    return ok;
}

/* Whether a line belongs to the run so far; then it is kept for the charts, too. */
static int read_line(struct run_history *history, const char *line, size_t length, long step,
                     int epoch)
{
    json_t *object = json_loadb(line, length, 0, NULL);
    const char *kind = json_string_value(json_object_get(object, "kind"));
    int ok = 0;

    if (integer_at(object, "step") < 1) { /* no line of ours */
        json_decref(object);
        return 0;
    }
    if (kind && !strcmp(kind, "step") && integer_at(object, "step") <= step) {
        const struct run_point point = {(double)integer_at(object, "step"),
                                        number_at(object, "loss"), number_at(object, "rate"),
                                        number_at(object, "gradient_norm"), 1};

        keep_step(history, &point);
        ok = 1;
    } else if (kind && !strcmp(kind, "epoch") && integer_at(object, "epoch") >= 1 &&
               integer_at(object, "epoch") <= epoch) {
        ok = read_epoch(history, object);
    }
    json_decref(object);
    return ok;
}

int history_keep(struct run_history *history, long step, int epoch)
{
    FILE *old = fopen(history->path, "r");
    struct text_file file;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    int ok;

    if (!old && errno != ENOENT)
        return 0;
    if (!text_file_begin(&file, history->path)) {
        if (old)
            fclose(old);
        return 0;
    }
    while (old && step > 0 && (length = getline(&line, &room, old)) > 0)
        if (line[length - 1] == '\n' && read_line(history, line, (size_t)length, step, epoch))
            fwrite(line, 1, (size_t)length, file.stream);
    ok = !old || !ferror(old);
    free(line);
    if (old)
        fclose(old);
    if (!ok) {
        text_file_abort(&file);
        errno = EIO;
        return 0;
    }
    return text_file_finish(&file);
}

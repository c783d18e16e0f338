/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_length.c - the length of a run that goes on
 *
 * A limit of before that the run has reached gives way to a length that stands beside --resume:
 * --steps 700 after --epochs 3, which are over, would else end at once.  One that is not reached
 * stays: --epochs 500 when --time is made longer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/paths.h"
#include "train/train_settings.h"

static const char *const limits[] = {"epochs", "steps"};

/* How far a run is. */
struct progress {
    double done[2], seconds; /* of limits[] */
};

/* By the last whole line of its record; all 0: none is known. */
static struct progress read_progress(const char *folder)
{
    struct progress progress = {{0, 0}, 0};
    char *path = path_join(folder, "history.jsonl"), *line = NULL;
    FILE *file = path ? fopen(path, "r") : NULL;
    json_t *last = NULL, *next;
    size_t room = 0;
    ssize_t size;

    if (file && !fseek(file, 0, SEEK_END) && ftell(file) > (1 << 20))
        fseek(file, -(1 << 20), SEEK_END);
    else if (file)
        rewind(file);
    while (file && (size = getline(&line, &room, file)) > 0)
        if ((next = json_loadb(line, (size_t)size, 0, NULL))) {
            json_decref(last);
            last = next;
        }
    if (last) {
        const char *kind = json_string_value(json_object_get(last, "kind"));

        progress.done[0] = json_number_value(json_object_get(last, "epoch")) -
                           (kind && !strcmp(kind, "step")); /* which has not ended */
        progress.done[1] = json_number_value(json_object_get(last, "step"));
        progress.seconds = json_number_value(json_object_get(last, "seconds"));
    }
    json_decref(last);
    free(line);
    free(path);
    if (file)
        fclose(file);
    return progress;
}

void train_length_begin(struct train_settings *settings, struct train_length *kept)
{
    for (int i = 0; i < 2; i++)
        kept->limit[i] = said_text(&settings->length, limits[i]);
    kept->time = settings->time;
    settings->time = 0;
    *kept->dropped = 0;
}

void train_length_end(struct train_settings *settings, struct train_length *kept)
{
    const int timed = settings->time > 0;
    const size_t size = sizeof(kept->dropped);
    struct progress progress;
    size_t used = 0;
    int said = timed;

    for (int i = 0; i < 2; i++) /* said again, it is another text even where it is the same words */
        said |= said_text(&settings->length, limits[i]) != kept->limit[i];
    settings->time = timed ? settings->time : kept->time;
    if (!said || !settings->resume)
        return;
    progress = read_progress(settings->resume);
    for (int i = 0; i < 2; i++) {
        const char *limit = kept->limit[i];

        if (!limit || said_text(&settings->length, limits[i]) != limit ||
            progress.done[i] < atof(limit))
            continue;
        used += (size_t)snprintf(kept->dropped + used, size - used, "%s--%s %.20s",
                                 used ? ", " : "", limits[i], limit);
        said_drop(&settings->length, limits[i]);
    }
    if (!timed && kept->time > 0 && progress.seconds >= kept->time) {
        snprintf(kept->dropped + used, size - used, "%s--time %.0fs", used ? ", " : "", kept->time);
        settings->time = 0;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_part.c - --part I/N: one job of many has every N-th image
 *
 * Each job lists, names and checks all images, so that all agree on what clashes and what tables
 * have; then they are dealt in the order of their names' bytes, whatever order a job was told. Part
 * 0 is part N: ids of a job array that count from 0 and ids that count from 1 both reach each part.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "predict/predict_plan.h"
#include "shared/progress.h"
#include "shared/say.h"

/* A whole number without a sign or spaces; -1: none. */
static long take_number(const char **at)
{
    char *end;
    long number;

    if (**at < '0' || **at > '9')
        return -1;
    errno = 0;
    number = strtol(*at, &end, 10);
    *at = end;
    return errno || number > PART_MOST ? -1 : number;
}

int predict_part_read(const struct command *command, struct predict_settings *settings)
{
    const char *at = settings->part;
    long number, count = -1;

    if (!at)
        return EXIT_DONE;
    number = take_number(&at);
    if (number >= 0 && *at == '/') {
        at++;
        count = take_number(&at);
    }
    if (number < 0 || count < 1 || *at)
        return usage_error(command,
                           "--part: found \"%s\", wanted I/N, such as 3/40: the third of 40 parts",
                           settings->part);
    if (number > count)
        return usage_error(command,
                           "--part: found %ld/%ld, wanted 1/%ld to %ld/%ld, or 0/%ld to %ld/%ld "
                           "(0 is the last part)",
                           number, count, count, count, count, count, count - 1, count);
    settings->part_count = (int)count;
    settings->part_number = (int)(number ? number : count);
    return EXIT_DONE;
}

char *predict_part_file(const struct predict_settings *settings, const char *path)
{
    char insert[48];
    int digits = snprintf(NULL, 0, "%d", settings->part_count);

    if (!settings->part_count)
        return strdup(path);
    snprintf(insert, sizeof(insert), "-part%0*dof%d", digits, settings->part_number,
             settings->part_count);
    return path_before_ending(path, insert);
}

static int compare_inputs(const void *a, const void *b)
{
    const struct predict_job *const *x = a, *const *y = b;

    return strcmp((*x)->input, (*y)->input);
}

/* An array that is smaller than the list is dealt leaves parts; a few of them may be run anew. */
static void look_at_array(const struct predict_settings *settings)
{
    const char *text = getenv("SLURM_ARRAY_TASK_COUNT");
    long tasks = text ? strtol(text, NULL, 10) : 0;

    if (tasks > 1 && tasks < settings->part_count)
        say(stderr,
            "note: this job array has %ld tasks, and --part deals %d parts: %ld are for others\n",
            tasks, settings->part_count, settings->part_count - tasks);
}

int predict_part_take(const struct predict_settings *settings, struct predict_plan *plan)
{
    size_t all = plan->inputs.count, own = 0, other = 0;
    const struct predict_job **order = calloc(all, sizeof(*order));
    struct predict_job *dealt = calloc(all, sizeof(*dealt));
    char *mine = calloc(all, 1);
    int ok = order && dealt && mine;

    for (size_t i = 0; ok && i < all; i++)
        order[i] = &plan->jobs[i];
    if (ok)
        qsort(order, all, sizeof(*order), compare_inputs);
    for (size_t i = 0; ok && i < all; i++) {
        mine[order[i] - plan->jobs] =
            i % (size_t)settings->part_count == (size_t)settings->part_number - 1;
        own += i % (size_t)settings->part_count == (size_t)settings->part_number - 1;
    }
    for (size_t i = 0, at = 0; ok && i < all; i++)
        dealt[mine[i] ? at++ : own + other++] = plan->jobs[i];
    if (ok) {
        memcpy(plan->jobs, dealt, all * sizeof(*dealt));
        plan->count = own;
        if (!settings->common.quiet) {
            say(stderr, "part %d of %d: %zu of %zu image%s\n", settings->part_number,
                settings->part_count, own, all, plural((double)all, "s"));
            look_at_array(settings);
        }
    }
    free(order);
    free(dealt);
    free(mine);
    return ok ? EXIT_DONE : fail_memory();
}

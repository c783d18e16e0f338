/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_bands.c - images that all ranks predict together
 *
 * Rank 0 goes through the images as one process does: it opens files, is handed all rows in order
 * and writes them, finds and measures objects.  The others compute rows of tiles.  They go the same
 * way by agreement: before an image and before each of its pages all ask each other whether they
 * can.  Whoever fails in the midst of a page ends all of them.
 */
#include <stdint.h>
#include <stdlib.h>

#include "predict/predict_run.h"
#include "shared/cli.h"
#include "shared/text_sum.h"

enum { CHANNEL = 2 };

/* What ranks said, [count]; NULL: told, or no memory. */
static int *ask(const struct predict_run *run, int mine, unet_error *err)
{
    int *all = calloc((size_t)run->ranks->count, sizeof(*all));

    if (!all)
        set_error(err, UNET_ENOMEM, "not enough memory");
    else if (unet_ranks_gather(run->ranks, CHANNEL, &mine, sizeof(mine), all, err)) {
        free(all);
        all = NULL;
    }
    return all;
}

unet_code predict_agree(struct predict_run *run, int code, unet_error *err)
{
    int *all;

    run->abandoned = 0;
    if (!run->bands)
        return (unet_code)code;
    if (!(all = ask(run, code, err))) {
        run->broken = 1;
        return UNET_EIO;
    }
    for (int r = 0; r < run->ranks->count; r++) {
        run->abandoned |= all[r] != 0;
        if (all[r] && !code)
            code = set_error(err, UNET_EIO, "rank %d cannot go on with it", r);
    }
    free(all);
    return (unet_code)code;
}

/* What rank 0 says, 0: go on.  Where this rank alone cannot, it says why. */
static int follow(struct predict_run *run, int code, const unet_error *why, int *go_on)
{
    unet_error err;
    int *all = ask(run, code, &err), others = 0;

    if (!all)
        return fail(&err);
    for (int r = 0; r < run->ranks->count; r++)
        others |= all[r];
    if (code && !all[0])
        fail(why);
    *go_on = !others;
    free(all);
    return EXIT_DONE;
}

/* Rank 0 alone is handed rows. */
static unet_code no_band(void *context, const unet_band *band, unet_error *err)
{
    (void)context;
    (void)band;
    return set_error(err, UNET_EINVAL, "rows for another rank");
}

static int all_pages(struct predict_run *run, const struct predict_job *job, unet_source *source)
{
    unet_stream stream = predict_out_wants(job, run->model);
    int status = EXIT_DONE, go_on = 1;
    unet_error err;

    stream.band = no_band;
    stream.ranks = run->ranks;
    for (int page = 0; page < unet_source_pages(source) && !status; page++) {
        if ((status = follow(run, 0, NULL, &go_on)) || !go_on)
            return status;
        if (unet_predict_stream(run->session, source, page, &stream, &err))
            status = fail(&err);
    }
    return status;
}

/* Rows of tiles of an image; 0: it cannot be had, as is told by who predicts it. */
static int rows_of(const struct predict_run *run, const struct predict_job *job)
{
    int rows;

    return job->height && job->width &&
                   !unet_session_rows(run->session, job->height, job->width, &rows, NULL)
               ? rows
               : 0;
}

/* Whether all ranks cut images alike. */
static int compare_rows(const struct predict_run *run, uint64_t mine)
{
    uint64_t *all = calloc((size_t)run->ranks->count, sizeof(*all));
    int status = all ? EXIT_DONE : fail_memory();
    unet_error err;

    if (all && unet_ranks_gather(run->ranks, CHANNEL, &mine, sizeof(mine), all, &err))
        status = fail(&err);
    for (int r = 1; r < run->ranks->count && !status; r++)
        if (all[r] != all[0])
            status = fail_text("rank %d cuts images into other tiles than rank 0; wanted the same "
                               "--tile and --memory for all",
                               r);
    free(all);
    return status;
}

int predict_choose_bands(struct predict_run *run)
{
    const size_t count = run->plan->count, ranks = (size_t)run->ranks->count;
    double bands = 0, all = 0, largest = 0, dealt;
    uint64_t sum = TEXT_SUM_START; /* of rows */

    for (size_t i = 0; i < count && count < ranks; i++) {
        const struct predict_job *job = &run->plan->jobs[i];
        double work = (double)job->height * job->width * job->pages;
        int rows = rows_of(run, job);

        sum = bytes_sum(sum, &rows, sizeof(rows));
        if (!rows)
            continue;
        all += work;
        largest = work > largest ? work : largest;
        bands += work * (double)((rows + (int)ranks - 1) / (int)ranks) / rows;
    }
    dealt = all / (double)count > largest ? all / (double)count : largest;
    run->bands = bands < dealt;
    return compare_rows(run, sum);
}

int predict_bands(struct predict_run *run)
{
    int status = EXIT_DONE;

    for (size_t i = 0; i < run->plan->count && !status; i++) {
        const struct predict_job *job = &run->plan->jobs[i];
        unet_source *source = NULL;
        unet_error err;
        int go_on = 0;
        unet_code code = predict_plan_open(run->settings, run->model, job, &source, &err);

        status = follow(run, (int)code, &err, &go_on);
        if (!status && go_on)
            status = all_pages(run, job, source);
        unet_source_close(source);
    }
    return status;
}

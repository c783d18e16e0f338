/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_ranks.c - the images of unet predict, each by the rank that is free
 *
 * Every rank has made the same plan.  What an image leaves in files of its own its rank writes;
 * what goes into one file of all images, and what is said and counted, comes to rank 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "predict/predict_deal.h"
#include "predict/predict_done.h"
#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/say.h"
#include "shared/shared_work.h"
#include "shared/text_sum.h"

/* ---- before all -------------------------------------------------------------------------- */

enum { CHANNEL = 0, MOST_FILES = 16, CHUNKS = 64 };
static uint64_t add_number(uint64_t sum, long long number)
{
    return bytes_sum(sum, &number, sizeof(number));
}

/* What changes a file, which images are done and which files there are.  0: no memory. */
static uint64_t sum_options(const struct predict_settings *settings,
                            const struct predict_plan *plan, const unet_session_options *work)
{
    json_t *options = predict_done_options(settings, plan, work);
    char *text = options ? json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    uint64_t sum = text ? text_sum(TEXT_SUM_START, text) : 0;

    sum = add_number(add_number(sum, settings->part_number), settings->part_count);
    sum = add_number(sum, settings->skip_done);
    for (size_t i = 0; i < plan->inputs.count; i++)
        for (int p = 0; p < PRODUCTS; p++)
            sum = text_sum(sum, plan->jobs[i].output[p] ? plan->jobs[i].output[p] : "");
    free(text);
    json_decref(options);
    return text ? sum : 0;
}

/* The length of a file; where `bytes`, too, some of them from its beginning to its end: a slide is
 * not read whole by every rank for this. */
static uint64_t sum_file(uint64_t hash, const char *path, int bytes)
{
    const char *pages;
    char *file = path_of_pages(path, &pages), chunk[4096];
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    struct stat info;

    if (fd >= 0 && !fstat(fd, &info) && S_ISREG(info.st_mode)) {
        const off_t last = info.st_size > (off_t)sizeof(chunk) ? info.st_size - sizeof(chunk) : 0;

        hash = add_number(hash, info.st_size);
        for (int k = 0; bytes && k < CHUNKS; k++) {
            const ssize_t got = pread(fd, chunk, sizeof(chunk), last / (CHUNKS - 1) * k);

            hash = bytes_sum(hash, chunk, got > 0 ? (size_t)got : 0);
        }
    }
    if (fd >= 0)
        close(fd);
    free(file);
    return hash;
}

/* What images are like; those that several ranks may work on, closer. */
static uint64_t sum_images(const struct predict_settings *settings, const struct predict_plan *plan,
                           int ranks)
{
    const size_t parts = settings->part_count ? (size_t)settings->part_count : 1;
    const int bytes = (plan->inputs.count + parts - 1) / parts < (size_t)ranks;
    uint64_t hash = TEXT_SUM_START;

    for (size_t i = 0; i < plan->inputs.count; i++) {
        const struct predict_job *job = &plan->jobs[i];
        char *part[MOST_FILES];
        int files = path_files(job->input, part, MOST_FILES);

        hash = add_number(add_number(hash, job->pages), job->samples);
        hash = add_number(add_number(hash, job->height), job->width);
        for (int k = 0; k < files; k++) {
            hash = sum_file(hash, part[k], bytes);
            free(part[k]);
        }
    }
    return hash;
}

int predict_ranks_alike(const unet_ranks *ranks, const struct predict_settings *settings,
                        const struct predict_plan *plan, const struct models *models,
                        const unet_session_options *work)
{
    uint64_t mine[] = {plan->inputs.count, TEXT_SUM_START, TEXT_SUM_START, TEXT_SUM_START,
                       TEXT_SUM_START};
    uint64_t(*all)[5] = ranks ? calloc((size_t)ranks->count, sizeof(*all)) : NULL;
    char sum[UNET_CHECKSUM_TEXT];
    int status = all || !ranks ? EXIT_DONE : fail_memory();
    unet_error err;

    mine[2] = text_sum(mine[2], UNET_VERSION);
    for (size_t i = 0; i < plan->inputs.count; i++)
        mine[1] = text_sum(mine[1], plan->inputs.path[i]);
    for (size_t i = 0; ranks && i < models->files.count && !status; i++) {
        if (unet_model_checksum(models->list[i], sum, &err))
            status = fail(&err);
        mine[2] = text_sum(mine[2], sum);
    }
    if (ranks) {
        if (!(mine[3] = sum_options(settings, plan, work)) && !status)
            status = fail_memory();
        mine[4] = sum_images(settings, plan, ranks->count);
    }
    if (ranks && !status && unet_ranks_gather(ranks, CHANNEL, mine, sizeof(mine), all, &err))
        status = fail(&err);
    for (int r = 1; ranks && r < ranks->count && !status; r++) {
        if (all[r][2] != all[0][2])
            status = fail_text("rank %d has another model, or version of unet, than rank 0", r);
        else if (all[r][0] != all[0][0] || all[r][1] != all[0][1])
            status = fail_text("rank %d lists other images than rank 0 (%llu, not %llu): all ranks "
                               "have to see the same files",
                               r, (unsigned long long)all[r][0], (unsigned long long)all[0][0]);
        else if (all[r][4] != all[0][4])
            status = fail_text("rank %d has other images by these names than rank 0: all ranks "
                               "have to see the same files",
                               r);
        else if (all[r][3] != all[0][3])
            status = fail_text("rank %d was told other options than rank 0, or other files to "
                               "write; wanted the same for all",
                               r);
    }
    free(all);
    return status;
}

/* ---- all --------------------------------------------------------------------------------- */

/* Of outlines for all images, COCO is put together of parts.  Said before any work is done. */
static int check_joined(const struct predict_run *run)
{
    const char *file = run->settings->target[PRODUCT_ROIS];

    if (!run->plan->joined[PRODUCT_ROIS] || run->plan->outlines == OUTLINE_COCO)
        return EXIT_DONE;
    return fail_text("%s: several processes put one file for all images together as COCO alone; "
                     "wanted a folder, such as %.*s/, or --as coco",
                     file, (int)(path_ending(file) - file), file);
}

/* Who waits for whom is plain from who did how much. */
static void say_shares(const unet_ranks *ranks, const long *shares)
{
    say(stderr, "ranks:");
    for (int r = 0; r < ranks->count; r++)
        say(stderr, "%s %ld", r ? "," : "", shares[r]);
    say(stderr, " images\n");
}

int predict_ranks(struct predict_run *run, size_t *failed)
{
    struct predict_dealt dealt = {.run = run};
    const struct shared_work work = {.ranks = run->ranks,
                                     .count = (long)run->plan->count,
                                     .one = predict_deal_one,
                                     .came = predict_deal_came,
                                     .context = &dealt,
                                     .shares = calloc((size_t)run->ranks->count, sizeof(long))};
    int stopped = 0, status = check_joined(run);

    if (!status)
        status = work.shares ? predict_deal_begin(run) : fail_memory();
    if (!status)
        status = shared_work_do(&work, &stopped);
    if (!status && run->ranks->rank == 0 && !run->settings->common.quiet)
        say_shares(run->ranks, work.shares);
    free(work.shares);
    predict_deal_end(run);
    if (status || run->ranks->rank > 0)
        return status ? status : stopped ? EXIT_INTERRUPTED : EXIT_DONE;
    return predict_deal_sum(&dealt, stopped, failed);
}

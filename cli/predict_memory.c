/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_memory.c - reckoning what a prediction will take, before it starts
 *
 *     what the process holds now (program, libraries, model)
 *     + what the allocator and the threads' stacks round up, SLACK
 *     + session and stream (unet_plan_memory), and what is written (predict_out_bytes)
 *     + a quarter of the limit for objects, where they are wanted
 *
 * for the page of all images that takes the most.
 */
#include "predict_memory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "predict_out.h"

#define SLACK (12e6)

/* Bytes of memory that this process has now. */
static double resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (file) {
        if (fscanf(file, "%*d %ld", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* The page whose prediction takes the most, with the job that it belongs to. */
struct worst {
    const struct predict_job *job;
    unet_page page;
    double bytes;
};

static void consider(struct worst *worst, const struct predict_job *job, const unet_page *page,
                     const unet_model *model, const unet_session_options *work)
{
    unet_stream stream = predict_out_wants(job);
    unet_session_options options = *work;
    unet_memory_plan plan;
    double bytes = (double)predict_out_bytes(job, model, page);

    if (!options.tile)
        options.tile = 64; /* any: only the comparison counts */
    if (!unet_plan_memory(model, &options, page, &stream, 0, &plan, NULL))
        bytes += (double)plan.bytes;
    if (!worst->job || bytes > worst->bytes)
        *worst = (struct worst){job, *page, bytes};
}

/* Images that cannot be read are left to their turn, where they end in an error of their own. */
static void find_worst(struct worst *worst, const struct predict_plan *plan,
                       const unet_model *model, const unet_session_options *work)
{
    for (size_t i = 0; i < plan->inputs.count; i++) {
        unet_source *source;
        unet_page page;

        if (unet_source_open(plan->jobs[i].input, &source, NULL))
            continue;
        for (int p = 0; p < unet_source_pages(source); p++)
            if (!unet_source_page(source, p, &page, NULL))
                consider(worst, &plan->jobs[i], &page, model, work);
        unet_source_close(source);
    }
}

uint64_t predict_memory_objects(const struct predict_settings *settings,
                                const struct predict_job *job)
{
    return predict_plan_objects(job) ? (uint64_t)(settings->memory / 4) : 0;
}

int predict_memory_plan(const struct predict_settings *settings, const struct predict_plan *plan,
                        const unet_model *model, unet_session_options *work)
{
    struct worst worst = {0};
    unet_memory_plan found = {0};
    unet_error err = {0};
    double fixed, limit;
    unet_stream stream;

    if (settings->memory <= 0)
        return EXIT_DONE;
    find_worst(&worst, plan, model, work);
    if (!worst.job)
        return EXIT_DONE;
    stream = predict_out_wants(worst.job);
    fixed = resident() + SLACK + (double)predict_out_bytes(worst.job, model, &worst.page) +
            (double)predict_memory_objects(settings, worst.job);
    limit = settings->memory > fixed ? settings->memory - fixed : 1;
    if (unet_plan_memory(model, work, &worst.page, &stream, (uint64_t)limit, &found, &err)) {
        if (!found.smallest)
            return fail_text("%s: %s", worst.job->input, err.text);
        return fail_text("%s: %d x %d pixels do not fit into --memory %.0fM; %.0fM would do%s",
                         worst.job->input, worst.page.height, worst.page.width,
                         settings->memory / 1e6, ((double)found.smallest + fixed) / 1e6 + 1,
                         work->tile ? " (with another --tile)" : "");
    }
    work->tile = found.tile;
    if (!settings->common.quiet) {
        fprintf(stderr, "memory: at most %.0fM of %.0fM", ((double)found.bytes + fixed) / 1e6,
                settings->memory / 1e6);
        if (found.tile)
            fprintf(stderr, ", tiles of %d", found.tile);
        fputc('\n', stderr);
    }
    if (found.blended)
        fprintf(stderr,
                "warning: this network looks at whole images, which do not fit: overlapping tiles "
                "are blended, and the result is only near that of the whole image\n");
    return EXIT_DONE;
}

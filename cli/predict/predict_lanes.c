/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/predict_lanes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "predict/predict_deal.h"
#include "shared/machine.h"
#include "shared/say.h"
#include "shared/shared_work.h"

/* A lane's last image may find no other at work: with as many images to each lane, that costs at
 * most an eighth of the time. */
#define IMAGES_EACH 8
#define MOST_BYTES 1e9 /* of the sessions of all lanes */

/* ---- how many ---------------------------------------------------------------------------- */

static double pixels_of(const struct predict_job *job)
{
    return (double)(job->pages > 1 ? job->pages : 1) * job->height * job->width;
}

/* What a session of one thread holds for the largest image as one tile; 0: not known. */
static double session_bytes(const struct predict_settings *settings, const unet_model *model,
                            const unet_session_options *work, const struct predict_job *job)
{
    unet_stream stream = predict_out_wants(job, model);
    unet_session_options own = *work;
    unet_memory_plan found = {0};
    unet_source *source;
    unet_page page;

    if (predict_plan_open(settings, model, job, &source, NULL))
        return 0;
    own.threads = 1;
    if (!own.tile)
        own.tile = job->height > job->width ? job->height : job->width;
    if (!unet_source_page(source, 0, &page, NULL))
        unet_plan_memory(model, &own, &page, &stream, 0, &found, NULL);
    unet_source_close(source);
    return (double)found.bytes;
}

/* At most so many lanes, of as many threads each, that most of the threads have work. */
static int share_threads(int threads, int most)
{
    int best = 1;

    for (int lanes = 1; lanes <= most; lanes++)
        if (threads / lanes * lanes >= threads / best * best)
            best = lanes;
    return best;
}

static int choose(const struct predict_settings *settings, const struct predict_plan *plan,
                  const unet_model *model, const unet_session_options *work,
                  const unet_ranks *ranks)
{
    const int threads = work->threads > 0 ? work->threads : system_cores();
    const struct predict_job *largest = NULL;
    double sum = 0, lanes = threads, bytes;
    unet_device device;

    /* a promise is one session's; only COCO is put together of parts */
    if (ranks || threads < 2 || settings->memory > 0 || unet_device_chosen(&device, NULL) ||
        strcmp(device.type, "cpu") != 0 ||
        (plan->joined[PRODUCT_ROIS] && plan->outlines != OUTLINE_COCO))
        return 1;
    for (size_t i = 0; i < plan->count; i++) {
        const struct predict_job *job = &plan->jobs[i];

        sum += pixels_of(job);
        if (!largest || pixels_of(job) > pixels_of(largest))
            largest = job;
    }
    if (!largest || pixels_of(largest) <= 0 || sum < 2 * IMAGES_EACH * pixels_of(largest))
        return 1;
    if ((bytes = session_bytes(settings, model, work, largest)) <= 0)
        return 1;
    lanes = sum / IMAGES_EACH / pixels_of(largest) < lanes ? sum / IMAGES_EACH / pixels_of(largest)
                                                           : lanes;
    lanes = MOST_BYTES / bytes < lanes ? MOST_BYTES / bytes : lanes;
    return lanes < 2 ? 1 : share_threads(threads, (int)lanes);
}

int predict_lanes_open(const struct predict_settings *settings, const struct predict_plan *plan,
                       const unet_model *model, const unet_session_options *work,
                       const unet_ranks *ranks, struct predict_lanes *lanes)
{
    const int threads = work->threads > 0 ? work->threads : system_cores();
    const int count = choose(settings, plan, model, work, ranks);
    unet_error err;

    *lanes = (struct predict_lanes){.session = calloc((size_t)count, sizeof(unet_session *))};
    if (!lanes->session)
        return fail_memory();
    for (; lanes->count < count; lanes->count++) {
        unet_session_options own = *work;

        if (count > 1)
            own.threads = threads / count;
        if (!unet_session_create(model, &own, &lanes->session[lanes->count], &err))
            continue;
        if (lanes->count == 0)
            return fail(&err);
        break; /* those that there is memory for */
    }
    return EXIT_DONE;
}

void predict_lanes_release(struct predict_lanes *lanes)
{
    for (int i = 0; i < lanes->count; i++)
        unet_session_free(lanes->session[i]);
    free(lanes->session);
    *lanes = (struct predict_lanes){0};
}

/* ---- images ------------------------------------------------------------------------------ */

/* A lane: what a run has of the image at work. */
struct lane {
    struct predict_run run;
    struct predict_done before;
    struct predict_dealt dealt;
};

/* The bar over all images. */
static void draw(const struct predict_dealt *all)
{
    struct predict_run *run = all->run;
    const size_t count = run->plan->count;
    const double done = (double)all->came / (double)count, passed = seconds_now() - run->started;
    char label[48], left[24], text[64];

    snprintf(label, sizeof(label), "%zu/%zu", all->came, count);
    format_seconds(done > 0 ? passed * (1 - done) / done : -1, left);
    snprintf(text, sizeof(text), "%s left", left);
    progress_draw(&run->line, label, done, text);
}

static int came_in(void *context, long i, int status, const char *more, size_t size)
{
    struct predict_dealt *all = context;
    const int told = predict_deal_came(all, i, status, more, size);

    draw(all);
    return told;
}

static void will_say(void *context)
{
    progress_clear(&((struct predict_dealt *)context)->run->line);
}

/* A lane's own copy of what changes while it works. */
static int prepare(struct lane *lane, const struct predict_run *run, unet_session *session)
{
    lane->run = *run;
    lane->before = *run->before;
    lane->before.with = run->before->with ? json_deep_copy(run->before->with) : NULL;
    lane->before.first = NULL;
    lane->run.before = &lane->before;
    lane->run.session = session;
    lane->dealt.run = &lane->run;
    progress_init(&lane->run.line, 1);
    if (run->before->with && !lane->before.with)
        return fail_memory();
    return predict_deal_begin(&lane->run);
}

int predict_lanes(struct predict_run *run, size_t *failed)
{
    const int count = run->lanes->count;
    struct predict_dealt all = {.run = run};
    struct lane *lanes = calloc((size_t)count, sizeof(*lanes));
    void **each = calloc((size_t)count, sizeof(*each));
    const struct shared_work work = {.threads = count,
                                     .each = each,
                                     .count = (long)run->plan->count,
                                     .one = predict_deal_one,
                                     .came = came_in,
                                     .will_say = will_say,
                                     .context = &all};
    int stopped = 0, status = lanes && each ? EXIT_DONE : fail_memory();

    for (int i = 0; i < count && !status; i++) {
        each[i] = &lanes[i].dealt;
        status = prepare(&lanes[i], run, run->lanes->session[i]);
    }
    if (!status) {
        draw(&all);
        status = shared_work_do(&work, &stopped);
    }
    progress_clear(&run->line);
    for (int i = 0; i < count && lanes; i++) {
        predict_deal_end(&lanes[i].run);
        json_decref(lanes[i].before.with);
        free(lanes[i].before.first);
    }
    free(lanes);
    free(each);
    return status ? status : predict_deal_sum(&all, stopped, failed);
}

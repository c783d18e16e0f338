/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_trained.c - pictures of images that were trained on, where none are held out
 *
 * A few images, evenly spread over the set, are predicted whole, as a validation would: what a
 * network has made of its own images says little of others, but shows what it cannot learn at all.
 */
#include <math.h>
#include <stdlib.h>

#include "run/run_report.h"
#include "shared/progress.h"
#include "shared/cli.h"
#include "unet_scores.h"

#define COST 100.0 /* between two times: as many times what the last one took */

/* Whether all pixels were answered with one class, though there is more than one. */
static int is_one_answer(const unet_scores *scores)
{
    int labels = unet_scores_labels(scores), true_classes = 0, answers = 0;

    for (int i = 0; i < labels; i++) {
        int is_true = 0, is_answer = 0;

        for (int j = 0; j < labels; j++) {
            is_true |= unet_scores_pixels(scores, i, j) > 0;
            is_answer |= unet_scores_pixels(scores, j, i) > 0;
        }
        true_classes += is_true;
        answers += is_answer;
    }
    return true_classes > 1 && answers == 1;
}

/* Predicts image i and draws it; its scores are added to `all`. */
static unet_code show_one(struct run_folder *run, unet_session *session, int epoch, int i,
                          unet_scores *all, unet_error *err)
{
    struct unet_validated seen = {
        .epoch = epoch, .index = i, .count = unet_dataset_count(run->facts.dataset)};
    unet_scores *scores = unet_scores_create(unet_scores_labels(all));
    unet_code code = UNET_OK;
    uint8_t *mask;
    size_t pixels;

    seen.image = unet_dataset_image(run->facts.dataset, i, &seen.truth, &seen.name);
    pixels = (size_t)seen.image->height * (size_t)seen.image->width;
    mask = malloc(pixels);
    if (!mask || !scores) {
        code = set_error(err, UNET_ENOMEM, "not enough memory for the pictures of a report");
    } else if (!(code = unet_predict(session, seen.image, mask, err))) {
        unet_scores_add(scores, mask, seen.truth, pixels);
        unet_scores_merge(all, scores);
        seen.predicted = mask;
        seen.scores = scores;
        code = images_add(&run->images, &seen, err);
    }
    free(mask);
    unet_scores_free(scores);
    return code;
}

static unet_code show_all(struct run_folder *run, int epoch, unet_error *err)
{
    const unet_session_options work = {.threads = run->facts.threads, .tile = run->facts.tile};
    unet_scores *all = unet_scores_create(unet_model_labels(run->facts.model));
    int count = unet_dataset_count(run->facts.dataset), shown = count < PICTURES ? count : PICTURES;
    unet_session *session = NULL;
    unet_code code = UNET_OK;

    if (!all) {
        code = set_error(err, UNET_ENOMEM, "not enough memory for the pictures of a report");
    } else {
        code = unet_session_create(run->facts.model, &work, &session, err);
    }
    for (int i = 0; i < shown && !code; i++)
        code = show_one(run, session, epoch, (int)((long long)i * count / shown), all, err);
    if (!code)
        run->one_answer = is_one_answer(all);
    unet_session_free(session);
    unet_scores_free(all);
    return code;
}

void report_trained(struct run_folder *run, const unet_progress *progress)
{
    int end = progress->event == UNET_EVENT_END;
    double from = seconds_now();
    unet_error err = {0};

    if (end ? progress->end == UNET_END_ASKED || run->images.shown.epoch == progress->epoch
            : run->trained_seconds > 0 && from - run->trained_at < COST * run->trained_seconds)
        return;
    if (show_all(run, progress->epoch, &err) && !run->report_error.code)
        run->report_error = err;
    run->trained_at = seconds_now();
    run->trained_seconds = run->trained_at - from;
    images_done(&run->images);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/predict_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/json_out.h"
#include "shared/progress.h"
#include "shared/say.h"

const char *const predict_keys[PRODUCTS] = {"mask",      "overlay", "probabilities", "logits",
                                            "instances", "measure", "rois"};

json_t *predict_facts(const struct predict_job *job, const struct predict_out *out,
                      const unet_page *page, json_t *totals)
{
    json_t *facts = json_pack("{si si}", "height", page->height, "width", page->width);
    int pages = out->pages;

    if (facts && pages > 1)
        json_object_set_new(facts, "pages", json_integer(pages));
    if (facts && predict_out_wants(job, out->model).mask) {
        json_t *counts = json_array();

        for (int label = 0; label < unet_model_labels(out->model); label++)
            json_array_append_new(counts, json_integer((json_int_t)out->pixels[label]));
        json_object_set_new(facts, "pixels", counts);
    }
    if (facts && totals)
        json_object_set(facts, "objects", pages > 1 ? totals : json_array_get(totals, 0));
    return facts;
}

static void print_lines(const struct predict_plan *plan, const struct predict_job *job,
                        const json_t *facts, double seconds)
{
    int pages = (int)json_integer_value(json_object_get(facts, "pages"));
    char time[24], stack[32] = "";

    if (pages > 1)
        snprintf(stack, sizeof(stack), "%d pages, ", pages);
    for (int p = 0; p < PRODUCTS; p++) {
        int own = job->output[p] && !plan->joined[p];
        char *file = own ? predict_plan_file(job, (enum product)p, 0) : NULL;

        if (file)
            say(stderr, "%s -> %s%s (%s%dx%d, %s)\n", job->input, file,
                strcmp(file, job->output[p]) ? " .." : "", stack,
                (int)json_integer_value(json_object_get(facts, "height")),
                (int)json_integer_value(json_object_get(facts, "width")),
                format_seconds(seconds, time));
        free(file);
    }
}

void predict_report(const struct predict_settings *settings, const struct predict_plan *plan,
                    const struct predict_job *job, const json_t *facts, double seconds)
{
    json_t *row, *value;

    if (!settings->common.json) {
        if (seconds >= 0 && !settings->common.quiet)
            print_lines(plan, job, facts, seconds);
        return;
    }
    row = json_pack("{so sO sO}", "image", json_path(job->input), "height",
                    json_object_get(facts, "height"), "width", json_object_get(facts, "width"));
    json_object_set_new(row, seconds < 0 ? "skipped" : "seconds",
                        seconds < 0 ? json_true() : json_number_short(seconds));
    if ((value = json_object_get(facts, "pages")))
        json_object_set(row, "pages", value);
    for (int p = 0; p < PRODUCTS; p++)
        if (job->output[p])
            json_object_set_new(row, predict_keys[p], json_path(job->output[p]));
    if ((value = json_object_get(facts, "pixels")))
        json_object_set(row, "pixels", value);
    if (job->looked_at)
        json_object_set_new(row, "distance", json_number_short(job->distance));
    if ((value = json_object_get(facts, "objects")))
        json_object_set(row, "objects", value);
    json_print(row);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/predict_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/json_out.h"
#include "shared/progress.h"
#include "shared/say.h"

void predict_report(const struct predict_settings *settings, const struct predict_plan *plan,
                    const struct predict_job *job, const struct predict_out *out,
                    const unet_page *page, json_t *totals, double seconds)
{
    static const char *const keys[PRODUCTS] = {"mask",      "overlay", "probabilities", "logits",
                                               "instances", "measure", "rois"};
    int pages = out->pages;
    json_t *row, *counts;
    char time[24], stack[32] = "";

    if (!settings->common.json) {
        if (pages > 1)
            snprintf(stack, sizeof(stack), "%d pages, ", pages);
        for (int p = 0; p < PRODUCTS && !settings->common.quiet; p++) {
            int own = job->output[p] && !plan->joined[p];
            char *file = own ? predict_plan_file(job, (enum product)p, 0) : NULL;

            if (file)
                say(stderr, "%s -> %s%s (%s%dx%d, %s)\n", job->input, file,
                    strcmp(file, job->output[p]) ? " .." : "", stack, page->height, page->width,
                    format_seconds(seconds, time));
            free(file);
        }
        return;
    }
    row = json_pack("{so si si so}", "image", json_path(job->input), "height", page->height,
                    "width", page->width, "seconds", json_number_short(seconds));
    if (pages > 1)
        json_object_set_new(row, "pages", json_integer(pages));
    for (int p = 0; p < PRODUCTS; p++)
        if (job->output[p])
            json_object_set_new(row, keys[p], json_path(job->output[p]));
    if (predict_out_wants(job, out->model).mask) {
        counts = json_array();
        for (int label = 0; label < unet_model_labels(out->model); label++)
            json_array_append_new(counts, json_integer((json_int_t)out->pixels[label]));
        json_object_set_new(row, "pixels", counts);
    }
    if (job->looked_at)
        json_object_set_new(row, "distance", json_number_short(job->distance));
    if (totals)
        json_object_set(row, "objects", pages > 1 ? totals : json_array_get(totals, 0));
    json_print(row);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "objects_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "json_out.h"

int objects_out_wanted(const struct predict_job *job)
{
    return job->output[PRODUCT_INSTANCES] || job->output[PRODUCT_MEASURE] ||
           job->output[PRODUCT_ROIS];
}

uint64_t objects_out_memory(const struct predict_settings *settings, const struct predict_job *job)
{
    return objects_out_wanted(job) ? (uint64_t)(settings->memory / 4) : 0;
}

static int on_share(void *context, double share)
{
    (void)context;
    (void)share;
    return interrupted();
}

unet_code objects_out_begin(struct objects_out *out, const struct predict_settings *settings,
                            const struct predict_job *job, const unet_model *model,
                            const unet_page *what, int page, int pages, unet_error *err)
{
    unet_objects_options options = {.minimum_area = settings->min_area,
                                    .keep_holes = settings->keep_holes,
                                    .split = settings->split,
                                    .pixel_height = what->pixel_height,
                                    .pixel_width = what->pixel_width,
                                    .memory = objects_out_memory(settings, job),
                                    .progress = on_share};

    unet_objects_free(out->objects);
    out->objects = NULL;
    out->job = job;
    out->model = model;
    out->page = page;
    out->pages = pages;
    if (!objects_out_wanted(job))
        return UNET_OK;
    memcpy(options.unit, what->unit, sizeof(options.unit));
    return unet_objects_create(&options, what->height, what->width, unet_model_labels(model),
                               &out->objects, err);
}

unet_code objects_out_band(struct objects_out *out, const unet_band *band, unet_error *err)
{
    return out->objects ? unet_objects_add(out->objects, band, err) : UNET_OK;
}

/* Objects and their areas, of each class and in all. */
struct totals {
    size_t count[256], all;
    double area[256], sum;
};

static unet_code add_up(const struct objects_out *out, struct totals *totals, unet_error *err)
{
    unet_object object;

    for (size_t i = 0; i < unet_objects_count(out->objects); i++) {
        unet_code code = unet_objects_get(out->objects, i, &object, err);

        if (code)
            return code;
        totals->count[object.label]++;
        totals->area[object.label] += object.pixels.area;
        totals->all++;
        totals->sum += object.pixels.area;
    }
    return UNET_OK;
}

static const char *class_name(const unet_model *model, int label, char text[32])
{
    uint8_t rgb[3];
    const char *name = unet_model_class(model, label, rgb);

    snprintf(text, 32, "class %d", label);
    return name && *name ? name : text;
}

static void print_totals(const struct objects_out *out, const struct totals *totals)
{
    int labels = unet_model_labels(out->model);
    size_t whole = unet_objects_left_whole(out->objects);
    char text[32];

    printf("%s", out->job->input);
    if (out->pages > 1)
        printf(", page %d", out->page);
    printf(": %zu objects, %.0f pixels, %.1f each", totals->all, totals->sum,
           totals->all ? totals->sum / (double)totals->all : 0);
    for (int label = 1; label < labels && labels > 2; label++)
        printf("%s%s %zu", label == 1 ? "; " : ", ", class_name(out->model, label, text),
               totals->count[label]);
    if (whole)
        printf("; %zu too large to be split below --memory", whole);
    putchar('\n');
}

static void add_json(struct objects_out *out, const struct totals *totals)
{
    json_t *classes = json_array();

    for (int label = 0; label < unet_model_labels(out->model); label++)
        json_array_append_new(classes, json_integer((json_int_t)totals->count[label]));
    if (!out->json)
        out->json = json_array();
    json_array_append_new(out->json,
                          json_pack("{sI so so}", "count", (json_int_t)totals->all, "area",
                                    json_number_short(totals->sum), "classes", classes));
}

static unet_code write_product(const struct objects_out *out, enum product product, unet_error *err)
{
    const char *names[256] = {NULL};
    uint8_t rgb[3];
    char *path = predict_plan_file(out->job, product, out->page);
    unet_code code = UNET_OK;

    if (!path) {
        snprintf(err->text, sizeof(err->text), "not enough memory");
        return err->code = UNET_ENOMEM;
    }
    for (int label = 0; label < unet_model_labels(out->model); label++)
        names[label] = unet_model_class(out->model, label, rgb);
    if (product == PRODUCT_INSTANCES)
        code = unet_objects_write_ids(out->objects, path, err);
    else if (product == PRODUCT_MEASURE)
        code = unet_objects_write_csv(out->objects, path, names, err);
    else
        code = unet_objects_write_rois(out->objects, path, err);
    free(path);
    return code;
}

unet_code objects_out_finish(struct objects_out *out, const struct predict_settings *settings,
                             unet_error *err)
{
    struct totals *totals;
    unet_code code;

    if (!out->objects)
        return UNET_OK;
    if ((code = unet_objects_finish(out->objects, err)))
        return code;
    for (int p = PRODUCT_INSTANCES; p < PRODUCTS && !code; p++)
        if (out->job->output[p])
            code = write_product(out, (enum product)p, err);
    totals = calloc(1, sizeof(*totals));
    if (!totals) {
        snprintf(err->text, sizeof(err->text), "not enough memory");
        return err->code = UNET_ENOMEM;
    }
    if (!code && !(code = add_up(out, totals, err))) {
        if (settings->common.json)
            add_json(out, totals);
        else
            print_totals(out, totals);
    }
    free(totals);
    return code;
}

void objects_out_release(struct objects_out *out)
{
    unet_objects_free(out->objects);
    json_decref(out->json);
    *out = (struct objects_out){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/objects_out.h"

#include <stdio.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/progress.h"
#include "shared/say.h"
#include "unet_image.h"

#define AT(field) offsetof(struct objects_wishes, field)

const struct option_row objects_options[] = {
    OPT_FLAG("split", AT(split), NULL),
    OPT_FLOAT("split-depth", AT(split_depth), 0.01, 1000, "PX",
              "cut at necks; so much narrower [0.75]"),
    OPT_INT("min-area", AT(minimum_area), 1, 1000000000, "PX", NULL),
    OPT_FLAG("keep-holes", AT(keep_holes), "drop smaller ones; do not fill holes"),
    OPT_INT("channel", AT(channel), 1, 1024, "N", "of the image, to measure [1]"),
    OPT_END,
};

int objects_wished(const struct objects_wishes *wishes)
{
    return wishes->split || wishes->split_depth > 0 || wishes->minimum_area || wishes->keep_holes;
}

static int on_share(void *context, double share)
{
    (void)context;
    (void)share;
    return interrupted();
}

unet_code objects_out_open(struct objects_out *out, const struct objects_wishes *wishes,
                           const unet_model *model, unet_source *source, int page, uint64_t memory,
                           unet_error *err)
{
    unet_page what;
    unet_code code = unet_source_page(source, page, &what, err);
    unet_objects_options options = {.size = sizeof(options),
                                    .minimum_area = wishes->minimum_area,
                                    .keep_holes = wishes->keep_holes,
                                    .split = wishes->split || wishes->split_depth > 0,
                                    .split_depth = wishes->split_depth,
                                    .channel = wishes->channel ? wishes->channel - 1 : 0,
                                    .pixel_height = what.pixel_height,
                                    .pixel_width = what.pixel_width,
                                    .memory = memory,
                                    .pyramid = wishes->pyramid,
                                    .progress = on_share,
                                    .like = source,
                                    .like_page = page};

    if (code)
        return code;
    memcpy(options.unit, what.unit, sizeof(options.unit));
    if (!options.split)
        unet_model_objects(model, &options);
    *out = (struct objects_out){.model = model, .pixel_area = what.pixel_height * what.pixel_width};
    memcpy(out->unit, what.unit, sizeof(out->unit));
    return unet_objects_create(&options, what.height, what.width, unet_model_labels(model),
                               &out->objects, err);
}

unet_code objects_out_band(struct objects_out *out, const unet_band *band, unet_error *err)
{
    return unet_objects_add(out->objects, band, err);
}

static void add_up(struct objects_out *out)
{
    for (size_t i = 0; i < unet_objects_count(out->objects); i++) {
        unet_object object;

        if (unet_objects_get(out->objects, i, &object, NULL))
            continue;
        out->total[object.label].count++;
        out->total[object.label].pixels += object.pixel_count;
        out->total[object.label].at_edge += object.touches_edge != 0;
    }
}

unet_code objects_out_finish(struct objects_out *out, const struct objects_files *files,
                             unet_error *err)
{
    unet_code code = unet_objects_finish(out->objects, err);

    if (!code)
        add_up(out);
    if (!code && files->ids)
        code = unet_objects_write_ids(out->objects, files->ids, err);
    if (!code && files->table)
        code = unet_table_add(files->table, out->objects, files->image, files->page, err);
    if (!code && files->rois)
        code = unet_objects_write_rois(out->objects, files->rois, err);
    return code;
}

static const char *class_name(const struct objects_out *out, int label, char text[24])
{
    uint8_t rgb[3];
    const char *name = unet_model_class(out->model, label, rgb);

    if (*name)
        return name;
    snprintf(text, 24, "class %d", label);
    return text;
}

void objects_out_print(const struct objects_out *out, const char *name)
{
    int found = 0;

    for (int label = 1; label < unet_model_labels(out->model); label++) {
        const struct objects_total *t = &out->total[label];
        double mean = t->count ? (double)t->pixels / (double)t->count : 0;
        char text[24];
        const char *kind;

        if (!t->count)
            continue;
        found = 1;
        kind = class_name(out, label, text);
        say(stdout, "%s: %s%s%llu object%s, area %llu px, mean %.1f px", name,
            strcmp(kind, "object") ? kind : "", strcmp(kind, "object") ? ": " : "",
            (unsigned long long)t->count, plural((double)t->count, "s"),
            (unsigned long long)t->pixels, mean);
        if (out->pixel_area > 0)
            say(stdout, " (%.6g %s2, mean %.4g %s2)", (double)t->pixels * out->pixel_area,
                out->unit, mean * out->pixel_area, out->unit);
        say(stdout, ", %llu at the edge\n", (unsigned long long)t->at_edge);
    }
    if (!found)
        say(stdout, "%s: no objects\n", name);
}

json_t *objects_out_json(const struct objects_out *out)
{
    json_t *rows = json_array();

    for (int label = 1; label < unet_model_labels(out->model); label++) {
        const struct objects_total *t = &out->total[label];
        double mean = t->count ? (double)t->pixels / (double)t->count : 0;
        char text[24];
        json_t *row =
            json_pack("{si so sI sI sI so}", "class", label, "name",
                      json_path(class_name(out, label, text)), "count", (json_int_t)t->count,
                      "area_px", (json_int_t)t->pixels, "touching_edge", (json_int_t)t->at_edge,
                      "mean_area_px", t->count ? json_number_short(mean) : json_null());

        if (out->pixel_area > 0) {
            json_object_set_new(row, "area",
                                json_number_short((double)t->pixels * out->pixel_area));
            json_object_set_new(row, "mean_area",
                                t->count ? json_number_short(mean * out->pixel_area) : json_null());
            json_object_set_new(row, "unit", json_sprintf("%s2", out->unit));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

void objects_out_note(const struct objects_out *out, char *text, size_t size)
{
    size_t whole = unet_objects_left_whole(out->objects);

    *text = 0;
    if (whole)
        snprintf(text, size, "%zu large object%s not split: more --memory would do", whole,
                 whole == 1 ? " was" : "s were");
}

void objects_out_release(struct objects_out *out)
{
    unet_objects_free(out->objects);
    *out = (struct objects_out){0};
}

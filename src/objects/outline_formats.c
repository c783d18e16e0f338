/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outline_formats.c - COCO, GeoJSON, LabelMe and YOLO, as their own programs write them
 *
 * Of COCO's two ways an object without holes is polygons, one with holes runs, which are exact.
 * LabelMe and YOLO have neither holes nor, YOLO, objects of several parts: a part's rings are one
 * polygon that goes over to its holes and back, several parts are shapes of one group (LabelMe).
 */
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "objects/outline_file.h"

#define PRINT(file, ...) fprintf((file)->save.file, __VA_ARGS__)

static void point_pair(struct unet_outlines *file, int x, int y, bool first)
{
    PRINT(file, "%s[%d, %d]", first ? "" : ", ", x, y);
}

static bool has_holes(const struct un_traced *traced)
{
    return traced->ring_count > traced->parts;
}

/* ---- COCO -------------------------------------------------------------------------------- */

static void coco_begin(struct unet_outlines *file)
{
    PRINT(file, "{\"info\": {}, \"licenses\": [], \"annotations\": [");
}

static void point_flat(struct unet_outlines *file, int x, int y, bool first)
{
    PRINT(file, "%s%d, %d", first ? "" : ", ", x, y);
}

/* Numbers as a COCO text; from the fourth on they are differences. */
struct runs {
    struct unet_outlines *file;
    uint64_t before[2], count;
    uint64_t at; /* pixels that runs have so far */
};

static void put_run(struct runs *runs, uint64_t run)
{
    int64_t x = (int64_t)run;
    bool more = true;
    if (runs->count > 2)
        x -= (int64_t)runs->before[runs->count % 2];
    runs->before[runs->count++ % 2] = run;
    while (more) {
        int digit = (int)(x & 31);
        x >>= 5;
        more = digit & 16 ? x != -1 : x != 0;
        digit = 48 + (digit | (more ? 32 : 0));
        fprintf(runs->file->save.file, digit == '\\' ? "\\\\" : "%c", digit);
    }
}

static int by_value(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* Heights at which the object begins and ends, by columns. */
struct cuts {
    size_t *first; /* [width + 1] of a column's */
    int *y;
};

/* Edges that run along x, in each column from top to bottom: between them the object lies. */
static bool find_cuts(const struct un_outline_object *object, struct cuts *cuts)
{
    const struct un_traced *t = object->traced;
    const size_t width = (size_t)object->width;
    size_t *first = calloc(width + 2, sizeof *first), all = 0;
    *cuts = (struct cuts){first, NULL};
    /* all edges, twice: how many each column has, then which */
    for (int pass = 0; pass < 2 && first && (!pass || cuts->y); pass++) {
        for (size_t r = 0; r < t->ring_count; r++) {
            int(*p)[2] = t->points + t->rings[r].first;
            for (size_t i = 0, j = t->rings[r].count - 1; i < t->rings[r].count; j = i++) {
                const int from = p[i][0] < p[j][0] ? p[i][0] : p[j][0];
                for (int x = from; x < p[i][0] + p[j][0] - from; x++) {
                    size_t *column = &first[x - object->left + 1];
                    if (pass)
                        cuts->y[(*column)++] = p[i][1];
                    else
                        column[1]++;
                }
            }
        }
        for (size_t x = 1; x < width + 2 && !pass; x++)
            all = first[x] += first[x - 1];
        if (!pass)
            cuts->y = malloc((all + 1) * sizeof *cuts->y);
    }
    for (size_t x = 0; cuts->y && x < width; x++)
        qsort(cuts->y + first[x], first[x + 1] - first[x], sizeof *cuts->y, by_value);
    return cuts->y != NULL;
}

static void coco_runs(struct unet_outlines *file, const struct un_outline_object *object)
{
    const struct un_outline_image *image = un_outline_now(file);
    const uint64_t H = (uint64_t)image->height;
    struct runs runs = {.file = file};
    struct cuts cuts;
    uint64_t end = 0; /* of the run that is not written yet, which began at runs.at */
    const bool found = find_cuts(object, &cuts);
    PRINT(file, "{\"size\": [%d, %d], \"counts\": \"", image->height, image->width);
    for (int x = 0; found && x < object->width; x++)
        for (size_t i = cuts.first[x]; i + 1 < cuts.first[x + 1]; i += 2) {
            const uint64_t top = (uint64_t)(x + object->left) * H;
            const uint64_t from = top + (uint64_t)cuts.y[i];
            if (!runs.count || from > end) {
                if (runs.count) {
                    put_run(&runs, end - runs.at);
                    runs.at = end;
                }
                put_run(&runs, from - runs.at);
                runs.at = from;
            }
            end = top + (uint64_t)cuts.y[i + 1];
        }
    put_run(&runs, end - runs.at);
    if ((uint64_t)image->width * H > end)
        put_run(&runs, (uint64_t)image->width * H - end);
    if (!found)
        file->failed = true;
    free(cuts.first);
    free(cuts.y);
    PRINT(file, "\"}");
}

static void coco_object(struct unet_outlines *file, const struct un_outline_object *object)
{
    const struct un_traced *t = object->traced;
    PRINT(file, "%s\n{\"id\": %llu, \"image_id\": %d, \"category_id\": %d, \"segmentation\": ",
          object->number > 1 ? "," : "", (unsigned long long)object->number, file->image_count,
          object->label);
    if (has_holes(t)) {
        coco_runs(file, object);
    } else {
        for (size_t r = 0; r < t->ring_count; r++) {
            PRINT(file, r ? "], [" : "[[");
            un_outline_ring(file, t, r, point_flat);
        }
        PRINT(file, "]]");
    }
    PRINT(file, ", \"area\": %llu, \"bbox\": [%d, %d, %d, %d], \"iscrowd\": 0}",
          (unsigned long long)t->area, object->left, object->top, object->width, object->height);
}

static unet_code coco_end(struct unet_outlines *file, unet_error *err)
{
    (void)err;
    PRINT(file, "\n], \"images\": [");
    for (int i = 0; i < file->image_count; i++) {
        PRINT(file, "%s\n{\"id\": %d, \"width\": %d, \"height\": %d, \"file_name\": ", i ? "," : "",
              i + 1, file->images[i].width, file->images[i].height);
        un_outline_text(file, file->images[i].name);
        PRINT(file, "}");
    }
    PRINT(file, "\n], \"categories\": [");
    for (int k = 1; k < file->classes; k++) {
        PRINT(file, "%s\n{\"id\": %d, \"supercategory\": \"\", \"name\": ", k > 1 ? "," : "", k);
        un_outline_class(file, k);
        PRINT(file, "}");
    }
    PRINT(file, "\n]}\n");
    return UNET_OK;
}

const struct un_outline_writer un_outline_coco = {
    .joins = true, .utf8 = true, .begin = coco_begin, .object = coco_object, .end = coco_end};

/* ---- GeoJSON ----------------------------------------------------------------------------- */

static void geojson_begin(struct unet_outlines *file)
{
    PRINT(file, "{\"type\": \"FeatureCollection\", \"features\": [");
}

/* Rings end where they begin. */
static void geojson_polygon(struct unet_outlines *file, const struct un_traced *t, size_t first)
{
    const size_t end = un_outline_next(t, first);
    for (size_t r = first; r < end; r++) {
        const int *start = t->points[t->rings[r].first];
        PRINT(file, r > first ? ", [" : "[[");
        un_outline_ring(file, t, r, point_pair);
        PRINT(file, ", [%d, %d]]", start[0], start[1]);
    }
    PRINT(file, "]");
}

static void geojson_object(struct unet_outlines *file, const struct un_outline_object *object)
{
    const struct un_traced *t = object->traced;
    const bool several = t->parts > 1;
    PRINT(file, "%s\n{\"type\": \"Feature\", \"geometry\": {\"type\": \"%s\", \"coordinates\": %s",
          object->number > 1 ? "," : "", several ? "MultiPolygon" : "Polygon", several ? "[" : "");
    for (size_t r = 0; r < t->ring_count; r = un_outline_next(t, r)) {
        PRINT(file, "%s", r ? ", " : "");
        geojson_polygon(file, t, r);
    }
    PRINT(file,
          "%s}, \"properties\": {\"objectType\": \"annotation\", \"classification\": "
          "{\"name\": ",
          several ? "]" : "");
    un_outline_class(file, object->label);
    PRINT(file, "}}}");
}

static unet_code geojson_end(struct unet_outlines *file, unet_error *err)
{
    (void)err;
    PRINT(file, "\n]}\n");
    return UNET_OK;
}

const struct un_outline_writer un_outline_geojson = {
    .begin = geojson_begin, .object = geojson_object, .end = geojson_end};

/* ---- LabelMe ----------------------------------------------------------------------------- */

static void labelme_begin(struct unet_outlines *file)
{
    PRINT(file, "{\"version\": \"5.4.1\", \"flags\": {}, \"shapes\": [");
}

static void labelme_object(struct unet_outlines *file, const struct un_outline_object *object)
{
    const struct un_traced *t = object->traced;
    for (size_t r = 0; r < t->ring_count; r = un_outline_next(t, r)) {
        PRINT(file, "%s\n{\"label\": ", object->number > 1 || r ? "," : "");
        un_outline_class(file, object->label);
        PRINT(file, ", \"points\": [");
        un_outline_part(file, t, r, point_pair);
        PRINT(file, "], \"group_id\": ");
        if (t->parts > 1)
            PRINT(file, "%llu", (unsigned long long)object->number);
        else
            PRINT(file, "null");
        PRINT(file, ", \"shape_type\": \"polygon\", \"flags\": {}}");
    }
}

static unet_code labelme_end(struct unet_outlines *file, unet_error *err)
{
    const struct un_outline_image *image = un_outline_now(file);
    (void)err;
    PRINT(file, "\n], \"imagePath\": ");
    un_outline_text(file, image->name);
    PRINT(file, ", \"imageData\": null, \"imageHeight\": %d, \"imageWidth\": %d}\n", image->height,
          image->width);
    return UNET_OK;
}

const struct un_outline_writer un_outline_labelme = {
    .utf8 = true, .begin = labelme_begin, .object = labelme_object, .end = labelme_end};

/* ---- YOLO -------------------------------------------------------------------------------- */

static void yolo_begin(struct unet_outlines *file)
{
    (void)file;
}

static unet_code yolo_end(struct unet_outlines *file, unet_error *err)
{
    (void)file;
    (void)err;
    return UNET_OK;
}

static void point_share(struct unet_outlines *file, int x, int y, bool first)
{
    const struct un_outline_image *image = un_outline_now(file);
    char across[UN_DECIMAL_TEXT], down[UN_DECIMAL_TEXT];
    (void)first;
    un_decimal_print(across, sizeof across, 9, (double)x / image->width);
    un_decimal_print(down, sizeof down, 9, (double)y / image->height);
    PRINT(file, " %s %s", across, down);
}

static void yolo_object(struct unet_outlines *file, const struct un_outline_object *object)
{
    const struct un_traced *t = object->traced;
    for (size_t r = 0; r < t->ring_count; r = un_outline_next(t, r)) {
        PRINT(file, "%d", object->label - 1);
        un_outline_part(file, t, r, point_share);
        PRINT(file, "\n");
    }
}

const struct un_outline_writer un_outline_yolo = {
    .begin = yolo_begin, .object = yolo_object, .end = yolo_end};

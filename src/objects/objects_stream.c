/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/objects_stream.h"

#include <stdlib.h>
#include <string.h>

#define BUFFERS ((size_t)4 * (256 << 10)) /* of the scratch files */

static size_t sample_bytes(unet_sample sample)
{
    return sample == UNET_U8 ? 1 : sample == UNET_U16 ? 2 : 4;
}

/* ---- memory ---- */

/* For each row: two offsets and a row of a window; for each column: two runs and a sample. */
static size_t fixed_bytes(int height, int width)
{
    return BUFFERS + (size_t)height * (2 * sizeof(uint64_t) + sizeof(struct un_window_row)) +
           (size_t)width * (2 * sizeof(struct un_run) + 4);
}

size_t un_objects_held(const unet_objects *objects)
{
    const size_t label = objects->labels.label ? UN_LABEL_BYTES : sizeof(uint32_t);
    return fixed_bytes(objects->height, objects->width) + objects->labels.capacity * label +
           objects->room * sizeof *objects->components + un_sums_bytes(objects->sums.count);
}

size_t un_objects_left(const unet_objects *objects)
{
    const size_t held = un_objects_held(objects), limit = (size_t)objects->options.memory;
    return !limit ? 0 : limit > held ? limit - held : 1;
}

unet_code un_objects_afford(const unet_objects *objects, size_t more, unet_error *err)
{
    const uint64_t wanted = un_objects_held(objects) + (uint64_t)more;
    if (!objects->options.memory || wanted <= objects->options.memory)
        return UNET_OK;
    char needed[24], allowed[24];
    return un_fail(err, UNET_ENOMEM,
                   "objects: %zu pieces need %s, %s are allowed; a larger minimum area "
                   "or more memory would do",
                   objects->count ? objects->count - 1 : objects->labels.count,
                   un_bytes_text((double)wanted, needed),
                   un_bytes_text((double)objects->options.memory, allowed));
}

/* ---- create and free ---- */

static unet_code check(const unet_objects_options *o, int height, int width, int classes,
                       unet_error *err)
{
    enum { SIDE = 1 << 20 };
    char needed[24], allowed[24];
    if (height < 1 || width < 1 || height > SIDE || width > SIDE)
        return un_fail(err, UNET_EINVAL, "objects: a mask of %d x %d, wanted 1 to %d", height,
                       width, SIDE);
    if (classes < 2 || classes > UNET_MAX_CLASSES)
        return un_fail(err, UNET_EINVAL, "objects: %d classes, wanted 2 to %d", classes,
                       UNET_MAX_CLASSES);
    if (o->minimum_area < 0 || o->channel < 0 || !(o->split_depth >= 0))
        return un_fail(err, UNET_EINVAL, "objects: %s is negative",
                       o->minimum_area < 0 ? "minimum_area"
                       : o->channel < 0    ? "channel"
                                           : "split_depth");
    if (o->memory && o->memory < fixed_bytes(height, width) + (1 << 20))
        return un_fail(err, UNET_ENOMEM,
                       "objects: %s are allowed, %d rows of %d pixels need %s at least",
                       un_bytes_text((double)o->memory, allowed), height, width,
                       un_bytes_text((double)(fixed_bytes(height, width) + (1 << 20)), needed));
    return UNET_OK;
}

/* Labels may take half of the memory, the other is for components and objects. */
static size_t most_labels(const unet_objects *objects)
{
    if (!objects->options.memory)
        return 0;
    return (objects->options.memory - fixed_bytes(objects->height, objects->width)) / 2 /
           UN_LABEL_BYTES;
}

unet_code un_objects_create(const unet_objects_options *options, int height, int width, int classes,
                            unet_objects **objects, unet_error *err)
{
    unet_code code = check(options, height, width, classes, err);
    if (code)
        return code;
    unet_objects *made = calloc(1, sizeof *made);
    if (!made)
        return un_fail_memory(err, sizeof *made, "objects");
    made->options = *options;
    made->options.minimum_area = options->minimum_area ? options->minimum_area : 1;
    made->options.split_depth = options->split_depth > 0 ? options->split_depth
                                : options->inner         ? UN_INNER_DEPTH
                                                         : 0.75;
    made->options.unit[sizeof made->options.unit - 1] = 0;
    made->height = height;
    made->width = width;
    made->classes = classes;
    made->folder = options->scratch_folder ? strdup(options->scratch_folder) : NULL;
    made->row[0] = malloc((size_t)width * sizeof *made->row[0]);
    made->row[1] = malloc((size_t)width * sizeof *made->row[1]);
    made->line = malloc((size_t)width * 4);
    if ((options->scratch_folder && !made->folder) || !made->row[0] || !made->row[1] || !made->line)
        code = un_fail_memory(err, (size_t)width * 20, "objects");
    if (!code)
        code = un_labels_init(&made->labels, !options->keep_holes, most_labels(made), err);
    if (!code)
        code = un_run_rows_open(&made->pieces, height, made->folder, err);
    if (!code && options->inner)
        code = un_scratch_open(&made->inner, made->folder, err);
    if (code) {
        un_objects_free(made);
        return code;
    }
    *objects = made;
    return UNET_OK;
}

void un_objects_free(unet_objects *objects)
{
    if (!objects)
        return;
    free(objects->folder);
    free(objects->row[0]);
    free(objects->row[1]);
    free(objects->line);
    free(objects->components);
    un_labels_release(&objects->labels);
    un_run_rows_close(&objects->pieces);
    un_run_rows_close(&objects->ids);
    un_scratch_close(&objects->samples);
    un_scratch_close(&objects->inner);
    un_sums_release(&objects->sums);
    free(objects);
}

/* ---- rows ---- */

static unet_code check_band(unet_objects *objects, const unet_band *band, unet_error *err)
{
    const unet_image *image = band->image;
    if (objects->failed)
        return un_fail(err, UNET_EINVAL, "objects: rows follow a failure");
    if (objects->finished || band->top != objects->next || band->rows < 1 ||
        band->rows > objects->height - objects->next || band->width != objects->width)
        return un_fail(
            err, UNET_EINVAL,
            "objects: a band of rows %d to %d, %d wide, wanted from row %d of %d, %d wide",
            band->top, band->top + band->rows - 1, band->width, objects->next, objects->height,
            objects->width);
    if (objects->next && objects->measured != !!image)
        return un_fail(err, UNET_EINVAL, "objects: row %d: %s an image, unlike the rows above",
                       band->top, image ? "with" : "without");
    if (objects->options.inner && !band->inner)
        return un_fail(err, UNET_EINVAL, "objects: row %d: without inner, by which they are parted",
                       band->top);
    if (!image)
        return UNET_OK;
    if (image->height != band->rows || image->width != band->width || !image->data)
        return un_fail(err, UNET_EINVAL, "objects: an image of %d x %d for a mask of %d x %d",
                       image->height, image->width, band->rows, band->width);
    if (objects->options.channel >= image->channels)
        return un_fail(err, UNET_EINVAL,
                       "objects: an image of %d channel%s; %d or more wanted, of which the last "
                       "is to be measured",
                       image->channels, image->channels == 1 ? "" : "s",
                       objects->options.channel + 1);
    if (objects->next && image->sample != objects->sample)
        return un_fail(err, UNET_EINVAL, "objects: row %d: other samples than the rows above",
                       band->top);
    return UNET_OK;
}

/* Keeps the measured channel of a row. */
static unet_code keep_samples(unet_objects *objects, const unet_image *image, int y,
                              unet_error *err)
{
    const size_t bytes = sample_bytes(image->sample), width = (size_t)objects->width;
    const size_t step = bytes * (size_t)image->channels;
    const uint8_t *from = (const uint8_t *)image->data + (size_t)y * width * step +
                          (size_t)objects->options.channel * bytes;
    uint8_t *to = objects->line;
    if (image->channels == 1)
        return un_scratch_append(&objects->samples, from, width * bytes, err);
    for (size_t x = 0; x < width; x++, from += step, to += bytes)
        memcpy(to, from, bytes);
    return un_scratch_append(&objects->samples, objects->line, width * bytes, err);
}

static unet_code add_row(unet_objects *objects, const uint8_t *mask, unet_error *err)
{
    struct un_label_row row = {.mask = mask,
                               .y = objects->next,
                               .height = objects->height,
                               .width = objects->width,
                               .classes = objects->classes,
                               .above = objects->row[1],
                               .above_count = objects->above_count,
                               .runs = objects->row[0]};
    unet_code code = un_label_row(&objects->labels, &row, err);
    const size_t limit = objects->labels.limit;
    if (code == UNET_ENOMEM && limit && objects->labels.count >= limit) {
        const double share = (double)objects->next / objects->height;
        char allowed[24], needed[24];
        return un_fail(
            err, UNET_ENOMEM,
            "objects: %zu pieces in the first %d of %d rows are too many for %s; "
            "%s would do if the other rows have as many",
            limit, objects->next, objects->height,
            un_bytes_text((double)objects->options.memory, allowed),
            un_bytes_text((double)objects->options.memory * 1.2 / (share > 0 ? share : 1), needed));
    }
    if (code || (code = un_run_rows_append(&objects->pieces, row.runs, row.count, err)))
        return code;
    objects->row[0] = objects->row[1];
    objects->row[1] = row.runs;
    objects->above_count = row.count;
    objects->next++;
    return UNET_OK;
}

unet_code un_objects_add(unet_objects *objects, const unet_band *band, unet_error *err)
{
    unet_code code = check_band(objects, band, err);
    if (code)
        return code;
    if (!objects->next && band->image) {
        objects->measured = true;
        objects->sample = band->image->sample;
        code = un_scratch_open(&objects->samples, objects->folder, err);
    }
    for (int y = 0; y < band->rows && !code; y++) {
        if (band->image)
            code = keep_samples(objects, band->image, y, err);
        if (!code && objects->options.inner)
            code = un_scratch_append(&objects->inner, band->inner + (size_t)y * (size_t)band->width,
                                     (size_t)band->width, err);
        if (!code)
            code = add_row(objects, band->mask + (size_t)y * (size_t)band->width, err);
    }
    objects->failed = code != UNET_OK;
    return code;
}

void un_objects_get(const unet_objects *objects, size_t i, unet_object *object)
{
    const struct un_scale scale = {objects->options.pixel_height, objects->options.pixel_width};
    un_sums_object(un_sums_at(&objects->sums, i), objects->measured ? &objects->sample : NULL,
                   scale, object);
    object->id = (uint32_t)(i + 1);
}

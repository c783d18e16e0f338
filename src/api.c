/* SPDX-License-Identifier: Apache-2.0 */
/* Every public function: checks its arguments, then one call into the layers below. */
#include <stdlib.h>

#include "data/set/dataset.h"
#include "data/survey/survey.h"
#include "engine/choose.h"
#include "image/samples.h"
#include "image/sink.h"
#include "objects/objects_stream.h"
#include "predict/stream.h"
#include "scores/score.h"
#include "train/checkpoint.h"
#include "train/preview.h"
#include "train/trainer.h"

static unet_code missing(unet_error *err, const char *what)
{
    return un_fail(err, UNET_EINVAL, "%s is NULL", what);
}

/* ---- the network ---- */

unet_spec unet_spec_default(void)
{
    return un_spec_default();
}

unet_code unet_model_create(const unet_spec *spec, uint64_t seed, unet_model **model,
                            unet_error *err)
{
    if (!spec || !model)
        return missing(err, !spec ? "spec" : "model");
    unet_model *made;
    unet_code code = un_model_new(spec, &made, err);
    if (code)
        return code;
    un_model_init(made, seed);
    *model = made;
    return UNET_OK;
}

unet_code unet_model_load(const char *path, unet_model **model, unet_error *err)
{
    if (!path || !model)
        return missing(err, !path ? "path" : "model");
    return un_model_read(path, model, err);
}

unet_code unet_model_save(const unet_model *model, const char *path, unet_error *err)
{
    if (!model || !path)
        return missing(err, !model ? "model" : "path");
    return un_model_write(model, path, err);
}

void unet_model_free(unet_model *model)
{
    un_model_free(model);
}

const unet_spec *unet_model_spec(const unet_model *model)
{
    return &model->graph.spec;
}

int unet_model_labels(const unet_model *model)
{
    return un_model_labels(model);
}

const char *unet_model_class(const unet_model *model, int label, uint8_t rgb[3])
{
    return un_model_class(model, label, rgb);
}

unet_code unet_model_set_class(unet_model *model, int label, const char *name, const uint8_t *rgb,
                               unet_error *err)
{
    if (!model)
        return missing(err, "model");
    return un_model_set_class(model, label, name, rgb, err);
}

/* one is the other by its number */
_Static_assert((int)UNET_MASKS_GREY == (int)UN_CODING_GREY, "kinds of masks");
_Static_assert((int)UNET_MASKS_PALETTE == (int)UN_CODING_PALETTE, "kinds of masks");
_Static_assert((int)UNET_MASKS_COLOR == (int)UN_CODING_COLOR, "kinds of masks");
_Static_assert((int)UNET_MASKS_OBJECTS == (int)UN_CODING_OBJECTS, "kinds of masks");
_Static_assert((int)UNET_MASKS_FILES == (int)UN_CODING_FILES, "kinds of masks");

unet_mask_kind unet_model_mask_kind(const unet_model *model)
{
    return (unet_mask_kind)model->coding.kind;
}

unet_code unet_model_mask_value(const unet_model *model, int label, uint32_t *value, uint8_t rgb[3],
                                unet_error *err)
{
    if (!model || !value || !rgb)
        return missing(err, !model ? "model" : !value ? "value" : "rgb");
    return un_model_mask_value(model, label, value, rgb, err);
}

void unet_model_coding_text(const unet_model *model, char *text, size_t size)
{
    un_model_coding_text(model, text, size);
}

unet_code unet_model_check_samples(const unet_model *model, unet_sample sample, int prepared,
                                   unet_error *err)
{
    if (!model)
        return missing(err, "model");
    if ((unsigned)sample > UNET_F32)
        return un_fail(err, UNET_EINVAL, "no such sample type: %d", (int)sample);
    return un_samples_check(&model->scaling, un_samples_of(sample, prepared), NULL, err);
}

const char *unet_model_settings(const unet_model *model)
{
    return model->settings ? model->settings : "";
}

int unet_model_tensor_count(const unet_model *model)
{
    return model->graph.param_count;
}

unet_code unet_model_tensor(unet_model *model, int index, unet_tensor *tensor, unet_error *err)
{
    if (!model || !tensor)
        return missing(err, !model ? "model" : "tensor");
    if (index < 0 || index >= model->graph.param_count)
        return un_fail(err, UNET_EINVAL, "tensor %d, wanted 0 to %d", index,
                       model->graph.param_count - 1);
    const struct un_param *p = &model->graph.params[index];
    unet_code code = un_model_fetch(model, err);
    if (code)
        return code;
    *tensor = (unet_tensor){.name = p->name,
                            .dims = p->dims,
                            .shape = {p->shape[0], p->shape[1], p->shape[2], p->shape[3]},
                            .data = model->values + p->offset,
                            .trainable = p->trainable};
    return UNET_OK;
}

unet_known unet_known_nothing(void)
{
    return un_known_nothing();
}

unet_code unet_model_import(const char *path, const unet_known *known, unet_model **model,
                            unet_origin *origin, unet_error *err)
{
    if (!path || !model)
        return missing(err, !path ? "path" : "model");
    return un_model_import(path, known, model, origin, err);
}

unet_code unet_model_export(const unet_model *model, const char *path,
                            const unet_export_options *options, unet_error *err)
{
    if (!model || !path)
        return missing(err, !model ? "model" : "path");
    return un_model_export(model, path, options, err);
}

unet_code unet_model_adapt(const unet_model *from, int in_channels, int classes, uint64_t seed,
                           unet_model **model, int *taken, unet_error *err)
{
    if (!from || !model)
        return missing(err, !from ? "from" : "model");
    return un_model_adapt(from, in_channels, classes, seed, model, taken, err);
}

unet_code unet_spec_cost(const unet_spec *spec, int height, int width, int batch, unet_cost *cost,
                         unet_layer *layers, int *layer_count, unet_error *err)
{
    if (!spec || !cost || (layers && !layer_count))
        return missing(err, !spec ? "spec" : !cost ? "cost" : "layer_count");
    return un_spec_cost(spec, height, width, batch, cost, layers, layer_count, err);
}

/* ---- images ---- */

unet_code unet_image_read(const char *path, unet_image *image, unet_error *err)
{
    if (!path || !image)
        return missing(err, !path ? "path" : "image");
    return un_image_read(path, image, err);
}

unet_code unet_image_write(const char *path, const unet_image *image, unet_error *err)
{
    if (!path || !image || !image->data)
        return missing(err, !path ? "path" : "image");
    return un_image_write(path, image, err);
}

int unet_image_name(const char *path)
{
    return path && un_image_name(path);
}

unet_code unet_source_open(const char *path, unet_source **source, unet_error *err)
{
    if (!path || !source)
        return missing(err, !path ? "path" : "source");
    return un_source_open(path, source, err);
}

void unet_source_close(unet_source *source)
{
    un_source_close(source);
}

int unet_source_pages(const unet_source *source)
{
    return source->pages;
}

const char *unet_source_note(const unet_source *source)
{
    return source->note;
}

unet_code unet_source_page(unet_source *source, int page, unet_page *what, unet_error *err)
{
    struct un_page found;
    if (!source || !what)
        return missing(err, !source ? "source" : "what");
    unet_code code = un_source_page(source, page, &found, err);
    if (!code)
        un_page_describe(&found, what);
    return code;
}

unet_code unet_source_read(unet_source *source, int page, int top, int rows, void *samples,
                           unet_error *err)
{
    struct un_page found;
    if (!source || !samples)
        return missing(err, !source ? "source" : "samples");
    unet_code code = un_source_page(source, page, &found, err);
    const struct un_rect rect = {top, 0, rows, un_page_upright_width(&found)};
    return code ? code : un_source_read(source, page, &found, rect, samples, err);
}

unet_code unet_writer_open(const char *path, uint64_t bytes, unet_writer **writer, unet_error *err)
{
    if (!path || !writer)
        return missing(err, !path ? "path" : "writer");
    return un_sink_open(path, bytes, writer, err);
}

static struct un_sink_page sink_page(const unet_writer_page *page)
{
    struct un_sink_page made = {.height = page->height,
                                .width = page->width,
                                .channels = page->channels,
                                .kind = page->sample == UNET_F32 ? UN_FLOAT : UN_UINT,
                                .bytes = (int)un_sample_bytes(page->sample),
                                .planar = page->planar,
                                .palette = page->colors,
                                .colors = page->color_count,
                                .pixel_height = page->pixel_height,
                                .pixel_width = page->pixel_width};
    snprintf(made.unit, sizeof made.unit, "%.*s", (int)sizeof page->unit, page->unit);
    return made;
}

unet_code unet_writer_begin(unet_writer *writer, const unet_writer_page *page, unet_error *err)
{
    if (!writer || !page)
        return missing(err, !writer ? "writer" : "page");
    if (page->colors && (page->color_count < 1 || page->color_count > 256))
        return un_fail(err, UNET_EINVAL, "%d colours, 1 to 256 wanted", page->color_count);
    const struct un_sink_page wanted = sink_page(page);
    return un_sink_page(writer, &wanted, err);
}

unet_code unet_writer_rows(unet_writer *writer, const void *samples, int rows, unet_error *err)
{
    if (!writer || !samples)
        return missing(err, !writer ? "writer" : "samples");
    return un_sink_rows(writer, samples, rows, err);
}

unet_code unet_writer_commit(unet_writer *writer, unet_error *err)
{
    return writer ? un_sink_commit(writer, err) : missing(err, "writer");
}

void unet_writer_abort(unet_writer *writer)
{
    un_sink_abort(writer);
}

uint64_t unet_writer_bytes(const char *path, const unet_writer_page *page)
{
    const struct un_sink_page wanted = sink_page(page);
    return un_sink_working(path, &wanted);
}

unet_code unet_npy_write(const char *path, const float *data, int dims, const int *shape,
                         unet_error *err)
{
    if (!path || !data || !shape)
        return missing(err, !path ? "path" : !data ? "data" : "shape");
    return un_npy_write(path, data, dims, shape, err);
}

void unet_image_release(unet_image *image)
{
    if (!image)
        return;
    free(image->data);
    *image = (unet_image){0};
}

unet_code unet_mask_write(const char *path, const uint8_t *mask, int height, int width,
                          const uint8_t (*colors)[3], int color_count, unet_error *err)
{
    if (!path || !mask || !colors)
        return missing(err, !path ? "path" : !mask ? "mask" : "colors");
    if (height < 1 || width < 1 || color_count < 1 || color_count > 256)
        return un_fail(err, UNET_EINVAL, "%s: a mask of %d x %d with %d colours, 1 to 256 wanted",
                       path, height, width, color_count);
    return un_mask_write(path, mask, height, width, colors, color_count, err);
}

unet_code unet_overlay(const unet_image *image, const uint8_t *mask, const uint8_t (*colors)[3],
                       int color_count, float opacity, unet_image *overlay, unet_error *err)
{
    if (!image || !mask || !colors || !overlay)
        return missing(err, !image ? "image" : !mask ? "mask" : !colors ? "colors" : "overlay");
    if (color_count < 1 || color_count > 256)
        return un_fail(err, UNET_EINVAL, "%d colours, 1 to 256 wanted", color_count);
    return un_overlay(image, mask, colors, color_count, opacity, overlay, err);
}

unet_code unet_overlay_range(unet_source *source, int page, float range[2], unet_error *err)
{
    if (!source || !range)
        return missing(err, !source ? "source" : "range");
    return un_overlay_range(source, page, range, err);
}

unet_code unet_overlay_rows(const unet_image *image, const uint8_t *mask, const uint8_t *above,
                            const uint8_t *below, const uint8_t (*colors)[3], int color_count,
                            float opacity, const float range[2], uint8_t *rgb, unet_error *err)
{
    if (!image || !mask || !colors || !range || !rgb)
        return missing(err, !image    ? "image"
                            : !mask   ? "mask"
                            : !colors ? "colors"
                            : !range  ? "range"
                                      : "rgb");
    if (color_count < 1 || color_count > 256)
        return un_fail(err, UNET_EINVAL, "%d colours, 1 to 256 wanted", color_count);
    const struct un_overlay overlay = {.image = image,
                                       .mask = mask,
                                       .above = above,
                                       .below = below,
                                       .colors = colors,
                                       .color_count = color_count,
                                       .opacity = opacity,
                                       .range = {range[0], range[1]}};
    return un_overlay_draw(&overlay, rgb, err);
}

/* ---- prediction ---- */

unet_code unet_session_create(const unet_model *model, const unet_session_options *options,
                              unet_session **session, unet_error *err)
{
    if (!model || !session)
        return missing(err, !model ? "model" : "session");
    return un_session_create(model, options, session, err);
}

void unet_session_free(unet_session *session)
{
    un_session_free(session);
}

size_t unet_session_bytes(const unet_session *session)
{
    return un_session_bytes(session);
}

unet_code unet_predict_all(unet_session *session, const unet_image *image,
                           const unet_answers *answers, unet_error *err)
{
    if (!session || !image || !image->data || !answers)
        return missing(err, !session ? "session" : !image || !image->data ? "image" : "answers");
    if (!answers->mask && !answers->logits && !answers->probabilities)
        return missing(err, "every answer");
    unet_code code = un_session_check(session, image->sample, image->prepared, NULL, err);
    return code ? code : un_session_predict(session, image, NULL, answers, err);
}

unet_code unet_predict(unet_session *session, const unet_image *image, uint8_t *mask,
                       unet_error *err)
{
    return unet_predict_all(session, image, &(unet_answers){.mask = mask}, err);
}

unet_code unet_predict_logits(unet_session *session, const unet_image *image, float *logits,
                              unet_error *err)
{
    return unet_predict_all(session, image, &(unet_answers){.logits = logits}, err);
}

unet_code unet_predict_probabilities(unet_session *session, const unet_image *image,
                                     float *probabilities, unet_error *err)
{
    return unet_predict_all(session, image, &(unet_answers){.probabilities = probabilities}, err);
}

unet_code unet_predict_stream(unet_session *session, unet_source *source, int page,
                              const unet_stream *stream, unet_error *err)
{
    if (!session || !source || !stream || !stream->band)
        return missing(err, !session ? "session" : !source ? "source" : "band function");
    unet_page what;
    unet_code code = unet_source_page(source, page, &what, err);
    if (!code)
        code = un_session_check(session, what.sample, what.prepared, source->name, err);
    return code ? code : un_session_stream(session, source, page, stream, err);
}

unet_code unet_plan_memory(const unet_model *model, const unet_session_options *options,
                           const unet_page *page, const unet_stream *stream, uint64_t limit,
                           unet_memory_plan *plan, unet_error *err)
{
    if (!model || !page || !stream || !plan)
        return missing(err, !model ? "model" : !page ? "page" : !stream ? "stream" : "plan");
    const unet_session_options none = {0};
    return un_stream_plan(model, options ? options : &none, page, stream, limit, plan, err);
}

/* ---- objects ---- */

unet_code unet_objects_create(const unet_objects_options *options, int height, int width,
                              int classes, unet_objects **objects, unet_error *err)
{
    const unet_objects_options none = {0};
    if (!objects)
        return missing(err, "objects");
    return un_objects_create(options ? options : &none, height, width, classes, objects, err);
}

void unet_objects_free(unet_objects *objects)
{
    un_objects_free(objects);
}

unet_code unet_objects_add(unet_objects *objects, const unet_band *band, unet_error *err)
{
    if (!objects || !band || !band->mask)
        return missing(err, !objects ? "objects" : !band ? "band" : "the band's mask");
    return un_objects_add(objects, band, err);
}

unet_code unet_objects_finish(unet_objects *objects, unet_error *err)
{
    if (!objects)
        return missing(err, "objects");
    return un_objects_finish(objects, err);
}

size_t unet_objects_count(const unet_objects *objects)
{
    return objects->finished ? objects->sums.count : 0;
}

size_t unet_objects_left_whole(const unet_objects *objects)
{
    return objects->left_whole;
}

unet_code unet_objects_get(const unet_objects *objects, size_t i, unet_object *object,
                           unet_error *err)
{
    if (!objects || !object)
        return missing(err, !objects ? "objects" : "object");
    if (i >= unet_objects_count(objects))
        return un_fail(err, UNET_EINVAL, "object %zu of %zu", i, unet_objects_count(objects));
    un_objects_get(objects, i, object);
    return UNET_OK;
}

unet_code unet_objects_rows(unet_objects *objects, int top, int rows, uint32_t *ids,
                            unet_error *err)
{
    if (!objects || !ids)
        return missing(err, !objects ? "objects" : "ids");
    if (!objects->finished)
        return un_fail(err, UNET_EINVAL, "the objects are not finished");
    if (top < 0 || rows < 0 || top > objects->height || rows > objects->height - top)
        return un_fail(err, UNET_EINVAL, "%d rows from row %d of %d", rows, top, objects->height);
    return un_objects_rows(objects, top, rows, ids, err);
}

/* Whether objects can be written to path. */
static unet_code check_written(const unet_objects *objects, const char *path, unet_error *err)
{
    if (!objects || !path)
        return missing(err, !objects ? "objects" : "path");
    if (!objects->finished)
        return un_fail(err, UNET_EINVAL, "%s: the objects are not finished", path);
    return UNET_OK;
}

unet_code unet_objects_write_ids(unet_objects *objects, const char *path, unet_error *err)
{
    unet_code code = check_written(objects, path, err);
    return code ? code : un_objects_write_ids(objects, path, err);
}

unet_code unet_objects_write_csv(const unet_objects *objects, const char *path,
                                 const char *const *class_names, unet_error *err)
{
    unet_code code = check_written(objects, path, err);
    return code ? code : un_objects_write_csv(objects, path, class_names, err);
}

unet_code unet_table_open(const char *path, const unet_table_options *options, unet_table **table,
                          unet_error *err)
{
    if (!path || !options || !table)
        return missing(err, !path ? "path" : !options ? "options" : "table");
    return un_table_open(path, options, table, err);
}

unet_code unet_table_add(unet_table *table, const unet_objects *objects, const char *image,
                         int page, unet_error *err)
{
    if (!table)
        return missing(err, "table");
    unet_code code = check_written(objects, image ? image : "objects", err);
    return code ? code : un_table_add(table, objects, image, page, err);
}

unet_code unet_table_commit(unet_table *table, unet_error *err)
{
    return table ? un_table_commit(table, err) : missing(err, "table");
}

void unet_table_abort(unet_table *table)
{
    un_table_abort(table);
}

unet_code unet_objects_overlay(unet_objects *objects, int top, const unet_image *image,
                               const uint8_t (*colors)[3], int color_count, float opacity,
                               const float range[2], uint8_t *rgb, unet_error *err)
{
    unet_code code = check_written(objects, "overlay", err);
    if (code)
        return code;
    if (!image || !colors || !range || !rgb)
        return missing(err, !image ? "image" : !colors ? "colors" : !range ? "range" : "rgb");
    if (top < 0 || image->height < 1 || image->height > objects->height - top ||
        image->width != objects->width)
        return un_fail(err, UNET_EINVAL, "%d x %d pixels from row %d, the objects have %d x %d",
                       image->height, image->width, top, objects->height, objects->width);
    if (color_count < objects->classes || color_count > 256)
        return un_fail(err, UNET_EINVAL, "%d colours, %d to 256 wanted", color_count,
                       objects->classes);
    struct un_overlay overlay = {.image = image,
                                 .colors = colors,
                                 .color_count = color_count,
                                 .opacity = opacity,
                                 .range = {range[0], range[1]}};
    return un_objects_overlay(objects, top, &overlay, rgb, err);
}

unet_code unet_objects_write_rois(unet_objects *objects, const char *path, unet_error *err)
{
    unet_code code = check_written(objects, path, err);
    return code ? code : un_objects_write_rois(objects, path, err);
}

/* ---- data sets ---- */

/* The coding that options ask for (of_model has room for it), or NULL: one is to be found. */
static const struct un_coding *given_coding(const unet_dataset_options *options,
                                            unet_dataset_options *wanted,
                                            struct un_coding *of_model)
{
    *wanted = options ? *options : (unet_dataset_options){.ignore = -1};
    if (wanted->like)
        return &wanted->like->coding;
    if (wanted->model && wanted->model->trained) {
        *of_model = un_model_coding(wanted->model);
        return of_model;
    }
    if (wanted->model && wanted->classes == 0 && !wanted->labels)
        wanted->classes = unet_model_labels(wanted->model);
    return NULL;
}

unet_code unet_dataset_open(const char *images, const char *masks,
                            const unet_dataset_options *options, unet_dataset **dataset,
                            unet_error *err)
{
    if (!images || !masks || !dataset)
        return missing(err, !images ? "images" : !masks ? "masks" : "dataset");
    unet_dataset_options wanted;
    struct un_coding of_model;
    const struct un_coding *coding = given_coding(options, &wanted, &of_model);
    const unet_model *model = wanted.model;
    unet_dataset *made;
    unet_code code = un_dataset_open(images, masks, &wanted, coding, &made, err);
    if (code)
        return code;
    if (model && model->trained && made->coding.labels > unet_model_labels(model)) {
        code = un_fail(err, UNET_EINVAL, "%s: %d classes, the model has %d", masks,
                       made->coding.labels, unet_model_labels(model));
        un_dataset_free(made);
        return code;
    }
    *dataset = made;
    return UNET_OK;
}

unet_code unet_dataset_split(unet_dataset *dataset, double share, uint64_t seed,
                             unet_dataset **held_out, unet_error *err)
{
    if (!dataset || !held_out)
        return missing(err, !dataset ? "dataset" : "held_out");
    return un_dataset_split(dataset, share, seed, held_out, err);
}

unet_code unet_dataset_fold(unet_dataset *dataset, int fold, int folds, uint64_t seed,
                            unet_dataset **held_out, unet_error *err)
{
    if (!dataset || !held_out)
        return missing(err, !dataset ? "dataset" : "held_out");
    return un_dataset_fold(dataset, fold, folds, seed, held_out, err);
}

const uint32_t *unet_dataset_objects(const unet_dataset *dataset, int i)
{
    return i < 0 || i >= dataset->count ? NULL : dataset->pairs[i].objects;
}

void unet_dataset_free(unet_dataset *dataset)
{
    un_dataset_free(dataset);
}

int unet_dataset_count(const unet_dataset *dataset)
{
    return dataset->count;
}

int unet_dataset_channels(const unet_dataset *dataset)
{
    return dataset->channels;
}

int unet_dataset_labels(const unet_dataset *dataset)
{
    return dataset->coding.labels;
}

const char *unet_dataset_coding_text(const unet_dataset *dataset)
{
    return dataset->coding_text;
}

const char *unet_dataset_pairing_text(const unet_dataset *dataset)
{
    return dataset->rule;
}

const char *unet_dataset_left_out(const unet_dataset *dataset)
{
    return dataset->left_out;
}

const unet_image *unet_dataset_image(const unet_dataset *dataset, int i, const uint8_t **mask,
                                     const char **name)
{
    if (i < 0 || i >= dataset->count)
        return NULL;
    const struct un_sample_pair *pair = &dataset->pairs[i];
    if (mask)
        *mask = pair->mask;
    if (name)
        *name = pair->name;
    return &pair->image;
}

/* ---- a look at the data ---- */

unet_code unet_survey_open(const char *images, const char *masks,
                           const unet_dataset_options *options,
                           int (*progress)(void *context, int done, int count), void *context,
                           unet_survey **survey, unet_error *err)
{
    if (!images || !masks || !survey)
        return missing(err, !images ? "images" : !masks ? "masks" : "survey");
    unet_dataset_options wanted;
    struct un_coding of_model;
    const struct un_coding *coding = given_coding(options, &wanted, &of_model);
    return un_survey_open(images, masks, &wanted, coding, progress, context, survey, err);
}

unet_code unet_survey_dataset(const unet_dataset *dataset, unet_survey **survey, unet_error *err)
{
    if (!dataset || !survey)
        return missing(err, !dataset ? "dataset" : "survey");
    return un_survey_dataset(dataset, survey, err);
}

void unet_survey_free(unet_survey *survey)
{
    un_survey_free(survey);
}

const unet_survey_facts *unet_survey_all(const unet_survey *survey)
{
    return &survey->facts;
}

const unet_survey_pair *unet_survey_at(const unet_survey *survey, int i)
{
    return i < 0 || i >= survey->files.count ? NULL : &survey->items[i].seen;
}

int unet_survey_findings(const unet_survey *survey)
{
    return survey->finding_count;
}

const unet_finding *unet_survey_finding(const unet_survey *survey, int i)
{
    return i < 0 || i >= survey->finding_count ? NULL : &survey->findings[i].shown;
}

unet_code unet_survey_picture(const unet_survey *survey, int i, int side,
                              const uint8_t (*colors)[3], int color_count, unet_image *image,
                              unet_image *overlay, unet_error *err)
{
    if (!survey || !colors || !image || !overlay)
        return missing(err, !survey ? "survey" : !colors ? "colors" : !image ? "image" : "overlay");
    return un_survey_picture(survey, i, side, colors, color_count, image, overlay, err);
}

/* ---- training ---- */

unet_train_options unet_train_options_default(const unet_spec *spec)
{
    return un_train_options_default(spec);
}

unet_code unet_train_options_check(const unet_train_options *options, const unet_spec *spec,
                                   unet_error *err)
{
    if (!options || !spec)
        return missing(err, !options ? "options" : "spec");
    unet_code code = un_spec_check(spec, err);
    if (code)
        return code;
    return un_train_options_check(options, spec, spec->classes > 1 ? spec->classes : 2, err);
}

unet_code unet_augment_draw(const unet_dataset *dataset, int i, const unet_train_options *options,
                            int sample, int side, unet_image *tile, uint8_t *labels, float *weights,
                            unet_error *err)
{
    if (!dataset || !options || !tile)
        return missing(err, !dataset ? "dataset" : !options ? "options" : "tile");
    return un_preview_draw(dataset, i, options, sample, side, tile, labels, weights, err);
}

unet_code unet_trainer_create(unet_model *model, const unet_dataset *dataset,
                              const unet_train_options *options, unet_trainer **trainer,
                              unet_error *err)
{
    if (!model || !dataset || !options || !trainer)
        return missing(err, !model     ? "model"
                            : !dataset ? "dataset"
                            : !options ? "options"
                                       : "trainer");
    return un_trainer_create(model, dataset, options, trainer, err);
}

void unet_trainer_free(unet_trainer *trainer)
{
    un_trainer_free(trainer);
}

unet_code unet_trainer_step(unet_trainer *trainer, double *loss, unet_error *err)
{
    if (!trainer)
        return missing(err, "trainer");
    return un_trainer_step(trainer, loss, err);
}

unet_trainer_facts unet_trainer_all(const unet_trainer *trainer)
{
    return trainer ? un_trainer_all(trainer) : (unet_trainer_facts){0};
}

unet_code unet_trainer_save(const unet_trainer *trainer, const char *path, unet_error *err)
{
    if (!trainer || !path)
        return missing(err, !trainer ? "trainer" : "path");
    return un_checkpoint_write(trainer, NULL, NULL, path, err);
}

unet_code unet_trainer_load(unet_trainer *trainer, const char *path, unet_error *err)
{
    if (!trainer || !path)
        return missing(err, !trainer ? "trainer" : "path");
    return un_checkpoint_read(trainer, NULL, NULL, path, err);
}

unet_code unet_train(const unet_train_job *job, const unet_train_options *options, unet_error *err)
{
    if (!job || !options || !job->model || !job->dataset)
        return missing(err, !job          ? "job"
                            : !options    ? "options"
                            : !job->model ? "job->model"
                                          : "job->dataset");
    return un_train(job, options, err);
}

/* ---- scores (the confusion matrix: scores/confusion.c) ---- */

unet_code unet_matches_add(unet_matches *matches, const uint32_t *predicted, const uint32_t *truth,
                           const uint8_t *mask, size_t count, unet_error *err)
{
    if (!matches || !predicted || !truth)
        return missing(err, !matches ? "matches" : !predicted ? "predicted" : "truth");
    return un_matches_add(matches, predicted, truth, mask, count, err);
}

void unet_matches_merge(unet_matches *matches, const unet_matches *more)
{
    un_matches_merge(matches, more);
}

unet_match_scores unet_matches_scores(const unet_matches *matches)
{
    return un_matches_scores(matches);
}

unet_code unet_partition_compare(const uint32_t *predicted, const uint32_t *truth, size_t count,
                                 int singles, unet_partition *partition, unet_error *err)
{
    if (!predicted || !truth || !partition)
        return missing(err, !predicted ? "predicted" : !truth ? "truth" : "partition");
    return un_partition_compare(predicted, truth, count, singles != 0, partition, err);
}

static unet_code check_plane(int height, int width, int connectivity, unet_error *err)
{
    if (height < 1 || width < 1)
        return un_fail(err, UNET_EINVAL, "%d x %d pixels; at least one wanted", height, width);
    if (connectivity != 4 && connectivity != 8)
        return un_fail(err, UNET_EINVAL, "connectivity %d; 4 or 8 wanted", connectivity);
    return UNET_OK;
}

unet_code unet_parts(const uint8_t *mask, int height, int width, int label, int connectivity,
                     uint32_t *ids, uint32_t *parts, unet_error *err)
{
    if (!mask || !ids)
        return missing(err, !mask ? "mask" : "ids");
    unet_code code = check_plane(height, width, connectivity, err);
    if (code)
        return code;
    struct un_plane plane = {height, width, connectivity};
    return un_score_parts(&plane, mask, label, ids, parts, err);
}

unet_code unet_warp(const uint8_t *predicted, const uint8_t *truth, int height, int width,
                    int connectivity, int distance, uint8_t *warped, uint64_t *wrong,
                    unet_error *err)
{
    if (!predicted || !truth || !wrong)
        return missing(err, !predicted ? "predicted" : !truth ? "truth" : "wrong");
    unet_code code = check_plane(height, width, connectivity, err);
    if (code)
        return code;
    if (distance < 0)
        return un_fail(err, UNET_EINVAL, "distance %d; 0 or more wanted", distance);
    struct un_plane plane = {height, width, connectivity};
    return un_warp(&plane, predicted, truth, distance, warped, wrong, err);
}

unet_code unet_boundary_scores(const float *inside, const uint8_t *truth, int height, int width,
                               const unet_boundary_options *options, unet_boundary *rows,
                               unet_error *err)
{
    if (!inside || !truth || !rows)
        return missing(err, !inside ? "inside" : !truth ? "truth" : "rows");
    struct un_plane plane = {height, width, 4};
    if (options && options->connectivity)
        plane.connectivity = options->connectivity;
    unet_code code = check_plane(height, width, plane.connectivity, err);
    if (code)
        return code;
    if (options && options->distance < 0)
        return un_fail(err, UNET_EINVAL, "distance %d; 0 or more wanted", options->distance);
    return un_boundary_scores(&plane, inside, truth, options ? options->distance : 0, rows, err);
}

unet_code unet_bootstrap(int count, int resamples, uint64_t seed,
                         double (*statistic)(void *context, const int *times, int count),
                         void *context, double interval[2], unet_error *err)
{
    if (!statistic || !interval)
        return missing(err, !statistic ? "statistic" : "interval");
    if (count < 0 || resamples < 1)
        return un_fail(err, UNET_EINVAL, "%d images, %d resamples; 0 or more, 1 or more wanted",
                       count, resamples);
    return un_bootstrap(count, resamples, seed, statistic, context, interval, err);
}

/* ---- the machine ---- */

const char *unet_isa(void)
{
    return un_cpu_isa();
}

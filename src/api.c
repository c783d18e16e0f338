/* SPDX-License-Identifier: Apache-2.0 */
/* api.c - the public functions of unet.h: networks, images, prediction, data sets, training.  Each
 * checks its arguments, then makes one call into the layers below. */
#include "api.h"

#include "data/set/dataset.h"
#include "image/samples.h"
#include "predict/session.h"
#include "train/loop.h"

void unet_spec_init(unet_spec *spec, size_t size)
{
    const unet_spec own = un_spec_default();
    un_give(spec, size, &own, sizeof own);
}

unet_code unet_model_create(const unet_spec *spec, uint64_t seed, unet_model **model,
                            unet_error *err)
{
    if (!spec || !model)
        return un_missing(err, !spec ? "spec" : "model");
    unet_model *made;
    unet_spec own;
    unet_code code = un_take_spec(spec, &own, err);
    if (code || (code = un_model_new(&own, &made, err)))
        return code;
    un_model_init(made, seed);
    *model = made;
    return UNET_OK;
}

unet_code unet_model_load(const char *path, unet_model **model, unet_error *err)
{
    if (!path || !model)
        return un_missing(err, !path ? "path" : "model");
    return un_model_read(path, model, err);
}

unet_code unet_model_save(const unet_model *model, const char *path, unet_error *err)
{
    if (!model || !path)
        return un_missing(err, !model ? "model" : "path");
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

void unet_model_copy_spec(const unet_model *model, unet_spec *copy, size_t size)
{
    un_give(copy, size, &model->graph.spec, sizeof model->graph.spec);
}

int unet_model_labels(const unet_model *model)
{
    return un_model_labels(model);
}

const char *unet_model_class(const unet_model *model, int label, uint8_t rgb[3])
{
    return un_model_class(model, label, rgb);
}

unet_code unet_image_read(const char *path, unet_image *image, unet_error *err)
{
    if (!path || !image)
        return un_missing(err, !path ? "path" : "image");
    return un_image_read(path, image, err);
}

unet_code unet_image_write(const char *path, const unet_image *image, unet_error *err)
{
    if (!path || !image || !image->data)
        return un_missing(err, !path ? "path" : "image");
    if ((unsigned)image->sample > UNET_F32)
        return un_fail(err, UNET_EINVAL, "%s: no sample type of an image: %d", path,
                       (int)image->sample);
    return un_image_write(path, image, err);
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
        return un_missing(err, !path ? "path" : !mask ? "mask" : "colors");
    if (height < 1 || width < 1 || color_count < 1 || color_count > 256)
        return un_fail(err, UNET_EINVAL, "%s: a mask of %d x %d with %d colours, 1 to 256 wanted",
                       path, height, width, color_count);
    return un_mask_write(path, mask, height, width, colors, color_count, err);
}

unet_code unet_session_create(const unet_model *model, const unet_session_options *options,
                              unet_session **session, unet_error *err)
{
    if (!model || !session)
        return un_missing(err, !model ? "model" : "session");
    unet_session_options own;
    unet_code code = un_take_session_options(options, &own, err);
    return code ? code : un_session_create(model, &own, session, err);
}

void unet_session_free(unet_session *session)
{
    un_session_free(session);
}

size_t unet_session_bytes(const unet_session *session)
{
    return un_session_bytes(session);
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

unet_code un_given_coding(const unet_dataset_options *options, unet_dataset_options *wanted,
                          struct un_coding *of_model, const struct un_coding **coding,
                          unet_error *err)
{
    unet_code code = un_take_dataset_options(options, wanted, err);
    if (code)
        return code;
    *coding = NULL;
    if (!wanted->channels && wanted->like)
        wanted->channels = wanted->like->channels_text;
    else if (!wanted->channels && wanted->model)
        wanted->channels = wanted->model->channels;
    if (wanted->like) {
        *coding = &wanted->like->coding;
    } else if (wanted->model && wanted->model->trained) {
        *of_model = un_model_coding(wanted->model);
        *coding = of_model;
    } else if (wanted->model && wanted->classes == 0 && !wanted->labels) {
        wanted->classes = un_model_labels(wanted->model);
    }
    return UNET_OK;
}

unet_code un_hand_out(unet_dataset *made, const char *masks, const unet_model *model,
                      unet_dataset **dataset, unet_error *err)
{
    if (model && model->trained && made->coding.labels > un_model_labels(model)) {
        unet_code code = un_fail(err, UNET_EINVAL, "%s: %d classes, the model has %d", masks,
                                 made->coding.labels, un_model_labels(model));
        un_dataset_free(made);
        return code;
    }
    *dataset = made;
    return UNET_OK;
}

unet_code unet_dataset_open(const char *images, const char *masks,
                            const unet_dataset_options *options, unet_dataset **dataset,
                            unet_error *err)
{
    if (!images || !masks || !dataset)
        return un_missing(err, !images ? "images" : !masks ? "masks" : "dataset");
    unet_dataset_options wanted;
    struct un_coding of_model;
    const struct un_coding *coding;
    unet_dataset *made;
    unet_code code = un_given_coding(options, &wanted, &of_model, &coding, err);
    if (code || (code = un_dataset_open(images, masks, &wanted, coding, &made, err)))
        return code;
    return un_hand_out(made, masks, wanted.model, dataset, err);
}

unet_code unet_dataset_split(unet_dataset *dataset, double share, uint64_t seed,
                             unet_dataset **held_out, unet_error *err)
{
    if (!dataset || !held_out)
        return un_missing(err, !dataset ? "dataset" : "held_out");
    return un_dataset_split(dataset, share, seed, held_out, err);
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

unet_code unet_train(const unet_train_job *job, const unet_train_options *options, unet_error *err)
{
    if (!job || !options || !job->model || !job->dataset)
        return un_missing(err, !job          ? "job"
                               : !options    ? "options"
                               : !job->model ? "job->model"
                                             : "job->dataset");
    unet_train_job own_job;
    unet_train_options own;
    unet_code code = un_take_train_job(job, &own_job, err);
    if (code || (code = un_take_train_options(options, &own, err)))
        return code;
    return un_train(&own_job, &own, err);
}

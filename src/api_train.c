/* SPDX-License-Identifier: Apache-2.0 */
/* api_train.c - the public functions of unet_train.h: recipes and trainers.  Each checks its
 * arguments, then makes one call into the layers below. */
#include "api.h"

#include "train/checkpoint.h"
#include "train/feed.h"
#include "train/trainer.h"

unet_code unet_dataset_fold(unet_dataset *dataset, int fold, int folds, uint64_t seed,
                            unet_dataset **held_out, unet_error *err)
{
    if (!dataset || !held_out)
        return un_missing(err, !dataset ? "dataset" : "held_out");
    return un_dataset_fold(dataset, fold, folds, seed, held_out, err);
}

const char *unet_dataset_fill_text(const unet_dataset *dataset)
{
    return dataset->fill_text;
}

const uint32_t *unet_dataset_objects(const unet_dataset *dataset, int i)
{
    return i < 0 || i >= dataset->count ? NULL : dataset->pairs[i].objects;
}

void unet_dataset_class_pixels(const unet_dataset *dataset, uint64_t pixels[UNET_MAX_CLASSES])
{
    un_dataset_class_pixels(dataset, pixels);
}

void unet_train_options_init(unet_train_options *options, size_t size, const unet_spec *spec)
{
    const unet_train_options own = un_train_options_default(spec);
    un_give(options, size, &own, sizeof own);
}

unet_code unet_train_options_check(const unet_train_options *options, const unet_spec *spec,
                                   unet_error *err)
{
    if (!options || !spec)
        return un_missing(err, !options ? "options" : "spec");
    unet_spec own_spec;
    unet_train_options own;
    unet_code code = un_take_spec(spec, &own_spec, err);
    if (code || (code = un_spec_check(&own_spec, err)) ||
        (code = un_take_train_options(options, &own, err)))
        return code;
    return un_train_options_check(&own, &own_spec, own_spec.classes > 1 ? own_spec.classes : 2,
                                  err);
}

unet_code unet_train_bytes(const unet_spec *spec, const unet_train_options *options, int side,
                           size_t *bytes, unet_error *err)
{
    if (!spec || !options || !bytes)
        return un_missing(err, !spec ? "spec" : !options ? "options" : "bytes");
    unet_spec own_spec;
    unet_train_options own;
    unet_code code = un_take_spec(spec, &own_spec, err);
    if (code || (code = un_take_train_options(options, &own, err)))
        return code;
    return un_train_bytes(&own_spec, &own, side, bytes, err);
}

unet_code unet_augment_draw(const unet_dataset *dataset, int i, const unet_train_options *options,
                            int sample, int side, unet_image *tile, uint8_t *labels, float *weights,
                            unet_error *err)
{
    if (!dataset || !options || !tile)
        return un_missing(err, !dataset ? "dataset" : !options ? "options" : "tile");
    unet_train_options own;
    unet_code code = un_take_train_options(options, &own, err);
    if (code)
        return code;
    return un_preview_draw(dataset, i, &own, sample, side, tile, labels, weights, err);
}

unet_code unet_trainer_create(unet_model *model, const unet_dataset *dataset,
                              const unet_train_options *options, unet_trainer **trainer,
                              unet_error *err)
{
    if (!model || !dataset || !options || !trainer)
        return un_missing(err, !model     ? "model"
                               : !dataset ? "dataset"
                               : !options ? "options"
                                          : "trainer");
    unet_train_options own;
    unet_code code = un_take_train_options(options, &own, err);
    return code ? code : un_trainer_create(model, dataset, &own, NULL, trainer, err);
}

void unet_trainer_free(unet_trainer *trainer)
{
    un_trainer_free(trainer);
}

unet_code unet_trainer_step(unet_trainer *trainer, double *loss, unet_error *err)
{
    if (!trainer)
        return un_missing(err, "trainer");
    return un_trainer_step(trainer, loss, err);
}

unet_trainer_facts unet_trainer_all(const unet_trainer *trainer)
{
    return trainer ? un_trainer_all(trainer) : (unet_trainer_facts){0};
}

unet_code unet_trainer_save(const unet_trainer *trainer, const char *path, unet_error *err)
{
    if (!trainer || !path)
        return un_missing(err, !trainer ? "trainer" : "path");
    return un_checkpoint_write(trainer, NULL, NULL, path, err);
}

unet_code unet_trainer_load(unet_trainer *trainer, const char *path, unet_error *err)
{
    if (!trainer || !path)
        return un_missing(err, !trainer ? "trainer" : "path");
    return un_checkpoint_read(trainer, NULL, NULL, path, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* api_embed.c - the public functions of unet_embed.h: data in a program's own arrays, notes, and a
 * stop from another thread.  Each checks its arguments, then makes one call into the layers below.
 */
#include "unet_embed.h"

#include "api.h"

#include "base/hooks.h"
#include "data/set/dataset.h"
#include "predict/session.h"
#include "train/trainer.h"

unet_view unet_view_of(const unet_image *image)
{
    return image ? un_view_of(image) : (unet_view){0};
}

unet_code unet_predict_view(unet_session *session, const unet_view *image,
                            const unet_answers *answers, unet_error *err)
{
    if (!session || !image || !answers)
        return un_missing(err, !session ? "session" : !image ? "image" : "answers");
    unet_answers own;
    unet_code code = un_take_answers(answers, &own, err);
    if (code)
        return code;
    if (!own.mask && !own.logits && !own.probabilities)
        return un_missing(err, "every answer");
    if ((code = un_view_check(*image, NULL, UNET_F32, err)) ||
        (code = un_session_check(session, image->sample, image->prepared, NULL, err)))
        return code;
    return un_session_predict(session, *image, NULL, &own, err);
}

static unet_code pair_of_array(void *context, int i, unet_pair *pair, unet_error *err)
{
    (void)err;
    *pair = ((const unet_pair *)context)[i];
    return UNET_OK;
}

unet_code unet_dataset_from_arrays(const unet_pair *pairs, int count,
                                   const unet_dataset_options *options, unet_dataset **dataset,
                                   unet_error *err)
{
    if (!pairs)
        return un_missing(err, "pairs");
    return unet_dataset_from_function(count, pair_of_array, (void *)pairs, options, dataset, err);
}

unet_code unet_dataset_from_function(
    int count, unet_code (*pair)(void *context, int i, unet_pair *pair, unet_error *err),
    void *context, const unet_dataset_options *options, unet_dataset **dataset, unet_error *err)
{
    if (!pair || !dataset)
        return un_missing(err, !pair ? "pair" : "dataset");
    if (count < 1)
        return un_fail(err, UNET_EINVAL, "%d images; 1 or more wanted", count);
    unet_dataset_options wanted;
    struct un_coding of_model;
    const struct un_coding *coding;
    unet_dataset *made;
    unet_code code = un_given_coding(options, &wanted, &of_model, &coding, err);
    if (code || (code = un_dataset_of_arrays(count, pair, context, &wanted, coding, &made, err)))
        return code;
    return un_hand_out(made, "masks", wanted.model, dataset, err);
}

unet_code unet_trainer_put(unet_trainer *trainer, int i, const unet_patch *patch, unet_error *err)
{
    if (!trainer || !patch || !patch->mask)
        return un_missing(err, !trainer ? "trainer" : !patch ? "patch" : "patch->mask");
    unet_patch own;
    unet_code code = un_take_patch(patch, &own, err);
    return code ? code : un_trainer_put(trainer, i, &own, err);
}

unet_code unet_trainer_copy(unet_trainer *trainer, unet_model **model, unet_error *err)
{
    if (!trainer || !model)
        return un_missing(err, !trainer ? "trainer" : "model");
    return un_trainer_copy(trainer, model, err);
}

void unet_cancel_init(unet_cancel *cancel)
{
    if (cancel)
        __atomic_store_n(&cancel->is_set, 0, __ATOMIC_RELAXED);
}

void unet_cancel_set(unet_cancel *cancel)
{
    if (cancel)
        __atomic_store_n(&cancel->is_set, 1, __ATOMIC_RELAXED);
}

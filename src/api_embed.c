/* SPDX-License-Identifier: Apache-2.0 */
/* api_embed.c - the public functions of unet_embed.h: data in a program's own arrays, notes, and a
 * stop from another thread.  Each checks its arguments, then makes one call into the layers below.
 */
#include "unet_embed.h"

#include "api.h"

#include "predict/session.h"

unet_view unet_view_of(const unet_image *image)
{
    return image ? un_view_of(image) : (unet_view){0};
}

unet_code unet_predict_view(unet_session *session, const unet_view *image,
                            const unet_answers *answers, unet_error *err)
{
    if (!session || !image || !answers)
        return un_missing(err, !session ? "session" : !image ? "image" : "answers");
    if (!answers->mask && !answers->logits && !answers->probabilities)
        return un_missing(err, "every answer");
    unet_code code = un_view_check(*image, NULL, UNET_F32, err);
    if (!code)
        code = un_session_check(session, image->sample, image->prepared, NULL, err);
    return code ? code : un_session_predict(session, *image, NULL, answers, err);
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

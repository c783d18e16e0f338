/* SPDX-License-Identifier: Apache-2.0 */
/* live_none.c - in place of the training until it is there: strokes are kept, nothing learns */
#include "shared/cli.h"
#include "studio/studio.h"

#define ABSENT __attribute__((weak))

ABSENT unet_code live_start(struct studio *studio, const struct live_options *options,
                            struct live **live, unet_error *err)
{
    (void)options;
    (void)err;
    *live = (struct live *)studio;
    return UNET_OK;
}

ABSENT void live_stop(struct live *live)
{
    (void)live;
}

ABSENT void live_train(struct live *live, int on)
{
    (void)live;
    (void)on;
}

ABSENT void live_changed(struct live *live, int image, struct studio_rect rect)
{
    (void)live;
    (void)image;
    (void)rect;
}

ABSENT void live_classes(struct live *live)
{
    (void)live;
}

ABSENT void live_looks_at(struct live *live, int image, struct studio_rect rect)
{
    (void)live;
    (void)image;
    (void)rect;
}

ABSENT long live_prediction(struct live *live, int image, int level, int x, int y, uint8_t *classes,
                            uint8_t *certainty)
{
    (void)live;
    (void)(image + level + x + y);
    (void)classes;
    (void)certainty;
    return 0;
}

ABSENT unet_code live_predict_now(struct live *live, int image, struct studio_rect rect,
                                  uint8_t *classes, uint8_t *certainty, unet_error *err)
{
    (void)live;
    (void)image;
    (void)rect;
    (void)classes;
    (void)certainty;
    return set_error(err, UNET_ESTOPPED, "there is no network yet");
}

ABSENT long live_predicted(struct live *live, int image)
{
    (void)live;
    (void)image;
    return 0;
}

ABSENT json_t *live_state(struct live *live)
{
    (void)live;
    return json_object();
}

ABSENT json_t *live_scores(struct live *live)
{
    (void)live;
    return json_object();
}

ABSENT int live_next(struct live *live, int after, const char **why)
{
    (void)live;
    (void)after;
    *why = "";
    return -1;
}

ABSENT unet_code live_export(struct live *live, const json_t *wishes, unet_error *err)
{
    (void)live;
    (void)wishes;
    return set_error(err, UNET_EINVAL, "there is no network yet");
}

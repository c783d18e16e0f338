/* SPDX-License-Identifier: Apache-2.0 */
/* model_values.c - whether an image has such values as those that a model was trained on */
#include "model/model.h"

#include <stdio.h>

#include "image/slides/slides.h"

unet_code un_model_check_values(const unet_model *model, unet_view image, double *distance,
                                char *text, size_t size, unet_error *err)
{
    const int channels = model->graph.spec.in_channels;
    struct un_values values;
    unet_code code = un_reading_check(image, NULL, channels, err);
    if (code || (code = un_view_check_finite(NULL, image, 0, model->scaling.fill, err)))
        return code;
    const struct un_reading reading = un_reading_of(image, channels, &model->scaling);
    if ((code = un_values_of(&reading, &values, err)))
        return code;
    *distance = un_values_distance(&model->seen, &values,
                                   image.prepared && model->scaling.per_image, text, size);
    return UNET_OK;
}

unet_code un_model_check_page(const unet_model *model, struct unet_source *source, int page,
                              double *distance, char *text, size_t size, unet_error *err)
{
    struct un_values values;
    struct un_page what;
    unet_code code = un_source_page(source, page, &what, err);
    if (code || (code = un_values_of_page(source, page, model->graph.spec.in_channels,
                                          &model->scaling, &values, err)))
        return code;
    *distance = un_values_distance(&model->seen, &values, what.prepared && model->scaling.per_image,
                                   text, size);
    return UNET_OK;
}

unet_code un_model_level(const unet_model *model, const char *slide, int *level, char *text,
                         size_t size, unet_error *err)
{
    const struct un_seen *seen = &model->seen;
    const enum un_size_kind kind = (enum un_size_kind)seen->size[0];
    struct un_size found;
    char here[40], least[40], most[40];
    unet_code code = un_slide_level(slide, kind, seen->size[1], seen->size[2], level, &found, err);
    if (code || !size)
        return code;
    un_size_text(found.kind, found.side, here, sizeof here);
    un_size_text(kind, seen->size[1], least, sizeof least);
    un_size_text(kind, seen->size[2], most, sizeof most);
    if (!found.kind)
        snprintf(text, size, "level 0: it does not tell how large its pixels are");
    else if (kind != UN_SIZE_LENGTH)
        snprintf(text, size,
                 "level 0, pixels of %s: the model does not know how large those of its training "
                 "were",
                 here);
    else if (seen->size[1] < seen->size[2])
        snprintf(text, size, "level %d, pixels of %s; in the training %s to %s", *level, here,
                 least, most);
    else
        snprintf(text, size, "level %d, pixels of %s; in the training %s", *level, here, least);
    return UNET_OK;
}
